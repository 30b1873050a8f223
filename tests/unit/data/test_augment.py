"""Random affine maps: what they depend on, and what each kind of change does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.data.augment import affine_maps, draw_maps, identity_maps
from harness.data.pixels import IDENTITY_MAP
from harness.variant import Augmentation
from tests.support.checks import check_close
from tests.support.papers import PAPER
from tests.support.strategies import (
    EPOCHS,
    SEEDS,
    augmentations,
    draws,
)

NONE = Augmentation(
    rotation_degrees=0.0, width_shift=0.0, height_shift=0.0, shear_degrees=0.0, zoom=0.0, horizontal_flip=False
)
MIRROR = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 47.0]])
CENTRE = np.array([23.5, 23.5])
COUNT = 16
ROUNDING = 1e-9
"""Source pixels, in float64: coordinates below 200 are kept to 3e-14."""
SINGLE_ROUNDING = 1e-5
"""Source pixels, in float32: offsets below 150 are kept to 8e-6."""

AUGMENTATIONS = [variant.augmentation for variant in PAPER.variants.values() if variant.augmentation]


def matrices(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """The linear part, shape (n, 2, 2)."""
    return maps[:, :, :2].astype(np.float64)


def source_of(maps: NDArray[np.floating], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a point of the output comes from, shape (n, 2)."""
    found: NDArray[np.float64] = matrices(maps) @ point + maps[:, :, 2]
    return found


# What they depend on


@given(augmentations(), SEEDS, EPOCHS, st.integers(0, 50), st.integers(0, 50))
def test_a_map_depends_on_its_row_and_not_on_the_count(
    augmentation: Augmentation, seed: int, epoch: int, count: int, more: int
) -> None:
    few = draw_maps(augmentation, seed=seed, epoch=epoch, count=count)
    many = draw_maps(augmentation, seed=seed, epoch=epoch, count=count + more)
    assert few.shape == (count, 2, 3)
    assert few.dtype == np.float32
    assert np.array_equal(few, many[:count])


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_epochs_seeds_and_rows_differ(augmentation: Augmentation) -> None:
    maps = np.concatenate(
        [draw_maps(augmentation, seed=seed, epoch=epoch, count=COUNT) for seed in range(3) for epoch in range(3)]
    )
    assert len(np.unique(maps, axis=0)) == 9 * COUNT


# Ranges


@given(SEEDS, EPOCHS)
def test_no_range_is_the_identity_exactly(seed: int, epoch: int) -> None:
    assert np.array_equal(draw_maps(NONE, seed=seed, epoch=epoch, count=COUNT), identity_maps(COUNT))


def test_identity_maps_are_the_reference_identity() -> None:
    assert identity_maps(COUNT).dtype == np.float32
    assert np.array_equal(identity_maps(COUNT), np.tile(IDENTITY_MAP, (COUNT, 1, 1)))


@given(augmentations(), SEEDS)
def test_drawn_maps_stay_in_their_ranges(augmentation: Augmentation, seed: int) -> None:
    maps = draw_maps(augmentation, seed=seed, epoch=0, count=COUNT)
    # of Q·K·Z·M: Q turns, K shears (columns of length 1 both), Z scales columns, M mirrors
    lengths = np.linalg.norm(matrices(maps), axis=1)
    assert (lengths >= 1 - augmentation.zoom - SINGLE_ROUNDING).all()
    assert (lengths <= 1 + augmentation.zoom + SINGLE_ROUNDING).all()
    centre_moved = np.linalg.norm(source_of(maps, CENTRE) - CENTRE, axis=1)
    farthest = 48 * np.hypot(augmentation.height_shift, augmentation.width_shift)
    assert (centre_moved <= farthest + 10 * SINGLE_ROUNDING).all()


@given(draws(COUNT), st.floats(0, 180))
def test_rotation_turns_within_its_range(uniform: NDArray[np.float64], degrees: float) -> None:
    turned = matrices(affine_maps(replace(NONE, rotation_degrees=degrees), uniform))
    check_close(turned @ turned.transpose(0, 2, 1), np.tile(np.eye(2), (COUNT, 1, 1)), tolerance=ROUNDING, what="Q·Qᵀ")
    angles = np.rad2deg(np.arctan2(turned[:, 1, 0], turned[:, 0, 0]))
    assert (np.abs(angles) <= degrees + ROUNDING).all()


@given(draws(COUNT), st.floats(0, 0.9))
def test_zoom_scales_rows_and_columns_within_its_range(uniform: NDArray[np.float64], zoom: float) -> None:
    maps = affine_maps(replace(NONE, zoom=zoom), uniform)
    scales = matrices(maps)[:, [0, 1], [0, 1]]
    assert (np.abs(scales - 1) <= zoom + ROUNDING).all()
    assert np.array_equal(matrices(maps), scales[:, :, None] * np.eye(2))
    check_close(scales, 1 + zoom * (2 * uniform[:, 4:6] - 1), tolerance=ROUNDING, what="zooms of rows, of columns")


