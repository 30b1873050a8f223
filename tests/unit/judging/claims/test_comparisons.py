"""Statistics of comparisons against worked examples and by simulation, and the measures that they compare."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.interface import CLASSES
from harness.judging.claims import curves, measures
from harness.judging.claims.comparisons import (
    Comparison,
    certain,
    compare_seeds,
    decide,
    number,
    points,
    times,
)
from harness.judging.claims.curves import epochs_saved
from harness.judging.claims.measures import RunOutcome
from harness.statistics.intervals import LEVEL
from tests.support.claim_worlds import falling, run


def of_seeds(values: list[float], **options: Any) -> Comparison:
    given: dict[str, Any] = {"variants": ("a", "b"), "floor": 1 / 7178, "shown": points} | options
    return compare_seeds("difference", dict(enumerate(values)), **given)


def test_a_worked_example() -> None:
    """Mean 2, s = 1 point: t = 2 / (1/√3) = 3.464 on 2 degrees of freedom; t(.975, 2) is 4.303, t(.975, 3) 3.182."""
    found = of_seeds([0.01, 0.02, 0.03])
    assert found.observed == "+2.00 points, 95 % −0.48 points to +4.48 points (3 seeds)"
    assert found.p_holds == pytest.approx(0.0371, abs=1e-4)
    assert found.p_fails == pytest.approx(1 - 0.0371, abs=1e-4)
    assert found.wanted == "about 1 more seed of a and of b, the same in each, if mean and spread stay as they are"
    (decided,) = decide([found])
    assert decided.kind == "open"


def test_an_error_that_seeds_do_not_lessen() -> None:
    """67 % on 6,610 images has ±0.578 points; t = 1.5 / 0.578 = 2.59 on 2 degrees of freedom, p = 0.061."""
    error = math.sqrt(0.67 * 0.33 / 6610)
    assert error == pytest.approx(0.00578, abs=1e-5)
    found = of_seeds([0.015, 0.015, 0.015], image_error=error)
    assert found.p_holds == pytest.approx(0.061, abs=1e-3)
    assert of_seeds([0.015, 0.015, 0.015]).p_holds < 1e-3
    hopeless = of_seeds([0.001, 0.001, 0.001], image_error=error)
    assert hopeless.wanted == "not even 100 seeds of a and of b if mean and spread stay as they are"


def test_equal_differences_are_not_without_spread() -> None:
    """s is taken as one image in one seed: 0.014 / √3 points, hence an error of 0.014 / 3."""
    found = of_seeds([1 / 7178] * 3)
    assert found.p_holds == pytest.approx(0.0477, abs=1e-4)  # t = 3 on 2 degrees of freedom
    assert of_seeds([0.0] * 3).p_holds == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("values", "wanted"), [([], "3 more seeds"), ([0.2], "2 more seeds"), ([0.2, 0.3], "1 more seed")]
)
def test_too_few_seeds_decide_nothing(values: list[float], wanted: str) -> None:
    found = of_seeds(values)
    assert decide([found])[0].kind == "open"
    assert found.wanted == f"{wanted} of a and of b, the same in each"


def test_refutations_are_corrected_and_support_is_not() -> None:
    """All must hold, so each is asked at the full level; any may fail, so three chances are Holm's 3 · p."""
    doubtful = Comparison("d", "", p_holds=0.99, p_fails=0.01)
    good = Comparison("g", "", p_holds=0.02, p_fails=0.98, wanted="nothing")
    assert [each.kind for each in decide([doubtful])] == ["fails"]
    assert [each.kind for each in decide([doubtful, good, good])] == ["open", "holds", "holds"]
    assert decide([good])[0].wanted == ""


def test_the_level_is_kept_by_simulation() -> None:
    draws = 2000
    differences = np.random.default_rng(0).normal(0, 0.005, size=(draws, 3))
    kinds = [decide([of_seeds(list(row))])[0].kind for row in differences]
    error = math.sqrt(LEVEL / 2 * (1 - LEVEL / 2) / draws)
    for kind in ("holds", "fails"):
        assert kinds.count(kind) / draws == pytest.approx(LEVEL / 2, abs=4 * error)


