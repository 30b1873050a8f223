"""Numbers and words of the paper as people read them in findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.papers.facts import Fact
from harness.variant import Architecture, Strategy, Variant

_NETWORKS: Final[Mapping[Architecture, str]] = {"vgg16": "VGG16", "resnet50": "ResNet50"}
_STRATEGIES: Final[Mapping[Strategy, str]] = {
    "scratch": "{} from scratch",
    "transfer": "{} by transfer",
    "fine-tune": "fine-tuned {}",
}
_READINGS: Final[Mapping[str, str]] = {"224x224x3": ", if fed 224×224", "frozen": " with its base frozen"}
"""Readings that statements name; others go by their name."""


def percent(fact: Fact) -> str:
    """A share with the digits that the paper gives it: 0.6723 is `67.23 %`, 67 is `67 %`."""
    return f"{100 * fact.value:.{decimals(fact)}f} %"


def decimals(fact: Fact) -> int:
    """Decimals of a share once it is written in per cent."""
    return max(0, -round(math.log10(fact.resolution)) - 2)


def points(difference: float) -> str:
    """A difference of two shares: `12.54 points`."""
    return f"{100 * difference:.2f} points"


def signed_points(difference: float) -> str:
    """The same with its sign: `+12.54 points`."""
    return f"{100 * difference:+.2f} points".replace("-", "−")


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last


def mention(fact: Fact) -> str:
    """A share with its place: `67.23 % (Table 6)`."""
    return f"{percent(fact)} ({fact.place})"


def share(value: float, decimals: int = 0) -> str:
    """A share that no fact prints: `82 %`."""
    return f"{100 * value:.{decimals}f} %"


def described(variant: Variant) -> str:
    """Return a variant in words, with its readings: `fine-tuned VGG16`, `ResNet50 from scratch, if fed 224×224`."""
    reading = variant.name.partition("@")[2]
    words = _STRATEGIES[variant.strategy].format(_NETWORKS[variant.architecture])
    return words + (_READINGS.get(reading, f", read as {reading}") if reading else "")


def capitalised(text: str) -> str:
    """With its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Quote:
    """Words of the paper: at most 20, as they stand there up to white space.

    Numbers may stand among them, in digits or letters, and are only quoted: what a finding rests on is a fact.
    """

    words: str
    place: str

    def __str__(self) -> str:
        return f"“{self.words}” ({self.place})"
