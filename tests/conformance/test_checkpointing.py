"""Activation checkpointing keeps the mathematics: the same steps with and without it, and less that is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.architectures import initial_weights, trainable_layers
from harness.interface import Implementation, Model
from harness.measuring.memory import predict_memory
from harness.plugin.base import require_implementation
from harness.registry import load_implementation
from harness.variant import Phase, Variant
from tests.support.checks import (
    check_all_close_to_scale,
    check_close,
    check_close_to_scale,
    check_same_bits,
)
from tests.support.models import (
    RUNTIMES,
    SEED,
    faces,
    narrow_variant,
    pretrained_variant,
)
from tests.support.papers import PAPER

pytestmark = pytest.mark.rehearsed

STEPS = 3
LEARNING_RATE = 1e-3
ROUNDINGS = 32 * 2.0**-23
"""Of the largest value, where XLA compiles: it fuses what is computed again otherwise, and sums in another order. Seen
of ResNet50: 1.7e-6 in a gradient (14 of the 32), and 0 where nothing but VGG16 or the upper blocks train."""

OF_THE_HEAD = 0.02
"""Of all that is kept: in the head, which is computed once, JAX keeps other things than PyTorch. Seen: 1.4 %."""
MEANS = 1e-5
"""Of the largest, for a mean of some thousand float32 values."""

CASES = (
    narrow_variant("vgg16-scratch", dropout=0.5),
    narrow_variant("resnet50-scratch", dropout=0.5),
    pretrained_variant("vgg16-fine-tune"),
    pretrained_variant("resnet50-fine-tune", phases=(Phase(30, "conv4_block2"),)),
    pretrained_variant("vgg16-transfer", phases=(Phase(100, "head"),)),
)
every_case = pytest.mark.parametrize("variant", CASES, ids=lambda each: f"{each.name}-{each.phases[0].trainable}")


@pytest.fixture
def quick(implementation: Implementation, variant: Variant, request: pytest.FixtureRequest) -> None:
    """Leaves to --ferbench-slow what Keras takes seconds to compile; a smaller step of its own stands below."""
    if implementation.name == "keras3" and not request.config.getoption("ferbench_slow"):
        pytest.skip("compiles other networks; runs with --ferbench-slow")


@pytest.fixture(scope="module")
def pytorch(request: pytest.FixtureRequest) -> Implementation:
    require_implementation(request.config, "pytorch")
    return load_implementation("pytorch")


def build(implementation: Implementation, variant: Variant, *, checkpointing: bool) -> Model:
    runtime = replace(RUNTIMES[implementation.name], checkpointing=checkpointing)
    return implementation.build(variant, weights=initial_weights(variant, SEED), seed=SEED, runtime=runtime)


@every_case
def test_steps_are_the_same(implementation: Implementation, variant: Variant, quick: None) -> None:
    """Gradients before them; losses, weights and running statistics of several; answers after them.

    To the bit, or to few roundings on JAX. There weights stay where they are meanwhile: Adam moves one whose gradient
    is rounding alone as far as any other, and gradients are held to each other as they are.
    """
    is_exact = implementation.versions().get("backend") != "jax"
    batches, rate = faces(variant)[:STEPS], LEARNING_RATE if is_exact else 0.0
    found: list[tuple[Any, Any, Any]] = []
    for checkpointing in (True, False):
        model = build(implementation, variant, checkpointing=checkpointing)
        gradients = model.gradients(batches[0])
        losses = model.train(batches, learning_rate=rate).step_losses
        found.append((gradients, {"losses": losses, "logits": model.logits(batches[:1])}, model.get_weights()))
    (gradients, results, weights), (expected_gradients, expected_results, expected_weights) = found
    first = initial_weights(variant, SEED)
    moved = {name for name, weight in expected_weights.items() if not np.array_equal(weight, first[name])}
    trained = {name for name in first if name.rpartition(".")[0] in trainable_layers(variant, variant.phases[0])}
    assert moved == (trained if is_exact else {name for name in trained if ".moving_" in name})
    if is_exact:
        check_same_bits(gradients, expected_gradients, what="gradients")
        check_same_bits(results, expected_results, what="results")
        check_same_bits(weights, expected_weights, what="weights")
        return
    # of a bias before a norm a gradient is rounding alone: all are held to one scale
    largest = max(float(np.abs(each).max()) for each in expected_gradients.values())
    for name, expected in expected_gradients.items():
        check_close(gradients[name], expected, tolerance=ROUNDINGS * largest, what=f"gradient of {name}")
    check_all_close_to_scale(results, expected_results, tolerance=ROUNDINGS, what="results")
    check_all_close_to_scale(weights, expected_weights, tolerance=ROUNDINGS, what="weights")


def test_a_step_of_one_block_is_the_same(implementation: Implementation) -> None:
    """With a norm in the head; what takes longer to compile is left to the test above."""
    variant = pretrained_variant("vgg16-fine-tune", blocks=1, phases=(Phase(100, "all"),))
    frugal, plain = (build(implementation, variant, checkpointing=each) for each in (True, False))
    losses = [model.train(faces(variant)[:1], learning_rate=LEARNING_RATE).step_losses for model in (frugal, plain)]
    check_close_to_scale(*losses, tolerance=ROUNDINGS, what="loss")
    check_all_close_to_scale(frugal.get_weights(), plain.get_weights(), tolerance=ROUNDINGS, what="weights")


@every_case
def test_names_are_the_same(implementation: Implementation, variant: Variant, quick: None) -> None:
    plain, frugal = (build(implementation, variant, checkpointing=each) for each in (False, True))
    assert frugal.get_state().keys() == plain.get_state().keys()
    assert list(frugal.get_weights()) == list(plain.get_weights())
    batch = faces(variant)[0]
    for training in (False, True):
        expected = plain.activations(batch, training=training)
        check_same_bits(frugal.activations(batch, training=training), expected, what="activations")


# What is kept


def test_a_second_computation_leaves_running_statistics_alone(pytorch: Implementation) -> None:
    """Seen at once: after one step each statistic has moved by one batch's share."""
    variant = CASES[1]
    model = build(pytorch, variant, checkpointing=True)
    batch = faces(variant)[0]
    taken = model.activations(batch, training=True)
    model.train([batch], learning_rate=0.0)
    weights = model.get_weights()
    for name in ("conv1", "conv3_block1_2"):
        share = (1 - variant.batch_norm_momentum) * taken[f"{name}_conv"].astype(np.float64).mean((0, 1, 2))
        check_close_to_scale(weights[f"{name}_bn.moving_mean"], share, tolerance=MEANS, what=name)


