"""Calibrates a machine for one framework's runs of a suite, in a process of its own as runs have it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from harness.child import ChildFailed, answer, ask
from harness.data.dataset import Dataset, DatasetError
from harness.data.open import open_dataset
from harness.data.pipelines import DevicePipeline, open_pipeline
from harness.interface import (
    Implementation,
    ImplementationError,
    InputPipeline,
    Runtime,
    Work,
)
from harness.measuring.gpu import GpuWatch, doubts, find_gpu
from harness.measuring.speed import SIZES, draw_inputs, measure_speed, speeds
from harness.measuring.tensors import VALUE_BYTES
from harness.records.machine import DeviceCalibration, Speed
from harness.records.spec import RunSpec
from harness.registry import load_implementation
from harness.strictness import STRICT
from harness.variant import Variant

MOST_SECONDS: Final = 600.0
"""For a calibration: one that hangs shall not keep the suite. On two cores it takes a few seconds."""
PICTURES: Final = 256
"""Of `generator` and `manual` so many are taken in turns, or one batch if that is more: at 224×224 they are 154 MB,
more than caches hold."""


@dataclass(frozen=True)
class CalibrationTask:
    """What one process shall calibrate.

    Attributes:
        spec: One of the runs: framework, data, pipeline, device and precision are those of all.
        variants: One for each size of network input that they have.
    """

    spec: RunSpec
    variants: tuple[Variant, ...]

    __pydantic_config__ = STRICT


Framework = tuple[str, str | None]
"""Implementation and Keras backend: one calibration for each."""


class CalibrationFailed(RuntimeError):
    """There are no rates; the message says why in one line."""


_TASK: Final = TypeAdapter(CalibrationTask)
_CALIBRATION: Final = TypeAdapter(DeviceCalibration)


def framework_of(spec: RunSpec) -> Framework:
    """What a run trains in."""
    return spec.implementation, spec.keras_backend


def calibrate_frameworks(
    specs: Sequence[RunSpec], say: Callable[[str], None]
) -> tuple[dict[Framework, DeviceCalibration], list[str]]:
    """Calibrate the machine for each framework, and say in one line of each that could not be: no run waits for it."""
    found: dict[Framework, DeviceCalibration] = {}
    failed: list[str] = []
    for framework in dict.fromkeys(map(framework_of, specs)):
        own = [spec for spec in specs if framework_of(spec) == framework]
        kinds = {
            (variant.input_size, variant.input_channels, variant.augmentation is None): variant
            for variant in (spec.variant for spec in reversed(own))
        }
        called = " on ".join(filter(None, framework))
        say(f"calibrating {called}")
        try:
            found[framework] = calibrate_apart(CalibrationTask(own[0], tuple(kinds.values())))
        except CalibrationFailed as error:
            failed.append(f"no calibration of {called}, its runs go on without: {error}")
    return found, failed


def calibrate_apart(task: CalibrationTask) -> DeviceCalibration:
    """Calibrate in a process of its own, whose memory is given back before any run begins.

    Raises:
        CalibrationFailed: If the process found nothing.
    """
    try:
        return ask(
            "harness.measuring.calibration",
            _TASK.dump_json(task),
            lambda path: _CALIBRATION.validate_json(path.read_bytes()),
            keeps_errors=True,
            timeout_seconds=MOST_SECONDS,
        )
    except ChildFailed as error:
        printed = [line.strip() for line in error.printed.splitlines() if line.strip()]
        raise CalibrationFailed(printed[-1].removeprefix("error: ") if printed else str(error)) from error


def measure(task: CalibrationTask) -> DeviceCalibration:
    """Calibrate in this process.

    Raises:
        DatasetError: If the data cannot be used.
        ImplementationError: If the implementation cannot do what the spec asks.
    """
    spec, sizes = task.spec, SIZES[task.spec.device]
    implementation = load_implementation(spec.implementation, keras_backend=spec.keras_backend)
    runtime = Runtime(spec.device, spec.threads, spec.precision, spec.deterministic)
    dataset = open_dataset(spec.fer2013, allow_deviating_data=spec.allow_deviating_data)
    with _watched(spec) as seen:
        work = implementation.calibration_work(task.variants[0], draw_inputs(sizes), runtime=runtime)
        value_bytes = VALUE_BYTES[spec.precision]
        product, convolution, bandwidth = speeds(work, sizes, device=spec.device, value_bytes=value_bytes)
        pictures = tuple(_picture_speeds(task, dataset, implementation))
    return DeviceCalibration(
        implementation=spec.implementation,
        keras_backend=spec.keras_backend,
        gpu=implementation.gpu_name() if spec.device == "gpu" else None,
        precision=spec.precision,
        pipeline=spec.pipeline,
        product=product,
        convolution=convolution,
        bandwidth=bandwidth,
        pictures=pictures,
        doubts=tuple(seen),
    )


@contextmanager
def _watched(spec: RunSpec) -> Iterator[list[str]]:
    """Watch the GPU; afterwards the list holds what speaks against its rates."""
    found = find_gpu() if spec.device == "gpu" else None
    seen: list[str] = []
    if found is None:
        yield seen
        return
    identity, look = found
    with GpuWatch(look) as watch:
        yield seen
    seen += doubts(identity, watch.use)


def _picture_speeds(task: CalibrationTask, dataset: Dataset, implementation: Implementation) -> Iterator[Speed]:
    """The pipeline alone, as training asks for its batches; of a variant whose batches the data do not fill, none."""
    name = task.spec.pipeline
    for variant in task.variants:
        rows = dataset.rows("training")
        some = rows if name == "device" else _evenly(rows, max(PICTURES, variant.batch_size))
        some = some[: len(some) // variant.batch_size * variant.batch_size]
        if not len(some):
            continue  # the device's rates hold all the same
        pipeline = open_pipeline(
            name, DevicePipeline.of(dataset, some, variant, seed=task.spec.seed), some, implementation
        )
        work, images = (_epochs(pipeline), len(some)) if name == "device" else (_batches(pipeline), variant.batch_size)
        edge = variant.input_size
        told = f"{name}, {edge}×{edge}×{variant.input_channels}{'' if variant.augmentation else ', not augmented'}"
        # on the host, whatever the device
        yield measure_speed(work, told, images, device="cpu")


def _evenly(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most so many rows, from all classes."""
    wanted = min(most, len(rows))
    return rows[np.arange(wanted) * len(rows) // wanted]


def _epochs(pipeline: InputPipeline) -> Work:
    """Whole epochs: order and maps are drawn for all images, then rows looked up."""
    epochs = count()

    def work(times: int) -> float:
        return float(sum(len(batch) for _ in range(times) for batch in pipeline.training_batches(next(epochs))))

    return work


def _batches(pipeline: InputPipeline) -> Work:
    """Single batches of an epoch, in turns: pictures are made one after the other."""
    batches = pipeline.training_batches(0)
    places = cycle(range(len(batches)))

    def work(times: int) -> float:
        return float(sum(len(batches[next(places)]) for _ in range(times)))

    return work


def main() -> int:
    """Entry of the process."""

    def work(task: str, path: Path) -> None:
        try:
            found = measure(_TASK.validate_json(task))
        except (DatasetError, ImplementationError):
            raise
        except Exception as error:  # whatever a framework raises, the one line that is kept says what it was
            raise CalibrationFailed(f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}") from error
        path.write_bytes(_CALIBRATION.dump_json(found))

    return answer(work, expected=(DatasetError, ImplementationError, CalibrationFailed))


if __name__ == "__main__":
    sys.exit(main())
