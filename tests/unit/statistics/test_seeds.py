"""How many seeds are enough."""

from __future__ import annotations

import pytest

from harness.statistics.seeds import MOST_SEEDS, further_seeds


@pytest.mark.parametrize(
    ("count", "enough", "expected"),
    [(1, 1, 2), (2, 3, 1), (3, 3, 1), (3, 7, 4), (5, MOST_SEEDS, MOST_SEEDS - 5), (5, MOST_SEEDS + 1, None)],
)
def test_the_fewest_further_seeds(count: int, enough: int, expected: int | None) -> None:
    assert further_seeds(count, lambda seeds: seeds >= enough) == expected
