"""The paper against itself: every finding is a predicate over facts, so that it changes where a fact changes."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal, get_args

from harness.papers.facts import Facts
from harness.papers.jahangir2024 import review as findings

Grade = Literal["impossible", "contradictory", "implausible", "unsupported", "unsaid"]
"""In this order of gravity. `impossible`: no experiment gives this number. `contradictory`: two statements, of the
paper or of a source named beside it, not both true. `implausible`: could be true, but would surprise. `unsupported`:
stated without what it would take to know it. `unsaid`: left out, though the result depends on it."""

GRADES: Final[tuple[Grade, ...]] = get_args(Grade)

Weight = Literal[3, 2, 1]
"""3: a conclusion of the paper falls; 2: a reported number falls; 1: a detail."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or missing, in what the paper reports.

    Attributes:
        name: Unique, words joined by hyphens: `fine-tune-answers-one-class`.
        grade: How grave it is.
        weight: How much hangs on it.
        statement: One or two sentences that a reviewer can quote, numbers formatted from facts.
        arithmetic: How it follows, line by line, numbers from facts.
        facts: Names of the facts it rests on.
        source: What it rests on outside the paper: the data set's counts, the literature, the peak of a GPU.
    """

    name: str
    grade: Grade
    weight: Weight
    statement: str
    arithmetic: str
    facts: tuple[str, ...]
    source: str | None = None


Predicate = Callable[[Facts], Iterable[Finding]]
"""Yields nothing where the facts give no reason."""


def predicates() -> tuple[Predicate, ...]:
    """All predicates: `PREDICATES` of every module in `harness.papers.jahangir2024.review`."""
    # By name and late: these modules import this one.
    names = sorted(module.name for module in pkgutil.iter_modules(findings.__path__))
    collected: list[Predicate] = []
    for name in names:
        collected.extend(import_module(f"{findings.__name__}.{name}").PREDICATES)
    return tuple(collected)


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
