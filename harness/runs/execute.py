"""One process a run: memory is given back, Keras reads its backend at import, a crash takes one run alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from harness.architectures import initial_weights
from harness.child import ChildFailed, asked, command
from harness.data.dataset import Dataset, DatasetError
from harness.data.open import open_dataset
from harness.data.pipelines import DevicePipeline, open_pipeline
from harness.data.splits import clean_test_rows
from harness.interface import (
    Implementation,
    ImplementationError,
    Model,
    Runtime,
)
from harness.measuring.gpu import GpuWatch, find_gpu
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
from harness.records.store import (
    RecordError,
    check_directory,
    new_run_name,
    read_run,
    write_run,
)
from harness.registry import load_implementation
from harness.runs.device_memory import out_of_memory, settle, used_memory
from harness.runs.environment import read_environment
from harness.runs.progress import make_observer
from harness.training.fit import (
    Fit,
    FitResult,
    Interrupted,
    Observer,
    TrainingDiverged,
)
from harness.training.kept_features import KeptFeatures
from harness.training.metrics import Score, score
from harness.training.rows import Plan, make_plan
from harness.training.stop_reason import StopReason
from harness.weights.canonical import digest
from harness.weights.catalogue import WeightsError, find_checkpoint
from harness.weights.locate import find_file, load_base_weights

SAME_INTERRUPTION_SECONDS: Final = 2.0
"""Signals so close together are one interruption."""


@dataclass(frozen=True)
class RunTask:
    """What a run's process is asked: its spec, and the calibration of the suite that it belongs to for its record."""

    spec: RunSpec
    calibration: DeviceCalibration | None


_TASK: Final = TypeAdapter(RunTask)


class RunFailed(ChildFailed):
    """A run's process ended without a record."""


def execute(
    spec: RunSpec, results: Path, calibration: DeviceCalibration | None = None, *, is_quiet: bool = False
) -> tuple[Path, RunRecord]:
    """Run a spec in a process of its own and read its record.

    An interruption of this process (Ctrl-C or a termination signal) is handed on to the run, which then
    writes a record marked `interrupted`; this function waits for it.

    Args:
        spec: What is asked for.
        results: Folder of its record.
        calibration: Of the suite that the run belongs to, for the record.
        is_quiet: Show nothing of what the run says of its progress; `RunFailed.printed` has it if no record is left.

    Returns:
        Path of the record, and the record, whatever its status.

    Raises:
        RecordError: If no record can be written to `results` (nothing was started then), or it cannot be read back.
        WeightsError: If the variant's ImageNet weights cannot be had; nothing was started.
        RunFailed: If the process ended without a record; what it printed says why.
        KeyboardInterrupt: If it was interrupted and the record, if there is one, does not say so.
    """
    check_directory(results)
    fetch_weights(spec)  # here, where Ctrl-C ends it at once
    name = new_run_name(spec, results)
    path = results / f"{name}.json"
    task = _TASK.dump_json(RunTask(spec, calibration))
    with TemporaryFile() as errors:
        with subprocess.Popen(
            command("harness.runs.execute", task, path), stderr=errors if is_quiet else None
        ) as process:
            code, was_interrupted = _wait(process)
        errors.seek(0)
        printed = errors.read().decode(errors="replace")
    record = read_run(path) if path.exists() else None
    if was_interrupted and (record is None or record.status != "interrupted"):
        raise KeyboardInterrupt
    if record is not None:
        return path, record
    raise RunFailed(
        f"{spec.label}: its process ended with code {code} and left no record; what it printed "
        + (f"says why:\n{printed}" if is_quiet else "above says why"),
        code=code,
        printed=printed,
    )


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, bool]:
    """Exit code, and whether this process was interrupted meanwhile."""
    with _termination_as_interrupt():
        try:
            return process.wait(), False
        except KeyboardInterrupt:
            print("stopping; the run writes its record first (Ctrl-C again to wait no longer)", file=sys.stderr)
            process.terminate()  # a terminal's Ctrl-C has reached it already; one sent to this process alone has not
        interrupted = time.monotonic()
        while True:
            try:
                return process.wait(), True
            except KeyboardInterrupt:
                # tox hands Ctrl-C on to a process that the terminal has told already: one wish, not two
                if time.monotonic() - interrupted > SAME_INTERRUPTION_SECONDS:
                    process.kill()


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Treat a termination signal as Ctrl-C, so that no run goes on without its parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(eq=False)
class _Stop:
    """Set by Ctrl-C or a termination signal; looked at between two slices."""

    asked: bool = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True

    def listen(self) -> None:
        signal.signal(signal.SIGINT, self.ask)
        signal.signal(signal.SIGTERM, self.ask)


