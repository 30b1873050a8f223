"""Equivalence: TOST and McNemar against other people's figures and by simulation; which runs make a pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from harness.agreement.agreement import (
    Agreement,
    Side,
    judge_agreement,
    read_side,
)
from harness.records.store import RecordError, write_run
from harness.statistics import (
    LEVEL,
    MOST_PAIRS,
    compare_answers,
    holm,
    judge_equivalence,
    mcnemar,
)
from harness.training.budget import BUDGETS
from harness.variant import narrow
from tests.support.fake_records import (
    DRAWN,
    FER2013,
    TOYFACES,
    epoch_record,
    fake_arrays,
    fake_record,
    scored,
)
from tests.support.papers import PAPER

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
    assert f"even {MOST_PAIRS} pairs would not settle it" in reason


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


def test_holm_by_hand() -> None:
    """0.01·4, 0.02·3 and so on, never falling: Holm 1979."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_lies_between_nothing_and_bonferroni(p_values: list[float]) -> None:
    for corrected, p_value in zip(holm(p_values), p_values, strict=True):
        assert p_value <= corrected <= min(1.0, len(p_values) * p_value) + 1e-12


# Pairs


def write(folder: Path, *, answers: int = 0, arrays: dict[str, Any] | None = None, **fields: Any) -> Path:
    """A run whose logits are drawn from `answers` and whose score is theirs."""
    arrays = fake_arrays(70, answers) if arrays is None else arrays
    scores = fields.pop("scores", None)
    record = fake_record(**fields, scores={"paper_test": scored(arrays)} if scores is None else scores)
    return write_run(folder, replace(record, run=f"{len(list(folder.glob('*.json')))}-{record.run}"), arrays)


def sides(folder: Path) -> tuple[Side, Side]:
    keras = read_side(folder, implementation="keras3", variant=None, option="a")
    return keras, read_side(folder, implementation="pytorch", variant=None, option="b")


def agree(folder: Path) -> tuple[list[Agreement], list[str]]:
    return judge_agreement(*sides(folder), margin=0.01)


def write_pair(folder: Path, seed: int = 0) -> None:
    write(folder, implementation="keras3", seed=seed, answers=seed)
    write(folder, implementation="pytorch", seed=seed, answers=seed + 100)


def test_pairs_are_those_of_a_seed(tmp_path: Path) -> None:
    for seed in (2, 0, 1):
        write_pair(tmp_path, seed)
    (agreement,), left_out = agree(tmp_path)
    assert left_out == []
    assert [(pair.first.spec.seed, pair.second.spec.seed) for pair in agreement.pairs] == [(0, 0), (1, 1), (2, 2)]
    for pair in agreement.pairs:
        accuracies = [record.scores["paper_test"].accuracy for record in (pair.first, pair.second)]
        assert pair.difference == pytest.approx(accuracies[0] - accuracies[1])
    assert agreement.holm_p_values == tuple(holm([pair.answers.p_value for pair in agreement.pairs]))


