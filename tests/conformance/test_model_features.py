"""Kept features of each implementation alone: what they are, and that a head trains on them as on pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from harness.architectures import feature_shape, layers
from harness.interface import (
    Batch,
    Features,
    Implementation,
    Model,
)
from harness.variant import Phase, Variant
from tests.support.checks import (
    check_all_close_to_scale,
    check_close,
    check_close_to_scale,
    check_same_bits,
    check_shapes,
)
from tests.support.models import (
    build,
    faces,
    lively_weights,
    pretrained_variant,
    shared_model,
)

pytestmark = pytest.mark.rehearsed

LEARNING_RATE = 1e-3
INFERENCE_TOLERANCE = 1e-5
"""Of the largest value: as in `test_model.py`, the rounding of some layers that are compiled otherwise. Seen: 6e-7."""
LOSS_TOLERANCE = 1e-4
"""Relative. The same numbers are summed by another program. Seen: no difference. Another mask is off by tenths."""
STEP_TOLERANCE = 0.05
"""Of the learning rate, after four steps: where a gradient is near Adam's ε, its rounding would show. Seen: no
difference. A step with another mask is off by the learning rate itself."""
MEAN_TOLERANCE = 1e-6
"""Of statistics of the order of 1, in float32."""

TRANSFER = pretrained_variant("vgg16-transfer@frozen", blocks=2)
"""Flatten and dropout come first in this head: the order of the features shows, and so do the masks."""
RESNET = pretrained_variant("resnet50-fine-tune", blocks=1, phases=(Phase(10, "head"), Phase(20, "conv2_block2")))
FINE_TUNE = pretrained_variant("vgg16-fine-tune", blocks=2, phases=(Phase(100, "head"),))


@pytest.fixture
def model(implementation: Implementation) -> Model:
    """A model whose base is frozen, with lively weights."""
    model = shared_model(implementation, TRANSFER)
    model.set_weights(lively_weights(TRANSFER))
    return model


def with_features(batches: Iterable[Batch], features: Features) -> list[Batch]:
    """Batches that bring their share of features, and pictures that nobody is to look at."""
    found, start = [], 0
    for batch in batches:
        part = features[start : start + len(batch)]
        found.append(replace(batch, images=np.zeros_like(batch.images), features=part))
        start += len(batch)
    return found


# What they are


@pytest.mark.parametrize("variant", [TRANSFER, RESNET], ids=lambda each: each.architecture)
def test_features_are_the_bases_last_activation_in_inference(implementation: Implementation, variant: Variant) -> None:
    model, batches = shared_model(implementation, variant), faces(variant)
    model.set_weights(lively_weights(variant))
    before, observed = model.get_state(), model.features(batches)
    last = next(layer.name for layer in reversed(layers(variant)) if layer.part == "base")
    expected = np.concatenate([model.activations(batch, training=False)[last] for batch in batches])
    check_shapes({"features": observed}, {"features": (len(expected), *feature_shape(variant))}, what="features")
    check_close_to_scale(observed, expected, tolerance=INFERENCE_TOLERANCE, what="features")
    check_same_bits({"features": model.features(batches)}, {"features": observed}, what="second time")
    check_same_bits(model.get_state(), before, what="state after features")


def test_features_do_not_depend_on_the_head(model: Model) -> None:
    batches, expected = faces(TRANSFER)[:1], model.features(faces(TRANSFER)[:1])
    head = {layer.name for layer in layers(TRANSFER) if layer.part == "head"}
    weights = {
        name: 2 * array if name.partition(".")[0] in head else array for name, array in model.get_weights().items()
    }
    model.set_weights(weights)
    check_same_bits({"features": model.features(batches)}, {"features": expected}, what="features of another head")


def test_features_of_a_last_smaller_batch(model: Model) -> None:
    whole = faces(TRANSFER)[:2]
    cut = replace(whole, rows=whole.rows[:13])
    expected = model.features(whole)[:13]
    check_close_to_scale(model.features(cut), expected, tolerance=INFERENCE_TOLERANCE, what="13 features")


# What a head makes of them


def test_a_head_evaluates_features_as_it_does_pictures(model: Model) -> None:
    batches = faces(TRANSFER)
    expected, before = model.logits(batches), model.get_state()
    observed = model.logits(with_features(batches, model.features(batches)))
    check_close_to_scale(observed, expected, tolerance=INFERENCE_TOLERANCE, what="logits of features")
    check_same_bits(model.get_state(), before, what="state after logits of features")


def test_a_head_trains_on_features_as_it_does_on_pictures(model: Model) -> None:
    batches, start = faces(TRANSFER), model.get_state()
    kept = with_features(batches, model.features(batches))
    expected = model.train(batches, learning_rate=LEARNING_RATE)
    weights = model.get_weights()
    for count in (0, 2):  # from the first step on, and after two with pictures
        model.set_state(start)
        losses = [
            model.train(part, learning_rate=LEARNING_RATE).step_losses
            for part in (batches[:count], kept[count:])
            if part
        ]
        tolerance = LOSS_TOLERANCE * expected.step_losses
        check_close(np.concatenate(losses), expected.step_losses, tolerance=tolerance, what="losses with dropout")
        observed = model.get_weights()
        for name, array in weights.items():
            check_close(observed[name], array, tolerance=STEP_TOLERANCE * LEARNING_RATE, what=name)


def test_features_train_in_slices_and_from_a_state_to_the_bit(model: Model) -> None:
    batches = with_features(faces(TRANSFER), model.features(faces(TRANSFER)))
    start = model.get_state()
    model.train(batches, learning_rate=LEARNING_RATE)
    expected = model.get_state()
    model.set_state(start)
    model.train(batches[:1], learning_rate=LEARNING_RATE)
    state = model.get_state()
    model.train(batches[1:3], learning_rate=LEARNING_RATE)
    model.set_state(state)
    model.train(batches[1:], learning_rate=LEARNING_RATE)
    check_same_bits(model.get_state(), expected, what="state after slices")


def test_pictures_beside_features_are_still_to_be_had(model: Model) -> None:
    batch = faces(TRANSFER)[0]
    kept = replace(batch, features=model.features([batch]))
    check_same_bits({"features": model.features([kept])}, {"features": kept.features}, what="features")
    np.testing.assert_array_equal(model.pixels(kept), model.pixels(batch))
    outputs = model.activations(batch, training=False)
    check_same_bits(model.activations(kept, training=False), outputs, what="activations")
    check_all_close_to_scale(model.gradients(kept), model.gradients(batch), tolerance=LOSS_TOLERANCE, what="gradients")


def test_a_last_batch_of_one_trains_through_the_heads_norm(implementation: Implementation) -> None:
    model, batch = shared_model(implementation, FINE_TUNE), faces(FINE_TUNE, images=1)[0]
    features = np.random.default_rng(0).uniform(0, 1, (1, *feature_shape(FINE_TUNE))).astype(np.float32)
    before = lively_weights(FINE_TUNE)
    model.set_weights(before)
    totals = model.train([replace(batch, features=features)], learning_rate=LEARNING_RATE)
    observed = model.get_weights()
    assert np.isfinite(totals.step_losses).all()
    for statistic, found in (("mean", features.reshape(-1)), ("variance", 0)):  # what is alone varies by 0
        name = f"batch_norm1.moving_{statistic}"
        expected = FINE_TUNE.batch_norm_momentum * before[name] + (1 - FINE_TUNE.batch_norm_momentum) * found
        check_close(observed[name], expected, tolerance=MEAN_TOLERANCE, what=name)
    assert np.array_equal(observed["batch_norm1.gamma"], before["batch_norm1.gamma"]), "it scales zeros"
    assert not np.array_equal(observed["batch_norm1.beta"], before["batch_norm1.beta"])


# What is refused


@pytest.mark.parametrize("method", ["train", "logits"])
@pytest.mark.parametrize("trainable", ["block2", "all"])
def test_features_are_refused_while_the_base_is_trained(
    implementation: Implementation, trainable: str, method: str
) -> None:
    variant = pretrained_variant("vgg16-fine-tune", blocks=2, phases=(Phase(100, trainable),))
    model = build(implementation, variant)
    before = model.get_state()
    batches = with_features(faces(variant), np.zeros((32, *feature_shape(variant)), np.float32))
    options = {"learning_rate": LEARNING_RATE} if method == "train" else {}
    with pytest.raises(ValueError, match=f"vgg16-fine-tune trains '{trainable}' now: kept features serve while"):
        getattr(model, method)(batches, **options)
    check_same_bits(model.get_state(), before, what="state after a refusal")


@pytest.mark.parametrize("method", ["train", "logits"])
@pytest.mark.parametrize("shape", [(8, 16, 8, 8), (8, 4, 4, 16), (8, 1024)])
def test_features_of_another_shape_are_refused(model: Model, shape: tuple[int, ...], method: str) -> None:
    before = model.get_state()
    options = {"learning_rate": LEARNING_RATE} if method == "train" else {}
    with pytest.raises(ValueError, match=r"features of shape .*, expected \(n, 8, 8, 16\)"):
        getattr(model, method)(with_features(faces(TRANSFER)[:1], np.zeros(shape, np.float32)), **options)
    check_same_bits(model.get_state(), before, what="state after a refusal")