def train(spec: RunSpec, name: str, observer: Observer, stop: _Stop) -> tuple[RunRecord, dict[str, NDArray[Any]]]:
    """Train in this process.

    Returns:
        The record and its arrays. A loss that diverges and an interruption are statuses, not errors.

    Raises:
        DatasetError: If the data cannot be used.
        ImplementationError: If the implementation cannot do what the spec asks.
    """
    start, started = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    dataset = open_dataset(spec.fer2013, allow_deviating_data=spec.allow_deviating_data)
    plan = make_plan(dataset, spec.protocol, spec.budget, seed=spec.seed)
    weights, weights_identity = first_weights(spec)
    implementation = load_implementation(spec.implementation, keras_backend=spec.keras_backend)
    device = DevicePipeline.of(dataset, plan.training_rows, spec.variant, seed=spec.seed, views=spec.views)

    def begin() -> _Begun:
        runtime = Runtime(spec.device, spec.threads, spec.precision, spec.deterministic, spec.checkpointing)
        model = implementation.build(spec.variant, weights=weights, seed=spec.seed, runtime=runtime)
        settle()
        kept = _kept_features(spec, model, device, plan, implementation, observer, stop)
        fit = Fit(
            model,
            dataset,
            plan,
            pipeline=open_pipeline(spec.pipeline, device, _rows(plan), implementation),
            budget=spec.budget,
            observer=observer,
            is_interrupted=lambda: stop.asked,
            keep_features=kept.of_epoch if spec.cached_features else None,
        )
        return _Begun(fit, kept)

    with _watched(spec) as watch:
        ended = _run(begin, spec, implementation)
    record = RunRecord(
        schema_version=SCHEMA_VERSION,
        run=name,
        status=ended.status,
        error=ended.error,
        stop_reason=ended.stop_reason,
        started=started,
        spec=replace(spec, fer2013=_last_part(spec.fer2013), weights_dir=_last_part(spec.weights_dir)),
        dataset=_identity(dataset, plan, device),
        weights=weights_identity,
        environment=_environment(implementation, spec),
        history=tuple(ended.result.history),
        scores=_scores(dataset, plan.test_rows, ended.result.test_logits),
        timings=_timings(ended, len(plan.training_rows), time.perf_counter() - start),
        arrays_sha256=None,
        gpu=watch(),
        memory=used_memory(spec, implementation),
    )
    return record, _arrays(dataset, plan, ended.result)


def fetch_weights(spec: RunSpec) -> None:
    """Download what a run will want and this machine has not.

    Raises:
        WeightsError: If it cannot be had.
    """
    variant = spec.variant
    if variant.weights_source != "random" and not spec.stand_in_weights:
        name, checkpoint = find_checkpoint(variant.weights_source, variant.architecture)
        find_file(name, checkpoint, weights_dir=Path(spec.weights_dir) if spec.weights_dir else None, download=True)


