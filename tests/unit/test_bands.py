"""Verdicts: formulae against worked examples, and their error rate by simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_records import DRAWN, FER2013, TOYFACES, fake_record
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.bands import (
    DECLARED_MARGIN,
    LEVEL,
    WIDEST_MARGIN,
    Band,
    bands,
    differences,
    judge,
    judge_accuracy,
)
from harness.paper.facts import facts
from harness.runs.record import WeightsIdentity
from harness.training.budget import BUDGETS, Budget, limit_variant
from harness.variants import find_variant, narrow

BAND = Band(expected=0.60, place="Table 6", allowance=0.01, reason="for a test")
QUANTILE_2 = 4.303
"""t(.975, 2), from the table in any textbook; t(.975, 4) is 2.776."""


@pytest.mark.parametrize(
    ("observed", "kind", "reason"),
    [
        # one or two seeds: ±(1 + 2) points, and nothing within it is called reproduced
        ([0.600], "INCONCLUSIVE", "0.0 points from the paper, within ±3.0 (1 seed); 2 more may settle it"),
        ([0.629], "INCONCLUSIVE", "2.9 points from the paper, within ±3.0 (1 seed); 2 more may settle it"),
        ([0.631], "NOT_REPRODUCED", "3.1 points from the paper, beyond ±3.0 (1 seed)"),
        ([0.569], "NOT_REPRODUCED", "3.1 points from the paper, beyond ±3.0 (1 seed)"),
        ([0.55, 0.59], "INCONCLUSIVE", "3.0 points from the paper, within ±3.0 (2 seeds); 1 more may settle it"),
        ([0.54, 0.58], "NOT_REPRODUCED", "4.0 points from the paper, beyond ±3.0 (2 seeds)"),
        # three: s = 0.2 points, ±(1 + 4.303 · 0.2 · √(4/3)) = ±1.99 points
        ([0.616, 0.618, 0.620], "REPRODUCED", "1.8 points from the paper, within ±2.0 (3 seeds)"),
        ([0.580, 0.582, 0.584], "REPRODUCED", "1.8 points from the paper, within ±2.0 (3 seeds)"),
        ([0.619, 0.621, 0.623], "NOT_REPRODUCED", "2.1 points from the paper, beyond ±2.0 (3 seeds)"),
        ([0.577, 0.579, 0.581], "NOT_REPRODUCED", "2.1 points from the paper, beyond ±2.0 (3 seeds)"),
        # no spread at all: the allowance alone
        ([0.609] * 4, "REPRODUCED", "0.9 points from the paper, within ±1.0 (4 seeds)"),
        ([0.611] * 4, "NOT_REPRODUCED", "1.1 points from the paper, beyond ±1.0 (4 seeds)"),
        # s = 2 points: 4.303 · 2 · √(4/3) = 9.9 points agree with almost anything
        ([0.58, 0.60, 0.62], "INCONCLUSIVE", "seeds spread too widely: ±9.9 points; run more of them"),
        # five seeds, s = √2.5 / 2 points: 2.776 · 0.7906 · √(6/5) = 2.40
        ([0.59, 0.595, 0.60, 0.605, 0.61], "REPRODUCED", "0.0 points from the paper, within ±3.4 (5 seeds)"),
    ],
)
def test_worked_examples(observed: list[float], kind: str, reason: str) -> None:
    verdict = judge_accuracy(BAND, observed)
    assert (verdict.kind, verdict.reason) == (kind, reason)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("nudge", "kind"), [(-1e-5, "REPRODUCED"), (1e-5, "NOT_REPRODUCED")])
def test_the_limit_is_the_formula(side: int, nudge: float, kind: str) -> None:
    spread = 0.002
    limit = BAND.allowance + QUANTILE_2 * spread * math.sqrt(4 / 3)
    mean = BAND.expected + side * (limit + nudge)
    assert judge_accuracy(BAND, [mean - spread, mean, mean + spread]).kind == kind


@given(st.lists(st.floats(0.4, 0.8), min_size=1, max_size=6))
def test_both_sides_are_judged_alike(observed: list[float]) -> None:
    mirrored = [2 * BAND.expected - value for value in observed]
    limit_is_near = any(
        abs(abs(np.mean(observed) - BAND.expected) - limit) < 1e-9 for limit in (BAND.allowance + DECLARED_MARGIN,)
    )
    if not limit_is_near:
        assert judge_accuracy(BAND, observed).kind == judge_accuracy(BAND, mirrored).kind


@given(st.permutations([0.59, 0.601, 0.612, 0.6]))
def test_the_order_of_seeds_does_not_matter(observed: list[float]) -> None:
    assert judge_accuracy(BAND, observed) == judge_accuracy(BAND, sorted(observed))


def test_a_verdict_needs_a_run() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        judge_accuracy(BAND, [])


@pytest.mark.parametrize("count", [3, 4, 5])
def test_one_more_seed_of_ours_is_seldom_refused(count: int) -> None:
    """Without an allowance the band is a prediction interval, whatever the true mean and spread."""
    draws = 2000
    random = np.random.default_rng(count)
    # a spread so small that the widest margin never decides
    accuracies = random.normal(0.6, 0.001, size=(draws, count + 1))
    kinds = [judge_accuracy(Band(float(paper), "", 0.0, ""), list(ours)).kind for paper, *ours in accuracies]
    observed = kinds.count("NOT_REPRODUCED") / draws
    error = math.sqrt(LEVEL * (1 - LEVEL) / draws)
    assert observed == pytest.approx(1 - LEVEL, abs=4 * error)


def test_an_allowance_makes_refusals_rarer() -> None:
    random = np.random.default_rng(0)
    accuracies = random.normal(0.6, 0.004, size=(500, 4))
    kinds = [judge_accuracy(Band(float(paper), "", 0.01, ""), list(ours)).kind for paper, *ours in accuracies]
    assert kinds.count("NOT_REPRODUCED") / 500 < (1 - LEVEL) / 2


@pytest.mark.parametrize("name", ["vgg16-scratch", "resnet50-scratch"])
def test_bands_stand_on_the_papers_figures(name: str) -> None:
    band, fact = bands()[name], facts()[name]
    assert (band.expected, band.place) == (fact.accuracy.value, fact.accuracy.place)
    figures = [fact.accuracy.value, *(other.value for other in fact.other_accuracies)]
    assert 0.01 <= band.allowance - (max(figures) - min(figures)) / 2 <= 0.02
    assert band.reason
    assert band.allowance + WIDEST_MARGIN < 0.06, "a band that holds everything says nothing"


def test_the_paper_contradicts_itself_by_15_hundredths() -> None:
    """67.23, 67.08 and 67.20 %: half of their spread is 0.075 points."""
    assert bands()["vgg16-scratch"].allowance == pytest.approx(0.015 + 0.00075)


VARIANT = find_variant("vgg16-scratch")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"variant": "vgg16-scratch@unstopped"}, []),
        ({"dataset": None}, ["data missing"]),
        ({"dataset": TOYFACES}, ["data toyfaces"]),
        ({"dataset": replace(FER2013, deviations=("one image is missing",))}, ["deviating data"]),
        ({"budget": BUDGETS["hour"]}, []),  # an hour was enough
        ({"budget": BUDGETS["hour"], "stop_reason": "budget: 3,590 of 3,600 s spent"}, ["budget hour"]),
        ({"budget": Budget("custom", examples=960)}, ["budget custom"]),
        ({"budget": Budget("custom", test_examples=512)}, ["budget custom"]),
        (
            {"budget": Budget("custom", epochs=3), "variant": limit_variant(VARIANT, Budget("", epochs=3))},
            ["budget custom"],
        ),
        ({"protocol": "honest"}, ["protocol honest"]),
        ({"variant": narrow(VARIANT, width_divisor=8)}, ["width ÷ 8"]),
        ({"variant": "vgg16-transfer", "weights": replace(DRAWN, source="stand-in")}, ["stand-in weights"]),
        (
            {"variant": "vgg16-transfer", "weights": WeightsIdentity("keras-vgg16", "a.h5", "0" * 64)},
            ["weights unlike the published ones"],
        ),
        ({"variant": replace(VARIANT, learning_rate=1.0)}, ["variant unlike variants.toml"]),
        ({"variant": replace(VARIANT, name="vgg16-scratch@invented")}, ["variant unlike variants.toml"]),
        ({"accuracy": None, "status": "interrupted"}, ["run interrupted"]),
        ({"accuracy": None, "status": "failed", "dataset": TOYFACES}, ["run failed", "data toyfaces"]),
    ],
    ids=str,
)
def test_differences_are_named(fields: dict[str, object], expected: list[str]) -> None:
    record = fake_record(**fields)  # type: ignore[arg-type]
    assert differences(record) == expected
    assert (judge([record]).kind == "NOT_COMPARABLE") == bool(expected)
    if expected:
        assert judge([record]).reason == ", ".join(expected)


def test_the_last_run_of_a_seed_counts() -> None:
    observed = judge([fake_record(accuracy, seed=seed) for seed, accuracy in [(0, 0.1), (1, 0.672), (0, 0.672)]])
    assert observed.kind == "INCONCLUSIVE"
    assert "(2 seeds)" in observed.reason


def test_runs_that_cannot_be_compared_are_left_aside() -> None:
    good = [fake_record(accuracy, seed=seed) for seed, accuracy in enumerate([0.671, 0.672, 0.673])]
    verdict = judge([*good, fake_record(0.1, seed=9, dataset=TOYFACES), fake_record(None, seed=0, status="failed")])
    assert verdict.kind == "REPRODUCED"
    assert "(3 seeds)" in verdict.reason


def test_too_good_is_not_reproduced() -> None:
    assert judge([fake_record(0.99, seed=seed) for seed in range(3)]).kind == "NOT_REPRODUCED"


def test_a_variant_without_a_band_cannot_be_judged() -> None:
    verdict = judge([fake_record(0.48, variant="vgg16-fine-tune")])
    assert (verdict.kind, verdict.reason) == ("NOT_COMPARABLE", "no band is declared yet")
