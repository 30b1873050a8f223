"""Seconds of the paper's epochs by a run's own, and the class of a card by name and by rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.judging.bands import Judgement, judge, judge_all
from harness.judging.comparability import disturbances, time_differences, time_remark
from harness.judging.timing import papers_seconds
from harness.records.record import RunRecord
from harness.report.differences import reason_text
from harness.training.budget import BUDGETS, Budget
from harness.training.fit import EpochRecord
from harness.training.stop_reason import StopReason
from tests.support.fake_records import (
    MACHINE,
    fake_calibration,
    fake_record,
    history_of,
)
from tests.support.papers import HARDWARE, PAPER, told

CARD = "NVIDIA GeForce RTX 4080 SUPER"
PAPERS_MACHINE = replace(MACHINE, gpu=CARD)
RAN_OUT = StopReason("budget-seconds", 2, seconds=3600.0)


def epochs(*seconds: float) -> tuple[EpochRecord, ...]:
    """Epochs that took so long, of which two seconds are evaluation."""
    history = history_of([0.5] * len(seconds))
    return tuple(
        replace(each, training_seconds=taken - 2.0, evaluation_seconds=2.0)
        for each, taken in zip(history, seconds, strict=True)
    )


def timed(*seconds: float, variant: Any = "resnet50-scratch", **fields: Any) -> RunRecord:
    """A run on the paper's card and pipeline."""
    record = fake_record(0.54, variant=variant, history=epochs(*seconds), **{"environment": PAPERS_MACHINE} | fields)
    return replace(record, spec=replace(record.spec, pipeline="generator"))


def seconds_of(records: Sequence[RunRecord]) -> Judgement:
    return next(each for each in judge_all(records, PAPER) if each.band.quantity == "seconds")


# The paper's epochs


@pytest.mark.parametrize(
    ("seconds", "total", "count", "ratio"),
    [
        ([30.0, 20.0, 22.0], 30 + 20 + 22 + 97 * 21, 3, 30 / 21),
        ([30.0], 3000.0, 1, None),
        ([30.0] + [20.0] * 99, 30 + 99 * 20, 100, 1.5),
    ],
)
def test_the_first_epoch_counts_once(seconds: list[float], total: float, count: int, ratio: float | None) -> None:
    """What is not run takes as long as the later epochs on average: what is done once is in the first."""
    found = papers_seconds(timed(*seconds), PAPER)
    assert found is not None
    assert (found.seconds, found.epochs, found.timed) == (pytest.approx(total), 100, count)
    assert found.first_ratio == (None if ratio is None else pytest.approx(ratio))


def test_more_epochs_than_the_papers_are_cut_off() -> None:
    """78 of the paper's; ours went on to 80, and the last two took long."""
    found = papers_seconds(timed(*[10.0] * 78, 99.0, 99.0, variant="vgg16-scratch"), PAPER)
    assert found is not None
    assert (found.seconds, found.epochs, found.timed) == (780.0, 78, 78)


def test_each_phase_is_counted_by_its_own_epochs() -> None:
    """10 epochs of the head, 20 of the last stage: two of each were run."""
    record = timed(14.0, 10.0, 60.0, 40.0, variant="resnet50-fine-tune", budget=BUDGETS["times"])
    assert [phase.epochs for phase in record.spec.variant.phases] == [2, 2]
    found = papers_seconds(record, PAPER)
    assert found is not None
    assert (found.seconds, found.epochs, found.timed) == (14 + 9 * 10 + 60 + 19 * 40, 30, 4)
    assert (found.first_ratio, found.has_lone_first) == (pytest.approx(1.4), False)
    assert "first alone" not in seconds_of([record]).verdict.reason


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        (
            (2, 1),
            "; the first took ×1.00 of the later ones' mean and counts once; where the first alone was timed, it ",
        ),
        ((1, 1), " timed after the warm-up, the first of each phase, which may hold what is done once;"),
    ],
)
def test_a_phase_that_is_known_by_its_first_epoch_alone_is_told(lengths: tuple[int, int], said: str) -> None:
    budget = Budget("custom", epochs=sum(lengths))
    record = timed(*[20.0] * sum(lengths), variant="resnet50-fine-tune", budget=budget)
    assert tuple(phase.epochs for phase in record.spec.variant.phases) == lengths
    found = papers_seconds(record, PAPER)
    assert found is not None
    assert found.has_lone_first
    assert said in seconds_of([record]).verdict.reason


@pytest.mark.parametrize("count", [0, 3, 10])
def test_a_phase_of_which_nothing_was_run_is_not_guessed(count: int) -> None:
    record = timed(*[10.0] * count, variant="resnet50-fine-tune", status="interrupted")
    assert papers_seconds(record, PAPER) is None


# A few epochs are enough to time


def few(**fields: Any) -> RunRecord:
    return timed(60.0, 50.0, 50.0, 50.0, **{"budget": BUDGETS["times"]} | fields)


