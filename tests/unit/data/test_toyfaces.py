"""The embedded data set: the same faces every time, as unequal as FER-2013, not solved by a linear rule."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.data.dataset import (
    SPLITS,
    Dataset,
    DatasetError,
    identity,
)
from harness.data.toyfaces import FER2013_TRAINING_COUNTS, class_counts, toyfaces
from harness.data.toyfaces_drawing import draw_faces
from harness.data.toyfaces_parameters import ACTIONS, EXPRESSIONS, NUISANCES
from harness.interface import CLASSES, IMAGE_SIZE

SMALL = (140, 35, 28)

# Drawing uses only exactly rounded arithmetic, so this holds on every processor. If it changes, results on
# toy faces from before are no longer comparable: say so in the commit.
SMALL_DIGEST = "b8fc8cfe7ee775cb181468f92ac8faa1e74e51abfa4dd14a6a716ec643a8cb9f"

# The set must need more than a linear rule on pixels. Measured with scikit-learn 1.9: a logistic regression
# scores 0.323 on pixels in [0, 1] and 0.297 on standardised ones; always saying "happy" scores 0.251.
LINEAR_CEILING = 0.55


@pytest.fixture(scope="module")
def default() -> Dataset:
    return toyfaces()


@pytest.fixture(scope="module")
def small() -> Dataset:
    return toyfaces(*SMALL)


def test_same_seed_draws_the_same_bits(small: Dataset) -> None:
    assert toyfaces(*SMALL).digest == small.digest == SMALL_DIGEST


def test_another_seed_draws_other_faces(small: Dataset) -> None:
    other = toyfaces(*SMALL, seed=2014)
    assert other.digest != small.digest
    np.testing.assert_array_equal(other.labels, small.labels)
    assert not _fingerprints(other.images) & _fingerprints(small.images)


def test_global_random_state_is_neither_read_nor_moved(small: Dataset) -> None:
    np.random.seed(1)
    before: Any = np.random.get_state()
    assert toyfaces(*SMALL).digest == small.digest
    after: Any = np.random.get_state()
    np.testing.assert_array_equal(after[1], before[1])


def test_a_larger_set_holds_the_smaller_one(default: Dataset, small: Dataset) -> None:
    for split in SPLITS:
        for label in range(len(CLASSES)):
            few, many = (
                each.images[each.rows(split)][each.labels[each.rows(split)] == label] for each in (small, default)
            )
            np.testing.assert_array_equal(many[: len(few)], few)


def test_arrays_and_names(default: Dataset) -> None:
    assert len(default) == 2870 + 359 + 359
    assert default.images.shape == (len(default), IMAGE_SIZE, IMAGE_SIZE)
    assert default.labels.shape == default.splits.shape == (len(default),)
    assert {default.images.dtype, default.labels.dtype, default.splits.dtype} == {np.dtype(np.uint8)}
    assert (default.name, default.door, default.deviations) == ("toyfaces", "toyfaces", ())
    assert default.digest == identity(default.images, default.labels, default.splits, "toyfaces")


def test_splits_ascend_and_have_the_sizes_asked_for(small: Dataset) -> None:
    assert (np.diff(small.splits.astype(int)) >= 0).all()
    assert tuple(len(small.rows(split)) for split in SPLITS) == SMALL


@pytest.mark.parametrize("split", SPLITS)
def test_classes_are_as_unequal_as_in_fer2013(default: Dataset, split: str) -> None:
    labels = default.labels[default.rows(split)]
    counts = np.bincount(labels, minlength=len(CLASSES))
    expected = len(labels) * np.array(FER2013_TRAINING_COUNTS) / sum(FER2013_TRAINING_COUNTS)
    assert counts.min() >= 1
    np.testing.assert_array_less(np.abs(counts - expected), 1)


def test_every_start_of_a_split_is_mixed(default: Dataset) -> None:
    # Whoever takes the first images only still gets every class, in about the right shares.
    first = np.bincount(default.labels[:100], minlength=len(CLASSES))
    expected = 100 * np.array(FER2013_TRAINING_COUNTS) / sum(FER2013_TRAINING_COUNTS)
    np.testing.assert_array_less(np.abs(first - expected), 2)
    assert first.min() >= 1


@pytest.mark.parametrize("size", [7, 8, 20, 65, 359, 28709])
def test_class_counts_sum_up_and_leave_none_out(size: int) -> None:
    counts = class_counts(size)
    assert sum(counts) == size
    assert min(counts) >= 1


def test_fer2013s_own_size_gives_its_own_counts() -> None:
    assert class_counts(sum(FER2013_TRAINING_COUNTS)) == FER2013_TRAINING_COUNTS


def test_no_image_occurs_twice(default: Dataset) -> None:
    assert len(_fingerprints(default.images)) == len(default)


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_without_room_for_every_class_is_refused(split: str) -> None:
    sizes = dict.fromkeys(SPLITS, 7) | {split: 6}
    with pytest.raises(DatasetError, match=rf"{split} = 6 images, expected at least 7"):
        toyfaces(**sizes)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(DatasetError, match="seed = -1, expected a whole number from 0"):
        toyfaces(*SMALL, seed=-1)


def test_expressions_are_those_of_the_data_set_and_name_known_actions() -> None:
    assert tuple(EXPRESSIONS) == CLASSES
    assert {action for ways in EXPRESSIONS.values() for way in ways for action in way} <= set(ACTIONS)


def test_a_dropping_jaw_opens_a_dark_mouth() -> None:
    closed, opened = _mouth(_average_face()), _mouth(_average_face(jaw_drop=1.0))
    assert np.sum(opened < 60) >= np.sum(closed < 60) + 15


def test_raised_brows_stand_higher() -> None:
    raised = _average_face(inner_brow_raise=1.0, outer_brow_raise=1.0)
    assert _darkest_row(raised) < _darkest_row(_average_face())


def test_a_smile_lifts_the_corners_of_the_mouth() -> None:
    rows = np.arange(IMAGE_SIZE // 2 + 6, IMAGE_SIZE)
    corner = IMAGE_SIZE // 2 + 6  # about a mouth's half-width from the middle
    smile, frown = (
        rows[_average_face(**{action: 1.0})[rows, corner].argmin()] for action in ("corner_pull", "corner_depress")
    )
    assert smile < frown


@pytest.mark.slow
def test_a_linear_rule_does_not_solve_it(default: Dataset) -> None:
    from sklearn.linear_model import LogisticRegression

    pixels = default.images.reshape(len(default), -1) / np.float32(255)
    training = default.splits == SPLITS.index("training")
    model = LogisticRegression(max_iter=5000).fit(pixels[training], default.labels[training])
    observed = model.score(pixels[~training], default.labels[~training])
    assert observed <= LINEAR_CEILING, f"logistic accuracy = {observed:.3f}, expected <= {LINEAR_CEILING}"


def _fingerprints(images: NDArray[np.uint8]) -> set[bytes]:
    return {hashlib.sha256(image.tobytes()).digest() for image in images}


def _average_face(**actions: float) -> NDArray[np.uint8]:
    """A face in the middle of every nuisance, without noise, with the actions given, shape (48, 48)."""
    values = {name: (low + high) / 2 for name, (low, high) in NUISANCES.items()}
    values |= dict.fromkeys(ACTIONS, 0.0) | actions
    face = {name: np.full((1, 1, 1), value, np.float32) for name, value in values.items()}
    return draw_faces(face, np.zeros((1, IMAGE_SIZE, IMAGE_SIZE), np.float32))[0]


def _mouth(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    middle = IMAGE_SIZE // 2
    return image[middle + 8 : middle + 20, middle - 8 : middle + 8]


def _darkest_row(image: NDArray[np.uint8]) -> int:
    """Row of the darkest pixel above the right eye's middle: the brow's."""
    hairline, lashes = 12, 19
    column = image[hairline:lashes, IMAGE_SIZE // 2 + 7]
    return hairline + int(column.argmin())
