"""What torchvision calls the weights of VGG16 and ResNet50, and what they are called here.

Source: torchvision 0.29.1, torchvision/models/vgg.py (`make_layers`) and resnet.py (`Bottleneck`, `ResNet`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from harness.architectures import RESNET50_STAGES, VGG16_BLOCKS

_CONVOLUTION: Final = {"kernel": "weight"}
_CONVOLUTION_WITH_BIAS: Final = {"kernel": "weight", "bias": "bias"}
_BATCH_NORM: Final = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _vgg16() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Layers here and there, with their weights. There, they are counted with the ReLU and pooling between."""
    position = 0
    for block, (_, convolutions) in enumerate(VGG16_BLOCKS, start=1):
        for index in range(1, convolutions + 1):
            yield f"block{block}_conv{index}", f"features.{position}", _CONVOLUTION_WITH_BIAS
            position += 2
        position += 1


def _resnet50() -> Iterator[tuple[str, str, dict[str, str]]]:
    yield "conv1_conv", "conv1", _CONVOLUTION
    yield "conv1_bn", "bn1", _BATCH_NORM
    for stage, (_, blocks, _) in enumerate(RESNET50_STAGES, start=1):
        yield f"conv{stage + 1}_block1_0_conv", f"layer{stage}.0.downsample.0", _CONVOLUTION
        yield f"conv{stage + 1}_block1_0_bn", f"layer{stage}.0.downsample.1", _BATCH_NORM
        for block in range(blocks):
            for index in (1, 2, 3):
                ours, theirs = f"conv{stage + 1}_block{block + 1}_{index}", f"layer{stage}.{block}"
                yield f"{ours}_conv", f"{theirs}.conv{index}", _CONVOLUTION
                yield f"{ours}_bn", f"{theirs}.bn{index}", _BATCH_NORM


TORCHVISION_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{ours}.{our_weight}": f"{theirs}.{their_weight}"
        for ours, theirs, weights in (*_vgg16(), *_resnet50())
        for our_weight, their_weight in weights.items()
    }
)
"""Canonical name to torchvision's, of both bases: `block1_conv1.kernel` to `features.0.weight`."""

BIASES_WITHOUT_EQUAL: Final = frozenset(f"{ours}.bias" for ours, _, weights in _resnet50() if weights is _CONVOLUTION)
"""Biases of Keras' ResNet50 that torchvision's does not have: a norm follows, which takes them away."""
