"""Whether a run can be held against the paper at all, and what has to be said beside a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from harness.judging.timing import (
    PAPERS_GPU,
    class_remark,
    declared_variant,
    is_called_alike,
    papers_seconds,
    rate_differences,
)
from harness.measuring.gpu import doubts
from harness.records.record import RunRecord
from harness.training.budget import limit_variant
from harness.variant import Variant
from harness.verification.known_data import known_layout
from harness.weights.catalogue import WeightsError, catalogue, find_checkpoint

PAPERS_CPU: Final = "Ryzen 9 5900X"
"""It computes the pixels in the paper's pipelines. Source: paper, "Experiment Setup": "AMD RYZEN 9 5900X"."""
PAPERS_PIPELINES: Final = ("generator", "manual")
"""Input pipelines on which the paper's seconds are judged: its own two ("Training Data Preparation")."""


def differences(record: RunRecord) -> list[str]:
    """In what a run differs from what the bands are for, its times left aside; empty if it is comparable.

    A reading of the variant other than the default is no difference: the paper is ambiguous there. It is named beside
    the verdict (`remarks`), so that of several readings the one that agrees is not mistaken for the paper's.
    """
    found = []
    if record.status != "complete":
        found.append(f"run {record.status}")
    found += _of_data(record)
    if _is_cut(record):
        found.append(f"budget {record.spec.budget.name}")
    if record.spec.protocol != "paper":
        found.append(f"protocol {record.spec.protocol}")
    if record.spec.pipeline == "manual" and record.spec.variant.augmentation is not None:
        found.append("pipeline manual, which augments nothing")
    if record.spec.precision == "mixed":
        found.append("precision mixed")
    if record.spec.batch_size is not None:
        found.append(f"batch size {record.spec.batch_size}, the paper's is {record.spec.asked.batch_size}")
    if _repeats_views(record):
        count = record.spec.views
        found.append(f"{count} augmented view{'' if count == 1 else 's'} repeated")
    found += _of_weights(record)
    if not all(math.isfinite(value) for epoch in record.history for value in vars(epoch).values()):
        found.append("history not finite")
    if record.spec.asked.width_divisor != 1:
        found.append(f"width ÷ {record.spec.asked.width_divisor}")
    elif record.spec.asked != declared_variant(record.spec.asked.name):
        found.append("variant unlike variants.toml")
    return found


def _repeats_views(record: RunRecord) -> bool:
    """Whether an epoch showed pictures that an earlier one had shown. With a view for each it is the paper's way."""
    return record.spec.views is not None and record.spec.views < len(record.history)


def _of_data(record: RunRecord) -> list[str]:
    data = record.dataset
    if data is None or data.name != "fer2013":
        return [f"data {data.name if data else 'missing'}"]
    if data.deviations:
        return ["deviating data"]
    layout = known_layout(data)
    known = layout.digest if layout else None
    return [f"data digest {data.digest[:12]}, expected {known[:12]}"] if known not in (None, data.digest) else []


def _of_weights(record: RunRecord) -> list[str]:
    source, expected = record.weights.source, _variants_weights(record.spec.variant)
    if source == "stand-in":
        return ["stand-in weights"]
    if source != expected:
        return [f"weights {source}, the variant's are {expected or 'none that fit'}"]
    published = catalogue().get(source)
    is_other = published is not None and published.digest not in (None, record.weights.digest)
    return ["weights unlike the published ones"] if is_other else []


def _variants_weights(variant: Variant) -> str | None:
    """What a run of a variant begins with, as records name it; None where nobody publishes weights that fit."""
    if variant.weights_source == "random":
        return "random"
    try:
        return find_checkpoint(variant.weights_source, variant.architecture)[0]
    except WeightsError:
        return None