def test_what_is_counted_is_certain() -> None:
    assert [decide([certain("c", "", holds=holds)])[0].kind for holds in (True, False)] == ["holds", "fails"]


@pytest.mark.parametrize(
    ("shown", "value", "text"),
    [(points, -0.0123, "−1.23 points"), (number, 0.5, "+0.50"), (times, math.log(2), "× 2.00")],
)
def test_how_differences_are_written(shown: Any, value: float, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("fast", "slow", "expected"),
    [
        ([0.2, 0.41, 0.5], [0.2, 0.3, 0.3, 0.45], 2),
        ([0.2, 0.3, 0.3, 0.45], [0.2, 0.41, 0.5], -2),
        ([0.2, 0.41], [0.2] * 9, 8),  # it crosses in epoch 10 at best
        ([0.2] * 9, [0.2, 0.41], -8),
        ([0.2, 0.2, 0.2, 0.41], [0.2, 0.3], None),  # it ended before: it may have been the faster one
        ([0.2, 0.3], [0.2, 0.2, 0.2, 0.41], None),
        ([0.2, 0.3], [0.2, 0.3], None),
        ([0.40, 0.41], [0.40, 0.40, 0.41], 1),  # the target itself is not above it
    ],
)
def test_epochs_saved(fast: list[float], slow: list[float], expected: float | None) -> None:
    pair = (run("vgg16-transfer", watched=fast), run("vgg16-scratch", watched=slow))
    assert epochs_saved(*pair, target=0.4) == expected


def test_measures_of_a_confusion_matrix() -> None:
    """100 images a class; 30 of sad are taken for neutral, 10 of neutral for sad."""
    counts = np.diag([100] * 7)
    sad, neutral = CLASSES.index("sad"), CLASSES.index("neutral")
    counts[sad, [sad, neutral]] = 70, 30
    counts[neutral, [neutral, sad]] = 90, 10
    base = run("vgg16-scratch")
    score = replace(base.record.scores["paper_test"], confusion=tuple(map(tuple, counts.tolist())))
    stored = RunOutcome(replace(base, record=replace(base.record, scores={"paper_test": score})))
    assert measures.recall("sad")(stored) == pytest.approx(0.7)
    assert measures.excess_confusion("sad", "neutral")(stored) == pytest.approx(0.2 - 0.2 / 21)
    assert measures.share_of_answers("neutral")(stored) == pytest.approx(120 / 700)
    assert measures.share_of_mistakes_ahead("neutral")(stored) == pytest.approx(0.75 - 0.25)
    assert measures.recall_lead(["sad"], ["neutral"])(stored) == pytest.approx(-0.2)
    assert measures.recall_lead(["happy", "neutral"], ["fear", "disgust"])(stored) == pytest.approx(-0.1)


def test_a_steady_climber_is_at_rest_and_a_jitterer_is_not() -> None:
    """A line has no second difference, however steep it is; ±1 point in turn has one of 4 points."""
    climber = run("vgg16-fine-tune", watched=falling(0.2, 0.6))
    jitterer = run("vgg16-fine-tune", watched=[0.49, 0.51] * 10)
    assert curves.unrest("watched_accuracy")(climber) == pytest.approx(0)
    assert curves.unrest("watched_accuracy")(jitterer) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([3.0] + [1.0] * 29, 2.0),
        ([3.0] + [1.0] * 19 + [0.5] * 10, 1.5),  # it falls on
        ([3.0] + [1.0] * 19 + [1.5] * 10, 1.5),  # it rises again: no stabilizing either
        ([1.0] * 9 + [2.0] * 21, -1.0),  # nothing fell
    ],
)
def test_a_curve_settles(losses: list[float], expected: float) -> None:
    stored = run("resnet50-fine-tune", 1, watched_losses=losses)
    assert curves.settles("watched_loss", 10)(stored) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [([4.0, 3.0, 2.5, 2.0, 1.5], 1.0), ([4.0, 3.0, 2.0, 2.5, 2.5], -0.5), ([1.0, 2.0, 2.5, 1.0, 0.5], -1.5)],
)
def test_a_fall_over_both_halves_is_the_smaller_one(losses: list[float], expected: float) -> None:
    assert curves.least_fall("training_loss")(run("resnet50-scratch", 1, losses=losses)) == pytest.approx(expected)
