"""How long a run will take, before it starts: as one like it took, else by its operations and the machine's rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.architectures import layers
from harness.data.generator_speed import CORE_RATIO, speed_at
from harness.data.reading import KNOWN_COUNTS
from harness.interval import Interval
from harness.measuring.assumptions import CLOCKED_SHARE, STEP_OVERHEAD, UTILISATION
from harness.measuring.speed import measure_speed, numpy_product, product_operations
from harness.operations import epoch_flops, recomputed_image_flops
from harness.papers.hardware import Gpu
from harness.records.machine import DeviceCalibration
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.training.fit import evaluation_batch_size

START_SECONDS: Final = Interval(5.0, 60.0)
"""A process, its framework, the data, the compilation of each phase; declared."""
NO_SECONDS: Final = Interval(0.0, 0.0)
TOYFACES_IMAGES: Final = (2_870, 718)
"""Training and test images of `harness.data.toyfaces`."""
FER2013_IMAGES: Final = (
    sum(KNOWN_COUNTS["training"]),
    sum(KNOWN_COUNTS["public_test"]) + sum(KNOWN_COUNTS["private_test"]),
)
"""The same of FER-2013."""


@dataclass(frozen=True)
class Machine:
    """What a forecast knows of the machine.

    Attributes:
        name: Of the GPU, or of the CPU where that trains.
        rate: Operations a second that its steps reach; None where nobody knows.
        basis: Where the rate is from, in words.
        step_overhead: Seconds of a step besides its operations.
    """

    name: str
    rate: Interval | None
    basis: str
    step_overhead: Interval = NO_SECONDS


@dataclass(frozen=True)
class Forecast:
    """Of one run.

    Attributes:
        operations: Floating-point operations of training and watching.
        seconds: Of the whole process; None where nothing is known of the machine.
        basis: Where they are from, in words.
    """

    operations: int
    seconds: Interval | None
    basis: str

    @property
    def middle(self) -> float | None:
        """One number of seconds for it."""
        return (self.seconds.low + self.seconds.high) / 2 if self.seconds else None


def machine_of_gpu(
    name: str | None, calibration: DeviceCalibration | None = None, *, known: Gpu | None = None
) -> Machine:
    """Return what is known of a GPU: by the nominal peak of a known one of its class, else by a calibration."""
    if name and known is not None and known.is_called_alike(name):
        peak = known.peak
        share = f"{UTILISATION.low:.0%} to {UTILISATION.high:.0%} of {peak / 1e12:.1f} TFLOP/s"
        basis = f"operations ÷ ({share}), {1000 * STEP_OVERHEAD.high:.0f} ms a step at most besides"
        return Machine(name, Interval(UTILISATION.low * peak, UTILISATION.high * peak), basis, STEP_OVERHEAD)
    name = name or "a GPU that no driver names"
    if calibration is None:
        return Machine(name, None, "nothing known of this GPU until a run has ended on it")
    clocked = f"{calibration.convolution.rate / 1e12:.1f} TFLOP/s, the convolution calibrated now"
    return _clocked_machine(name, calibration.convolution.rate, clocked, STEP_OVERHEAD)


def machine_of_cpu(name: str) -> Machine:
    """By NumPy's own matrix products, clocked now: half a second."""
    rate = measure_speed(numpy_product(), "NumPy's product", product_operations(), device="cpu").rate
    return _clocked_machine(name, rate, f"{rate / 1e9:.0f} GFLOP/s, NumPy's products now", NO_SECONDS)


def _clocked_machine(name: str, rate: float, clocked: str, step_overhead: Interval) -> Machine:
    basis = f"operations ÷ ({CLOCKED_SHARE.low:.0%} to {CLOCKED_SHARE.high:.0%} of {clocked})"
    if step_overhead.high:
        basis += f", {1000 * step_overhead.high:.0f} ms a step at most besides"
    return Machine(name, Interval(CLOCKED_SHARE.low * rate, CLOCKED_SHARE.high * rate), basis, step_overhead)


