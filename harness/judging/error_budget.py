"""What a band is: what is expected of a quantity, and how far off a run may be, in parts that each have a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from harness.judging.patterns import DECLARED_DISTANCE, Confusion, few_recall_margins, sampling_distance
from harness.judging.verdicts import Scale, Unit
from harness.papers.declared_bands import Quantity

UNITS: Final[dict[Quantity, Unit]] = {"gap": "points", "seconds": "seconds", "epochs": "epochs"}
"""Of what is observed; others are in per cent."""


@dataclass(frozen=True)
class Part:
    """One part of an error budget: a fraction of `points`, a natural logarithm of `factor`. `seeds` is no part of the
    allowance: it is the most that the spread over seeds may ask for besides."""

    name: Literal["unsaid", "contradiction", "rounding", "seeds"]
    size: float
    reason: str


@dataclass(frozen=True)
class Band:
    """What the paper says of one quantity, and the allowance around it.

    Attributes:
        variant: Name without readings.
        quantity: What is judged.
        expected: What the paper lets expect, in its base unit: its value, where its figures contradict each other their
            middle; `inf` epochs where something never happened within the planned ones, 0.0 for a distance from a
            published matrix.
        expected_text: What the paper says first, and the middle if there is one, as people read it.
        reference: What runs are held against, for the end of a sentence: `the paper's 50 %`.
        place: Where the paper says so.
        facts: Names of the facts that it stands on, the headline first.
        scale: On which it is judged.
        parts: Of the allowance. Empty where nothing is judged.
        widest: The most that seeds may ask for beyond it; None where that is the scale's.
        unjudged: Why it is not judged, if it is not.
        threshold: Of the stop rule on accuracy, a fraction, for `reached` and a crossing.
        planned: Epochs that there are at most.
        confusion: The published matrix, for `recalls` and `pattern`: counts, a tuple a label.
    """

    variant: str
    quantity: Quantity
    expected: float
    expected_text: str
    reference: str
    place: str
    facts: tuple[str, ...]
    scale: Scale
    parts: tuple[Part, ...] = ()
    widest: Part | None = None
    unjudged: str | None = None
    threshold: float | None = None
    planned: int = 0
    confusion: tuple[tuple[int, ...], ...] | None = None

    @property
    def name(self) -> str:
        """Variant and quantity, joined by a dot."""
        return f"{self.variant}.{self.quantity}"

    @property
    def allowance(self) -> float:
        """Half the band, without anything for seeds."""
        return sum(part.size for part in self.parts)

    @property
    def matrix(self) -> Confusion:
        """The published matrix, counts, shape (7, 7), row = label.

        Raises:
            ValueError: If the band is of something else.
        """
        if self.confusion is None:
            raise ValueError(f"{self.name} is no band of a confusion matrix")
        return np.array(self.confusion, dtype=np.int64)

    @property
    def reason(self) -> str:
        """Why it is so wide, or why it is not judged, in a sentence or two."""
        reasons = [part.reason for part in self.parts if part.name == "unsaid"]
        return self.unjudged or " ".join(reasons + ([self.widest.reason] if self.widest else []))

    @property
    def few_text(self) -> str:
        """The limit with one or two seeds, beyond which is NOT_REPRODUCED and within INCONCLUSIVE; `–` if unjudged."""
        if self.unjudged:
            return "–"
        if self.quantity == "recalls":
            limits = [100 * (self.allowance + each) for each in few_recall_margins(self.matrix)]
            least, most = f"±{min(limits):.1f}", f"±{max(limits):.1f}"
            return f"{least} points" if least == most else f"{least} to {most} points, by class"
        if self.quantity == "pattern":
            chance = sampling_distance(self.matrix, 1)
            return f"{100 * (self.allowance + DECLARED_DISTANCE + chance):.1f} of 100 answers"
        return self._text(self.allowance + self.scale.declared_margin)

    @property
    def many_text(self) -> str:
        """The same with three seeds or more, without what their spread adds."""
        if self.unjudged:
            return "–"
        if self.quantity == "pattern":
            return f"{100 * self.allowance:.1f} of 100 answers, and our own seeds' distance"
        fold = f" ({math.exp(2 * self.allowance):.0f}-fold from end to end)" if self.quantity == "seconds" else ""
        widest = f", at most {self._text(self.widest.size)}" if self.widest else ""
        return f"{self._text(self.allowance)}{fold}, and t·s·√(1+1/k){widest}"

    def _text(self, size: float) -> str:
        if self.quantity != "reached":
            return self.scale.around(size) + (" points" if self.scale.kind == "points" else "")
        if self.scale.kind == "points":
            return f"at most {100 * size:.1f} points below at best"
        return f"not before epoch {self.planned * math.exp(-size):.0f}"

    @property
    def parts_text(self) -> str:
        """`unsaid 1.50, contradiction 0.08 points`."""
        if self.scale.kind == "points":
            return ", ".join(f"{part.name} {100 * part.size:.2f}" for part in self.parts) + " points"
        return ", ".join(f"{part.name} ×{math.exp(part.size):.3f}" for part in self.parts)
