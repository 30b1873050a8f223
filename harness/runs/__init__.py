"""One run, or a planned suite of runs: its process, its parts, its record; the epoch loop is in `training`."""
