"""What every climber of the ladder is given: weights, batches and gradients, drawn from a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.architectures import (
    initial_weights,
    layers,
    trainable_layers,
    weight_shapes,
)
from harness.data.batches import training_batches
from harness.data.splits import class_weights
from harness.data.toyfaces import toyfaces
from harness.interface import Batch, Weights
from harness.variant import Phase, Variant, narrow

STEPS: Final = 25
"""Optimizer steps of the rung that trains."""
GRADIENT_SETS: Final = 3
"""Successive steps of the optimizer's rung: the first alone would not show how the moments decay."""
GRADIENT_EXPONENTS: Final = (-8.0, -3.0)
"""Magnitudes of given gradients, as powers of ten: Adam's ε is 1e-7, and shows in the small ones."""
GAIN: Final = math.sqrt(2.0)
"""Of the initial kernels: it makes up for what ReLUs take away (He et al. 2015), so that VGG16's last activations are
no smaller than its first."""
SPANS: Final[Mapping[str, tuple[float, float]]] = {
    "bias": (0.0, 0.2),
    "gamma": (0.5, 1.0),
    "beta": (1.0, 2.0),
    "moving_mean": (0.0, 0.1),
    "moving_variance": (0.05, 0.15),
}
"""Of magnitudes; see `_span` for exceptions. Beside a γ below 1 these β keep most of what enters a ReLU away from 0:
where rounding moves a value across, the gradient jumps."""
RESIDUAL_GAMMA: Final = (0.1, 0.3)
"""γ of the norm that ends a bottleneck. With small residuals ResNet50 passes rounding on. With 0.5 to 1.5, narrow and
in training mode, it amplifies rounding 20 times as much, and after 25 steps two float64 runs that began one rounding
apart are as far from each other as from their beginning."""
DECIDED_BIAS: Final = (1.0, 2.0)
"""Magnitude that keeps a unit on, or off, for every picture. In a dense layer one unit that changes sides in one of
eight pictures changes all gradients by a tenth. A bias that a norm takes away again wanders by rounding alone, and
would carry the ReLU between them across its kink in one framework and not in another."""
_LINEAR_WHERE_ON: Final = frozenset({"relu", "max-pooling", "flatten"})
_SIGNED: Final = frozenset({"bias", "beta", "moving_mean"})


@dataclass(frozen=True, eq=False)
class Problem:
    """One task for all climbers.

    Attributes:
        variant: What was built.
        phase: What is trained.
        weights: To begin with, running statistics included.
        batches: One for each of `STEPS` steps, weighted and augmented.
        gradients: Of all trainable weights, for `GRADIENT_SETS` steps of the optimizer alone.
        learning_rate: Of every step.
    """

    variant: Variant
    phase: Phase
    weights: Weights
    batches: Sequence[Batch]
    gradients: Sequence[Weights]
    learning_rate: float


def comparable(
    variant: Variant, *, width_divisor: int = 8, input_size: int | None = 32, batch_size: int = 8
) -> Variant:
    """The variant without dropout, whose masks can never agree, and as a rule narrow, with small pictures."""
    small = narrow(variant, width_divisor=width_divisor, input_size=input_size)
    return replace(small, dropout=0.0, batch_size=batch_size)


def make_problem(variant: Variant, phase: Phase, *, seed: int) -> Problem:
    """Draw everything from a seed: faces in shuffled, augmented, class-weighted batches, and lively weights."""
    count = STEPS * variant.batch_size
    faces = toyfaces(training=max(count, 7), public_test=7, private_test=7, seed=seed)
    rows = faces.rows("training")
    weights = class_weights(faces.labels[rows], "balanced")
    batches = training_batches(faces, rows[:count], variant, class_weights=weights, seed=seed, epoch=0)
    random = np.random.default_rng(seed)
    shapes = trainable_shapes(variant, phase)
    return Problem(
        variant,
        phase,
        weights=lively_weights(variant, seed),
        batches=list(batches),
        gradients=[_gradients(shapes, random) for _ in range(GRADIENT_SETS)],
        learning_rate=variant.learning_rate,
    )


def lively_weights(variant: Variant, seed: int) -> dict[str, NDArray[np.float32]]:
    """Initial kernels, enlarged; biases, norms and running statistics drawn too, so that no two can be mistaken."""
    random = np.random.default_rng(seed)
    weights = initial_weights(variant, seed)
    for name, shape in weight_shapes(variant).items():
        kind = name.rpartition(".")[2]
        if kind == "kernel":
            weights[name] *= np.float32(GAIN)
            continue
        sign = random.choice([-1.0, 1.0], shape) if kind in _SIGNED and not _is_always_on(name, variant) else 1.0
        weights[name] = (sign * random.uniform(*_span(name, variant), shape)).astype(np.float32)
    return weights


def _span(name: str, variant: Variant) -> tuple[float, float]:
    layer, _, kind = name.rpartition(".")
    if layer.endswith("_3_bn") and kind == "gamma":
        return RESIDUAL_GAMMA
    if kind == "bias" and (layer.startswith("dense") or _is_always_on(name, variant)):
        return DECIDED_BIAS
    return SPANS[kind]


def _is_always_on(name: str, variant: Variant) -> bool:
    """Whether a bias is without effect although a ReLU stands between it and the norm: VGG16's last, at most."""
    return variant.architecture == "vgg16" and name in without_effect(variant)


def trainable_shapes(variant: Variant, phase: Phase) -> dict[str, tuple[int, ...]]:
    """Canonical name to shape of the weights that have a gradient in a phase; running statistics have none."""
    trainable = trainable_layers(variant, phase)
    return {
        name: shape
        for name, shape in weight_shapes(variant).items()
        if name.rpartition(".")[0] in trainable and not is_statistic(name)
    }


def is_statistic(name: str) -> bool:
    """Whether a weight is a running statistic of a batch norm."""
    return name.rpartition(".")[2].startswith("moving_")


def without_effect(variant: Variant) -> frozenset[str]:
    """Names of the biases of convolutions in front of a batch norm, which takes them away again.

    Their gradient is 0 but for rounding, and Adam makes steps of any length up to the learning rate of rounding: after
    a step they say nothing about an implementation. So it is behind ReLU and pooling too, in channels that are on
    in every picture.
    """
    found: set[str] = set()
    last = None
    for layer in layers(variant):
        if layer.kind == "batch-norm" and last:
            found.add(f"{last}.bias")
        if layer.kind == "convolution":
            last = layer.name
        elif layer.kind not in _LINEAR_WHERE_ON:
            last = None
    return frozenset(found)


def _gradients(shapes: Mapping[str, tuple[int, ...]], random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Of either sign, magnitudes spread evenly over `GRADIENT_EXPONENTS`."""
    return {
        name: (random.choice([-1.0, 1.0], shape) * 10 ** random.uniform(*GRADIENT_EXPONENTS, shape)).astype(np.float32)
        for name, shape in shapes.items()
    }
