"""The two implementations against each other, as a ladder: where they part, the lowest failing rung says.

Narrow networks, without dropout, whose masks can never agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from checks import check_all_close_to_scale, check_close, check_close_to_scale
from models import SCRATCH, build, faces, lively_weights, narrow_variant, shared_model

from harness.architectures import layers
from harness.interface import Implementation, Model
from harness.variants import find_variant

INFERENCE_TOLERANCE = 1e-5
"""Of the largest value of a layer. Each layer sums thousands of float32 products (2⁻²⁴ each) in another order.
Seen: 1e-6 narrow, 5e-7 at full width."""
TRAINING_TOLERANCE = 5e-3
"""Of the largest value of a layer. Norms divide by the batch's own deviation, and at 48×48 those of the last stage see
32 values a channel: rounding grows from norm to norm, unlike in inference. Seen: 3.4e-4 in that stage. A norm
that divided by n - 1 would be off by 1.6e-2 there."""
LOSS_TOLERANCE = 5e-4
"""Relative, of the first step. Seen: 7e-8 without norms, 2.5e-5 with."""
ADAM_TOLERANCE = 0.02
"""Of the learning rate, after five steps, without norms. Seen: 0.002, in weights whose gradients are near ε."""
LEARNING_RATE = 1e-3

Pair = tuple[Model, Model]


@pytest.fixture(params=SCRATCH)
def pair(both_implementations: Mapping[str, Implementation], request: pytest.FixtureRequest) -> Pair:
    """Keras' and PyTorch's narrow network with the same lively weights and a fresh optimizer."""
    return _pair(both_implementations, request.param)


def _pair(implementations: Mapping[str, Implementation], name: str) -> Pair:
    variant = narrow_variant(name)
    keras3, pytorch = (shared_model(implementations[each], variant) for each in ("keras3", "pytorch"))
    for model in (keras3, pytorch):
        model.set_weights(lively_weights(variant))
    return keras3, pytorch


@pytest.mark.parametrize(
    ("training", "tolerance"),
    [
        pytest.param(False, INFERENCE_TOLERANCE, id="inference"),
        pytest.param(True, TRAINING_TOLERANCE, id="training"),
    ],
)
def test_every_layer_agrees(pair: Pair, training: bool, tolerance: float) -> None:
    keras3, pytorch = (model.activations(faces(model.variant)[0], training=training) for model in pair)
    in_order = {layer.name: pytorch[layer.name] for layer in layers(pair[0].variant)}
    check_all_close_to_scale(keras3, in_order, tolerance=tolerance, what="activations")


def test_logits_agree(pair: Pair) -> None:
    keras3, pytorch = (model.logits(faces(model.variant)) for model in pair)
    check_close_to_scale(keras3, pytorch, tolerance=INFERENCE_TOLERANCE, what="logits")


def test_the_first_loss_agrees(pair: Pair) -> None:
    keras3, pytorch = (model.train(faces(model.variant)[:1], learning_rate=LEARNING_RATE) for model in pair)
    check_close_to_scale(keras3.step_losses, pytorch.step_losses, tolerance=LOSS_TOLERANCE, what="first loss")
    assert keras3.correct == pytorch.correct
    assert keras3.examples == pytorch.examples


def test_running_statistics_agree_after_a_step(both_implementations: Mapping[str, Implementation]) -> None:
    """Of a network with norms, this is as far as training can be compared step by step.

    The bias of a convolution in front of a norm has gradient zero but for rounding, and Adam makes
    steps of the full learning rate of rounding: after one step a hundredth of all weights differ by up to twice
    the learning rate, after five the losses differ by a tenth. Only whole runs can be compared then.
    """
    pair = _pair(both_implementations, "resnet50-scratch")
    statistics = []
    for model in pair:
        # from nothing, what is kept is a hundredth of the batch's own
        start = {name: 0 * array if ".moving_" in name else array for name, array in model.get_weights().items()}
        model.set_weights(start)
        model.train(faces(model.variant)[:1], learning_rate=LEARNING_RATE)
        statistics.append({name: array for name, array in model.get_weights().items() if ".moving_" in name})
    assert len(statistics[0]) == 2 * 53
    check_all_close_to_scale(*statistics, tolerance=TRAINING_TOLERANCE, what="running statistics")


def test_weights_agree_after_five_steps_without_norms(both_implementations: Mapping[str, Implementation]) -> None:
    pair = _pair(both_implementations, "vgg16-scratch")
    batches = faces(pair[0].variant)
    keras3, pytorch = (model.train([*batches, batches[0]], learning_rate=LEARNING_RATE) for model in pair)
    check_close_to_scale(keras3.step_losses, pytorch.step_losses, tolerance=LOSS_TOLERANCE, what="five losses")
    observed, expected = (model.get_weights() for model in pair)
    for name, array in expected.items():
        check_close(observed[name], array, tolerance=ADAM_TOLERANCE * LEARNING_RATE, what=f"{name} after five steps")


@pytest.mark.parametrize("name", SCRATCH)
def test_logits_agree_at_full_width(both_implementations: Mapping[str, Implementation], name: str) -> None:
    variant = replace(find_variant(name), batch_size=2)
    batches, weights = faces(variant)[:1], lively_weights(variant)
    observed = {}
    for framework in ("keras3", "pytorch"):
        model = build(both_implementations[framework], variant)
        model.set_weights(weights)
        observed[framework] = model.logits(batches)
    check_close_to_scale(observed["keras3"], observed["pytorch"], tolerance=INFERENCE_TOLERANCE, what="logits")
