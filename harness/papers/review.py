"""The paper against itself: every finding is a predicate over facts, so that it changes where a fact changes."""

from __future__ import annotations

import pkgutil
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.resources import files

from harness.papers.facts import Facts
from harness.papers.finding import GRADES, Finding
from harness.papers.jahangir2024 import review as findings
from harness.papers.variants import VARIANTS
from harness.papers.written_review import WrittenReview, read_review

Predicate = Callable[[Facts], Iterable[Finding]]
"""Yields nothing where the facts give no reason."""


def predicates() -> tuple[Predicate, ...]:
    """All predicates: `PREDICATES` of every module in `harness.papers.jahangir2024.review`."""
    # By name and late: these modules import this one.
    names = sorted(module.name for module in pkgutil.iter_modules(findings.__path__))
    collected: list[Predicate] = []
    for name in names:
        collected.extend(import_module(f"{findings.__name__}.{name}").PREDICATES)
    return (*collected, written)


@cache
def written_review() -> WrittenReview:
    """Findings that are data."""
    text = (files("harness.papers") / "jahangir2024" / "review.toml").read_text(encoding="utf-8")
    return read_review(tomllib.loads(text))


def written(paper: Facts) -> Iterator[Finding]:
    """Yield the findings that are data."""
    return written_review().find(paper, VARIANTS)


def audit(paper: Facts) -> tuple[Finding, ...]:
    """All findings, gravest grade first, within it by falling weight, then by name.

    Args:
        paper: What the paper reports.

    Raises:
        ValueError: If two findings share a name.
    """
    found = [finding for predicate in predicates() for finding in predicate(paper)]
    names = [finding.name for finding in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"findings need names of their own; given twice: {', '.join(repeated)}")
    return tuple(sorted(found, key=lambda each: (GRADES.index(each.grade), -each.weight, each.name)))
