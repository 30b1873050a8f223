"""What can be said of a number of ours beside one of the paper's: four verdicts, two sides.

Our runs and the paper's are scored on the same images, so the question is whether its one number could be one more
seed of ours. Nothing here knows a record, a band or the paper: numbers in, a verdict out.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

LEVEL: Final = 0.95
SEEDS_FOR_A_VERDICT: Final = 3
"""Fewer tell too little of the spread over seeds."""
MOST_SEEDS: Final = 100
"""Nobody trains more of them; how many more would settle it is not said beyond."""

VerdictKind = Literal["REPRODUCED", "NOT_REPRODUCED", "INCONCLUSIVE", "NOT_COMPARABLE"]


@dataclass(frozen=True)
class Verdict:
    """What can be said, and why in one sentence.

    Attributes:
        kind: The verdict.
        reason: Why.
        further_seeds: Of an INCONCLUSIVE one: how many more runs would settle it if mean and spread stay as they are
            (of one or two runs: if the spread is the declared one). None where no number would, and of other verdicts.
    """

    kind: VerdictKind
    reason: str
    further_seeds: int | None = None


@dataclass(frozen=True)
class Scale:
    """On which scale numbers are compared. Sizes are fractions for `points`, natural logarithms for `factor`.

    Attributes:
        kind: `points`: differences count; `factor`: ratios do.
        declared_margin: With one or two seeds, what lies within allowance and this margin is INCONCLUSIVE, what lies
            beyond NOT_REPRODUCED.
        widest_margin: If the spread over seeds asks for more than this, runs agree with almost anything: INCONCLUSIVE.
    """

    kind: Literal["points", "factor"]
    declared_margin: float
    widest_margin: float

    @property
    def declared_spread(self) -> float:
        """Standard deviation over seeds up to which one seed refuses the truth in at most 5 of 100 cases."""
        return self.declared_margin / (normal_quantile(LEVEL) * math.sqrt(2))

    def distances(self, observed: Sequence[float], expected: float) -> list[float]:
        """How far each value lies from what is expected, with its sign."""
        if self.kind == "points":
            return [each - expected for each in observed]
        return [math.log(each / expected) for each in observed]

    def limits(self, expected: float, size: float) -> tuple[float, float]:
        """Ends of a band of this half-width."""
        if self.kind == "points":
            return expected - size, expected + size
        return expected * math.exp(-size), expected * math.exp(size)

    def text(self, size: float) -> str:
        """A size as people read it: `1.6 points`, `×1.29`."""
        return f"{100 * size:.1f} points" if self.kind == "points" else f"×{math.exp(size):.2f}"

    def around(self, size: float) -> str:
        """The same on both sides: `±1.6`, `×/÷1.29`."""
        return f"±{100 * size:.1f}" if self.kind == "points" else f"×/÷{math.exp(size):.2f}"


POINTS: Final = Scale("points", declared_margin=0.02, widest_margin=0.03)
"""Accuracies. The declared margin allows for a spread of 0.72 points; 0.4 to 0.7 are usual for such networks."""
FACTOR: Final = Scale("factor", declared_margin=math.log(1.5), widest_margin=math.log(1.6))
"""Epochs and times. The declared margin allows for a spread of 15 %. Beyond ×1.6, 78 epochs could not be told from 49
nor from never within 100."""


@cache
def quantile(level: float, freedom: int) -> float:
    """Student's two-sided quantile: ±this holds `level` of the distribution."""
    return float(student.ppf((1 + level) / 2, freedom))


@cache
def normal_quantile(level: float) -> float:
    """The same of the normal distribution."""
    return float(norm.ppf((1 + level) / 2))


def prediction_margin(spread: float, count: int, level: float = LEVEL) -> float:
    """Half the interval that holds one more value with this probability: t(k−1)·s·√(1+1/k).

    Source: Hahn & Meeker 1991, "Statistical Intervals", section 4.8: a prediction interval of one future observation.
    """
    return quantile(level, count - 1) * spread * math.sqrt(1 + 1 / count)


