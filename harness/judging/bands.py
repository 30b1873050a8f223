"""Whether runs reproduce what a paper reports: one judgement for each quantity of a variant, and a headline.

Only accuracies on both tests together, watched by the paper's protocol, are compared with the paper's. What a band is
made of stands in `expectations`, what can be said of numbers in `verdicts` and `patterns`, who is comparable in
`comparability`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.judging.comparability import (
    Compared,
    compare_with,
    disturbances,
    remarks,
    time_remark,
    undisturbed,
)
from harness.judging.error_budget import UNITS, Band
from harness.judging.expectations import bands
from harness.judging.patterns import (
    Confusion,
    degenerate,
    distance,
    judge_pattern,
    judge_recalls,
    rates,
    recalls,
)
from harness.judging.timing import PapersSeconds, epochs_text, papers_seconds
from harness.judging.verdicts import (
    Verdict,
    VerdictKind,
    judge_epochs,
    judge_reached,
    judge_values,
    settling_texts,
)
from harness.papers.declared_bands import Quantity
from harness.papers.paper import Paper
from harness.records.record import RunRecord
from harness.training.fit import EpochRecord


@dataclass(frozen=True)
class Judgement:
    """A band and what runs say to it.

    Attributes:
        band: What was expected.
        verdict: What can be said.
        observed: One value a run that was judged, in the band's base unit: fractions, epochs counted from 1 (`inf`:
            never within the planned ones), seconds for the paper's epochs, distances from a published matrix, for
            `recalls` the largest difference of a recall. For `accuracy` also where nothing is judged.
    """

    band: Band
    verdict: Verdict
    observed: tuple[float, ...]


def bands_of(paper: Paper, base_name: str) -> dict[Quantity, Band]:
    """Return the bands of one variant by quantity, in order."""
    return {band.quantity: band for band in bands(paper).values() if band.variant == base_name}


def first_crossing(record: RunRecord, threshold: float) -> float:
    """Epoch, counted from 1, whose watched accuracy is the first above a threshold; `inf` if there is none."""
    return next((each.epoch + 1.0 for each in record.history if each.watched_accuracy > threshold), math.inf)


def judge(records: Sequence[RunRecord], paper: Paper) -> Verdict:
    """The headline: the verdict on the accuracy, or where that is the stop rule's threshold, on reaching it, and when.

    It is NOT_REPRODUCED as well where the same runs answer otherwise than the paper's matrix (`pattern`, `recalls`):
    then the number is there, the network is not.

    Args:
        records: At least one, all of the same variant, reading and implementation.
        paper: What they are compared with.

    Raises:
        ValueError: If they are not of the same.
    """
    _require_one_variant(records)
    compared = [compare_with(paper, record) for record in records]
    chosen, of_variant = _comparable(compared), bands_of(paper, records[-1].spec.asked.base_name)
    if not chosen:
        return _not_comparable(compared)
    if "accuracy" not in of_variant:
        return Verdict("NOT_COMPARABLE", "no band is declared for the accuracy of this variant")
    last = _last_of_seeds(chosen)

    def verdict_on(quantity: Quantity) -> Verdict:
        return _judge_band(of_variant[quantity], last, paper).verdict

    if of_variant["accuracy"].unjudged is not None and {"reached", "epochs"} <= of_variant.keys():
        verdict = _worse(verdict_on("reached"), verdict_on("epochs"))
    else:
        verdict = verdict_on("accuracy")
    answers: tuple[Quantity, ...] = ("pattern", "recalls")
    for name in answers:
        found = verdict_on(name) if name in of_variant else verdict
        if found.kind == "NOT_REPRODUCED" and verdict.kind in ("REPRODUCED", "INCONCLUSIVE"):
            verdict = Verdict("NOT_REPRODUCED", f"{verdict.reason}; but not the paper's {name}: {found.reason}")
    return _with_remarks(verdict, [*_left_aside(chosen, last), *remarks(last), *_degenerates(last)])


def _worse(reached: Verdict, epochs: Verdict) -> Verdict:
    """NOT_REPRODUCED if either is, REPRODUCED if both are."""
    reason = f"{reached.reason}; {epochs.reason}"
    if reached.kind == epochs.kind:
        # either may need more runs than the other; where one would never be settled, neither is the whole
        counts = (reached.further_seeds, epochs.further_seeds)
        return Verdict(reached.kind, reason, max(each for each in counts if each) if all(counts) else None)
    order: tuple[VerdictKind, ...] = ("NOT_REPRODUCED", "INCONCLUSIVE", "REPRODUCED")
    return replace(min(reached, epochs, key=lambda each: order.index(each.kind)), reason=reason)


def judge_all(records: Sequence[RunRecord], paper: Paper) -> tuple[Judgement, ...]:
    """Judge runs of one variant by one implementation, quantity by quantity; the last one of each seed counts.

    Args:
        records: At least one, all of the same variant, reading and implementation.
        paper: What they are compared with.

    Returns:
        One judgement for each band of the variant, in the order of the bands. Times are of runs whose time can be
        compared, be they cut short or not, and of those whose GPU was its own where there are any.

    Raises:
        ValueError: If records are of several.
    """
    return judge_compared([compare_with(paper, record) for record in records], paper)


def judge_compared(compared: Sequence[Compared], paper: Paper) -> tuple[Judgement, ...]:
    """The same of runs that have been compared with the paper."""
    records = [each.record for each in compared]
    _require_one_variant(records)
    chosen, of_variant = _comparable(compared), bands_of(paper, records[-1].spec.asked.base_name)
    # before the last of each seed is chosen: a disturbed run hides no earlier one
    timed = undisturbed([each.record for each in compared if not each.time_differences], paper)

    def judged(band: Band) -> Judgement:
        pool = timed or chosen if band.quantity == "seconds" else chosen
        if not pool:
            return Judgement(band, _not_comparable(compared), ())
        if band.quantity == "seconds" and not timed and not band.unjudged:
            last = list({each.record.spec.seed: each for each in compared if not each.differences}.values())[-1]
            return Judgement(band, Verdict("NOT_COMPARABLE", differences=last.time_differences), ())
        return _judge_with_remarks(band, pool, paper)

    return tuple(map(judged, of_variant.values()))


def _require_one_variant(records: Sequence[RunRecord]) -> None:
    """Raise a ValueError if records are not of one variant, reading and implementation."""
    names = dict.fromkeys(
        f"{spec.asked.name} by {'-'.join(filter(None, (spec.implementation, spec.keras_backend)))}"
        for spec in (record.spec for record in records)
    )
    if len(names) != 1:
        raise ValueError(f"runs of {' and of '.join(names)}; a verdict is on one of them")


def _comparable(compared: Sequence[Compared]) -> list[RunRecord]:
    """Those that bands are for."""
    return [each.record for each in compared if not each.differences]


def _not_comparable(compared: Sequence[Compared]) -> Verdict:
    return Verdict("NOT_COMPARABLE", differences=compared[-1].differences)


def _last_of_seeds(records: Sequence[RunRecord]) -> list[RunRecord]:
    return list({record.spec.seed: record for record in records}.values())


def _left_aside(records: Sequence[RunRecord], last: Sequence[RunRecord]) -> list[str]:
    """What is said where a seed was run more than once, on another input pipeline perhaps."""
    earlier = len(records) - len(last)
    if not earlier:
        return []
    return [
        f"{earlier} earlier run{'s' if earlier > 1 else ''} of the same seed{'s' if earlier > 1 else ''} left aside"
    ]


def _judge_with_remarks(band: Band, pool: Sequence[RunRecord], paper: Paper) -> Judgement:
    """Of the last run of each seed, with all that has to be said beside it."""
    last = _last_of_seeds(pool)
    judgement, said = _judge_band(band, last, paper), [*_left_aside(pool, last), *remarks(last)]
    if band.quantity == "accuracy":
        said += _degenerates(last)
    return replace(judgement, verdict=_with_remarks(judgement.verdict, said))


def _judge_band(band: Band, records: Sequence[RunRecord], paper: Paper) -> Judgement:
    if band.unjudged:
        observed = tuple(_accuracy(record) for record in records) if band.quantity == "accuracy" else ()
        return Judgement(band, Verdict("NOT_COMPARABLE", band.unjudged), observed)
    return _JUDGES[band.quantity](band, records, paper)


def _with_remarks(verdict: Verdict, said: Sequence[str]) -> Verdict:
    """The same with what would settle it and what has to be said beside it, where anything was judged."""
    if verdict.kind == "NOT_COMPARABLE":
        return verdict
    return replace(verdict, reason="; ".join([verdict.reason, *settling_texts(verdict), *said]))


def _degenerates(records: Sequence[RunRecord]) -> list[str]:
    return [f"degenerate: {signs}" for signs in dict.fromkeys(map(degenerate, records)) if signs]


def _judge_numbers(band: Band, observed: Sequence[float]) -> Verdict:
    return judge_values(
        band.scale,
        band.expected,
        band.allowance,
        observed,
        widest=band.widest.size if band.widest else None,
        unit=UNITS.get(band.quantity, "percent"),
        reference=band.reference,
    )


def _accuracy(record: RunRecord) -> float:
    return record.scores["paper_test"].accuracy


def _judge_accuracy(band: Band, records: Sequence[RunRecord], paper: Paper) -> Judgement:
    observed = tuple(_accuracy(record) for record in records)
    verdict = _judge_numbers(band, observed)
    stopped = sum(_was_stopped_by_accuracy(record) for record in records)
    if stopped and verdict.kind != "NOT_REPRODUCED":
        reason = f"{stopped} of {len(records)} runs ended at the rule's threshold: their accuracy is the threshold"
        verdict = Verdict("NOT_COMPARABLE", reason)
    return Judgement(band, verdict, observed)


def _was_stopped_by_accuracy(record: RunRecord) -> bool:
    threshold = record.spec.variant.stop_rule.threshold
    return threshold is not None and math.isfinite(first_crossing(record, threshold))


def _judge_reached(band: Band, records: Sequence[RunRecord], paper: Paper) -> Judgement:
    threshold = _threshold(band)
    crossings = tuple(first_crossing(record, threshold) for record in records)
    if math.isinf(band.expected):
        verdict = judge_epochs(band.expected, band.allowance, crossings, planned=band.planned, reference=band.reference)
        verdict = replace(verdict, reason=f"above {100 * threshold:.0f} % {verdict.reason}")
    else:
        highest = [max(each.watched_accuracy for each in record.history) for record in records]
        verdict = judge_reached(threshold, band.allowance, highest)
    return Judgement(band, verdict, crossings)


def _threshold(band: Band) -> float:
    if band.threshold is None:
        raise ValueError(f"{band.name} has no threshold that could be reached")
    return band.threshold


def _judge_epochs(band: Band, records: Sequence[RunRecord], paper: Paper) -> Judgement:
    if band.threshold is not None:
        ended = tuple(first_crossing(record, band.threshold) for record in records)
        text = f"first above {100 * band.threshold:.0f} % "
    elif records[0].spec.variant.stop_rule.kind == "never":
        return Judgement(band, Verdict("NOT_COMPARABLE", "this reading has no rule that could end it"), ())
    else:
        ended = tuple(
            float(len(record.history)) if len(record.history) < band.planned else math.inf for record in records
        )
        text = "ended by the rule "
    verdict = judge_epochs(band.expected, band.allowance, ended, planned=band.planned, reference=band.reference)
    return Judgement(band, replace(verdict, reason=text + verdict.reason), ended)


def _judge_training(band: Band, records: Sequence[RunRecord], paper: Paper) -> Judgement:
    ends = _ends(band, records, paper)
    if not ends:
        return _never_ended(band)
    observed = tuple(
        each.training_accuracy - (each.watched_accuracy if band.quantity == "gap" else 0.0) for each in ends
    )
    return Judgement(band, _judge_numbers(band, observed), observed)


def _ends(band: Band, records: Sequence[RunRecord], paper: Paper) -> list[EpochRecord]:
    """The epoch of each run that is the paper's last: the end, or where the paper's rule fired, the first crossing."""
    threshold = _papers_threshold(paper, band.variant)
    if threshold is None:
        return [record.history[-1] for record in records]
    crossings = [(record, first_crossing(record, threshold)) for record in records]
    return [record.history[int(epoch) - 1] for record, epoch in crossings if math.isfinite(epoch)]


def _papers_threshold(paper: Paper, base_name: str) -> float | None:
    """Threshold of the rule that ended the paper's run; None if none did."""
    band = bands(paper).get(f"{base_name}.reached")
    return band.threshold if band is not None and math.isfinite(band.expected) else None


