"""The epoch loop, its rules, clocks and metrics."""
