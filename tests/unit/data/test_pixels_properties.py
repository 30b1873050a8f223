"""What holds of the reference's pixels, and of drawn maps, whatever the picture, the map, the size or the process.

More of it, at the picture's own size, is in `test_pixels.py`; of the maps in `test_augment.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.data.augment import draw_maps
from harness.data.batches import training_batches
from harness.data.dataset import Dataset
from harness.data.pixels import IDENTITY_MAP, network_input, warp
from harness.interface import CLASSES, IMAGE_SIZE
from harness.variant import Augmentation
from tests.support.checks import check_close
from tests.support.papers import PAPER
from tests.support.strategies import (
    EPOCHS,
    SEEDS,
    images,
    lattice_maps,
    maps,
    partitions,
)

ROUNDING = 1e-10
"""Grey levels. Float64 keeps 255 to 3e-14; a few dozen operations stay far below this. Seen: 2e-12, where a map was
mirrored first and a coordinate of a few hundred, kept to 6e-14, is another in its last bit."""
LATTICE_ROUNDING = 1e-12
"""Of the range [0, 1]. A drawn turn's cosine is off by 6e-17 at a right angle, and coordinates below 128 are kept to
7e-15; one source pixel is at most the whole range. Seen: 1.2e-14."""

SIZES = st.sampled_from([1, 7, 30, 48, 96, 224])
CHANNELS = st.sampled_from([1, 3])
ROWS = 24
AUGMENTATIONS = [variant.augmentation for variant in PAPER.variants.values() if variant.augmentation]


def unit_range(
    pictures: NDArray[np.uint8], chosen: NDArray[np.floating], *, size: int, channels: int = 1
) -> NDArray[np.float64]:
    return network_input(pictures, chosen, size=size, channels=channels, convention="unit-range")


# The range


@given(images(2), maps(2), SIZES, CHANNELS)
def test_pixels_lie_between_nought_and_one_exactly(
    pictures: NDArray[np.uint8], chosen: NDArray[np.float32], size: int, channels: int
) -> None:
    pixels = unit_range(pictures, chosen, size=size, channels=channels)
    assert pixels.min() >= 0
    assert pixels.max() <= 1


@given(images(1), maps(1), SIZES)
def test_the_three_channels_of_a_grey_picture_are_equal(
    image: NDArray[np.uint8], chosen: NDArray[np.float32], size: int
) -> None:
    one, three = (unit_range(image, chosen, size=size, channels=channels) for channels in (1, 3))
    assert np.array_equal(three, np.repeat(one, 3, axis=-1))


# Weights


@given(images(1), images(1), st.integers(0, 8), st.integers(0, 8), maps(1), SIZES)
def test_weighted_sums_stay_weighted_sums(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    of_first: int,
    of_second: int,
    chosen: NDArray[np.float32],
    size: int,
) -> None:
    first, second = first // 16, second // 16
    expected = of_first * warp(first, chosen, size) + of_second * warp(second, chosen, size)
    observed = warp(of_first * first + of_second * second, chosen, size)
    check_close(observed, expected, tolerance=ROUNDING, what="weighted sum of two pictures")


@given(partitions(5), maps(1), SIZES)
def test_every_pixel_shares_out_one_whole(parts: NDArray[np.uint8], chosen: NDArray[np.float32], size: int) -> None:
    shares = warp(parts, np.repeat(chosen, len(parts), axis=0), size)
    check_close(shares.sum(axis=0), np.full((size, size), 255.0), tolerance=ROUNDING, what="sum of the shares")


# Mirrors, turns and shifts


@given(images(1), maps(1), SIZES)
def test_a_mirrored_frame_gives_the_mirrored_result(
    image: NDArray[np.uint8], chosen: NDArray[np.float32], size: int
) -> None:
    mirrored = chosen.astype(np.float64)
    mirrored[:, :, 2] += (IMAGE_SIZE - 1) * mirrored[:, :, 1]
    mirrored[:, :, 1] *= -1
    expected = warp(image, chosen, size)[:, :, ::-1]
    check_close(warp(image, mirrored, size), expected, tolerance=ROUNDING, what="mirrored frame")


@given(images(1), maps(1), SIZES)
def test_a_mirrored_picture_is_a_mirrored_source(
    image: NDArray[np.uint8], chosen: NDArray[np.float32], size: int
) -> None:
    mirrored = chosen.astype(np.float64)
    mirrored[:, 1] *= -1
    mirrored[:, 1, 2] += IMAGE_SIZE - 1
    observed = warp(image[:, :, ::-1], chosen, size)
    check_close(observed, warp(image, mirrored, size), tolerance=ROUNDING, what="mirrored picture")


@given(images(1), SIZES)
def test_mirroring_commutes_with_resizing(image: NDArray[np.uint8], size: int) -> None:
    expected = warp(image, IDENTITY_MAP[None], size)[:, :, ::-1]
    check_close(warp(image[:, :, ::-1], IDENTITY_MAP[None], size), expected, tolerance=ROUNDING, what=f"48 to {size}")


@given(images(3), lattice_maps(3))
def test_drawn_right_angles_and_whole_pixels_are_exact(
    pictures: NDArray[np.uint8], drawn: tuple[NDArray[np.float64], NDArray[np.intp]]
) -> None:
    chosen, sources = drawn
    expected = pictures[np.arange(3)[:, None, None], sources[:, 0], sources[:, 1]] / 255
    observed = unit_range(pictures, chosen, size=IMAGE_SIZE)[..., 0]
    check_close(observed, expected, tolerance=LATTICE_ROUNDING, what="mirrored, moved, turned")


# Maps: the same everywhere, others in every epoch


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Two processes of their own, started anew: nothing of this one's state is theirs."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("batch_size", [1, 7, ROWS])
def test_maps_are_the_same_to_the_bit_in_other_processes_and_batches(processes: Executor, batch_size: int) -> None:
    variant = PAPER.variants["vgg16-transfer"]
    dataset = Dataset(
        np.zeros((ROWS, 48, 48), np.uint8),
        np.zeros(ROWS, np.uint8),
        np.zeros(ROWS, np.uint8),
        "toyfaces",
        "toyfaces",
        "",
    )
    weights = np.ones(len(CLASSES))
    keys = [(seed, epoch) for seed in (0, 2**32 - 1) for epoch in (0, 1)]
    elsewhere = [
        processes.submit(
            training_batches,
            dataset,
            np.arange(ROWS),
            replace(variant, batch_size=batch_size),
            class_weights=weights,
            seed=seed,
            epoch=epoch,
        )
        for seed, epoch in keys
    ]
    for (seed, epoch), drawn in zip(keys, elsewhere, strict=True):
        here = training_batches(dataset, np.arange(ROWS), variant, class_weights=weights, seed=seed, epoch=epoch)
        observed, expected = (np.concatenate([batch.maps for batch in each]) for each in (drawn.result(), here))
        assert observed.dtype == np.float32
        assert observed.shape == (ROWS, 2, 3)
        assert observed.tobytes() == expected.tobytes(), f"seed {seed}, epoch {epoch}"


@given(st.sampled_from(AUGMENTATIONS), SEEDS, EPOCHS)
def test_every_row_has_another_map_in_every_epoch(augmentation: Augmentation, seed: int, epoch: int) -> None:
    here, next_epoch, next_seed = (
        draw_maps(augmentation, seed=of_seed, epoch=of_epoch, count=ROWS)
        for of_seed, of_epoch in ((seed, epoch), (seed, epoch + 1), (seed + 1, epoch))
    )
    for one, other in ((here, next_epoch), (here, next_seed), (next_epoch, next_seed)):
        # five numbers of 24 bits each: none is the same by chance
        assert (one != other).any(axis=(1, 2)).all()
