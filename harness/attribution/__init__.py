"""Where the time of an epoch goes: the input alone, the step alone, both together, and what that says of a paper."""
