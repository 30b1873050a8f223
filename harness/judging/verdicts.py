"""What can be said of a number of ours beside one of the paper's: four verdicts, two sides.

Our runs and the paper's are scored on the same images, so the question is whether its one number could be one more
seed of ours. Nothing here knows a record, a band or the paper: numbers in, a verdict out.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from harness.judging.differences import Difference
from harness.statistics.intervals import CONFIDENCE, normal_quantile, prediction_margin
from harness.statistics.seeds import SEEDS_NEEDED, further_seeds

VerdictKind = Literal["REPRODUCED", "NOT_REPRODUCED", "INCONCLUSIVE", "NOT_COMPARABLE"]
Unit = Literal["percent", "points", "seconds", "epochs"]
"""In which values are written; `points` are differences of accuracies."""


@dataclass(frozen=True)
class Verdict:
    """What can be said, and why.

    Attributes:
        kind: The verdict.
        reason: Why, in one sentence.
        further_seeds: Of an INCONCLUSIVE one. Of numbers: how many more runs would settle it if mean and spread stay as
            they are (of one or two runs: if the spread is the declared one). Of what happens or does not (a threshold
            is passed, a rule fires): how many are enough if all of them do as the paper's run. None where no number
            would settle it, and of other verdicts.
        differences: Of a NOT_COMPARABLE one, in what the run differs from what is judged; it has no other reason then.
    """

    kind: VerdictKind
    reason: str = ""
    further_seeds: int | None = None
    differences: tuple[Difference, ...] = ()


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
        return self.declared_margin / (normal_quantile(CONFIDENCE) * math.sqrt(2))

    def distances(self, observed: Sequence[float], expected: float) -> list[float]:
        """How far each value lies from what is expected, with its sign."""
        if self.kind == "points":
            return [each - expected for each in observed]
        return [math.log(each / expected) for each in observed]

    def at(self, expected: float, distance: float) -> float:
        """The value that lies so far from what is expected: the inverse of `distances`."""
        return expected + distance if self.kind == "points" else expected * math.exp(distance)

    def text(self, size: float) -> str:
        """A size as people read it: `1.6 points`, `×1.29`."""
        return f"{100 * size:.1f} points" if self.kind == "points" else f"×{math.exp(size):.2f}"

    def around(self, size: float) -> str:
        """The same on both sides: `±1.6`, `×/÷1.29`."""
        return f"±{100 * size:.1f}" if self.kind == "points" else f"×/÷{math.exp(size):.2f}"


POINTS: Final = Scale("points", declared_margin=0.02, widest_margin=0.03)
"""Accuracies. The declared margin allows for a spread of 0.72 points, which is declared, not measured: nobody should
assume less than 0.4 of such networks."""
FACTOR: Final = Scale("factor", declared_margin=math.log(1.5), widest_margin=math.log(1.6))
"""Epochs and times. The declared margin allows for a spread of 15 %. Beyond ×1.6, 78 epochs could not be told from 49
nor from never within 100. With a spread of 15 % three seeds ask for ×2.1 and five for ×1.6: plan five or more."""


def seeds_to_settle(
    scale: Scale, distance: float, allowance: float, spread: float, count: int, *, widest: float | None = None
) -> int | None:
    """How many further seeds give a verdict if mean and spread stay as they are; None if 100 in all do not."""

    def settles(seeds: int) -> bool:
        margin = prediction_margin(spread, seeds)
        return margin <= (widest or scale.widest_margin) or distance > allowance + margin

    return further_seeds(count, settles)


def judge_values(
    scale: Scale,
    expected: float,
    allowance: float,
    observed: Sequence[float],
    *,
    widest: float | None = None,
    unit: Unit = "percent",
    reference: str | None = None,
) -> Verdict:
    """Judge values of comparable runs that differ in their seeds alone.

    With k >= 3 seeds: |mean − expected| ≤ allowance + t(.975, k−1)·s·√(1+1/k), the interval for one more seed. With
    fewer, only what lies far outside is decided. Too good fails as well as too bad: it is how a leak shows.

    Args:
        scale: `POINTS` or `FACTOR`; on the latter, mean and spread are those of logarithms.
        expected: What the paper lets expect.
        allowance: Half the band, in sizes of the scale.
        observed: One value a seed.
        widest: In place of the scale's `widest_margin`.
        unit: In which values are told.
        reference: What is expected, in words; "the paper's" and the value if left out.

    Raises:
        ValueError: If nothing was observed, or a value is not finite.
    """
    _check_observed(observed)
    signed, count = scale.distances(observed, expected), len(observed)
    mean, is_few = statistics.fmean(signed), count < SEEDS_NEEDED
    spread = scale.declared_spread if is_few else float(np.std(signed, ddof=1))
    margin = scale.declared_margin if is_few else prediction_margin(spread, count)
    limit, most = allowance + margin, widest or scale.widest_margin
    side = "within" if abs(mean) <= limit else "beyond"
    if scale.kind == "points":
        apart = f"{scale.text(abs(mean))} {'below' if mean < 0 else 'above'}"
    else:
        apart = f"{scale.text(mean)} of"
    held = reference or f"the paper's {value_text(expected, unit)}"
    reason = (
        f"{value_text(scale.at(expected, mean), unit)}, {apart} {held}, "
        f"{side} {scale.around(limit)} ({seeds_text(count)})"
    )
    if side == "beyond":
        return Verdict("NOT_REPRODUCED", reason)
    if not is_few and margin <= most:
        return Verdict("REPRODUCED", reason)
    if not is_few:
        reason = f"{reason}, but seeds spread too widely: {scale.around(margin)} for them, at most {scale.around(most)}"
    return Verdict("INCONCLUSIVE", reason, seeds_to_settle(scale, abs(mean), allowance, spread, count, widest=widest))


def _check_observed(observed: Sequence[float], *, may_never: bool = False) -> None:
    if not observed:
        raise ValueError("nothing was observed; a verdict needs at least one run")
    for each in observed:
        if not math.isfinite(each) and not (may_never and each == math.inf):
            raise ValueError(f"{each} was observed; a verdict needs finite numbers")


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
        ValueError: If nothing was observed, or an accuracy is not finite.
    """
    _check_observed(highest)
    count, reached = len(highest), sum(each > threshold for each in highest)
    if reached:
        return _by_majority(f"{_share_of_runs(reached, count)} passed {100 * threshold:.0f} %", reached, count)
    mean, is_few = statistics.fmean(highest), count < SEEDS_NEEDED
    distance = threshold - mean
    spread = POINTS.declared_spread if is_few else float(np.std(highest, ddof=1))
    limit = allowance + (POINTS.declared_margin if is_few else prediction_margin(spread, count))
    side = "beyond" if distance > limit else "within"
    reason = (
        f"{'the run never' if count == 1 else f'none of {count} runs'} passed {100 * threshold:.0f} %: "
        f"{value_text(mean, 'percent')} at best{'' if count == 1 else ' on average'}, {POINTS.text(distance)} below, "
        f"{side} {POINTS.text(limit)} ({seeds_text(count)})"
    )
    if distance > limit:
        return Verdict("NOT_REPRODUCED", reason)
    # what is within the allowance on the lower side is settled by no number of such runs
    further = further_seeds(count, lambda seeds: distance > allowance + prediction_margin(spread, seeds))
    return Verdict("INCONCLUSIVE", reason, further)


