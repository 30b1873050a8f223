"""Typed readers of a paper, and a folder of data and checks for each paper; nothing here knows of a run."""

from harness.papers.facts import PaperError
from harness.papers.loading import built_in_papers, load_paper
from harness.papers.paper import Paper

__all__ = ["Paper", "PaperError", "built_in_papers", "load_paper"]
