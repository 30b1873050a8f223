"""Whether runs reproduce the paper's accuracy: three verdicts, two sides.

Our runs and the paper's are scored on the same images, so the question is whether its one number
could be one more seed of ours.
"""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from pydantic import ConfigDict, TypeAdapter
from scipy.stats import t as student

from harness.paper.facts import facts
from harness.runs.record import RunRecord
from harness.variants import Variant, VariantError, find_variant
from harness.weights.catalogue import catalogue

LEVEL: Final = 0.95
SEEDS_FOR_A_VERDICT: Final = 3
"""Fewer tell too little of the spread over seeds."""
DECLARED_MARGIN: Final = 0.02
"""Fraction. With fewer seeds, what lies within allowance and this margin is INCONCLUSIVE; never REPRODUCED.
Several times the spread over seeds that is usual for such networks (0.4 to 0.7 points)."""
WIDEST_MARGIN: Final = 0.03
"""Fraction. If the spread over seeds asks for more than this, runs agree with almost anything: INCONCLUSIVE."""

VerdictKind = Literal["REPRODUCED", "NOT_REPRODUCED", "INCONCLUSIVE", "NOT_COMPARABLE"]


@dataclass(frozen=True)
class Band:
    """The paper's accuracy and the allowance around it, both fractions."""

    expected: float
    place: str
    allowance: float
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What can be said, and why in one sentence."""

    kind: VerdictKind
    reason: str


@dataclass(frozen=True)
class _Entry:
    unsaid: float
    reason: str

    __pydantic_config__ = ConfigDict(extra="forbid")


@cache
def bands() -> Mapping[str, Band]:
    """Accuracy bands by variant, without readings."""
    text = (files("harness.judging") / "bands.toml").read_text(encoding="utf-8")
    entries = TypeAdapter(dict[str, _Entry]).validate_python(tomllib.loads(text))
    return {name: _band(name, entry) for name, entry in entries.items()}


def _band(name: str, entry: _Entry) -> Band:
    accuracy = facts().headline(name, "accuracy")
    # graphs are read to a percent or so; the figures printed with decimals are what contradicts
    figures = [each.value for each in facts().mentions(name, "accuracy") if not each.where.startswith("figure")]
    own_spread = max(figures) - min(figures)
    return Band(accuracy.value, accuracy.place, entry.unsaid + own_spread / 2, " ".join(entry.reason.split()))


def judge_accuracy(band: Band, observed: Sequence[float]) -> Verdict:
    """Judge accuracies of comparable runs that differ in their seeds alone.

    With k >= 3 seeds: |mean − expected| ≤ allowance + t(.975, k−1)·s·√(1+1/k), the interval for
    one more seed. With fewer, only what lies far outside is decided.

    Args:
        band: Expected accuracy and allowance.
        observed: One accuracy a seed, fractions.

    Raises:
        ValueError: If nothing was observed.
    """
    if not observed:
        raise ValueError("no accuracy was observed; a verdict needs at least one run")
    mean, count = statistics.fmean(observed), len(observed)
    distance = abs(mean - band.expected)
    if count < SEEDS_FOR_A_VERDICT:
        limit = band.allowance + DECLARED_MARGIN
        if distance > limit:
            return Verdict("NOT_REPRODUCED", _sentence(distance, limit, count))
        more = SEEDS_FOR_A_VERDICT - count
        return Verdict("INCONCLUSIVE", f"{_sentence(distance, limit, count)}; {more} more may settle it")
    margin = student.ppf((1 + LEVEL) / 2, count - 1) * statistics.stdev(observed) * (1 + 1 / count) ** 0.5
    limit = band.allowance + margin
    if distance > limit:
        return Verdict("NOT_REPRODUCED", _sentence(distance, limit, count))
    if margin > WIDEST_MARGIN:
        return Verdict("INCONCLUSIVE", f"seeds spread too widely: ±{100 * margin:.1f} points; run more of them")
    return Verdict("REPRODUCED", _sentence(distance, limit, count))


def _sentence(distance: float, limit: float, count: int) -> str:
    side = "within" if distance <= limit else "beyond"
    seeds = "1 seed" if count == 1 else f"{count} seeds"
    return f"{100 * distance:.1f} points from the paper, {side} ±{100 * limit:.1f} ({seeds})"


def differences(record: RunRecord) -> list[str]:
    """In what a run differs from what the band is for; empty if it is comparable."""
    found = []
    if record.status != "complete":
        found.append(f"run {record.status}")
    if record.dataset is None or record.dataset.name != "fer2013":
        found.append(f"data {record.dataset.name if record.dataset else 'missing'}")
    elif record.dataset.deviations:
        found.append("deviating data")
    if _is_cut(record):
        found.append(f"budget {record.spec.budget.name}")
    if record.spec.protocol != "paper":
        found.append(f"protocol {record.spec.protocol}")
    if record.weights.source == "stand-in":
        found.append("stand-in weights")
    published = catalogue().get(record.weights.source)
    if published is not None and published.digest not in (None, record.weights.digest):
        found.append("weights unlike the published ones")
    if record.spec.variant.width_divisor != 1:
        found.append(f"width ÷ {record.spec.variant.width_divisor}")
    elif not _is_cut(record) and not _is_declared(record.spec.variant):
        found.append("variant unlike variants.toml")
    return found


def _is_cut(record: RunRecord) -> bool:
    """Whether the budget took anything away. An hour that was enough for all epochs did not."""
    budget = record.spec.budget
    has_fewer_images = budget.examples is not None or budget.test_examples is not None
    ran_out = (record.stop_reason or "").startswith("budget")
    return has_fewer_images or ran_out or (budget.name != "paper" and not _is_declared(record.spec.variant))


def _is_declared(variant: Variant) -> bool:
    """Whether a variant is today what its name says, field by field."""
    try:
        return variant == find_variant(variant.name)
    except VariantError:
        return False


def judge(records: Sequence[RunRecord]) -> Verdict:
    """Judge runs of one variant by one implementation; the last one of each seed counts.

    Args:
        records: At least one, all of the same variant and implementation.
    """
    comparable = {record.spec.seed: record for record in records if not differences(record)}
    if not comparable:
        return Verdict("NOT_COMPARABLE", ", ".join(differences(records[-1])))
    band = bands().get(records[0].spec.variant.base_name)
    if band is None:
        return Verdict("NOT_COMPARABLE", "no band is declared yet")
    return judge_accuracy(band, [record.scores["paper_test"].accuracy for record in comparable.values()])
