"""How many pictures Keras' `ImageDataGenerator` makes a second on one core.

Measured by this project (`docs/explanation/attribution.md`), not on the machine of any paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.interval import Interval

DEVICE: Final = "one core of an AMD EPYC (Zen 4)"
CORE_RATIO: Final = Interval(0.8, 2.0)
"""How many times as fast another core of these years makes a picture as the measured one; declared. The CPU that a
paper names was not compared with it."""


@dataclass(frozen=True)
class Measured:
    """A rate over several rounds, pictures a second.

    Attributes:
        median: Of the rounds.
        span: From the slowest round to the fastest.
    """

    median: float
    span: Interval


@dataclass(frozen=True)
class GeneratorSpeed:
    """Of pictures of one size, read from files of 48×48 pixels, on one core.

    Attributes:
        augmented: Pictures a second that are turned, moved, sheared, zoomed and flipped.
        plain: Pictures a second that are shown as they are.
        rounds: How often each was clocked.
        command: What clocks them.
    """

    augmented: Measured
    plain: Measured
    rounds: int
    command: str

    def seconds(self, *, augmented: int, plain: int) -> float:
        """Seconds in which one core makes so many pictures of each kind, by the medians."""
        return augmented / self.augmented.median + plain / self.plain.median


SPEEDS: Final[Mapping[int, GeneratorSpeed]] = {
    48: GeneratorSpeed(
        Measured(3_035.0, Interval(2_659.0, 3_299.0)),
        Measured(8_926.0, Interval(8_490.0, 9_409.0)),
        rounds=5,
        command="ferbench attribute VARIANT --fer2013 PATH",
    ),
    224: GeneratorSpeed(
        Measured(178.0, Interval(175.0, 179.0)),
        Measured(1_809.0, Interval(1_741.0, 1_842.0)),
        rounds=3,
        command="ferbench attribute VARIANT --fer2013 PATH",
    ),
}
"""By the edge of the pictures in pixels: 48 in grey, 224 in colour. Another run at 224, of five rounds and a wider
span, gave 188 (141 to 194) augmented and 1,843 plain ones."""


def speed_at(input_size: int) -> GeneratorSpeed:
    """The measured speed for pictures of an edge in pixels: of the small ones up to 48, else of the large ones."""
    return SPEEDS[48 if input_size <= 48 else 224]


def source(input_size: int) -> str:
    """Where a speed is from, in words, with n and span."""
    speed = speed_at(input_size)
    augmented, plain = speed.augmented, speed.plain
    return (
        f"measured by this project, not on the paper's machine: Keras' ImageDataGenerator on {DEVICE}, "
        f"{augmented.median:,.0f} augmented images/s ({augmented.span.low:,.0f} to {augmented.span.high:,.0f}, "
        f"n = {speed.rounds}) and {plain.median:,.0f} plain ones at {input_size}×{input_size} from a folder"
    )
