"""Saved suites of runs side by side. How fast one run is, `measuring` says."""
