"""Each implementation alone against the Protocol, on narrow networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.architectures import (
    initial_weights,
    layers,
    weight_shapes,
)
from harness.data.batches import plain_batches
from harness.data.toyfaces import toyfaces
from harness.interface import (
    Batch,
    Implementation,
    ImplementationError,
    Model,
    Runtime,
)
from tests.support.checks import check_close, check_same_bits, check_shapes
from tests.support.models import (
    BATCH_SIZE,
    IMAGES,
    RUNTIMES,
    SCRATCH,
    SEED,
    build,
    faces,
    lively_weights,
    narrow_variant,
    shared_model,
)

LEARNING_RATE = 1e-3
LOSS_TOLERANCE = 5e-4
"""Relative. NumPy takes the logits of an uncompiled pass, whose rounding the norms of a deep network in training mode
enlarge. Seen: 3e-8 without norms, 1.3e-5 with. Another sum than Σwℓ/n would be off by per cents."""
STATISTICS_TOLERANCE = 2e-3
"""Of the largest statistic of a layer. Seen: 5e-5, the rounding of the uncompiled pass again. A variance that is
divided by n - 1 is off by 3e-2 in the last stage, where n = 32."""
STATISTICS_ROUNDING = 2e-5
"""What is kept is float32 of the order of 1 (6e-8), of which a hundredth is the batch's."""
INFERENCE_TOLERANCE = 1e-5
"""Of the largest logit: 1 part in 10⁵ for the rounding of some fifty layers. Seen: 5e-7."""


@pytest.fixture(params=SCRATCH)
def model(implementation: Implementation, request: pytest.FixtureRequest) -> Model:
    """A narrow network without dropout, as built."""
    return shared_model(implementation, narrow_variant(request.param))


@pytest.fixture
def plain_model(implementation: Implementation) -> Model:
    """The narrow network without batch norm or dropout, for what does not depend on the architecture."""
    return shared_model(implementation, narrow_variant("vgg16-scratch"))


@pytest.fixture
def dropout_model(implementation: Implementation) -> Model:
    """A narrow network with dropout."""
    return shared_model(implementation, narrow_variant("vgg16-scratch", dropout=0.5))


def weighted_cross_entropies(logits: NDArray[np.float32], batch: Batch) -> NDArray[np.float64]:
    """The loss of each example times its weight, shape (n,)."""
    scores = logits.astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)
    right = scores[np.arange(len(batch)), batch.labels]
    losses: NDArray[np.float64] = batch.weights * (np.log(np.exp(scores).sum(axis=1)) - right)
    return losses


def copies(arrays: Any) -> dict[str, NDArray[Any]]:
    return {name: array.copy() for name, array in arrays.items()}


# What is computed


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.rehearsed
def test_activations_are_the_layers(model: Model, training: bool) -> None:
    observed = model.activations(faces(model.variant)[0], training=training)
    expected = {layer.name: (BATCH_SIZE, *layer.output_shape) for layer in layers(model.variant)}
    check_shapes(observed, expected, what="activations")


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_activations_change_no_state(dropout_model: Model, training: bool) -> None:
    before = dropout_model.get_state()
    dropout_model.activations(faces(dropout_model.variant)[0], training=training)
    check_same_bits(dropout_model.get_state(), before, what="state after activations")


def test_activations_change_no_running_statistics(model: Model) -> None:
    before = model.get_state()
    model.activations(faces(model.variant)[0], training=True)
    check_same_bits(model.get_state(), before, what="state after activations")


def test_dropout_drops_in_training_alone(dropout_model: Model) -> None:
    batch = faces(dropout_model.variant)[0]
    resting = dropout_model.activations(batch, training=False)
    np.testing.assert_array_equal(resting["dropout1"], resting["dense1_relu"])
    training = dropout_model.activations(batch, training=True)
    kept = training["dropout1"] != 0
    assert np.array_equal(training["dropout1"][kept], 2 * training["dense1_relu"][kept]), "rate 0.5 doubles the rest"
    alive = training["dense1_relu"] != 0
    assert 0.3 < kept[alive].mean() < 0.7, "half of some hundred values"