def judge_epochs(
    expected: float, allowance: float, observed: Sequence[float], *, planned: int, reference: str | None = None
) -> Verdict:
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
        reference: What is expected, in words; "the paper's" and the epochs if left out.

    Raises:
        ValueError: If nothing was observed, or what was is nan.
    """
    _check_observed(observed, may_never=True)
    count, never = len(observed), sum(math.isinf(each) for each in observed)
    paper = reference or f"the paper's {_epochs_text(expected, planned)}"
    capped = [min(each, planned) for each in observed]
    verdict = judge_values(FACTOR, min(expected, planned), allowance, capped, unit="epochs", reference=paper)
    listed = "after " + ", ".join(_epochs_text(each, planned) for each in observed)
    dated = replace(verdict, reason=f"{listed}: {verdict.reason}")
    if verdict.kind == "NOT_REPRODUCED" and not never:
        return dated
    if math.isinf(expected):
        same = f"{listed}: {_share_of_runs(never, count)} as {paper}"
        return _by_majority(same if never else dated.reason, never, count)
    if verdict.kind == "NOT_REPRODUCED" or 2 * never >= count:
        reason = f"{listed}, {paper}: {_share_of_runs(never, count)} cannot be dated"
        # an undated run stays one: where the others would refuse, no number of them can
        further = _for_a_majority(count - never, count) if 2 * never >= count else None
        return Verdict("INCONCLUSIVE", reason, further)
    return dated


def _by_majority(text: str, agreeing: int, count: int) -> Verdict:
    """One outcome of the paper's against several of ours, yes or no: nothing refuses it that is seen among ours."""
    if count < SEEDS_NEEDED or 2 * agreeing <= count:
        return Verdict("INCONCLUSIVE", text, _for_a_majority(agreeing, count))
    return Verdict("REPRODUCED", text)


def _for_a_majority(agreeing: int, count: int) -> int:
    """How many further runs are enough if all of them agree."""
    return max(SEEDS_NEEDED - count, count - 2 * agreeing + 1)


def settling_texts(verdict: Verdict) -> list[str]:
    """What would settle an INCONCLUSIVE verdict, for the end of its reason; nothing of others."""
    if verdict.kind != "INCONCLUSIVE":
        return []
    if verdict.further_seeds is None:
        return ["no number of further seeds like these would settle it"]
    return [f"{verdict.further_seeds} more may settle it"]


def value_text(value: float, unit: Unit) -> str:
    """`75.2 %`, `+5.4 points`, `1,716 s`, `78 epochs`."""
    if unit in ("percent", "points"):
        return f"{100 * value:.1f} %" if unit == "percent" else f"{100 * value:+.1f} points"
    return f"{value:,.0f} {'s' if unit == 'seconds' else 'epochs'}"


def seeds_text(count: int) -> str:
    """`1 seed`, `3 seeds`."""
    return "1 seed" if count == 1 else f"{count} seeds"


def _share_of_runs(some: int, count: int) -> str:
    """`the run` where there is one, `2 of 3 runs`."""
    return "the run" if some == count == 1 else f"{some} of {count} runs"


def _epochs_text(epochs: float, planned: int) -> str:
    return f"> {planned}" if math.isinf(epochs) else f"{epochs:.0f}"
