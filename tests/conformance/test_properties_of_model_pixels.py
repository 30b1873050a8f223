"""What holds of each implementation's pixels, whatever the picture and the map.

How close they are to the reference is in `test_model_pixels.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.data.augment import draw_maps, identity_maps
from harness.data.batches import training_batches
from harness.data.dataset import Dataset
from harness.data.pixels import scaling
from harness.interface import (
    CLASSES,
    IMAGE_SIZE,
    Batch,
    Images,
    Implementation,
    Model,
)
from harness.variant import Augmentation, InputConvention, narrow
from tests.support.checks import check_close
from tests.support.models import shared_model
from tests.support.papers import PAPER
from tests.support.strategies import (
    EPOCHS,
    SEEDS,
    images,
    lattice_maps,
    maps,
    partitions,
)

COUNT = 2
"""Images in a batch: one shape, one compilation."""

DIVISION = 1.2e-7
"""Of the range [0, 1]: the last bit of a float32 below 1, twice. XLA divides by 255 with another last bit than NumPy.
Seen: 6e-8."""
WHOLE_PIXELS = 2e-6
"""Of the range [0, 1], where pixels come from pixels. Float32 keeps whole and half coordinates exactly; what is left is
scaling, and a cosine that is not quite nought: 47 times 4e-8 would be a shift of 2e-6. Seen: 7e-8."""
RESIZED = 2 * 2 * 1.9e-6
"""Of the range [0, 1]. Each of two coordinates is kept to 1.9e-6 of a pixel (float32 below 64), in rows and in columns;
from black to white is one pixel. Seen: 3.9e-6."""
SUM = 1e-6
"""Of the range [0, 1]. The shares are the same on both sides; each lookup rounds 1 to 6e-8 a few times. Seen: 2e-7."""
LEVELS = 1e-4
"""Grey levels, scaled to a convention and back in float32, which keeps 255 to 1.5e-5 each time. Seen: 3e-5."""
BETWEEN = 2 * 2e-5
"""Of the range [0, 1]. Coordinates are sums of three float32 products in whatever order and fusion, kept to 2e-5 of a
pixel (`test_model_pixels.py` says why), in rows and in columns. Seen on JAX: 6e-8."""

MIRRORS = np.tile(np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 47.0]], np.float32), (COUNT, 1, 1))
AUGMENTATION = Augmentation(
    rotation_degrees=20.0, width_shift=0.2, height_shift=0.2, shear_degrees=10.0, zoom=0.2, horizontal_flip=True
)
VARIANT = replace(PAPER.find_variant("vgg16-scratch"), augmentation=AUGMENTATION, batch_size=COUNT)
ROWS = 3 * COUNT


def model_of(implementation: Implementation, size: int, channels: int, convention: InputConvention) -> Model:
    """The narrowest of networks: what is asked for are its pixels."""
    variant = narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=64, input_size=size)
    return shared_model(implementation, replace(variant, input_channels=channels, input_convention=convention))


@pytest.fixture(scope="module")
def small(implementation: Implementation) -> Model:
    """At the picture's own size, one channel, in the range [0, 1]."""
    return model_of(implementation, IMAGE_SIZE, 1, "unit-range")


@pytest.fixture(scope="module")
def large(implementation: Implementation) -> Model:
    """At 224×224, three channels, in the range [0, 1]."""
    return model_of(implementation, 224, 3, "unit-range")


@pytest.fixture(scope="module", params=["48x1", "224x3"])
def model(implementation: Implementation, request: pytest.FixtureRequest) -> Model:
    """Either of them."""
    size, _, channels = request.param.partition("x")
    return model_of(implementation, int(size), int(channels), "unit-range")


def pixels_of(model: Model, pictures: NDArray[np.uint8], chosen: NDArray[np.floating]) -> Images:
    """Network input, as it is; shape (n, size, size, channels)."""
    count = len(pictures)
    pixels = model.pixels(
        Batch(pictures, chosen.astype(np.float32), np.zeros(count, np.int32), np.ones(count, np.float32))
    )
    assert pixels.dtype == np.float32
    assert pixels.shape == (count, *2 * [model.variant.input_size], model.variant.input_channels)
    return pixels