def seeds_to_settle(scale: Scale, distance: float, allowance: float, spread: float, count: int) -> int | None:
    """How many further seeds give a verdict if mean and spread stay as they are; None if 100 in all do not."""
    for more in range(max(1, SEEDS_FOR_A_VERDICT - count), MOST_SEEDS + 1 - count):
        margin = prediction_margin(spread, count + more)
        if margin <= scale.widest_margin or distance > allowance + margin:
            return more
    return None


def judge_values(scale: Scale, expected: float, allowance: float, observed: Sequence[float]) -> Verdict:
    """Judge values of comparable runs that differ in their seeds alone.

    With k >= 3 seeds: |mean − expected| ≤ allowance + t(.975, k−1)·s·√(1+1/k), the interval for one more seed. With
    fewer, only what lies far outside is decided. Too good fails as well as too bad: it is how a leak shows.

    Args:
        scale: `POINTS` or `FACTOR`; on the latter, mean and spread are those of logarithms.
        expected: The paper's.
        allowance: Half the band, in sizes of the scale.
        observed: One value a seed.

    Raises:
        ValueError: If nothing was observed.
    """
    if not observed:
        raise ValueError("nothing was observed; a verdict needs at least one run")
    signed, count = scale.distances(observed, expected), len(observed)
    mean = statistics.fmean(signed)
    distance = abs(mean)
    if count < SEEDS_FOR_A_VERDICT:
        limit = allowance + scale.declared_margin
        reason = _sentence(scale, mean, limit, count)
        if distance > limit:
            return Verdict("NOT_REPRODUCED", reason)
        return inconclusive(reason, seeds_to_settle(scale, distance, allowance, scale.declared_spread, count))
    spread = float(np.std(signed, ddof=1))
    margin = prediction_margin(spread, count)
    reason = _sentence(scale, mean, allowance + margin, count)
    if distance > allowance + margin:
        return Verdict("NOT_REPRODUCED", reason)
    if margin > scale.widest_margin:
        reason = f"seeds spread too widely, {scale.around(margin)} ({seeds_text(count)})"
        return inconclusive(reason, seeds_to_settle(scale, distance, allowance, spread, count))
    return Verdict("REPRODUCED", reason)


def judge_reached(threshold: float, allowance: float, highest: Sequence[float]) -> Verdict:
    """Judge whether runs exceed a threshold of accuracy, as the paper's one run did.

    A run that exceeds it tells no more than that: its accuracy is the threshold, by the rule that ends it. Of a run
    that never does, the highest accuracy is known. Where none does, those are held against the threshold as in
    `judge_values`, on the lower side alone: the paper's own highest accuracy is somewhere above it.

    Args:
        threshold: Fraction.
        allowance: Fraction.
        highest: The highest accuracy of each run, one a seed.

    Raises:
        ValueError: If nothing was observed.
    """
    if not highest:
        raise ValueError("nothing was observed; a verdict needs at least one run")
    count, reached = len(highest), sum(each > threshold for each in highest)
    if reached:
        return _by_majority(f"{reached} of {_runs(count)} passed {100 * threshold:.0f} %", reached, count)
    distance = threshold - statistics.fmean(highest)
    is_few = count < SEEDS_FOR_A_VERDICT
    spread = POINTS.declared_spread if is_few else float(np.std(highest, ddof=1))
    limit = allowance + (POINTS.declared_margin if is_few else prediction_margin(spread, count))
    side = "beyond" if distance > limit else "within"
    reason = (
        f"{_none_of(count)} passed {100 * threshold:.0f} %; at best they stay {POINTS.text(distance)} below, "
        f"{side} {POINTS.text(limit)} ({seeds_text(count)})"
    )
    if distance > limit:
        return Verdict("NOT_REPRODUCED", reason)
    # what is within the allowance on the lower side is settled by no number of such runs
    counts = range(max(count + 1, SEEDS_FOR_A_VERDICT), MOST_SEEDS + 1)
    enough = [more for more in counts if distance > allowance + prediction_margin(spread, more)]
    return inconclusive(reason, enough[0] - count if enough else None)


