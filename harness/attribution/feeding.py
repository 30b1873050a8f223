"""Clocks what a variant's network is fed with, and the step that eats it, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from harness.architectures import initial_weights
from harness.attribution.parts import (
    Clocked,
    Measured,
    Part,
    PictureRate,
)
from harness.child import ChildFailed, answer, ask
from harness.data.dataset import Dataset, DatasetError
from harness.data.open import open_dataset
from harness.data.pipelines import DevicePipeline, open_pipeline
from harness.interface import (
    Batch,
    Implementation,
    ImplementationError,
    Model,
    Runtime,
)
from harness.measuring.speed import (
    clock,
    numpy_product,
    product_operations,
)
from harness.measuring.turns import take_turns
from harness.operations import training_image_flops
from harness.records.machine import Speed
from harness.records.spec import RunSpec
from harness.registry import load_implementation
from harness.strictness import STRICT
from harness.variant import Pipeline, Variant

MOST_IMAGES: Final = 8_192
MOST_BYTES: Final = 600_000_000
"""Of `generator` and `manual` so many images alone are taken: files and pixels of all of FER-2013 would take a minute
to write, and 17 GB of memory at 224×224. Far more than caches hold, so that a longer array is read no slower."""


@dataclass(frozen=True)
class Task:
    """What one process shall measure.

    Attributes:
        spec: Variant (its batch size included), framework, data and device.
        pipelines: Whose input.
        pictures: Variants for whose pictures the paper's generator is clocked too, a size of network input each.
        seconds: About how long a part is clocked in a round.
        rounds: How often.
        batches: How many are clocked in place of `seconds`; None for that.
    """

    spec: RunSpec
    pipelines: tuple[Pipeline, ...]
    pictures: tuple[Variant, ...]
    seconds: float
    rounds: int
    batches: int | None = None

    __pydantic_config__ = STRICT


_TASK: Final = TypeAdapter(Task)
_MEASURED: Final = TypeAdapter(Measured)


def measure_apart(task: Task) -> Measured:
    """Measure in a process of its own: frameworks in one process take each other's threads.

    Raises:
        ChildFailed: If the process found nothing; what it printed says why.
    """
    try:
        return ask(
            "harness.attribution.feeding",
            _TASK.dump_json(task),
            lambda path: _MEASURED.validate_json(path.read_bytes()),
        )
    except ChildFailed as error:
        raise ChildFailed(
            f"{task.spec.label}: {error} and measured nothing; what it printed above says why", code=error.code
        ) from error


@dataclass(frozen=True, eq=False)
class _Work:
    """A part that can be done in any number of units, each of so many images."""

    pipeline: Pipeline
    part: Part
    images: int
    do: Callable[[int], object]
    most: int | None = None


def measure(task: Task) -> Measured:
    """Measure in this process.

    Weights are drawn: no time depends on what they are. Every part is done twice unclocked (compilation), then all of
    them in turns.

    Raises:
        DatasetError: If the data cannot be used, or do not fill one batch.
        ImplementationError: If the implementation cannot do what the spec asks.
    """
    spec, variant = task.spec, task.spec.variant
    dataset = open_dataset(spec.fer2013, allow_deviating_data=spec.allow_deviating_data)
    implementation = load_implementation(spec.implementation, keras_backend=spec.keras_backend)
    model = implementation.build(
        variant,
        weights=initial_weights(variant, spec.seed),
        seed=spec.seed,
        runtime=Runtime(spec.device, spec.threads),
    )
    phase = max(variant.phases, key=lambda each: each.epochs)
    if phase != variant.phases[0]:
        model.start_phase(phase)
    works = list(_works(task, dataset, model, implementation))
    readers = list(_readers(task.pictures, dataset, implementation, spec.seed))
    clocked, product_seconds = _clock(works + [work for _, *both in readers for work in both], task)
    pictures = clocked[len(works) :]
    return Measured(
        implementation=spec.implementation,
        variant=variant,
        trainable=phase.trainable,
        clocked=tuple(clocked[: len(works)]),
        pictures=tuple(
            PictureRate(each.input_size, each.input_channels, augmented, plain)
            for (each, *_), augmented, plain in zip(readers, pictures[::2], pictures[1::2], strict=True)
        ),
        step_flops=training_image_flops(variant, phase),
        product=Speed("NumPy's product", product_operations(), tuple(product_seconds)),
        versions=dict(implementation.versions()),
        gpu=implementation.gpu_name() if spec.device == "gpu" else None,
    )


def _clock(works: Sequence[_Work], task: Task) -> tuple[list[Clocked], list[float]]:
    """Every part, and the seconds of the machine's own matrix products, in turns."""
    units = [_units(work, task) for work in works]
    ways = [partial(work.do, each) for work, each in zip(works, units, strict=True)]
    *seconds, product_seconds = take_turns(*ways, partial(numpy_product(), 1), turns=task.rounds)
    clocked = [
        Clocked(work.pipeline, work.part, each * work.images, tuple(found))
        for work, each, found in zip(works, units, seconds, strict=True)
    ]
    return clocked, product_seconds


