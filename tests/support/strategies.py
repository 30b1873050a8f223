"""What Hypothesis draws: values of fixed shapes, since every new shape is compiled anew on JAX."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from harness.data.augment import affine_maps
from harness.data.dataset import SPLITS, Dataset
from harness.interface import CLASSES, IMAGE_SIZE
from harness.variant import Augmentation

SEEDS = st.integers(0, 2**32 - 1)
EPOCHS = st.integers(0, 1000)


def images(count: int) -> st.SearchStrategy[NDArray[np.uint8]]:
    """Grey images (count, 48, 48): noise, and nearly plain ones, which shrink to what matters."""
    shape = (count, IMAGE_SIZE, IMAGE_SIZE)
    noise = SEEDS.map(lambda seed: np.random.default_rng(seed).integers(0, 256, shape, np.uint8))
    levels = st.integers(0, 255)
    return noise | arrays.arrays(np.uint8, shape, elements=levels, fill=levels)


def augmentations() -> st.SearchStrategy[Augmentation]:
    """Ranges, from none at all to far wilder than anybody trains with."""
    return st.builds(
        Augmentation,
        rotation_degrees=st.floats(0, 180),
        width_shift=st.floats(0, 1),
        height_shift=st.floats(0, 1),
        shear_degrees=st.floats(0, 60),
        zoom=st.floats(0, 0.9),
        horizontal_flip=st.booleans(),
    )


def draws(count: int) -> st.SearchStrategy[NDArray[np.float64]]:
    """Uniform draws as `affine_maps` takes them, shape (count, 7)."""
    return arrays.arrays(np.float64, (count, 7), elements=st.floats(0, 1, exclude_max=True))


def maps(count: int) -> st.SearchStrategy[NDArray[np.float32]]:
    """Affine maps (count, 2, 3) as augmentation makes them; many look beyond the picture's edges."""
    return st.builds(affine_maps, augmentations(), draws(count)).map(lambda found: found.astype(np.float32))


@st.composite
def datasets(draw: st.DrawFn, *, smallest: int = 1, largest: int = 40) -> Dataset:
    """Data sets of noise in which no two pictures are alike: the first two pixels spell the row."""
    count = draw(st.integers(smallest, largest))
    random = np.random.default_rng(draw(SEEDS))
    pictures = random.integers(0, 256, (count, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    pictures[:, 0, 0], pictures[:, 0, 1] = np.divmod(np.arange(count), 256)
    labels = random.integers(0, len(CLASSES), count, np.uint8)
    splits = np.sort(random.integers(0, len(SPLITS), count, np.uint8))
    return Dataset(pictures, labels, splits, name="toyfaces", door="toyfaces", digest="")


RIGHT_ANGLES = Augmentation(
    rotation_degrees=180.0, width_shift=1.0, height_shift=1.0, shear_degrees=0.0, zoom=0.0, horizontal_flip=True
)
"""Ranges that hold every map from pixels onto pixels."""


@st.composite
def lattice_maps(draw: st.DrawFn, count: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Maps that mirror, move by whole pixels and turn by right angles, and the pixel that each pixel comes from.

    The second is found in whole numbers, without a map.

    Returns:
        Float64, shape (count, 2, 3), and row and column of each pixel's source, shape (count, 2, 48, 48).
    """
    quarters = draw(arrays.arrays(np.int64, count, elements=st.integers(-2, 1)))
    steps = draw(arrays.arrays(np.int64, (count, 2), elements=st.integers(1 - IMAGE_SIZE, IMAGE_SIZE - 1)))
    mirrored = draw(arrays.arrays(np.bool_, count))
    uniform = np.full((count, 7), 0.5)
    uniform[:, 0] = (quarters / 2 + 1) / 2
    uniform[:, 1:3] = (steps / IMAGE_SIZE + 1) / 2
    uniform[:, 6] = np.where(mirrored, 0.25, 0.75)
    sources = np.empty((count, 2, IMAGE_SIZE, IMAGE_SIZE), np.intp)
    # of each pixel twice its distance from the centre, which is whole
    distances = 2 * np.mgrid[:IMAGE_SIZE, :IMAGE_SIZE] - (IMAGE_SIZE - 1)
    for number in range(count):
        rows = distances[0] + 2 * steps[number, 0]
        columns = distances[1] * (-1 if mirrored[number] else 1) + 2 * steps[number, 1]
        for _ in range(quarters[number] % 4):
            rows, columns = -columns, rows
        sources[number] = (np.stack([rows, columns]) + IMAGE_SIZE - 1) // 2
    return affine_maps(RIGHT_ANGLES, uniform), np.clip(sources, 0, IMAGE_SIZE - 1)


def partitions(count: int) -> st.SearchStrategy[NDArray[np.uint8]]:
    """White on black pictures (count, 48, 48): each pixel is white in exactly one of them."""
    owners = SEEDS.map(lambda seed: np.random.default_rng(seed).integers(0, count, (IMAGE_SIZE, IMAGE_SIZE)))
    return owners.map(lambda owner: np.where(owner == np.arange(count)[:, None, None], 255, 0).astype(np.uint8))