def forecast(spec: RunSpec, machine: Machine, records: Sequence[RunRecord]) -> Forecast:
    """How long a run will take.

    Args:
        spec: What it is asked to do.
        machine: On which it is.
        records: Earlier runs, oldest first; the last one of the same work on the same machine, whatever its seed,
            says more than any arithmetic.
    """
    operations = count_operations(spec)
    for record in reversed(records):
        if record.status == "complete" and record.timings and _is_alike(record, spec, machine):
            seconds = record.timings.total_seconds
            return Forecast(operations, Interval(seconds, seconds), f"as {record.run}")
    if machine.rate is None:
        return Forecast(operations, None, machine.basis)
    steps, basis = _steps(spec), machine.basis
    low = operations / machine.rate.high + steps * machine.step_overhead.low
    high = operations / machine.rate.low + steps * machine.step_overhead.high
    if spec.pipeline == "generator":
        seconds = _picture_seconds(spec)
        low, high = max(low, seconds / CORE_RATIO.high), high + seconds / CORE_RATIO.low
        basis += (
            f"; pictures by a core {CORE_RATIO.low:g} to {CORE_RATIO.high:g} times as fast as in "
            "docs/explanation/attribution.md"
        )
    low, high = low + START_SECONDS.low, high + START_SECONDS.high
    if spec.budget.seconds is not None:
        low, high = (min(each, spec.budget.seconds + START_SECONDS.high) for each in (low, high))
    return Forecast(operations, Interval(low, high), basis)


def count_operations(spec: RunSpec) -> int:
    """Floating-point operations of all planned epochs, and of the pass that computes features which are kept.

    What of them lies on the disk already, from an earlier run, is not known here.
    """
    training, watched = _images(spec)
    besides = _features_operations(spec) + _recomputed_operations(spec)
    return besides + sum(
        phase.epochs
        * epoch_flops(
            spec.variant,
            phase,
            training_images=training,
            watched_images=watched,
            kept_features=spec.cached_features and phase.trainable == "head",
        )
        for phase in spec.variant.phases
    )


def _recomputed_operations(spec: RunSpec) -> int:
    """What activation checkpointing computes a second time."""
    if not spec.checkpointing:
        return 0
    training, _ = _images(spec)
    phases = spec.variant.phases
    return training * sum(phase.epochs * recomputed_image_flops(spec.variant, phase) for phase in phases)


def _features_operations(spec: RunSpec) -> int:
    """The frozen base once forth: each image in each view that is shown, and each that is evaluated as it is."""
    if not spec.cached_features:
        return 0
    training, watched = _images(spec)
    shown = sum(phase.epochs for phase in spec.variant.phases if phase.trainable == "head")
    views = min(spec.views or 1, shown)
    base = sum(layer.flops for layer in layers(spec.variant) if layer.part == "base")
    return (training * views + watched) * base


def _steps(spec: RunSpec) -> int:
    """Batches of all epochs, those that are watched included."""
    training, watched = _images(spec)
    variant = spec.variant
    a_watching = math.ceil(watched / evaluation_batch_size(variant))
    return variant.epochs * (math.ceil(training / variant.batch_size) + a_watching)


def _picture_seconds(spec: RunSpec) -> float:
    """Of one core like the measured one that makes the pictures of all epochs, one after the other."""
    training, watched = _images(spec)
    augmented = training if spec.variant.augmentation else 0
    speed = speed_at(spec.variant.input_size)
    return spec.variant.epochs * speed.seconds(augmented=augmented, plain=training - augmented + watched)


def _images(spec: RunSpec) -> tuple[int, int]:
    """Trained on and watched, an epoch, by the paper's protocol."""
    training, tests = TOYFACES_IMAGES if spec.fer2013 is None else FER2013_IMAGES
    return min(training, spec.budget.examples or training), min(tests, spec.budget.test_examples or tests)


def _is_alike(record: RunRecord, spec: RunSpec, machine: Machine) -> bool:
    """Whether a record is of the same work on the same machine."""
    where, theirs = record.environment.gpu or record.environment.cpu, record.spec
    same_data = (theirs.fer2013 is None) == (spec.fer2013 is None)
    same = theirs == replace(spec, fer2013=theirs.fer2013, weights_dir=theirs.weights_dir, seed=theirs.seed)
    return same_data and same and where == machine.name