def first_weights(spec: RunSpec) -> tuple[dict[str, NDArray[np.float32]], WeightsIdentity]:
    """What training begins with: drawn from the seed, the base from ImageNet where the variant says so.

    Raises:
        WeightsError: If ImageNet's weights cannot be had or do not fit.
    """
    drawn = initial_weights(spec.variant, spec.seed)
    source = spec.variant.weights_source
    if source == "random" or spec.stand_in_weights:
        return drawn, WeightsIdentity("random" if source == "random" else "stand-in", None, digest(drawn))
    base = load_base_weights(source, spec.variant, weights_dir=Path(spec.weights_dir) if spec.weights_dir else None)
    return {**drawn, **base.weights}, WeightsIdentity(base.source, base.file_name, base.digest)


def _kept_features(
    spec: RunSpec,
    model: Model,
    device: DevicePipeline,
    plan: Plan,
    implementation: Implementation,
    observer: Observer,
    stop: _Stop,
) -> KeptFeatures:
    return KeptFeatures(
        model,
        device,
        np.concatenate([plan.watched_rows, plan.test_rows]),
        versions={**implementation.versions(), "device": spec.device, "precision": spec.precision},
        say=observer.say,
        is_interrupted=lambda: stop.asked,
    )


def _rows(plan: Plan) -> NDArray[np.intp]:
    """All rows that a run looks at."""
    return np.concatenate([plan.training_rows, plan.watched_rows, plan.test_rows])


def _last_part(path: str | None) -> str | None:
    """Of a path: what a record keeps, since the rest is this machine's alone."""
    return Path(path).name if path else None


@dataclass(frozen=True, eq=False)
class _Begun:
    """The loop about to start, with the network that was built for it, and the features of the network's base."""

    fit: Fit
    kept: KeptFeatures


@dataclass(frozen=True, eq=False)
class _Ended:
    """What a run came to; nothing was begun where the device had no room for the network."""

    begun: _Begun | None
    status: Status
    error: str | None = None
    stop_reason: StopReason | None = None

    @property
    def result(self) -> FitResult:
        return self.begun.fit.result if self.begun else FitResult()


def _run(begin: Callable[[], _Begun], spec: RunSpec, implementation: Implementation) -> _Ended:
    """Build and train."""
    begun = None
    try:
        begun = begin()
        return _Ended(begun, "complete", stop_reason=begun.fit.run().stop_reason)
    except Interrupted:
        epochs = len(begun.fit.result.history) if begun else 0
        return _Ended(begun, "interrupted", stop_reason=StopReason("interrupted", epochs))
    except TrainingDiverged as error:
        return _Ended(begun, "failed", str(error))
    except Exception as error:  # what it is, only its framework can tell
        if not implementation.is_out_of_memory(error):
            raise
        return _Ended(begun, "failed", out_of_memory(spec))


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


def _timings(ended: _Ended, images: int, total_seconds: float) -> Timings:
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


@contextmanager
def _watched(spec: RunSpec) -> Iterator[Callable[[], Gpu | None]]:
    """Watch the GPU; what is yielded tells afterwards what was seen."""
    found = find_gpu() if spec.device == "gpu" else None
    if found is None:
        yield lambda: None
        return
    identity, look = found
    with GpuWatch(look) as watch:
        yield lambda: Gpu(identity, watch.use)


def _environment(implementation: Implementation, spec: RunSpec) -> Environment:
    gpu = implementation.gpu_name() if spec.device == "gpu" else None
    return read_environment(implementation.versions(), gpu=gpu)


def _scores(dataset: Dataset, rows: NDArray[np.intp], logits: NDArray[np.float32] | None) -> dict[str, Score]:
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


def main() -> int:
    """Entry of the run's process."""
    text, path = asked()
    task = _TASK.validate_json(text)
    stop = _Stop()
    stop.listen()
    with make_observer(task.spec.label) as observer:
        try:
            record, arrays = train(task.spec, path.stem, observer, stop)
            write_run(path.parent, replace(record, calibration=task.calibration), arrays)
        except (DatasetError, ImplementationError, RecordError, WeightsError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        observer.say(f"{record.status}: {path}")
    if record.error:
        print(f"error: {record.error}", file=sys.stderr)
    return 0 if record.status == "complete" else 1


if __name__ == "__main__":
    sys.exit(main())