def _never_ended(band: Band) -> Judgement:
    return Judgement(band, Verdict("NOT_COMPARABLE", "the paper's run ended above the threshold, ours never were"), ())


def _judge_matrix(band: Band, records: Sequence[RunRecord], paper: Paper) -> Judgement:
    threshold = _papers_threshold(paper, band.variant)
    chosen = [
        record for record in records if threshold is None or first_crossing(record, threshold) == len(record.history)
    ]
    if not chosen:
        reason = "the paper's matrix is of the first epoch above the threshold, none of ours is"
        return Judgement(band, Verdict("NOT_COMPARABLE", reason), ())
    theirs, ours = band.matrix, [np.array(record.scores["paper_test"].confusion) for record in chosen]
    if band.quantity == "pattern":
        verdict, measure = judge_pattern(theirs, band.allowance, ours), _distance
    else:
        verdict, measure = judge_recalls(theirs, band.allowance, ours), _largest_difference
    return Judgement(band, verdict, tuple(measure(theirs, each) for each in ours))


def _distance(theirs: Confusion, ours: Confusion) -> float:
    return distance(rates(theirs), rates(ours))


def _largest_difference(theirs: Confusion, ours: Confusion) -> float:
    return float(np.nanmax(np.abs(recalls(theirs) - recalls(ours))))


