"""Scores from logits, by hand and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.metrics import log_loss, roc_auc_score

from harness.interface import CLASSES
from harness.training.metrics import accuracy, area, mean_cross_entropy, score


def logits_of(answers: list[int], confidence: float = 1.0) -> NDArray[np.float32]:
    """One logit of `confidence` a row, the others 0."""
    return confidence * np.eye(7, dtype=np.float32)[answers]


def test_three_images_by_hand() -> None:
    result = score(logits_of([0, 1, 1], confidence=2.0), np.array([0, 1, 2], np.uint8))
    # right: ln((e² + 6) / e²), wrong: ln(e² + 6)
    right, wrong = math.log(math.exp(2) + 6) - 2, math.log(math.exp(2) + 6)
    assert result.examples == 3
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.loss == pytest.approx((2 * right + wrong) / 3)
    expected = np.zeros((7, 7), int)
    expected[0, 0] = expected[1, 1] = expected[2, 1] = 1
    assert result.confusion == tuple(map(tuple, expected.tolist()))
    # angry: its image is above both others. disgust: above one, level with the other. fear: level with both
    # of 1/(e²+6), for every row gives it the same
    assert result.areas["angry"] == 1.0
    assert result.areas["disgust"] == pytest.approx(0.75)
    assert result.areas["fear"] == pytest.approx(0.5)


def test_classes_that_are_absent_or_alone_have_no_area() -> None:
    result = score(logits_of([3, 3]), np.array([3, 3], np.uint8))
    assert set(result.areas) == set(CLASSES)
    assert set(result.areas.values()) == {None}
    assert result.confusion[3][3] == 2


@given(
    logits=arrays.arrays(np.float32, (40, 7), elements=st.floats(-8, 8, width=32)),
    labels=arrays.arrays(np.uint8, 33, elements=st.integers(0, 6)),
)
def test_scikit_learn_agrees(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> None:
    labels = np.concatenate([np.arange(7, dtype=np.uint8), labels])
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    result = score(logits, labels)
    assert result.loss == pytest.approx(log_loss(labels, probabilities, labels=range(7)), rel=1e-6, abs=1e-9)
    areas = roc_auc_score(np.eye(7)[labels], probabilities, average=None)
    # to a tie, the last bit of a probability decides
    assert [result.areas[name] for name in CLASSES] == pytest.approx(list(areas), abs=0.02)
    assert sum(map(sum, result.confusion)) == result.examples == 40
    assert sum(result.confusion[code][code] for code in range(7)) == round(result.accuracy * 40)


@pytest.mark.parametrize("scale", [1e4, 1e30, np.finfo(np.float32).max])
def test_huge_logits_do_not_overflow(scale: float) -> None:
    labels = np.arange(7, dtype=np.uint8)
    right = score(logits_of(labels.tolist(), scale), labels)
    assert (right.loss, right.accuracy) == (0.0, 1.0)
    wrong = score(-logits_of(labels.tolist(), scale), labels)
    assert wrong.loss == pytest.approx(scale, rel=1e-3)
    assert wrong.accuracy == 0.0
    assert set(right.areas.values()) == {1.0}


def test_the_first_of_equal_logits_is_the_answer() -> None:
    logits = np.zeros((7, 7), np.float32)
    labels = np.arange(7, dtype=np.uint8)
    assert accuracy(logits, labels) == pytest.approx(1 / 7)
    assert mean_cross_entropy(logits, labels) == pytest.approx(math.log(7))
    result = score(logits, labels)
    assert [row[0] for row in result.confusion] == [1] * 7
    assert set(result.areas.values()) == {0.5}


@pytest.mark.parametrize(("shape", "labels"), [((0, 7), 0), ((3, 6), 3), ((3, 7), 4), ((7,), 7), ((3, 8), 3)], ids=str)
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...], labels: int) -> None:
    with pytest.raises(ValueError, match=r"logits have shape .*; expected \(\d, 7\), n > 0"):
        score(np.zeros(shape, np.float32), np.zeros(labels, np.uint8))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_the_area_is_scikit_learns_with_ties_too(images: list[tuple[bool, int]]) -> None:
    is_class = np.array([each for each, _ in images])
    scores = np.array([each for _, each in images], np.float64)
    if is_class.all() or not is_class.any():
        assert area(is_class, scores) is None
    else:
        assert area(is_class, scores) == pytest.approx(roc_auc_score(is_class, scores), abs=1e-12)


@given(arrays.arrays(np.float32, (9, 7), elements=st.floats(-90, 90, width=32)))
def test_the_loss_is_scipys_to_the_bit(logits: NDArray[np.float32]) -> None:
    labels = np.arange(9) % 7
    likelihoods = log_softmax(logits.astype(np.float64), axis=1)
    assert mean_cross_entropy(logits, labels) == float(-likelihoods[np.arange(9), labels].mean())
