"""Errors in the training of Keras 3; `table` says what each does."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from harness.variant import Phase
from impls.keras3 import implementation
from tests.meta.mutations.patching import Patch, around

MODEL = implementation.KerasModel

# Loss


def divided_by_sum_of_weights(patch: Patch) -> None:
    def init(original: Any, self: Any, **options: Any) -> None:
        original(self, **options, reduction="mean_with_sample_weight")

    around(patch, keras.losses.SparseCategoricalCrossentropy, "__init__", init)


def labels_smoothed(patch: Patch, size: float) -> None:
    def call(original: Any, self: Any, labels: Any, logits: Any) -> Any:
        even = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)
        return (1 - size) * original(self, labels, logits) + size * even

    around(patch, keras.losses.SparseCategoricalCrossentropy, "call", call)


# Optimizer


def epsilon_inside(patch: Patch) -> None:
    def update_step(original: Any, self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        outside = self.epsilon
        steps = ops.cast(self.iterations + 1, "float32")
        self.epsilon = outside * ops.sqrt(1 - ops.power(self.beta_2, steps))
        original(self, gradient, variable, learning_rate)
        self.epsilon = outside

    around(patch, keras.optimizers.Adam, "update_step", update_step)


def epsilon(patch: Patch, size: float) -> None:
    def init(original: Any, self: Any, *, epsilon: float, **options: Any) -> None:
        original(self, epsilon=size * epsilon, **options)

    around(patch, keras.optimizers.Adam, "__init__", init)


def beta_2(patch: Patch, size: float) -> None:
    def init(original: Any, self: Any, *, beta_2: float, **options: Any) -> None:
        original(self, beta_2=size, **options)

    around(patch, keras.optimizers.Adam, "__init__", init)


def weight_decay(patch: Patch, size: float) -> None:
    def update_step(original: Any, self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        original(self, gradient + size * variable, variable, learning_rate)

    around(patch, keras.optimizers.Adam, "update_step", update_step)


def moments_kept(patch: Patch) -> None:
    def start_phase(original: Any, self: Any, phase: Phase) -> None:
        old = [each.value for each in self._optimizer.variables] if hasattr(self, "_optimizer") else []
        original(self, phase)
        for value, variable in zip(old, self._optimizer.variables, strict=False):
            variable.assign(value)

    around(patch, MODEL, "start_phase", start_phase)


def frozen_layers_train(patch: Patch) -> None:
    around(patch, implementation, "trainable_layers", lambda names, variant, _phase: names(variant, Phase(1, "all")))
