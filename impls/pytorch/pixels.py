"""From grey levels and affine maps to network input, on the device."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.data.dataset import IMAGE_SIZE
from harness.data.pixels import output_grid, scaling
from harness.variants import Variant


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
        grey = warp(images, maps, self.grid)
        pixels = (grey[..., None] - self.offset) / self.scale
        return pixels.permute(0, 3, 1, 2)


def warp(images: Tensor, maps: Tensor, grid: Tensor) -> Tensor:
    """One bilinear lookup: grey levels (n, size, size) from (n, 48, 48), (n, 2, 3) and (size,)."""
    row, column = grid[None, :, None], grid[None, None, :]
    weight = maps.to(grid.dtype)[:, :, :, None, None]
    rows = weight[:, 0, 0] * row + weight[:, 0, 1] * column + weight[:, 0, 2]
    columns = weight[:, 1, 0] * row + weight[:, 1, 1] * column + weight[:, 1, 2]
    rows, columns = rows.clamp(0, IMAGE_SIZE - 1), columns.clamp(0, IMAGE_SIZE - 1)
    top, left = rows.floor(), columns.floor()
    top_index, left_index = top.long(), left.long()
    bottom_index = (top_index + 1).clamp(max=IMAGE_SIZE - 1)
    right_index = (left_index + 1).clamp(max=IMAGE_SIZE - 1)
    levels = images.flatten(1).to(grid.dtype)

    def look_up(row_index: Tensor, column_index: Tensor) -> Tensor:
        index = row_index * IMAGE_SIZE + column_index
        return levels.gather(1, index.flatten(1)).reshape(index.shape)

    right_share, lower_share = columns - left, rows - top
    upper = interpolate(look_up(top_index, left_index), look_up(top_index, right_index), right_share)
    lower = interpolate(look_up(bottom_index, left_index), look_up(bottom_index, right_index), right_share)
    return interpolate(upper, lower, lower_share)


def interpolate(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Linear interpolation, in the form that returns `first` exactly where both are equal."""
    return first + share * (second - first)
