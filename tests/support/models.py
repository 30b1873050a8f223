"""Narrow networks on drawn faces, built once a session: on JAX the compilation costs more than all tests together.

Tests share a model by going back to its first state, which is itself a promise of the Protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.architectures import initial_weights, weight_shapes
from harness.data.batches import Batches, training_batches
from harness.data.splits import class_weights
from harness.data.toyfaces import toyfaces
from harness.interface import (
    Implementation,
    Model,
    Runtime,
    State,
)
from harness.variant import Phase, Variant, narrow
from tests.support.papers import PAPER

SEED: Final = 5
IMAGES: Final = 32
BATCH_SIZE: Final = 8
WIDTH_DIVISOR: Final = 8
SCRATCH: Final = ("vgg16-scratch", "resnet50-scratch")

RUNTIMES: Final[Mapping[str, Runtime]] = {"keras3": Runtime(), "pytorch": Runtime(threads=1)}
"""By implementation. PyTorch's threads wait for each other at every one of the many tiny operations of a narrow
network: on a machine with other work, two threads were seen to take a hundred times as long as one."""


def narrow_variant(name: str, *, dropout: float = 0.0) -> Variant:
    """A scratch variant with an eighth of the channels and small batches, for batches from `faces`."""
    return replace(
        narrow(PAPER.find_variant(name), width_divisor=WIDTH_DIVISOR), dropout=dropout, batch_size=BATCH_SIZE
    )


def pretrained_variant(name: str, *, input_size: int = 32, **changes: Any) -> Variant:
    """A transfer or fine-tune variant with an eighth of the channels, small batches and pictures."""
    variant = narrow(PAPER.find_variant(name), width_divisor=WIDTH_DIVISOR, input_size=input_size)
    return replace(variant, batch_size=BATCH_SIZE, **changes)


def build(implementation: Implementation, variant: Variant, *, seed: int = SEED) -> Model:
    """A model of its own, with the harness' initial weights."""
    runtime = RUNTIMES[implementation.name]
    return implementation.build(variant, weights=initial_weights(variant, seed), seed=seed, runtime=runtime)


@cache
def _shared(implementation: Implementation, variant: Variant, phase: Phase | None) -> tuple[Model, State]:
    model = build(implementation, variant)
    if phase is not None:
        model.start_phase(phase)
    return model, model.get_state()


def shared_model(implementation: Implementation, variant: Variant, phase: Phase | None = None) -> Model:
    """The session's model of a variant, in the state in which it was built, or in which a later phase began."""
    model, state = _shared(implementation, variant, phase)
    model.set_state(state)
    return model


def faces(variant: Variant, *, images: int = IMAGES) -> Batches:
    """Augmented, weighted batches of drawn faces, in an order of their own."""
    dataset = toyfaces(training=IMAGES, public_test=7, private_test=7)
    rows = dataset.rows("training")
    weights = class_weights(dataset.labels[rows], "balanced")
    return training_batches(dataset, rows[:images], variant, class_weights=weights, seed=SEED, epoch=0)


def lively_weights(variant: Variant) -> dict[str, NDArray[np.float32]]:
    """Initial weights with biases, norms and running statistics drawn too, so that no two can be mistaken."""
    random = np.random.default_rng(SEED)
    spans = {"bias": (-0.1, 0.1), "beta": (-0.1, 0.1), "gamma": (0.5, 1.5), "moving_mean": (-0.1, 0.1)}
    weights = initial_weights(variant, SEED)
    for name, shape in weight_shapes(variant).items():
        kind = name.rpartition(".")[2]
        if kind != "kernel":
            weights[name] = random.uniform(*spans.get(kind, (0.5, 1.5)), shape).astype(np.float32)
    return weights
