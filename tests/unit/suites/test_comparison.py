"""What of two suites is compared with what, by which test, and what is left out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.records.record import RunRecord
from harness.records.store import RecordError
from harness.suites.comparison import Compared, SuiteComparison, compare_suites
from harness.suites.saved import SavedSuite
from harness.suites.saved_runs import SavedRun, from_record
from harness.training.budget import BUDGETS
from harness.training.stop_reason import StopReason
from tests.support.fake_records import FER2013, TOYFACES
from tests.support.papers import PAPER
from tests.support.saved_suites import epochs, timed_record


def suite(*runs: SavedRun) -> SavedSuite:
    return SavedSuite(Path("suite"), runs, ())


def run(side: str, mean: float = 10.0, accuracy: float = 0.67, *, count: int = 10, **fields: Any) -> SavedRun:
    name = f"{side}-{fields.get('variant', 'vgg16-scratch')}-{fields.get('seed', 0)}-{count}"
    return from_record(timed_record(name, epochs(mean, count), accuracy, gpu=f"card {side}", **fields))


def without_history(one: SavedRun) -> SavedRun:
    return replace(one, history=(), without_history="the record is not at hand")


def only(comparison: SuiteComparison) -> Compared:
    (compared,) = comparison.compared
    return compared


def test_one_seed_each_gives_the_ratio_alone() -> None:
    comparison = compare_suites(suite(run("A", 10.0, 0.67)), suite(run("B", 5.0, 0.68)))
    found = only(comparison)
    expected = [sum(epochs(mean)[1:]) / 9 + 2 for mean in (10.0, 5.0)]
    assert found.basis == "training and evaluation, epochs 2 to 10"
    assert found.seconds == pytest.approx(expected)
    assert found.ratio.value == pytest.approx(expected[1] / expected[0])
    assert (found.ratio.interval, found.ratio.method) == (None, "no test: one seed each")
    assert found.images_per_second == pytest.approx([28709 / (each - 2) for each in expected])
    assert found.accuracy.value == pytest.approx(0.01)
    assert found.accuracy.interval is None
    assert comparison.differences == ("device: A card A; B card B",)
    assert comparison.left_out == comparison.by_totals == ()


def test_over_the_epochs_of_two_runs_there_is_an_interval() -> None:
    (pair,) = only(compare_suites(suite(run("A", 10.0)), suite(run("B", 5.0)))).pairs
    assert pair.ratio.interval is not None
    assert pair.ratio.interval[0] < pair.seconds[1] / pair.seconds[0] < pair.ratio.interval[1]
    assert pair.ratio.method == "9 epochs"


@pytest.mark.parametrize(("count", "said"), [(9, "8 epochs after the first, 9 are needed"), (1, "no epochs after")])
def test_too_few_epochs_give_no_interval(count: int, said: str) -> None:
    found = only(compare_suites(suite(run("A")), suite(run("B", count=count))))
    assert found.pairs[0].ratio.interval is None
    assert said in found.pairs[0].ratio.method
    assert found.basis == ("training, all epochs" if count == 1 else "training and evaluation, epochs 2 to 9")


def test_the_epochs_that_both_ran_count() -> None:
    """A ran thirty, the later ones throttled."""
    throttled = run("A", count=30)
    throttled = replace(throttled, history=throttled.history[:10] + ((99.0, 2.0),) * 20)
    found = only(compare_suites(suite(throttled), suite(run("B"))))
    assert (found.basis, found.ratio.value) == ("training and evaluation, epochs 2 to 10", pytest.approx(1.0))


def test_same_seeds_are_paired() -> None:
    """Ratios 0.5 and 0.6: t(.975, 1) = 12.7062 times half the difference of their logarithms."""
    means = {"A": (10.0, 20.0), "B": (5.0, 12.0)}
    sides = [[without_history(run(side, each, seed=seed)) for seed, each in enumerate(means[side])] for side in means]
    found = only(compare_suites(suite(*sides[0]), suite(*reversed(sides[1]))))
    logs = [math.log(0.5), math.log(0.6)]
    half = 12.7062 * (logs[1] - logs[0]) / 2
    assert found.ratio.value == pytest.approx(math.exp(sum(logs) / 2))
    assert found.ratio.interval == pytest.approx([math.exp(sum(logs) / 2 + sign * half) for sign in (-1, 1)], rel=1e-4)
    assert found.ratio.method == "2 seeds, paired"
    assert [(pair.first.seed, pair.second.seed) for pair in found.pairs] == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("seeds", "others", "method", "left_out"),
    [
        ((0, 1, 2), (0, 1), "2 seeds, paired", 1),
        ((0, 1), (2, 3, 4), "2 and 3 other seeds, Welch", 0),
        ((0, 1), (1, 2), "2 and 2 other seeds, Welch", 0),
        ((0, 1), (1,), "no test: one seed each", 1),
        ((0, 1), (2,), "no test: 2 and 1 seeds", 0),
        ((0,), (1,), "no test: one seed each", 0),
    ],
)
def test_which_test_is_taken(seeds: tuple[int, ...], others: tuple[int, ...], method: str, left_out: int) -> None:
    first = suite(*(run("A", 10 + seed, 0.67 + seed / 1e3, seed=seed) for seed in seeds))
    second = suite(*(run("B", 5 + seed**2, 0.66 + seed**2 / 1e3, seed=seed) for seed in others))
    comparison = compare_suites(first, second)
    found = only(comparison)
    assert (found.ratio.method, found.accuracy.method) == (method, method)
    assert len(comparison.left_out) == left_out
    assert (found.ratio.interval is None) == (found.accuracy.interval is None) == method.startswith("no test")


def test_equal_accuracies_do_not_show_that_there_is_no_spread() -> None:
    sides = [suite(*(run(side, 10 + seed, seed=seed) for seed in (0, 1, 2))) for side in "AB"]
    accuracy = only(compare_suites(*sides)).accuracy
    assert accuracy.interval == pytest.approx((-4.3027e-4 / 3, 4.3027e-4 / 3), rel=1e-4)  # one image of 10,000


def test_sums_are_compared_where_a_record_is_not_at_hand() -> None:
    comparison = compare_suites(suite(run("A", 10.0)), suite(without_history(run("B", 5.0))))
    found = only(comparison)
    assert (found.basis, found.ratio.value) == ("training, all epochs", pytest.approx(0.5))
    assert comparison.by_totals == ("B, B-vgg16-scratch-0-10: the record is not at hand",)


def test_of_a_seed_the_last_run_counts() -> None:
    comparison = compare_suites(suite(run("early", 99.0), run("A", 10.0)), suite(run("B", 10.0)))
    assert only(comparison).first[0].name.startswith("A-")
    assert comparison.left_out == ("A, early-vgg16-scratch-0-10: a later run was asked the same",)


def test_what_is_in_one_suite_alone_is_listed() -> None:
    comparison = compare_suites(suite(run("A"), run("A", variant="resnet50-scratch")), suite(run("B")))
    assert comparison.left_out == ("A, resnet50-scratch pytorch device float32 (1 run): B has no partner for it",)


def with_spec(side: str, **changes: Any) -> SavedRun:
    record: RunRecord = timed_record(f"{side}-{changes}", epochs(10.0), gpu="card", implementation="keras3")
    return from_record(replace(record, spec=replace(record.spec, **changes)))


@pytest.mark.parametrize(
    ("change", "name"),
    [({"pipeline": "generator"}, "device/generator"), ({"keras_backend": "torch"}, "jax/torch")],
)
def test_another_setting_alone_is_compared_and_named(change: dict[str, Any], name: str) -> None:
    comparison = compare_suites(suite(with_spec("A")), suite(with_spec("B", **change)))
    assert name in only(comparison).name
    assert any(
        line.endswith(f"A {name.partition('/')[0]}; B {name.partition('/')[2]}") for line in comparison.differences
    )


def test_the_same_setting_is_preferred() -> None:
    both = [suite(with_spec(side), with_spec(side, pipeline="generator")) for side in "AB"]
    comparison = compare_suites(*both)
    assert [each.name.split()[-2] for each in comparison.compared] == ["device", "generator"]
    with pytest.raises(RecordError, match="B has it only with pipeline manual, not device"):
        compare_suites(both[0], suite(with_spec("B", pipeline="manual")))


@pytest.mark.parametrize("switch", ["deterministic", "checkpointing"])
def test_what_makes_epochs_longer_is_held_against_its_like_alone(switch: str) -> None:
    both = [suite(with_spec(side), with_spec(side, **{switch: True})) for side in "AB"]
    compared = compare_suites(*both).compared
    assert [[run.work[switch] for run in (*each.first, *each.second)] for each in compared] == [
        [False, False],
        [True, True],
    ]
    with pytest.raises(RecordError, match=f"B has it only with {switch} True, not False"):
        compare_suites(suite(with_spec("A")), suite(with_spec("B", **{switch: True})))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"dataset": TOYFACES}, "training images 960, not 28709; watched images 512, not 7178"),
        ({"protocol": "honest"}, "protocol honest, not paper"),
        ({"variant": replace(PAPER.find_variant("vgg16-scratch"), batch_size=8)}, "batch_size 8, not 32"),
    ],
)
def test_other_work_is_not_compared(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(RecordError) as error:
        compare_suites(suite(run("A")), suite(run("B", **fields)))
    assert "nothing in both suites can be compared" in str(error.value)
    assert f"A, vgg16-scratch pytorch device float32 (1 run): B has it only with {told}" in str(error.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"dataset": replace(FER2013, digest="ab" * 32)}, "other data"),
        ({"budget": BUDGETS["hour"]}, "other budget"),
        (
            {"stop_reason": StopReason("budget-seconds", 12, seconds=3600.0), "count": 12},
            "other epochs (10, 12), as seconds ended them",
        ),
    ],
)
def test_times_are_compared_where_accuracies_cannot_be(fields: dict[str, Any], told: str) -> None:
    found = only(compare_suites(suite(run("A")), suite(run("B", **fields))))
    assert found.ratio.value == pytest.approx(1.0)
    assert math.isnan(found.accuracy.value)
    assert told in found.accuracy.method


def test_a_run_is_not_compared_with_itself() -> None:
    same = suite(run("A"))
    with pytest.raises(RecordError, match="A-vgg16-scratch-0-10 is on both sides"):
        compare_suites(same, same)


def test_sums_of_several_phases_need_the_same_epochs() -> None:
    variant = next(
        name for name in ("vgg16-fine-tune", "resnet50-fine-tune") if len(PAPER.find_variant(name).phases) > 1
    )
    first, second = (run(side, variant=variant, count=count) for side, count in (("A", 10), ("B", 12)))
    with pytest.raises(RecordError, match=r"of several phases, .* and 10 and 12 epochs"):
        compare_suites(suite(without_history(first)), suite(second))
    assert only(compare_suites(suite(first), suite(second))).basis.endswith("epochs 2 to 10")
