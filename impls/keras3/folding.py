"""The first convolution of grey pictures: three equal channels are one."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from harness.variant import Variant

Tensor = Any  # a backend's tensor


class GreyConvolution(layers.Conv2D):
    """A convolution of equal channels, Σ w·x = (Σ w)·x: while it is frozen it reads the first alone.

    A kernel that trains needs the gradient of each of its channels, so that nothing is folded then.
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Return (n, height, width, filters), bias not yet added, from (n, height, width, channels)."""
        if self.trainable:
            return super().convolution_op(inputs, kernel)
        return super().convolution_op(inputs[..., :1], ops.sum(kernel, axis=-2, keepdims=True))


def first_convolution(variant: Variant) -> type[layers.Conv2D]:
    """Class of the first layer: channels are equal in [0, 1] alone, other conventions shift each its own way."""
    is_grey = variant.input_convention == "unit-range" and variant.input_channels > 1
    return GreyConvolution if is_grey else layers.Conv2D
