"""Seconds of a run as the paper counts them, and whether the card that took them is of the paper's class."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.papers.facts import facts
from harness.papers.variants import VARIANTS, find_variant
from harness.records.record import RunRecord
from harness.variant import Variant, VariantError

PAPERS_GPU: Final = "RTX 4080 SUPER"
"""Source: paper, "Experiment Setup": "NVIDIA GEFORCE RTX 4080 SUPER 16G"."""
LIKE_THE_PAPERS_GPU: Final = re.compile(r"\bRTX 4080( SUPER)?$")
"""As drivers name it. The SUPER has 5 % more cores (10,240, 9,728), which the band's factor holds; the laptops' chip of
the same number is another one and is named with more words."""
PRODUCT_SHARE: Final = Interval(0.5, 1.2)
"""Of the nominal float32 peak of the paper's card (52.2 TFLOP/s) that a large matrix product reaches on a card of its
class; declared, not measured. A clock of 3.0 GHz would make 1.18 of it; a card that does less than half is held back,
divided, or another one under that name."""


def declared_variant(name: str) -> Variant | None:
    """What a variant's name says; None where nothing has it."""
    try:
        return find_variant(name)
    except VariantError:
        return None


def is_called_alike(gpu: str | None) -> bool:
    """Whether a GPU has the name of the paper's class."""
    return gpu is not None and LIKE_THE_PAPERS_GPU.search(gpu) is not None


def rate_differences(record: RunRecord) -> list[str]:
    """Why a card that is called like the paper's is not of its class, by its calibrated product; empty otherwise."""
    calibration, share = record.calibration, _share_of_papers_peak(record)
    if calibration is None or share is None or share in PRODUCT_SHARE:
        return []
    product = calibration.product
    low, high = (rate / 1e12 for rate in (min(product.rates), max(product.rates)))
    return [
        f"device {record.environment.gpu} by its name, but its product of {product.work} ran at "
        f"{product.rate / 1e12:.1f} TFLOP/s ({low:.1f} to {high:.1f}, n = {len(product.rates)}), {share:.0%} of an "
        f"{PAPERS_GPU}'s nominal {paper_peak(facts()) / 1e12:.1f}, expected {PRODUCT_SHARE.low:.0%} to "
        f"{PRODUCT_SHARE.high:.0%}"
    ]


def _share_of_papers_peak(record: RunRecord) -> float | None:
    """Of the product that was calibrated on a card called like the paper's; None where it was none, or was not
    calibrated, or not in float32, which alone has a reference here."""
    calibration, gpu = record.calibration, record.environment.gpu
    if calibration is None or (calibration.gpu, calibration.precision) != (gpu, "float32") or not is_called_alike(gpu):
        return None
    return calibration.product.rate / paper_peak(facts())


def class_remark(records: Sequence[RunRecord]) -> str:
    """By what the class of device was recognised."""
    shares = [_share_of_papers_peak(record) for record in records]
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


def papers_seconds(record: RunRecord) -> PapersSeconds | None:
    """The paper's epochs by those of a run: as they were where enough were run, else extrapolated.

    The first epoch of a phase may hold what a framework still does once: it counts once, and the later ones' mean
    stands for those that were not run; the first itself where it is alone. Where layers are unfrozen on the way, each
    phase is counted by its own epochs; None where a phase has none.
    """
    variant, epochs = record.spec.variant, int(papers_epochs(record.spec.variant.base_name))
    planned = [phase.epochs for phase in (declared_variant(variant.name) or variant).phases]
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


def papers_epochs(base_name: str) -> float:
    """How many epochs the paper's times are for: those that it ran, where it says so, else those that were planned."""
    run = facts().mentions(base_name, "epochs-run") or facts().mentions(base_name, "epochs")
    return run[0].value if run else float(VARIANTS[base_name].epochs)
