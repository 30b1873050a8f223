"""Two ways of doing the same work, in turns: the ratio of their times on a machine that other work shares."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.measuring.speed import clock
from harness.statistics.intervals import median_interval

PAUSE_SECONDS: Final = 0.2
"""Of idleness before each piece of work."""


@dataclass(frozen=True)
class Pairs:
    """Seconds of both ways, pair by pair; each pair was measured within moments, so that only ratios are compared.

    Attributes:
        ours: Seconds of the way that is judged.
        theirs: Seconds of the way that it is held against.
    """

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Ours over theirs, of each pair: above 1 where ours is slower."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def median(self) -> float:
        """Of the ratios."""
        return statistics.median(self.ratios)

    @property
    def interval(self) -> tuple[float, float]:
        """Of the true median of the ratios (see `median_interval`, errors included)."""
        return median_interval(self.ratios)


def take_turns(
    *ways: Callable[[], object], turns: int, pause_seconds: float = PAUSE_SECONDS
) -> tuple[list[float], ...]:
    """Clock ways of doing something in turns, after one run of each that is not clocked; each begins as often.

    A pause stands before each: the threads of one library go on spinning for a while, which the next would pay for.

    Returns:
        The seconds of each way, in order.
    """
    for way in ways:
        way()
    seconds: tuple[list[float], ...] = tuple([] for _ in ways)
    for turn in range(turns):
        for place in range(len(ways)):
            which = (turn + place) % len(ways)
            time.sleep(pause_seconds)
            seconds[which].append(clock(ways[which]))
    return seconds
