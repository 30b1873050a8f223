"""The stop rule and the plateau rule, against examples worked out by hand from Keras' callbacks.

Keras 3: `EarlyStopping(mode="max", min_delta=0)` stops once `wait >= patience`, where `wait` counts epochs since the
best; `ReduceLROnPlateau(mode="min")` multiplies once `wait >= patience` and then counts anew.
"""

from __future__ import annotations

import math

import pytest

from harness.training.schedule import Schedule
from harness.training.stop_reason import StopReason
from harness.variant import PlateauRule, StopRule
from tests.support.fake_model import fake_variant


def stops_after(rule: StopRule, accuracies: list[float]) -> int | None:
    """Number of the epoch, from 1, at which training ends."""
    schedule = Schedule(fake_variant(stop_rule=rule))
    for epoch, accuracy in enumerate(accuracies, start=1):
        if schedule.observe(accuracy=accuracy, loss=1.0) is not None:
            return epoch
    return None


def rates(rule: PlateauRule, losses: list[float], *, learning_rate: float = 0.8) -> list[float]:
    """Learning rate after each epoch."""
    schedule = Schedule(fake_variant(plateau_rule=rule, learning_rate=learning_rate))
    found = []
    for loss in losses:
        schedule.observe(accuracy=0.5, loss=loss)
        found.append(schedule.learning_rate)
    return found


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.66, 0.671], 2),
        ([0.67], None),  # strictly greater, as the paper's "exceeds"
        ([math.nextafter(0.67, 1)], 1),
        ([0.1, 0.2, 0.3], None),
        ([0.9], 1),
    ],
)
def test_accuracy_above(accuracies: list[float], expected: int | None) -> None:
    assert stops_after(StopRule("accuracy-above", threshold=0.67), accuracies) == expected


@pytest.mark.parametrize(
    ("patience", "accuracies", "expected"),
    [
        (2, [0.3, 0.2, 0.2], 3),
        (2, [0.3, 0.2, 0.31, 0.2, 0.2], 5),
        (2, [0.3, 0.3, 0.3], 3),  # an equal is no improvement
        (2, [0.1, 0.2, 0.3, 0.4], None),
        (2, [0.3, 0.2, 0.25, 0.26], 3),  # rising again is not enough: the best counts
        (1, [0.3, 0.2], 2),
        (3, [0.0, 0.0, 0.0], None),  # the first epoch improves on nothing
        (3, [0.0, 0.0, 0.0, 0.0], 4),
    ],
)
def test_patience_is_keras(patience: int, accuracies: list[float], expected: int | None) -> None:
    assert stops_after(StopRule("no-improvement", patience=patience), accuracies) == expected


def test_never_means_never() -> None:
    assert stops_after(StopRule("never"), [1.0, *[0.0] * 200]) is None


def test_reasons_have_the_rules_values() -> None:
    above = Schedule(fake_variant(stop_rule=StopRule("accuracy-above", threshold=0.67)))
    assert above.observe(accuracy=0.6708, loss=1) == StopReason("accuracy-above", 1, threshold=0.67)
    waiting = Schedule(fake_variant(stop_rule=StopRule("no-improvement", patience=1)))
    waiting.observe(accuracy=0.5, loss=1)
    assert waiting.observe(accuracy=0.4, loss=1) == StopReason("no-improvement", 2, patience=1)


HALVE = PlateauRule(factor=0.5, patience=2, minimum_change=0.1, minimum_learning_rate=0.15)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        # best 1.0; two epochs without a fall of more than 0.1 halve; then the count begins anew
        ([1.0, 1.0, 1.0], [0.8, 0.8, 0.4]),
        ([1.0, 1.0, 1.0, 1.0, 1.0], [0.8, 0.8, 0.4, 0.4, 0.2]),
        ([1.0, 0.95, 0.91], [0.8, 0.8, 0.4]),  # each falls, none by more than 0.1 below the best
        ([1.0, 0.95, 0.89], [0.8, 0.8, 0.8]),
        ([1.0, 1.2, 0.8, 0.8, 0.8], [0.8, 0.8, 0.8, 0.8, 0.4]),
        ([3.0, 2.0, 1.0], [0.8, 0.8, 0.8]),
        # never below the minimum, and there it stays
        ([1.0] * 9, [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.15, 0.15, 0.15]),
        ([1.0, math.nan, math.nan], [0.8, 0.8, 0.4]),  # Keras: np.less(nan, best) is False
    ],
)
def test_plateau_is_keras(losses: list[float], expected: list[float]) -> None:
    assert rates(HALVE, losses) == pytest.approx(expected)


def test_a_fall_of_just_the_minimum_change_is_none() -> None:
    rule = PlateauRule(factor=0.5, patience=1, minimum_change=0.25, minimum_learning_rate=0.0)
    assert rates(rule, [1.0, 0.75]) == [0.8, 0.4]


def test_the_plateau_rule_never_raises_the_learning_rate() -> None:
    assert rates(HALVE, [1.0] * 5, learning_rate=0.1) == [0.1] * 5


def test_without_a_plateau_rule_the_learning_rate_stays() -> None:
    schedule = Schedule(fake_variant(plateau_rule=None, learning_rate=0.3))
    for _ in range(20):
        schedule.observe(accuracy=0.5, loss=1.0)
    assert schedule.learning_rate == 0.3


def test_both_rules_watch_together() -> None:
    schedule = Schedule(fake_variant(plateau_rule=HALVE, stop_rule=StopRule("no-improvement", patience=3)))
    reasons = [schedule.observe(accuracy=0.5, loss=1.0) for _ in range(4)]
    assert [reason is not None for reason in reasons] == [False, False, False, True]
