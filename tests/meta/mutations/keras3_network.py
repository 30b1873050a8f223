"""Errors in the network of Keras 3; `table` says what each does."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from impls.keras3 import implementation, pixels, resnet50
from tests.meta.mutations.patching import Patch, around

LAYERS = keras.layers

# Pixels


def channels_swapped(patch: Patch) -> None:
    around(patch, pixels, "scaling", lambda scaling, *of: tuple(each[::-1] for each in scaling(*of)))


def mean_not_scaled(patch: Patch) -> None:
    def scaling(original: Any, *of: Any) -> tuple[Any, Any]:
        offset, scale = original(*of)
        return offset / 255, scale

    around(patch, pixels, "scaling", scaling)


def channel_missing(patch: Patch) -> None:
    around(
        patch, pixels.Pixels, "call", lambda call, self, inputs: call(self, inputs) * np.array([1, 1, 0], np.float32)
    )


def pixels_shifted(patch: Patch, size: float) -> None:
    around(patch, pixels, "output_grid", lambda grid, count: grid(count) + size)


def nearest_neighbour(patch: Patch) -> None:
    patch.setattr(pixels, "interpolate", lambda first, second, share: ops.where(share < 0.5, first, second))


def shifts_exchanged(patch: Patch) -> None:
    def warp(original: Any, images: Any, maps: Any, *grids: Any) -> Any:
        return original(images, ops.concatenate([maps[..., :2], ops.flip(maps[..., 2:], axis=1)], axis=-1), *grids)

    around(patch, pixels, "warp", warp)


def maps_ignored(patch: Patch) -> None:
    identity = np.eye(2, 3, dtype=np.float32)
    around(patch, pixels, "warp", lambda warp, images, maps, *grids: warp(images, 0 * maps + identity, *grids))


def maps_rounded(patch: Patch) -> None:
    def warp(original: Any, images: Any, maps: Any, *grids: Any) -> Any:
        return original(images, ops.cast(ops.cast(maps, "bfloat16"), "float32"), *grids)

    around(patch, pixels, "warp", warp)


# Layers


def stride_on_the_3x3(patch: Patch) -> None:
    def convolution(original: Any, x: Any, name: str, filters: int, size: int, stride: int = 1, **options: Any) -> Any:
        if "_block1_" in name and not name.startswith("conv2"):
            stride = {"0_conv": 2, "1_conv": 1, "2_conv": 2, "3_conv": 1}[name[-6:]]
        return original(x, name, filters, size, stride, **options)

    around(patch, resnet50, "convolution", convolution)


def padding_asymmetric(patch: Patch) -> None:
    def make(original: Any, border: int, **options: Any) -> Any:
        return original(((2, 4), (2, 4)) if border == 3 else border, **options)

    around(patch, LAYERS, "ZeroPadding2D", make)


def flattened_channels_first(patch: Patch) -> None:
    around(patch, LAYERS.Flatten, "call", lambda call, self, x: call(self, ops.transpose(x, (0, 3, 1, 2))))


def _change(patch: Patch, kind: type, name: str, change: Any) -> None:
    """Change what the layer of one name makes."""

    def call(original: Any, self: Any, x: Any, **options: Any) -> Any:
        return change(self, original(self, x, **options)) if self.name == name else original(self, x, **options)

    around(patch, kind, "call", call)


def bias_dropped(patch: Patch, size: float) -> None:
    _change(patch, LAYERS.Dense, "dense2", lambda layer, y: y - size * layer.bias)


def relu_missing(patch: Patch) -> None:
    around(patch, LAYERS.ReLU, "call", lambda call, self, x: x if self.name == "dense1_relu" else call(self, x))


def relu_leaky(patch: Patch, size: float) -> None:
    around(patch, LAYERS.ReLU, "call", lambda _call, _self, x: ops.where(x > 0, x, size * x))


def average_pooling(patch: Patch) -> None:
    def call(_original: Any, self: Any, x: Any) -> Any:
        return ops.average_pool(x, self.pool_size, self.strides)

    around(patch, LAYERS.MaxPooling2D, "call", call)


def global_max_pooling(patch: Patch) -> None:
    around(patch, LAYERS.GlobalAveragePooling2D, "call", lambda _call, _self, x: ops.max(x, (1, 2)))


def shortcut_missing(patch: Patch) -> None:
    around(patch, LAYERS.Add, "call", lambda _call, _self, inputs: inputs[1])


def softmax_twice(patch: Patch) -> None:
    _change(patch, LAYERS.Dense, "logits", lambda _layer, y: ops.softmax(y))


def outputs_rotated(patch: Patch) -> None:
    _change(patch, LAYERS.Dense, "logits", lambda _layer, y: ops.roll(y, 1, axis=1))


def one_nan(patch: Patch) -> None:
    _change(patch, LAYERS.Dense, "dense1", lambda _layer, y: ops.where(ops.equal(y, ops.max(y)), np.nan, y))


# Norms


def base_epsilon(patch: Patch, size: float) -> None:
    patch.setattr(resnet50, "BATCH_NORM_EPSILON", size)


def head_epsilon(patch: Patch, size: float) -> None:
    patch.setattr(implementation, "HEAD_BATCH_NORM_EPSILON", size)


def momentum(patch: Patch, size: float) -> None:
    around(patch, resnet50, "batch_norm", lambda original, x, name, _momentum: original(x, name, size))


def variance_unbiased(patch: Patch) -> None:
    def moments(original: Any, self: Any, x: Any, mask: Any) -> tuple[Any, Any]:
        mean, variance = original(self, x, mask)
        count = math.prod(x.shape[:-1]) if None not in x.shape else 2
        return mean, variance * (count / (count - 1))

    around(patch, LAYERS.BatchNormalization, "_moments", moments)


def batch_statistics_at_evaluation(patch: Patch) -> None:
    def call(original: Any, self: Any, x: Any, training: Any = None, mask: Any = None) -> Any:
        return original(self, x, training=True, mask=mask)

    around(patch, LAYERS.BatchNormalization, "call", call)


def frozen_norms_move(patch: Patch) -> None:
    def call(original: Any, self: Any, x: Any, training: Any = None, mask: Any = None) -> Any:
        was, self._trainable = self._trainable, True
        try:
            return original(self, x, training=training, mask=mask)
        finally:
            self._trainable = was

    around(patch, LAYERS.BatchNormalization, "call", call)


# Dropout


def dropout_at_evaluation(patch: Patch) -> None:
    around(patch, LAYERS.Dropout, "call", lambda call, self, x, training=False: call(self, x, training=True))


def dropout_rate(patch: Patch, size: float) -> None:
    around(patch, LAYERS, "Dropout", lambda make, rate, **options: make(size if rate else 0, **options))


def dropout_not_rescaled(patch: Patch) -> None:
    def call(original: Any, self: Any, x: Any, training: bool = False) -> Any:
        return original(self, x, training=training) * (1 - self.rate if training else 1)

    around(patch, LAYERS.Dropout, "call", call)
