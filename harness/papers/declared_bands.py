"""What is declared of a paper's bands: `bands.toml`. What follows from it is computed in `harness.judging`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from pydantic import TypeAdapter

from harness.strictness import STRICT

Quantity = Literal["accuracy", "reached", "epochs", "training-accuracy", "gap", "recalls", "pattern", "seconds"]
QUANTITIES: Final[tuple[Quantity, ...]] = get_args(Quantity)
"""In the order in which they are printed. `reached`: whether test accuracy passes the stop rule's threshold; `epochs`:
after how many epochs the stop rule ends training; `gap`: training minus test accuracy."""


@dataclass(frozen=True)
class Unsaid:
    """What is allowed for all that a paper leaves open, declared by us: a fraction, or a factor above 1."""

    reason: str
    size: float | None = None
    factor: float | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if (self.size is None) == (self.factor is None):
            raise ValueError(f"size={self.size}, factor={self.factor}: what is unsaid has one of them ({self.reason})")


@dataclass(frozen=True)
class Widest:
    """The most that seeds may ask for, a fraction, in place of the scale's."""

    size: float
    reason: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class DeclaredBand:
    """A table of `bands.toml`.

    Attributes:
        unsaid: What is allowed for what the paper does not say.
        unjudged: Why nothing is judged, in its place.
        widest: The most that seeds may ask for besides, where that is not the scale's.
        excluded: Mentions (by the last part of the fact's name) that contradict nothing, each with the reason.
    """

    unsaid: Unsaid | None = None
    unjudged: str | None = None
    widest: Widest | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if (self.unsaid is None) == (self.unjudged is None):
            raise ValueError("a band is judged, with what is unsaid, or it is unjudged, with the reason")
        if self.unjudged is not None and (self.widest or self.excluded):
            raise ValueError("a band that is unjudged has neither widest nor excluded")


DeclaredBands = Mapping[str, Mapping[Quantity, DeclaredBand]]
"""By variant, then by quantity."""

ADAPTER: Final = TypeAdapter(dict[str, dict[Quantity, DeclaredBand]])
