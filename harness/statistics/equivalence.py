"""Whether two implementations reach the same accuracy (TOST), and two networks the same answers (McNemar).

That a difference is not significant shows nothing: with few seeds hardly any is. Equivalence has to be shown,
against a margin that was declared before the runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.statistics.intervals import LEVEL, Mean, mean_of
from harness.statistics.seeds import MOST_SEEDS

DECLARED_MARGIN: Final = 0.01
"""Fraction: one point, declared before any run. Smaller than what the paper's own figures leave open."""
_CONFIDENCE: Final = 1 - 2 * LEVEL
"""Each of the two one-sided tests has the level; hence the interval of 90 %."""

EquivalenceKind = Literal["EQUIVALENT", "DIFFERENT", "UNDECIDED"]


@dataclass(frozen=True)
class Equivalence:
    """Outcome of two one-sided tests on paired differences of accuracy; all fractions.

    Attributes:
        kind: `EQUIVALENT` where the interval lies within ±margin, `DIFFERENT` where it lies wholly outside,
            else `UNDECIDED`.
        reason: Why, in one sentence.
        mean: Mean difference, first minus second.
        spread: Standard deviation of the differences; None for one pair.
        interval: 90 % confidence interval of the mean; None for one pair.
        p_values: Of the hypotheses "at most −margin" and "at least margin"; None for one pair.
    """

    kind: EquivalenceKind
    reason: str
    mean: float
    spread: float | None = None
    interval: tuple[float, float] | None = None
    p_values: tuple[float, float] | None = None


def judge_equivalence(differences: Sequence[float], *, images: int, margin: float = DECLARED_MARGIN) -> Equivalence:
    """Test accuracies of paired runs for equivalence: |mean d| < margin − t(.95, n−1)·s/√n.

    Where all differences are equal, s is taken as that of one image in one pair (see `mean_of`).

    Args:
        differences: First minus second, one a pair of runs with the same seed, fractions.
        images: Number of test images of each run.
        margin: Largest difference that does not matter, a fraction above 0.

    Raises:
        ValueError: If there is no difference, or the margin is not in (0, 1].

    Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach".
    """
    if not differences or not 0 < margin <= 1:
        raise ValueError(f"{len(differences)} differences, margin {margin}; expected at least one, and 0 < margin <= 1")
    if len(differences) == 1:
        return Equivalence("UNDECIDED", "one pair: no test", differences[0])
    mean = mean_of(differences, floor=1 / images)
    is_equal = len(set(differences)) == 1
    half = mean.half_width(_CONFIDENCE)
    room = margin - abs(mean.value)
    kind: EquivalenceKind = "EQUIVALENT" if half < room else "DIFFERENT" if half < -room else "UNDECIDED"
    reason = (
        "the 90 % interval "
        + {
            "EQUIVALENT": "lies within the margin",
            "DIFFERENT": "lies wholly outside the margin",
            "UNDECIDED": "reaches across the margin",
        }[kind]
    )
    if kind == "UNDECIDED":
        reason += f"; {_what_would_settle(mean, abs(room))}"
    return Equivalence(
        kind=kind,
        reason=f"{reason} (equal differences: spread taken as one image in one pair)" if is_equal else reason,
        mean=mean.value,
        spread=0.0 if is_equal else mean.spread,
        interval=(mean.value - half, mean.value + half),
        p_values=(mean.p_above(-margin), mean.p_below(margin)),
    )


def _what_would_settle(mean: Mean, room: float) -> str:
    """How many further pairs give an interval narrower than the distance from mean to margin."""
    more = mean.further(room, _CONFIDENCE)
    if more is None:
        return f"even {MOST_SEEDS} pairs would not settle it if mean and spread stay as they are"
    return f"about {more} more may settle it if mean and spread stay as they are"


@dataclass(frozen=True)
class Answers:
    """How two networks answer the same images.

    Attributes:
        first_alone: Images that only the first answers rightly.
        second_alone: Images that only the second answers rightly.
        p_value: Of McNemar's exact test: both are right equally often.
        alike: Fraction of images with the same answer, right or wrong.
        kappa: Cohen's: the same beyond chance, at most 1; None where all answers are one class.
    """

    first_alone: int
    second_alone: int
    p_value: float
    alike: float
    kappa: float | None


def compare_answers(first: NDArray[np.integer], second: NDArray[np.integer], labels: NDArray[np.integer]) -> Answers:
    """Compare two networks image by image.

    Args:
        first: Classes, shape (n,).
        second: Classes, shape (n,).
        labels: Classes, shape (n,).

    Raises:
        ValueError: If the shapes differ, or there is no image.
    """
    if not first.shape == second.shape == labels.shape or labels.size == 0:
        raise ValueError(f"shapes {first.shape}, {second.shape}, {labels.shape}; expected three times (n,), n > 0")
    from sklearn.metrics import cohen_kappa_score

    first_alone = int(((first == labels) & (second != labels)).sum())
    second_alone = int(((first != labels) & (second == labels)).sum())
    has_kappa = np.union1d(first, second).size > 1  # chance alone explains everything otherwise: 0/0
    return Answers(
        first_alone=first_alone,
        second_alone=second_alone,
        p_value=mcnemar(first_alone, second_alone),
        alike=float((first == second).mean()),
        kappa=float(cohen_kappa_score(first, second)) if has_kappa else None,
    )


def mcnemar(first_alone: int, second_alone: int) -> float:
    """Two-sided p of McNemar's exact test: discordant images fall to either side like a fair coin.

    Source: McNemar 1947; the exact form is the binomial test of the smaller count.
    """
    from scipy.stats import binomtest

    discordant = first_alone + second_alone
    return float(binomtest(first_alone, discordant).pvalue) if discordant else 1.0
