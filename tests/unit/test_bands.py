"""Judgements on records: what is comparable, what is observed, and what stands beside a verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_records import DRAWN, FER2013, MACHINE, TOYFACES, fake_record, history_of, score_of, score_of_confusion

from harness.judging.bands import (
    Judgement,
    Verdict,
    bands,
    bands_of,
    differences,
    first_crossing,
    judge,
    judge_all,
    judge_seconds,
)
from harness.judging.comparability import papers_epochs, remarks, seconds_per_epoch, time_differences
from harness.paper.facts import CONFUSIONS, facts
from harness.runs.record import RunRecord, WeightsIdentity
from harness.training.budget import BUDGETS, Budget, limit_variant
from harness.variants import VARIANTS, find_variant, narrow

VARIANT = find_variant("vgg16-scratch")
PAPERS_MACHINE = replace(MACHINE, gpu="NVIDIA GeForce RTX 4080 SUPER")


def runs(accuracies: list[float], **fields: Any) -> list[RunRecord]:
    """One comparable run a seed; of a variant whose accuracy is judged unless another is named."""
    return [fake_record(each, seed=seed, **{"variant": "resnet50-scratch"} | fields)
            for seed, each in enumerate(accuracies)]  # fmt: skip


def crossing(epoch: int, *, seed: int = 0, epochs: int | None = None, **fields: Any) -> RunRecord:
    """A run of vgg16-scratch whose watched accuracy first exceeds 67 % after so many epochs (0: never in 100)."""
    watched = [0.6 + 0.0006 * each for each in range(epochs or epoch or 100)]
    if epoch:
        watched[epoch - 1] = 0.6708
    history = history_of(watched, training_accuracy=fields.pop("training_accuracy", 0.73))
    return fake_record(watched[-1], seed=seed, history=history, **fields)


def by_quantity(records: list[RunRecord]) -> dict[str, Judgement]:
    return {each.band.quantity: each for each in judge_all(records)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"variant": "vgg16-scratch@unstopped"}, []),
        ({"dataset": None}, ["data missing"]),
        ({"dataset": TOYFACES}, ["data toyfaces"]),
        ({"dataset": replace(FER2013, deviations=("one image is missing",))}, ["deviating data"]),
        ({"dataset": replace(FER2013, digest="ab" * 32)}, ["data digest abababababab, expected 8669c3a3826b"]),
        ({"dataset": replace(FER2013, door="fer2013.csv", digest="ab" * 32)}, []),  # nobody knows that digest here
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
)
def test_what_is_not_comparable_says_why(fields: dict[str, Any], expected: list[str]) -> None:
    record = fake_record(**fields)
    assert differences(record) == expected
    if expected:
        assert judge([record]).kind == "NOT_COMPARABLE"
        assert judge([record]).reason == ", ".join(expected)
        verdicts = {each.verdict for each in judge_all([record])}
        assert verdicts == {judge([record])}
    else:
        assert judge([record]).kind != "NOT_COMPARABLE"


def with_pipeline(record: RunRecord, pipeline: Any) -> RunRecord:
    return replace(record, spec=replace(record.spec, pipeline=pipeline))


def test_a_pipeline_that_augments_nothing_is_another_training() -> None:
    record = with_pipeline(fake_record(variant="resnet50-transfer"), "manual")
    assert differences(record) == ["pipeline manual, which augments nothing"]
    assert differences(with_pipeline(fake_record(variant="resnet50-transfer@unaugmented"), "manual")) == []
    assert differences(with_pipeline(fake_record(), "generator")) == []


def test_the_last_run_of_a_seed_counts() -> None:
    records = [fake_record(accuracy, seed=seed, variant="resnet50-scratch")
               for seed, accuracy in [(0, 0.1), (1, 0.547), (0, 0.547)]]  # fmt: skip
    assert judge(records).kind == "INCONCLUSIVE"
    assert "(2 seeds); 2 more may settle it" in judge(records).reason
    assert judge(records).further_seeds == 2


def test_runs_that_cannot_be_compared_are_left_aside() -> None:
    good = runs([0.546, 0.547, 0.548])
    others = [replace(good[0], dataset=TOYFACES), fake_record(None, variant="resnet50-scratch", status="failed")]
    verdict = judge([*good, *others])
    assert verdict.kind == "REPRODUCED"
    assert "(3 seeds)" in verdict.reason


def test_too_good_is_not_reproduced() -> None:
    assert judge(runs([0.99] * 3)).kind == "NOT_REPRODUCED"
    assert judge([crossing(1, seed=seed) for seed in range(3)]).kind == "NOT_REPRODUCED"


@pytest.mark.parametrize("name", VARIANTS)
def test_every_band_is_judged(name: str) -> None:
    judgements = judge_all([fake_record(0.5, variant=name)])
    assert tuple(each.band for each in judgements) == bands_of(name)
    for each in judgements:
        if each.band.unjudged:
            assert (each.verdict.kind, each.verdict.reason) == ("NOT_COMPARABLE", each.band.unjudged)


def test_a_reading_is_judged_and_named() -> None:
    plain, reading = (
        runs([0.546, 0.547, 0.548], variant=name) for name in ("resnet50-scratch", "resnet50-scratch@224x224x3")
    )
    assert judge(reading).kind == judge(plain).kind == "REPRODUCED"
    assert judge(reading).reason == f"{judge(plain).reason}; reading 224x224x3, not the default"
    assert remarks(plain) == []


def test_a_csv_is_judged_and_named() -> None:
    records = runs([0.547], dataset=replace(FER2013, door="fer2013.csv"))
    assert "; data from fer2013.csv known by their counts alone" in judge(records).reason


# Where the paper's run was ended by the stop rule on accuracy


def test_a_crossing_is_the_first_epoch_above_and_counts_from_one() -> None:
    record = fake_record(history=history_of([0.60, 0.67, 0.671, 0.66, 0.68]))
    assert first_crossing(record, 0.67) == 3  # 0.67 itself is not above
    assert record.history[2].epoch == 2
    assert first_crossing(record, 0.75) == math.inf


def test_the_threshold_is_judged_in_place_of_the_accuracy() -> None:
    records = [crossing(epoch, seed=seed) for seed, epoch in enumerate((74, 78, 82))]
    found = by_quantity(records)
    assert found["accuracy"].verdict.kind == "NOT_COMPARABLE"
    assert "the figure is the threshold" in found["accuracy"].verdict.reason
    assert found["accuracy"].observed == (0.6708,) * 3
    assert found["reached"].verdict == Verdict("REPRODUCED", "3 of 3 runs passed 67 %")
    assert found["epochs"].observed == (74, 78, 82)
    assert judge(records).kind == "REPRODUCED"
    assert judge(records).reason == (
        "3 of 3 runs passed 67 %; first above 67 % after 74, 78, 82; paper 78: ×1.00 of the paper's, "
        "within ×/÷1.66 (3 seeds)"
    )


@pytest.mark.parametrize(
    ("epochs", "kind", "part"),
    [
        ([80], "INCONCLUSIVE", "1 of 1 run passed 67 %"),
        ([30], "NOT_REPRODUCED", "first above 67 % after 30; paper 78"),
        ([20, 21, 22], "NOT_REPRODUCED", "first above 67 % after 20, 21, 22"),
        ([76, 78, 0], "INCONCLUSIVE", "2 of 3 runs passed 67 %"),
        ([0, 0, 0], "INCONCLUSIVE", "none of 3 runs passed 67 %; at best they stay 1.1 points below"),
    ],
)
def test_headlines_of_the_threshold(epochs: list[int], kind: str, part: str) -> None:
    verdict = judge([crossing(epoch, seed=seed) for seed, epoch in enumerate(epochs)])
    assert verdict.kind == kind
    assert part in verdict.reason


def test_a_network_that_stays_far_below_is_not_reproduced() -> None:
    verdict = judge(runs([0.60, 0.601, 0.602], variant="vgg16-scratch"))
    assert verdict.kind == "NOT_REPRODUCED"
    assert "none of 3 runs passed 67 %; at best they stay 6.9 points below, beyond" in verdict.reason


def test_without_the_rule_the_crossing_is_read_from_the_history() -> None:
    """The reading `unstopped` goes on to its own accuracy, which is printed and held against nothing."""
    records = [crossing(epoch, seed=seed, epochs=100, variant="vgg16-scratch@unstopped")
               for seed, epoch in enumerate((74, 78, 82))]  # fmt: skip
    found = by_quantity(records)
    assert found["epochs"].observed == (74, 78, 82)
    assert found["accuracy"].observed == (records[0].history[-1].watched_accuracy,) * 3
    assert found["accuracy"].verdict.kind == "NOT_COMPARABLE"
    assert judge(records).kind == "REPRODUCED"
    assert judge(records).reason.endswith("; reading unstopped, not the default")
    # what the paper has of its last epoch is of the crossing
    assert found["gap"].observed == pytest.approx((0.73 - 0.6708,) * 3)
    for quantity in ("recalls", "pattern"):
        assert found[quantity].verdict.reason == (
            "the paper's matrix is of the first epoch above the threshold, none of ours is"
        )


def test_what_never_crossed_has_no_last_epoch_of_the_papers() -> None:
    found = by_quantity([crossing(0)])
    for quantity in ("training-accuracy", "gap"):
        assert found[quantity].verdict.kind == "NOT_COMPARABLE"
        assert found[quantity].verdict.reason == "the paper's run ended above the threshold, ours never were"


def test_an_accuracy_under_a_fired_rule_is_never_reproduced() -> None:
    """Here the threshold lies within what the seeds' spread allows."""
    records = runs([0.675, 0.671, 0.672], variant="vgg16-fine-tune", history=history_of([0.671]))
    assert judge(records).kind == "NOT_REPRODUCED"
    near = runs([0.481] * 3, variant="vgg16-fine-tune", history=history_of([0.671]))
    assert judge(near).kind == "NOT_COMPARABLE"
    assert judge(near).reason == "3 of 3 runs ended at the rule's threshold: their accuracy is the threshold"


