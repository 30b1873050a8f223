"""Answers beside a published matrix, and solutions that are none."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.interface import CLASSES
from harness.judging.patterns import (
    DECLARED_DISTANCE,
    DECLARED_RECALL_SPREAD,
    RECALL_CONFIDENCE,
    WIDEST_DISTANCE,
    WIDEST_RECALL_MARGIN,
    degenerate,
    distance,
    few_recall_margins,
    judge_pattern,
    judge_recalls,
    own_distances,
    rates,
    recalls,
    sampling_distance,
    settling_probability,
)
from harness.statistics.intervals import prediction_margin
from tests.support.fake_records import (
    TOYFACES,
    fake_record,
    history_of,
    score_of_confusion,
)
from tests.support.papers import PAPER

MATRICES = {name: PAPER.facts.confusion(name) for name in PAPER.confusions}
FIGURE_20 = MATRICES["vgg16-scratch"]
MAJORITY = "training accuracy {:.1f} % is no more than 1 point above the share of the commonest class, 25.1 %"


def moved(confusion: NDArray[np.int64], share: float, *, to: int = 0) -> NDArray[np.int64]:
    """The same where this share of each class's right answers is answered otherwise."""
    changed = confusion.copy()
    for label in range(len(CLASSES)):
        count = round(share * changed[label].sum())
        changed[label, label] -= count
        changed[label, (label + 1 + to) % len(CLASSES)] += count
    return changed


def test_rates_and_recalls_by_hand() -> None:
    confusion = np.diag([1, 2, 3, 4, 5, 6, 7])
    confusion[0] = [1, 3, 0, 0, 0, 0, 0]
    assert recalls(confusion).tolist() == [0.25, 1, 1, 1, 1, 1, 1]
    assert recalls(FIGURE_20)[CLASSES.index("disgust")] == pytest.approx(46 / 111)
    assert np.isnan(rates(np.zeros((7, 7), dtype=np.int64))).all()


def test_distance_by_hand() -> None:
    """One class of seven with half of its answers elsewhere: 0.5 / 7."""
    first, second = np.eye(7), np.eye(7)
    second[0, :2] = 0.5
    assert distance(first, first) == 0
    assert distance(first, second) == pytest.approx(0.5 / 7)
    assert distance(np.eye(7), np.roll(np.eye(7), 1, axis=1)) == 1


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(PAPER.confusions, 2)))
def test_no_band_holds_two_networks_of_the_paper(first: str, second: str) -> None:
    """Half of the smallest distance is the widest that our seeds may ask for."""
    apart = distance(rates(MATRICES[first]), rates(MATRICES[second]))
    assert apart > 0.24
    assert apart / 2 >= WIDEST_DISTANCE
    chance = sampling_distance(MATRICES[first], 1)
    assert 0.05 + DECLARED_DISTANCE + chance < apart
    assert judge_pattern(MATRICES[first], 0.05, [MATRICES[second]]).kind == "NOT_REPRODUCED"


def test_the_distance_by_chance_is_that_of_binomials() -> None:
    """Two answers, each half of n images: the difference of two runs has the standard deviation √(2·½·½/n)."""
    confusion = np.zeros((7, 7), dtype=np.int64)
    confusion[0, :2] = 5000
    spread = np.sqrt(2 * 0.25 / 10_000)
    assert sampling_distance(confusion, 1, confidence=0.95) == pytest.approx(1.96 * spread, rel=0.1)
    # against the mean of many runs only one side varies
    assert sampling_distance(confusion, 1000, confidence=0.95) == pytest.approx(1.96 * spread / np.sqrt(2), rel=0.1)


def test_one_answer_has_no_chance() -> None:
    assert sampling_distance(MATRICES["resnet50-fine-tune"], 1) == 0


def test_own_distances_by_hand() -> None:
    tables = [np.eye(7), np.eye(7), np.roll(np.eye(7), 1, axis=1)]
    assert own_distances(tables) == pytest.approx([0.5, 0.5, 1.0])


