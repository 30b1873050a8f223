"""Seconds as they could have been measured, to attribute."""

from __future__ import annotations

from typing import Any

from harness.attribution.parts import Attribution, Clocked, Measured, PictureRate
from harness.records.machine import Speed
from tests.support.papers import PAPER


def attribution(inputs: Any, steps: Any, together: Any, images: Any = (10, 20, 40)) -> Attribution:
    """From seconds an image, round by round; every part clocked on another number of images."""
    parts: tuple[Any, ...] = ("input", "step", "together")
    seconds = zip(parts, images, (inputs, steps, together), strict=True)
    return Attribution(*(Clocked("generator", part, n, tuple(n * s for s in each)) for part, n, each in seconds))


def measured(*clocked: Clocked) -> Measured:
    return Measured(
        "pytorch",
        PAPER.variants["vgg16-scratch"],
        "all",
        clocked,
        (),
        10**9,
        Speed("product", 100e9, (1.0, 0.5)),
        {},
        None,
    )


def pictures(
    size: int = 224, channels: Any = 3, augmented: Any = (100.0, 100.0), plain: Any = (200.0, 200.0)
) -> PictureRate:
    both = [Clocked("generator", "input", 1, tuple(1 / each for each in rate)) for rate in (augmented, plain)]
    return PictureRate(size, channels, *both)
