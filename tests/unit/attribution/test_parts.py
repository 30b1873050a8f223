"""Where time goes: arithmetic on seconds that are given."""

from __future__ import annotations

from typing import Any

import pytest

from harness.attribution.parts import Clocked, Spread
from tests.support.attributions import attribution, measured


def test_rates_are_images_over_seconds_with_median_and_range() -> None:
    assert Clocked("device", "step", 10, (1.0, 2.0, 5.0)).rate == Spread(5.0, 2.0, 10.0)


def test_shares_and_ratios_are_taken_round_by_round() -> None:
    found = attribution(inputs=[1.0, 2.0, 3.0], steps=[3.0, 6.0, 9.0], together=[4.0, 8.0, 10.0])
    assert found.input_share == Spread(0.25, 0.25, 0.3)
    assert found.step_share == Spread(0.75, 0.75, 0.9)
    assert found.to_sum == Spread(1.0, 10 / 12, 1.0)
    assert found.to_longer.low == pytest.approx(10 / 9)


@pytest.mark.parametrize(
    ("together", "order"),
    [
        (3.0, "one after the other"),
        (2.0, "at the same time"),
        (2.5, "partly at the same time"),
        (3.5, "slower than their sum"),
        (1.5, "faster than either"),
        (2.87, "one after the other"),  # within ALIKE of the sum
        (2.08, "at the same time"),
    ],
)
@pytest.mark.parametrize("longer", ["input", "step"])
def test_whether_both_go_on_at_the_same_time(together: float, order: str, longer: str) -> None:
    lengths = {"inputs": [1.0] * 3, "steps": [2.0] * 3}
    if longer == "input":
        lengths = {"inputs": [2.0] * 3, "steps": [1.0] * 3}
    found = attribution(**lengths, together=[together] * 3)
    assert found.order == order
    assert found.bound == longer


def test_an_input_shorter_than_the_spread_tells_nothing_of_the_order() -> None:
    assert attribution([0.01] * 3, [1.0] * 3, [0.99, 1.0, 1.02]).order == "cannot be told"


def test_rounds_that_disagree_leave_the_bound_open() -> None:
    assert attribution([1.0, 1.0, 3.0], [2.0] * 3, [3.0] * 3).bound == "cannot be told"


@pytest.mark.parametrize("rounds", [1, 2])
def test_one_round_or_two_tell_neither_the_order_nor_the_bound(rounds: int) -> None:
    for together in (1.5, 2.0, 2.5, 3.0, 3.5):
        found = attribution([1.0] * rounds, [2.0] * rounds, [together] * rounds)
        assert (found.order, found.bound) == ("cannot be told", "cannot be told")


def test_the_step_on_the_hosts_pixels_is_measured_once_for_both_pipelines() -> None:
    parts: list[tuple[Any, Any]] = [("generator", "input"), ("generator", "step"), ("generator", "together")]
    parts += [("manual", "input"), ("manual", "together"), ("device", "input")]
    found = measured(*(Clocked(pipeline, part, 1, (1.0, 1.0)) for pipeline, part in parts))
    generator, manual = found.attributions()  # device lacks a step of its own, and takes nobody's
    assert (generator.pipeline, manual.pipeline) == ("generator", "manual")
    assert manual.step is generator.step
    assert manual.input.pipeline == "manual"


def test_the_steps_rate_is_that_of_the_fastest_kind() -> None:
    """10⁹ operations an image; 4 images in 2 s are 2 GFLOP/s."""
    found = measured(Clocked("device", "step", 4, (4.0, 4.0)), Clocked("generator", "step", 4, (2.0, 2.0)))
    assert found.step_rate == Spread(2.0, 2.0, 2.0)
    assert found.product_rate.median == 150.0
