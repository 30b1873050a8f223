"""The arbiter: the PyTorch implementation in float64, and what only it can say of a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.architectures import initial_weights, layers
from harness.interface import Batch, Model, Runtime
from harness.parity.problem import Problem
from harness.parity.reference import pooling_windows
from harness.registry import load_implementation
from harness.variants import Variant

CANDIDATES: Final = 8
"""Batches among which the one for gradients is chosen."""


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


def smoothest_batch(arbiter: Model, problem: Problem) -> Batch:
    """Of a problem's first batches the one furthest from a kink, where the gradient jumps and rounding chooses.

    The arbiter has the problem's weights.
    """
    return max(
        problem.batches[:CANDIDATES],
        key=lambda batch: kink_margin(arbiter.activations(batch, training=True), problem.variant),
    )


def kink_margin(activations: Mapping[str, NDArray[Any]], variant: Variant) -> float:
    """How far the nearest kink is: a ReLU's input from 0, a pooling's largest value from its second.

    Args:
        activations: Output of each layer by its name, channels last.
        variant: Whose.

    Returns:
        Smallest distance, in units of the root mean square of the layer's input. Values that are equal to the
        last bit are copies of one pixel and leave the gradient the same whichever is chosen.
    """
    margins = []
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
        scale = np.sqrt(np.mean(inputs**2))
        margins.append(float(gaps[gaps > 1e-12 * scale].min() / scale))
    return min(margins)