@given(draws(COUNT), st.floats(0, 1))
def test_height_shift_moves_rows_alone(uniform: NDArray[np.float64], share: float) -> None:
    maps = affine_maps(replace(NONE, height_shift=share), uniform)
    assert np.array_equal(matrices(maps), np.tile(np.eye(2), (COUNT, 1, 1)))
    check_close(maps[:, 0, 2], 48 * share * (2 * uniform[:, 1] - 1), tolerance=ROUNDING, what="rows")
    assert not maps[:, 1, 2].any()


@given(draws(COUNT), st.floats(0, 1))
def test_width_shift_moves_columns_alone(uniform: NDArray[np.float64], share: float) -> None:
    maps = affine_maps(replace(NONE, width_shift=share), uniform)
    assert np.array_equal(matrices(maps), np.tile(np.eye(2), (COUNT, 1, 1)))
    check_close(maps[:, 1, 2], 48 * share * (2 * uniform[:, 2] - 1), tolerance=ROUNDING, what="columns")
    assert not maps[:, 0, 2].any()


@given(draws(COUNT))
def test_flip_mirrors_half_about_the_centre(uniform: NDArray[np.float64]) -> None:
    maps = affine_maps(replace(NONE, horizontal_flip=True), uniform)
    expected = np.where((uniform[:, 6] < 0.5)[:, None, None], MIRROR, IDENTITY_MAP)
    assert np.array_equal(maps, expected)


def test_flips_come_about_half_of_the_time() -> None:
    maps = draw_maps(replace(NONE, horizontal_flip=True), seed=0, epoch=0, count=10_000)
    # binomial: a deviation is 0.005
    assert 0.475 < (maps[:, 1, 1] < 0).mean() < 0.525


@given(augmentations(), draws(COUNT))
def test_the_centre_stays_where_nothing_is_shifted(augmentation: Augmentation, uniform: NDArray[np.float64]) -> None:
    maps = affine_maps(replace(augmentation, width_shift=0.0, height_shift=0.0), uniform)
    check_close(source_of(maps, CENTRE), np.tile(CENTRE, (COUNT, 1)), tolerance=ROUNDING, what="source of the centre")


# Their composition


def test_composition_of_one_example_by_hand() -> None:
    wild = Augmentation(
        rotation_degrees=180.0, width_shift=0.5, height_shift=0.25, shear_degrees=0.0, zoom=0.5, horizontal_flip=True
    )
    # rotation +90°, 6 rows, no columns, no shear, rows times 1.5, columns as they are, mirrored
    uniform = np.array([[0.75, 0.75, 0.5, 0.5, 1.0, 0.5, 0.25]])
    maps = affine_maps(wild, uniform)
    # (0, 0) is (-23.5, -23.5) from the centre; mirrored (-23.5, 23.5); zoomed (-35.25, 23.5); shifted (-29.25, 23.5);
    # turned by 90°, (r, c) -> (-c, r): (-23.5, -29.25); from the corner (0, -5.75)
    check_close(source_of(maps, np.zeros(2)), [[0.0, -5.75]], tolerance=ROUNDING, what="source of the corner")
    # the centre is shifted by 6 rows, then turned
    check_close(source_of(maps, CENTRE), [[23.5, 29.5]], tolerance=ROUNDING, what="source of the centre")


@given(augmentations(), draws(1))
def test_composition_is_keras_chain_of_matrices(augmentation: Augmentation, uniform: NDArray[np.float64]) -> None:
    signed = 2 * uniform[0] - 1
    turn, shear = (
        np.deg2rad(augmentation.rotation_degrees * signed[0]),
        np.deg2rad(augmentation.shear_degrees * signed[3]),
    )
    rotate = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    move = np.eye(3)
    move[:2, 2] = 48 * augmentation.height_shift * signed[1], 48 * augmentation.width_shift * signed[2]
    skew = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoom = np.diag([1 + augmentation.zoom * signed[4], 1 + augmentation.zoom * signed[5], 1])
    mirror = np.diag([1, -1 if augmentation.horizontal_flip and uniform[0, 6] < 0.5 else 1, 1])
    to_centre, back = np.eye(3), np.eye(3)
    to_centre[:2, 2], back[:2, 2] = -CENTRE, CENTRE
    expected = back @ rotate @ move @ skew @ zoom @ mirror @ to_centre
    check_close(affine_maps(augmentation, uniform)[0], expected[:2], tolerance=ROUNDING, what="map")
