"""What a review finds: one thing that is wrong, or missing, in what a paper reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Grade = Literal["impossible", "contradictory", "implausible", "unsupported", "unsaid"]
"""In this order of gravity. `impossible`: no experiment gives this number. `contradictory`: two statements, of the
paper or of a source named beside it, not both true. `implausible`: could be true, but would surprise. `unsupported`:
stated without what it would take to know it. `unsaid`: left out, though the result depends on it."""

GRADES: Final[tuple[Grade, ...]] = get_args(Grade)

Weight = Literal[3, 2, 1]
"""3: a conclusion of the paper falls; 2: a reported number falls; 1: a detail."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or missing, in what a paper reports.

    Attributes:
        name: Unique, words joined by hyphens: `accuracy-of-another-run`.
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
