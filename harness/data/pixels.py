"""The reference meaning of a pixel: from grey levels and an affine map to network input, in float64.

Slow and plain on purpose: both implementations are held against it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.interface import IMAGE_SIZE
from harness.variant import InputConvention

IDENTITY_MAP: Final = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""The map that leaves every picture as it is, shape (2, 3)."""

CAFFE_MEAN_BGR: Final = (103.939, 116.779, 123.68)
"""Grey levels subtracted from blue, green, red. Source: keras.applications.imagenet_utils, mode `caffe`."""
IMAGENET_MEAN_RGB: Final = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION_RGB: Final = (0.229, 0.224, 0.225)
"""Unitless, of pictures in [0, 1]. Source: torchvision's ImageNet weights."""


def output_grid(size: int) -> NDArray[np.float64]:
    """Positions of the output's pixel centres in source pixels, shape (size,): (i + ½)·48/size − ½."""
    return (np.arange(size) + 0.5) * IMAGE_SIZE / size - 0.5


def to_unit_range(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Scale grey levels to [0, 1] by division by 255.

    Args:
        images: Grey images, shape (n, 48, 48), values 0..255.

    Returns:
        New array of the same shape, unitless, in [0, 1].

    Raises:
        ValueError: If `images` is not uint8 or not of shape (n, 48, 48).

    Source: paper, "Data Preprocessing": "divided by 255.0 to obtain the data for the band [0,1]".
    """
    _require_images(images)
    return images.astype(np.float64) / 255.0


def warp(images: NDArray[np.uint8], maps: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """Look every output pixel up in its source picture, bilinearly, edges repeated.

    Args:
        images: Grey images, uint8, shape (n, 48, 48).
        maps: Affine maps from the output frame, in source pixels, to the source, shape (n, 2, 3):
            (row, column) = A·(row', column') + b, centres of pixels at the integers 0..47.
        size: Edge of the output, in pixels.

    Returns:
        Grey levels 0..255, float64, shape (n, size, size).

    Raises:
        ValueError: If an array has another type or shape.
    """
    _require_images(images)
    if maps.shape != (len(images), 2, 3):
        raise ValueError(f"maps have shape {maps.shape}; expected ({len(images)}, 2, 3), one an image")
    grid = output_grid(size)
    frame = np.stack([*np.meshgrid(grid, grid, indexing="ij"), np.ones((size, size))])
    coordinates = np.einsum("nij,jrc->nirc", maps.astype(np.float64), frame)
    rows, columns = np.clip(coordinates, 0, IMAGE_SIZE - 1).transpose(1, 0, 2, 3)
    top, left = np.floor(rows).astype(np.intp), np.floor(columns).astype(np.intp)
    bottom, right = np.minimum(top + 1, IMAGE_SIZE - 1), np.minimum(left + 1, IMAGE_SIZE - 1)
    which = np.arange(len(images))[:, None, None]
    levels = images.astype(np.float64)
    upper = _interpolate(levels[which, top, left], levels[which, top, right], columns - left)
    lower = _interpolate(levels[which, bottom, left], levels[which, bottom, right], columns - left)
    return _interpolate(upper, lower, rows - top)


def scaling(convention: InputConvention, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offset and scale of each channel, each of shape (channels,): pixel = (grey − offset) / scale.

    Raises:
        ValueError: If a convention of three channels is asked for with one.
    """
    if convention != "unit-range" and channels != 3:
        raise ValueError(f"input convention {convention!r} has three channels, not {channels}")
    match convention:
        case "unit-range":
            return np.zeros(channels), np.full(channels, 255.0)
        case "caffe":
            return np.array(CAFFE_MEAN_BGR), np.ones(3)
        case "imagenet":
            return 255 * np.array(IMAGENET_MEAN_RGB), 255 * np.array(IMAGENET_STANDARD_DEVIATION_RGB)


def network_input(
    images: NDArray[np.uint8],
    maps: NDArray[np.floating],
    *,
    size: int,
    channels: int,
    convention: InputConvention,
) -> NDArray[np.float64]:
    """Network input of a batch: warped, scaled, channels last.

    Returns:
        Float64, shape (n, size, size, channels). Channels are equal for `unit-range`; blue, green,
        red for `caffe`; red, green, blue for `imagenet`.

    Raises:
        ValueError: If arrays do not fit, or a convention of three channels is asked for with one.
    """
    offset, scale = scaling(convention, channels)
    return (warp(images, maps, size)[..., None] - offset) / scale


def _interpolate(
    first: NDArray[np.float64], second: NDArray[np.float64], fraction: NDArray[np.float64]
) -> NDArray[np.float64]:
    return first + fraction * (second - first)


def _require_images(images: NDArray[np.uint8]) -> None:
    if images.dtype != np.uint8 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}; "
            f"expected uint8 of shape (n, {IMAGE_SIZE}, {IMAGE_SIZE})"
        )
