"""A step of training taken apart: the loss' gradient, the optimizer in NumPy, and that training is both, one after the
other. An error of a part in ten thousand shows here, long before it shows in an accuracy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from harness.architectures import layers
from harness.interface import Implementation, Model, Weights
from harness.variant import Optimizer, Phase
from tests.support.checks import check_close, check_close_to_scale, check_same_bits
from tests.support.models import (
    SEED,
    faces,
    lively_weights,
    narrow_variant,
    shared_model,
)

LEARNING_RATE = 1e-3
GRADIENT_TOLERANCE = 1e-5
"""Of the largest gradient of the last layer. Seen: 4e-7, without norms."""
GRADIENT_ROUNDING = 3e-6
"""Of a layer's largest gradient: two compilations of one pass sum in another order. Seen: 4e-7."""
ADAM_TOLERANCE = 3e-5
"""Of the learning rate. Keras computes its bias corrections in float32: 1 - 0.999 is then off by 1e-5.
Seen: 1.4e-5, with the rounding of the weights."""
STATISTICS_TOLERANCE = 1e-5
"""Of a layer's largest statistic: after three blocks rounding has not grown as it does over fifty layers."""
STATISTICS_ROUNDING = 1.2e-5
"""What is kept is float32 of the order of 1 (6e-8, twice), of which a hundredth is the batch's."""


@pytest.fixture
def small_model(implementation: Implementation) -> Model:
    """Of one block, for what needs no depth."""
    return shared_model(implementation, replace(narrow_variant("vgg16-scratch"), blocks=1))


@pytest.fixture
def model(implementation: Implementation) -> Model:
    """The narrow network without batch norm or dropout."""
    return shared_model(implementation, narrow_variant("vgg16-scratch"))


def adam(
    gradients: list[NDArray[np.float64]], learning_rates: list[float], optimizer: Optimizer
) -> NDArray[np.float64]:
    """How far Adam goes, by Keras' formula: ε outside the bias correction."""
    weights, first, second = np.zeros((3, *gradients[0].shape))
    for step, (gradient, learning_rate) in enumerate(zip(gradients, learning_rates, strict=True), start=1):
        first += (1 - optimizer.beta_1) * (gradient - first)
        second += (1 - optimizer.beta_2) * (gradient**2 - second)
        correction = np.sqrt(1 - optimizer.beta_2**step) / (1 - optimizer.beta_1**step)
        weights -= learning_rate * correction * first / (np.sqrt(second) + optimizer.epsilon)
    return weights


def draw_gradients(weights: Weights, seed: int) -> dict[str, NDArray[np.float32]]:
    """From a thousandth of ε to a million times that, where ε no longer matters."""
    random = np.random.default_rng(seed)
    return {
        name: (random.normal(size=each.shape) * 10 ** random.uniform(-10, -1, each.shape)).astype(np.float32)
        for name, each in weights.items()
    }


def test_the_optimizer_is_kerass_adam(small_model: Model) -> None:
    start, learning_rates = lively_weights(small_model.variant), [LEARNING_RATE, 3 * LEARNING_RATE, LEARNING_RATE]
    steps = [draw_gradients(start, seed) for seed, _ in enumerate(learning_rates)]
    small_model.set_weights(start)
    for gradients, learning_rate in zip(steps, learning_rates, strict=True):
        small_model.apply_gradients(gradients, learning_rate=learning_rate)
    optimizer, tolerance = small_model.variant.optimizer, ADAM_TOLERANCE * sum(learning_rates)
    for name, observed in small_model.get_weights().items():
        way = adam([step[name].astype(np.float64) for step in steps], learning_rates, optimizer)
        check_close(observed, start[name] + way, tolerance=tolerance, what=f"{name} after three steps")


def test_the_optimizer_of_a_new_phase_remembers_nothing(small_model: Model) -> None:
    start, (phase,) = small_model.get_weights(), small_model.variant.phases
    first, second = (draw_gradients(start, seed) for seed in (1, 2))
    small_model.apply_gradients(second, learning_rate=LEARNING_RATE)
    expected = small_model.get_weights()
    small_model.apply_gradients(first, learning_rate=LEARNING_RATE)
    small_model.set_weights(start)
    small_model.start_phase(phase)
    small_model.apply_gradients(second, learning_rate=LEARNING_RATE)
    check_same_bits(small_model.get_weights(), expected, what="weights after the first step of a phase")


