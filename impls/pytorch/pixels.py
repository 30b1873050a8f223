"""From grey levels and affine maps to network input, on the device."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from harness.data.pixels import output_grid, scaling
from harness.interface import IMAGE_SIZE
from harness.variant import Variant

FIXED_POINT: Final = {torch.float32: (torch.int32, 21), torch.float64: (torch.int64, 44)}
"""Type and fraction bits of a coordinate, by the type of the pixels: 2⁻²¹ of a source pixel is finer than float32."""
REACH: Final = 340.0
"""Source pixels. A map's two products and its shift end there, so that their sum stays below 2¹⁰ and fits. A lookup is
thus right for any shift while the two products together reach less than 293: nine times what the paper draws."""

AT_ONCE: Final = 2**18
"""Pixels of the output that a CPU looks up together, 5 pictures at 224 or all of a batch at 48. Of a whole batch each
operation would write megabytes, which leave the cache and are new memory every time."""


class Pixels(nn.Module):
    """Warp, scale and repeat channels, as `harness.data.pixels` defines it; never less precise than float32."""

    grid: Tensor
    offset: Tensor
    scale: Tensor

    def __init__(self, variant: Variant, dtype: torch.dtype) -> None:
        super().__init__()
        offset, scale = scaling(variant.input_convention, variant.input_channels)
        self.register_buffer("grid", torch.tensor(output_grid(variant.input_size), dtype=dtype))
        self.register_buffer("offset", torch.tensor(offset, dtype=dtype))
        self.register_buffer("scale", torch.tensor(scale, dtype=dtype))

    def forward(self, images: Tensor, maps: Tensor) -> Tensor:
        """Return (n, channels, size, size), channels last in memory, from (n, 48, 48) and (n, 2, 3)."""
        size, is_compiling = len(self.grid), torch.compiler.is_compiling()
        pixels = self.grid.new_empty(len(images), size, size, len(self.scale))
        parts = [(pixels, images, maps)]
        if images.is_cpu and not is_compiling:  # a device has no such cache, and a compiler joins the operations
            few = max(1, AT_ONCE // size**2)
            parts = list(zip(*(torch.split(each, few) for each in parts[0]), strict=True))
        for part, some, their_maps in parts:
            grey = warp(some, their_maps, self.grid)
            if is_compiling:  # a copy, or the compiler draws the whole lookup into each of the channels
                grey = torch.cat([grey])
            # one channel after the other: three at once, which lie side by side, take twice as long on a CPU
            for channel, (offset, scale) in enumerate(zip(self.offset, self.scale, strict=True)):
                part[..., channel] = (grey - offset) / scale
        return pixels.permute(0, 3, 1, 2)


def warp(images: Tensor, maps: Tensor, grid: Tensor) -> Tensor:
    """One bilinear lookup: grey levels (n, size, size) from (n, 48, 48), (n, 2, 3) and (size,)."""
    weights = maps.to(grid.dtype)
    top, lower_share = coordinates(weights[:, 0], grid)
    left, right_share = coordinates(weights[:, 1], grid)
    index = top * IMAGE_SIZE + left
    # not take_along_dim, which divides every index to allow for negative ones
    found = neighbourhoods(images).gather(1, index.flatten(1).long()).reshape(index.shape)
    first, right, below, opposite = (((found >> bits) & 255).to(grid.dtype) for bits in (0, 8, 16, 24))
    upper, lower = interpolate(first, right, right_share), interpolate(below, opposite, right_share)
    return interpolate(upper, lower, lower_share)


def coordinates(weights: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Where every output pixel lies on one axis of its source: the pixel before it, and the share of the next one.

    In whole numbers: a compiler may compute a coordinate anew wherever it is used, and a float with another last bit;
    beside an integer a pixel and a share that came from two roundings would be a whole pixel off.
    """
    _, bits = FIXED_POINT[weights.dtype]
    down = fixed_point(weights[:, 0, None] * grid) + fixed_point(weights[:, 2, None])
    across = fixed_point(weights[:, 1, None] * grid)
    places = (down[:, :, None] + across[:, None, :]).clamp(0, (IMAGE_SIZE - 1) << bits)
    return places >> bits, (places & ((1 << bits) - 1)).to(weights.dtype) * 2.0**-bits


def fixed_point(pixels: Tensor) -> Tensor:
    """Source pixels as whole numbers of 2⁻ᵇⁱᵗˢ, to the nearest; what comes in is one rounded product at most."""
    integers, bits = FIXED_POINT[pixels.dtype]
    return (pixels.clamp(-REACH, REACH) * 2.0**bits).round().to(integers)


def neighbourhoods(images: Tensor) -> Tensor:
    """Of each pixel its level and the right, lower and lower right ones, a byte each, (n, 48²): one lookup for four."""
    levels = images.int()
    right = torch.cat([levels[:, :, 1:], levels[:, :, -1:]], dim=2)
    both = levels | (right << 8)
    below = torch.cat([both[:, 1:], both[:, -1:]], dim=1)
    return (both | (below << 16)).flatten(1)


def interpolate(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Linear interpolation, in a form that returns `first` exactly where both are equal."""
    return torch.lerp(first, second, share)
