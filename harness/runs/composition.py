"""One run, in a process of its own: puts data, weights, network and loop together, and writes the record."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from harness.child import asked
from harness.data.dataset import DatasetError
from harness.data.open import open_dataset
from harness.data.pipelines import DevicePipeline, open_pipeline
from harness.interface import Implementation, ImplementationError, Model, Runtime
from harness.measuring.gpu import GpuWatch, find_gpu
from harness.records.record import Gpu
from harness.records.spec import RunSpec
from harness.records.store import RecordError
from harness.registry import load_implementation
from harness.runs.assembly import Begun, Ended, Outcome, Parts, assemble
from harness.runs.device_memory import out_of_memory, settle
from harness.runs.first_weights import first_weights
from harness.runs.progress import make_observer
from harness.runs.signals import Stop
from harness.runs.task import TASK
from harness.training.fit import Fit, Interrupted, Observer, TrainingDiverged
from harness.training.kept_features import KeptFeatures
from harness.training.rows import Plan, make_plan
from harness.training.stop_reason import StopReason
from harness.weights.catalogue import WeightsError


def train(spec: RunSpec, name: str, observer: Observer, stop: Stop) -> Outcome:
    """Train in this process. A loss that diverges and an interruption are statuses, not errors.

    Raises:
        DatasetError: If the data cannot be used.
        ImplementationError: If the implementation cannot do what the spec asks.
    """
    parts = _open(spec)

    def begin() -> Begun:
        return _begin(parts, observer, stop)

    with watched(spec) as watch:
        ended = _run(begin, spec, parts.implementation)
    return assemble(name, parts, ended, watch())


def _open(spec: RunSpec) -> Parts:
    """Read the data, draw or read the weights, import the framework."""
    start, started = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    dataset = open_dataset(spec.fer2013, allow_deviating_data=spec.allow_deviating_data)
    plan = make_plan(dataset, spec.protocol, spec.budget, seed=spec.seed)
    weights, identity = first_weights(spec)
    implementation = load_implementation(spec.implementation, keras_backend=spec.keras_backend)
    device = DevicePipeline.of(dataset, plan.training_rows, spec.variant, seed=spec.seed, views=spec.views)
    return Parts(started, start, spec, dataset, plan, device, implementation, weights, identity)


def _begin(parts: Parts, observer: Observer, stop: Stop) -> Begun:
    """Build the network and the loop around it."""
    spec, implementation = parts.spec, parts.implementation
    runtime = Runtime(spec.device, spec.threads, spec.precision, spec.deterministic, spec.checkpointing)
    model = implementation.build(spec.variant, weights=parts.first_weights, seed=spec.seed, runtime=runtime)
    settle()
    kept = kept_features(spec, model, parts.device, parts.plan, implementation, observer, stop)
    fit = Fit(
        model,
        parts.dataset,
        parts.plan,
        pipeline=open_pipeline(spec.pipeline, parts.device, _rows(parts.plan), implementation),
        budget=spec.budget,
        observer=observer,
        is_interrupted=lambda: stop.asked,
        keep_features=kept.of_epoch if spec.cached_features else None,
    )
    return Begun(fit, kept, model)


def kept_features(
    spec: RunSpec,
    model: Model,
    device: DevicePipeline,
    plan: Plan,
    implementation: Implementation,
    observer: Observer,
    stop: Stop,
) -> KeptFeatures:
    """What keeps the features of a frozen base, apart by framework, device and precision."""
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


def _run(begin: Callable[[], Begun], spec: RunSpec, implementation: Implementation) -> Ended:
    """Build and train."""
    begun = None
    try:
        begun = begin()
        return Ended(begun, "complete", stop_reason=begun.fit.run().stop_reason)
    except Interrupted:
        epochs = len(begun.fit.result.history) if begun else 0
        return Ended(begun, "interrupted", stop_reason=StopReason("interrupted", epochs))
    except TrainingDiverged as error:
        return Ended(begun, "failed", str(error))
    except Exception as error:  # what it is, only its framework can tell
        if not implementation.is_out_of_memory(error):
            raise
        return Ended(begun, "failed", out_of_memory(spec))


@contextmanager
def watched(spec: RunSpec) -> Iterator[Callable[[], Gpu | None]]:
    """Watch the GPU; what is yielded tells afterwards what was seen."""
    found = find_gpu() if spec.device == "gpu" else None
    if found is None:
        yield lambda: None
        return
    identity, look = found
    with GpuWatch(look) as watch:
        yield lambda: Gpu(identity, watch.use)


def main() -> int:
    """Entry of the run's process."""
    text, path = asked()
    task = TASK.validate_json(text)
    stop = Stop()
    stop.listen()
    with make_observer(task.spec.label) as observer:
        try:
            outcome = train(task.spec, path.stem, observer, stop)
            outcome.write(path.parent, task.calibration)
        except (DatasetError, ImplementationError, RecordError, WeightsError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        observer.say(f"{outcome.record.status}: {path}")
    if outcome.record.error:
        print(f"error: {outcome.record.error}", file=sys.stderr)
    return 0 if outcome.record.status == "complete" else 1


if __name__ == "__main__":
    sys.exit(main())