def test_logits_are_the_last_activation(model: Model) -> None:
    model.set_weights(lively_weights(model.variant))
    batches = faces(model.variant)
    expected = np.concatenate([model.activations(batch, training=False)["logits"] for batch in batches])
    observed = model.logits(batches)
    assert observed.dtype == np.float32
    tolerance = INFERENCE_TOLERANCE * float(np.abs(expected).max())
    check_close(observed, expected, tolerance=tolerance, what="logits")


def test_logits_repeat_to_the_bit_and_change_nothing(model: Model) -> None:
    batches, before = faces(model.variant), model.get_state()
    first, second = model.logits(batches), model.logits(batches)
    check_same_bits({"logits": second}, {"logits": first}, what="second time")
    check_same_bits(model.get_state(), before, what="state after logits")


def test_logits_do_not_depend_on_neighbours(model: Model) -> None:
    model.set_weights(lively_weights(model.variant))
    first, second = faces(model.variant)[0], faces(model.variant)[1]
    mixed = Batch(
        images=np.concatenate([first.images[:1], second.images[1:]]),
        maps=np.concatenate([first.maps[:1], second.maps[1:]]),
        labels=second.labels,
        weights=second.weights,
    )
    among_others, expected = model.logits([mixed])[0], model.logits([first])[0]
    tolerance = INFERENCE_TOLERANCE * float(np.abs(expected).max())
    check_close(among_others, expected, tolerance=tolerance, what="logits among other neighbours")


def test_logits_of_a_last_smaller_batch(plain_model: Model) -> None:
    plain_model.set_weights(lively_weights(plain_model.variant))
    whole = faces(plain_model.variant)[:2]
    cut = replace(whole, rows=whole.rows[:13])
    observed, expected = plain_model.logits(cut), plain_model.logits(whole)[:13]
    check_close(observed, expected, tolerance=INFERENCE_TOLERANCE * float(np.abs(expected).max()), what="13 logits")


# Weights and state


def test_weights_are_those_it_was_built_with(model: Model) -> None:
    check_shapes(model.get_weights(), weight_shapes(model.variant), what="weights")
    check_same_bits(model.get_weights(), initial_weights(model.variant, SEED), what="weights")


def test_weights_go_round_to_the_bit(model: Model) -> None:
    weights = lively_weights(model.variant)
    model.set_weights(weights)
    check_same_bits(model.get_weights(), weights, what="weights that were set")


def test_weights_are_copied_both_ways(model: Model) -> None:
    weights = lively_weights(model.variant)
    model.set_weights(weights)
    expected = copies(weights)
    for array in weights.values():
        array.fill(7)
    found = model.get_weights()
    check_same_bits(found, expected, what="weights after the given ones changed")
    model.train(faces(model.variant)[:1], learning_rate=LEARNING_RATE)
    check_same_bits(found, expected, what="weights in hand after a step")


def test_a_missing_weight_is_named(model: Model) -> None:
    weights = dict(model.get_weights())
    del weights["logits.bias"]
    with pytest.raises(ValueError, match=r"1 weights do not fit the network: logits\.bias is missing, expected \(7,\)"):
        model.set_weights(weights)


def test_an_unknown_weight_is_named(model: Model) -> None:
    weights = dict(model.get_weights()) | {"logits.offset": np.zeros(7, np.float32)}
    with pytest.raises(ValueError, match=r"logits\.offset is unknown"):
        model.set_weights(weights)


def test_a_weight_of_another_shape_is_named(model: Model) -> None:
    weights = dict(model.get_weights()) | {"logits.bias": np.zeros((1, 7), np.float32)}
    with pytest.raises(ValueError, match=r"logits\.bias has shape \(1, 7\), expected \(7,\)"):
        model.set_weights(weights)


def test_refused_weights_change_nothing(model: Model) -> None:
    before = model.get_weights()
    with pytest.raises(ValueError, match="do not fit"):
        model.set_weights({name: array + 1 for name, array in before.items() if name != "logits.bias"})
    check_same_bits(model.get_weights(), before, what="weights after a refusal")


