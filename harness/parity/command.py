"""All ladders of a variant, with the models built for them: what `ferbench parity` runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from harness.architectures import initial_weights
from harness.interface import Model, Runtime
from harness.parity.arbiter import build_arbiter, pytorch_threads
from harness.parity.float64 import compare_in_float64, has_float64
from harness.parity.ladder import Ladder, climb
from harness.parity.problem import comparable, make_problem
from harness.records.options import Device
from harness.registry import KerasBackend, load_implementation
from harness.variant import Variant

FULL_BATCH_SIZE: Final = 2
"""Images a batch at full width and the paper's size, where the arbiter alone trains for minutes."""


def choose_size(
    variant: Variant,
    *,
    full: bool,
    width_divisor: int | None = None,
    input_size: int | None = None,
    batch_size: int | None = None,
) -> Variant:
    """The variant to climb with: narrow, or full; what is given goes before either."""
    whole = {"width_divisor": 1, "input_size": variant.input_size, "batch_size": FULL_BATCH_SIZE} if full else {}
    given = {"width_divisor": width_divisor, "input_size": input_size, "batch_size": batch_size}
    return comparable(variant, **whole | {name: value for name, value in given.items() if value is not None})


def climb_variant(
    variant: Variant, *, keras_backend: KerasBackend, device: Device = "cpu", seed: int = 0
) -> Iterator[Ladder]:
    """Climb once in each phase of a variant; the first ladder ends in float64 where Keras can.

    Args:
        variant: Without dropout; see `harness.parity.problem.comparable`.
        keras_backend: For Keras.
        device: Of both implementations; the arbiter stays on the CPU.
        seed: Of weights, faces, order, augmentation and given gradients.

    Raises:
        ImplementationError: If a framework or the device is missing.
    """
    keras3 = _build("keras3", variant, Runtime(device), keras_backend)
    pytorch = _build("pytorch", variant, Runtime(device, threads=pytorch_threads(variant)))
    arbiter = build_arbiter(variant)
    for index, phase in enumerate(variant.phases):
        problem = make_problem(variant, phase, seed=seed)
        if index:
            for model in (keras3, pytorch, arbiter):
                model.start_phase(phase)
        ladder = climb(problem, keras3=keras3, pytorch=pytorch, arbiter=arbiter)
        if index == 0 and has_float64(variant):
            last = compare_in_float64(problem, arbiter, keras_backend=keras_backend, seed=seed)
            ladder = replace(ladder, comparisons=ladder.comparisons + last)
        yield ladder


def versions(keras_backend: KerasBackend) -> dict[str, str]:
    """Of both frameworks and of Keras' backend."""
    loaded = [load_implementation("keras3", keras_backend=keras_backend), load_implementation("pytorch")]
    return {name: version for each in loaded for name, version in each.versions().items()}


def gpu_name(keras_backend: KerasBackend, device: Device) -> str | None:
    """Name of the GPU that is used, None on the CPU."""
    return load_implementation("keras3", keras_backend=keras_backend).gpu_name() if device == "gpu" else None


def _build(name: str, variant: Variant, runtime: Runtime, keras_backend: KerasBackend | None = None) -> Model:
    implementation = load_implementation(name, keras_backend=keras_backend)
    return implementation.build(variant, weights=initial_weights(variant, 0), seed=0, runtime=runtime)
