"""Each implementation's pixels against the float64 reference."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from harness.data.augment import draw_maps, identity_maps
from harness.data.pixels import network_input, output_grid, scaling
from harness.interface import (
    IMAGE_SIZE,
    Batch,
    Images,
    Implementation,
    Model,
)
from harness.variant import Augmentation, Variant, narrow
from tests.support.checks import check_close
from tests.support.models import build
from tests.support.papers import PAPER
from tests.support.strategies import images, maps

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
    variant = narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=64, input_size=size)
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


# In a compiled step, where a coordinate may be computed anew wherever it is used

AUGMENTATION = Augmentation(
    rotation_degrees=20.0, width_shift=0.2, height_shift=0.2, shear_degrees=10.0, zoom=0.2, horizontal_flip=True
)


def maps_onto_pixels(size: int, count: int) -> NDArray[np.float32]:
    """Drawn maps, each of which takes one pixel of the output, here or there, onto one of the picture.

    But for a rounding: another order of the same sum is just before it or just behind.
    """
    chosen = draw_maps(AUGMENTATION, seed=0, epoch=0, count=count)
    drawn = np.random.default_rng(0)
    places = output_grid(size).astype(np.float32)[drawn.integers(0, size, (2, count, 1))]
    rounded = chosen[:, :, 0] * places[0] + chosen[:, :, 1] * places[1]
    chosen[:, :, 2] = drawn.integers(5, IMAGE_SIZE - 5, (count, 2)) - rounded
    return chosen


@pytest.mark.parametrize("implementation", ["keras3", pytest.param("pytorch", marks=pytest.mark.slow)], indirect=True)
def test_pixels_of_a_compiled_step_are_the_references(implementation: Implementation) -> None:
    """What a coordinate costs that is found otherwise the second time, `test_compiled_lookup.py` says."""
    size, count = 224, 32
    variant = variant_of(size, 3, "unit-range")
    chosen = maps_onto_pixels(size, count)
    noise = np.random.default_rng(0).integers(0, 256, (count, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    compiled = {"keras3": compiled_keras, "pytorch": compiled_pytorch}[implementation.name]
    observed = compiled(variant, noise, chosen)
    expected = network_input(noise, chosen, size=size, channels=3, convention="unit-range")
    check_close(observed, expected, tolerance=GREY_TOLERANCE / 255, what="compiled pixels")


def compiled_keras(variant: Variant, pictures: NDArray[np.uint8], chosen: NDArray[np.float32]) -> Images:
    """Pixels of Keras' compiled `predict`, which are read in another order too, as a convolution's gradient does."""
    import keras

    from impls.keras3.pixels import Pixels

    inputs = {
        "images": keras.Input((IMAGE_SIZE, IMAGE_SIZE), dtype="uint8", name="images"),
        "maps": keras.Input((2, 3), dtype="float32", name="maps"),
    }
    pixels = Pixels(variant, "float32")(inputs)
    network = keras.Model(inputs, [pixels, keras.ops.transpose(pixels, (0, 3, 1, 2))])
    observed, _ = network.predict({"images": pictures, "maps": chosen}, batch_size=32, verbose=0)
    return np.asarray(observed)


def compiled_pytorch(variant: Variant, pictures: NDArray[np.uint8], chosen: NDArray[np.float32]) -> Images:
    """Pixels of one graph without a break, which are read in another order too."""
    import torch

    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a compiler: g++")
    from impls.pytorch.pixels import Pixels

    layer = Pixels(variant, torch.float32)

    @torch.compile(fullgraph=True)
    def step(images: torch.Tensor, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = layer(images, maps)
        return pixels, pixels.contiguous()

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own
        observed, _ = step(torch.from_numpy(pictures), torch.from_numpy(chosen))
    return np.asarray(observed.permute(0, 2, 3, 1))
