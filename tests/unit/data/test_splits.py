from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from harness.data.dataset import Dataset, DatasetError
from harness.data.splits import (
    class_weights,
    clean_test_rows,
    hash_groups,
    honest_split,
    leaked_rows,
    paper_test_rows,
)


def dataset_of(pictures: NDArray[Any], labels: NDArray[Any], splits: NDArray[Any]) -> Dataset:
    """A data set whose pictures are each of one grey level, so that the level names the group."""
    images = np.broadcast_to(pictures.astype(np.uint8)[:, None, None], (len(pictures), 48, 48))
    return Dataset(images, labels.astype(np.uint8), splits.astype(np.uint8), "fer2013", "zip", "")


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Ten to a hundred rows of few pictures, so that many are the same, within splits and across."""
    count = draw(st.integers(10, 100))
    pictures = draw(arrays.arrays(np.uint8, count, elements=st.integers(0, draw(st.integers(20, 255)))))
    labels = draw(arrays.arrays(np.uint8, count, elements=st.integers(0, 6)))
    splits = np.sort(draw(arrays.arrays(np.uint8, count, elements=st.integers(0, 2))))
    return dataset_of(pictures, labels, splits)


every_class = st.lists(st.integers(0, 6), max_size=100).map(lambda more: np.array([*range(7), *more], dtype=np.uint8))


@given(arrays.arrays(np.uint8, st.tuples(st.integers(0, 12), st.just(2), st.just(2)), elements=st.integers(0, 1)))
def test_groups_are_equal_exactly_if_pixels_are(images: NDArray[np.uint8]) -> None:
    groups = hash_groups(images)
    same = (images[:, None] == images[None, :]).all(axis=(2, 3))
    np.testing.assert_array_equal(groups[:, None] == groups[None, :], same)
    assert groups.dtype == np.int64


@given(datasets())
def test_tests_are_leaked_or_clean(dataset: Dataset) -> None:
    tests, leaked, clean = paper_test_rows(dataset), leaked_rows(dataset), clean_test_rows(dataset)
    np.testing.assert_array_equal(np.union1d(leaked, clean), tests)
    assert len(leaked) + len(clean) == len(tests)
    training = set(dataset.images[dataset.rows("training"), 0, 0].tolist())
    assert leaked.tolist() == [row for row in tests if int(dataset.images[row, 0, 0]) in training]


@given(datasets(), st.integers(-(2**70), 2**70), st.floats(0.05, 0.95))
def test_the_honest_split_divides_training_by_groups(dataset: Dataset, seed: int, fraction: float) -> None:
    try:
        training, watched = honest_split(dataset, seed=seed, fraction=fraction)
    except DatasetError:
        return
    rows = dataset.rows("training")
    np.testing.assert_array_equal(np.sort(np.concatenate([training, watched])), rows)
    pictures = dataset.images[:, 0, 0]
    assert not np.intersect1d(pictures[training], pictures[watched]).size
    assert not np.intersect1d(pictures[dataset.splits > 0], pictures[watched]).size
    again = honest_split(dataset, seed=seed, fraction=fraction)
    np.testing.assert_array_equal(watched, again[1])


def test_the_honest_split_takes_a_tenth_of_each_class_and_another_with_another_seed() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (700, 48, 48), dtype=np.uint8)
    labels = np.repeat(np.arange(7, dtype=np.uint8), 100)
    dataset = Dataset(images, labels, np.zeros(700, np.uint8), "fer2013", "zip", "")
    _, watched = honest_split(dataset, seed=0)
    assert np.bincount(labels[watched]).tolist() == [10] * 7
    assert not np.array_equal(watched, honest_split(dataset, seed=1)[1])


def test_the_honest_split_is_the_same_in_every_order_of_rows() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 2, (200, 48, 48), dtype=np.uint8)
    images[150:] = images[:50]
    labels = rng.integers(0, 7, 200, dtype=np.uint8)
    order = rng.permutation(200)
    splits = np.zeros(200, np.uint8)
    watched = honest_split(Dataset(images, labels, splits, "fer2013", "zip", ""), seed=3)[1]
    turned = honest_split(Dataset(images[order], labels[order], splits, "fer2013", "zip", ""), seed=3)[1]
    np.testing.assert_array_equal(np.sort(order[turned]), watched)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_that_is_none_is_refused(fraction: float) -> None:
    dataset = dataset_of(np.arange(20), np.zeros(20), np.zeros(20))
    with pytest.raises(DatasetError, match="expected a number between 0 and 1"):
        honest_split(dataset, seed=0, fraction=fraction)


@pytest.mark.parametrize("rows", [0, 3])
def test_too_small_a_training_split_is_refused(rows: int) -> None:
    with pytest.raises(DatasetError, match="expected some on either side"):
        honest_split(dataset_of(np.arange(rows), np.zeros(rows), np.zeros(rows)), seed=0)


@given(every_class)
def test_balanced_weights_are_those_of_scikit_learn_with_mean_one(labels: NDArray[np.uint8]) -> None:
    weights = class_weights(labels, "balanced")
    expected = compute_class_weight("balanced", classes=np.arange(7), y=labels)
    np.testing.assert_allclose(weights, expected, rtol=1e-15)
    assert weights[labels].mean() == pytest.approx(1, rel=1e-12)


@given(every_class, st.permutations(range(7)))
def test_permuting_classes_permutes_the_weights(labels: NDArray[np.uint8], order: list[int]) -> None:
    permuted = np.array(order, dtype=np.uint8)[labels]
    np.testing.assert_array_equal(class_weights(permuted, "balanced")[order], class_weights(labels, "balanced"))


def test_no_weights_are_ones() -> None:
    np.testing.assert_array_equal(class_weights(np.zeros(3, np.uint8), "none"), np.ones(7))


def test_weights_of_an_absent_or_unknown_class_are_refused() -> None:
    with pytest.raises(DatasetError, match="no image of disgust, surprise among 5 labels"):
        class_weights(np.array([0, 2, 3, 4, 5], np.uint8), "balanced")
    with pytest.raises(DatasetError, match=r"label 7, expected 0\.\.6"):
        class_weights(np.array([7], np.uint8), "none")
