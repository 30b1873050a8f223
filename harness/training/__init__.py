"""The epoch loop with its schedule, budget, stop rules and metrics; processes and records of a run belong to `runs`."""
