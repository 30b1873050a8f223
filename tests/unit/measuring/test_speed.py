"""Rates: arithmetic on seconds that are given, and clocks that are seen to run."""

from __future__ import annotations

import time

import numpy as np
import pytest

from harness.interface import CalibrationWork
from harness.measuring import speed
from harness.measuring.memory import CONTEXT, DISPLAY, GIB
from harness.measuring.speed import (
    AT_ONCE,
    SIZES,
    CalibrationSizes,
    Pace,
    clock,
    draw_inputs,
    measure_speed,
    numpy_product,
    product_operations,
    speeds,
)
from harness.records.machine import Speed


def test_numpys_product_is_a_product_in_single_precision() -> None:
    left, right = np.random.default_rng(0).random((2, 3, 3), np.float32)
    expected = (left.astype(float) @ right.astype(float))[0, 0]
    assert numpy_product(3)(2) == pytest.approx(expected, rel=1e-6)
    assert product_operations(3) == 54


def test_a_clock_runs_for_as_long_as_the_work() -> None:
    assert clock(lambda: time.sleep(0.02)) >= 0.02


# A device's own rates


SMALL = CalibrationSizes(product=24, pictures=2, edge=6, channels=8, copied=1000)


class CountedWork:
    """Takes a millisecond each time on a clock of its own, and the first time longer."""

    def __init__(self, first_seconds: float = 0.0) -> None:
        self.calls: list[int] = []
        self.now, self.first_seconds = 0.0, first_seconds

    def __call__(self, times: int) -> float:
        self.now += 0.001 * times + (0.0 if self.calls else self.first_seconds)
        self.calls.append(times)
        return 0.0

    def perf_counter(self) -> float:
        return self.now


def test_a_speed_by_hand() -> None:
    """10⁹ in half a second and in one, and the median of three."""
    found = Speed("work", 1e9, (0.5, 1.0, 0.25))
    assert found.rates == pytest.approx((2e9, 1e9, 4e9))
    assert found.rate == pytest.approx(2e9)


@pytest.mark.parametrize(("amount", "seconds"), [(1.0, ()), (0.0, (1.0,)), (1.0, (1.0, 0.0)), (float("nan"), (1.0,))])
def test_what_is_no_speed_is_refused(amount: float, seconds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="expected numbers above 0"):
        Speed("work", amount, seconds)


def test_work_is_repeated_until_it_fills_a_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 units of a millisecond in 10 ms, whatever the first one took; 15 ms of warm-up, then four repeats."""
    work = CountedWork(first_seconds=0.1)
    monkeypatch.setattr(speed, "PACES", {"cpu": Pace(4, repeat_seconds=0.01, warm_up_seconds=0.015)})
    monkeypatch.setattr(speed, "time", work)
    found = measure_speed(work, "work", 7.0, device="cpu")
    assert work.calls == [1, 1, 1, 10, 10, 10, 10, 10, 10]
    assert (found.work, found.amount) == ("work", 7 * 10)
    assert found.seconds == pytest.approx((0.01,) * 4)


def test_many_steps_are_waited_for_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 units in 20 ms: a framework may hold what each of them leaves until it waits."""
    work = CountedWork()
    monkeypatch.setattr(speed, "PACES", {"cpu": Pace(2, repeat_seconds=0.02, warm_up_seconds=0.001)})
    monkeypatch.setattr(speed, "time", work)
    assert measure_speed(work, "work", 7.0, device="cpu").amount == 7 * 20
    assert work.calls == [1, 1, 1, 16, 4, 16, 4, 16, 4]


def test_slow_work_is_done_once_a_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    work = CountedWork()
    monkeypatch.setattr(speed, "PACES", {"cpu": Pace(3, repeat_seconds=0.0, warm_up_seconds=0.0)})
    monkeypatch.setattr(speed, "time", work)
    assert measure_speed(work, "work", 7.0, device="cpu").amount == 7
    assert work.calls == [1] * 6


def test_amounts_are_those_of_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product of 24: 2·24³; 2 pictures of 6×6 by 8 filters of 3×3×8; 1,000 numbers are read and written."""
    monkeypatch.setattr(speed, "PACES", {"gpu": Pace(1, repeat_seconds=0.0, warm_up_seconds=0.0)})
    works = [CountedWork() for _ in range(3)]
    found = list(speeds(CalibrationWork(*works), SMALL, device="gpu", value_bytes=2))
    assert [each.amount for each in found] == [27_648, 2 * 2 * 36 * 8 * 9 * 8, 4_000]
    assert [len(each.calls) for each in works] == [4, 4, 4]


def test_inputs_neither_grow_nor_fade() -> None:
    """Of a product of 64: after 30 steps numbers are still about as large, so no clock sees zeros or infinities."""
    inputs = draw_inputs(CalibrationSizes(product=64, pictures=1, edge=4, channels=4, copied=10))
    after = np.linalg.matrix_power(inputs.factor.astype(float), 30)
    assert 1e-3 < np.abs(after).mean() / np.abs(inputs.factor).mean() < 1e3
    assert inputs.kernel.std() == pytest.approx(1 / 6, rel=0.1)
    assert {each.dtype for each in vars(inputs).values()} == {np.dtype(np.float32)}


def test_a_gpus_sizes_fit_a_small_card() -> None:
    """Factor, pictures and the array that is copied, beside all that the largest leaves between two waits."""
    sizes = SIZES["gpu"]
    numbers = (sizes.product**2, sizes.pictures * sizes.edge**2 * sizes.channels, sizes.copied)
    assert 4 * (sum(numbers) + AT_ONCE * max(numbers)) + CONTEXT < 8 * GIB - DISPLAY


def test_what_is_copied_on_a_gpu_fits_no_cache() -> None:
    """In bfloat16 as well: the paper's card has 64 MB, by its specification."""
    assert 2 * SIZES["gpu"].copied >= 128 * 2**20