def _units(work: _Work, task: Task) -> int:
    """How many units take as long as is wanted; the first, which compiles, does not count."""
    work.do(1)
    wanted = task.batches or max(1, round(task.seconds / clock(partial(work.do, 1))))
    return min(wanted, work.most or wanted)


def _works(task: Task, dataset: Dataset, model: Model, implementation: Implementation) -> Iterator[_Work]:
    """Every part of every pipeline."""
    variant = model.variant
    rows = _whole(dataset.rows("training"), variant)
    device = DevicePipeline.of(dataset, rows, variant, seed=task.spec.seed)
    for name in task.pipelines:
        if name == "device":
            batches: Sequence[Batch] = device.training_batches(0)
            yield _epochs(device)
            yield _slices(name, "pixels", batches, lambda some: [model.pixels(each) for each in some])
        else:
            some = _whole(_some(rows, variant), variant)
            pipeline = open_pipeline(name, replace(device, rows=some), some, implementation)
            batches = pipeline.training_batches(0)
            yield _slices(name, "input", batches, _look)
        if name != "manual" or "generator" not in task.pipelines:  # else it is the same step on other pixels
            yield _steps(name, batches[0], model)
        yield _slices(name, "together", batches, partial(_train, model))


def _epochs(device: DevicePipeline) -> _Work:
    """The host's part of whole epochs: order and maps are drawn, rows looked up."""
    epochs = count()

    def do(wanted: int) -> None:
        for _ in range(wanted):
            _look(device.training_batches(next(epochs)))

    return _Work("device", "input", len(device.rows), do)


def _slices(name: Pipeline, part: Part, batches: Sequence[Batch], do: Callable[[Sequence[Batch]], object]) -> _Work:
    """Something done with batches as they come, each time with the next ones of an epoch."""
    place = 0

    def take(wanted: int) -> None:
        nonlocal place
        place = place if place + wanted <= len(batches) else 0
        place += wanted
        do(batches[place - wanted : place])

    return _Work(name, part, len(batches[0]), take, most=len(batches))


def _steps(name: Pipeline, batch: Batch, model: Model) -> _Work:
    """Training on one batch that has been made, again and again."""
    return _Work(name, "step", len(batch), lambda wanted: _train(model, [batch] * wanted))


def _look(batches: Sequence[Batch]) -> None:
    for _ in batches:
        pass


def _train(model: Model, batches: Sequence[Batch]) -> None:
    model.train(batches, learning_rate=model.variant.learning_rate)
    model.wait()


def sizes_of_pictures(variants: Iterable[Variant]) -> tuple[Variant, ...]:
    """Return the first variant of every size of network input."""
    return tuple({(each.input_size, each.input_channels): each for each in reversed(list(variants))}.values())


def _readers(
    variants: Sequence[Variant], dataset: Dataset, implementation: Implementation, seed: int
) -> Iterator[tuple[Variant, _Work, _Work]]:
    """The paper's generator, augmented and plain, for each variant."""
    for variant in variants:
        some = _whole(_some(dataset.rows("training"), variant), variant)
        device = DevicePipeline.of(dataset, some, variant, seed=seed)
        generator = open_pipeline("generator", device, some, implementation)
        augmented, plain = generator.training_batches(0), generator.plain_batches(some, variant.batch_size)
        yield variant, _slices("generator", "input", augmented, _look), _slices("generator", "input", plain, _look)


def _whole(rows: NDArray[np.intp], variant: Variant) -> NDArray[np.intp]:
    """So many rows that no batch is smaller than the others."""
    whole = len(rows) // variant.batch_size * variant.batch_size
    if not whole:
        raise DatasetError(f"{len(rows)} training images; one batch takes {variant.batch_size}: lower --batch-size")
    return rows[:whole]


def _some(rows: NDArray[np.intp], variant: Variant) -> NDArray[np.intp]:
    """At most as many as `MOST_IMAGES` and `MOST_BYTES` allow, evenly chosen, so that each class is there."""
    image_bytes = variant.input_size**2 * variant.input_channels * np.dtype(np.float32).itemsize
    most = min(MOST_IMAGES, MOST_BYTES // image_bytes, len(rows))
    return rows[np.arange(most) * len(rows) // most]


def main() -> int:
    """Entry of the process."""

    def work(task: str, path: Path) -> None:
        path.write_bytes(_MEASURED.dump_json(measure(_TASK.validate_json(task))))

    return answer(work, expected=(DatasetError, ImplementationError))


if __name__ == "__main__":
    sys.exit(main())
