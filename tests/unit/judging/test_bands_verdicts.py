"""Verdicts: formulae against worked examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.verdicts import (
    FACTOR,
    POINTS,
    Scale,
    Verdict,
    judge_epochs,
    judge_reached,
    judge_values,
    seeds_to_settle,
    settling_texts,
)
from harness.statistics.intervals import prediction_margin
from harness.statistics.seeds import SEEDS_NEEDED

EXPECTED, ALLOWANCE = 0.60, 0.01
QUANTILE_2 = 4.303
"""t(.975, 2), from the table in any textbook; t(.975, 4) is 2.776, t(.975, 9) 2.262."""
NEVER = math.inf


@pytest.mark.parametrize(
    ("observed", "kind", "reason", "further"),
    [
        # one or two seeds: ±(1 + 2) points, and nothing within is called reproduced. With the declared spread, 0.72
        # points, three seeds ask for ±3.6 points, more than the widest; four for ±2.6
        ([0.600], "INCONCLUSIVE", "60.0 %, 0.0 points above the paper's 60.0 %, within ±3.0 (1 seed)", 3),
        ([0.629], "INCONCLUSIVE", "62.9 %, 2.9 points above the paper's 60.0 %, within ±3.0 (1 seed)", 3),
        ([0.631], "NOT_REPRODUCED", "63.1 %, 3.1 points above the paper's 60.0 %, beyond ±3.0 (1 seed)", None),
        ([0.569], "NOT_REPRODUCED", "56.9 %, 3.1 points below the paper's 60.0 %, beyond ±3.0 (1 seed)", None),
        ([0.55, 0.59], "INCONCLUSIVE", "57.0 %, 3.0 points below the paper's 60.0 %, within ±3.0 (2 seeds)", 2),
        ([0.54, 0.58], "NOT_REPRODUCED", "56.0 %, 4.0 points below the paper's 60.0 %, beyond ±3.0 (2 seeds)", None),
        # three: s = 0.2 points, ±(1 + 4.303 · 0.2 · √(4/3)) = ±1.99 points
        (
            [0.616, 0.618, 0.620],
            "REPRODUCED",
            "61.8 %, 1.8 points above the paper's 60.0 %, within ±2.0 (3 seeds)",
            None,
        ),
        (
            [0.580, 0.582, 0.584],
            "REPRODUCED",
            "58.2 %, 1.8 points below the paper's 60.0 %, within ±2.0 (3 seeds)",
            None,
        ),
        ([0.619, 0.621, 0.623], "NOT_REPRODUCED", "2.1 points above the paper's 60.0 %, beyond ±2.0 (3 seeds)", None),
        ([0.577, 0.579, 0.581], "NOT_REPRODUCED", "2.1 points below the paper's 60.0 %, beyond ±2.0 (3 seeds)", None),
        # no spread at all: the allowance alone
        ([0.609] * 4, "REPRODUCED", "60.9 %, 0.9 points above the paper's 60.0 %, within ±1.0 (4 seeds)", None),
        ([0.611] * 4, "NOT_REPRODUCED", "61.1 %, 1.1 points above the paper's 60.0 %, beyond ±1.0 (4 seeds)", None),
        # s = 1 point: 4.303 · 1 · √(4/3) = 5.0 points agree with almost anything; four seeds ask for 3.6, five for
        # 3.04, six for 2.571 · √(7/6) = 2.78
        (
            [0.59, 0.60, 0.61],
            "INCONCLUSIVE",
            "within ±6.0 (3 seeds), but seeds spread too widely: ±5.0 for them, at most ±3.0",
            3,
        ),
        # s = 2 points: 1.96 · 2 = 3.9 points with any number of seeds
        ([0.58, 0.60, 0.62], "INCONCLUSIVE", "but seeds spread too widely: ±9.9 for them, at most ±3.0", None),
        # five seeds, s = √2.5 / 2 points: 2.776 · 0.7906 · √(6/5) = 2.40
        ([0.59, 0.595, 0.60, 0.605, 0.61], "REPRODUCED", "60.0 %, 0.0 points", None),
    ],
)
def test_worked_examples(observed: list[float], kind: str, reason: str, further: int | None) -> None:
    verdict = judge_values(POINTS, EXPECTED, ALLOWANCE, observed)
    assert (verdict.kind, verdict.further_seeds) == (kind, further)
    assert reason in verdict.reason
    assert "settle" not in verdict.reason  # said once, at the end of everything


def test_a_band_may_have_seeds_spread_less() -> None:
    """s = 0.5 points: 4.303 · 0.5 · √(4/3) = 2.48 points; four seeds ask for 3.182 · 0.5 · √(5/4) = 1.78."""
    observed = [0.595, 0.60, 0.605]
    assert judge_values(POINTS, EXPECTED, ALLOWANCE, observed).kind == "REPRODUCED"
    verdict = judge_values(POINTS, EXPECTED, ALLOWANCE, observed, widest=0.02)
    assert (verdict.kind, verdict.further_seeds) == ("INCONCLUSIVE", 1)
    assert "±2.5 for them, at most ±2.0" in verdict.reason


def test_what_would_settle_it_is_said_of_what_is_open() -> None:
    assert settling_texts(Verdict("INCONCLUSIVE", "so", 3)) == ["3 more may settle it"]
    assert settling_texts(Verdict("INCONCLUSIVE", "so")) == ["no number of further seeds like these would settle it"]
    assert settling_texts(Verdict("NOT_REPRODUCED", "so")) == settling_texts(Verdict("REPRODUCED", "so")) == []


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("others", [[], [0.6, 0.61]])
def test_what_is_not_finite_is_refused(odd: float, others: list[float]) -> None:
    for judge in (
        lambda observed: judge_values(POINTS, EXPECTED, ALLOWANCE, observed),
        lambda observed: judge_reached(0.67, ALLOWANCE, observed),
    ):
        with pytest.raises(ValueError, match=f"{odd} was observed; a verdict needs finite numbers"):
            judge([*others, odd])
    for each in (math.nan, -math.inf):
        with pytest.raises(ValueError, match="finite"):
            judge_epochs(78, ALLOWED, [*others, each], planned=100)
    assert judge_epochs(78, ALLOWED, [*others, math.inf], planned=100).kind == "INCONCLUSIVE"


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("nudge", "kind"), [(-1e-5, "REPRODUCED"), (1e-5, "NOT_REPRODUCED")])
def test_the_limit_is_the_formula(side: int, nudge: float, kind: str) -> None:
    spread = 0.002
    limit = ALLOWANCE + QUANTILE_2 * spread * math.sqrt(4 / 3)
    mean = EXPECTED + side * (limit + nudge)
    assert judge_values(POINTS, EXPECTED, ALLOWANCE, [mean - spread, mean, mean + spread]).kind == kind


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("nudge", "kind"), [(-1e-4, "REPRODUCED"), (1e-4, "NOT_REPRODUCED")])
def test_the_limit_of_a_factor_is_the_formula_of_logarithms(side: int, nudge: float, kind: str) -> None:
    spread, allowance = 0.05, math.log(1.25)
    limit = allowance + QUANTILE_2 * spread * math.sqrt(4 / 3)
    middle = 78 * math.exp(side * (limit + nudge))
    observed = [middle * math.exp(-spread), middle, middle * math.exp(spread)]
    assert judge_values(FACTOR, 78, allowance, observed).kind == kind


def test_a_factor_is_told_as_one() -> None:
    verdict = judge_values(FACTOR, 5000, math.log(2), [2500, 2550, 2450], unit="seconds")
    assert verdict.reason == "2,500 s, ×0.50 of the paper's 5,000 s, within ×/÷2.21 (3 seeds)"
    verdict = judge_values(FACTOR, 100, math.log(2), [400], unit="epochs", reference="what is expected")
    assert verdict.reason == "400 epochs, ×4.00 of what is expected, beyond ×/÷3.00 (1 seed)"


def test_a_difference_keeps_its_sign() -> None:
    verdict = judge_values(POINTS, -0.0163, 0.03, [0.02], unit="points", reference="the paper's -1.63 points")
    assert verdict.reason == "+2.0 points, 3.6 points above the paper's -1.63 points, within ±5.0 (1 seed)"


@given(st.lists(st.floats(0.4, 0.8), min_size=1, max_size=6))
def test_both_sides_are_judged_alike(observed: list[float]) -> None:
    mirrored = [2 * EXPECTED - value for value in observed]
    limit = ALLOWANCE + POINTS.declared_margin
    if abs(abs(np.mean(observed) - EXPECTED) - limit) > 1e-9:  # rounding decides there
        kinds = {judge_values(POINTS, EXPECTED, ALLOWANCE, each).kind for each in (observed, mirrored)}
        assert len(kinds) == 1


@given(st.permutations([0.59, 0.601, 0.612, 0.6]))
def test_the_order_of_seeds_does_not_matter(observed: list[float]) -> None:
    verdicts = [judge_values(POINTS, EXPECTED, ALLOWANCE, each) for each in (observed, sorted(observed))]
    assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize("scale", [POINTS, FACTOR])
def test_the_declared_margin_is_that_of_one_seed_with_the_declared_spread(scale: Scale) -> None:
    """1.96 · s · √(1 + 1/1); never below 0.4 points."""
    assert scale.declared_margin == pytest.approx(1.96 * scale.declared_spread * math.sqrt(2), rel=1e-4)
    assert POINTS.declared_spread >= 0.004


@given(st.floats(0, 0.05), st.floats(0.001, 0.03), st.integers(1, 8))
def test_the_seeds_that_are_asked_for_settle_it(distance: float, spread: float, count: int) -> None:
    more = seeds_to_settle(POINTS, distance, ALLOWANCE, spread, count)

    def is_settled(seeds: int) -> bool:
        margin = prediction_margin(spread, seeds)
        return margin <= POINTS.widest_margin or distance > ALLOWANCE + margin

    if more is None:
        assert not is_settled(100)
    else:
        assert count + more >= SEEDS_NEEDED
        assert is_settled(count + more)
        assert not any(is_settled(seeds) for seeds in range(max(SEEDS_NEEDED, count + 1), count + more))


@pytest.mark.parametrize(
    ("highest", "kind", "reason", "further"),
    [
        ([0.671], "INCONCLUSIVE", "the run passed 67 %", 2),
        ([0.671, 0.70, 0.672], "REPRODUCED", "3 of 3 runs passed 67 %", None),
        ([0.671, 0.66, 0.672], "REPRODUCED", "2 of 3 runs passed 67 %", None),
        ([0.671, 0.672, 0.66, 0.65], "INCONCLUSIVE", "2 of 4 runs passed 67 %", 1),
        ([0.671, 0.66, 0.55], "INCONCLUSIVE", "1 of 3 runs passed 67 %", 2),
        # 2.0 points below, within 1.5 + 2
        (
            [0.65],
            "INCONCLUSIVE",
            "the run never passed 67 %: 65.0 % at best, 2.0 points below, within 3.5 points (1 seed)",
            None,
        ),
        ([0.634], "NOT_REPRODUCED", "63.4 % at best, 3.6 points below, beyond 3.5 points (1 seed)", None),
        # s = 0.2: 1.5 + 4.303 · 0.2 · √(4/3) = 2.49
        (
            [0.643, 0.645, 0.647],
            "NOT_REPRODUCED",
            "none of 3 runs passed 67 %: 64.5 % at best on average, 2.5 points below, beyond 2.5 points (3 seeds)",
            None,
        ),
        ([0.644, 0.646, 0.648], "INCONCLUSIVE", "2.4 points below, within 2.5 points (3 seeds)", 1),
        # within the allowance alone: no number of such runs refuses the paper, and none of them reaches it
        ([0.66] * 3, "INCONCLUSIVE", "1.0 points below, within 1.5 points", None),
        # equal to the threshold is not above it
        ([0.67] * 3, "INCONCLUSIVE", "none of 3 runs passed 67 %", None),
    ],
)
def test_worked_examples_of_a_threshold(highest: list[float], kind: str, reason: str, further: int | None) -> None:
    verdict = judge_reached(0.67, 0.015, highest)
    assert verdict.kind == kind
    assert reason in verdict.reason
    assert verdict.further_seeds == further


ALLOWED = math.log(1.25)


@pytest.mark.parametrize(
    ("paper", "observed", "kind", "reason"),
    [
        (78, [80], "INCONCLUSIVE", "after 80: 80 epochs, ×1.03 of the paper's 78, within ×/÷1.88 (1 seed)"),
        (78, [40], "NOT_REPRODUCED", "after 40: 40 epochs, ×0.51 of the paper's 78, beyond ×/÷1.88 (1 seed)"),
        (78, [NEVER], "INCONCLUSIVE", "after > 100, the paper's 78: the run cannot be dated"),
        # geometric mean 78; s = 0.05: ×/÷ exp(0.223 + 4.303 · 0.05 · √(4/3)) = 1.60
        (
            78,
            [74.2, 78, 82],
            "REPRODUCED",
            "after 74, 78, 82: 78 epochs, ×1.00 of the paper's 78, within ×/÷1.60 (3 seeds)",
        ),
        (78, [20, 21, 22], "NOT_REPRODUCED", "beyond"),
        (78, [50, 78, 99], "INCONCLUSIVE", "seeds spread too widely"),
        # one of five undated: it counts as 100
        (78, [76, 78, 80, 82, NEVER], "REPRODUCED", "after 76, 78, 80, 82, > 100: 83 epochs, ×1.06 of the paper's 78"),
        (78, [78, 80, NEVER, NEVER], "INCONCLUSIVE", "2 of 4 runs cannot be dated"),
        # however early the others were, an undated one may mean a spread that holds anything
        (78, [20, 21, 22, NEVER], "INCONCLUSIVE", "seeds spread too widely"),
        (78, [99, 99, 99, 99, NEVER], "INCONCLUSIVE", "1 of 5 runs cannot be dated"),
        # the paper's never happened
        (NEVER, [NEVER], "INCONCLUSIVE", "after > 100: the run as the paper's > 100"),
        (NEVER, [NEVER] * 3, "REPRODUCED", "after > 100, > 100, > 100: 3 of 3 runs as the paper's > 100"),
        (NEVER, [NEVER, NEVER, 90], "REPRODUCED", "after > 100, > 100, 90: 2 of 3 runs as the paper's > 100"),
        (NEVER, [NEVER, 60, 70], "INCONCLUSIVE", "1 of 3 runs as the paper's > 100"),
        (NEVER, [90, 91, 92], "INCONCLUSIVE", "91 epochs, ×0.91 of the paper's > 100, within ×/÷1.32 (3 seeds)"),
        (NEVER, [30, 31, 32], "NOT_REPRODUCED", "after 30, 31, 32: 31 epochs, ×0.31 of the paper's > 100, beyond"),
        (NEVER, [50], "NOT_REPRODUCED", "beyond ×/÷1.88 (1 seed)"),
        (NEVER, [60], "INCONCLUSIVE", "60 epochs, ×0.60 of the paper's > 100, within ×/÷1.88 (1 seed)"),
    ],
)
def test_worked_examples_of_epochs(paper: float, observed: list[float], kind: str, reason: str) -> None:
    verdict = judge_epochs(paper, ALLOWED, observed, planned=100)
    assert verdict.kind == kind
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("observed", "further"),
    [
        ([NEVER], 2),
        ([NEVER, 60, 70], 2),
        ([90, 91, 92], 4),
        ([60], 2),
    ],
)
def test_runs_that_are_enough_if_they_do_as_the_papers(observed: list[float], further: int) -> None:
    assert judge_epochs(NEVER, ALLOWED, observed, planned=100).further_seeds == further


def test_a_crossing_takes_five_seeds() -> None:
    """With a spread of 15 %: ×2.1 for three, more than the widest, ×1.6 for five."""
    margins = [math.exp(prediction_margin(0.15, count)) for count in (3, 5)]
    assert margins == pytest.approx([2.11, 1.58], abs=0.01)
    assert margins[0] > math.exp(FACTOR.widest_margin) > margins[1]


@pytest.mark.parametrize(
    "judge",
    [
        lambda observed: judge_values(POINTS, EXPECTED, ALLOWANCE, observed),
        lambda observed: judge_reached(0.67, ALLOWANCE, observed),
        lambda observed: judge_epochs(78, ALLOWED, observed, planned=100),
    ],
)
def test_a_verdict_needs_a_run(judge: Any) -> None:
    with pytest.raises(ValueError, match="at least one run"):
        judge([])


@given(st.lists(st.one_of(st.integers(1, 100).map(float), st.just(NEVER)), min_size=1, max_size=6))
def test_an_undated_run_refuses_nothing(observed: list[float]) -> None:
    verdict = judge_epochs(78, 0.0, observed, planned=100)
    assert verdict.further_seeds is None or verdict.further_seeds > 0
    if NEVER in observed:
        assert verdict.kind != "NOT_REPRODUCED"


@given(st.lists(st.floats(0.3, 0.9), min_size=1, max_size=6))
def test_only_an_inconclusive_verdict_asks_for_seeds(observed: list[float]) -> None:
    for verdict in (
        judge_values(POINTS, EXPECTED, ALLOWANCE, observed),
        judge_reached(0.67, ALLOWANCE, observed),
        judge_epochs(78, ALLOWED, [100 * each for each in observed], planned=100),
    ):
        assert verdict.kind == "INCONCLUSIVE" or verdict.further_seeds is None
        assert verdict.further_seeds is None or verdict.further_seeds > 0
