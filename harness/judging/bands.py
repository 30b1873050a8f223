"""Whether runs reproduce what the paper reports: one judgement for each quantity of a variant, and a headline.

Only accuracies on both tests together, watched by the paper's protocol, are held against the paper's. What a band is
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
    differences,
    papers_epochs,
    remarks,
    seconds_per_epoch,
    time_differences,
)
from harness.judging.error_budget import Band, Part, Quantity
from harness.judging.expectations import bands
from harness.judging.patterns import Confusion, degenerate, distance, judge_pattern, judge_recalls, rates, recalls
from harness.judging.verdicts import (
    FACTOR,
    POINTS,
    Verdict,
    VerdictKind,
    judge_epochs,
    judge_reached,
    judge_values,
)
from harness.paper.facts import facts
from harness.runs.record import RunRecord
from harness.training.fit import EpochRecord

__all__ = [
    "Band",
    "Judgement",
    "Part",
    "Verdict",
    "VerdictKind",
    "bands",
    "bands_of",
    "differences",
    "first_crossing",
    "judge",
    "judge_all",
    "judge_seconds",
]


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


def bands_of(base_name: str) -> tuple[Band, ...]:
    """The bands of one variant, in order."""
    return tuple(band for band in bands().values() if band.variant == base_name)


def first_crossing(record: RunRecord, threshold: float) -> float:
    """Epoch, counted from 1, whose watched accuracy is the first above a threshold; `inf` if there is none."""
    return next((each.epoch + 1.0 for each in record.history if each.watched_accuracy > threshold), math.inf)


def judge(records: Sequence[RunRecord]) -> Verdict:
    """The headline: the verdict on the accuracy, or where that is the stop rule's threshold, on reaching it, and when.

    Args:
        records: At least one, all of the same variant and implementation.
    """
    chosen, base_name = comparable(records), records[-1].spec.variant.base_name
    if not chosen:
        return Verdict("NOT_COMPARABLE", ", ".join(differences(records[-1])))
    accuracy = bands()[f"{base_name}.accuracy"]
    if accuracy.unjudged is None:
        return _judged(accuracy, chosen).verdict
    reached, epochs = (_judgement(bands()[f"{base_name}.{name}"], chosen).verdict for name in ("reached", "epochs"))
    return _named(_worse(reached, epochs), [*remarks(chosen), *_degenerates(chosen)])


def _worse(reached: Verdict, epochs: Verdict) -> Verdict:
    """NOT_REPRODUCED if either is, REPRODUCED if both are."""
    if reached.kind == epochs.kind:
        # either may need more runs than the other; where one would never be settled, neither is the whole
        counts = (reached.further_seeds, epochs.further_seeds)
        further = max(each for each in counts if each) if all(counts) else None
        return Verdict(reached.kind, f"{reached.reason}; {epochs.reason}", further)
    order: tuple[VerdictKind, ...] = ("NOT_REPRODUCED", "INCONCLUSIVE", "NOT_COMPARABLE", "REPRODUCED")
    decisive, other = sorted((reached, epochs), key=lambda each: order.index(each.kind))
    return replace(decisive, reason=f"{decisive.reason}; {other.reason}")


def judge_all(records: Sequence[RunRecord]) -> tuple[Judgement, ...]:
    """Judge runs of one variant by one implementation, quantity by quantity; the last one of each seed counts.

    Args:
        records: At least one, all of the same variant and implementation.

    Returns:
        One judgement for each band of the variant, in the order of the bands.
    """
    chosen, base_name = comparable(records), records[-1].spec.variant.base_name
    if not chosen:
        verdict = Verdict("NOT_COMPARABLE", ", ".join(differences(records[-1])))
        return tuple(Judgement(band, verdict, ()) for band in bands_of(base_name))
    return tuple(_judged(band, chosen) for band in bands_of(base_name))


def comparable(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The last comparable run of each seed."""
    return list({record.spec.seed: record for record in records if not differences(record)}.values())


def _judgement(band: Band, records: Sequence[RunRecord]) -> Judgement:
    if band.unjudged:
        observed = tuple(_accuracy(record) for record in records) if band.quantity == "accuracy" else ()
        return Judgement(band, Verdict("NOT_COMPARABLE", band.unjudged), observed)
    return _JUDGES[band.quantity](band, records)


def _judged(band: Band, records: Sequence[RunRecord]) -> Judgement:
    judgement = _judgement(band, records)
    found = _named(judgement.verdict, remarks(records))
    return replace(judgement, verdict=_named(found, _degenerates(records)) if band.quantity == "accuracy" else found)


def _named(verdict: Verdict, said: Sequence[str]) -> Verdict:
    """The same with what has to be said beside it, where anything was judged."""
    return verdict if verdict.kind == "NOT_COMPARABLE" else replace(verdict, reason="; ".join([verdict.reason, *said]))


def _degenerates(records: Sequence[RunRecord]) -> list[str]:
    return [f"degenerate: {signs}" for signs in dict.fromkeys(map(degenerate, records)) if signs]


def _accuracy(record: RunRecord) -> float:
    return record.scores["paper_test"].accuracy