@pytest.mark.parametrize("name", ["vgg16-transfer", "vgg16-fine-tune", "resnet50-transfer"])
def test_what_the_paper_never_reached(name: str) -> None:
    threshold = VARIANTS[name].stop_rule.threshold
    assert threshold is not None
    never = by_quantity(runs([0.5] * 3, variant=name, history=history_of([0.5] * 100)))["reached"]
    assert (never.verdict.kind, never.observed) == ("REPRODUCED", (math.inf,) * 3)
    soon = by_quantity(runs([0.8] * 3, variant=name, history=history_of([0.5] * 29 + [0.8])))["reached"]
    assert (soon.verdict.kind, soon.observed) == ("NOT_REPRODUCED", (30.0,) * 3)
    assert soon.verdict.reason.startswith(f"above {100 * threshold:.0f} % after 30, 30, 30; paper > 100")


@pytest.mark.parametrize(
    ("epochs", "kind"),
    [
        ([100] * 3, "REPRODUCED"),
        ([30, 31, 32], "NOT_REPRODUCED"),
        ([90, 91, 92], "INCONCLUSIVE"),
        ([100], "INCONCLUSIVE"),
    ],
)
def test_a_rule_that_never_fired_in_the_paper(epochs: list[int], kind: str) -> None:
    records = [fake_record(0.547, variant="resnet50-scratch", seed=seed, history=history_of([0.5] * each))
               for seed, each in enumerate(epochs)]  # fmt: skip
    found = by_quantity(records)["epochs"]
    assert found.verdict.kind == kind
    assert found.verdict.reason.startswith("ended by the rule after")


