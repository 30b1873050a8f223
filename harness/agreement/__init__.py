"""Whether two sets of trained runs are equivalent; whether two models are the same before training is in `parity`."""
