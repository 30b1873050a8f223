"""Equivalence: TOST and McNemar against other people's figures and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from harness.statistics.equivalence import compare_answers, judge_equivalence, mcnemar
from harness.statistics.intervals import LEVEL
from harness.statistics.seeds import MOST_SEEDS

IMAGES = 7178
QUANTILES = {2: 6.314, 3: 2.920, 4: 2.353, 5: 2.132}
"""t(.95, n−1) by n, from the table in any textbook."""

# TOST


@pytest.mark.parametrize(
    ("points", "kind", "half"),
    [
        # n = 3, s = 0.1: half = 2.920 · 0.1 / √3 = 0.169
        ([0.1, 0.2, 0.3], "EQUIVALENT", 0.169),
        ([0.7, 0.8, 0.9], "EQUIVALENT", 0.169),
        ([0.8, 0.9, 1.0], "UNDECIDED", 0.169),
        ([1.0, 1.1, 1.2], "UNDECIDED", 0.169),
        ([1.1, 1.2, 1.3], "DIFFERENT", 0.169),
        ([-1.1, -1.2, -1.3], "DIFFERENT", 0.169),
        # two pairs are honest: 6.314 · 0.1414 / √2 = 0.631
        ([0.2, 0.4], "EQUIVALENT", 0.631),
        ([0.3, 0.5], "UNDECIDED", 0.631),
        ([1.6, 1.8], "DIFFERENT", 0.631),
        # five, s = 0.5·√2.5: half = 2.132 · 0.7906 / √5 = 0.754
        ([-1.0, -0.5, 0.0, 0.5, 1.0], "EQUIVALENT", 0.754),
    ],
    ids=str,
)
def test_worked_examples(points: list[float], kind: str, half: float) -> None:
    observed = judge_equivalence([value / 100 for value in points], images=IMAGES)
    assert observed.kind == kind
    assert observed.interval is not None
    assert 100 * (observed.interval[1] - observed.mean) == pytest.approx(half, abs=5e-4)
    assert 100 * (observed.mean - observed.interval[0]) == pytest.approx(half, abs=5e-4)


@pytest.mark.parametrize("count", sorted(QUANTILES))
@pytest.mark.parametrize(("nudge", "kind"), [(-1e-6, "EQUIVALENT"), (1e-6, "UNDECIDED")])
@pytest.mark.parametrize("side", [-1, 1])
def test_the_limit_is_the_formula(count: int, nudge: float, kind: str, side: int) -> None:
    """|mean d| < margin − t(.95, n−1)·s/√n, on both sides."""
    shape = np.linspace(-1e-4, 1e-4, count)
    limit = 0.01 - QUANTILES[count] * shape.std(ddof=1) / math.sqrt(count)
    differences = side * (limit + nudge) + shape
    assert judge_equivalence(list(differences), images=IMAGES).kind == kind


DIFFERENCES = st.lists(st.integers(-300, 300), min_size=2, max_size=8).map(lambda counts: [c / IMAGES for c in counts])


@given(DIFFERENCES, st.floats(0.002, 0.05))
def test_p_values_are_those_of_two_t_tests(differences: list[float], margin: float) -> None:
    assume(len(set(differences)) > 1)
    observed = judge_equivalence(differences, images=IMAGES, margin=margin)
    expected = (
        ttest_1samp(differences, -margin, alternative="greater").pvalue,
        ttest_1samp(differences, margin, alternative="less").pvalue,
    )
    assert observed.p_values == pytest.approx(expected, rel=1e-6, abs=1e-12)
    if abs(max(expected) - LEVEL) > 1e-9:
        assert (observed.kind == "EQUIVALENT") == (max(expected) < LEVEL)


@given(DIFFERENCES)
def test_the_interval_is_scipys(differences: list[float]) -> None:
    assume(len(set(differences)) > 1)
    expected = ttest_1samp(differences, 0).confidence_interval(1 - 2 * LEVEL)
    assert judge_equivalence(differences, images=IMAGES).interval == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(DIFFERENCES)
def test_swapping_turns_the_sign_and_keeps_the_verdict(differences: list[float]) -> None:
    one = judge_equivalence(differences, images=IMAGES)
    other = judge_equivalence([-value for value in differences], images=IMAGES)
    assert (other.kind, other.reason, other.mean, other.spread) == (one.kind, one.reason, -one.mean, one.spread)
    assert one.p_values == pytest.approx(tuple(reversed(other.p_values or ())), rel=1e-9)


@given(DIFFERENCES, st.floats(0.001, 0.1), st.floats(1, 10))
def test_a_wider_margin_keeps_equivalence(differences: list[float], margin: float, factor: float) -> None:
    if judge_equivalence(differences, images=IMAGES, margin=margin).kind == "EQUIVALENT":
        assert judge_equivalence(differences, images=IMAGES, margin=margin * factor).kind == "EQUIVALENT"


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize(("images", "spread", "side"), [(512, 0.0005, 1), (IMAGES, 0.003, -1)])
def test_equivalence_is_seldom_claimed_wrongly(count: int, images: int, spread: float, side: int) -> None:
    """With a true difference of the margin itself, in 5 of 100 at most; accuracies are counts of images."""
    draws = 2000
    random = np.random.default_rng([count, images])
    # rounded at random, so that the expected difference is the margin whatever the number of images
    exact = images * random.normal(side * 0.01, spread, size=(draws, count))
    differences = np.floor(exact + random.random(exact.shape)) / images
    kinds = [judge_equivalence(list(row), images=images).kind for row in differences]
    error = math.sqrt(LEVEL * (1 - LEVEL) / draws)
    assert kinds.count("EQUIVALENT") / draws <= LEVEL + 3 * error
    assert kinds.count("DIFFERENT") / draws <= LEVEL + 3 * error


def test_one_pair_is_no_test() -> None:
    observed = judge_equivalence([0.2], images=IMAGES)
    assert (observed.kind, observed.reason, observed.mean) == ("UNDECIDED", "one pair: no test", 0.2)
    assert (observed.spread, observed.interval, observed.p_values) == (None, None, None)


@pytest.mark.parametrize(
    ("difference", "images", "kind"),
    [
        (0.0, IMAGES, "EQUIVALENT"),
        (0.009, IMAGES, "EQUIVALENT"),
        (0.01, IMAGES, "UNDECIDED"),
        (0.0111, IMAGES, "DIFFERENT"),
        # half = 6.314 · (1/512)/√2 / √2 = 0.617 points: a few equal counts of few images show little
        (0.0, 512, "EQUIVALENT"),
        (2 / 512, 512, "UNDECIDED"),
    ],
)
def test_equal_differences_do_not_show_that_there_is_no_spread(difference: float, images: int, kind: str) -> None:
    observed = judge_equivalence([difference] * 2, images=images)
    assert (observed.kind, observed.spread) == (kind, 0.0)
    assert "equal differences: spread taken as one image in one pair" in observed.reason
    assert observed.interval is not None
    assert observed.interval[1] - difference == pytest.approx(QUANTILES[2] / images / 2, rel=1e-3)


@given(st.lists(st.integers(-60, 60), min_size=2, max_size=4).map(lambda counts: [c / IMAGES for c in counts]))
def test_the_number_of_further_pairs_settles_it(differences: list[float]) -> None:
    """Pairs that keep mean and spread are put to the test in place of those seen."""
    observed = judge_equivalence(differences, images=IMAGES)
    assume(observed.kind == "UNDECIDED" and observed.spread and "about" in observed.reason)
    more = int(observed.reason.split("about ")[1].split(" ")[0])

    def kind(count: int) -> str:
        shape = np.linspace(-1, 1, count)
        shape *= (observed.spread or 0) / shape.std(ddof=1)
        return judge_equivalence(list(observed.mean + shape), images=IMAGES).kind

    assert kind(len(differences) + more) != "UNDECIDED"
    assert more == 1 or kind(len(differences) + more - 1) == "UNDECIDED"


def test_some_differences_are_never_settled() -> None:
    reason = judge_equivalence([0.0, 0.02], images=IMAGES).reason
    assert f"even {MOST_SEEDS} pairs would not settle it" in reason


@pytest.mark.parametrize(("differences", "margin"), [([], 0.01), ([0.1], 0.0), ([0.1], -0.01), ([0.1], math.nan)])
def test_what_cannot_be_judged(differences: list[float], margin: float) -> None:
    with pytest.raises(ValueError, match="expected at least one, and 0 < margin"):
        judge_equivalence(differences, images=IMAGES, margin=margin)


# McNemar


@pytest.mark.parametrize(
    ("first_alone", "second_alone", "expected"),
    [
        (6, 16, 0.0525),  # 2 · Σ C(22, k), k ≤ 6, over 2²²: 2 · 110,056 / 4,194,304
        (0, 5, 0.0625),  # 2 / 2⁵
        (1, 9, 0.0215),  # 2 · 11 / 2¹⁰
        (2, 8, 0.1094),  # 2 · 56 / 2¹⁰
        (0, 0, 1.0),
    ],
)
def test_mcnemar_by_hand(first_alone: int, second_alone: int, expected: float) -> None:
    assert mcnemar(first_alone, second_alone) == pytest.approx(expected, abs=5e-5)
    assert mcnemar(second_alone, first_alone) == pytest.approx(expected, abs=5e-5)


@given(st.integers(0, 3000))
def test_as_many_on_either_side_is_no_evidence(count: int) -> None:
    assert mcnemar(count, count) == pytest.approx(1)


def test_answers_are_compared_image_by_image() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2], np.uint8)
    first = np.array([0, 0, 1, 1, 1, 0, 2, 0])
    second = np.array([0, 1, 0, 1, 0, 0, 2, 1])
    observed = compare_answers(first, second, labels)
    assert (observed.first_alone, observed.second_alone) == (2, 1)
    assert observed.p_value == 1.0  # 2 of 3 of a fair coin
    assert observed.alike == 4 / 8
    # by chance: 4·4 + 3·3 + 1·1 of 64; (32 − 26) / (64 − 26)
    assert observed.kappa == pytest.approx(6 / 38)


def test_one_class_alone_has_no_kappa() -> None:
    same = np.zeros(4, np.int64)
    assert compare_answers(same, same, np.arange(4)).kappa is None


def test_answers_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shapes \(3,\), \(4,\), \(3,\)"):
        compare_answers(np.zeros(3, int), np.zeros(4, int), np.zeros(3, int))
