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
        grey = warp(inputs["images"], inputs["maps"], ops.convert_to_tensor(self.grid))
        return (grey[..., None] - ops.convert_to_tensor(self.offset)) / ops.convert_to_tensor(self.scale)

    def compute_output_shape(self, input_shape: dict[str, tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Shape of `call`'s result."""
        size = len(self.grid)
        return (input_shape["images"][0], size, size, self.channels)


def warp(images: Tensor, maps: Tensor, grid: Tensor) -> Tensor:
    """One bilinear lookup: grey levels (n, size, size) from (n, 48, 48), (n, 2, 3) and (size,)."""
    size = grid.shape[0]
    row, column = grid[None, :, None], grid[None, None, :]
    weight = ops.cast(maps, grid.dtype)[:, :, :, None, None]
    rows = weight[:, 0, 0] * row + weight[:, 0, 1] * column + weight[:, 0, 2]
    columns = weight[:, 1, 0] * row + weight[:, 1, 1] * column + weight[:, 1, 2]
    rows, columns = ops.clip(rows, 0, IMAGE_SIZE - 1), ops.clip(columns, 0, IMAGE_SIZE - 1)
    # none is below 0, so that this rounds down; `ops.floor` goes through float32 whatever it is given
    index = ops.cast(rows, "int32") * IMAGE_SIZE + ops.cast(columns, "int32")
    found = ops.take_along_axis(
        neighbourhoods(ops.cast(images, grid.dtype)), ops.reshape(index, (-1, size * size, 1)), axis=1
    )
    found = ops.reshape(found, (-1, size, size, 6))
    first, right, below, opposite, top, left = (found[..., part] for part in range(6))
    right_share, lower_share = ops.clip(columns - left, 0, 1), ops.clip(rows - top, 0, 1)
    upper, lower = interpolate(first, right, right_share), interpolate(below, opposite, right_share)
    return interpolate(upper, lower, lower_share)


def neighbourhoods(levels: Tensor) -> Tensor:
    """Of each pixel its level, the right, lower, and lower right ones, its row and its column, (n, 48², 6).

    They are looked up together: XLA computes a coordinate anew wherever it is used, with another last bit, and beside
    an integer a neighbour or a share that came from another floor would be a whole pixel off.
    """
    right = ops.concatenate([levels[:, :, 1:], levels[:, :, -1:]], axis=2)
    both = ops.stack([levels, right], axis=-1)
    below = ops.concatenate([both[:, 1:], both[:, -1:]], axis=1)
    places = ops.stack(ops.meshgrid(*2 * [ops.arange(IMAGE_SIZE, dtype=levels.dtype)], indexing="ij"), axis=-1)
    places = ops.broadcast_to(places, (ops.shape(levels)[0], IMAGE_SIZE, IMAGE_SIZE, 2))
    return ops.reshape(ops.concatenate([both, below, places], axis=-1), (-1, IMAGE_SIZE * IMAGE_SIZE, 6))


def interpolate(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Linear interpolation, in the form that returns `first` exactly where both are equal."""
    return first + share * (second - first)
