"""Errors in how a model's methods are called: the same lines for both frameworks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.interface import Batch, Totals
from tests.meta.mutations.patching import Patch, around, change_batches


def class_weights_ignored(patch: Patch, model: Any) -> None:
    change_batches(patch, model, "train", lambda batch: replace(batch, weights=np.ones_like(batch.weights)))


def labels_rotated(patch: Patch, model: Any) -> None:
    change_batches(patch, model, "train", lambda batch: replace(batch, labels=(batch.labels + 1) % 7))


def learning_rate(patch: Patch, model: Any, size: float) -> None:
    def train(original: Any, self: Any, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        totals: Totals = original(self, batches, learning_rate=size * learning_rate)
        return totals

    around(patch, model, "train", train)


def last_batch_dropped(patch: Patch, model: Any) -> None:
    def train(original: Any, self: Any, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        whole = [batch for batch in batches if len(batch) == self.variant.batch_size]
        if not whole:
            return Totals(0.0, 0, 0, np.zeros(0))
        totals: Totals = original(self, whole, learning_rate=learning_rate)
        return totals

    around(patch, model, "train", train)


def batches_reversed(patch: Patch, model: Any) -> None:
    def train(original: Any, self: Any, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        totals: Totals = original(self, [*batches][::-1], learning_rate=learning_rate)
        return totals

    around(patch, model, "train", train)


def nan_hidden(patch: Patch, model: Any) -> None:
    def train(original: Any, self: Any, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        totals: Totals = original(self, batches, learning_rate=learning_rate)
        losses = np.nan_to_num(totals.step_losses)
        return replace(totals, loss_sum=float(np.nan_to_num(totals.loss_sum)), step_losses=losses)

    around(patch, model, "train", train)


def evaluation_augmented(patch: Patch, model: Any, size: float) -> None:
    shift = np.array([[0, 0, size], [0, 0, size]], np.float32)
    change_batches(patch, model, "logits", lambda batch: replace(batch, maps=batch.maps + shift))
