"""Errors in the training of PyTorch; `table` says what each does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.interface import Batch
from harness.variant import Phase
from impls.pytorch import implementation
from tests.meta.mutations.patching import Patch, around

MODEL = implementation.TorchModel

# Loss


def divided_by_sum_of_weights(patch: Patch) -> None:
    def loss(original: Any, self: Any, logits: Tensor, batch: Batch) -> Any:
        return original(self, logits, batch) * float(len(batch) / batch.weights.sum())

    around(patch, MODEL, "_loss", loss)


def labels_smoothed(patch: Patch, size: float) -> None:
    def cross_entropy(original: Any, logits: Tensor, labels: Tensor, **options: Any) -> Any:
        return original(logits, labels, label_smoothing=size, **options)

    around(patch, functional, "cross_entropy", cross_entropy)


# Optimizer


def _change_epsilon(patch: Patch, change: Any) -> None:
    def set_step(original: Any, self: Any, learning_rate: float) -> None:
        original(self, learning_rate)
        for group in self._optimizer.param_groups:
            group["eps"] = change(self.variant.optimizer.epsilon, group["eps"])

    around(patch, MODEL, "_set_step", set_step)


def epsilon_inside(patch: Patch) -> None:
    _change_epsilon(patch, lambda own, _moved: own)


def epsilon(patch: Patch, size: float) -> None:
    _change_epsilon(patch, lambda _own, moved: size * moved)


def beta_2(patch: Patch, size: float) -> None:
    def init(original: Any, self: Any, parameters: Any, *, betas: tuple[float, float], **options: Any) -> None:
        original(self, parameters, betas=(betas[0], size), **options)

    around(patch, torch.optim.Adam, "__init__", init)


def weight_decay(patch: Patch, size: float) -> None:
    around(
        patch,
        torch.optim.Adam,
        "__init__",
        lambda init, self, parameters, **options: init(self, parameters, weight_decay=size, **options),
    )


def moments_kept(patch: Patch) -> None:
    def start_phase(original: Any, self: Any, phase: Phase) -> None:
        old = (self._optimizer, self._steps) if hasattr(self, "_optimizer") else None
        original(self, phase)
        if old is not None:
            self._optimizer, self._steps = old

    around(patch, MODEL, "start_phase", start_phase)


def frozen_layers_train(patch: Patch) -> None:
    around(patch, implementation, "trainable_layers", lambda names, variant, _phase: names(variant, Phase(1, "all")))
