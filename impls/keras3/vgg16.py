"""VGG16's convolutional base."""

from __future__ import annotations

from typing import Any

from keras import layers

from harness.architectures import VGG16_BLOCKS
from harness.variant import Variant
from impls.keras3.folding import first_convolution
from impls.keras3.weights import UNSET

Tensor = Any  # symbolic


def vgg16(x: Tensor, variant: Variant) -> Tensor:
    """Features of the base, (n, height, width, channels), from network input."""
    for block, (filters, convolutions) in enumerate(VGG16_BLOCKS[: variant.blocks], start=1):
        for index in range(1, convolutions + 1):
            name = f"block{block}_conv{index}"
            width = filters // variant.width_divisor
            kind = layers.Conv2D if block > 1 or index > 1 else first_convolution(variant)
            x = kind(width, 3, padding="same", kernel_initializer=UNSET, name=name)(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(2, 2, name=f"block{block}_pool")(x)
    return x
