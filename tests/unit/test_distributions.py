"""Tails and quantiles, against scipy.stats."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness import distributions


@pytest.mark.parametrize("freedom", [1, 2, 9, 120])
@pytest.mark.parametrize("probability", [0.5, 0.95, 0.995])
def test_student(freedom: int, probability: float) -> None:
    value = float(distributions.student_quantile(probability, freedom))
    assert value == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-12)
    assert distributions.student_below(1.5, freedom) == pytest.approx(stats.t.cdf(1.5, freedom), rel=1e-12)


def test_a_quantile_for_each_number_of_degrees() -> None:
    freedom = np.arange(1, 20)
    np.testing.assert_allclose(distributions.student_quantile(0.975, freedom), stats.t.ppf(0.975, freedom), rtol=1e-12)


@pytest.mark.parametrize("probability", [0.025, 0.5, 0.975])
def test_normal(probability: float) -> None:
    assert distributions.normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), abs=1e-15)


@pytest.mark.parametrize("freedom", [1, 4, 30])
def test_chi_square(freedom: int) -> None:
    values = np.array([0.0, 0.5, 4.0, 60.0])
    np.testing.assert_allclose(
        distributions.chi_square_below(values, freedom), stats.chi2.cdf(values, freedom), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("successes", "trials", "probability"), [(0, 10, 0.3), (4, 10, 0.67), (-1, 10, 0.3), (6, 6, 0.5)]
)
def test_binomial(successes: int, trials: int, probability: float) -> None:
    expected = stats.binom.cdf(successes, trials, probability)
    assert distributions.binomial_at_most(successes, trials, probability) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("successes", "drawn", "good", "population"), [(0, 10, 1774, 7178), (3, 10, 40, 60), (5, 5, 9, 20)]
)
def test_hypergeometric(successes: int, drawn: int, good: int, population: int) -> None:
    expected = stats.hypergeom(population, good, drawn).cdf(successes)
    found = distributions.hypergeometric_at_most(successes, drawn, good, population)
    assert found == pytest.approx(expected, rel=1e-9)


def test_entropy() -> None:
    assert distributions.entropy([1, 1, 1, 1]) == pytest.approx(math.log(4))
    assert distributions.entropy([5, 0, 3]) == pytest.approx(stats.entropy([5, 0, 3]), rel=1e-12)
