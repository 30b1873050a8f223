"""The stop rule and the plateau rule: one schedule for both frameworks."""

from __future__ import annotations

import math

from harness.training.stop_reason import StopReason
from harness.variant import PlateauRule, StopRule, Variant


class Schedule:
    """Watches accuracy and loss after each epoch; owns the learning rate."""

    def __init__(self, variant: Variant) -> None:
        self.learning_rate = variant.learning_rate
        self._stop = _StopWatch(variant.stop_rule)
        self._plateau = _PlateauWatch(variant.plateau_rule) if variant.plateau_rule else None
        self._epoch = 0

    def observe(self, *, accuracy: float, loss: float) -> StopReason | None:
        """Take an epoch's watched figures; return why training ends now, or None.

        Args:
            accuracy: Fraction in [0, 1].
            loss: Mean cross entropy, in nats.
        """
        if self._plateau is not None:
            self.learning_rate = self._plateau.next_learning_rate(loss, self.learning_rate)
        self._epoch += 1
        return self._stop.reason(accuracy, self._epoch)


class _StopWatch:
    def __init__(self, rule: StopRule) -> None:
        self._rule = rule
        self._best = -math.inf
        self._wait = 0

    def reason(self, accuracy: float, epoch: int) -> StopReason | None:
        rule = self._rule
        if rule.threshold is not None and accuracy > rule.threshold:
            return StopReason("accuracy-above", epoch, threshold=rule.threshold)
        if rule.patience is None:
            return None
        if accuracy > self._best:
            self._best, self._wait = accuracy, 0
            return None
        self._wait += 1
        if self._wait >= rule.patience:
            return StopReason("no-improvement", epoch, patience=rule.patience)
        return None


class _PlateauWatch:
    """Keras' ReduceLROnPlateau: fires when the wait reaches the patience, then waits anew."""

    def __init__(self, rule: PlateauRule) -> None:
        self._rule = rule
        self._best = math.inf
        self._wait = 0

    def next_learning_rate(self, loss: float, learning_rate: float) -> float:
        rule = self._rule
        if loss < self._best - rule.minimum_change:
            self._best, self._wait = loss, 0
            return learning_rate
        self._wait += 1
        if self._wait < rule.patience:
            return learning_rate
        self._wait = 0
        if learning_rate <= rule.minimum_learning_rate:  # never raised to the minimum
            return learning_rate
        return max(learning_rate * rule.factor, rule.minimum_learning_rate)
