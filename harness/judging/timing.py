"""Seconds of a run as a paper counts them, and whether the card that took them is of the paper's class."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.judging.differences import Difference
from harness.papers.hardware import Gpu
from harness.papers.paper import Paper
from harness.records.record import RunRecord


def product_rate(record: RunRecord, gpu: Gpu) -> Difference | None:
    """Say that a card which is called like the paper's is not of its class, by its calibrated product.

    Returns:
        None where it is as fast as expected, or where nobody can tell.
    """
    calibration, share = record.calibration, _share_of_peak(record, gpu)
    if calibration is None or share is None or share in gpu.product_share:
        return None
    product = calibration.product
    return Difference(
        "product-rate",
        record.environment.gpu,
        gpu.name,
        (
            ("work", product.work),
            ("rate", product.rate),
            ("lowest", min(product.rates)),
            ("highest", max(product.rates)),
            ("count", len(product.rates)),
            ("share", share),
            ("peak", gpu.peak),
            ("least_share", gpu.product_share.low),
            ("most_share", gpu.product_share.high),
        ),
    )


def _share_of_peak(record: RunRecord, gpu: Gpu) -> float | None:
    """Of the product that was calibrated on a card called like the paper's; None where it was none, or was not
    calibrated, or not in float32, which alone has a reference here."""
    calibration, name = record.calibration, record.environment.gpu
    if calibration is None or (calibration.gpu, calibration.precision) != (name, "float32"):
        return None
    return calibration.product.rate / gpu.peak if gpu.is_called_alike(name) else None


def class_remark(records: Sequence[RunRecord], gpu: Gpu) -> str:
    """By what the class of device was recognised."""
    shares = [_share_of_peak(record, gpu) for record in records]
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return "the class of the GPU by its name alone, its rate not calibrated in float32"
    told = " to ".join(dict.fromkeys(f"{share:.0%}" for share in (min(known), max(known))))
    return f"the class of the GPU by its name and its product, {told} of the nominal peak"


def seconds_per_epoch(record: RunRecord) -> float | None:
    """Mean training and evaluation of an epoch, in seconds, as Keras' own clock around `fit` has both; no warm-up.

    One epoch does the work of another while the same layers train. Where layers are unfrozen on the way (several
    phases) a mean tells something of whole runs alone: None for a shorter one.
    """
    variant, history = record.spec.variant, record.history
    if not history or (len(variant.phases) > 1 and len(history) < variant.epochs):
        return None
    return statistics.fmean(each.training_seconds + each.evaluation_seconds for each in history)


@dataclass(frozen=True)
class PapersSeconds:
    """How long a run took, or would have taken, for as many epochs as the paper's.

    Attributes:
        seconds: Of all epochs with their evaluation.
        epochs: Of the paper's run.
        timed: How many of them were run, after the warm-up, which is on no clock here.
        first_ratio: The first epoch over the mean of the later ones of its phase; None where there are none.
        has_lone_first: Whether some phase's first epoch stands for others, since none of them was run.
    """

    seconds: float
    epochs: int
    timed: int
    first_ratio: float | None
    has_lone_first: bool = False


def papers_seconds(record: RunRecord, paper: Paper) -> PapersSeconds | None:
    """The paper's epochs by those of a run: as they were where enough were run, else extrapolated.

    The first epoch of a phase may hold what a framework still does once: it counts once, and the later ones' mean
    stands for those that were not run; the first itself where it is alone. Where layers are unfrozen on the way, each
    phase is counted by its own epochs; None where a phase has none.
    """
    variant, epochs = record.spec.variant, papers_epochs(record, paper)
    planned = [phase.epochs for phase in record.spec.asked.phases]
    planned[-1] = epochs - sum(planned[:-1])
    times = [each.training_seconds + each.evaluation_seconds for each in record.history]
    total, timed, first_ratio, has_lone_first = 0.0, 0, None, False
    for place, (wanted, phase) in enumerate(zip(planned, variant.phases, strict=False)):
        last = place == len(variant.phases) - 1
        own, times = (times, []) if last else (times[: phase.epochs], times[phase.epochs :])
        if not own:
            return None
        if len(own) > 1 and first_ratio is None:
            first_ratio = own[0] / statistics.fmean(own[1:])
        missing = max(0, wanted - len(own))
        total += sum(own[:wanted]) + missing * statistics.fmean(own[1:] or own)
        timed += min(wanted, len(own))
        has_lone_first |= len(own) == 1 and missing > 0
    if len(variant.phases) != len(planned):
        return None
    return PapersSeconds(total, epochs, timed, first_ratio, has_lone_first)


def epochs_text(runs: Sequence[PapersSeconds]) -> str:
    """How many epochs the seconds are of, and how many of them were timed."""
    epochs, counts = runs[0].epochs, [each.timed for each in runs]
    if min(counts) == epochs:
        return f"for {epochs} epochs, all of them timed after the warm-up"
    timed = " to ".join(dict.fromkeys(str(count) for count in (min(counts), max(counts))))
    text = f"for {epochs} epochs, extrapolated from {timed} timed after the warm-up"
    ratios = [each.first_ratio for each in runs if each.first_ratio is not None]
    if not ratios:
        return f"{text}, the first of {'a run' if max(counts) == 1 else 'each phase'}, which may hold what is done once"
    told = " to ".join(dict.fromkeys(f"×{ratio:.2f}" for ratio in (min(ratios), max(ratios))))
    lone = "; where the first alone was timed, it stands for all and may hold what is done once"
    has_lone = any(each.has_lone_first for each in runs)
    return f"{text}; the first took {told} of the later ones' mean and counts once{lone if has_lone else ''}"


def papers_epochs(record: RunRecord, paper: Paper) -> int:
    """How many epochs the paper's times are for: those that it ran, where it says so, else those that were planned."""
    name = record.spec.asked.base_name
    run = paper.facts.mentions(name, "epochs-run") or paper.facts.mentions(name, "epochs")
    return int(run[0].value) if run else record.spec.asked.epochs
