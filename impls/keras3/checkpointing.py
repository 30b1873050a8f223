"""Activation checkpointing: a block keeps its input alone, and computes the rest again in the backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from harness.architectures import segments
from harness.variant import Variant

Tensor = Any  # symbolic, or a backend's tensor


class Block(keras.Model):
    """A part of a base. While it is frozen, or nothing trains, it is computed as it is: nothing is kept then."""

    def call(self, x: Tensor, training: bool | None = None, mask: Tensor = None) -> Tensor:
        """Return (n, height, width, channels)."""
        if not (training and self.trainable_variables):
            return super().call(x, training=training)
        statistics = self.non_trainable_variables
        # copies of the statistics: torch keeps what it is given for the second time, and they are written into below
        values = [each.value if each.trainable else ops.copy(each.value) for each in self.variables]
        result, moved = keras.remat(self.compute)(x, *values)
        for variable, value in zip(statistics, moved, strict=True):
            variable.assign(value)
        return result

    def compute(self, x: Tensor, *values: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The layers one after the other, as a function of all that they read; and where the statistics moved."""
        known = list(zip(self.variables, values, strict=True))
        with keras.StatelessScope(known, initialize_variables=False) as scope:
            result = super().call(x, training=True)
        return result, [scope.get_current_value(each) for each in self.non_trainable_variables]


def checkpointed(pixels: Tensor, outputs: Mapping[str, Tensor], variant: Variant) -> Tensor:
    """Features (n, height, width, channels) from pixels by the same layers, whose outputs are given, block by block."""
    x = entry = pixels
    for *_, last in segments(variant):
        x, entry = Block(entry, outputs[last])(x), outputs[last]
    return x
