"""The harness: facts, data, training loop, records and verdicts. It holds no framework code."""
