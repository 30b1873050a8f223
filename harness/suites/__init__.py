"""Saved suites of runs side by side, as ratios with intervals; what one machine can do is in `measuring`."""