@pytest.mark.parametrize(
    ("shares", "kind", "reason"),
    [
        ([0.0], "INCONCLUSIVE", "0.0 of 100 answers to a class differ, within 15.0 (1 seed)"),
        ([0.16], "NOT_REPRODUCED", "16.0 of 100 answers to a class differ, beyond 15.0 (1 seed)"),
        # three equal runs have no distance of their own: the allowance alone
        ([0.04] * 3, "REPRODUCED", "3.9 of 100 answers to a class differ, within 5.0 (3 seeds)"),
        ([0.06] * 3, "NOT_REPRODUCED", "6.0 of 100 answers to a class differ, beyond 5.0 (3 seeds)"),
        ([0.0, 0.1, 0.2], "INCONCLUSIVE", "but our own seeds spread too widely: "),
    ],
)
def test_worked_examples_of_patterns(shares: list[float], kind: str, reason: str) -> None:
    verdict = judge_pattern(FIGURE_20, 0.05, [moved(FIGURE_20, share) for share in shares])
    assert verdict.kind == kind
    assert reason in verdict.reason


def test_the_seeds_that_would_settle_a_pattern() -> None:
    """Own distances 8.0, 4.0 and 4.0 of 100: mean 5.3, s = 2.3; three ask for 5.3 + 4.303 · 2.3 · √(4/3) = 16.9, five
    for 12.4, which is more than 12, six for 11.8."""
    verdict = judge_pattern(FIGURE_20, 0.05, [moved(FIGURE_20, share) for share in (0.0, 0.08, 0.08)])
    assert (verdict.kind, verdict.further_seeds) == ("INCONCLUSIVE", 3)
    assert verdict.reason.endswith("but our own seeds spread too widely: 16.9 for them, at most 12.0")


def test_a_pattern_differs_where_accuracy_and_recalls_do_not() -> None:
    """Wrong answers that go elsewhere: every recall is the paper's, the pattern is not."""
    ours = FIGURE_20.copy()
    for label in range(len(CLASSES)):
        others = [code for code in range(len(CLASSES)) if code != label]
        ours[label, others] = np.roll(ours[label, others], 3)
    assert (recalls(ours) == recalls(FIGURE_20)).all()
    assert judge_recalls(FIGURE_20, 0.05, [ours] * 3).kind == "REPRODUCED"
    assert judge_pattern(FIGURE_20, 0.05, [ours] * 3).kind == "NOT_REPRODUCED"


@pytest.mark.parametrize(
    ("shares", "kind", "reason"),
    [
        # 5 + 2.69 · √2 · 5 points
        ([0.0], "INCONCLUSIVE", "7 of 7 recalls within; nearest to its limit "),
        ([0.25], "NOT_REPRODUCED", "beyond ±24.0"),
        ([0.04] * 3, "REPRODUCED", "7 of 7 recalls within; nearest to its limit "),
        ([0.06] * 3, "NOT_REPRODUCED", "beyond ±5.0"),
        ([0.0], "INCONCLUSIVE", "0.0 points above the paper's 59.1 %, within ±24.0 (1 seed)"),
        ([0.0, 0.05, 0.1], "INCONCLUSIVE", "but seeds spread too widely: "),
    ],
)
def test_worked_examples_of_recalls(shares: list[float], kind: str, reason: str) -> None:
    verdict = judge_recalls(FIGURE_20, 0.05, [moved(FIGURE_20, share) for share in shares])
    assert verdict.kind == kind
    assert reason in verdict.reason


def test_recalls_that_are_too_good_are_not_reproduced() -> None:
    perfect = np.diag(FIGURE_20.sum(axis=1))
    verdict = judge_recalls(FIGURE_20, 0.05, [perfect] * 3)
    assert verdict.kind == "NOT_REPRODUCED"
    assert verdict.reason.startswith("disgust 100.0 %, 58.6 points above the paper's 41.4 %, beyond ±5.0")
    assert verdict.reason.endswith(", the farthest of 7 recalls (3 seeds)")


@pytest.mark.parametrize("count", [1, 3])
def test_recalls_that_agree_have_no_farthest(count: int) -> None:
    assert "farthest" not in judge_recalls(FIGURE_20, 0.05, [FIGURE_20] * count).reason


def test_the_seeds_that_recalls_ask_for_settle_half_of_all_cases() -> None:
    """Nine in all with the declared spread, by χ²; six, which the spread alone would promise, settle hardly any."""
    verdict = judge_recalls(FIGURE_20, 0.05, [FIGURE_20])
    assert verdict.further_seeds == 8
    random = np.random.default_rng(0)
    shares = {}
    for count in (6, 9):
        spreads = random.normal(0, DECLARED_RECALL_SPREAD, size=(2000, count, len(CLASSES))).std(axis=1, ddof=1)
        margins = spreads * prediction_margin(1.0, count, RECALL_CONFIDENCE)
        shares[count] = float((margins.max(axis=1) <= WIDEST_RECALL_MARGIN).mean())
        assert shares[count] == pytest.approx(settling_probability(np.full(7, DECLARED_RECALL_SPREAD), count), abs=0.04)
    assert shares[6] < 0.1
    assert shares[9] >= 0.5


