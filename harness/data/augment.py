"""Random affine maps: a function of (seed, epoch, row of the data set) and of nothing else."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.data.pixels import IDENTITY_MAP
from harness.interface import IMAGE_SIZE
from harness.variant import Augmentation

_CENTRE: Final = (IMAGE_SIZE - 1) / 2
_DRAWS: Final = 7  # rotation, two shifts, shear, two zooms, flip
_STREAM: Final = 2  # sets these draws apart from others of the same seed and epoch


def identity_maps(count: int) -> NDArray[np.float32]:
    """Maps that leave every picture as it is, float32, shape (count, 2, 3)."""
    return np.tile(IDENTITY_MAP.astype(np.float32), (count, 1, 1))


def draw_maps(augmentation: Augmentation, *, seed: int, epoch: int, count: int) -> NDArray[np.float32]:
    """Draw one map for each row of a data set.

    The draws of a row depend on seed, epoch and the row's number alone, not on `count`, on
    batches, processes or frameworks.

    Args:
        augmentation: Ranges of the draws.
        seed: Of the run.
        epoch: Number of the epoch, from 0.
        count: Rows in the data set.

    Returns:
        Maps from output to source, float32, shape (count, 2, 3); see `pixels.warp`.
    """
    draws = np.random.default_rng([seed, epoch, _STREAM]).random((count, _DRAWS))
    return affine_maps(augmentation, draws).astype(np.float32)


def affine_maps(augmentation: Augmentation, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn uniform draws into maps, composed as Keras' ImageDataGenerator composes them.

    A point of the output is mirrored, zoomed and sheared about the centre, shifted, rotated about
    the centre, and there lies its source.

    Args:
        augmentation: Ranges of the draws.
        draws: Uniform in [0, 1), shape (n, 7): rotation, height shift, width shift, shear,
            zoom of rows, zoom of columns, flip.

    Returns:
        Float64, shape (n, 2, 3).

    Source: keras.src.legacy.preprocessing.image.apply_affine_transform (order rotation, shift,
    shear, zoom; the flip follows). Names mean what they say: `height_shift` moves rows.
    """
    signed = 2 * draws - 1
    rotation = np.deg2rad(augmentation.rotation_degrees) * signed[:, 0]
    shift = IMAGE_SIZE * signed[:, 1:3] * [augmentation.height_shift, augmentation.width_shift]
    shear = np.deg2rad(augmentation.shear_degrees) * signed[:, 3]
    zoom = 1 + augmentation.zoom * signed[:, 4:6]
    mirrored = (draws[:, 6] < 0.5) & augmentation.horizontal_flip

    cosine, sine = np.cos(rotation), np.sin(rotation)
    rotate = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    zeros, ones = np.zeros_like(shear), np.ones_like(shear)
    skew = np.stack([np.stack([ones, -np.sin(shear)], -1), np.stack([zeros, np.cos(shear)], -1)], -2)
    mirror = np.stack([ones, np.where(mirrored, -1.0, 1.0)], -1)

    # source = R·(H·Z·M·(output − centre) + shift) + centre, with M mirroring columns about the centre
    matrix = (rotate @ skew) * (zoom * mirror)[:, None, :]
    offset = np.einsum("nij,nj->ni", rotate, shift) + _CENTRE - matrix.sum(-1) * _CENTRE
    return np.concatenate([matrix, offset[..., None]], axis=-1)
