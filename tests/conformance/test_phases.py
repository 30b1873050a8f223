"""Transfer and fine-tuning of each implementation alone: what is frozen stays, what is trained begins anew."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.architectures import HEAD_BATCH_NORM_EPSILON, layers, trainable_layers
from harness.interface import Implementation, Model
from harness.variant import Phase, Variant
from tests.support.checks import check_close, check_same_bits
from tests.support.models import (
    BATCH_SIZE,
    IMAGES,
    build,
    faces,
    lively_weights,
    pretrained_variant,
    shared_model,
)

LEARNING_RATE = 1e-3
FIRST_STEP_TOLERANCE = 0.01
"""Of the learning rate. Where a gradient is near Adam's ε, its rounding shows. Seen: 7e-5. Moments that are carried
over, or a count of steps that goes on, are off by tenths."""
HEAD_TOLERANCE = 1e-5
"""Of the largest value, for a sum of some thousand float32 products. Seen: 5e-7."""

TWO_PHASES = pretrained_variant("vgg16-fine-tune", blocks=2, phases=(Phase(40, "head"), Phase(60, "block2")))
"""Frozen and trained convolutions, a norm and dropout in the head, and little to compile."""
RESNET = pretrained_variant("resnet50-fine-tune", blocks=1, phases=(Phase(10, "head"), Phase(20, "conv2_block2")))


def names_of(variant: Variant, phase: Phase) -> set[str]:
    """The weights that a phase may change."""
    trained = trainable_layers(variant, phase)
    return {f"{layer.name}.{each}" for layer in layers(variant) if layer.name in trained for each in layer.weights}


def changed(before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]) -> set[str]:
    return {name for name in before if before[name].tobytes() != after[name].tobytes()}


# The paper's variants


@pytest.mark.parametrize(
    ("name", "head"),
    [
        pytest.param("vgg16-transfer", "flatten1 dropout1 dense1 dense1_relu dense2 dense2_relu", id="vgg16-transfer"),
        pytest.param(
            "vgg16-fine-tune",
            "flatten1 batch_norm1 dense1 dense1_relu dense2 dense2_relu dropout1",
            id="vgg16-fine-tune",
        ),
        pytest.param(
            "resnet50-transfer", "global_average_pooling1 dense1 dense1_relu dropout1", id="resnet50-transfer"
        ),
        pytest.param(
            "resnet50-fine-tune", "flatten1 dense1 dense1_relu dense2 dense2_relu dropout1", id="resnet50-fine-tune"
        ),
    ],
)
def test_heads_are_the_papers(implementation: Implementation, name: str, head: str) -> None:
    variant = pretrained_variant(name, blocks=1, phases=(Phase(1, "head"),), epochs=1)
    model, (*_, last) = build(implementation, variant), [each.name for each in layers(variant) if each.part == "base"]
    weights = lively_weights(variant)
    model.set_weights(weights)
    outputs = model.activations(faces(variant)[0], training=True)
    order = [last, *head.split(), "logits"]
    assert set(outputs) - {each.name for each in layers(variant) if each.part == "base"} == set(order[1:])
    for before, here in pairwise(order):  # each layer has taken what the one before it gave
        taken, given = outputs[before].astype(np.float64), outputs[here]
        if here.startswith("dropout"):
            expected = np.where(given != 0, 2 * taken, 0)
            assert 0.3 < (given != 0)[taken != 0].mean() < 0.7
        elif here.startswith("batch_norm"):
            gamma, beta = weights[f"{here}.gamma"], weights[f"{here}.beta"]
            expected = gamma * (taken - taken.mean(0)) / np.sqrt(taken.var(0) + HEAD_BATCH_NORM_EPSILON) + beta
        elif here.endswith("relu"):
            expected = np.maximum(taken, 0)
        elif here.startswith("flatten"):
            expected = taken.reshape(BATCH_SIZE, -1)
        elif here.startswith("global"):
            expected = taken.mean((1, 2))
        else:
            expected = taken @ weights[f"{here}.kernel"] + weights[f"{here}.bias"]
        check_close(given, expected, tolerance=HEAD_TOLERANCE * max(1, np.abs(expected).max()), what=here)


@pytest.mark.parametrize(
    "variant",
    [
        pretrained_variant("vgg16-transfer"),
        pretrained_variant("vgg16-fine-tune"),
        pretrained_variant("resnet50-transfer", blocks=1),
        pretrained_variant("resnet50-fine-tune"),  # the one that is whole: it takes longest to compile
    ],
    ids=lambda each: each.name,
)
def test_a_phase_trains_what_it_names_and_nothing_else(implementation: Implementation, variant: Variant) -> None:
    model, batches = build(implementation, variant), faces(variant)
    model.set_weights(lively_weights(variant))
    for phase in variant.phases:
        if phase != variant.phases[0]:
            model.start_phase(phase)
        before = model.get_weights()
        totals = model.train(batches, learning_rate=LEARNING_RATE)
        assert (totals.examples, np.isfinite(totals.step_losses).tolist()) == (IMAGES, [True] * 4)
        assert changed(before, model.get_weights()) == names_of(variant, phase), f"phase {phase}"
    logits = model.logits(batches)
    assert logits.shape == (IMAGES, 7)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("phase", RESNET.phases, ids=lambda phase: phase.trainable)
def test_frozen_norms_stay_in_inference_mode(implementation: Implementation, phase: Phase) -> None:
    model = shared_model(implementation, RESNET, phase)
    model.set_weights(lively_weights(RESNET))
    training, resting = (model.activations(faces(RESNET)[0], training=mode) for mode in (True, False))
    names = [layer.name for layer in layers(RESNET) if layer.part == "base"]
    first = names.index("conv2_block1_out") + 1 if phase.trainable == "conv2_block2" else len(names)
    frozen = names[:first]
    check_same_bits({name: training[name] for name in frozen}, {name: resting[name] for name in frozen}, what="frozen")
    moving = [name for name in names[first:] if name.endswith("_bn")]
    assert len(moving) == (6 if phase.trainable == "conv2_block2" else 0)
    assert all(not np.array_equal(training[name], resting[name]) for name in moving)


# From one phase to the next


@pytest.fixture
def second(implementation: Implementation) -> Model:
    """A model at the beginning of its second phase."""
    return shared_model(implementation, TWO_PHASES, TWO_PHASES.phases[1])


def test_a_new_phase_starts_a_new_optimizer_and_goes_on_with_dropout(implementation: Implementation) -> None:
    model, batches = build(implementation, TWO_PHASES), faces(TWO_PHASES)

    def mask() -> list[bool]:
        return (model.activations(batches[0], training=True)["dropout1"] != 0).tolist()

    unused = mask()
    model.train(batches, learning_rate=0.0)  # which moves Adam's moments, but no weight
    used = mask()
    model.start_phase(TWO_PHASES.phases[1])
    assert mask() == used != unused
    before, gradients = model.get_weights(), model.gradients(batches[0])
    model.train(batches[:1], learning_rate=LEARNING_RATE)
    after, optimizer = model.get_weights(), TWO_PHASES.optimizer
    for name, gradient in gradients.items():
        # Adam's first step: m = (1 - β₁) g and v = (1 - β₂) g², so that its corrections cancel all but ε
        expected = -gradient / (np.abs(gradient) + optimizer.epsilon / np.sqrt(1 - optimizer.beta_2))
        observed = (after[name] - before[name]) / LEARNING_RATE
        check_close(observed, expected, tolerance=FIRST_STEP_TOLERANCE, what=f"{name}, first step")


def test_a_later_phase_goes_on_from_a_state_to_the_bit(second: Model) -> None:
    batches = faces(TWO_PHASES)
    second.train(batches[:2], learning_rate=LEARNING_RATE)
    state = second.get_state()
    first = second.train(batches[2:], learning_rate=LEARNING_RATE)
    expected = second.get_state()
    second.set_state(state)
    check_same_bits(second.get_state(), state, what="state that was set")
    again = second.train(batches[2:], learning_rate=LEARNING_RATE)
    check_same_bits({"losses": again.step_losses}, {"losses": first.step_losses}, what="second time")
    check_same_bits(second.get_state(), expected, what="state after the second time")


def test_slices_of_a_later_phase_equal_one_call_to_the_bit(second: Model) -> None:
    batches, start = faces(TWO_PHASES), second.get_state()
    second.train(batches, learning_rate=LEARNING_RATE)
    expected = second.get_state()
    second.set_state(start)
    for part in (slice(0, 1), slice(1, 4)):
        second.train(batches[part], learning_rate=LEARNING_RATE)
    check_same_bits(second.get_state(), expected, what="state after slices")


def test_an_unknown_block_is_refused(implementation: Implementation) -> None:
    variant = pretrained_variant("vgg16-fine-tune", blocks=2)
    with pytest.raises(ValueError, match="has no block 'block5' to train from; it has block1, block2"):
        build(implementation, variant)
