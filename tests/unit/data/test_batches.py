"""Batches: each row once an epoch, in an order of seed and epoch alone, with its own map and weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.augment import draw_maps, identity_maps
from harness.data.batches import (
    Batches,
    plain_batches,
    training_batches,
    training_order,
)
from harness.data.dataset import Dataset
from harness.interface import CLASSES, Batch
from tests.support.papers import PAPER
from tests.support.strategies import EPOCHS, SEEDS, datasets

VARIANT = PAPER.find_variant("vgg16-scratch")
CLASS_WEIGHTS = np.linspace(0.25, 2.5, len(CLASSES))
SIZES = st.integers(1, 12)


def rows_of(batches: Batches) -> list[int]:
    """The rows that the pictures name themselves (see `strategies.datasets`)."""
    return [int(high) * 256 + int(low) for batch in batches for high, low in batch.images[:, 0, :2]]


def epoch_of(dataset: Dataset, *, seed: int = 0, epoch: int = 0, batch_size: int = 4) -> Batches:
    return training_batches(
        dataset,
        np.arange(len(dataset)),
        replace(VARIANT, batch_size=batch_size),
        class_weights=CLASS_WEIGHTS,
        seed=seed,
        epoch=epoch,
    )


def assert_equal_batches(observed: Batch, expected: Batch) -> None:
    for name in ("images", "maps", "labels", "weights"):
        np.testing.assert_array_equal(getattr(observed, name), getattr(expected, name), err_msg=name, strict=True)


# The order


@given(datasets(), SEEDS, EPOCHS, SIZES)
def test_each_row_comes_once_an_epoch(dataset: Dataset, seed: int, epoch: int, batch_size: int) -> None:
    batches = epoch_of(dataset, seed=seed, epoch=epoch, batch_size=batch_size)
    assert sorted(rows_of(batches)) == list(range(len(dataset)))


@given(datasets(), SEEDS, SIZES)
def test_only_the_rows_that_are_given_come(dataset: Dataset, seed: int, batch_size: int) -> None:
    chosen = np.flatnonzero(np.arange(len(dataset)) % 3 == 0)
    variant = replace(VARIANT, batch_size=batch_size)
    batches = training_batches(dataset, chosen, variant, class_weights=CLASS_WEIGHTS, seed=seed, epoch=0)
    assert sorted(rows_of(batches)) == list(chosen)


@given(SEEDS, EPOCHS)
def test_seed_and_epoch_alone_decide_the_order(seed: int, epoch: int) -> None:
    rows = np.arange(100, 200)
    order = training_order(rows, seed=seed, epoch=epoch)
    assert np.array_equal(order, training_order(rows, seed=seed, epoch=epoch))
    for other in ({"seed": seed + 1, "epoch": epoch}, {"seed": seed, "epoch": epoch + 1}):
        assert not np.array_equal(order, training_order(rows, **other)), "one in 100! by chance"


def test_the_given_rows_stay_as_they_were() -> None:
    rows = np.arange(50)
    training_order(rows, seed=0, epoch=0)
    assert np.array_equal(rows, np.arange(50))


@given(datasets(), SIZES)
def test_plain_batches_keep_the_order(dataset: Dataset, batch_size: int) -> None:
    backwards = np.arange(len(dataset))[::-1]
    batches = plain_batches(dataset, backwards, batch_size)
    assert rows_of(batches) == list(backwards)
    for batch in batches:
        assert np.array_equal(batch.maps, identity_maps(len(batch)))
        assert np.array_equal(batch.weights, np.ones(len(batch)))


# What is in a batch


@given(datasets(), SEEDS, SIZES)
def test_a_row_brings_its_own_features(dataset: Dataset, seed: int, batch_size: int) -> None:
    features = np.arange(len(dataset) * 6, dtype=np.float32).reshape(len(dataset), 1, 2, 3)
    plain = epoch_of(dataset, seed=seed, batch_size=batch_size)
    batches = replace(plain, features=features)
    assert all(batch.features is None for batch in plain)
    found = [batch.features for batch in batches[: len(batches)]]
    np.testing.assert_array_equal(np.concatenate(found), features[rows_of(batches)], strict=True)
    for one, other in zip(batches, plain, strict=True):
        assert_equal_batches(one, other)


def test_mapped_features_are_read_row_by_row(tmp_path: Path) -> None:
    dataset = Dataset(
        np.zeros((9, 48, 48), np.uint8), np.zeros(9, np.uint8), np.zeros(9, np.uint8), "toyfaces", "toyfaces", ""
    )
    mapped = np.memmap(tmp_path / "features", np.float32, mode="w+", shape=(9, 1, 1, 2))
    batch = replace(plain_batches(dataset, np.arange(9), 4), features=mapped)[1]
    assert type(batch.features) is np.ndarray, "a copy, which frameworks may keep"
    assert not np.shares_memory(batch.features, mapped)


@given(datasets(), SEEDS, EPOCHS, SIZES)
def test_a_row_brings_its_own_picture_label_map_and_weight(
    dataset: Dataset, seed: int, epoch: int, batch_size: int
) -> None:
    assert VARIANT.augmentation is not None
    maps = draw_maps(VARIANT.augmentation, seed=seed, epoch=epoch, count=len(dataset))
    order = training_order(np.arange(len(dataset)), seed=seed, epoch=epoch)
    for index, batch in enumerate(epoch_of(dataset, seed=seed, epoch=epoch, batch_size=batch_size)):
        rows = order[index * batch_size :][:batch_size]
        expected = Batch(
            images=dataset.images[rows],
            maps=maps[rows],
            labels=dataset.labels[rows].astype(np.int32),
            weights=CLASS_WEIGHTS[dataset.labels[rows]].astype(np.float32),
        )
        assert_equal_batches(batch, expected)


@given(datasets(), SEEDS, SIZES, SIZES)
def test_a_row_does_not_depend_on_its_neighbours(dataset: Dataset, seed: int, first: int, second: int) -> None:
    one, other = epoch_of(dataset, seed=seed, batch_size=first), epoch_of(dataset, seed=seed, batch_size=second)
    for name in ("images", "maps", "labels", "weights"):
        ones, others = (np.concatenate([getattr(batch, name) for batch in each]) for each in (one, other))
        assert np.array_equal(ones, others), name


def test_without_augmentation_maps_are_the_identity() -> None:
    dataset = Dataset(
        np.zeros((3, 48, 48), np.uint8), np.zeros(3, np.uint8), np.zeros(3, np.uint8), "toyfaces", "toyfaces", ""
    )
    variant = replace(VARIANT, augmentation=None)
    (batch,) = training_batches(dataset, np.arange(3), variant, class_weights=CLASS_WEIGHTS, seed=0, epoch=0)
    assert np.array_equal(batch.maps, identity_maps(3))


@given(datasets(), SEEDS)
def test_the_data_set_is_read_and_never_written(dataset: Dataset, seed: int) -> None:
    before = dataset.images.copy(), dataset.labels.copy()
    for array in (dataset.images, dataset.labels):
        array.flags.writeable = False
    for batch in epoch_of(dataset, seed=seed):
        for array in (batch.images, batch.maps, batch.labels, batch.weights):
            array.fill(0)
    assert np.array_equal(dataset.images, before[0])
    assert np.array_equal(dataset.labels, before[1])


# Batches as a sequence


@given(datasets(), SIZES)
def test_the_last_smaller_batch_is_kept(dataset: Dataset, batch_size: int) -> None:
    sizes = [len(batch) for batch in epoch_of(dataset, batch_size=batch_size)]
    whole, rest = divmod(len(dataset), batch_size)
    assert sizes == [batch_size] * whole + [rest] * (rest > 0)


@given(datasets(), SIZES, st.data())
def test_a_slice_holds_the_items(dataset: Dataset, batch_size: int, data: st.DataObject) -> None:
    batches = epoch_of(dataset, batch_size=batch_size)
    part = data.draw(st.slices(len(batches)).filter(lambda each: each.step in (None, 1)))
    expected = [batches[index] for index in range(*part.indices(len(batches)))]
    observed = batches[part]
    assert len(observed) == len(expected)
    for one, other in zip(observed, expected, strict=True):
        assert_equal_batches(one, other)


@given(datasets(), SIZES)
def test_negative_numbers_count_from_the_end(dataset: Dataset, batch_size: int) -> None:
    batches = epoch_of(dataset, batch_size=batch_size)
    for index in range(len(batches)):
        assert_equal_batches(batches[index - len(batches)], batches[index])


@given(datasets(), SIZES, st.integers(0, 5))
def test_beyond_the_ends_is_an_error(dataset: Dataset, batch_size: int, beyond: int) -> None:
    batches = epoch_of(dataset, batch_size=batch_size)
    for index in (len(batches) + beyond, -len(batches) - 1 - beyond):
        with pytest.raises(IndexError, match=f"batch {index} of {len(batches)}"):
            batches[index]


@pytest.mark.parametrize("step", [2, -1])
def test_other_steps_are_refused(step: int) -> None:
    dataset = Dataset(
        np.zeros((9, 48, 48), np.uint8), np.zeros(9, np.uint8), np.zeros(9, np.uint8), "toyfaces", "toyfaces", ""
    )
    with pytest.raises(ValueError, match=f"step 1 alone, not {step}"):
        plain_batches(dataset, np.arange(9), 2)[::step]


def test_no_rows_are_no_batches() -> None:
    dataset = Dataset(
        np.zeros((1, 48, 48), np.uint8), np.zeros(1, np.uint8), np.zeros(1, np.uint8), "toyfaces", "toyfaces", ""
    )
    batches = plain_batches(dataset, np.array([], np.intp), 4)
    assert len(batches) == 0
    assert list(batches) == []


@given(SEEDS, EPOCHS)
def test_the_next_epochs_order_is_not_the_next_seeds(seed: int, epoch: int) -> None:
    rows = np.arange(100)
    next_epoch, next_seed = (training_order(rows, seed=s, epoch=e) for s, e in ((seed, epoch + 1), (seed + 1, epoch)))
    assert not np.array_equal(next_epoch, next_seed), "one in 100! by chance"
