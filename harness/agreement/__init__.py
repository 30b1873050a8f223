"""Are two sets of runs equivalent? Whether two models are the same before training is parity."""