def test_a_budget_of_epochs_leaves_the_time_to_be_judged() -> None:
    """60 + 99·50 s; the paper has 1,445 to 5,771."""
    records = [few(seed=seed) for seed in range(3)]
    assert judge(records, PAPER).kind == "NOT_COMPARABLE"
    assert reason_text(judge(records, PAPER)) == "budget times"
    found = seconds_of(records)
    assert (found.verdict.kind, found.observed) == ("REPRODUCED", (60 + 99 * 50.0,) * 3)
    assert (
        "for 100 epochs, extrapolated from 4 timed after the warm-up; the first took ×1.20 of the later ones' mean and "
        "counts once;"
    ) in found.verdict.reason
    others = [each.verdict.kind for each in judge_all(records, PAPER) if each.band.quantity != "seconds"]
    assert set(others) == {"NOT_COMPARABLE"}


def test_a_budget_of_seconds_does_as_well() -> None:
    record = timed(60.0, 50.0, budget=BUDGETS["hour"], stop_reason=RAN_OUT)
    assert told(time_differences(record, PAPER)) == []
    assert "extrapolated from 2 timed" in seconds_of([record]).verdict.reason


def test_one_epoch_is_said_to_be_the_first() -> None:
    record = timed(60.0, budget=BUDGETS["hour"], stop_reason=RAN_OUT)
    assert "extrapolated from 1 timed after the warm-up, the first of a run, which may hold" in (
        seconds_of([record]).verdict.reason
    )


def test_one_epoch_of_some_seed_is_told_beside_more_of_another() -> None:
    reason = seconds_of([timed(60.0), timed(50.0, 50.0, 50.0, seed=1)]).verdict.reason
    assert "extrapolated from 1 to 3 timed" in reason
    assert "counts once; where the first alone was timed, it stands for all and may hold what is done once;" in reason


def test_seeds_of_unequal_length_are_told_so() -> None:
    records = [timed(60.0, 50.0), timed(50.0, 50.0, 50.0, seed=1)]
    assert "extrapolated from 2 to 3 timed after the warm-up; the first took ×1.00 to ×1.20 of" in (
        seconds_of(records).verdict.reason
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (few(budget=replace(BUDGETS["times"], examples=960)), "budget times"),
        (few(budget=Budget("custom", epochs=4, test_examples=512)), "budget custom"),
        (
            few(variant=replace(PAPER.find_variant("resnet50-scratch"), learning_rate=1.0)),
            "not the variant that the paper's folder declares, by its learning_rate",
        ),
        (few(status="interrupted"), "run interrupted"),
    ],
    ids=["images", "tests", "variant", "status"],
)
def test_what_changes_an_epoch_does_not(record: RunRecord, reason: str) -> None:
    assert reason in told(time_differences(record, PAPER))
    assert seconds_of([record]).verdict.kind == "NOT_COMPARABLE"


# The class of the card


def calibrated(product: float, **fields: Any) -> RunRecord:
    return timed(50.0, 50.0, calibration=fake_calibration(product, **fields))


@pytest.mark.parametrize("share", [0.51, 0.8, 1.19])
def test_a_card_that_is_as_fast_is_of_the_papers_class(share: float) -> None:
    record = calibrated(share * 52.224e12)
    assert told(time_differences(record, PAPER)) == []
    assert f"the class of the GPU by its name and its product, {share:.0%} of the nominal peak" in time_remark(
        [record], HARDWARE
    )


@pytest.mark.parametrize(("rate", "share"), [(20e12, "38%"), (80e12, "153%")])
def test_a_card_that_is_not_is_refused_with_its_figures(rate: float, share: str) -> None:
    (reason,) = told(time_differences(calibrated(rate), PAPER))
    low, high = rate / 1.25 / 1e12, rate / 0.8 / 1e12
    assert reason == (
        f"device {CARD} by its name, but its product of 8,192 × 8,192 ran at {rate / 1e12:.1f} TFLOP/s "
        f"({low:.1f} to {high:.1f}, n = 3), {share} of an RTX 4080 SUPER's nominal 52.2, expected 50% to 120%"
    )
    verdict = seconds_of([calibrated(rate)]).verdict
    assert (verdict.kind, reason_text(verdict)) == ("NOT_COMPARABLE", reason)


def test_a_slow_card_that_was_disturbed_is_no_other_card() -> None:
    """What was seen meanwhile may be why: then nobody can tell."""
    record = calibrated(20e12, doubts=("shared with 1 other process",))
    assert told(time_differences(record, PAPER)) == []
    (found,) = disturbances(record, PAPER)
    assert found == "its product ran at 38% of the nominal peak, while shared with 1 other process"
    assert seconds_of([record]).verdict.kind == "INCONCLUSIVE"
    assert disturbances(calibrated(40e12, doubts=("shared with 1 other process",)), PAPER) == []


@pytest.mark.parametrize("fields", [{"precision": "tf32"}, {"gpu": "another card"}])
def test_what_has_no_reference_leaves_the_name(fields: dict[str, Any]) -> None:
    for record in (calibrated(20e12, **fields), timed(50.0, 50.0)):
        assert told(time_differences(record, PAPER)) == []
        assert "the class of the GPU by its name alone, its rate not calibrated in float32" in time_remark(
            [record], HARDWARE
        )


def test_a_rate_makes_no_other_card_the_papers() -> None:
    record = timed(
        50.0, calibration=fake_calibration(gpu="NVIDIA H100"), environment=replace(MACHINE, gpu="NVIDIA H100")
    )
    assert told(time_differences(record, PAPER)) == ["device NVIDIA H100, the paper's is an RTX 4080 SUPER"]