def _judge_time(band: Band, records: Sequence[RunRecord], paper: Paper) -> Judgement:
    """Of runs whose seconds can be compared."""
    if paper.hardware is None:
        raise ValueError(f"{paper.name} names no hardware; no seconds can be compared with its own")
    runs = [each for record in records if (each := papers_seconds(record, paper)) is not None]
    verdict = judge_seconds(band, runs)
    disturbed = dict.fromkeys(said for record in records for said in disturbances(record, paper))
    if disturbed:
        # not a matter of more seeds: on such a card none of them would settle it
        verdict = Verdict("INCONCLUSIVE", f"{verdict.reason}; the GPU was not its own: {', '.join(disturbed)}")
    verdict = replace(verdict, reason=f"{verdict.reason}; {time_remark(records, paper.hardware)}")
    return Judgement(band, verdict, tuple(each.seconds for each in runs))


def judge_seconds(band: Band, runs: Sequence[PapersSeconds]) -> Verdict:
    """Judge times of one kind of machine and pipeline as the paper's.

    Args:
        band: Of the seconds of a whole run.
        runs: For the paper's epochs, one a seed.

    Raises:
        ValueError: If nothing was observed, or what was is not finite.
    """
    verdict = _judge_numbers(band, [each.seconds for each in runs])
    return replace(verdict, reason=f"{verdict.reason}, {epochs_text(runs)}")


_JUDGES: Final[dict[Quantity, Callable[[Band, Sequence[RunRecord], Paper], Judgement]]] = {
    "accuracy": _judge_accuracy,
    "reached": _judge_reached,
    "epochs": _judge_epochs,
    "training-accuracy": _judge_training,
    "gap": _judge_training,
    "recalls": _judge_matrix,
    "pattern": _judge_matrix,
    "seconds": _judge_time,
}
