"""Whether a stored history is one that the loop can have left: numbers, rules and clocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from harness.records.record import RunRecord, Timings
from harness.training.fit import EpochRecord
from harness.training.schedule import Schedule
from harness.training.stop_reason import StopReason
from harness.verification.flaws import Flaw, are_close, is_count

LARGEST: Final = 2 * float(np.finfo(np.float32).max)
"""Of a loss, which is a difference of logits in float32."""
MOST_SECONDS: Final = 1e9
"""Thirty years."""


def check_history(record: RunRecord) -> Iterator[Flaw]:
    """Epochs one by one, then stop rule and learning rate by letting the schedule see the same figures again."""
    history, planned = record.history, record.spec.variant.epochs
    if [each.epoch for each in history] != list(range(len(history))) or len(history) > planned:
        numbers = ", ".join(str(each.epoch + 1) for each in history[:4])
        yield Flaw("history", f"{len(history)} epochs, numbered {numbers} …", f"1, 2, … and at most {planned}")
        return
    strange = [flaw for each in history for flaw in _check_epoch(each, record)]
    yield from strange
    if not strange and history:
        yield from _replay(record)


def _check_epoch(epoch: EpochRecord, record: RunRecord) -> Iterator[Flaw]:
    name = f"epoch {epoch.epoch + 1}"
    for field, value in vars(epoch).items():
        most = MOST_SECONDS if field.endswith("_seconds") else LARGEST
        if not 0 <= value <= most:  # nor is NaN
            yield Flaw("history", f"{name}: {field} = {value}", f"a number from 0 to {most:g}")
    if record.dataset is not None:
        for side, accuracy, images in (
            ("training", epoch.training_accuracy, record.dataset.training_examples),
            ("watched", epoch.watched_accuracy, record.dataset.watched_examples),
        ):
            if not is_count(accuracy, images):
                seen = f"{name}: {side} accuracy {accuracy} is no count of {images:,} images"
                yield Flaw("granularity", seen, f"k/{images} for a whole k")
    if not 0 < epoch.training_seconds >= epoch.input_seconds:
        seen = f"{name}: {epoch.training_seconds:.3f} s of training, {epoch.input_seconds:.3f} s of it input"
        yield Flaw("timings", seen, "training above 0 and not below the input that it contains")


def _replay(record: RunRecord) -> Iterator[Flaw]:
    """What the rules decide on the stored figures, against what the record says they decided."""
    history, schedule, seconds = record.history, Schedule(record.spec.variant), record.spec.budget.seconds
    reason: StopReason | None = None
    for each in history:
        name = f"epoch {each.epoch + 1}"
        if reason is not None:
            yield Flaw(
                "stop-rule", f"{name} follows one after which the rule ends training ({reason.kind})", "no more epochs"
            )
            return
        if not are_close(each.learning_rate, schedule.learning_rate):
            seen = f"{name}: learning rate {each.learning_rate:g}"
            yield Flaw("learning-rate", seen, f"{schedule.learning_rate:g}, by the variant's rules and the history")
        reason = schedule.observe(accuracy=each.watched_accuracy, loss=each.watched_loss)
    if record.status != "complete":
        return
    if reason is None and len(history) == record.spec.variant.epochs:
        reason = StopReason("all-epochs", len(history))
    if reason is None and seconds is not None:
        reason = StopReason("budget-seconds", len(history), seconds=seconds)
    if record.stop_reason != reason:
        expected = _told(reason) if reason else f"a rule that fired, or all {record.spec.variant.epochs} epochs"
        yield Flaw("stop-rule", f"{len(history)} epochs, ended by {_told(record.stop_reason)}", expected)


def _told(reason: StopReason | None) -> str:
    if reason is None:
        return "nothing"
    values = {name: value for name, value in vars(reason).items() if name != "kind" and value is not None}
    return f"{reason.kind} with {', '.join(f'{name}={value}' for name, value in values.items())}"


def check_timings(record: RunRecord) -> Iterator[Flaw]:
    """Sums over epochs, parts within the whole, and the rate."""
    timings = record.timings
    if timings is None:
        if record.status == "complete":
            yield Flaw("timings", "no timings", "those of a complete run")
        return
    values = {name: value for name, value in vars(timings).items() if value is not None}
    rates = {name: values.pop(name) for name in list(values) if name.endswith("_per_second")}
    bad = [f"{name} = {value}" for name, value in values.items() if not 0 <= value <= MOST_SECONDS]
    bad += [f"{name} = {rate}" for name, rate in rates.items() if not 0 <= rate < math.inf]
    if bad:
        seen = ", ".join(bad)
        yield Flaw("timings", seen, f"seconds from 0 to {MOST_SECONDS:g}, and finite rates")
        return
    for name in ("training_seconds", "input_seconds"):
        total = sum(getattr(each, name) for each in record.history)
        if not are_close(getattr(timings, name), total):
            yield Flaw("timings", f"{name} {getattr(timings, name):.3f}", f"{total:.3f}, the sum over epochs")
    yield from _check_whole(timings, record)
    yield from _check_rate(timings, record)


def _check_whole(timings: Timings, record: RunRecord) -> Iterator[Flaw]:
    evaluated = sum(each.evaluation_seconds for each in record.history)
    if timings.evaluation_seconds < evaluated and not are_close(timings.evaluation_seconds, evaluated):
        seen = f"evaluation_seconds {timings.evaluation_seconds:.3f}"
        yield Flaw("timings", seen, f"at least {evaluated:.3f}, the sum over epochs")
    parts = timings.warm_up_seconds + timings.features_seconds + timings.training_seconds + timings.evaluation_seconds
    if timings.total_seconds < parts and not are_close(timings.total_seconds, parts):
        yield Flaw("timings", f"total_seconds {timings.total_seconds:.3f}", f"at least {parts:.3f}, its parts together")


def _check_rate(timings: Timings, record: RunRecord) -> Iterator[Flaw]:
    if record.dataset is None or not timings.training_seconds:
        return
    expected = record.dataset.training_examples * len(record.history) / timings.training_seconds
    observed = timings.training_images_per_second
    if observed is None or not are_close(observed, expected):
        yield Flaw("timings", f"training_images_per_second {observed}", f"{expected:.3f}, images over seconds")
