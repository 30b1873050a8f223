"""The networks as data: layers, shapes, parameters and operations of every variant, without a framework.

Both implementations are written out by hand and tested against these lists.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.interface import CLASSES, IMAGE_SIZE
from harness.variant import Architecture, Phase, Variant

Shape = tuple[int, ...]
Kind = Literal[
    "padding", "convolution", "batch-norm", "relu", "max-pooling", "add",
    "global-average-pooling", "flatten", "dense", "dropout",
]  # fmt: skip

VGG16_BLOCKS: Final = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Filters and number of convolutions of each block. Source: Simonyan & Zisserman 2015, table 1, column D."""

RESNET50_STAGES: Final = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Filters, blocks and first stride of each stage. Source: He et al. 2016, table 1; strides as in
keras.applications (version 1: on the first 1×1 convolution)."""

RESNET50_STEM_FILTERS: Final = 64
BATCH_NORM_EPSILON: Final = 1.001e-5
"""Of ResNet50's norms. Source: keras.applications.resnet."""
HEAD_BATCH_NORM_EPSILON: Final = 1e-3
"""Of a norm in a head. Source: Keras' default."""


@dataclass(frozen=True)
class Layer:
    """One layer with its weights.

    Attributes:
        name: Canonical, as in keras.applications where it has such a layer.
        kind: What it computes.
        part: `base` or `head`.
        output_shape: Without the batch axis: (height, width, channels) or (features,).
        weights: Name within the layer (`kernel`) to shape, running statistics included.
        flops: Floating-point operations a forward pass and image: two for each multiply-add of
            convolutions and dense layers; the rest is not counted (below 1 % here).
    """

    name: str
    kind: Kind
    part: Literal["base", "head"]
    output_shape: Shape
    weights: Mapping[str, Shape] = field(default_factory=dict)
    flops: int = 0

    @property
    def parameters(self) -> int:
        """Number of weights, running statistics included, as Keras' summary counts them."""
        return sum(math.prod(shape) for shape in self.weights.values())


