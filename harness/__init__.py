"""Facts, data, the training loop, records and verdicts; no framework is imported here, that is done in `impls`."""