def test_gradients_of_what_is_frozen_are_refused(implementation: Implementation) -> None:
    variant = replace(narrow_variant("vgg16-scratch"), blocks=1)
    model = shared_model(implementation, variant, Phase(1, "head"))
    start = model.get_weights()
    with pytest.raises(ValueError, match=r"block1_conv1\.kernel is unknown"):
        model.apply_gradients(draw_gradients(start, SEED), learning_rate=LEARNING_RATE)
    check_same_bits(model.get_weights(), start, what="weights after a refusal")


def test_the_first_step_is_the_learning_rate(model: Model) -> None:
    # gradients a thousand times as large leave nothing of ε, and biases that begin at 0 nothing of rounding
    batch = faces(model.variant)[0]
    model.train([replace(batch, weights=1000 * batch.weights)], learning_rate=LEARNING_RATE)
    largest = np.abs(model.get_weights()["logits.bias"]).max()
    check_close(largest, LEARNING_RATE, tolerance=ADAM_TOLERANCE * LEARNING_RATE, what="largest first step of a bias")


def test_the_last_layers_gradient_is_that_of_the_weighted_cross_entropy(small_model: Model) -> None:
    batch = faces(small_model.variant)[0]
    outputs = small_model.activations(batch, training=True)
    errors = softmax(outputs["logits"].astype(np.float64), axis=1) - np.eye(7)[batch.labels]
    errors *= batch.weights[:, None] / len(batch)  # over the number of examples, not over the sum of weights
    observed = small_model.gradients(batch)
    before = outputs[layers(small_model.variant)[-2].name].astype(np.float64)
    for name, expected in {"logits.bias": errors.sum(0), "logits.kernel": before.T @ errors}.items():
        check_close_to_scale(observed[name], expected, tolerance=GRADIENT_TOLERANCE, what=f"gradient of {name}")


def test_training_applies_the_optimizer_to_the_gradients(model: Model) -> None:
    first, second = faces(model.variant)[:2]
    model.train([first], learning_rate=LEARNING_RATE)
    state = model.get_state()
    gradients = model.gradients(second)
    model.apply_gradients(gradients, learning_rate=LEARNING_RATE)
    expected = model.get_weights()
    model.set_state(state)
    model.train([second], learning_rate=LEARNING_RATE)
    for name, observed in model.get_weights().items():
        sizes = np.abs(gradients[name]).astype(np.float64)
        doubt = GRADIENT_ROUNDING * sizes.max() / np.maximum(sizes, 1e-30)  # Adam enlarges small gradients
        tolerance = LEARNING_RATE * (ADAM_TOLERANCE + doubt) + 1e-7 * np.abs(observed)
        check_close(observed, expected[name], tolerance=tolerance, what=f"{name} after a step")


def test_norms_keep_the_biased_statistics_of_the_batch(implementation: Implementation) -> None:
    model = shared_model(implementation, replace(narrow_variant("resnet50-scratch"), blocks=1))
    batch, momentum = faces(model.variant)[0], model.variant.batch_norm_momentum
    before = model.get_weights()
    inputs = model.activations(batch, training=True)
    model.train([batch], learning_rate=LEARNING_RATE)
    observed = model.get_weights()
    for name in (layer.name for layer in layers(model.variant) if layer.kind == "batch-norm"):
        values = inputs[name.replace("_bn", "_conv")].astype(np.float64)
        for statistic, found in (("mean", values.mean((0, 1, 2))), ("variance", values.var((0, 1, 2)))):
            key = f"{name}.moving_{statistic}"
            kept = (observed[key] - momentum * before[key].astype(np.float64)) / (1 - momentum)
            tolerance = STATISTICS_TOLERANCE * np.abs(found).max() + STATISTICS_ROUNDING
            check_close(kept, found, tolerance=tolerance, what=f"{key}, the batch's share")
