"""From what a run came to, to its record and the arrays beside it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset
from harness.data.pipelines import DevicePipeline
from harness.data.splits import clean_test_rows
from harness.interface import Implementation, Model, Weights
from harness.records.machine import DeviceCalibration
from harness.records.record import (
    SCHEMA_VERSION,
    DatasetIdentity,
    Environment,
    Gpu,
    RunRecord,
    Status,
    Timings,
    WeightsIdentity,
)
from harness.records.spec import RunSpec
from harness.records.store import write_run
from harness.runs.device_memory import used_memory
from harness.runs.environment import read_environment
from harness.training.fit import Fit, FitResult
from harness.training.kept_features import KeptFeatures
from harness.training.metrics import Score, score
from harness.training.rows import Plan
from harness.training.stop_reason import StopReason


@dataclass(frozen=True, eq=False)
class Parts:
    """What a run is put together from, before its network is built.

    Attributes:
        started: UTC, ISO 8601.
        start: Of the same moment by `time.perf_counter`, in seconds.
    """

    started: str
    start: float
    spec: RunSpec
    dataset: Dataset
    plan: Plan
    device: DevicePipeline
    implementation: Implementation
    first_weights: Weights
    weights: WeightsIdentity


@dataclass(frozen=True, eq=False)
class Begun:
    """The loop about to start, with the network that was built for it, and the features of the network's base."""

    fit: Fit
    kept: KeptFeatures
    model: Model


@dataclass(frozen=True, eq=False)
class Ended:
    """What a run came to; nothing was begun where the device had no room for the network."""

    begun: Begun | None
    status: Status
    error: str | None = None
    stop_reason: StopReason | None = None

    @property
    def result(self) -> FitResult:
        """What the loop left; an empty one where it was not begun."""
        return self.begun.fit.result if self.begun else FitResult()


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run leaves on the disk: its record, the arrays beside it, and weights if they were asked for."""

    record: RunRecord
    arrays: dict[str, NDArray[Any]]
    weights: Weights | None

    def write(self, folder: Path, calibration: DeviceCalibration | None) -> None:
        """Write all of it.

        Args:
            folder: Of records.
            calibration: Of the suite that the run belongs to, for the record.

        Raises:
            RecordError: If it cannot be written.
        """
        write_run(folder, replace(self.record, calibration=calibration), self.arrays, self.weights)


def assemble(name: str, parts: Parts, ended: Ended, gpu: Gpu | None) -> Outcome:
    """The record of a run and its arrays."""
    spec, result = parts.spec, ended.result
    record = RunRecord(
        schema_version=SCHEMA_VERSION,
        run=name,
        status=ended.status,
        error=ended.error,
        stop_reason=ended.stop_reason,
        started=parts.started,
        spec=replace(
            spec,
            fer2013=_last_part(spec.fer2013),
            weights_dir=_last_part(spec.weights_dir),
        ),
        dataset=_identity(parts.dataset, parts.plan, parts.device),
        weights=parts.weights,
        environment=_environment(parts.implementation, spec),
        history=tuple(result.history),
        scores=scores_of(parts.dataset, parts.plan.test_rows, result.test_logits),
        timings=_timings(ended, len(parts.plan.training_rows), time.perf_counter() - parts.start),
        arrays_sha256=None,
        gpu=gpu,
        memory=used_memory(spec, parts.implementation),
    )
    weights = None
    if spec.save_weights and ended.begun and ended.status == "complete":
        weights = ended.begun.model.get_weights()
    return Outcome(record, _arrays(parts.dataset, parts.plan, result), weights)


def _last_part(path: str | None) -> str | None:
    """Of a path: what a record keeps, since the rest is this machine's alone."""
    return Path(path).name if path else None


def _identity(dataset: Dataset, plan: Plan, device: DevicePipeline) -> DatasetIdentity:
    return DatasetIdentity(
        name=dataset.name,
        door=dataset.door,
        digest=dataset.digest,
        deviations=dataset.deviations,
        training_examples=len(plan.training_rows),
        watched_examples=len(plan.watched_rows),
        test_examples=len(plan.test_rows),
        class_weights=tuple(float(weight) for weight in device.class_weights),
    )


def _timings(ended: Ended, images: int, total_seconds: float) -> Timings:
    """Seconds of complete epochs of so many images; evaluation also of the last one."""
    result, kept = ended.result, ended.begun.kept if ended.begun else None
    training_seconds = sum(epoch.training_seconds for epoch in result.history)
    return Timings(
        warm_up_seconds=result.clocks.warm_up,
        features_seconds=result.clocks.features,
        training_seconds=training_seconds,
        input_seconds=sum(epoch.input_seconds for epoch in result.history),
        evaluation_seconds=result.clocks.evaluation,
        total_seconds=total_seconds,
        training_images_per_second=images * len(result.history) / training_seconds if training_seconds else None,
        features_images_per_second=kept.images / kept.seconds if kept and kept.seconds else None,
    )


def _arrays(dataset: Dataset, plan: Plan, result: FitResult) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    if result.initial_logits is not None:
        rows = plan.test_rows[: len(result.initial_logits)]
        arrays |= {"initial_logits": result.initial_logits, "initial_rows": rows.astype(np.int64)}
    if result.test_logits is not None:
        arrays |= {"test_logits": result.test_logits, "test_rows": plan.test_rows.astype(np.int64)}
        arrays["test_labels"] = np.ascontiguousarray(dataset.labels[plan.test_rows])
    return arrays


def _environment(implementation: Implementation, spec: RunSpec) -> Environment:
    gpu = implementation.gpu_name() if spec.device == "gpu" else None
    return read_environment(implementation.versions(), gpu=gpu)


def scores_of(dataset: Dataset, rows: NDArray[np.intp], logits: NDArray[np.float32] | None) -> dict[str, Score]:
    """Scores of those sets that have images among the rows; none without logits."""
    if logits is None:
        return {}
    clean = clean_test_rows(dataset)
    chosen = {
        "public_test": np.isin(rows, dataset.rows("public_test")),
        "private_test": np.isin(rows, dataset.rows("private_test")),
        "paper_test": np.ones(len(rows), np.bool_),
        "clean_test": np.isin(rows, clean),
    }
    labels = dataset.labels[rows]
    return {name: score(logits[mask], labels[mask]) for name, mask in chosen.items() if mask.any()}
