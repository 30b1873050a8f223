"""Gradients of each implementation alone, and what training costs while a base is frozen."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.architectures import layers, trainable_layers
from harness.interface import (
    Batch,
    Implementation,
    Model,
    Runtime,
    State,
)
from harness.variant import Phase, Variant
from tests.support.checks import check_all_close_to_scale, check_close, check_same_bits
from tests.support.models import (
    BATCH_SIZE,
    SEED,
    build,
    faces,
    lively_weights,
    pretrained_variant,
    shared_model,
)

LEARNING_RATE = 1e-3
SLOPE_TOLERANCE = 0.05
"""Relative. Two float32 losses of about 2 (2e-7 each), a distance of 2e-4 apart along slopes above 0.2, are good to
0.01; ReLUs that switch in between add the rest. Seen: 0.016. A loss over Σw is off by 0.3 on this batch."""
DISTANCE = 1e-4
"""From the weight, up and down the gradient."""
FLOAT64_TOLERANCE = 1e-6
"""Of the largest gradient of a weight. Seen: 5e-9."""
FLOAT64_DISTANCE = 1e-6
STEP_TOLERANCE = 0.02
"""Of the learning rate, as for parity: where a gradient is near Adam's ε, its rounding shows. Seen: 6e-5."""
LINEAR_TOLERANCE = 1e-4
"""Of the largest gradient of a weight. Seen: 3e-6, and 2e-5 in Keras on torch."""

VARIANT = pretrained_variant("vgg16-fine-tune", blocks=2, phases=(Phase(40, "head"), Phase(60, "block2")))
"""Frozen and trained convolutions, a norm and dropout in the head, and little to compile. As in `test_phases.py`."""


@pytest.fixture
def model(implementation: Implementation) -> Model:
    """A model in its second phase, after some steps, so that its optimizer's state matters."""
    model = shared_model(implementation, VARIANT, VARIANT.phases[1])
    model.set_weights(lively_weights(VARIANT))
    model.train(faces(VARIANT)[1:], learning_rate=LEARNING_RATE)
    return model


@pytest.fixture
def batch() -> Batch:
    return faces(VARIANT)[0]


def loss_at(model: Model, batch: Batch, start: State, moved: Mapping[str, NDArray[Any]]) -> float:
    """Loss in training mode with some weights replaced, and the masks of `start`."""
    model.set_state(start)
    model.set_weights({**model.get_weights(), **moved})
    (loss,) = model.train([batch], learning_rate=0.0).step_losses
    model.set_state(start)
    return float(loss)


# Gradients


@pytest.mark.rehearsed
def test_gradients_change_no_state(model: Model, batch: Batch) -> None:
    before = model.get_state()
    first, second = model.gradients(batch), model.gradients(batch)
    check_same_bits(second, first, what="second time")  # the same masks
    check_same_bits(model.get_state(), before, what="state after gradients")


def test_gradients_do_not_change_the_next_step(model: Model, batch: Batch) -> None:
    start = model.get_state()
    model.train([batch], learning_rate=LEARNING_RATE)
    expected = model.get_state()
    model.set_state(start)
    model.gradients(batch)
    model.train([batch], learning_rate=LEARNING_RATE)
    check_same_bits(model.get_state(), expected, what="state after gradients and a step")


def test_gradients_are_of_the_trainable_weights(model: Model, batch: Batch) -> None:
    trained, weights = trainable_layers(VARIANT, VARIANT.phases[1]), model.get_weights()
    observed = model.gradients(batch)
    expected = {name for name in weights if name.partition(".")[0] in trained and "moving" not in name}
    assert set(observed) == expected
    for name, gradient in observed.items():
        assert (gradient.dtype, gradient.shape) == (np.float32, weights[name].shape)


@pytest.mark.parametrize("name", ["block2_conv1.kernel", "batch_norm1.gamma", "dense1.kernel", "logits.bias"])
def test_the_loss_falls_as_steeply_as_its_gradient_says(model: Model, batch: Batch, name: str) -> None:
    start, weight, gradient = model.get_state(), model.get_weights()[name], model.gradients(batch)[name]
    slope = float(np.linalg.norm(gradient))
    uphill, downhill = (
        loss_at(model, batch, start, {name: weight + sign * DISTANCE * gradient / slope}) for sign in (1, -1)
    )
    observed = (uphill - downhill) / (2 * DISTANCE)
    check_close(observed, slope, tolerance=SLOPE_TOLERANCE * slope, what=f"slope along the gradient of {name}")


def test_gradients_are_finite_differences_in_float64(implementation: Implementation, batch: Batch) -> None:
    if implementation.name == "keras3":
        pytest.skip("Keras' norms stay in float32 whatever is asked")
    runtime = Runtime(threads=1, precision="float64")
    model = implementation.build(VARIANT, weights=lively_weights(VARIANT), seed=SEED, runtime=runtime)
    model.start_phase(VARIANT.phases[1])
    start, weights, gradients = model.get_state(), model.get_weights(), model.gradients(batch)
    random = np.random.default_rng(SEED)
    for name, gradient in gradients.items():
        assert gradient.dtype == np.float64
        for index in {0, int(np.abs(gradient).argmax()), int(random.integers(gradient.size))}:
            losses = []
            for sign in (1, -1):
                moved = weights[name].copy()
                moved.flat[index] += sign * FLOAT64_DISTANCE
                losses.append(loss_at(model, batch, start, {name: moved}))
            observed = (losses[0] - losses[1]) / (2 * FLOAT64_DISTANCE)
            tolerance = FLOAT64_TOLERANCE * np.abs(gradient).max()
            check_close(observed, gradient.flat[index], tolerance=tolerance, what=f"{name} at {index}")


