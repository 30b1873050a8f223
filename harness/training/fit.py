"""The epoch loop: one for both frameworks, with its clocks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset
from harness.interface import (
    IMAGE_SIZE,
    Batch,
    InputPipeline,
    Logits,
    Model,
    Totals,
)
from harness.strictness import STRICT
from harness.training.budget import Budget
from harness.training.metrics import accuracy, mean_cross_entropy
from harness.training.rows import Plan
from harness.training.schedule import Schedule
from harness.training.stop_reason import StopReason
from harness.variant import Phase, Variant

SLICE_SECONDS: Final = 5.0
"""About how long a slice of an epoch takes: how soon an interruption or a NaN is noticed."""
EVALUATION_BATCH_SIZE: Final = 128
"""Images a batch of evaluation at 48×48; fewer where pictures are larger, so that memory stays alike."""
FIRST_SLICE_STEPS: Final = 4


class TrainingDiverged(ArithmeticError):
    """The loss or a logit became NaN or infinite. The message names the epoch, and the step of a loss."""


class Interrupted(Exception):
    """Somebody asked the run to stop."""


@dataclass(frozen=True)
class EpochRecord:
    """One epoch. Accuracies are fractions, losses mean cross entropies in nats.

    `training_*` are in training mode with the weights moving, as Keras' history has them; a
    weighted training loss stays weighted. `watched_*` are in inference mode after the epoch.
    """

    epoch: int
    learning_rate: float
    training_loss: float
    training_accuracy: float
    watched_loss: float
    watched_accuracy: float
    training_seconds: float
    input_seconds: float
    evaluation_seconds: float

    __pydantic_config__ = STRICT


@dataclass
class Clocks:
    """Seconds by purpose. `training` contains `input`, the time spent making batches on the host."""

    warm_up: float = 0.0
    features: float = 0.0
    training: float = 0.0
    input: float = 0.0
    evaluation: float = 0.0


@dataclass(eq=False)
class FitResult:
    """What a fit leaves, also one that ended early.

    Attributes:
        history: Complete epochs, in order.
        clocks: Seconds by purpose.
        initial_logits: Of the untrained network on the first test rows, shape (k, 7).
        test_logits: Of all test rows in the order of `Plan.test_rows`, shape (m, 7); None if the end was not reached.
        stop_reason: Why training ended; None before it did.
    """

    history: list[EpochRecord] = field(default_factory=list)
    clocks: Clocks = field(default_factory=Clocks)
    initial_logits: Logits | None = None
    test_logits: Logits | None = None
    stop_reason: StopReason | None = None


class Observer(Protocol):
    """Who wants to know how far a run is."""

    def begin(self, *, epochs: int, examples: int) -> None:
        """A run of so many epochs of so many examples begins."""

    def slice_done(self, epoch: int, totals: Totals, examples_done: int, seconds: float) -> None:
        """Sums of the epoch so far, after so many seconds of it."""

    def epoch_done(self, record: EpochRecord) -> None:
        """An epoch and its evaluation are over."""

    def say(self, text: str) -> None:
        """Something else happened."""


class _ClockedBatches(Sequence[Batch]):
    """Batches that add the time it takes to make them to a clock."""

    def __init__(self, batches: Sequence[Batch], clocks: Clocks) -> None:
        self._batches = batches
        self._clocks = clocks

    def __len__(self) -> int:
        return len(self._batches)

    @overload
    def __getitem__(self, index: int) -> Batch: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Batch]: ...

    def __getitem__(self, index: int | slice) -> Batch | Sequence[Batch]:
        if isinstance(index, slice):
            return _ClockedBatches(self._batches[index], self._clocks)
        start = time.perf_counter()
        batch = self._batches[index]
        self._clocks.input += time.perf_counter() - start
        return batch


class Fit:
    """One run of the loop. Call `run` once; `result` is valid whatever ended it.

    `keep_features` returns the pipeline for an epoch with what the frozen base makes of each row (see
    `harness.training.kept_features`). It is asked for epochs of phases that train the head alone: for each when it
    begins, and for a phase's first one before that for its warm-up.
    """

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        plan: Plan,
        *,
        pipeline: InputPipeline,
        budget: Budget,
        observer: Observer,
        is_interrupted: Callable[[], bool] = lambda: False,
        keep_features: Callable[[int], InputPipeline] | None = None,
    ) -> None:
        self.result = FitResult()
        self._model = model
        self._dataset = dataset
        self._plan = plan
        self._pipeline = self._feed = pipeline
        self._budget = budget
        self._observer = observer
        self._is_interrupted = is_interrupted
        self._keep_features = keep_features
        self._forecast = 0.0

    def run(self) -> FitResult:
        """Warm up, train, evaluate.

        Raises:
            TrainingDiverged: If the loss, or a logit after an epoch, becomes NaN or infinite.
            Interrupted: If `is_interrupted` says so between two slices.
        """
        variant, clocks = self._model.variant, self.result.clocks
        self._observer.begin(epochs=variant.epochs, examples=len(self._plan.training_rows))
        schedule, epoch, watched_logits = Schedule(variant), 0, None
        for phase in variant.phases:
            start, features_before = time.perf_counter(), clocks.features
            self._start_phase(phase, epoch)
            spent = time.perf_counter() - start - (clocks.features - features_before)
            clocks.warm_up += spent
            self._observer.say(f"warm-up {spent:.1f} s (compilation included)")
            reason = self._budget_reason(self._forecast) if epoch else None
            if reason is not None:
                self.result.stop_reason = reason
                return self._finish(watched_logits)
            for _ in range(phase.epochs):
                self._feed = self._feed_of(phase, epoch)
                watched_logits = self._epoch(epoch, schedule.learning_rate)
                last = self.result.history[-1]
                reason = schedule.observe(accuracy=last.watched_accuracy, loss=last.watched_loss)
                epoch += 1
                seconds = last.training_seconds + last.evaluation_seconds
                reason = reason or (self._budget_reason(seconds) if epoch < variant.epochs else None)
                if reason is not None:
                    self.result.stop_reason = reason
                    return self._finish(watched_logits)
        self.result.stop_reason = StopReason("all-epochs", epoch)
        return self._finish(watched_logits)

    def _finish(self, watched_logits: Logits | None) -> FitResult:
        if self._plan.protocol != "paper" or watched_logits is None:
            watched_logits = self._evaluate(self._plan.test_rows)
            _check_logits(watched_logits, len(self.result.history))
        self.result.test_logits = watched_logits
        return self.result

    def _budget_reason(self, epoch_seconds: float) -> StopReason | None:
        """Why no further epoch is begun that would take about so long; None where there is time."""
        seconds = self._budget.seconds
        if seconds is None:
            return None
        spent = self.result.clocks.training + self.result.clocks.evaluation
        if spent + epoch_seconds <= seconds:
            return None
        return StopReason("budget-seconds", len(self.result.history), seconds=seconds)

    def _start_phase(self, phase: Phase, epoch: int) -> None:
        """Compile everything on steps that are undone, and keep what the untrained network says."""
        if epoch:
            self._model.start_phase(phase)
        self._feed = self._feed_of(phase, epoch)
        first_rows = self._plan.test_rows[: evaluation_batch_size(self._model.variant)]
        logits = self._evaluate(first_rows, clocked=False)
        if not epoch:
            self.result.initial_logits = logits
        batches, rate = self._feed.training_batches(epoch), self._model.variant.learning_rate
        state = self._model.get_state()
        sizes = {len(batches[index]): index for index in (0, len(batches) - 1)}
        for index in sizes.values():  # the last batch may be smaller: another shape, another compilation
            self._model.train(batches[index : index + 1], learning_rate=rate)
        if epoch and self._budget.seconds is not None:  # another phase's epochs say nothing of this one's
            self._model.wait()
            start = time.perf_counter()
            self._model.train(batches[:1], learning_rate=rate)
            self._model.wait()
            self._forecast = (time.perf_counter() - start) * len(batches)
        self._model.set_state(state)
        self._model.wait()

    def _feed_of(self, phase: Phase, epoch: int) -> InputPipeline:
        """What an epoch and its evaluation are fed with."""
        if self._keep_features is None or phase.trainable != "head":
            return self._pipeline
        start = time.perf_counter()
        try:
            return self._keep_features(epoch)
        finally:
            self.result.clocks.features += time.perf_counter() - start

    def _epoch(self, epoch: int, learning_rate: float) -> Logits:
        clocks, before = self.result.clocks, replace(self.result.clocks)
        together = self._train_epoch(epoch, learning_rate)
        watched = self._plan.watched_rows
        logits, labels = self._evaluate(watched), self._dataset.labels[watched]
        _check_logits(logits, epoch + 1)
        record = EpochRecord(
            epoch=epoch,
            learning_rate=learning_rate,
            training_loss=together.loss_sum / together.examples,
            training_accuracy=together.correct / together.examples,
            watched_loss=mean_cross_entropy(logits, labels),
            watched_accuracy=accuracy(logits, labels),
            training_seconds=clocks.training - before.training,
            input_seconds=clocks.input - before.input,
            evaluation_seconds=clocks.evaluation - before.evaluation,
        )
        self.result.history.append(record)
        self._observer.epoch_done(record)
        return logits

    def _train_epoch(self, epoch: int, learning_rate: float) -> Totals:
        """Every example once, slice by slice."""
        clocks, position, steps = self.result.clocks, 0, FIRST_SLICE_STEPS
        start = time.perf_counter()
        feed = _ClockedBatches(self._feed.training_batches(epoch), clocks)
        seconds = time.perf_counter() - start  # drawing order and maps is input as well
        clocks.input += seconds
        clocks.training += seconds
        totals: list[Totals] = []
        while position < len(feed):
            self._check_interruption()
            start = time.perf_counter()
            totals.append(self._model.train(feed[position : position + steps], learning_rate=learning_rate))
            self._model.wait()
            spent = time.perf_counter() - start
            seconds += spent
            clocks.training += spent
            _check_finite(totals[-1], epoch, position)
            position += len(totals[-1].step_losses)
            steps = max(1, math.ceil(position / seconds * SLICE_SECONDS))
            together = _add(totals)
            self._observer.slice_done(epoch, together, together.examples, seconds)
        return _add(totals)

    def _evaluate(self, rows: NDArray[np.intp], *, clocked: bool = True) -> Logits:
        """Logits of rows, shape (n, 7). The last batch is filled up, so that one shape is compiled."""
        start = time.perf_counter()
        size = evaluation_batch_size(self._model.variant)
        filled = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % size)])
        batches = self._feed.plain_batches(filled, size)
        results, steps, done = [], 1, 0
        while done < len(batches):
            self._check_interruption()
            results.append(self._model.logits(batches[done : done + steps]))
            done += steps
            steps = max(1, int(done / (time.perf_counter() - start) * SLICE_SECONDS))
        if clocked:
            self.result.clocks.evaluation += time.perf_counter() - start
        return np.concatenate(results)[: len(rows)]

    def _check_interruption(self) -> None:
        if self._is_interrupted():
            raise Interrupted


def evaluation_batch_size(variant: Variant) -> int:
    """Images a batch of evaluation: fewer where pictures are larger, so that memory stays alike."""
    share = (IMAGE_SIZE / variant.input_size) ** 2
    return max(8, round(EVALUATION_BATCH_SIZE * share))


def _add(totals: Sequence[Totals]) -> Totals:
    return Totals(
        loss_sum=sum(each.loss_sum for each in totals),
        correct=sum(each.correct for each in totals),
        examples=sum(each.examples for each in totals),
        step_losses=np.concatenate([each.step_losses for each in totals]),
    )


def _check_finite(totals: Totals, epoch: int, steps_before: int) -> None:
    (bad,) = np.nonzero(~np.isfinite(totals.step_losses))
    if len(bad):
        raise TrainingDiverged(
            f"training loss = {totals.step_losses[bad[0]]} in epoch {epoch + 1}, step {steps_before + bad[0] + 1} "
            "(both counted from 1); expected a finite number: lower the learning rate or look at the data"
        )


def _check_logits(logits: Logits, epochs: int) -> None:
    """A last step can spoil the weights without any loss to show it."""
    bad = int((~np.isfinite(logits).all(axis=1)).sum())
    if bad:
        raise TrainingDiverged(
            f"logits of {bad} of {len(logits)} images are not finite after epoch {epochs} (counted from 1); "
            "expected finite numbers: lower the learning rate or look at the data"
        )
