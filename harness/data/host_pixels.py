"""What the paper's programs do to a picture on the host: enlarge, warp, scale, with Pillow and SciPy."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.data.pixels import scaling
from harness.interface import IMAGE_SIZE, Images
from harness.variant import Variant

MODES: Final = {1: "L", 3: "RGB"}
"""Pillow's name of a picture with so many channels."""


def enlarge(picture: Image.Image, variant: Variant) -> NDArray[np.float32]:
    """Grey levels of a picture as Keras' `load_img` gives them: converted, then resized, rounded to bytes.

    Returns:
        Float32, shape (size, size, channels), 0..255.
    """
    picture = picture.convert(MODES[variant.input_channels])
    size = (variant.input_size, variant.input_size)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32).reshape(*size, variant.input_channels)


def warp_enlarged(levels: NDArray[np.float32], affine_map: NDArray[np.floating]) -> NDArray[np.float32]:
    """Warp a picture that has been enlarged, channel by channel, as `ImageDataGenerator.apply_transform` does.

    Args:
        levels: Shape (size, size, channels).
        affine_map: From output to source in pixels of the original, shape (2, 3); see `pixels.warp`.

    Returns:
        Float32, of the same shape; edges repeat.
    """
    from scipy.ndimage import affine_transform

    factor = len(levels) / IMAGE_SIZE
    matrix, offset = affine_map[:, :2].astype(np.float64), affine_map[:, 2].astype(np.float64)
    # the same map between positions of the enlarged frame, in which pixel i lies at (i + ½)/factor − ½
    corner = np.full(2, 0.5 / factor - 0.5)
    offset = factor * (matrix @ corner + offset - corner)
    warped = np.empty_like(levels)
    for channel in range(levels.shape[-1]):
        affine_transform(levels[..., channel], matrix, offset, output=warped[..., channel], order=1, mode="nearest")
    return warped


def scale(levels: NDArray[np.float32], variant: Variant) -> NDArray[np.float32]:
    """Network input from grey levels, by the variant's input convention."""
    offset, divisor = (each.astype(np.float32) for each in scaling(variant.input_convention, variant.input_channels))
    scaled: NDArray[np.float32] = (levels - offset) / divisor
    return scaled


def resize_all(images: NDArray[np.uint8], rows: NDArray[np.intp], variant: Variant) -> Images:
    """Network input of rows, none augmented, float32, shape (k, size, size, channels)."""
    pixels = np.empty((len(rows), variant.input_size, variant.input_size, variant.input_channels), np.float32)
    for place, row in enumerate(rows):
        pixels[place] = scale(enlarge(Image.fromarray(images[row]), variant), variant)
    return pixels
