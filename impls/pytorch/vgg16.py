"""VGG16's convolutional base."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from harness.architectures import VGG16_BLOCKS
from harness.variant import Variant
from impls.pytorch.folding import first_convolution


def vgg16(variant: Variant) -> nn.Sequential:
    """The base: features (n, channels, height, width) from network input."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels: int = variant.input_channels
    for block, (filters, convolutions) in enumerate(VGG16_BLOCKS[: variant.blocks], start=1):
        for index in range(1, convolutions + 1):
            name = f"block{block}_conv{index}"
            width = filters // variant.width_divisor
            kind = nn.Conv2d if block > 1 or index > 1 else first_convolution(variant)
            layers[name] = kind(channels, width, 3, padding=1)
            layers[f"{name}_relu"] = nn.ReLU()
            channels = width
        layers[f"block{block}_pool"] = nn.MaxPool2d(2, 2)
    return nn.Sequential(layers)