def test_without_a_rule_nothing_is_said_of_its_end() -> None:
    found = by_quantity(runs([0.547] * 3, variant="resnet50-scratch@unstopped", history=history_of([0.5] * 100)))
    assert (found["epochs"].verdict.kind, found["accuracy"].verdict.kind) == ("NOT_COMPARABLE", "REPRODUCED")


# More than the accuracy


def test_training_accuracy_and_gap_are_of_the_last_epoch() -> None:
    records = runs([0.5469] * 3, history=history_of([0.3, 0.5469], training_accuracy=0.5618))
    found = by_quantity(records)
    assert found["training-accuracy"].observed == (0.5618,) * 3
    assert found["gap"].observed == pytest.approx((0.0149,) * 3)
    assert {found[name].verdict.kind for name in ("accuracy", "training-accuracy", "gap")} == {"REPRODUCED"}


def test_a_gap_of_overfitting_is_not_the_papers() -> None:
    records = runs([0.5469] * 3, history=history_of([0.5469], training_accuracy=0.95))
    assert by_quantity(records)["gap"].verdict.kind == "NOT_REPRODUCED"


@pytest.mark.parametrize("name", CONFUSIONS)
def test_the_papers_own_answers_are_reproduced(name: str) -> None:
    paper = facts().confusion(name)
    accuracy = float(np.trace(paper) / paper.sum())
    history = history_of([accuracy], training_accuracy=facts()[f"{name}.training-accuracy.table-6"].value)
    records = runs([accuracy] * 3, variant=name, history=history, scores={"paper_test": score_of_confusion(paper)})
    found = by_quantity(records)
    for quantity in ("recalls", "pattern", "training-accuracy", "gap"):
        assert found[quantity].verdict.kind == "REPRODUCED", quantity
    assert found["pattern"].observed == found["recalls"].observed == (0.0,) * 3


@pytest.mark.parametrize("name", sorted(set(VARIANTS) - set(CONFUSIONS)))
def test_an_unreadable_matrix_is_no_reference(name: str) -> None:
    found = by_quantity(runs([0.5] * 3, variant=name))
    for quantity in ("recalls", "pattern"):
        assert found[quantity].verdict.kind == "NOT_COMPARABLE"
        assert "that cannot be read" in found[quantity].verdict.reason


