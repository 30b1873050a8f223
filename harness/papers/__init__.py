"""Typed readers of a paper, and a folder of data and checks for each paper; nothing here knows of a run."""
