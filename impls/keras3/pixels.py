"""From grey levels and affine maps to network input, on the device."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from harness.data.dataset import IMAGE_SIZE
from harness.data.pixels import output_grid, scaling
from harness.variants import Variant

Tensor = Any  # a backend's tensor


class Pixels(keras.layers.Layer):
    """Warp, scale and repeat channels, as `harness.data.pixels` defines it; never less precise than float32."""

    def __init__(self, variant: Variant, dtype: str) -> None:
        super().__init__(name="pixels", dtype=dtype, autocast=False)
        self.channels = variant.input_channels
        offset, scale = scaling(variant.input_convention, variant.input_channels)
        self.offset, self.scale = offset.astype(dtype), scale.astype(dtype)
        self.grid = output_grid(variant.input_size).astype(dtype)

    def call(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (n, size, size, channels) from images (n, 48, 48) and maps (n, 2, 3)."""
        grey = warp(inputs["images"], inputs["maps"], self.grid)
        return (grey[..., None] - self.offset) / self.scale

    def compute_output_shape(self, input_shape: dict[str, tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Shape of `call`'s result."""
        size = len(self.grid)
        return (input_shape["images"][0], size, size, self.channels)


def warp(images: Tensor, maps: Tensor, grid: Tensor) -> Tensor:
    """One bilinear lookup: grey levels (n, size, size) from (n, 48, 48), (n, 2, 3) and (size,)."""
    row, column = grid[None, :, None], grid[None, None, :]
    weight = ops.cast(maps, grid.dtype.name)[:, :, :, None, None]
    rows = weight[:, 0, 0] * row + weight[:, 0, 1] * column + weight[:, 0, 2]
    columns = weight[:, 1, 0] * row + weight[:, 1, 1] * column + weight[:, 1, 2]
    rows, columns = ops.clip(rows, 0, IMAGE_SIZE - 1), ops.clip(columns, 0, IMAGE_SIZE - 1)
    top, left = ops.floor(rows), ops.floor(columns)
    top_index, left_index = ops.cast(top, "int32"), ops.cast(left, "int32")
    bottom_index = ops.minimum(top_index + 1, IMAGE_SIZE - 1)
    right_index = ops.minimum(left_index + 1, IMAGE_SIZE - 1)
    levels = ops.cast(ops.reshape(images, (-1, IMAGE_SIZE * IMAGE_SIZE)), grid.dtype.name)

    def look_up(row_index: Tensor, column_index: Tensor) -> Tensor:
        index = row_index * IMAGE_SIZE + column_index
        flat = ops.reshape(index, (-1, len(grid) * len(grid)))
        return ops.reshape(ops.take_along_axis(levels, flat, axis=1), (-1, len(grid), len(grid)))

    right_share, lower_share = columns - left, rows - top
    upper = interpolate(look_up(top_index, left_index), look_up(top_index, right_index), right_share)
    lower = interpolate(look_up(bottom_index, left_index), look_up(bottom_index, right_index), right_share)
    return interpolate(upper, lower, lower_share)


def interpolate(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Linear interpolation, in the form that returns `first` exactly where both are equal."""
    return first + share * (second - first)