def test_training_goes_on_from_a_state_to_the_bit(dropout_model: Model) -> None:
    batches = faces(dropout_model.variant)
    dropout_model.train(batches[:2], learning_rate=LEARNING_RATE)
    state = dropout_model.get_state()
    kept = copies(state)
    first = dropout_model.train(batches[2:], learning_rate=LEARNING_RATE)
    expected = dropout_model.get_state()
    check_same_bits(state, kept, what="state in hand after training on")
    dropout_model.set_state(state)
    check_same_bits(dropout_model.get_state(), state, what="state that was set")
    second = dropout_model.train(batches[2:], learning_rate=LEARNING_RATE)
    check_same_bits({"losses": second.step_losses}, {"losses": first.step_losses}, what="second time")
    check_same_bits(dropout_model.get_state(), expected, what="state after the second time")


def test_training_goes_on_to_the_bit_with_norms(model: Model) -> None:
    batches = faces(model.variant)
    model.train(batches[:1], learning_rate=LEARNING_RATE)
    state = model.get_state()
    model.train(batches[1:3], learning_rate=LEARNING_RATE)
    expected = model.get_weights()
    model.set_state(state)
    model.train(batches[1:3], learning_rate=LEARNING_RATE)
    check_same_bits(model.get_weights(), expected, what="weights after the second time")


def test_dropout_moves_on_from_step_to_step(dropout_model: Model) -> None:
    batch = faces(dropout_model.variant)[0]
    losses = dropout_model.train([batch] * 4, learning_rate=0.0).step_losses
    assert len(set(losses)) == 4, f"the same weights and batch gave {losses}: the masks were the same"


