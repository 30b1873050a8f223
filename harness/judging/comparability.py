"""Whether a run can be compared with a paper at all, and what has to be said beside a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from harness.judging.differences import Difference
from harness.judging.timing import class_remark, papers_seconds, product_rate
from harness.measuring.gpu import doubts
from harness.papers.hardware import Hardware
from harness.papers.paper import Paper
from harness.records.record import RunRecord
from harness.training.budget import limit_variant
from harness.variant import Variant
from harness.verification.known_data import known_layout
from harness.weights.catalogue import WeightsError, catalogue, find_checkpoint


@dataclass(frozen=True, eq=False)
class Compared:
    """A run beside a paper, and what keeps them apart.

    Attributes:
        record: The run.
        differences: From what the paper's bands are for, times left aside; empty if it is comparable.
        time_differences: Why its seconds cannot be compared; empty if they can.
    """

    record: RunRecord
    differences: tuple[Difference, ...]
    time_differences: tuple[Difference, ...]

    @property
    def differs_in_pipeline_alone(self) -> bool:
        """Whether its seconds would be compared if its pixels were computed as the paper's."""
        return [each.kind for each in self.time_differences] == ["pipeline"]


def compare_with(paper: Paper, record: RunRecord) -> Compared:
    """Compare a run with a paper, once for all that is judged of it."""
    found = differences(record, paper)
    # a budget that ended a run early takes its accuracy out of comparison, not its epochs: a few are enough to time
    of_times = [each for each in found if each.kind != "budget" or not _is_cut_in_epochs_alone(record)]
    return Compared(record, tuple(found), (*of_times, *_time_differences(record, paper)))


def differences(record: RunRecord, paper: Paper) -> list[Difference]:
    """In what a run differs from what a paper's bands are for, its times left aside; empty if it is comparable.

    A reading of the variant other than the default is no difference: the paper is ambiguous there. It is named beside
    the verdict (`remarks`), so that of several readings the one that agrees is not mistaken for the paper's.
    """
    return list(_differences(record, paper))


def _differences(record: RunRecord, paper: Paper) -> Iterator[Difference]:
    spec, asked = record.spec, record.spec.asked
    if record.status != "complete":
        yield Difference("status", record.status, "complete")
    if spec.paper != paper.name:
        yield Difference("paper", spec.paper, paper.name)
    declared = paper.declared(asked.name)
    if declared is None:
        yield Difference("unknown-variant", asked.name, tuple(paper.variants))
    elif others := _declared_otherwise(asked, declared):
        yield Difference("declared-otherwise", others)
    yield from _of_data(record, paper)
    if is_cut(record):
        yield Difference("budget", spec.budget.name)
    if spec.protocol != "paper":
        yield Difference("protocol", spec.protocol, "paper")
    if spec.pipeline == "manual" and asked.augmentation is not None:
        yield Difference("unaugmented-pipeline", spec.pipeline)
    if spec.precision == "mixed":
        yield Difference("precision", spec.precision)
    if spec.batch_size is not None:
        yield Difference("batch-size", spec.batch_size, asked.batch_size)
    if spec.views is not None and spec.views < len(record.history):  # with a view for each epoch it is the paper's way
        yield Difference("repeated-views", spec.views)
    yield from _of_weights(record)
    if not all(math.isfinite(value) for epoch in record.history for value in vars(epoch).values()):
        yield Difference("history-not-finite")


def _declared_otherwise(variant: Variant, declared: Variant) -> tuple[str, ...]:
    """Names of the fields in which a variant is not what its paper says under its name."""
    names = [field.name for field in fields(Variant)]
    return tuple(name for name in names if getattr(variant, name) != getattr(declared, name))


def _of_data(record: RunRecord, paper: Paper) -> Iterator[Difference]:
    data = record.dataset
    if data is None or data.name != paper.dataset:
        yield Difference("dataset", data.name if data else None, paper.dataset)
    elif data.deviations:
        yield Difference("deviating-data", data.deviations)
    else:
        layout = known_layout(data)
        known = layout.digest if layout else None
        if known not in (None, data.digest):
            yield Difference("data-digest", data.digest, known)