# The range


@given(images(COUNT), maps(COUNT))
def test_no_level_is_invented(model: Model, pictures: NDArray[np.uint8], chosen: NDArray[np.float32]) -> None:
    """Neither outside the range [0, 1], nor outside the picture, nor in the neighbour's picture."""
    pixels = pixels_of(model, pictures, chosen)
    levels = pictures.reshape(COUNT, -1) / 255
    for each, lowest, highest in zip(pixels, levels.min(axis=1), levels.max(axis=1), strict=True):
        assert max(0, lowest - DIVISION) <= each.min()
        assert each.max() <= min(1, highest + DIVISION)


@given(st.integers(0, 255), st.integers(0, 255), maps(COUNT))
def test_a_plain_picture_stays_plain_exactly(
    model: Model, level: int, neighbour: int, chosen: NDArray[np.float32]
) -> None:
    plain = np.repeat(np.array([level, neighbour], np.uint8), IMAGE_SIZE**2).reshape(COUNT, IMAGE_SIZE, IMAGE_SIZE)
    pixels = pixels_of(model, plain, chosen)
    expected = np.array([level, neighbour]) / 255
    assert np.array_equal(pixels, np.broadcast_to(pixels[:, :1, :1, :1], pixels.shape))
    check_close(pixels[:, 0, 0, 0], expected, tolerance=DIVISION, what="plain levels")


@given(images(COUNT))
def test_resizing_to_the_same_size_changes_nothing(small: Model, pictures: NDArray[np.uint8]) -> None:
    pixels = pixels_of(small, pictures, identity_maps(COUNT))
    check_close(pixels[..., 0], pictures / 255, tolerance=DIVISION, what="48 to 48")


@given(images(COUNT), maps(COUNT))
def test_the_three_channels_of_a_grey_picture_are_equal(
    large: Model, pictures: NDArray[np.uint8], chosen: NDArray[np.float32]
) -> None:
    pixels = pixels_of(large, pictures, chosen)
    assert np.array_equal(pixels, np.repeat(pixels[..., :1], 3, axis=-1))


# Weights


@given(images(COUNT), images(COUNT), maps(COUNT))
def test_a_sum_of_pictures_gives_the_sum_of_pixels(
    small: Model, first: NDArray[np.uint8], second: NDArray[np.uint8], chosen: NDArray[np.float32]
) -> None:
    first, second = first // 2, second // 2
    expected = pixels_of(small, first, chosen) + pixels_of(small, second, chosen)
    check_close(pixels_of(small, first + second, chosen), expected, tolerance=SUM, what="sum of two pictures")


@given(partitions(COUNT), maps(1))
def test_every_pixel_shares_out_one_whole(model: Model, parts: NDArray[np.uint8], chosen: NDArray[np.float32]) -> None:
    shares = pixels_of(model, parts, np.repeat(chosen, COUNT, axis=0)).sum(axis=0)
    check_close(shares, np.ones_like(shares), tolerance=SUM, what="sum of the shares")


# Mirrors, turns and shifts


@given(images(COUNT))
def test_mirrored_twice_is_the_picture(small: Model, pictures: NDArray[np.uint8]) -> None:
    once = np.rint(255 * pixels_of(small, pictures, MIRRORS)[..., 0]).astype(np.uint8)
    assert np.array_equal(once, pictures[:, :, ::-1])
    twice = pixels_of(small, once, MIRRORS)
    assert np.array_equal(twice, pixels_of(small, pictures, identity_maps(COUNT)))


@given(images(COUNT))
def test_mirroring_commutes_with_resizing(model: Model, pictures: NDArray[np.uint8]) -> None:
    expected = pixels_of(model, pictures, identity_maps(COUNT))[:, :, ::-1]
    picture_mirrored = pixels_of(model, np.ascontiguousarray(pictures[:, :, ::-1]), identity_maps(COUNT))
    check_close(picture_mirrored, expected, tolerance=RESIZED, what="mirrored, then resized")
    map_mirrored = pixels_of(model, pictures, MIRRORS)
    check_close(map_mirrored, expected, tolerance=RESIZED, what="mirrored by the map")


