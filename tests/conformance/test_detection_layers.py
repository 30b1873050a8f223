"""Each layer of each implementation against plain NumPy in float64, from what the layer itself was given.

An error cannot hide behind those of the layers below, nor behind the same error in the other framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.architectures import (
    BATCH_NORM_EPSILON,
    HEAD_BATCH_NORM_EPSILON,
    Layer,
    layers,
)
from harness.interface import IMAGE_SIZE, Implementation
from harness.variant import Variant
from tests.support.checks import check_close, check_close_to_scale
from tests.support.models import (
    faces,
    lively_weights,
    narrow_variant,
    shared_model,
)

Array = NDArray[np.float64]

TOLERANCE = 5e-6
"""Of the largest value of a layer: one layer sums at most some thousand float32 products (2⁻²⁴ each). Seen: 7e-7."""
TRAINING_NORM_TOLERANCE = 5e-5
"""Of a norm that divides by the deviation of its own batch, whose float32 sums lose more. Seen: 5e-6."""
LOUD = np.float32(1e6)
"""Times the first kernel: without norms what follows is as many times as large."""
FAR_ABOVE_BOUNDS = 100
VARIANTS = ("vgg16-scratch", "resnet50-scratch", "vgg16-fine-tune")
"""The third for the norm in its head, and for its three channels."""


def reference(layer: Layer, inputs: list[Array], weights: Mapping[str, Array], *, training: bool) -> Array:
    """What a layer makes of its inputs, channels last."""
    x = inputs[0]
    match layer.kind:
        case "padding":
            border = 3 if layer.name == "conv1_pad" else 1
            return np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
        case "convolution":
            return convolution(layer.name, x, weights["kernel"]) + weights["bias"]
        case "batch-norm":
            axes = tuple(range(x.ndim - 1))
            mean, variance = weights["moving_mean"], weights["moving_variance"]
            if training:
                mean, variance = x.mean(axes), x.var(axes)
            epsilon = HEAD_BATCH_NORM_EPSILON if layer.part == "head" else BATCH_NORM_EPSILON
            return (x - mean) / np.sqrt(variance + epsilon) * weights["gamma"] + weights["beta"]
        case "relu":
            return np.maximum(x, 0)
        case "max-pooling":
            size = 3 if layer.name == "pool1_pool" else 2
            return windows(x, size, stride=2).max((-2, -1))
        case "add":
            return inputs[0] + inputs[1]
        case "global-average-pooling":
            return x.mean((1, 2))
        case "flatten":
            return x.reshape(len(x), -1)
        case "dense":
            return x @ weights["kernel"] + weights["bias"]
        case "dropout":
            return x


def windows(x: Array, size: int, *, stride: int) -> Array:
    """All windows of an edge, shape (n, height, width, channels, size, size)."""
    return sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]


def convolution(name: str, x: Array, kernel: Array) -> Array:
    """Without a bias: 3×3 keep the size, others take what lies inside; strides as in ResNet's first version."""
    size = len(kernel)
    halves = name == "conv1_conv" or (name.endswith(("_block1_0_conv", "_block1_1_conv")) and name[:5] != "conv2")
    border = 1 if size == 3 else 0
    padded = np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
    return np.tensordot(windows(padded, size, stride=2 if halves else 1), kernel, axes=([4, 5, 3], [0, 1, 2]))


def inputs_by_layer(variant: Variant) -> Iterator[tuple[Layer, list[str]]]:
    """Each layer with the names of those that feed it: the one before, but for ResNet's two paths."""
    before = entry = "pixels"
    for layer in layers(variant):
        block, _, part = layer.name.rpartition("_block")[2].partition("_")
        prefix = layer.name.removesuffix(f"_{part}")
        if "_block" in layer.name and part in ("0_conv", "1_conv"):
            entry = before if part == "0_conv" or block != "1" else entry
            yield layer, [entry]
        elif part == "add":
            yield layer, [f"{prefix}_0_bn" if block == "1" else entry, f"{prefix}_3_bn"]
        else:
            yield layer, [before]
        before = layer.name


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_every_layer_computes_what_its_kind_says(implementation: Implementation, name: str, training: bool) -> None:
    variant = replace(narrow_variant(name), input_size=IMAGE_SIZE)
    model, weights, batch = shared_model(implementation, variant), lively_weights(variant), faces(variant)[0]
    model.set_weights(weights)
    outputs: dict[str, Any] = {"pixels": model.pixels(batch), **model.activations(batch, training=training)}
    for layer, sources in inputs_by_layer(variant):
        own = {weight: weights[f"{layer.name}.{weight}"].astype(np.float64) for weight in layer.weights}
        inputs = [np.asarray(outputs[source], np.float64) for source in sources]
        expected = reference(layer, inputs, own, training=training)
        is_norm = training and layer.kind == "batch-norm"
        tolerance = TRAINING_NORM_TOLERANCE if is_norm else TOLERANCE
        check_close_to_scale(outputs[layer.name], expected, tolerance=tolerance, what=layer.name)


def test_no_activation_is_bounded(implementation: Implementation) -> None:
    """Weights that were drawn keep most values below 6, where a ReLU that ends there computes the same."""
    variant = narrow_variant("vgg16-scratch")
    model, weights = shared_model(implementation, variant), lively_weights(variant)
    weights["block1_conv1.kernel"] *= LOUD
    model.set_weights(weights)
    outputs = model.activations(faces(variant)[0], training=False)
    for before, layer in pairwise(layers(variant)):
        if layer.kind == "relu":
            expected = np.maximum(outputs[before.name], 0)
            assert expected.max() > FAR_ABOVE_BOUNDS, f"{layer.name} is asked for nothing large"
            check_close(outputs[layer.name], expected, tolerance=0, what=layer.name)
