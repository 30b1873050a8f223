"""The reference meaning of a pixel, held against other people's arithmetic and against its own definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from harness.data.pixels import (
    CAFFE_MEAN_BGR,
    IDENTITY_MAP,
    IMAGENET_MEAN_RGB,
    IMAGENET_STANDARD_DEVIATION_RGB,
    network_input,
    output_grid,
    scaling,
    to_unit_range,
    warp,
)
from harness.variant import InputConvention
from tests.support.checks import check_close
from tests.support.strategies import images, maps

ROUNDING = 1e-10
"""Grey levels. Float64 keeps 255 to 3e-14; a few dozen operations stay far below this."""
PILLOW_FLOAT = 1e-3
"""Grey levels. Pillow works in float32 here, which keeps 255 to 1.5e-5, in two passes of three taps."""
PILLOW_BYTES = 1.001
"""Grey levels. Pillow rounds to whole ones after each of two passes, half a level twice; its weights have 22 bits."""

MIRROR = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 47.0]])
SIZES = st.sampled_from([1, 7, 30, 48, 96, 224])
CONVENTIONS = st.sampled_from([("unit-range", 1), ("unit-range", 3), ("caffe", 3), ("imagenet", 3)])


def shift(rows: float, columns: float) -> NDArray[np.float64]:
    """The map that looks so many rows and columns further on, shape (1, 2, 3)."""
    return np.array([[[1.0, 0.0, rows], [0.0, 1.0, columns]]])


def resize(image: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Bilinear enlargement as two matrix products, edges repeated: another formulation than a look-up."""
    centres = (np.arange(size) + 0.5) * 48 / size - 0.5
    matrix = np.stack([np.interp(centres, np.arange(48), column) for column in np.eye(48)], axis=1)
    enlarged: NDArray[np.float64] = matrix @ image.astype(np.float64) @ matrix.T
    return enlarged


# Where the output's pixels stand


def test_grid_of_the_same_size_is_the_source_grid_exactly() -> None:
    assert np.array_equal(output_grid(48), np.arange(48.0))


@given(SIZES)
def test_grid_is_even_and_centred(size: int) -> None:
    grid = output_grid(size)
    assert grid.shape == (size,)
    check_close(grid + grid[::-1], np.full(size, 47.0), tolerance=ROUNDING, what="opposite pixels")
    check_close(grid[0], 48 / size / 2 - 0.5, tolerance=ROUNDING, what="first centre")


# Enlargement


@given(images(1), SIZES)
def test_identity_map_is_bilinear_resizing(image: NDArray[np.uint8], size: int) -> None:
    observed = warp(image, IDENTITY_MAP[None], size)[0]
    check_close(observed, resize(image[0], size), tolerance=ROUNDING, what=f"48 to {size}")


@given(images(1))
def test_enlargement_is_pillows(image: NDArray[np.uint8]) -> None:
    observed = warp(image, IDENTITY_MAP[None], 224)[0]
    levels = Image.fromarray(image[0].astype(np.float32))
    expected = np.asarray(levels.resize((224, 224), Image.Resampling.BILINEAR))
    check_close(observed, expected, tolerance=PILLOW_FLOAT, what="48 to 224, Pillow's floats")


@given(images(1))
def test_enlargement_is_pillows_within_its_rounding(image: NDArray[np.uint8]) -> None:
    observed = warp(image, IDENTITY_MAP[None], 224)[0]
    expected = np.asarray(Image.fromarray(image[0]).resize((224, 224), Image.Resampling.BILINEAR))
    check_close(observed, expected, tolerance=PILLOW_BYTES, what="48 to 224, Pillow's bytes")


# The look-up


@given(images(3))
def test_identity_at_the_same_size_changes_nothing(pictures: NDArray[np.uint8]) -> None:
    assert np.array_equal(warp(pictures, np.tile(IDENTITY_MAP, (3, 1, 1)), 48), pictures)


@given(images(2), maps(2), SIZES)
def test_no_level_is_invented(pictures: NDArray[np.uint8], chosen: NDArray[np.float32], size: int) -> None:
    warped = warp(pictures, chosen, size)
    assert (warped >= pictures.min(axis=(1, 2), keepdims=True) - ROUNDING).all()
    assert (warped <= pictures.max(axis=(1, 2), keepdims=True) + ROUNDING).all()


@given(st.integers(0, 255), maps(1), SIZES)
def test_a_plain_picture_stays_plain_exactly(level: int, chosen: NDArray[np.float32], size: int) -> None:
    plain = np.full((1, 48, 48), level, np.uint8)
    assert np.array_equal(warp(plain, chosen, size), np.full((1, size, size), level))


@given(images(1), images(1), maps(1))
def test_warping_is_linear(first: NDArray[np.uint8], second: NDArray[np.uint8], chosen: NDArray[np.float32]) -> None:
    first, second = first // 2, second // 2
    expected = warp(first, chosen, 48) + warp(second, chosen, 48)
    check_close(warp(first + second, chosen, 48), expected, tolerance=ROUNDING, what="sum of two pictures")


@given(images(3), maps(3))
def test_pictures_are_warped_one_by_one(pictures: NDArray[np.uint8], chosen: NDArray[np.float32]) -> None:
    assert np.array_equal(warp(pictures, chosen, 48)[1:2], warp(pictures[1:2], chosen[1:2], 48))


@given(images(1))
def test_mirrored_twice_is_the_picture(image: NDArray[np.uint8]) -> None:
    once = warp(image, MIRROR[None], 48)
    assert np.array_equal(once, image[:, :, ::-1])
    assert np.array_equal(warp(once.astype(np.uint8), MIRROR[None], 48), image)