def _is_cut(record: RunRecord) -> bool:
    """Whether the budget took anything away. An hour that was enough for all epochs did not."""
    budget = record.spec.budget
    has_fewer_images = budget.examples is not None or budget.test_examples is not None
    return (
        has_fewer_images or record.is_ended_by_seconds or limit_variant(record.spec.asked, budget) != record.spec.asked
    )


def time_differences(record: RunRecord) -> list[str]:
    """Why a run's seconds cannot be held against the paper's; empty if they can.

    A budget that ended a run early takes its accuracy out of comparison, not its epochs: a few are enough to time.
    """
    cut = f"budget {record.spec.budget.name}" if _is_cut_in_epochs_alone(record) else None
    found = [each for each in differences(record) if each != cut]
    if record.spec.pipeline not in PAPERS_PIPELINES:
        found.append(f"pipeline {record.spec.pipeline}, the paper's are {' and '.join(PAPERS_PIPELINES)}")
    if not is_called_alike(record.environment.gpu):
        device = record.environment.gpu or record.environment.cpu
        found.append(f"device {device}, the paper's is an {PAPERS_GPU}")
    if record.calibration is None or not record.calibration.doubts:  # else it is a disturbance
        found += rate_differences(record)
    if record.spec.cached_features:
        found.append("features of the frozen base kept")
    if record.spec.checkpointing:
        found.append("activation checkpointing, which computes blocks twice")
    if record.spec.deterministic:
        found.append("deterministic operations, which may take more time")
    if papers_seconds(record) is None:
        found.append("epochs of unequal work, and none of some phase")
    return found


def differs_in_pipeline_alone(record: RunRecord) -> bool:
    """Whether a run's seconds would be held against the paper's if its pixels were computed as the paper's are."""
    spec = record.spec
    as_the_paper = replace(record, spec=replace(spec, pipeline=PAPERS_PIPELINES[0]))
    return spec.pipeline not in PAPERS_PIPELINES and not time_differences(as_the_paper)


def _is_cut_in_epochs_alone(record: RunRecord) -> bool:
    """Whether a budget took epochs away, and nothing from any that was run."""
    budget, asked = record.spec.budget, record.spec.asked
    if budget.examples is not None or budget.test_examples is not None:
        return False
    return limit_variant(asked, replace(budget, epochs=None)) == asked


def disturbances(record: RunRecord) -> list[str]:
    """What the driver saw that makes a run's seconds no property of its GPU; empty if nothing, or nobody looked."""
    found = doubts(record.gpu.identity, record.gpu.use) if record.gpu else []
    doubted = record.calibration.doubts if record.calibration else ()
    return found + [f"{each}, while {' and '.join(doubted)}" for each in rate_differences(record) if doubted]


def undisturbed(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Those whose GPU was its own; where there are none, all."""
    return [record for record in records if not disturbances(record)] or list(records)


def remarks(records: Sequence[RunRecord]) -> list[str]:
    """What has to be said beside a verdict on comparable runs of one variant."""
    readings = {record.spec.variant.name.partition("@")[2] for record in records}
    found = [f"reading {each}, not the default" for each in sorted(readings) if each]
    if any(record.spec.precision == "tf32" for record in records):
        found.append("precision tf32")
    doors = {record.dataset.door for record in records if record.dataset}
    unknown = [door for door in sorted(doors) if door.endswith(".csv")]
    if unknown:
        found.append(f"data from {' and '.join(unknown)} known by their counts alone")
    return found


def time_remark(records: Sequence[RunRecord]) -> str:
    """What stands beside a verdict on times: the processor, which computes the pixels in the paper's pipelines, by what
    the GPU's class was recognised, and whether anybody looked at the GPU meanwhile."""
    processors = ", ".join(dict.fromkeys(record.environment.cpu for record in records))
    unseen = "" if all(record.gpu for record in records) else "; clocks and other users of the GPU not known"
    return f"pixels computed by {processors}, the paper's by a {PAPERS_CPU}; {class_remark(records)}{unseen}"
