"""A model without a network: it says what a test wrote into it, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.architectures import feature_shape
from harness.data.dataset import SPLITS, Dataset
from harness.interface import (
    IMAGE_SIZE,
    Batch,
    Features,
    Images,
    Logits,
    State,
    Totals,
    Weights,
)
from harness.training.fit import EpochRecord
from harness.variant import Phase, StopRule, Variant
from tests.support.papers import PAPER

CONFIDENCE = 4.0
"""The logit of the answer; the others are 0."""


def fake_variant(**changes: Any) -> Variant:
    """A variant of three epochs, batches of 8 and no rules; `epochs` alone makes one phase of that length."""
    values: dict[str, Any] = {"epochs": 3, "stop_rule": StopRule("never"), "input_size": 48, "batch_size": 8} | changes
    values.setdefault("phases", (Phase(values["epochs"], "all"),))
    return replace(PAPER.variants["vgg16-scratch"], **values)


def numbered_dataset(training: int = 50, public_test: int = 20, private_test: int = 20) -> Dataset:
    """A data set whose pictures carry the number of their row, and whose labels go round the classes."""
    sizes = (training, public_test, private_test)
    count = sum(sizes)
    images = np.zeros((count, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    labels = (np.arange(count) % 7).astype(np.uint8)
    splits = np.repeat(np.arange(len(SPLITS), dtype=np.uint8), sizes)
    return Dataset(images, labels, splits, name="toyfaces", door="toyfaces", digest="0" * 64)


def numbers(batch: Batch) -> list[int]:
    """Rows of a batch's pictures in their `numbered_dataset`."""
    return [256 * int(high) + int(low) for high, low in batch.images[:, 0, :2]]


def numbers_of_features(batch: Batch) -> tuple[int, ...] | None:
    """Rows of a batch's `numbered_features`; None where it has no features."""
    return None if batch.features is None else tuple(map(int, batch.features[:, 0, 0, 0]))


def numbered_features(variant: Variant, rows: Iterable[int]) -> Features:
    """Features that carry the number of their row."""
    numbers_of_rows = np.array(list(rows), np.float32)
    return np.broadcast_to(numbers_of_rows[:, None, None, None], (len(numbers_of_rows), *feature_shape(variant)))


class FakeClock:
    """Stands in for `time`; moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        # a real clock moves between two looks at it, if only a little
        self.now += 1e-9
        return self.now

    monotonic = perf_counter


@dataclass(frozen=True)
class Call:
    """What a model was asked: the method, rows batch by batch, learning rate, phase.

    `features` are the rows that the batches' `numbered_features` name, batch by batch; None for a batch without.
    """

    method: str
    rows: tuple[tuple[int, ...], ...] = ()
    learning_rate: float | None = None
    phase: Phase | None = None
    features: tuple[tuple[int, ...] | None, ...] = ()

    @property
    def all_rows(self) -> list[int]:
        return [row for batch in self.rows for row in batch]


@dataclass(eq=False)
class FakeModel:
    """Implements `harness.interface.Model` on numbered pictures.

    Attributes:
        variant: As in the protocol.
        loss: Mean loss of a step from the number of steps taken before it since the beginning.
        skill: Share of images answered rightly, in per cent, from the number of steps taken: those whose
            row's last two digits are below it. A negative one makes every logit NaN.
        weights: What it says that its weights are.
        clock: Moved by a second for each step, a hundredth for each batch of evaluation, a tenth for one of features.
        calls: What was asked so far, in order.
        steps: Steps taken; all that its state holds.
    """

    variant: Variant
    loss: Callable[[int], float] = lambda steps: 1 / (1 + steps)
    skill: Callable[[int], float] = lambda steps: 50
    weights: Weights = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    calls: list[Call] = field(default_factory=list)
    steps: int = 0

    def start_phase(self, phase: Phase) -> None:
        self.calls.append(Call("start_phase", phase=phase))

    def train(self, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        losses: list[float] = []
        rows: list[tuple[int, ...]] = []
        features: list[tuple[int, ...] | None] = []
        loss_sum, correct = 0.0, 0
        for batch in batches:
            losses.append(self.loss(self.steps))
            rows.append(tuple(numbers(batch)))
            features.append(numbers_of_features(batch))
            loss_sum += losses[-1] * len(batch)
            correct += int((batch.labels == 0).sum())
            self.steps += 1
            self.clock.now += 1
        self.calls.append(Call("train", tuple(rows), learning_rate, features=tuple(features)))
        return Totals(loss_sum, correct, sum(map(len, rows)), np.array(losses))

    def logits(self, batches: Sequence[Batch]) -> Logits:
        skill = self.skill(self.steps)
        results: list[NDArray[np.float32]] = []
        rows: list[tuple[int, ...]] = []
        features: list[tuple[int, ...] | None] = []
        for batch in batches:
            rows.append(tuple(numbers(batch)))
            features.append(numbers_of_features(batch))
            is_right = np.array(rows[-1]) % 100 < skill
            answers = np.where(is_right, batch.labels, (batch.labels + 1) % 7)
            logits = CONFIDENCE * np.eye(7, dtype=np.float32)[answers]
            results.append(np.full_like(logits, np.nan) if skill < 0 else logits)
            self.clock.now += 0.01
        self.calls.append(Call("logits", tuple(rows), features=tuple(features)))
        return np.concatenate(results)

    def features(self, batches: Sequence[Batch]) -> Features:
        rows = tuple(tuple(numbers(batch)) for batch in batches)
        self.calls.append(Call("features", rows))
        self.clock.now += 0.1 * len(batches)
        return numbered_features(self.variant, self.calls[-1].all_rows)

    def pixels(self, batch: Batch) -> Images:
        raise NotImplementedError

    def activations(self, batch: Batch, *, training: bool) -> Mapping[str, NDArray[np.float32]]:
        raise NotImplementedError

    def gradients(self, batch: Batch) -> Weights:
        raise NotImplementedError

    def apply_gradients(self, gradients: Weights, *, learning_rate: float) -> None:
        raise NotImplementedError

    def get_weights(self) -> Weights:
        return dict(self.weights)

    def set_weights(self, weights: Weights) -> None:
        raise NotImplementedError

    def get_state(self) -> State:
        self.calls.append(Call("get_state"))
        return {"steps": np.array(self.steps)}

    def set_state(self, state: State) -> None:
        self.calls.append(Call("set_state"))
        self.steps = int(state["steps"])

    def wait(self) -> None:
        self.calls.append(Call("wait"))


@dataclass(eq=False)
class FakeObserver:
    """Remembers what it is told."""

    begun: list[tuple[int, int]] = field(default_factory=list)
    slices: list[tuple[int, int, float]] = field(default_factory=list)
    epochs: list[EpochRecord] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def begin(self, *, epochs: int, examples: int) -> None:
        self.begun.append((epochs, examples))

    def slice_done(self, epoch: int, totals: Totals, examples_done: int, seconds: float) -> None:
        assert totals.examples == examples_done
        self.slices.append((epoch, examples_done, seconds))

    def epoch_done(self, record: EpochRecord) -> None:
        self.epochs.append(record)

    def say(self, text: str) -> None:
        self.said.append(text)
