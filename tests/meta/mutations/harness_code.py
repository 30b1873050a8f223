"""Errors in what both frameworks share; `table` says what each does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from harness.data import (
    augment,
    batches,
    door_csv,
    pipelines,
    pixels,
    splits,
)
from harness.data.dataset import Dataset
from harness.interface import Batch
from harness.training import (
    fit,
    metrics,
    schedule,
)
from harness.training import (
    rows as plan,
)
from tests.meta.mutations.patching import Patch, around, everywhere

# Data


def shared_last_batch_dropped(patch: Patch) -> None:
    patch.setattr(batches.Batches, "__len__", lambda self: len(self.rows) // self.batch_size)


def shared_labels_rotated(patch: Patch) -> None:
    def getitem(original: Any, self: Any, index: Any) -> Any:
        found = original(self, index)
        return replace(found, labels=(found.labels + 1) % 7) if isinstance(found, Batch) else found

    around(patch, batches.Batches, "__getitem__", getitem)


def csv_labels_taken_as_they_are(patch: Patch) -> None:
    patch.setattr(door_csv, "_LABELS", {str(code).encode(): code for code in range(7)})


def same_order_every_epoch(patch: Patch) -> None:
    everywhere(patch, batches, "training_order", lambda order, rows, *, seed, epoch: order(rows, seed=seed, epoch=0))


def same_maps_every_epoch(patch: Patch) -> None:
    everywhere(patch, augment, "draw_maps", lambda draw, ranges, *, epoch, **rest: draw(ranges, epoch=0, **rest))


def evaluation_on_augmented_pixels(patch: Patch, size: float) -> None:
    def plain_batches(original: Any, dataset: Dataset, *arguments: Any) -> Any:
        moved = augment.identity_maps(len(dataset)) + np.array([[0, 0, size], [0, 0, size]], np.float32)
        return replace(original(dataset, *arguments), maps=moved)

    everywhere(patch, batches, "plain_batches", plain_batches)


def reference_pixels_shifted(patch: Patch, size: float) -> None:
    everywhere(patch, pixels, "output_grid", lambda grid, count: grid(count) + size)


def tests_leaked(patch: Patch, size: float) -> None:
    def make_plan(original: Any, *arguments: Any, **options: Any) -> plan.Plan:
        made: plan.Plan = original(*arguments, **options)
        return replace(made, training_rows=np.concatenate([made.training_rows, made.test_rows[: int(size)]]))

    everywhere(patch, plan, "make_plan", make_plan)


def twins_divided(patch: Patch) -> None:
    patch.setattr(splits, "hash_groups", lambda images: np.arange(len(images)))


# The loop


def shared_class_weights_ignored(patch: Patch) -> None:
    around(patch, pipelines, "class_weights", lambda weights, labels, _scheme: weights(labels, "none"))


def class_weights_scaled(patch: Patch, size: float) -> None:
    everywhere(patch, splits, "class_weights", lambda weights, labels, scheme: size * weights(labels, scheme))


def scheduled_learning_rate(patch: Patch, size: float) -> None:
    def init(original: Any, self: Any, variant: Any) -> None:
        original(self, variant)
        self.learning_rate *= size

    around(patch, schedule.Schedule, "__init__", init)


def plateau_an_epoch_late(patch: Patch) -> None:
    def init(original: Any, self: Any, rule: Any) -> None:
        original(self, replace(rule, patience=rule.patience + 1))

    around(patch, schedule._PlateauWatch, "__init__", init)


def divergence_unnoticed(patch: Patch) -> None:
    patch.setattr(fit, "_check_finite", lambda *_: None)


def spoilt_logits_unnoticed(patch: Patch) -> None:
    patch.setattr(fit, "_check_logits", lambda *_: None)


def confusion_transposed(patch: Patch) -> None:
    around(patch, metrics, "confusion_matrix", lambda matrix, *arguments, **options: matrix(*arguments, **options).T)
