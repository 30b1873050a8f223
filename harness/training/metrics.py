"""Accuracy, loss, confusion matrix and areas under curves, from logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.interface import CLASSES
from harness.strictness import STRICT


@dataclass(frozen=True)
class Score:
    """How a set of logits does against its labels.

    Attributes:
        examples: Number of images.
        accuracy: Fraction in [0, 1].
        loss: Mean cross entropy, unweighted, in nats.
        confusion: Counts, row = label, column = answer, both in the order of `CLASSES`.
        areas: Area under the ROC curve of each class against the rest; None where a class is
            absent or alone.
    """

    examples: int
    accuracy: float
    loss: float
    confusion: tuple[tuple[int, ...], ...]
    areas: dict[str, float | None]

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        shape = [len(row) for row in self.confusion]
        if shape != [len(CLASSES)] * len(CLASSES) or set(self.areas) != set(CLASSES) or not 0 <= self.accuracy <= 1:
            raise ValueError("a score has an accuracy in [0, 1], a 7×7 confusion and one area a class")


def mean_cross_entropy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean cross entropy in nats, computed in float64, of logits (n, 7) and labels (n,)."""
    shifted = _shifted(logits)
    likelihoods = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-likelihoods[np.arange(len(labels)), labels].mean())


def accuracy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Fraction of rows whose largest logit is the label's (the first one of equals)."""
    return float((logits.argmax(axis=1) == labels).mean())


def confusion_matrix(labels: NDArray[np.integer], answers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Count each answer to each label: (7, 7), row = label, column = answer."""
    matrix = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(matrix, (labels, answers), 1)
    return matrix


def score(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> Score:
    """Score logits (n, 7) against labels (n,).

    Raises:
        ValueError: If there is no row, or shapes do not fit.
    """
    if logits.shape != (len(labels), len(CLASSES)) or len(labels) == 0:
        raise ValueError(f"logits have shape {logits.shape}; expected ({len(labels)}, {len(CLASSES)}), n > 0")
    answers = logits.argmax(axis=1)
    # step by step as `scipy.special.softmax`: a last bit decides a tie, and with it an area
    exponentials = np.exp(_shifted(logits))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return Score(
        examples=len(labels),
        accuracy=accuracy(logits, labels),
        loss=mean_cross_entropy(logits, labels),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion_matrix(labels, answers)),
        areas={name: area(labels == code, probabilities[:, code]) for code, name in enumerate(CLASSES)},
    )


def area(is_class: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Return the area under the ROC curve, or None where there is no image of the class or no other.

    It is how often an image of the class scores higher than one of the rest; of equals, half count.

    Source: Hanley & McNeil 1982: the area is Mann and Whitney's U over the number of pairs.
    """
    ones = int(is_class.sum())
    if ones in (0, len(is_class)):
        return None
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[places]
    return float((ranks[is_class].sum() - ones * (ones + 1) / 2) / (ones * (len(is_class) - ones)))


def _shifted(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits in float64, less the largest of their row, so that no exponential overflows."""
    values = logits.astype(np.float64)
    shifted: NDArray[np.float64] = values - values.max(axis=1, keepdims=True)
    return shifted