def test_sample_weights_are_factors_and_not_shares(model: Model, batch: Batch) -> None:
    def gradients(weights: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        return model.gradients(Batch(batch.images, batch.maps, batch.labels, weights))

    weights = np.linspace(0.5, 2, BATCH_SIZE, dtype=np.float32)
    expected = gradients(weights)
    tripled = {name: array / 3 for name, array in gradients(3 * weights).items()}
    check_all_close_to_scale(tripled, expected, tolerance=LINEAR_TOLERANCE, what="a third of tripled weights'")
    halves = [gradients(np.where(np.arange(BATCH_SIZE) % 2 == odd, weights, np.float32(0))) for odd in (0, 1)]
    added = {name: halves[0][name] + halves[1][name] for name in expected}
    check_all_close_to_scale(added, expected, tolerance=LINEAR_TOLERANCE, what="sum over halves of the batch")


# Steps with given gradients


@pytest.mark.rehearsed
def test_a_step_with_a_batchs_gradients_is_a_step_on_the_batch(model: Model, batch: Batch) -> None:
    start, gradients = model.get_state(), model.gradients(batch)
    model.train([batch], learning_rate=LEARNING_RATE)
    expected = model.get_weights()
    model.set_state(start)
    model.apply_gradients(gradients, learning_rate=LEARNING_RATE)
    observed = model.get_weights()
    for name in gradients:
        check_close(observed[name], expected[name], tolerance=STEP_TOLERANCE * LEARNING_RATE, what=name)
    model.set_state(start)
    others = {name: array for name, array in model.get_weights().items() if name not in gradients}
    check_same_bits({name: observed[name] for name in others}, others, what="weights without gradients")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.pop("dense1.bias"), r"dense1\.bias is missing, expected \(64,\)"),
        (lambda found: found.update({"block1_conv1.bias": np.zeros(8)}), r"block1_conv1\.bias is unknown"),
        (lambda found: found.update({"dense1.bias": np.zeros(7)}), r"dense1\.bias has shape \(7,\), expected \(64,\)"),
    ],
    ids=["missing", "frozen", "shape"],
)
def test_gradients_that_do_not_fit_are_refused(
    model: Model, batch: Batch, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    gradients, before = dict(model.gradients(batch)), model.get_state()
    change(gradients)
    with pytest.raises(ValueError, match=message):
        model.apply_gradients(gradients, learning_rate=LEARNING_RATE)
    check_same_bits(model.get_state(), before, what="state after a refusal")


# What a frozen base costs


def expected_cost(variant: Variant) -> tuple[int, int]:
    """Operations of a training step, and passes through convolutions: forward through everything, and backward twice
    (weights and input) through what is trained, less the input of its first layer."""
    trained = trainable_layers(variant, variant.phases[0])
    costly = [layer for layer in layers(variant) if layer.flops]
    behind = [layer for layer in costly if layer.name in trained]
    flops = sum(layer.flops for layer in costly) + sum(2 * layer.flops for layer in behind) - behind[0].flops
    if costly[0] is not behind[0]:  # frozen, the first convolution reads one of its equal channels (impls/*/folding.py)
        flops -= costly[0].flops - costly[0].flops // variant.input_channels
    forward, backward = (sum(layer.kind == "convolution" for layer in part) for part in (costly, behind))
    return BATCH_SIZE * flops, forward + max(0, 2 * backward - 1)


@pytest.mark.parametrize(
    "variant",
    [
        pretrained_variant("vgg16-transfer@frozen"),
        pretrained_variant("vgg16-transfer"),
        pretrained_variant("vgg16-fine-tune"),
    ],
    ids=lambda each: each.name,
)
def test_what_is_frozen_costs_no_backward_pass(implementation: Implementation, variant: Variant) -> None:
    model, batch = build(implementation, variant), faces(variant)[0]
    backend = implementation.versions().get("backend", "torch")
    flops, convolutions = expected_cost(variant)
    if implementation.name == "keras3":  # its pixel layer makes channels of grey by one more, of single pixels
        flops += BATCH_SIZE * 2 * variant.input_size**2 * variant.input_channels
        convolutions += 1
    match backend:
        case "torch":
            from torch.utils.flop_counter import FlopCounterMode

            model.train([batch], learning_rate=LEARNING_RATE)  # Keras runs forward once more to build what it trains
            with FlopCounterMode(display=False) as counter:
                model.train([batch], learning_rate=LEARNING_RATE)
            assert counter.get_total_flops() == flops
        case "jax":
            assert sum(1 for name in operations_on_jax(model, batch) if name == "conv_general_dilated") == convolutions
        case _:
            pytest.skip(f"nothing counts operations of Keras on {backend}")


def operations_on_jax(model: Any, batch: Batch) -> Iterator[str]:
    """Names of the operations of a training step's gradient, as Keras' trainer traces it. Nothing is computed."""
    jax = importlib.import_module("jax")
    network = model._network
    trained, others, metrics = (
        [each.value for each in group]
        for group in (network.trainable_variables, network.non_trainable_variables, network.metrics_variables)
    )
    loss = partial(network.compute_loss_and_updates, training=True, optimizer_variables=[])
    pictures = {"images": batch.images, "maps": batch.maps}
    traced = jax.make_jaxpr(jax.value_and_grad(loss, has_aux=True))(
        trained, others, metrics, pictures, batch.labels, batch.weights
    )
    waiting = [traced]
    while waiting:
        for equation in waiting.pop().eqns:
            yield equation.primitive.name
            waiting += [each for each in equation.params.values() if hasattr(each, "eqns")]
