"""The arbiter: the PyTorch implementation in float64, and what only it can say of a problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.architectures import Layer, initial_weights, layers
from harness.interface import Batch, Model, Runtime
from harness.parity.problem import Problem
from harness.registry import load_implementation
from harness.variant import Variant

CANDIDATES: Final = 8
"""Batches among which the one for gradients is chosen."""
STEP_CANDIDATES: Final = 4
"""The same for each step of a training."""
FULL_STEP_CANDIDATES: Final = 2
"""The same at full width, where a unit is a small share of all and the arbiter takes seconds for a batch."""
REACH: Final = 1e-4
"""How far from a kink rounding was seen to carry an activation in 25 steps, in units of the layer's."""


def build_arbiter(variant: Variant) -> Model:
    """The PyTorch implementation in float64, in the variant's first phase; on the CPU, whatever is judged."""
    runtime = Runtime(threads=pytorch_threads(variant), precision="float64")
    return load_implementation("pytorch").build(variant, weights=initial_weights(variant, 0), seed=0, runtime=runtime)


def pytorch_threads(variant: Variant) -> int | None:
    """One for a narrow network, at whose many tiny operations threads would wait for each other; else the default."""
    return 1 if variant.width_divisor > 1 else None


def rounded_otherwise(problem: Problem, seed: int) -> Problem:
    """The same problem with every weight and every number of an affine map moved by one rounding of float32.

    Up or down at random. To compute in float32 is, seen from the end, to compute exactly with inputs like these.
    """
    random = np.random.default_rng(seed)

    def move(values: NDArray[np.float32]) -> NDArray[np.float32]:
        towards = np.where(random.random(values.shape) < 0.5, -np.inf, np.inf).astype(np.float32)
        return np.nextafter(values, towards)

    return replace(
        problem,
        weights={name: move(array) for name, array in problem.weights.items()},
        batches=[replace(batch, maps=move(batch.maps)) for batch in problem.batches],
    )


def pooling_windows(x: NDArray[Any], layer: Layer) -> NDArray[Any]:
    """Windows of a max pooling, shape (n, height, width, channels, size, size): VGG16's 2×2, ResNet50's 3×3."""
    size = 3 if layer.name == "pool1_pool" else 2
    return sliding_window_view(x, (size, size), axis=(1, 2))[:, ::2, ::2]


def smoothest_batch(arbiter: Model, problem: Problem) -> Batch:
    """Of a problem's first batches the one furthest from a kink, where the gradient jumps and rounding chooses.

    The arbiter has the problem's weights.
    """
    return max(
        problem.batches[:CANDIDATES],
        key=lambda batch: kink_margin(arbiter.activations(batch, training=True), problem.variant),
    )


def smoothest_course(arbiter: Model, problem: Problem, *, seed: int) -> tuple[int, ...]:
    """Train the arbiter on all batches, before each step on the one, of some drawn from those left, with least within
    reach of a kink.

    A unit that one implementation has on and the other off, in one of eight pictures, changes every gradient behind
    it, and Adam makes a thousand roundings of it in the next step: in problems taken as they come, seven trainings
    of twelve in Keras and three in PyTorch ended so. The arbiter has the problem's weights.

    Returns:
        Indices of all of the problem's batches, one a step.
    """
    random = np.random.default_rng(seed)
    candidates = STEP_CANDIDATES if problem.variant.width_divisor > 1 else FULL_STEP_CANDIDATES
    course: list[int] = []
    left = list(range(len(problem.batches)))
    while left:
        drawn = random.permutation(left)[:candidates]
        at_risk = [
            kinks_in_reach(arbiter.activations(problem.batches[index], training=True), problem.variant)
            for index in drawn
        ]
        course.append(int(drawn[np.argmin(at_risk)]))
        left.remove(course[-1])
        arbiter.train([problem.batches[course[-1]]], learning_rate=problem.learning_rate)
    return tuple(course)


def kink_margin(activations: Mapping[str, NDArray[Any]], variant: Variant) -> float:
    """How far the nearest kink is, in units of the root mean square of its layer's input.

    Args:
        activations: Output of each layer by its name, channels last.
        variant: Whose.
    """
    return min(float(gaps.min()) for gaps, _ in _gaps(activations, variant))


def kinks_in_reach(activations: Mapping[str, NDArray[Any]], variant: Variant) -> float:
    """Values within `REACH` of a kink, each as a share of its channel's, added up: one dense unit weighs as much as all
    positions of a map."""
    return sum(float(np.count_nonzero(gaps < REACH)) / share for gaps, share in _gaps(activations, variant))


def _gaps(activations: Mapping[str, NDArray[Any]], variant: Variant) -> Iterator[tuple[NDArray[Any], int]]:
    """By layer with kinks the distances to them: of a ReLU's input to 0, of a pooling's largest value to its second.

    Values that are equal to the last bit are copies of one pixel and leave the gradient the same whichever is chosen:
    they are left out.

    Yields:
        Distances in units of the root mean square of the layer's input, and the number of values in a channel.
    """
    for before, layer in pairwise(layers(variant)):
        inputs = activations[before.name]
        if layer.kind == "relu":
            gaps = np.abs(inputs)
        elif layer.kind == "max-pooling":
            windows = pooling_windows(inputs, layer)
            ordered = np.sort(windows.reshape(*windows.shape[:4], -1), axis=-1)
            gaps = ordered[..., -1] - ordered[..., -2]
        else:
            continue
        gaps = gaps / np.sqrt(np.mean(inputs**2))
        yield gaps[gaps > 1e-12], gaps.size // gaps.shape[-1]
