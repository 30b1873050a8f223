"""Numbers that claims are about and that take a run's epochs to see: the shape of its curves, convergence, seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.judging.timing import seconds_per_epoch
from harness.papers.stated import Curve
from harness.verification.flaws import StoredRun

CurveMeasure = Callable[[StoredRun], float]


def curve(run: StoredRun, name: Curve) -> NDArray[np.float64]:
    """A figure of every epoch, in order."""
    return np.array([getattr(each, name) for each in run.record.history], dtype=np.float64)


def rise(name: Curve) -> CurveMeasure:
    """From the first epoch to the last."""
    return lambda run: float(curve(run, name)[-1] - curve(run, name)[0])


def settles(name: Curve, epochs: int | None = None) -> CurveMeasure:
    """Fall within the first epochs (None: the first half) less the change after them, up or down.

    Above 0 where a curve falls, and by more than it changes thereafter.
    """

    def measure(run: StoredRun) -> float:
        values = curve(run, name)
        middle = values[(len(values) // 2 if epochs is None else min(epochs, len(values))) - 1]
        return float(values[0] - middle - abs(middle - values[-1]))

    return measure


def least_fall(name: Curve) -> CurveMeasure:
    """The smaller one of the falls over the two halves: above 0 where a curve falls from first to last."""

    def measure(run: StoredRun) -> float:
        values = curve(run, name)
        middle = values[(len(values) - 1) // 2]
        return float(min(values[0] - middle, middle - values[-1]))

    return measure


def unrest(name: Curve) -> CurveMeasure:
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


def crossing(run: StoredRun, target: float) -> int | None:
    """Number of the first epoch after which the watched accuracy exceeds the target; None if it never did."""
    return next((each.epoch + 1 for each in run.record.history if each.watched_accuracy > target), None)


def epochs_saved(fast: StoredRun, slow: StoredRun, target: float) -> float | None:
    """How many epochs earlier `fast` crosses the target accuracy.

    Returns:
        A bound nearer to 0 where one of the two never crosses it. None where neither does, or where the one that does
        not cross ended before the other's crossing.
    """
    one, other = crossing(fast, target), crossing(slow, target)
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