def test_jax_keeps_the_inputs_of_blocks(implementation: Implementation) -> None:
    """What goes from the forward pass to the backward pass, in shapes alone, at full width: vgg16-transfer.

    Without checkpointing it keeps more than PyTorch, before XLA fuses anything.
    """
    if implementation.versions().get("backend") != "jax":
        pytest.skip("JAX's alone")
    variant = replace(PAPER.find_variant("vgg16-transfer"), batch_size=2)
    phase = variant.phases[0]
    plain, frugal = (kept_by_jax(build(implementation, variant, checkpointing=each)) for each in (False, True))
    assert predict_memory(variant, phase).kept <= plain
    predicted = predict_memory(variant, phase, checkpointing=True).kept
    check_close_to_scale(frugal, predicted, tolerance=OF_THE_HEAD, what="bytes kept")


def kept_by_jax(model: Any) -> int:
    """Bytes of activations that the derivative of a network's logits holds on to, its weights left aside."""
    import jax

    network, batch = model._trained, faces(model.variant)[0]
    values = [
        [each.value for each in group] for group in (network.trainable_variables, network.non_trainable_variables)
    ]

    def residuals(trainable: Any, rest: Any) -> Any:
        def logits(trainable: Any) -> Any:
            return network.stateless_call(trainable, rest, model._inputs(batch), training=True)[0]

        return jax.vjp(logits, trainable)[1]

    weights = {each.shape for group in values for each in group}
    kept = jax.tree.leaves(jax.eval_shape(residuals, *values))
    return sum(each.size * each.dtype.itemsize for each in kept if each.shape not in weights)
