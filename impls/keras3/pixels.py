"""From grey levels and affine maps to network input, on the device."""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import ops

from harness.data.pixels import output_grid, scaling
from harness.interface import IMAGE_SIZE
from harness.variant import Variant
from impls.keras3.runtime import gpu_name

Tensor = Any  # a backend's tensor

FIXED_POINT: Final = {"float32": ("int32", 21), "float64": ("int64", 44)}
"""Type and fraction bits of a coordinate, by the type of the pixels: 2⁻²¹ of a source pixel is finer than float32."""
REACH: Final = 340.0
"""Source pixels. A map's two products and its shift end there, so that their sum stays below 2¹⁰ and fits. A lookup is
thus right for any shift while the two products together reach less than 293: nine times what the paper draws."""

AT_ONCE: Final = 2**18
"""Pixels of the output that torch computes together on a CPU, 5 pictures at 224 or all of a batch at 48. Of a whole
batch each operation would write megabytes, which leave the cache and are new memory every time."""


class Pixels(keras.layers.Layer):
    """Warp, scale and repeat channels, as `harness.data.pixels` defines it; never less precise than float32."""

    def __init__(self, variant: Variant, dtype: str) -> None:
        super().__init__(name="pixels", dtype=dtype, autocast=False)
        self.channels = variant.input_channels
        offset, scale = scaling(variant.input_convention, variant.input_channels)
        self.offset, self.scale = offset.astype(dtype), scale.astype(dtype)
        self.grid = output_grid(variant.input_size).astype(dtype)
        self.is_on_cpu = gpu_name() is None

    def call(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (n, size, size, channels) from images (n, 48, 48) and maps (n, 2, 3)."""
        images, maps, grid = inputs["images"], inputs["maps"], ops.convert_to_tensor(self.grid)
        if keras.backend.backend() == "torch" and self.is_on_cpu:
            few = max(1, AT_ONCE // len(self.grid) ** 2)
            starts = range(0, len(images), few)
            grey = ops.concatenate([warp(images[at : at + few], maps[at : at + few], grid) for at in starts])
        else:  # a device has no such cache, and a compiler joins the operations
            grey = warp(images, maps, grid)
        grey = grey[..., None]
        factors, offsets = ops.convert_to_tensor(1 / self.scale), ops.convert_to_tensor(self.offset / self.scale)
        if self.is_on_cpu:
            # by a convolution of single pixels, which XLA computes apart: into a product of three channels it would
            # draw the lookup, three times and one pixel after the other
            return ops.conv(grey, factors[None, None, None]) - offsets
        return grey * factors - offsets  # a GPU may round a convolution's factors to TF32

    def compute_output_shape(self, input_shape: dict[str, tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Shape of `call`'s result."""
        size = len(self.grid)
        return (input_shape["images"][0], size, size, self.channels)


def warp(images: Tensor, maps: Tensor, grid: Tensor) -> Tensor:
    """One bilinear lookup: grey levels (n, size, size) from (n, 48, 48), (n, 2, 3) and (size,)."""
    size = grid.shape[0]
    weights = ops.cast(maps, grid.dtype)
    top, lower_share = coordinates(weights[:, 0], grid)
    left, right_share = coordinates(weights[:, 1], grid)
    index = top * IMAGE_SIZE + left
    pictures = ops.arange(ops.shape(images)[0], dtype=index.dtype)[:, None, None]
    index = ops.reshape(index + pictures * IMAGE_SIZE**2, (-1,))
    # of one axis: beside an axis of pictures XLA looks up one pixel after the other
    found = ops.reshape(ops.take(neighbourhoods(images), index, axis=0), (-1, size, size))
    first, right, below, opposite = (
        ops.cast(ops.bitwise_and(ops.right_shift(found, bits), 255), grid.dtype) for bits in (0, 8, 16, 24)
    )
    upper, lower = interpolate(first, right, right_share), interpolate(below, opposite, right_share)
    return interpolate(upper, lower, lower_share)


def coordinates(weights: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Where every output pixel lies on one axis of its source: the pixel before it, and the share of the next one.

    In whole numbers: a compiler may compute a coordinate anew wherever it is used, and a float with another last bit;
    beside an integer a pixel and a share that came from two roundings would be a whole pixel off.
    """
    dtype = keras.backend.standardize_dtype(weights.dtype)
    _, bits = FIXED_POINT[dtype]
    down = fixed_point(weights[:, 0, None] * grid) + fixed_point(weights[:, 2, None])
    across = fixed_point(weights[:, 1, None] * grid)
    places = ops.clip(down[:, :, None] + across[:, None, :], 0, (IMAGE_SIZE - 1) << bits)
    share = ops.cast(ops.bitwise_and(places, (1 << bits) - 1), dtype) * 2.0**-bits
    return ops.right_shift(places, bits), share


def fixed_point(pixels: Tensor) -> Tensor:
    """Source pixels as whole numbers of 2⁻ᵇⁱᵗˢ, to the nearest; what comes in is one rounded product at most."""
    integers, bits = FIXED_POINT[keras.backend.standardize_dtype(pixels.dtype)]
    return ops.cast(ops.round(ops.clip(pixels, -REACH, REACH) * 2.0**bits), integers)


def neighbourhoods(images: Tensor) -> Tensor:
    """Of each pixel its level and the right, lower and lower right ones, a byte each, (n·48²,): one lookup for four."""
    levels = ops.cast(images, "int32")
    right = ops.concatenate([levels[:, :, 1:], levels[:, :, -1:]], axis=2)
    both = ops.bitwise_or(levels, ops.left_shift(right, 8))
    below = ops.concatenate([both[:, 1:], both[:, -1:]], axis=1)
    return ops.reshape(ops.bitwise_or(both, ops.left_shift(below, 16)), (-1,))


def interpolate(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Linear interpolation, in the form that returns `first` exactly where both are equal."""
    return first + share * (second - first)