class _Builder:
    """Collects layers while tracking the shape that flows through."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.part: Literal["base", "head"] = "base"
        self.layers: list[Layer] = []

    def add(
        self,
        name: str,
        kind: Kind,
        shape: Shape,
        *,
        weights: Mapping[str, Shape] | None = None,
        flops: int = 0,
    ) -> None:
        self.layers.append(Layer(name, kind, self.part, shape, weights or {}, flops))
        self.shape = shape

    def convolution(self, name: str, filters: int, kernel: int, stride: int, *, same: bool) -> None:
        height, width, channels = self.shape
        if same:
            height, width = math.ceil(height / stride), math.ceil(width / stride)
        else:
            height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        weights = {"kernel": (kernel, kernel, channels, filters), "bias": (filters,)}
        flops = 2 * height * width * kernel * kernel * channels * filters
        self.add(name, "convolution", (height, width, filters), weights=weights, flops=flops)

    def batch_norm(self, name: str) -> None:
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        self.add(name, "batch-norm", self.shape, weights=dict.fromkeys(names, self.shape[-1:]))

    def padding(self, name: str, border: int) -> None:
        height, width, channels = self.shape
        self.add(name, "padding", (height + 2 * border, width + 2 * border, channels))

    def max_pooling(self, name: str, size: int, stride: int) -> None:
        height, width, channels = self.shape
        shape = ((height - size) // stride + 1, (width - size) // stride + 1, channels)
        self.add(name, "max-pooling", shape)

    def dense(self, name: str, units: int) -> None:
        (features,) = self.shape
        weights = {"kernel": (features, units), "bias": (units,)}
        self.add(name, "dense", (units,), weights=weights, flops=2 * features * units)


def _vgg16(build: _Builder, blocks: int, width_divisor: int) -> None:
    for block, (filters, convolutions) in enumerate(VGG16_BLOCKS[:blocks], start=1):
        for index in range(1, convolutions + 1):
            name = f"block{block}_conv{index}"
            build.convolution(name, filters // width_divisor, kernel=3, stride=1, same=True)
            build.add(f"{name}_relu", "relu", build.shape)
        build.max_pooling(f"block{block}_pool", size=2, stride=2)


def _resnet50(build: _Builder, blocks: int, width_divisor: int) -> None:
    build.padding("conv1_pad", 3)
    filters = RESNET50_STEM_FILTERS // width_divisor
    build.convolution("conv1_conv", filters, kernel=7, stride=2, same=False)
    build.batch_norm("conv1_bn")
    build.add("conv1_relu", "relu", build.shape)
    build.padding("pool1_pad", 1)
    build.max_pooling("pool1_pool", size=3, stride=2)
    for stage, (filters, depth, stride) in enumerate(RESNET50_STAGES[:blocks], start=2):
        for block in range(1, depth + 1):
            name = f"conv{stage}_block{block}"
            first = block == 1
            _bottleneck(build, name, filters // width_divisor, stride if first else 1, projects=first)


def _bottleneck(build: _Builder, name: str, filters: int, stride: int, *, projects: bool) -> None:
    shape = build.shape
    if projects:
        build.convolution(f"{name}_0_conv", 4 * filters, kernel=1, stride=stride, same=True)
        build.batch_norm(f"{name}_0_bn")
        build.shape = shape  # the other path starts from the block's input again
    build.convolution(f"{name}_1_conv", filters, kernel=1, stride=stride, same=True)
    build.batch_norm(f"{name}_1_bn")
    build.add(f"{name}_1_relu", "relu", build.shape)
    build.convolution(f"{name}_2_conv", filters, kernel=3, stride=1, same=True)
    build.batch_norm(f"{name}_2_bn")
    build.add(f"{name}_2_relu", "relu", build.shape)
    build.convolution(f"{name}_3_conv", 4 * filters, kernel=1, stride=1, same=True)
    build.batch_norm(f"{name}_3_bn")
    build.add(f"{name}_add", "add", build.shape)
    build.add(f"{name}_out", "relu", build.shape)


def _head(build: _Builder, variant: Variant) -> None:
    build.part = "head"
    for name, layer in zip(head_names(variant), variant.head, strict=True):
        match layer.kind:
            case "flatten":
                build.add(name, "flatten", (math.prod(build.shape),))
            case "global-average-pooling":
                build.add(name, "global-average-pooling", build.shape[-1:])
            case "batch-norm":
                build.batch_norm(name)
            case "dropout":
                build.add(name, "dropout", build.shape)
            case "dense":
                assert layer.units is not None  # noqa: S101 - HeadLayer checks it
                build.dense(name, layer.units)
                build.add(f"{name}_relu", "relu", build.shape)
    build.dense("logits", len(CLASSES))


def head_names(variant: Variant) -> tuple[str, ...]:
    """Canonical names of the head's layers in order, counted by kind: `flatten1`, `dense1`, `dropout1`, `dense2`."""
    counts: dict[str, int] = {}
    names = []
    for layer in variant.head:
        counts[layer.kind] = counts.get(layer.kind, 0) + 1
        names.append(f"{layer.kind.replace('-', '_')}{counts[layer.kind]}")
    return tuple(names)


_BASES: Final = {"vgg16": _vgg16, "resnet50": _resnet50}


def base_weight_names(architecture: Architecture) -> tuple[str, ...]:
    """Names of the weights of a whole base, as published weights have them, in the order of its layers."""
    build = _Builder((IMAGE_SIZE, IMAGE_SIZE, 3))
    _BASES[architecture](build, max(len(VGG16_BLOCKS), len(RESNET50_STAGES)), 1)
    return tuple(f"{layer.name}.{weight}" for layer in build.layers for weight in layer.weights)


@lru_cache(maxsize=64)
def layers(variant: Variant) -> tuple[Layer, ...]:
    """All layers of a variant after its pixels, in the order of computation."""
    build = _Builder((variant.input_size, variant.input_size, variant.input_channels))
    _BASES[variant.architecture](build, variant.blocks, variant.width_divisor)
    _head(build, variant)
    return tuple(build.layers)


def segments(variant: Variant) -> tuple[tuple[str, ...], ...]:
    """Layers of the base by block, in order: `block1`, `conv2_block1`; what stands before ResNet50's first is one too.

    Each takes one tensor and gives one: activation checkpointing keeps what goes in, and computes the rest again.
    """
    found: dict[str, list[str]] = {}
    for layer in layers(variant):
        if layer.part == "base":
            words = layer.name.split("_")
            block = "stem" if words[0] in ("conv1", "pool1") else "_".join(words[: 1 + ("block" in words[1])])
            found.setdefault(block, []).append(layer.name)
    return tuple(map(tuple, found.values()))