def _judge_accuracy(band: Band, records: Sequence[RunRecord]) -> Judgement:
    observed = tuple(_accuracy(record) for record in records)
    verdict = judge_values(POINTS, band.expected, band.allowance, observed)
    stopped = sum(_was_stopped_by_accuracy(record) for record in records)
    if stopped and verdict.kind != "NOT_REPRODUCED":
        reason = f"{stopped} of {len(records)} runs ended at the rule's threshold: their accuracy is the threshold"
        verdict = Verdict("NOT_COMPARABLE", reason)
    return Judgement(band, verdict, observed)


def _was_stopped_by_accuracy(record: RunRecord) -> bool:
    threshold = record.spec.variant.stop_rule.threshold
    return threshold is not None and math.isfinite(first_crossing(record, threshold))


def _judge_reached(band: Band, records: Sequence[RunRecord]) -> Judgement:
    threshold = band.threshold or 0.0
    crossings = tuple(first_crossing(record, threshold) for record in records)
    if math.isinf(band.expected):
        verdict = judge_epochs(band.expected, band.allowance, crossings, planned=band.planned)
        verdict = replace(verdict, reason=f"above {100 * threshold:.0f} % {verdict.reason}")
    else:
        highest = [max(each.watched_accuracy for each in record.history) for record in records]
        verdict = judge_reached(threshold, band.allowance, highest)
    return Judgement(band, verdict, crossings)


def _judge_epochs(band: Band, records: Sequence[RunRecord]) -> Judgement:
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
    verdict = judge_epochs(band.expected, band.allowance, ended, planned=band.planned)
    return Judgement(band, replace(verdict, reason=text + verdict.reason), ended)


def _judge_training(band: Band, records: Sequence[RunRecord]) -> Judgement:
    ends = _ends(band, records)
    if not ends:
        return _never_ended(band)
    observed = tuple(
        each.training_accuracy - (each.watched_accuracy if band.quantity == "gap" else 0.0) for each in ends
    )
    return Judgement(band, judge_values(POINTS, band.expected, band.allowance, observed), observed)


def _ends(band: Band, records: Sequence[RunRecord]) -> list[EpochRecord]:
    """The epoch of each run that is the paper's last: the end, or where the paper's rule fired, the first crossing."""
    threshold = _papers_threshold(band.variant)
    if threshold is None:
        return [record.history[-1] for record in records]
    crossings = [(record, first_crossing(record, threshold)) for record in records]
    return [record.history[int(epoch) - 1] for record, epoch in crossings if math.isfinite(epoch)]


def _papers_threshold(base_name: str) -> float | None:
    """Threshold of the rule that ended the paper's run; None if none did."""
    band = bands().get(f"{base_name}.reached")
    return band.threshold if band is not None and math.isfinite(band.expected) else None


def _never_ended(band: Band) -> Judgement:
    return Judgement(band, Verdict("NOT_COMPARABLE", "the paper's run ended above the threshold, ours never were"), ())


def _judge_matrix(band: Band, records: Sequence[RunRecord]) -> Judgement:
    threshold = _papers_threshold(band.variant)
    chosen = [
        record for record in records if threshold is None or first_crossing(record, threshold) == len(record.history)
    ]
    if not chosen:
        reason = "the paper's matrix is of the first epoch above the threshold, none of ours is"
        return Judgement(band, Verdict("NOT_COMPARABLE", reason), ())
    paper = facts().confusion(band.variant)
    ours = [np.array(record.scores["paper_test"].confusion) for record in chosen]
    if band.quantity == "pattern":
        verdict, measure = judge_pattern(paper, band.allowance, ours), _distance
    else:
        verdict, measure = judge_recalls(paper, band.allowance, ours), _largest_difference
    return Judgement(band, verdict, tuple(measure(paper, each) for each in ours))


def _distance(paper: Confusion, ours: Confusion) -> float:
    return distance(rates(paper), rates(ours))


def _largest_difference(paper: Confusion, ours: Confusion) -> float:
    return float(np.nanmax(np.abs(recalls(paper) - recalls(ours))))


def _judge_time(band: Band, records: Sequence[RunRecord]) -> Judgement:
    reasons = [time_differences(record) for record in records]
    chosen = [record for record, found in zip(records, reasons, strict=True) if not found]
    if not chosen:
        return Judgement(band, Verdict("NOT_COMPARABLE", ", ".join(reasons[-1])), ())
    epochs = papers_epochs(band.variant)
    seconds = [each for each in map(seconds_per_epoch, chosen) if each is not None]
    return Judgement(band, judge_seconds(band, seconds, epochs), tuple(each * epochs for each in seconds))


def judge_seconds(band: Band, seconds: Sequence[float], epochs: float) -> Verdict:
    """Judge times of one kind of machine and pipeline as the paper's.

    Args:
        band: Of the seconds of a whole run.
        seconds: Of an epoch, one value a seed.
        epochs: Of the paper's run (`papers_epochs`).

    Raises:
        ValueError: If nothing was observed.
    """
    verdict = judge_values(FACTOR, band.expected, band.allowance, [each * epochs for each in seconds])
    return replace(verdict, reason=f"{verdict.reason}, for {epochs:.0f} epochs")


_JUDGES: Final[dict[Quantity, Callable[[Band, Sequence[RunRecord]], Judgement]]] = {
    "accuracy": _judge_accuracy,
    "reached": _judge_reached,
    "epochs": _judge_epochs,
    "training-accuracy": _judge_training,
    "gap": _judge_training,
    "recalls": _judge_matrix,
    "pattern": _judge_matrix,
    "seconds": _judge_time,
}
