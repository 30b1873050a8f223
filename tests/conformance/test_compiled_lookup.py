"""The lookup of a pixel, compiled beside other work: a compiler that computes a coordinate anew must find it again.

With coordinates in floating point it may not: then a pixel and its share come from two roundings, and the value is up
to a whole pixel off. The last test says so of such coordinates, in the same forms.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.data.pixels import output_grid
from harness.interface import IMAGE_SIZE, Implementation
from tests.conformance.test_model_pixels import maps_onto_pixels
from tests.support.checks import check_same_bits

COUNT = 256
FACTORS = np.array([0.5, 1, 2], np.float32)
"""Of three channels: powers of two, which round nothing."""

Tensor = Any  # a framework's
Grey = NDArray[np.float32]
Lookup = Callable[..., Mapping[str, Grey]]
"""Compiles the lookup in the forms that are named, or in all, and gives grey levels, shape (n, size, size), by form."""


def forms(look: Callable[[Tensor, Tensor], Tensor], factors: Tensor, join: Callable[..., Tensor]) -> dict[str, Any]:
    """By name: what is compiled as one piece, and how grey levels are read off it."""
    return {
        "alone": (look, lambda found: found),
        "into three channels": (
            lambda images, maps: look(images, maps)[..., None] * factors,
            lambda found: found[..., 1],
        ),
        "transposed": (lambda images, maps: look(images, maps).swapaxes(1, 2), lambda found: found.swapaxes(1, 2)),
        "one picture, then the others": (
            lambda images, maps: join([look(images[:1], maps[:1]), look(images[1:], maps[1:])]),
            lambda found: found,
        ),
    }


@pytest.fixture
def pixels(implementation: Implementation) -> Any:
    """The module whose lookup is asked."""
    if implementation.name == "keras3":
        from impls.keras3 import pixels as of_keras

        return of_keras
    from impls.pytorch import pixels as of_pytorch

    return of_pytorch


@pytest.fixture
def lookup(implementation: Implementation, pixels: Any) -> Lookup:
    grid, maps = output_grid(IMAGE_SIZE).astype(np.float32), maps_onto_pixels(IMAGE_SIZE, COUNT)
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    of_framework = {"keras3": by_keras, "pytorch": by_pytorch}[implementation.name]

    def look(*names: str) -> Mapping[str, Grey]:
        made = of_framework(pixels.warp, noise, maps, grid)
        return {name: made[name]() for name in names or made}

    return look


def by_keras(warp: Callable[..., Tensor], *arrays: NDArray[Any]) -> dict[str, Callable[[], Grey]]:
    """By XLA on JAX; Keras compiles nothing on torch, and no XLA on TensorFlow and a CPU."""
    import keras

    if keras.backend.backend() != "jax":
        pytest.skip(f"Keras on {keras.backend.backend()} compiles no step on a CPU")
    import jax
    import jax.numpy as jnp

    images, maps, grid = map(jnp.asarray, arrays)
    made = forms(lambda images, maps: warp(images, maps, grid), jnp.asarray(FACTORS), jnp.concatenate)

    def look(form: Callable[..., Tensor], read: Callable[[Tensor], Tensor]) -> Grey:
        return np.asarray(read(jax.jit(form)(images, maps)))

    return {name: partial(look, *each) for name, each in made.items()}


def by_pytorch(warp: Callable[..., Tensor], *arrays: NDArray[Any]) -> dict[str, Callable[[], Grey]]:
    import torch

    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a compiler: g++")
    images, maps, grid = map(torch.from_numpy, arrays)
    made = forms(lambda images, maps: warp(images, maps, grid), torch.from_numpy(FACTORS), torch.cat)

    def look(form: Callable[..., Tensor], read: Callable[[Tensor], Tensor]) -> Grey:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler's own
            return np.asarray(read(torch.compile(form, fullgraph=True, dynamic=False)(images, maps)))

    return {name: partial(look, *each) for name, each in made.items()}


@pytest.mark.parametrize("implementation", ["keras3", pytest.param("pytorch", marks=pytest.mark.slow)], indirect=True)
def test_a_lookup_is_the_same_to_the_bit_beside_whatever_it_is_compiled(lookup: Lookup) -> None:
    found = lookup()
    for name, grey in found.items():
        check_same_bits({"grey levels": grey}, {"grey levels": found["alone"]}, what=f"compiled {name}")


@pytest.mark.parametrize("implementation", ["keras3"], indirect=True)
def test_with_coordinates_in_floating_point_it_is_not(
    pixels: Any, lookup: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XLA joins a product and a sum in one rounding here and not there; PyTorch's compiler does not, as it comes."""
    monkeypatch.setattr(pixels, "coordinates", floating_coordinates)
    found = lookup("alone", "into three channels")
    apart = np.abs(found["into three channels"] - found["alone"])
    assert apart.max() > 1, "of 255 grey levels"


def floating_coordinates(weights: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    from keras import ops

    places = weights[:, 0, None, None] * grid[:, None] + weights[:, 1, None, None] * grid + weights[:, 2, None, None]
    places = ops.clip(places, 0, IMAGE_SIZE - 1)
    before = ops.floor(places)
    return ops.cast(before, "int32"), places - before
