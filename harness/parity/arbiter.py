"""The arbiter: the PyTorch implementation in float64, and what only it can say of a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.architectures import initial_weights, layers
from harness.interface import Batch, Model, Runtime
from harness.parity.problem import Problem
from harness.registry import load_implementation
from harness.variants import Variant

RUNTIME: Final = Runtime(threads=1, precision="float64")
"""On the CPU whatever is judged; one thread, so that its sums have one order."""
CANDIDATES: Final = 8
"""Batches among which the one for gradients is chosen."""


def build_arbiter(variant: Variant) -> Model:
    """The PyTorch implementation in float64, in the variant's first phase."""
    return load_implementation("pytorch").build(variant, weights=initial_weights(variant, 0), seed=0, runtime=RUNTIME)


def rounded_otherwise(problem: Problem, seed: int) -> Problem:
    """The same problem with every number of its affine maps moved by one rounding of float32, up or down at random."""
    random = np.random.default_rng(seed)

    def move(batch: Batch) -> Batch:
        towards = np.where(random.random(batch.maps.shape) < 0.5, -np.inf, np.inf).astype(np.float32)
        return replace(batch, maps=np.nextafter(batch.maps, towards))

    return replace(problem, batches=[move(batch) for batch in problem.batches])


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
            size, stride = (2, 2) if variant.architecture == "vgg16" else (3, 2)
            windows = sliding_window_view(inputs, (size, size), axis=(1, 2))[:, ::stride, ::stride]
            ordered = np.sort(windows.reshape(*windows.shape[:4], -1), axis=-1)
            gaps = ordered[..., -1] - ordered[..., -2]
        else:
            continue
        scale = np.sqrt(np.mean(inputs**2))
        margins.append(float(gaps[gaps > 1e-12 * scale].min() / scale))
    return min(margins)
