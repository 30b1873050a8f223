"""A paper against itself: every finding is a predicate over facts, so that it changes where a fact changes."""

from __future__ import annotations

from harness.papers.finding import GRADES, Finding
from harness.papers.paper import Paper
from harness.papers.written_review import ReviewError


def audit(paper: Paper) -> tuple[Finding, ...]:
    """Return all findings, gravest grade first, within it by falling weight, then by name.

    Raises:
        ReviewError: If two findings share a name, or one of `review.toml` does not suit the paper.
    """
    found = [finding for predicate in paper.predicates for finding in predicate(paper)]
    found += paper.review.find(paper.facts, paper.variants)
    names = [finding.name for finding in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ReviewError(f"findings need names of their own; given twice: {', '.join(repeated)}")
    return tuple(sorted(found, key=lambda each: (GRADES.index(each.grade), -each.weight, each.name)))
