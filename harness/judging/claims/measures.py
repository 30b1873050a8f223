"""Numbers that claims are about, each read off one stored run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.interface import CLASSES
from harness.judging.timing import seconds_per_epoch
from harness.verification.flaws import StoredRun

TARGET: Final = 0.40
"""Accuracy whose first crossing is the measure of how fast a run converges: a fraction. Above what one answer for all
images scores (24.7 %), below the least that the paper reports from scratch (54.69 %); declared before any run."""

Measure = Callable[[StoredRun], float]
Curve = Literal["training_loss", "watched_loss", "training_accuracy", "watched_accuracy"]
"""Figures of an epoch (`harness.training.fit.EpochRecord`)."""


def accuracy(run: StoredRun) -> float:
    """On both tests together, the paper's "validation"; a fraction."""
    return run.record.scores["paper_test"].accuracy


def training_accuracy(run: StoredRun) -> float:
    """Of the last epoch, as Keras' history has it: with dropout, augmented; a fraction."""
    return run.record.history[-1].training_accuracy


def gap(run: StoredRun) -> float:
    """Training accuracy less test accuracy, as the paper compares them."""
    return training_accuracy(run) - accuracy(run)


def overshoot(run: StoredRun) -> float:
    """Training accuracy divided by test accuracy, as the paper's "ratio of training to validation accuracy"."""
    return training_accuracy(run) / max(accuracy(run), 1 / run.record.scores["paper_test"].examples)


def loss_gap(run: StoredRun) -> float:
    """Watched loss less training loss after the last epoch, in nats."""
    return run.record.history[-1].watched_loss - run.record.history[-1].training_loss


def recall(name: str) -> Measure:
    """Of the images of a class, the fraction that is recognised."""
    return lambda run: float(recalls(run)[CLASSES.index(name)])


def recalls(run: StoredRun) -> NDArray[np.float64]:
    """Of each class, shape (7,)."""
    counts = confusion(run)
    return np.asarray(counts.diagonal() / counts.sum(axis=1))


def confusion(run: StoredRun) -> NDArray[np.float64]:
    """Counts on both tests, shape (7, 7): row = label, column = answer."""
    return np.array(run.record.scores["paper_test"].confusion, dtype=np.float64)


def worst_easy_less_best_hard(run: StoredRun) -> float:
    """Recall of the worse of happy and neutral, less that of the better of fear and disgust."""
    easy, hard = ([recall(name)(run) for name in names] for names in (("happy", "neutral"), ("fear", "disgust")))
    return min(easy) - max(hard)


def lead(name: str, *others: str) -> Measure:
    """Recall of a class less the best one of others (of all others where none is named)."""
    rivals = others or tuple(each for each in CLASSES if each != name)
    return lambda run: recall(name)(run) - max(recall(each)(run) for each in rivals)


def excess_confusion(first: str, second: str) -> Measure:
    """How often two classes are taken for each other, less the mean over all 21 pairs; fractions of their images."""
    one, other = CLASSES.index(first), CLASSES.index(second)

    def measure(run: StoredRun) -> float:
        counts = confusion(run)
        images = counts.sum(axis=1)
        mutual = (counts + counts.T) / (images[:, None] + images[None, :])
        return float(mutual[one, other] - mutual[np.triu_indices(len(CLASSES), 1)].mean())

    return measure


def share_of_answers(name: str) -> Measure:
    """Fraction of images that are answered so."""
    return lambda run: float(confusion(run)[:, CLASSES.index(name)].sum() / confusion(run).sum())


def share_of_mistakes_ahead(name: str) -> Measure:
    """Among wrong answers, the share of one class less that of the next commonest."""
    column = CLASSES.index(name)

    def measure(run: StoredRun) -> float:
        wrong = confusion(run)
        np.fill_diagonal(wrong, 0)
        by_answer = wrong.sum(axis=0) / max(wrong.sum(), 1)
        return float(by_answer[column] - np.delete(by_answer, column).max())

    return measure


def curve(run: StoredRun, name: Curve) -> NDArray[np.float64]:
    """A figure of every epoch, in order."""
    return np.array([getattr(each, name) for each in run.record.history], dtype=np.float64)


def rise(name: Curve) -> Measure:
    """From the first epoch to the last."""
    return lambda run: float(curve(run, name)[-1] - curve(run, name)[0])


def settles(name: Curve, epochs: int | None = None) -> Measure:
    """Fall within the first epochs (None: the first half) less the change after them, up or down.

    Above 0 where a curve falls, and by more than it changes thereafter.
    """

    def measure(run: StoredRun) -> float:
        values = curve(run, name)
        middle = values[(len(values) // 2 if epochs is None else min(epochs, len(values))) - 1]
        return float(values[0] - middle - abs(middle - values[-1]))

    return measure


def least_fall(name: Curve) -> Measure:
    """The smaller one of the falls over the two halves: above 0 where a curve falls from first to last."""

    def measure(run: StoredRun) -> float:
        values = curve(run, name)
        middle = values[(len(values) - 1) // 2]
        return float(min(values[0] - middle, middle - values[-1]))

    return measure


def unrest(name: Curve) -> Measure:
    """Mean absolute second difference over the later half: 0 for a steady climb, however steep."""

    def measure(run: StoredRun) -> float:
        values = curve(run, name)
        turns = np.abs(np.diff(values[len(values) // 2 :], 2))
        return float(turns.mean()) if turns.size else 0.0

    return measure


def seconds(run: StoredRun) -> float | None:
    """All epochs that ran, with their evaluation; None where `seconds_per_epoch` has none."""
    mean = seconds_per_epoch(run.record)
    return mean * len(run.record.history) if mean else None


def crossing(run: StoredRun) -> int | None:
    """Number of the first epoch after which the watched accuracy exceeds the target; None if it never did."""
    return next((each.epoch + 1 for each in run.record.history if each.watched_accuracy > TARGET), None)


def epochs_saved(fast: StoredRun, slow: StoredRun) -> float | None:
    """How many epochs earlier `fast` crosses the target; a bound nearer to 0 where one never does; None where neither
    does, or the one that does not was stopped before the other's crossing."""
    one, other = crossing(fast), crossing(slow)
    if one is not None and other is not None:
        return float(other - one)
    if one is not None:
        return _if_positive(len(slow.record.history) + 1 - one)
    if other is not None:
        bound = _if_positive(len(fast.record.history) + 1 - other)
        return None if bound is None else -bound
    return None


def _if_positive(value: int) -> float | None:
    return float(value) if value > 0 else None
