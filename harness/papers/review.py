"""A paper against itself: every finding is a predicate over facts, so that it changes where a fact changes."""

from __future__ import annotations

from harness.papers.finding import GRADES, Finding
from harness.papers.paper import Paper


def audit(paper: Paper) -> tuple[Finding, ...]:
    """Return all findings, gravest grade first, within it by falling weight, then by name.

    Raises:
        ValueError: If two findings share a name.
        ReviewError: If a finding of `review.toml` does not suit the paper.
    """
    found = [finding for predicate in paper.predicates for finding in predicate(paper)]
    found += paper.review.find(paper.facts, paper.variants)
    names = [finding.name for finding in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"findings need names of their own; given twice: {', '.join(repeated)}")
    return tuple(sorted(found, key=lambda each: (GRADES.index(each.grade), -each.weight, each.name)))
