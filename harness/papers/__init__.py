"""Typed readers of a paper, and a folder for each. Nothing here knows of a run."""
