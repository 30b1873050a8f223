"""The arbiter against a few lines of NumPy, layer by layer: each is fed the arbiter's own inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.architectures import layers, trainable_layers
from harness.data.pixels import network_input
from harness.interface import Model, Weights
from harness.parity.observations import (
    Climber,
    Task,
    batch_norm_statistics,
    optimizer_steps,
)
from harness.parity.problem import Problem, make_problem, without_effect
from harness.plugin.base import require_implementation
from tests.support import layer_reference as reference
from tests.support.checks import check_all_close_to_scale, check_close, check_close_to_scale
from tests.support.climbing import LADDERS, arbiter, small_variant
from tests.support.models import SEED

NOTHING = 1e-12
"""Of a kernel's gradient: what float64 makes of 0. Seen: 2e-14."""
LAYER_TOLERANCE = 1e-13
"""Of a layer's largest value: one layer, two orders of summation in float64. Seen: 4e-15."""
ADAM_TOLERANCE = 1e-12
"""Of the largest step. Seen: 2e-15."""
SLOPE_TOLERANCE = 1e-5
"""Of the slope: a difference of losses over 2e-6 keeps ten digits less than a loss has. Seen: 3e-8."""
STEP = 1e-6
"""Length of the step along a gradient, in the space of one tensor."""


@dataclass(frozen=True)
class Case:
    problem: Problem
    climber: Climber

    def begin(self) -> Model:
        return self.climber.begin(self.problem)

    @property
    def task(self) -> Task:
        return Task(self.problem, self.climber)


@pytest.fixture(params=LADDERS)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    require_implementation(request.config, "pytorch")
    name, index = request.param
    variant = small_variant(name)
    if name == "resnet50-scratch":
        variant = replace(variant, blocks=2)
    phase = variant.phases[index]
    climber = Climber(arbiter(variant, phase))
    yield Case(make_problem(variant, phase, seed=SEED), climber)
    climber.restore()


def weights_of(layer: str, weights: Weights) -> dict[str, NDArray[np.float64]]:
    found = {name.rpartition(".")[2]: array for name, array in weights.items() if name.rpartition(".")[0] == layer}
    return {name: array.astype(np.float64) for name, array in found.items()}


def test_pixels_are_the_references(case: Case) -> None:
    batch, variant = case.problem.batches[0], case.problem.variant
    expected = network_input(
        batch.images,
        batch.maps,
        size=variant.input_size,
        channels=variant.input_channels,
        convention=variant.input_convention,
    )
    check_close_to_scale(case.begin().pixels(batch), expected, tolerance=LAYER_TOLERANCE, what="pixels")


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_every_layer_is_the_references(case: Case, training: bool) -> None:
    problem, model = case.problem, case.begin()
    batch = problem.batches[0]
    trainable = trainable_layers(problem.variant, problem.phase)
    outputs = {"pixels": model.pixels(batch), **model.activations(batch, training=training)}
    sources = reference.wiring(problem.variant)
    for layer in layers(problem.variant):
        expected = reference.output(
            layer,
            [outputs[name] for name in sources[layer.name]],
            weights_of(layer.name, problem.weights),
            training=training and layer.name in trainable,  # a frozen norm stays in inference mode
        )
        check_close_to_scale(outputs[layer.name], expected, tolerance=LAYER_TOLERANCE, what=layer.name)


def test_the_loss_is_the_references(case: Case) -> None:
    batch = case.problem.batches[0]
    logits = case.begin().activations(batch, training=True)["logits"]
    totals = case.begin().train([batch], learning_rate=0.0)
    assert not np.allclose(batch.weights, 1), "weights of 1 would not tell Σw from n"
    check_close_to_scale(
        totals.step_losses, [reference.cross_entropy(logits, batch)], tolerance=LAYER_TOLERANCE, what="loss"
    )


def test_each_gradient_is_the_slope_of_the_loss(case: Case) -> None:
    """Along its own direction the loss rises by its length: by neither more nor less if, and only if, it is right."""
    batch, weights = case.task.batch, case.problem.weights
    model = case.begin()

    def loss(name: str, moved: np.ndarray) -> float:
        model.set_weights({**weights, name: weights[name] + moved})
        return reference.cross_entropy(model.activations(batch, training=True)["logits"], batch)

    gradients = model.gradients(batch)
    for name, gradient in gradients.items():
        length = np.linalg.norm(gradient)
        if name in without_effect(case.problem.variant):
            kernel = np.linalg.norm(gradients[name.replace(".bias", ".kernel")])
            if length < NOTHING * kernel:
                continue
        direction = STEP * gradient / length
        slope = (loss(name, direction) - loss(name, -direction)) / (2 * STEP)
        check_close(slope, length, tolerance=SLOPE_TOLERANCE * length, what=name)


def test_adam_is_the_references(case: Case) -> None:
    problem = case.problem
    expected = {
        name: reference.adam(
            [given[name] for given in problem.gradients],
            problem.variant.optimizer,
            learning_rate=problem.learning_rate,
        )
        for name in problem.gradients[0]
    }
    observed = optimizer_steps(case.begin(), case.task)
    check_all_close_to_scale(observed, expected, tolerance=ADAM_TOLERANCE, what="Adam")


def test_running_statistics_are_the_references(case: Case) -> None:
    problem = case.problem
    norms = [layer for layer in layers(problem.variant) if layer.kind == "batch-norm"]
    observed = batch_norm_statistics(case.begin(), case.task)
    assert len(observed) == 2 * len(norms)
    outputs = case.begin().activations(problem.batches[0], training=True)
    momentum = problem.variant.batch_norm_momentum
    sources, trainable = reference.wiring(problem.variant), trainable_layers(problem.variant, problem.phase)
    for norm in norms:
        start = weights_of(norm.name, problem.weights)
        if norm.name in trainable:
            zeros = {name: np.zeros_like(array) for name, array in start.items()}
            expected = reference.running_statistics(outputs[sources[norm.name][0]], zeros, momentum)
        else:
            expected = {name: start[name] for name in ("moving_mean", "moving_variance")}
        check_all_close_to_scale(weights_of(norm.name, observed), expected, tolerance=LAYER_TOLERANCE, what=norm.name)


def test_another_epsilon_would_be_seen(case: Case) -> None:
    """What the smallest of Adam's constants changes, far above the tolerance."""
    problem = case.problem
    name = "logits.kernel"
    given = [each[name] for each in problem.gradients]
    optimizer = problem.variant.optimizer
    usual, other = (
        reference.adam(given, each, learning_rate=problem.learning_rate)
        for each in (optimizer, replace(optimizer, epsilon=optimizer.epsilon / 10))
    )
    assert np.abs(usual - other).max() > 0.1 * problem.learning_rate