def test_the_seed_drives_dropout(implementation: Implementation, dropout_model: Model) -> None:
    batch, variant = faces(dropout_model.variant)[0], dropout_model.variant
    weights = initial_weights(variant, SEED)
    losses = [
        implementation.build(variant, weights=weights, seed=seed, runtime=RUNTIMES[implementation.name])
        .activations(batch, training=True)["logits"]
        .tobytes()
        for seed in (SEED, SEED, SEED + 1)
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


# Training


def test_totals_are_those_of_the_logits(model: Model) -> None:
    batches = faces(model.variant)
    losses, correct = [], 0
    start = model.get_state()
    for batch in batches:
        logits = model.activations(batch, training=True)["logits"]
        # Keras' sum_over_batch_size: weighted losses over the number of examples, not over the sum of weights
        losses.append(weighted_cross_entropies(logits, batch).sum() / len(batch))
        correct += int((logits.argmax(axis=1) == batch.labels).sum())
        model.train([batch], learning_rate=LEARNING_RATE)
    model.set_state(start)
    totals = model.train(batches, learning_rate=LEARNING_RATE)
    assert totals.examples == IMAGES
    assert totals.step_losses.dtype == np.float64
    check_close(totals.step_losses, losses, tolerance=LOSS_TOLERANCE * np.array(losses), what="step losses")
    check_close(totals.loss_sum, BATCH_SIZE * np.sum(losses), tolerance=LOSS_TOLERANCE * IMAGES, what="loss sum")
    assert totals.correct == correct


def test_slices_equal_one_call_to_the_bit(model: Model) -> None:
    batches, start = faces(model.variant), model.get_state()
    whole = model.train(batches, learning_rate=LEARNING_RATE)
    expected = model.get_state()
    model.set_state(start)
    slices = [model.train(batches[part], learning_rate=LEARNING_RATE) for part in (slice(0, 1), slice(1, 4))]
    step_losses = np.concatenate([totals.step_losses for totals in slices])
    check_same_bits({"losses": step_losses}, {"losses": whole.step_losses}, what="slices")
    check_same_bits(model.get_state(), expected, what="state after slices")
    assert sum(totals.correct for totals in slices) == whole.correct
    assert sum(totals.examples for totals in slices) == whole.examples


def test_a_last_smaller_batch_trains(plain_model: Model) -> None:
    batches = faces(plain_model.variant, images=13)
    assert [len(batch) for batch in batches] == [8, 5]
    plain_model.train(batches[:1], learning_rate=LEARNING_RATE)
    before, logits = plain_model.get_weights(), plain_model.activations(batches[1], training=True)["logits"]
    totals = plain_model.train(batches[1:], learning_rate=LEARNING_RATE)
    expected = weighted_cross_entropies(logits, batches[1]).sum() / 5
    assert totals.examples == 5
    check_close(totals.step_losses, [expected], tolerance=LOSS_TOLERANCE * expected, what="loss of five")
    check_close(totals.loss_sum, 5 * expected, tolerance=5 * LOSS_TOLERANCE * expected, what="loss sum of five")
    moved = {name for name, array in plain_model.get_weights().items() if not np.array_equal(array, before[name])}
    assert moved == set(before), "every weight moves"


def test_an_example_of_weight_zero_teaches_nothing(plain_model: Model) -> None:
    batch, other = faces(plain_model.variant)[0], faces(plain_model.variant)[1]
    weights = np.array([0.0, *batch.weights[1:]], np.float32)
    start = plain_model.get_state()
    results = []
    for image, label in ((batch.images[0], batch.labels[0]), (other.images[0], (batch.labels[0] + 1) % 7)):
        plain_model.set_state(start)
        images, labels = batch.images.copy(), batch.labels.copy()
        images[0], labels[0] = image, label
        plain_model.train([Batch(images, batch.maps, labels, weights)], learning_rate=LEARNING_RATE)
        results.append(plain_model.get_weights())
    check_same_bits(results[1], results[0], what="weights after another picture of weight zero")


def test_weights_are_not_divided_by_their_sum(plain_model: Model) -> None:
    first, second = faces(plain_model.variant)[:2]
    tripled = Batch(second.images, second.maps, second.labels, 3 * second.weights)
    start = plain_model.get_state()
    plain = plain_model.train([first, second], learning_rate=LEARNING_RATE).step_losses
    expected = plain_model.get_weights()
    plain_model.set_state(start)
    scaled = plain_model.train([first, tripled], learning_rate=LEARNING_RATE).step_losses
    check_close(scaled, plain * [1, 3], tolerance=LOSS_TOLERANCE * scaled, what="losses with weights tripled")
    observed = plain_model.get_weights()["block1_conv1.kernel"]
    # Adam is blind to the scale of all gradients, not to that of one step against another
    moved = np.abs(observed - expected["block1_conv1.kernel"]).max()
    assert moved > 0.05 * LEARNING_RATE, "tripled weights trained the same network"


def test_learning_rate_is_obeyed(plain_model: Model) -> None:
    batch, before = faces(plain_model.variant)[:1], plain_model.get_weights()
    plain_model.train(batch, learning_rate=0.0)
    check_same_bits(plain_model.get_weights(), before, what="weights after a step of learning rate 0")
    plain_model.train(batch, learning_rate=LEARNING_RATE)
    after = plain_model.get_weights()
    largest = max(float(np.abs(after[name] - before[name]).max()) for name in before)
    # Two equal gradients, bias-corrected: Adam's step is the learning rate itself where ε does not matter
    check_close(largest, LEARNING_RATE, tolerance=1e-3 * LEARNING_RATE, what="largest step")


def test_norms_keep_the_statistics_of_the_batch(implementation: Implementation) -> None:
    model = shared_model(implementation, narrow_variant("resnet50-scratch"))
    batch, momentum = faces(model.variant)[0], model.variant.batch_norm_momentum
    weights = lively_weights(model.variant)
    model.set_weights(weights)
    inputs = model.activations(batch, training=True)
    model.train([batch], learning_rate=LEARNING_RATE)
    observed = model.get_weights()
    norms = [layer.name for layer in layers(model.variant) if layer.kind == "batch-norm"]
    assert len(norms) == 53
    for name in norms:
        values = inputs[name.replace("_bn", "_conv")].astype(np.float64)
        for statistic, found in (("mean", values.mean((0, 1, 2))), ("variance", values.var((0, 1, 2)))):
            key = f"{name}.moving_{statistic}"
            kept = (observed[key] - momentum * weights[key].astype(np.float64)) / (1 - momentum)
            tolerance = STATISTICS_TOLERANCE * np.abs(found).max() + STATISTICS_ROUNDING
            check_close(kept, found, tolerance=tolerance, what=f"{key}, the batch's share")


@pytest.mark.parametrize(("name", "epochs"), [("vgg16-scratch", 30), ("resnet50-scratch", 10)])
def test_the_loss_falls(implementation: Implementation, name: str, epochs: int) -> None:
    model = shared_model(implementation, narrow_variant(name))
    batches = plain_batches(toyfaces(IMAGES, 7, 7), np.arange(IMAGES), BATCH_SIZE)
    losses = [model.train(batches, learning_rate=LEARNING_RATE).loss_sum / IMAGES for _ in range(epochs)]
    # a narrow VGG needs fifteen epochs to leave the plateau of guessing; both then fall below half
    assert losses[-1] < 0.8 * losses[0], f"mean losses of {epochs} epochs of {IMAGES} pictures: {losses}"


def test_a_loss_that_is_not_a_number_shows(plain_model: Model) -> None:
    weights = dict(plain_model.get_weights())
    weights["logits.bias"] = np.full(7, np.nan, np.float32)
    plain_model.set_weights(weights)
    totals = plain_model.train(faces(plain_model.variant)[:2], learning_rate=LEARNING_RATE)
    assert np.isnan(totals.step_losses).all()
    assert np.isnan(totals.loss_sum)


# What is refused, and what an implementation says of itself


def test_a_gpu_that_is_not_seen_is_an_error(implementation: Implementation) -> None:
    if implementation.gpu_name() is not None:
        pytest.skip(f"{implementation.name} sees {implementation.gpu_name()}")
    variant = narrow_variant("vgg16-scratch")
    with pytest.raises(ImplementationError, match="sees no GPU"):
        implementation.build(variant, weights=initial_weights(variant, SEED), seed=SEED, runtime=Runtime("gpu"))


def test_it_names_itself_and_its_versions(implementation: Implementation, request: pytest.FixtureRequest) -> None:
    assert implementation.name in request.node.name
    versions = implementation.versions()
    assert versions
    assert all(isinstance(name, str) and isinstance(version, str) for name, version in versions.items())


def test_weights_that_do_not_fit_are_refused_at_once(implementation: Implementation) -> None:
    variant = narrow_variant("vgg16-scratch")
    weights = initial_weights(narrow_variant("resnet50-scratch"), SEED)
    with pytest.raises(ValueError, match="do not fit the network"):
        implementation.build(variant, weights=weights, seed=SEED, runtime=RUNTIMES[implementation.name])


def test_models_do_not_share_weights(implementation: Implementation, plain_model: Model) -> None:
    other = build(implementation, plain_model.variant)
    other.set_weights(lively_weights(other.variant))
    plain_model.wait()
    check_same_bits(plain_model.get_weights(), initial_weights(other.variant, SEED), what="weights of the other model")


def test_a_new_phase_starts_a_new_optimizer(dropout_model: Model) -> None:
    # last of all: after it Keras would compile the shared model's step again
    before = dropout_model.get_state()
    weights = dropout_model.get_weights()
    dropout_model.train(faces(dropout_model.variant)[:1], learning_rate=LEARNING_RATE)
    dropout_model.set_weights(weights)
    trained = dropout_model.get_state()
    dropout_model.start_phase(dropout_model.variant.phases[0])
    observed = dropout_model.get_state()
    assert observed.keys() == before.keys()
    moved_on = {name for name in before if not np.array_equal(observed[name], before[name])}
    assert len(moved_on) == 1, f"all but the stream of dropout starts anew, not so {sorted(moved_on)}"
    (stream,) = moved_on
    check_same_bits({stream: observed[stream]}, {stream: trained[stream]}, what="stream of dropout")


def test_the_loss_sum_counts_examples_and_not_steps(plain_model: Model) -> None:
    totals = plain_model.train(faces(plain_model.variant, images=13), learning_rate=LEARNING_RATE)
    expected = totals.step_losses @ [8, 5]
    check_close(totals.loss_sum, expected, tolerance=1e-6 * expected, what="loss sum of eight and five")


def test_each_example_has_its_own_mask(dropout_model: Model) -> None:
    batch = faces(dropout_model.variant)[0]
    first = np.zeros(BATCH_SIZE, np.intp)
    alike = replace(batch, images=batch.images[first], maps=batch.maps[first])
    dropped = dropout_model.activations(alike, training=True)["dropout1"]
    assert len(np.unique(dropped, axis=0)) == BATCH_SIZE, "one picture eight times, under fewer masks"


def test_dropout_goes_on_after_an_evaluation(dropout_model: Model) -> None:
    batch = faces(dropout_model.variant)[0]
    dropout_model.logits([batch])
    losses = dropout_model.train([batch] * 4, learning_rate=0.0).step_losses
    assert len(set(losses)) == 4, f"the same weights and batch gave {losses}: nothing was dropped"
