"""Each implementation's pixels against the float64 reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks import check_close
from hypothesis import given
from models import build
from numpy.typing import NDArray
from strategies import images, maps

from harness.data.augment import identity_maps
from harness.data.pixels import network_input, scaling
from harness.interface import Batch, Implementation, Model
from harness.variants import Variant, find_variant, narrow

COUNT = 2
"""Images in every batch here: one shape, one compilation."""

COORDINATE_TOLERANCE = 2e-5
"""Source pixels. A coordinate is a sum of three float32 products, at most 300 before it is clamped to 0..47: a few
roundings of 2⁻²⁴ each."""
GREY_TOLERANCE = 255 * 2 * COORDINATE_TOLERANCE
"""Grey levels: from black to white in one pixel, off in rows and in columns. Seen: 0.0017."""

UNWARPED_TOLERANCE = 255 * 2 * 2.2e-6
"""Grey levels, where nothing is warped: float32 keeps a coordinate below 64 to 1.9e-6, and the rest is smaller.
Seen: 6e-4 at 224, 2e-5 at 48."""


def variant_of(size: int, channels: int, convention: str) -> Variant:
    variant = narrow(find_variant("vgg16-scratch"), width_divisor=64, input_size=size)
    return replace(variant, input_channels=channels, input_convention=convention)


VARIANTS = (
    variant_of(48, 1, "unit-range"),
    variant_of(224, 3, "unit-range"),
    variant_of(48, 3, "caffe"),
    variant_of(48, 3, "imagenet"),
)


@pytest.fixture(
    scope="module", params=VARIANTS, ids=lambda each: f"{each.input_convention}-{each.input_size}x{each.input_channels}"
)
def model(implementation: Implementation, request: pytest.FixtureRequest) -> Model:
    """The narrowest of networks: what is asked for are its pixels."""
    return build(implementation, request.param)


def batch_of(pictures: NDArray[np.uint8], chosen: NDArray[np.float32]) -> Batch:
    count = len(pictures)
    return Batch(pictures, chosen, labels=np.zeros(count, np.int32), weights=np.ones(count, np.float32))


def check_pixels(model: Model, batch: Batch, *, grey_tolerance: float) -> None:
    """Hold a model's pixels against the reference, in the units of its convention."""
    variant = model.variant
    observed = model.pixels(batch)
    assert observed.dtype == np.float32
    expected = network_input(
        batch.images,
        batch.maps,
        size=variant.input_size,
        channels=variant.input_channels,
        convention=variant.input_convention,
    )
    _, scale = scaling(variant.input_convention, variant.input_channels)
    check_close(observed, expected, tolerance=grey_tolerance / scale, what=f"pixels in {variant.input_convention}")


@given(images(COUNT), maps(COUNT))
def test_pixels_are_the_references(model: Model, pictures: NDArray[np.uint8], chosen: NDArray[np.float32]) -> None:
    check_pixels(model, batch_of(pictures, chosen), grey_tolerance=GREY_TOLERANCE)


@given(images(COUNT))
def test_without_a_warp_pixels_are_bilinear_resizing(model: Model, pictures: NDArray[np.uint8]) -> None:
    check_pixels(model, batch_of(pictures, identity_maps(COUNT)), grey_tolerance=UNWARPED_TOLERANCE)
