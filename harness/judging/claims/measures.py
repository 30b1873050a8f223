"""Numbers that claims are about, each read off the outcome of one run, be it stored or printed in the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.interface import CLASSES
from harness.judging.claims.comparisons import Shown, number, points
from harness.papers.stated import Class
from harness.papers.stated import Measure as MeasureName
from harness.verification.flaws import StoredRun


class Outcome(Protocol):
    """What one training of a network ended with. Accuracies are fractions, losses are in nats."""

    @property
    def accuracy(self) -> float:
        """On both tests together, the paper's "validation"."""

    @property
    def training_accuracy(self) -> float:
        """Of the last epoch, as Keras' history has it: with dropout, augmented."""

    @property
    def watched_loss(self) -> float:
        """After the last epoch."""

    @property
    def training_loss(self) -> float:
        """Of the last epoch."""

    @property
    def confusion(self) -> NDArray[np.float64]:
        """Counts on both tests, shape (7, 7): row = label, column = answer."""


@dataclass(frozen=True, eq=False)
class RunOutcome:
    """The outcome of a stored run."""

    run: StoredRun

    @property
    def accuracy(self) -> float:
        """See `Outcome`."""
        return self.run.record.scores["paper_test"].accuracy

    @property
    def training_accuracy(self) -> float:
        """See `Outcome`."""
        return self.run.record.history[-1].training_accuracy

    @property
    def watched_loss(self) -> float:
        """See `Outcome`."""
        return self.run.record.history[-1].watched_loss

    @property
    def training_loss(self) -> float:
        """See `Outcome`."""
        return self.run.record.history[-1].training_loss

    @property
    def confusion(self) -> NDArray[np.float64]:
        """See `Outcome`."""
        return np.array(self.run.record.scores["paper_test"].confusion, dtype=np.float64)


Measure = Callable[[Outcome], float]


def accuracy(outcome: Outcome) -> float:
    """On both tests together; a fraction."""
    return outcome.accuracy


def gap(outcome: Outcome) -> float:
    """Training accuracy less test accuracy, as the paper compares them."""
    return outcome.training_accuracy - outcome.accuracy


def training_ratio(outcome: Outcome) -> float:
    """Training accuracy divided by test accuracy. One image right at least is taken of whoever has none."""
    return outcome.training_accuracy / (outcome.accuracy or 1 / float(outcome.confusion.sum()))


def recalls(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the images of each class, the fraction that is recognised; shape (7,)."""
    return np.asarray(confusion.diagonal() / confusion.sum(axis=1))


def recall(name: Class) -> Measure:
    """Of the images of a class, the fraction that is recognised."""
    return lambda outcome: float(recalls(outcome.confusion)[CLASSES.index(name)])


def recall_lead(classes: Sequence[Class], over: Sequence[Class] = ()) -> Measure:
    """The worst recall of some classes less the best one of others (of all others where none is named)."""
    rivals = over or tuple(each for each in CLASSES if each not in classes)

    def measure(outcome: Outcome) -> float:
        found = recalls(outcome.confusion)
        ours, theirs = ([found[CLASSES.index(name)] for name in names] for names in (classes, rivals))
        return float(min(ours) - max(theirs))

    return measure


def excess_confusion(first: Class, second: Class) -> Measure:
    """How often two classes are taken for each other, less the mean over all 21 pairs; fractions of their images."""
    one, other = CLASSES.index(first), CLASSES.index(second)

    def measure(outcome: Outcome) -> float:
        counts = outcome.confusion
        images = counts.sum(axis=1)
        mutual = (counts + counts.T) / (images[:, None] + images[None, :])
        return float(mutual[one, other] - mutual[np.triu_indices(len(CLASSES), 1)].mean())

    return measure


def share_of_answers(name: Class) -> Measure:
    """Fraction of images that are answered so."""
    return lambda outcome: float(outcome.confusion[:, CLASSES.index(name)].sum() / outcome.confusion.sum())


def share_of_mistakes_ahead(name: Class) -> Measure:
    """Among wrong answers, the share of one class less that of the next commonest."""
    column = CLASSES.index(name)

    def measure(outcome: Outcome) -> float:
        wrong = outcome.confusion.copy()
        np.fill_diagonal(wrong, 0)
        by_answer = wrong.sum(axis=0) / max(wrong.sum(), 1)
        return float(by_answer[column] - np.delete(by_answer, column).max())

    return measure


def percent(value: float) -> str:
    """A fraction in per cent, with two decimals."""
    return f"{100 * value:.2f} %"


def shift_text(value: float, shown: Shown) -> str:
    """What is added to a difference, as it is written behind it: ` + 5.00 points`; nothing where that is 0."""
    return f" {shown(value)[0]} {shown(value)[1:]}" if value else ""


@dataclass(frozen=True)
class NamedMeasure:
    """A measure with its words.

    Attributes:
        measure: Reads the number off.
        called: What it is, in words.
        shown: How a difference of two such numbers is written.
        written: How one such number is written.
    """

    measure: Measure
    called: str
    shown: Shown = points
    written: Shown = percent


MEASURES: Final[Mapping[MeasureName, NamedMeasure]] = {
    "accuracy": NamedMeasure(accuracy, "accuracy"),
    "training-accuracy": NamedMeasure(lambda outcome: outcome.training_accuracy, "training accuracy"),
    "gap": NamedMeasure(gap, "gap between training and tests", written=points),
    "training-ratio": NamedMeasure(training_ratio, "training accuracy ÷ test accuracy", number, "{:.3f}".format),
    "loss-gap": NamedMeasure(
        lambda outcome: outcome.watched_loss - outcome.training_loss,
        "watched loss less training loss, nats",
        number,
        number,
    ),
    "recall-angry": NamedMeasure(recall("angry"), "recall of angry"),
    "recall-disgust": NamedMeasure(recall("disgust"), "recall of disgust"),
    "recall-fear": NamedMeasure(recall("fear"), "recall of fear"),
    "recall-happy": NamedMeasure(recall("happy"), "recall of happy"),
    "recall-neutral": NamedMeasure(recall("neutral"), "recall of neutral"),
    "recall-sad": NamedMeasure(recall("sad"), "recall of sad"),
    "recall-surprise": NamedMeasure(recall("surprise"), "recall of surprise"),
}
"""What claims can compare, by the name that they have in `claims.toml`."""
