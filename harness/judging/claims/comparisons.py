"""One thing compared over seeds: does a difference lie above 0, below it, or can that not be told yet?

Two variants are compared in one framework, seed by seed, on the same images: the differences are paired, and a t
interval tells how far their mean can be trusted. That two networks differ (McNemar) says nothing of two methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.statistics.intervals import LEVEL, Mean, mean_of
from harness.statistics.multiplicity import holm
from harness.statistics.seeds import MOST_SEEDS, SEEDS_NEEDED

Kind = Literal["holds", "fails", "open"]
Shown = Callable[[float], str]


def points(value: float) -> str:
    """A difference of two fractions: `+1.23 points`."""
    return f"{100 * value:+.2f} points".replace("-", "−")


def number(value: float) -> str:
    """A difference of anything else: `+1.23`."""
    return f"{value:+.2f}".replace("-", "−")


def times(value: float) -> str:
    """A logarithm of a ratio as the ratio: `× 1.23`."""
    return f"× {math.exp(value):.2f}"


@dataclass(frozen=True)
class Comparison:
    """Whether a mean difference lies above 0.

    Attributes:
        what: What was compared.
        observed: Mean, interval and number of seeds, or why there are none.
        p_holds: One-sided, of "at most 0".
        p_fails: One-sided, of "at least 0".
        wanted: What would decide it; empty where it is decided.
        missing: Variants without a comparable run.
        kind: Decided together with the other comparisons of a claim (`decide`).
    """

    what: str
    observed: str
    p_holds: float = 1.0
    p_fails: float = 1.0
    wanted: str = ""
    missing: tuple[str, ...] = ()
    kind: Kind = "open"

    def __str__(self) -> str:
        return f"{self.what}: {self.observed}"


def compare_seeds(
    what: str,
    differences: Mapping[int, float],
    *,
    variants: Sequence[str],
    floor: float,
    shown: Shown,
    image_error: float = 0.0,
) -> Comparison:
    """Compare the mean of differences by seed with 0, by t on n − 1 degrees of freedom.

    Args:
        what: What is compared.
        differences: By seed.
        variants: Whose runs they are, to say of which more are wanted.
        floor: Smallest difference that can be seen, such as one image (see `mean_of`).
        shown: How a difference is written.
        image_error: Standard error that more seeds do not lessen: √(A(1−A)/n) of n images that stand for others.
    """
    values = list(differences.values())
    count = len(values)
    if count < SEEDS_NEEDED:
        seen = ", ".join(f"{shown(value)} (seed {seed})" for seed, value in differences.items()) or "no seed"
        return Comparison(what, seen, wanted=more_seeds(SEEDS_NEEDED - count, variants))
    mean = mean_of(values, floor=floor, fixed_error=image_error)
    low, high = mean.value - mean.half_width(), mean.value + mean.half_width()
    return Comparison(
        what=what,
        observed=f"{shown(mean.value)}, 95 % {shown(low)} to {shown(high)} ({count} seeds)",
        p_holds=mean.p_above(),
        p_fails=mean.p_below(),
        wanted=_what_would_settle(mean, variants),
    )


def certain(what: str, observed: str, *, holds: bool) -> Comparison:
    """What is counted and not estimated."""
    return Comparison(what, observed, p_holds=float(not holds), p_fails=float(holds))


def decide(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Decide comparisons of which a claim says that all hold.

    All must hold for the claim, so each is tested at the full level; one that fails refutes it, so those p are
    corrected for their number (Holm).
    """
    corrected = holm([each.p_fails for each in comparisons])
    decided = []
    for each, p_fails in zip(comparisons, corrected, strict=True):
        kind: Kind = "holds" if each.p_holds <= LEVEL / 2 else "fails" if p_fails <= LEVEL / 2 else "open"
        decided.append(replace(each, kind=kind, wanted=each.wanted if kind == "open" else ""))
    return tuple(decided)


def seeds_named(seeds: Iterable[int]) -> str:
    """Which seeds: `seed 3`, `seeds 0, 1`."""
    names = [str(seed) for seed in sorted(seeds)]
    return f"seed{'s' if len(names) != 1 else ''} {', '.join(names) or 'none'}"


def more_seeds(count: int, variants: Sequence[str]) -> str:
    """How many runs more are wanted of which variants."""
    same = ", the same in each" if len(variants) > 1 else ""
    return f"{count} more seed{'s' if count > 1 else ''} of {' and of '.join(variants)}{same}"


def _what_would_settle(mean: Mean, variants: Sequence[str]) -> str:
    """How many further seeds bring 0 out of the interval, if mean and spread stay as they are."""
    more = mean.further(abs(mean.value))
    if more is None:
        return f"not even {MOST_SEEDS} seeds of {' and of '.join(variants)} if mean and spread stay as they are"
    comma = "," if len(variants) > 1 else ""
    return f"about {more_seeds(more, variants)}{comma} if mean and spread stay as they are"
