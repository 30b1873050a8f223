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
    size = grid.shape[0]
    row, column = grid[None, :, None], grid[None, None, :]
    weight = maps.to(grid.dtype)[:, :, :, None, None]
    rows = weight[:, 0, 0] * row + weight[:, 0, 1] * column + weight[:, 0, 2]
    columns = weight[:, 1, 0] * row + weight[:, 1, 1] * column + weight[:, 1, 2]
    rows, columns = rows.clamp(0, IMAGE_SIZE - 1), columns.clamp(0, IMAGE_SIZE - 1)
    # none is below 0, so that this rounds down
    index = rows.long() * IMAGE_SIZE + columns.long()
    found = neighbourhoods(images.to(grid.dtype)).take_along_dim(index.flatten(1)[..., None], dim=1)
    found = found.reshape(-1, size, size, 6)
    first, right, below, opposite, top, left = found.unbind(-1)
    right_share, lower_share = (columns - left).clamp(0, 1), (rows - top).clamp(0, 1)
    upper, lower = interpolate(first, right, right_share), interpolate(below, opposite, right_share)
    return interpolate(upper, lower, lower_share)


def neighbourhoods(levels: Tensor) -> Tensor:
    """Of each pixel its level, the right, lower, and lower right ones, its row and its column, (n, 48², 6).

    They are looked up together: a compiler may compute a coordinate anew wherever it is used, with another last bit,
    and beside an integer a neighbour or a share that came from another floor would be a whole pixel off.
    """
    right = torch.cat([levels[:, :, 1:], levels[:, :, -1:]], dim=2)
    both = torch.stack([levels, right], dim=-1)
    below = torch.cat([both[:, 1:], both[:, -1:]], dim=1)
    places = torch.stack(
        torch.meshgrid(*2 * [torch.arange(IMAGE_SIZE, dtype=levels.dtype, device=levels.device)], indexing="ij"), dim=-1
    )
    places = places.expand(len(levels), IMAGE_SIZE, IMAGE_SIZE, 2)
    return torch.cat([both, below, places], dim=-1).flatten(1, 2)


def interpolate(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Linear interpolation, in the form that returns `first` exactly where both are equal."""
    return first + share * (second - first)
