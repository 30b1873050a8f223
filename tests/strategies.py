"""What Hypothesis draws: values of fixed shapes, since every new shape is compiled anew on JAX."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from harness.data.augment import affine_maps
from harness.data.dataset import CLASSES, IMAGE_SIZE, SPLITS, Dataset
from harness.variants import Augmentation

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
