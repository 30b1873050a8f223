"""Where the time of an epoch goes: the input alone, the step alone, both together; the times of whole runs are in
`judging`.
"""
