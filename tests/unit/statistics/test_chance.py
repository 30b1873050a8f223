"""Chances of counts, against scipy.stats."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from harness.statistics import chance


@pytest.mark.parametrize(
    ("successes", "trials", "probability"), [(0, 10, 0.3), (4, 10, 0.67), (-1, 10, 0.3), (6, 6, 0.5)]
)
def test_binomial(successes: int, trials: int, probability: float) -> None:
    expected = stats.binom.cdf(successes, trials, probability)
    assert chance.binomial_at_most(successes, trials, probability) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("successes", "drawn", "good", "population"), [(0, 10, 1774, 7178), (3, 10, 40, 60), (5, 5, 9, 20)]
)
def test_hypergeometric(successes: int, drawn: int, good: int, population: int) -> None:
    expected = stats.hypergeom(population, good, drawn).cdf(successes)
    found = chance.hypergeometric_at_most(successes, drawn, good, population)
    assert found == pytest.approx(expected, rel=1e-9)


def test_entropy() -> None:
    assert chance.entropy([1, 1, 1, 1]) == pytest.approx(math.log(4))
    assert chance.entropy([5, 0, 3]) == pytest.approx(stats.entropy([5, 0, 3]), rel=1e-12)