def test_seeds_that_would_settle_recalls_at_either_end() -> None:
    assert settling_probability(np.zeros(7), 3) == 1
    hopeless = judge_recalls(FIGURE_20, 0.05, [moved(FIGURE_20, share) for share in (0.0, 0.3, 0.5)])
    assert (hopeless.kind, hopeless.further_seeds) == ("INCONCLUSIVE", None)


def test_the_class_that_lies_farthest_is_named_on_either_side() -> None:
    ours = FIGURE_20.copy()
    ours[CLASSES.index("fear"), [2, 0]] += [-200, 200]  # 19.5 points fewer
    ours[CLASSES.index("sad"), [5, 0]] += [113, -113]  # 9.1 more
    assert judge_recalls(FIGURE_20, 0.05, [ours] * 3).reason.startswith("fear 32.4 %, 19.5 points below the")
    swapped = 2 * FIGURE_20 - ours
    assert judge_recalls(FIGURE_20, 0.05, [swapped] * 3).reason.startswith("fear 71.5 %, 19.5 points above the")


def test_one_seed_is_granted_chance_and_a_declared_spread() -> None:
    """Of 111 images of disgust chance is √(0.41·0.59/111) = 4.7 points; of 50 it is more than is declared."""
    assert few_recall_margins(FIGURE_20) == pytest.approx(2.69 * np.sqrt(2) * 0.05, rel=1e-3)
    fewer = FIGURE_20.copy()
    fewer[CLASSES.index("disgust")] = [15, 25, 10, 0, 0, 0, 0]
    assert few_recall_margins(fewer)[CLASSES.index("disgust")] == pytest.approx(2.69 * np.sqrt(2 * 0.25 / 50), rel=1e-3)


def always(name: str) -> NDArray[np.int64]:
    confusion = np.zeros((7, 7), dtype=np.int64)
    confusion[:, CLASSES.index(name)] = FIGURE_20.sum(axis=1)
    return confusion


@pytest.mark.parametrize(
    ("confusion", "expected"),
    [
        (FIGURE_20, None),
        (always("happy"), "every image is answered happy"),
        (always("sad"), "every image is answered sad"),
        (MATRICES["resnet50-fine-tune"], "every image is answered happy"),
        (MATRICES["resnet50-transfer"], "never answers disgust"),
        (MATRICES["vgg16-fine-tune"], "never answers disgust"),
        (np.zeros((7, 7), dtype=np.int64), None),
    ],
)
def test_answers_that_are_none_are_named(confusion: NDArray[np.int64], expected: str | None) -> None:
    assert degenerate(confusion) == expected


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (1.5, None),
        (1.812, None),
        (1.8128, "test loss 1.8128 is at or above the entropy of the labels, 1.8128"),
        (1.9460, "test loss 1.946 is not below that of uniform guessing, 1.9459"),
        (np.nan, "test loss nan is not below that of uniform guessing, 1.9459"),
        (160.38, "test loss 160.4 is not below that of uniform guessing, 1.9459"),
    ],
)
def test_losses_that_know_nothing_are_named(loss: float, expected: str | None) -> None:
    assert degenerate(score_of_confusion(FIGURE_20, loss)) == expected


@pytest.mark.parametrize(
    ("training_accuracy", "fields", "expected"),
    [
        (0.40, {}, None),
        (0.2514, {}, MAJORITY.format(25.1)),
        (0.2655, {}, None),
        (0.168, {}, MAJORITY.format(16.8)),
        (0.2612, {}, MAJORITY.format(26.1)),
        (0.2514, {"dataset": TOYFACES}, None),
        (0.2514, {"dataset": None}, None),
    ],
)
def test_training_that_finds_one_class_is_named(training_accuracy: Any, fields: Any, expected: Any) -> None:
    record = fake_record(0.6, history=history_of([0.3], training_accuracy=training_accuracy), **fields)
    assert degenerate(record) == expected


def test_all_signs_are_told() -> None:
    record = fake_record(
        history=history_of([0.25], training_accuracy=0.2513),
        scores={"paper_test": score_of_confusion(always("happy"), 1.9)},
    )
    assert degenerate(record) == (
        "every image is answered happy; test loss 1.9000 is at or above the entropy of the labels, 1.8128; "
        + MAJORITY.format(25.1)
    )
    assert degenerate(fake_record(None, status="failed", history=())) is None
