"""Rates and ratios of times: arithmetic on seconds that are given, and clocks that are seen to run."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom

from harness.measuring.calibration import Calibration, calibrate, clock, numpy_product
from harness.measuring.pairs import Pairs, take_turns


def test_a_rate_by_hand() -> None:
    """2·1000³ operations in 20 ms are 100 GFLOP/s; the median of three, not their mean, nor the best."""
    found = Calibration(size=1000, seconds=(0.02, 0.01, 1.0))
    assert found.rates == pytest.approx((100, 200, 2))
    assert found.rate == pytest.approx(100)


def test_the_first_product_is_not_clocked() -> None:
    calls: list[float] = []

    def product() -> None:
        if not calls:
            time.sleep(0.2)
        calls.append(time.perf_counter())

    assert max(calibrate(product, repeats=3).seconds) < 0.2
    assert len(calls) == 4


def test_no_repeat_is_refused() -> None:
    with pytest.raises(ValueError, match="repeats = 0"):
        calibrate(lambda: None, repeats=0)


def test_numpys_product_is_a_product_in_single_precision() -> None:
    product = numpy_product(3)
    left, right = np.random.default_rng(0).random((2, 3, 3), np.float32)
    found = product()
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, left.astype(float) @ right.astype(float), rtol=1e-6)


def test_a_clock_runs_for_as_long_as_the_work() -> None:
    assert clock(lambda: time.sleep(0.02)) >= 0.02


# Pairs


def test_ratios_are_ours_over_theirs_pair_by_pair() -> None:
    pairs = Pairs(ours=(2.0, 3.0, 9.0), theirs=(1.0, 3.0, 3.0))
    assert pairs.ratios == [2.0, 1.0, 3.0]
    assert pairs.median == 2.0


@pytest.mark.parametrize(("count", "left_out"), [(6, 0), (8, 0), (9, 1), (20, 5), (30, 9), (100, 39)])
def test_the_interval_is_that_of_printed_tables(count: int, left_out: int) -> None:
    """Ranks of the sign test at 95 %: of 20 values the 6th and the 15th, of 100 the 40th and the 61st."""
    ratios = [1 + index / 1000 for index in range(count)]
    pairs = Pairs(ours=ratios, theirs=[1.0] * count)
    assert pairs.interval == (ratios[left_out], ratios[count - 1 - left_out])


def test_the_interval_covers_the_median_by_enumeration() -> None:
    """Each of nine ratios lies above the true median or below it, like nine coins: 2⁹ worlds, all as likely."""
    lowest, highest = Pairs(ours=range(1, 10), theirs=[1] * 9).interval  # type: ignore[arg-type]
    covered = sum(
        1
        for below in range(10)
        for _ in combinations(range(9), below)
        if lowest <= below < highest  # so many ratios lie below the median: it stands behind the one of that rank
    )
    assert covered / 2**9 == pytest.approx(1 - 2 * binom.cdf(1, 9, 0.5))
    assert covered / 2**9 >= 0.95


def test_too_few_pairs_have_no_interval() -> None:
    with pytest.raises(ValueError, match="5 pairs"):
        _ = Pairs(ours=[1.0] * 5, theirs=[1.0] * 5).interval


def test_ways_take_turns_and_begin_in_turns() -> None:
    calls = ""

    def call(name: str, seconds: float) -> None:
        nonlocal calls
        calls += name
        time.sleep(seconds)

    quick, slow = take_turns(lambda: call("q", 0.0), lambda: call("s", 0.01), turns=3, pause_seconds=0.0)
    assert calls == "qs" + "qs" + "sq" + "qs"
    assert len(quick) == len(slow) == 3
    assert min(slow) >= 0.01 > min(quick)
