"""Quantiles and intervals against textbooks, SciPy's tests, enumeration and simulation."""

from __future__ import annotations

import math
import statistics
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom, norm, ttest_1samp, ttest_ind, ttest_rel

from harness.statistics.intervals import (
    Mean,
    Values,
    mean_of,
    median_interval,
    normal_quantile,
    paired,
    prediction_margin,
    student_quantile,
    welch,
)
from harness.statistics.seeds import MOST_SEEDS

QUANTILE_2 = 4.303
"""t(.975, 2), from the table in any textbook."""
SIMULATIONS = 2000
NOISE = 3 * math.sqrt(0.95 * 0.05 / SIMULATIONS)
"""Three standard errors of a coverage: 1.5 points."""


@pytest.mark.parametrize(("freedom", "expected"), [(1, 12.706), (2, QUANTILE_2), (4, 2.776), (9, 2.262)])
def test_quantiles_are_the_textbooks(freedom: int, expected: float) -> None:
    assert student_quantile(0.95, freedom) == pytest.approx(expected, abs=5e-4)


def test_a_prediction_interval_is_the_textbooks() -> None:
    """Hahn & Meeker's five readings have mean 50.10 and s = 1.31; one more is within ± 3.98."""
    readings = [51.4, 49.5, 48.7, 49.3, 51.6]
    assert statistics.fmean(readings) == pytest.approx(50.10)
    assert prediction_margin(statistics.stdev(readings), 5) == pytest.approx(3.98, abs=0.02)


def test_the_normal_quantile_is_scipys() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert normal_quantile(0.99) == pytest.approx(norm.ppf(0.995), rel=1e-14)


def test_a_mean_is_tested_as_scipy_tests_it() -> None:
    values, bound = [0.011, 0.024, 0.035, 0.018], 0.01
    mean = mean_of(values, floor=0.001)
    interval = ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean.value - mean.half_width(0.9) == pytest.approx(interval.low)
    assert mean.p_above(bound) == pytest.approx(ttest_1samp(values, bound, alternative="greater").pvalue)
    assert mean.p_below(bound) == pytest.approx(ttest_1samp(values, bound, alternative="less").pvalue)


def test_a_fixed_error_is_not_lessened_by_more_values() -> None:
    mean = Mean(0.1, spread=0.3, count=9, fixed_error=0.2)
    assert mean.error() == pytest.approx(math.hypot(0.1, 0.2))
    assert mean.error(900) == pytest.approx(math.hypot(0.01, 0.2))
    assert mean.further(0.2) is None


def test_further_values_are_the_fewest_that_suffice() -> None:
    mean = Mean(0.0, spread=1.0, count=4)
    further = mean.further(0.5)
    assert further is not None
    assert mean.half_width(count=4 + further) < 0.5 <= mean.half_width(count=3 + further)
    assert mean.further(mean.half_width(count=MOST_SEEDS)) is None


def coverage(found: tuple[Values, Values], truth: float) -> float:
    return float((abs(found[0] - truth) <= found[1]).mean())


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_coverage_over_paired_seeds(seeds: int) -> None:
    """Seeds that make both sides slow alike, and noise of each side's own."""
    random = np.random.default_rng(seeds)
    shared = random.normal(size=(SIMULATIONS, seeds))
    first, second = (shared + 0.1 * random.normal(size=(SIMULATIONS, seeds)) for _ in range(2))
    assert coverage(paired(first, second + 0.3), 0.3) == pytest.approx(0.95, abs=NOISE)


@pytest.mark.parametrize(("counts", "spreads"), [((3, 3), (1, 1)), ((5, 3), (1, 4)), ((10, 4), (1, 3))])
def test_coverage_over_unpaired_seeds(counts: tuple[int, int], spreads: tuple[float, float]) -> None:
    """Welch's is approximate with so few: between 94 and 97 %."""
    random = np.random.default_rng(1)
    first, second = (
        spread * random.normal(size=(SIMULATIONS, count)) for count, spread in zip(counts, spreads, strict=True)
    )
    observed = coverage(welch(first, second + 0.3), 0.3)
    assert 0.94 - NOISE <= observed <= 0.97 + NOISE


def test_intervals_over_seeds_are_scipys() -> None:
    first, second = np.array([1.0, 1.3, 1.1]), np.array([1.6, 1.5, 1.9])
    for found, test in [
        (paired(first, second), ttest_rel(second, first)),
        (welch(first, second[:2]), ttest_ind(second[:2], first, equal_var=False)),
    ]:
        expected = test.confidence_interval(0.95)
        assert [found[0] - found[1], found[0] + found[1]] == pytest.approx([expected.low, expected.high])


def test_equal_differences_have_the_spread_of_one_image_in_one_pair() -> None:
    """1 / (100 · √3) over √3, times t(.975, 2) = 4.3027."""
    _, half = paired(np.zeros(3), np.full(3, 0.02), floor=0.01)
    assert half == pytest.approx(4.3027 * 0.01 / 3, abs=1e-6)
    assert paired(np.zeros(3), np.full(3, 0.02))[1] == 0
    assert welch(np.zeros(3), np.full(2, 0.02))[1] == 0


@pytest.mark.parametrize(("count", "left_out"), [(6, 0), (8, 0), (9, 1), (20, 5), (30, 9), (100, 39)])
def test_the_interval_of_a_median_is_that_of_printed_tables(count: int, left_out: int) -> None:
    """Ranks of the sign test at 95 %: of 20 values the 6th and the 15th, of 100 the 40th and the 61st."""
    ratios = [1 + index / 1000 for index in range(count)]
    assert median_interval(ratios) == (ratios[left_out], ratios[count - 1 - left_out])


def test_the_interval_of_a_median_covers_the_median_by_enumeration() -> None:
    """Each of nine ratios lies above the true median or below it, like nine coins: 2⁹ worlds, all as likely."""
    lowest, highest = median_interval(range(1, 10))
    covered = sum(
        1
        for below in range(10)
        for _ in combinations(range(9), below)
        if lowest <= below < highest  # so many ratios lie below the median: it stands behind the one of that rank
    )
    assert covered / 2**9 == pytest.approx(1 - 2 * binom.cdf(1, 9, 0.5))
    assert covered / 2**9 >= 0.95


def test_too_few_values_have_no_interval_of_the_median() -> None:
    with pytest.raises(ValueError, match="5 values"):
        median_interval([1.0] * 5)