def judge_epochs(expected: float, allowance: float, observed: Sequence[float], *, planned: int) -> Verdict:
    """Judge after how many epochs something happens that need not happen at all (a censored time).

    On the logarithm, as `judge_values`, where it happened in every run. A run in which it never happened counts as the
    planned epochs, the least that its time can be. That makes the spread too small and the limit too strict, so
    such runs never lead to NOT_REPRODUCED: whatever they would have done later had to be refused too. They do not stand
    in the way of REPRODUCED while they are fewer than half.

    Args:
        expected: The paper's epochs, counted from 1; `inf` where it did not happen within the planned ones either.
        allowance: Natural logarithm of a factor.
        observed: Epochs, counted from 1, one a seed; `inf` where it did not happen.
        planned: How many epochs there are.

    Raises:
        ValueError: If nothing was observed.
    """
    if not observed:
        raise ValueError("nothing was observed; a verdict needs at least one run")
    count, never = len(observed), sum(math.isinf(each) for each in observed)
    verdict = judge_values(FACTOR, min(expected, planned), allowance, [min(each, planned) for each in observed])
    text = f"{_listed_epochs(observed, planned)}; paper {_epochs_text(expected, planned)}"
    if verdict.kind == "NOT_REPRODUCED" and not never:
        return replace(verdict, reason=f"{text}: {verdict.reason}")
    if math.isinf(expected):
        return _by_majority(text, never, count)
    if verdict.kind == "NOT_REPRODUCED" or 2 * never >= count:
        reason = f"{text}: {never} of {_runs(count)} cannot be dated"
        # an undated run stays one: where the others would refuse, no number of them can
        return inconclusive(reason, _for_a_majority(count - never, count) if 2 * never >= count else None)
    return replace(verdict, reason=f"{text}: {verdict.reason}")


def _by_majority(text: str, agreeing: int, count: int) -> Verdict:
    """One outcome of the paper's against several of ours, yes or no: nothing refuses it that is seen among ours."""
    if count < SEEDS_FOR_A_VERDICT or 2 * agreeing <= count:
        return inconclusive(text, _for_a_majority(agreeing, count))
    return Verdict("REPRODUCED", text)


def _for_a_majority(agreeing: int, count: int) -> int:
    """How many further runs are enough if all of them agree."""
    return max(SEEDS_FOR_A_VERDICT - count, count - 2 * agreeing + 1)


def inconclusive(reason: str, further_seeds: int | None) -> Verdict:
    """An INCONCLUSIVE verdict that says what would settle it."""
    tail = (
        f"{further_seeds} more may settle it"
        if further_seeds
        else "no number of further seeds like these would settle it"
    )
    return Verdict("INCONCLUSIVE", f"{reason}; {tail}", further_seeds)


def _sentence(scale: Scale, mean: float, limit: float, count: int) -> str:
    is_ratio = scale.kind == "factor"
    apart = f"{scale.text(mean)} of the paper's" if is_ratio else f"{scale.text(abs(mean))} from the paper"
    side = "within" if abs(mean) <= limit else "beyond"
    return f"{apart}, {side} {scale.around(limit)} ({seeds_text(count)})"


def seeds_text(count: int) -> str:
    """`1 seed`, `3 seeds`."""
    return "1 seed" if count == 1 else f"{count} seeds"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _none_of(count: int) -> str:
    return "the run never" if count == 1 else f"none of {count} runs"


def _listed_epochs(observed: Sequence[float], planned: int) -> str:
    return "after " + ", ".join(_epochs_text(each, planned) for each in observed)


def _epochs_text(epochs: float, planned: int) -> str:
    return f"> {planned}" if math.isinf(epochs) else f"{epochs:.0f}"