@given(images(COUNT), lattice_maps(COUNT))
def test_drawn_right_angles_and_whole_pixels_are_exact(
    small: Model, pictures: NDArray[np.uint8], drawn: tuple[NDArray[np.float64], NDArray[np.intp]]
) -> None:
    chosen, sources = drawn
    expected = pictures[np.arange(COUNT)[:, None, None], sources[:, 0], sources[:, 1]] / 255
    observed = pixels_of(small, pictures, chosen)[..., 0]
    check_close(observed, expected, tolerance=WHOLE_PIXELS, what="mirrored, moved, turned")


# Conventions


@pytest.mark.parametrize("convention", ["caffe", "imagenet"])
@given(images(COUNT), maps(COUNT))
def test_a_convention_can_be_undone(
    implementation: Implementation,
    convention: InputConvention,
    pictures: NDArray[np.uint8],
    chosen: NDArray[np.float32],
) -> None:
    grey = 255 * pixels_of(model_of(implementation, IMAGE_SIZE, 1, "unit-range"), pictures, chosen)
    pixels = pixels_of(model_of(implementation, IMAGE_SIZE, 3, convention), pictures, chosen)
    offset, scale = scaling(convention, 3)
    check_close(
        pixels * scale + offset, np.repeat(grey, 3, axis=-1), tolerance=LEVELS, what=f"levels from {convention}"
    )


# What pixels depend on


@given(images(3), maps(3))
def test_a_picture_does_not_depend_on_its_neighbour(
    small: Model, pictures: NDArray[np.uint8], chosen: NDArray[np.float32]
) -> None:
    first, second, last = (pixels_of(small, pictures[pair], chosen[pair]) for pair in ([0, 1], [0, 2], [2, 0]))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(second, last[::-1])


@given(images(1), SEEDS, EPOCHS)
def test_an_epochs_pixels_are_the_same_again_and_the_next_epochs_are_others(
    small: Model, background: NDArray[np.uint8], seed: int, epoch: int
) -> None:
    # noise, in which every place looks different
    noise = np.random.default_rng(0).integers(0, 128, (COUNT, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    pictures = noise + background // 2
    one, again, other = (
        pixels_of(small, pictures, draw_maps(AUGMENTATION, seed=seed, epoch=each, count=COUNT))
        for each in (epoch, epoch, epoch + 1)
    )
    assert one.tobytes() == again.tobytes()
    assert (one != other).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("size", [IMAGE_SIZE, 224])
@given(images(COUNT), maps(COUNT))
def test_pixels_are_the_same_in_both_frameworks(
    both_implementations: Mapping[str, Implementation],
    size: int,
    pictures: NDArray[np.uint8],
    chosen: NDArray[np.float32],
) -> None:
    channels = 1 if size == IMAGE_SIZE else 3
    keras, torch = (
        pixels_of(model_of(both_implementations[name], size, channels, "unit-range"), pictures, chosen)
        for name in ("keras3", "pytorch")
    )
    check_close(keras, torch, tolerance=BETWEEN, what="Keras' pixels against PyTorch's")


def test_maps_beside_a_framework_are_those_of_a_process_without(
    small: Model,
) -> None:
    rows, weights = np.arange(ROWS), np.ones(len(CLASSES))
    dataset = Dataset(
        np.zeros((ROWS, 48, 48), np.uint8),
        np.zeros(ROWS, np.uint8),
        np.zeros(ROWS, np.uint8),
        "toyfaces",
        "toyfaces",
        "",
    )
    make = partial(training_batches, dataset, rows, VARIANT, class_weights=weights, seed=2**32 - 1, epoch=3)
    here = make()
    for batch in here:
        small.pixels(batch)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(make).result()
    observed, expected = (np.concatenate([batch.maps for batch in each]) for each in (here, elsewhere))
    assert observed.shape == (ROWS, 2, 3)
    assert observed.tobytes() == expected.tobytes()