def _of_weights(record: RunRecord) -> Iterator[Difference]:
    source, expected = record.weights.source, _variants_weights(record.spec.asked)
    if source == "stand-in":
        yield Difference("stand-in-weights")
    elif source != expected:
        yield Difference("weights", source, expected)
    else:
        published = catalogue().get(source)
        if published is not None and published.digest not in (None, record.weights.digest):
            yield Difference("weights-digest", record.weights.digest, published.digest)


def _variants_weights(variant: Variant) -> str | None:
    """What a run of a variant begins with, as records name it; None where nobody publishes weights that fit."""
    if variant.weights_source == "random":
        return "random"
    try:
        return find_checkpoint(variant.weights_source, variant.architecture)[0]
    except WeightsError:
        return None


def is_cut(record: RunRecord) -> bool:
    """Return whether the budget took anything away. An hour that was enough for all epochs did not."""
    budget, asked = record.spec.budget, record.spec.asked
    has_fewer_images = budget.examples is not None or budget.test_examples is not None
    return has_fewer_images or record.is_ended_by_seconds or limit_variant(asked, budget) != asked


def time_differences(record: RunRecord, paper: Paper) -> list[Difference]:
    """Why a run's seconds cannot be compared with the paper's; empty if they can."""
    return list(compare_with(paper, record).time_differences)


def _time_differences(record: RunRecord, paper: Paper) -> Iterator[Difference]:
    spec, hardware = record.spec, paper.hardware
    if hardware is None:
        yield Difference("hardware", None, paper.name)
    else:
        if spec.pipeline not in hardware.pipelines:
            yield Difference("pipeline", spec.pipeline, hardware.pipelines)
        if not hardware.gpu.is_called_alike(record.environment.gpu):
            yield Difference("gpu", record.environment.gpu or record.environment.cpu, hardware.gpu.name)
        rate = product_rate(record, hardware.gpu)
        if rate is not None and not _doubts_of_calibration(record):  # else it is a disturbance
            yield rate
    if spec.cached_features:
        yield Difference("kept-features")
    if spec.checkpointing:
        yield Difference("checkpointing")
    if spec.deterministic:
        yield Difference("deterministic")
    if papers_seconds(record, paper) is None:
        yield Difference("unequal-epochs")


def _is_cut_in_epochs_alone(record: RunRecord) -> bool:
    """Whether a budget took epochs away, and nothing from any that was run."""
    budget, asked = record.spec.budget, record.spec.asked
    if budget.examples is not None or budget.test_examples is not None:
        return False
    return limit_variant(asked, replace(budget, epochs=None)) == asked


def disturbances(record: RunRecord, paper: Paper) -> list[str]:
    """What the driver saw that makes a run's seconds no property of its GPU; empty if nothing, or nobody looked."""
    found = doubts(record.gpu.identity, record.gpu.use) if record.gpu else []
    doubted = _doubts_of_calibration(record)
    rate = product_rate(record, paper.hardware.gpu) if paper.hardware and doubted else None
    if rate is not None:
        share = dict(rate.details)["share"]
        found.append(f"its product ran at {share:.0%} of the nominal peak, while {' and '.join(doubted)}")
    return found


def _doubts_of_calibration(record: RunRecord) -> tuple[str, ...]:
    return record.calibration.doubts if record.calibration else ()


def undisturbed(records: Sequence[RunRecord], paper: Paper) -> list[RunRecord]:
    """Those whose GPU was its own; where there are none, all."""
    return [record for record in records if not disturbances(record, paper)] or list(records)


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


def time_remark(records: Sequence[RunRecord], hardware: Hardware) -> str:
    """What stands beside a verdict on times: the processor, which computes the pixels in the paper's pipelines, by what
    the GPU's class was recognised, and whether anybody looked at the GPU meanwhile."""
    processors = ", ".join(dict.fromkeys(record.environment.cpu for record in records))
    unseen = "" if all(record.gpu for record in records) else "; clocks and other users of the GPU not known"
    remark = class_remark(records, hardware.gpu)
    return f"pixels computed by {processors}, the paper's by a {hardware.cpu.name}; {remark}{unseen}"
