"""How many seeds are enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SEEDS_NEEDED: Final = 3
"""With fewer the spread over seeds is hardly known, so nothing is decided by it."""
MOST_SEEDS: Final = 100
"""Nobody trains more; how many more would settle a question is not said beyond."""


def further_seeds(count: int, is_enough: Callable[[int], bool]) -> int | None:
    """Return how many seeds more than `count` are enough: at least `SEEDS_NEEDED` in all, at most `MOST_SEEDS`.

    Args:
        count: How many there are.
        is_enough: Whether so many in all settle the question.

    Returns:
        The smallest number above 0; None if no number does.
    """
    numbers = range(max(count + 1, SEEDS_NEEDED), MOST_SEEDS + 1)
    return next((number - count for number in numbers if is_enough(number)), None)