def test_swapping_the_sides_turns_the_sign(tmp_path: Path) -> None:
    for seed in range(3):
        write_pair(tmp_path, seed)
    keras, torch = sides(tmp_path)
    ((one,), _), ((other,), _) = (judge_agreement(*both, margin=0.5) for both in [(keras, torch), (torch, keras)])
    assert [pair.difference for pair in one.pairs] == [-pair.difference for pair in other.pairs]
    assert (one.equivalence.kind, one.holm_p_values) == (other.equivalence.kind, other.holm_p_values)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"seed": 5}, "the nearest has seed 0, not 5"),
        ({"dataset": TOYFACES}, "the nearest has data fer2013, not toyfaces; digest of data 8669"),
        ({"dataset": replace(FER2013, digest="ee" * 32)}, "digest of data 8669"),
        ({"dataset": replace(FER2013, training_examples=9)}, "training images 28709, not 9"),
        ({"budget": BUDGETS["hour"]}, "budget.name paper, not hour; budget.seconds None, not 3600.0"),
        ({"protocol": "honest"}, "protocol paper, not honest"),
        ({"weights": replace(DRAWN, digest="0" * 64)}, "digest of first weights efef"),
        ({"variant": narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=8)}, "width_divisor 1, not 8"),
        ({"variant": replace(PAPER.find_variant("vgg16-scratch"), input_size=64)}, "input_size 48, not 64"),
        ({"variant": "vgg16-scratch@unstopped"}, "keras3-jax has no complete run of vgg16-scratch@unstopped"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_runs_that_were_asked_something_else_do_not_pair(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    write_pair(tmp_path)
    path = write(tmp_path, **fields)
    (agreement,), (line,) = agree(tmp_path)
    assert len(agreement.pairs) == 1
    assert line.startswith(f"{path}: keras3-jax has no ")
    assert reason in line


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"accuracy": None, "scores": {}, "status": "interrupted"}, "run interrupted"),
        ({"accuracy": None, "scores": {}, "status": "failed"}, "run failed"),
        ({"arrays": {}, "scores": fake_record(0.5).scores}, "no logits or no data set are recorded"),
        ({"dataset": None}, "no logits or no data set are recorded"),
        ({"started": "2023-01-01T00:00:00+00:00"}, "a later run was asked the same"),
    ],
    ids=["interrupted", "failed", "no arrays", "no data set", "superseded"],
)
def test_runs_that_do_not_count_are_named(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    write_pair(tmp_path)
    path = write(tmp_path, **fields)
    (agreement,), left_out = agree(tmp_path)
    assert len(agreement.pairs) == 1
    assert left_out == [f"{path}: {reason}"]


def test_where_a_run_ran_does_not_matter(tmp_path: Path) -> None:
    one, other = fake_record(implementation="keras3"), fake_record()
    dataset = replace(FER2013, door="folder")
    write(tmp_path, implementation="keras3", spec=replace(one.spec, device="gpu", threads=2, fer2013="a folder"))
    write(tmp_path, dataset=dataset, spec=replace(other.spec, allow_deviating_data=True))
    (agreement,), left_out = agree(tmp_path)
    assert (len(agreement.pairs), left_out) == (1, [])


def test_other_data_make_another_row(tmp_path: Path) -> None:
    for dataset in (FER2013, TOYFACES):
        for implementation in ("keras3", "pytorch"):
            write(tmp_path, implementation=implementation, dataset=dataset)
    agreements, left_out = agree(tmp_path)
    assert [len(each.pairs) for each in agreements] == [1, 1]
    assert left_out == []


@pytest.mark.parametrize(("epochs", "pairs"), [((3, 3), 1), ((2, 3), 0)])
def test_a_faster_machine_is_no_better_implementation(tmp_path: Path, epochs: Sequence[int], pairs: int) -> None:
    write_pair(tmp_path, seed=1)
    for implementation, count in zip(("keras3", "pytorch"), epochs, strict=True):
        history = tuple(epoch_record(epoch) for epoch in range(count))
        write(tmp_path, implementation=implementation, history=history, stop_reason="budget: 1 of 2 s spent")
    (agreement,), left_out = agree(tmp_path)
    assert len(agreement.pairs) == 1 + pairs
    if not pairs:
        assert "a budget of seconds ended them after 2 and 3 epochs" in left_out[0]


@pytest.mark.parametrize("name", ["test_rows", "test_labels"])
def test_other_test_images_do_not_pair(tmp_path: Path, name: str) -> None:
    write_pair(tmp_path, seed=1)
    arrays = fake_arrays(70)
    write(tmp_path, implementation="keras3", arrays=arrays)
    write(tmp_path, arrays=arrays | {name: arrays[name][::-1].copy()})
    (agreement,), left_out = agree(tmp_path)
    assert len(agreement.pairs) == 1
    assert "they were tested on other images or labels" in left_out[0]


def test_nothing_pairs(tmp_path: Path) -> None:
    write(tmp_path, implementation="keras3", seed=1)
    write(tmp_path, seed=2)
    with pytest.raises(RecordError, match=r"no two runs pair; left out:(.|\n)*seed 2, not 1(.|\n)*seed 1, not 2"):
        agree(tmp_path)


def test_a_run_does_not_pair_with_itself(tmp_path: Path) -> None:
    path = write(tmp_path)
    side = read_side(path, implementation=None, variant=None, option="a")
    with pytest.raises(RecordError, match="is on both sides; expected two runs"):
        judge_agreement(side, side, margin=0.01)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"test_logits": np.eye(7, dtype=np.float32)[np.arange(70) % 7]}, "its logits give 100.0000 % on 70 images"),
        ({"test_logits": np.zeros((70, 6), np.float32)}, "do not fit"),
        ({"test_rows": np.arange(69)}, "do not fit"),
        ({"test_labels": None}, "its arrays have no 'test_labels'"),
    ],
    ids=["other logits", "too few classes", "too few rows", "no labels"],
)
def test_logits_that_contradict_the_record(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    sound = fake_arrays(70)
    write(tmp_path, implementation="keras3", answers=3)
    changed = {name: value for name, value in (sound | arrays).items() if value is not None}
    path = write(tmp_path, arrays=changed, scores={"paper_test": scored(sound)})
    with pytest.raises(RecordError) as caught:
        agree(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_score_of_other_images_contradicts_too(tmp_path: Path) -> None:
    arrays = fake_arrays(70)
    write(tmp_path, implementation="keras3")
    write(tmp_path, arrays=arrays, scores={"paper_test": replace(scored(arrays), examples=71)})
    with pytest.raises(RecordError, match=r"on 70 images, its record says .* on 71"):
        agree(tmp_path)


def test_runs_that_stop_at_the_same_accuracy_are_counted(tmp_path: Path) -> None:
    for seed, reasons in enumerate(
        [("accuracy 0.6712 exceeded 0.67",) * 2, ("accuracy 0.7 exceeded", "all epochs run")]
    ):
        for implementation, reason in zip(("keras3", "pytorch"), reasons, strict=True):
            write(tmp_path, implementation=implementation, seed=seed, stop_reason=reason)
    (agreement,), _ = agree(tmp_path)
    assert (len(agreement.pairs), agreement.stopped_alike) == (2, 1)