def trainable_layers(variant: Variant, phase: Phase) -> frozenset[str]:
    """Names of the layers whose weights a phase trains (see `Phase.trainable`); all others are frozen.

    Raises:
        ValueError: If no layer of the base begins with the name of the first trainable block.
    """
    named = [layer for layer in layers(variant) if layer.weights]
    if phase.trainable == "all":
        return frozenset(layer.name for layer in named)
    first = len(named)
    if phase.trainable != "head":
        base = [layer.name for layer in named if layer.part == "base"]
        beginning = f"{phase.trainable}_"
        first = next((index for index, name in enumerate(base) if name.startswith(beginning)), -1)
        if first < 0:
            # `block5_conv1` is of block5, `conv5_block1_0_bn` of conv5_block1
            blocks = dict.fromkeys(re.sub(r"(_\d)?_[a-z]+\d?$", "", name) for name in base)
            raise ValueError(
                f"{variant.name} has no block {phase.trainable!r} to train from; it has {', '.join(blocks)}"
            )
    return frozenset(layer.name for index, layer in enumerate(named) if layer.part == "head" or index >= first)


def feature_shape(variant: Variant) -> Shape:
    """Shape of an image's features, (height, width, channels): what the head takes."""
    return next(layer for layer in reversed(layers(variant)) if layer.part == "base").output_shape


def check_features(shape: Shape, variant: Variant, phase: Phase) -> None:
    """Check that a head may begin at features of this shape, (n, height, width, channels).

    Raises:
        ValueError: If more than the head is trained, or the shape is not the base's.
    """
    if phase.trainable != "head":
        raise ValueError(f"{variant.name} trains {phase.trainable!r} now: kept features serve while the base is frozen")
    if shape[1:] != feature_shape(variant):
        raise ValueError(f"features of shape {shape}, expected (n, {', '.join(map(str, feature_shape(variant)))})")


def weight_shapes(variant: Variant) -> dict[str, Shape]:
    """Canonical weight name (`block1_conv1.kernel`) to shape, in the order of the layers."""
    return {f"{layer.name}.{weight}": shape for layer in layers(variant) for weight, shape in layer.weights.items()}


def count_parameters(variant: Variant) -> int:
    """Number of weights, running statistics included."""
    return sum(layer.parameters for layer in layers(variant))


def forward_flops(variant: Variant) -> int:
    """Floating-point operations of one forward pass of one image (see `Layer.flops`)."""
    return sum(layer.flops for layer in layers(variant))


def initial_weights(variant: Variant, seed: int) -> dict[str, NDArray[np.float32]]:
    """Draw the weights both frameworks start from: Glorot uniform kernels, zero biases, γ 1, β 0.

    Each kernel has a random stream of its own, from the seed and its name, so that a change of
    one layer leaves the others as they were.

    Source: Keras' defaults (`glorot_uniform`: Glorot & Bengio 2010), which the paper's code had.
    """
    return {name: _initial_weight(name, shape, seed) for name, shape in weight_shapes(variant).items()}


def _initial_weight(name: str, shape: Shape, seed: int) -> NDArray[np.float32]:
    if not name.endswith(".kernel"):
        value = 1.0 if name.endswith((".gamma", ".moving_variance")) else 0.0
        return np.full(shape, value, np.float32)
    receptive_field = math.prod(shape[:-2])
    limit = math.sqrt(6.0 / (receptive_field * (shape[-2] + shape[-1])))
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return generator.uniform(-limit, limit, shape).astype(np.float32)


def require_equal_shapes(observed: Mapping[str, Shape], expected: Mapping[str, Shape]) -> None:
    """Check canonical weights against a network.

    Raises:
        ValueError: If a name is missing or unknown or a shape differs; the message names the first few.
    """
    problems = [f"{name} is missing, expected {expected[name]}" for name in expected.keys() - observed.keys()]
    problems += [f"{name} is unknown" for name in observed.keys() - expected.keys()]
    problems += [
        f"{name} has shape {observed[name]}, expected {expected[name]}"
        for name in expected.keys() & observed.keys()
        if observed[name] != expected[name]
    ]
    if problems:
        listed = "; ".join(sorted(problems)[:5])
        raise ValueError(f"{len(problems)} weights do not fit the network: {listed}")