def test_a_number_can_be_reproduced_by_a_solution_that_is_none() -> None:
    """The paper's fine-tuned ResNet50 answers happy for every image; so does ours here."""
    paper = facts().confusion("resnet50-fine-tune")
    records = runs(
        [0.2471] * 3,
        variant="resnet50-fine-tune",
        history=history_of([0.2471], training_accuracy=0.2513),
        scores={"paper_test": score_of_confusion(paper, 1.82)},
    )
    assert judge(records).kind == "REPRODUCED"
    assert "degenerate: every image is answered happy; test loss 1.8200 is at or above" in judge(records).reason
    found = by_quantity(records)
    assert found["accuracy"].verdict == judge(records)
    assert "degenerate" not in found["gap"].verdict.reason  # once is enough


def test_a_degenerate_run_is_named_where_the_threshold_is_judged() -> None:
    records = [crossing(78, scores={"paper_test": score_of_confusion(facts().confusion("vgg16-scratch"), 2.0)})]
    assert judge(records).reason.endswith("; degenerate: test loss 2 is at or above that of uniform guessing, 1.9459")


# Time


def timed(seed: int = 0, *, seconds: float = 50.0, pipeline: str = "generator", **fields: Any) -> RunRecord:
    history = tuple(replace(each, training_seconds=seconds, evaluation_seconds=5.0) for each in history_of([0.54] * 4))
    values = {"variant": "resnet50-scratch", "environment": PAPERS_MACHINE, "history": history} | fields
    return with_pipeline(fake_record(0.54, seed=seed, **values), pipeline)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"pipeline": "device"}, ["pipeline device, the paper's are generator and manual"]),
        ({"environment": MACHINE}, ["device a processor, the paper's is an RTX 4080 SUPER"]),
        (
            {"environment": replace(MACHINE, gpu="NVIDIA H100")},
            ["device NVIDIA H100, the paper's is an RTX 4080 SUPER"],
        ),
        ({"variant": "resnet50-fine-tune"}, ["epochs of unequal work, not all run"]),
    ],
)
def test_when_seconds_cannot_be_compared(fields: dict[str, Any], expected: list[str]) -> None:
    record = timed(**fields)
    assert time_differences(record) == expected
    if expected:
        found = by_quantity([record])["seconds"]
        assert (found.verdict.kind, found.verdict.reason) == ("NOT_COMPARABLE", ", ".join(expected))


def test_kept_features_are_no_time_of_the_network() -> None:
    record = timed()
    kept = replace(record, spec=replace(record.spec, cached_features=True))
    assert time_differences(kept) == ["features of the frozen base kept"]


def test_seconds_are_those_of_the_papers_epochs() -> None:
    """4 epochs of 50 + 5 s each are 5,500 s for the paper's 100; it has 1,445 to 5,771."""
    found = by_quantity([timed(seed) for seed in range(3)])["seconds"]
    assert found.observed == (5500.0,) * 3
    assert found.verdict.kind == "REPRODUCED"
    assert found.verdict.reason == "×1.90 of the paper's, within ×/÷3.00 (3 seeds), for 100 epochs"


@pytest.mark.parametrize(
    ("name", "epochs"),
    [("vgg16-scratch", 78), ("vgg16-transfer", 100), ("vgg16-fine-tune", 100), ("resnet50-fine-tune", 30)],
)
def test_epochs_of_the_papers_times(name: str, epochs: int) -> None:
    assert papers_epochs(name) == epochs


def test_seconds_per_epoch() -> None:
    assert seconds_per_epoch(timed()) == 55.0
    whole = history_of([0.24] * 30)
    assert seconds_per_epoch(fake_record(0.24, variant="resnet50-fine-tune", history=whole)) == 12.0
    assert seconds_per_epoch(fake_record(None, status="failed", history=())) is None


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [
        ([15.0] * 3, "REPRODUCED"),
        ([0.5] * 3, "NOT_REPRODUCED"),
        ([500.0] * 3, "NOT_REPRODUCED"),
        ([40.0], "INCONCLUSIVE"),
    ],
)
def test_both_sides_of_a_time_are_judged(seconds: list[float], kind: str) -> None:
    """The paper's middle is √(1,092.51 · 8,764.24) = 3,094 s."""
    band = bands()["vgg16-scratch.seconds"]
    verdict = judge_seconds(band, seconds, 78)
    assert verdict.kind == kind
    assert verdict.reason.startswith(f"×{seconds[0] * 78 / 3094.35:.2f} of the paper's")
    assert "for 78 epochs" in verdict.reason


def test_scores_of_fakes_are_what_they_say() -> None:
    score = score_of(0.5469)
    confusion = np.array(score.confusion)
    assert np.trace(confusion) / confusion.sum() == pytest.approx(score.accuracy)
