"""ResNet50's convolutional base: Keras' version 1, stride on the first 1×1 convolution, biases kept."""

from __future__ import annotations

from typing import Any

from keras import layers

from harness.architectures import (
    BATCH_NORM_EPSILON,
    RESNET50_STAGES,
    RESNET50_STEM_FILTERS,
)
from harness.variant import Variant
from impls.keras3.folding import first_convolution
from impls.keras3.weights import UNSET

Tensor = Any  # symbolic


def batch_norm(x: Tensor, name: str, momentum: float) -> Tensor:
    """Batch norm with the reference's ε; its running variance is the biased one."""
    return layers.BatchNormalization(momentum=momentum, epsilon=BATCH_NORM_EPSILON, name=name)(x)


def convolution(x: Tensor, name: str, filters: int, size: int, stride: int = 1, *, padding: str = "valid") -> Tensor:
    """Convolution with a bias."""
    layer = layers.Conv2D(filters, size, stride, padding, kernel_initializer=UNSET, name=name)
    return layer(x)


def bottleneck(x: Tensor, name: str, filters: int, stride: int, *, momentum: float, projects: bool) -> Tensor:
    """Three convolutions around a shortcut, which is projected where shapes change."""
    shortcut = x
    if projects:
        shortcut = convolution(x, f"{name}_0_conv", 4 * filters, 1, stride)
        shortcut = batch_norm(shortcut, f"{name}_0_bn", momentum)
    x = convolution(x, f"{name}_1_conv", filters, 1, stride)
    x = batch_norm(x, f"{name}_1_bn", momentum)
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = convolution(x, f"{name}_2_conv", filters, 3, padding="same")
    x = batch_norm(x, f"{name}_2_bn", momentum)
    x = layers.ReLU(name=f"{name}_2_relu")(x)
    x = convolution(x, f"{name}_3_conv", 4 * filters, 1)
    x = batch_norm(x, f"{name}_3_bn", momentum)
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def resnet50(x: Tensor, variant: Variant) -> Tensor:
    """Features of the base, (n, height, width, channels), from network input."""
    momentum = variant.batch_norm_momentum
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    stem = first_convolution(variant)
    x = stem(RESNET50_STEM_FILTERS // variant.width_divisor, 7, 2, kernel_initializer=UNSET, name="conv1_conv")(x)
    x = batch_norm(x, "conv1_bn", momentum)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
    for stage, (filters, blocks, stride) in enumerate(RESNET50_STAGES[: variant.blocks], start=2):
        for block in range(1, blocks + 1):
            name, width = f"conv{stage}_block{block}", filters // variant.width_divisor
            first = block == 1
            x = bottleneck(x, name, width, stride if first else 1, momentum=momentum, projects=first)
    return x
