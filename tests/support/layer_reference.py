"""Every layer, the loss and Adam in a few lines of NumPy and float64: what the arbiter itself is held against.

Plain on purpose. Each function takes one layer's input, so that an error does not travel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harness.architectures import (
    BATCH_NORM_EPSILON,
    HEAD_BATCH_NORM_EPSILON,
    Layer,
    layers,
)
from harness.interface import Batch
from harness.parity.arbiter import pooling_windows
from harness.variant import Optimizer, Variant

Array = NDArray[np.float64]


def wiring(variant: Variant) -> dict[str, tuple[str, ...]]:
    """Names of the layers whose outputs each layer takes, in order; `pixels` is the network's input.

    One after the other, but for ResNet50's blocks: the projection (`_0_`) and the first convolution (`_1_`) both
    take the block's input, and the sum takes the projection, or that input itself, and the third norm.
    """
    found: dict[str, tuple[str, ...]] = {}
    last = block_input = shortcut = "pixels"
    for layer in layers(variant):
        if layer.name.endswith("_0_conv"):
            block_input = last
        elif layer.name.endswith("_1_conv"):
            shortcut = last
            last = block_input if last.endswith("_0_bn") else last
        found[layer.name] = (shortcut, last) if layer.kind == "add" else (last,)
        last = layer.name
    return found


def output(layer: Layer, inputs: Sequence[Array], weights: Mapping[str, NDArray[Any]], *, training: bool) -> Array:
    """Output of a layer, channels last, without dropout.

    Args:
        layer: Its kind and shapes.
        inputs: Outputs of the layers before it: two for a sum, else one.
        weights: Of the layer, in float64, by their names within it.
        training: Whether a norm takes the batch's statistics, or the running ones.
    """
    x = inputs[0]
    match layer.kind:
        case "padding":
            border = (layer.output_shape[0] - x.shape[1]) // 2
            return np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
        case "convolution":
            return convolution(x, weights["kernel"], weights["bias"], layer)
        case "batch-norm":
            return batch_norm(x, weights, epsilon_of(layer), training=training)
        case "relu":
            return np.maximum(x, 0.0)
        case "max-pooling":
            return np.asarray(pooling_windows(x, layer).max((-2, -1)))
        case "add":
            return x + inputs[1]
        case "global-average-pooling":
            return np.asarray(x.mean((1, 2)))
        case "flatten":
            return x.reshape(len(x), -1)
        case "dense":
            return np.asarray(x @ weights["kernel"] + weights["bias"])
        case "dropout":
            return x


def convolution(x: Array, kernel: NDArray[Any], bias: NDArray[Any], layer: Layer) -> Array:
    """Windows times kernel (HWIO): 3×3 ones keep the size, the others take what is there, every second if halved."""
    size = len(kernel)
    border = 1 if size == 3 else 0
    padded = np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
    stride = 1 if layer.output_shape[0] == padded.shape[1] - size + 1 else 2
    windows = sliding_window_view(padded, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.asarray(np.tensordot(windows, kernel, axes=((4, 5, 3), (0, 1, 2))) + bias)


def batch_norm(x: Array, weights: Mapping[str, NDArray[Any]], epsilon: float, *, training: bool) -> Array:
    """γ (x − mean) / √(variance + ε) + β, by channel; the variance divides by n."""
    mean, variance = batch_statistics(x) if training else (weights["moving_mean"], weights["moving_variance"])
    return np.asarray(weights["gamma"] * (x - mean) / np.sqrt(variance + epsilon) + weights["beta"])


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """Mean and variance of each channel; the variance divides by n."""
    axes = tuple(range(x.ndim - 1))
    return x.mean(axes), x.var(axes)


def running_statistics(x: Array, weights: Mapping[str, NDArray[Any]], momentum: float) -> dict[str, Array]:
    """Statistics that a norm keeps after a step whose input was `x`."""
    mean, variance = batch_statistics(x)
    share = 1 - momentum
    return {
        "moving_mean": momentum * weights["moving_mean"] + share * mean,
        "moving_variance": momentum * weights["moving_variance"] + share * variance,
    }


def epsilon_of(layer: Layer) -> float:
    """ε of a batch norm."""
    return BATCH_NORM_EPSILON if layer.part == "base" else HEAD_BATCH_NORM_EPSILON


def cross_entropy(logits: Array, batch: Batch) -> float:
    """Keras' `sum_over_batch_size`: Σ wᵢ ℓᵢ / n, not over Σ wᵢ."""
    shifted = logits - logits.max(1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(-(batch.weights * logarithms[np.arange(len(batch)), batch.labels]).mean())


def adam(gradients: Sequence[NDArray[Any]], optimizer: Optimizer, *, learning_rate: float) -> Array:
    """Sum of the steps that Adam makes of successive gradients of one weight.

    Source: Kingma & Ba 2015, end of section 2, with ε̂ outside the bias correction, as Keras has it.
    """
    first = second = way = np.zeros(gradients[0].shape)
    for step, each in enumerate(gradients, start=1):
        gradient = each.astype(np.float64)
        first = optimizer.beta_1 * first + (1 - optimizer.beta_1) * gradient
        second = optimizer.beta_2 * second + (1 - optimizer.beta_2) * gradient**2
        rate = learning_rate * math.sqrt(1 - optimizer.beta_2**step) / (1 - optimizer.beta_1**step)
        way = way - rate * first / (np.sqrt(second) + optimizer.epsilon)
    return way