@given(images(1))
def test_a_quarter_turn_is_exact(image: NDArray[np.uint8]) -> None:
    quarter = np.array([[[0.0, -1.0, 47.0], [1.0, 0.0, 0.0]]])
    assert np.array_equal(warp(image, quarter, 48)[0], np.rot90(image[0], k=-1))


@given(images(1), st.integers(-60, 60), st.integers(-60, 60))
def test_whole_pixels_are_moved_exactly_and_edges_repeat(image: NDArray[np.uint8], rows: int, columns: int) -> None:
    source_rows, source_columns = (np.clip(np.arange(48) + step, 0, 47) for step in (rows, columns))
    assert np.array_equal(warp(image, shift(rows, columns), 48)[0], image[0][np.ix_(source_rows, source_columns)])


@pytest.mark.parametrize(
    ("rows", "columns", "corner"),
    [(-1e6, -1e6, (0, 0)), (-1e6, 1e6, (0, 47)), (1e6, -1e6, (47, 0)), (1e6, 1e6, (47, 47))],
)
def test_far_outside_lies_the_nearest_corner(rows: float, columns: float, corner: tuple[int, int]) -> None:
    image = np.arange(48 * 48, dtype=np.uint16).reshape(1, 48, 48) % 251
    warped = warp(image.astype(np.uint8), shift(rows, columns), 48)
    assert np.array_equal(warped, np.full((1, 48, 48), image[0][corner]))


def test_between_four_pixels_lies_their_bilinear_mean() -> None:
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, 10:12, 20:22] = [[10, 20], [50, 100]]
    # a quarter of the way down, half of the way across: rows 15 and 75, then 15 + 60/4
    assert warp(image, shift(0.25, 0.5), 48)[0, 10, 20] == 30.0


# Scaling


def test_every_grey_level_is_divided_by_255_exactly() -> None:
    levels = np.arange(48 * 48).reshape(1, 48, 48) % 256
    expected = np.array([level / 255.0 for level in range(256)])[levels]
    assert np.array_equal(to_unit_range(levels.astype(np.uint8)), expected)


@given(images(1))
def test_unit_range_is_the_plain_scaling(image: NDArray[np.uint8]) -> None:
    observed = network_input(image, IDENTITY_MAP[None], size=48, channels=1, convention="unit-range")
    assert np.array_equal(observed[..., 0], to_unit_range(image))


@given(images(1), maps(1), CONVENTIONS)
def test_scaling_can_be_undone(
    image: NDArray[np.uint8], chosen: NDArray[np.float32], convention: tuple[InputConvention, int]
) -> None:
    name, channels = convention
    pixels = network_input(image, chosen, size=30, channels=channels, convention=name)
    assert pixels.shape == (1, 30, 30, channels)
    offset, scale = scaling(name, channels)
    levels = np.repeat(warp(image, chosen, 30)[..., None], channels, axis=-1)
    check_close(pixels * scale + offset, levels, tolerance=ROUNDING, what="grey levels")


@pytest.mark.parametrize(
    ("convention", "channels", "black", "white"),
    [
        ("unit-range", 1, (0.0,), (1.0,)),
        ("unit-range", 3, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ("caffe", 3, (-103.939, -116.779, -123.68), (151.061, 138.221, 131.32)),
        (
            "imagenet",
            3,
            (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
            (0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225),
        ),
    ],
)
def test_black_and_white_by_convention(
    convention: InputConvention, channels: int, black: tuple[float, ...], white: tuple[float, ...]
) -> None:
    image = np.zeros((1, 48, 48), np.uint8)
    image[:, :, 24:] = 255
    pixels = network_input(image, IDENTITY_MAP[None], size=48, channels=channels, convention=convention)
    check_close(pixels[0, 0, 0], black, tolerance=ROUNDING, what="black")
    check_close(pixels[0, 0, -1], white, tolerance=ROUNDING, what="white")


def test_conventions_name_their_channels_in_opposite_order() -> None:
    assert list(CAFFE_MEAN_BGR) == sorted(CAFFE_MEAN_BGR), "blue is ImageNet's darkest channel and comes first"
    assert list(IMAGENET_MEAN_RGB) == sorted(IMAGENET_MEAN_RGB, reverse=True)
    assert len(IMAGENET_STANDARD_DEVIATION_RGB) == 3


# Errors


@pytest.mark.parametrize(
    ("image", "message"),
    [
        pytest.param(np.zeros((1, 48, 48)), "images are float64", id="type"),
        pytest.param(np.zeros((1, 48, 47), np.uint8), r"shape \(1, 48, 47\)", id="width"),
        pytest.param(np.zeros((48, 48), np.uint8), r"shape \(48, 48\)", id="one-picture"),
        pytest.param(np.zeros((1, 48, 48, 1), np.uint8), r"shape \(1, 48, 48, 1\)", id="channels"),
    ],
)
def test_other_images_are_refused(image: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_unit_range(image)
    with pytest.raises(ValueError, match=message):
        warp(image, IDENTITY_MAP[None], 48)


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3), (2, 3, 3), (3, 2, 3)])
def test_maps_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(2, 2, 3\), one an image"):
        warp(np.zeros((2, 48, 48), np.uint8), np.zeros(shape), 48)


@pytest.mark.parametrize("convention", ["caffe", "imagenet"])
def test_three_channel_conventions_refuse_one_channel(convention: InputConvention) -> None:
    with pytest.raises(ValueError, match=f"{convention!r} has three channels, not 1"):
        scaling(convention, 1)
