"""Judgements on records: what is comparable, what is observed, and what stands beside a verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.judging.bands import Judgement, _judge_band, bands_of, first_crossing, judge, judge_all
from harness.judging.comparability import remarks
from harness.judging.expectations import bands
from harness.judging.verdicts import Verdict
from harness.records.record import RunRecord
from tests.support.fake_records import (
    TOYFACES,
    fake_record,
    history_of,
    score_of,
    score_of_confusion,
)
from tests.support.papers import PAPER


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
    as_figure_20 = {
        "paper_test": replace(score_of_confusion(PAPER.facts.confusion("vgg16-scratch")), accuracy=watched[-1])
    }
    return fake_record(watched[-1], seed=seed, history=history, **{"scores": as_figure_20} | fields)


def by_quantity(records: list[RunRecord]) -> dict[str, Judgement]:
    return {each.band.quantity: each for each in judge_all(records, PAPER)}


def test_the_last_run_of_a_seed_counts() -> None:
    records = [fake_record(accuracy, seed=seed, variant="resnet50-scratch")
               for seed, accuracy in [(0, 0.1), (1, 0.547), (0, 0.547)]]  # fmt: skip
    assert judge(records, PAPER).kind == "INCONCLUSIVE"
    assert "(2 seeds); 2 more may settle it" in judge(records, PAPER).reason
    assert judge(records, PAPER).further_seeds == 2


def test_runs_that_are_left_aside_are_counted() -> None:
    seeds = [(0, 0.1), (1, 0.547), (0, 0.547), (2, 0.546), (1, 0.546)]
    records = [fake_record(accuracy, seed=seed, variant="resnet50-scratch") for seed, accuracy in seeds]
    assert judge(records, PAPER).kind == "REPRODUCED"
    assert judge(records, PAPER).reason.endswith("(3 seeds); 2 earlier runs of the same seeds left aside")
    assert by_quantity(records)["accuracy"].observed == (0.547, 0.546, 0.546)
    assert judge(records[:3], PAPER).reason.endswith("; 1 earlier run of the same seed left aside")
    assert "left aside" not in judge(records[1:4], PAPER).reason


def test_runs_that_cannot_be_compared_are_left_aside() -> None:
    good = runs([0.546, 0.547, 0.548])
    others = [replace(good[0], dataset=TOYFACES), fake_record(None, variant="resnet50-scratch", status="failed")]
    verdict = judge([*good, *others], PAPER)
    assert verdict.kind == "REPRODUCED"
    assert "(3 seeds)" in verdict.reason


def test_too_good_is_not_reproduced() -> None:
    assert judge(runs([0.99] * 3), PAPER).kind == "NOT_REPRODUCED"
    assert judge([crossing(1, seed=seed) for seed in range(3)], PAPER).kind == "NOT_REPRODUCED"


@pytest.mark.parametrize("name", PAPER.variants)
def test_every_band_is_judged(name: str) -> None:
    judgements = judge_all([fake_record(0.5, variant=name)], PAPER)
    assert tuple(each.band for each in judgements) == tuple(bands_of(PAPER, name).values())
    for each in judgements:
        if each.band.unjudged:
            assert (each.verdict.kind, each.verdict.reason) == ("NOT_COMPARABLE", each.band.unjudged)


def test_a_reading_is_judged_and_named() -> None:
    plain, reading = (
        runs([0.546, 0.547, 0.548], variant=name) for name in ("resnet50-scratch", "resnet50-scratch@224x224x3")
    )
    assert judge(reading, PAPER).kind == judge(plain, PAPER).kind == "REPRODUCED"
    assert judge(reading, PAPER).reason == f"{judge(plain, PAPER).reason}; reading 224x224x3, not the default"
    assert remarks(plain) == []


@pytest.mark.parametrize(
    "other",
    [
        {"variant": "resnet50-scratch@unstopped"},
        {"variant": "resnet50-transfer"},
        {"implementation": "keras3"},
    ],
)
@pytest.mark.parametrize("say", [judge, judge_all])
def test_one_verdict_is_on_one_reading_by_one_implementation(say: Any, other: dict[str, Any]) -> None:
    records = [*runs([0.546, 0.547]), *runs([0.548], **other)]
    with pytest.raises(ValueError, match=r"runs of resnet50-scratch by pytorch and of .*; a verdict is on one of them"):
        say(records, PAPER)


def test_backends_of_keras_are_two_implementations() -> None:
    first, second = runs([0.546, 0.547], implementation="keras3")
    other = replace(second, spec=replace(second.spec, keras_backend="tensorflow"))
    with pytest.raises(ValueError, match="by keras3-jax and of resnet50-scratch by keras3-tensorflow"):
        judge([first, other], PAPER)


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
    assert judge(records, PAPER).kind == "REPRODUCED"
    assert judge(records, PAPER).reason == (
        "3 of 3 runs passed 67 %; first above 67 % after 74, 78, 82: 78 epochs, ×1.02 of 76.5 epochs, "
        "the middle of the paper's 75 to 78 epochs, within ×/÷1.66 (3 seeds)"
    )


@pytest.mark.parametrize(
    ("epochs", "kind", "part"),
    [
        ([80], "INCONCLUSIVE", "the run passed 67 %; first above 67 % after 80"),
        ([30], "NOT_REPRODUCED", "first above 67 % after 30: 30 epochs, ×0.39 of 76.5"),
        ([20, 21, 22], "NOT_REPRODUCED", "first above 67 % after 20, 21, 22"),
        ([76, 78, 0], "INCONCLUSIVE", "2 of 3 runs passed 67 %"),
        ([0, 0, 0], "INCONCLUSIVE", "none of 3 runs passed 67 %: 65.9 % at best on average, 1.1 points below"),
    ],
)
def test_headlines_of_the_threshold(epochs: list[int], kind: str, part: str) -> None:
    verdict = judge([crossing(epoch, seed=seed) for seed, epoch in enumerate(epochs)], PAPER)
    assert verdict.kind == kind
    assert part in verdict.reason
    assert verdict.reason.count("settle") == (kind == "INCONCLUSIVE")  # said once, of both together


@pytest.mark.parametrize(("epochs", "further"), [([80], 4), ([76, 78, 0], 2), ([0, 0, 0], None)])
def test_the_headline_asks_for_what_both_of_its_parts_need(epochs: list[int], further: int | None) -> None:
    """Whether it is reached takes three runs; when, five in all, with the declared spread."""
    records = [crossing(epoch, seed=seed) for seed, epoch in enumerate(epochs)]
    found = by_quantity(records)
    counts = [found[name].verdict.further_seeds for name in ("reached", "epochs")]
    verdict = judge(records, PAPER)
    assert verdict.further_seeds == further
    tail = f"{further} more may settle it" if further else "no number of further seeds like these would settle it"
    assert verdict.reason.endswith(tail)
    assert further is None or further == max(each for each in counts if each)


def test_runs_that_answer_otherwise_are_not_reproduced() -> None:
    """The number is the paper's, and Figure 20's answers are not."""
    paper = PAPER.facts.confusion("vgg16-scratch")
    other = np.roll(paper - np.diag(np.diag(paper)), 1, axis=1)
    np.fill_diagonal(other, 0)
    other += np.diag(paper.sum(axis=1) - other.sum(axis=1))
    records = [
        crossing(epoch, seed=seed, scores={"paper_test": score_of_confusion(other)})
        for seed, epoch in enumerate((74, 78, 82))
    ]
    found = by_quantity(records)
    assert found["reached"].verdict.kind == found["epochs"].verdict.kind == "REPRODUCED"
    assert found["pattern"].verdict.kind == "NOT_REPRODUCED"
    for some in (records, records[:1]):  # one is as far off
        assert judge(some, PAPER).kind == "NOT_REPRODUCED"
        assert "; but not the paper's pattern: " in judge(some, PAPER).reason
        assert "settle" not in judge(some, PAPER).reason


@pytest.mark.parametrize("spread", [0.0, 0.002, 0.005, 0.007, 0.015])
def test_a_network_that_answers_happy_almost_always_is_no_transfer(spread: float) -> None:
    for share in (0.2472, 0.2500):
        accuracies = [share - spread, share, share + spread]
        verdict = by_quantity(runs(accuracies, variant="resnet50-transfer"))["accuracy"].verdict
        assert verdict.kind != "REPRODUCED", verdict.reason


def test_a_network_that_stays_far_below_is_not_reproduced() -> None:
    verdict = judge(runs([0.60, 0.601, 0.602], variant="vgg16-scratch"), PAPER)
    assert verdict.kind == "NOT_REPRODUCED"
    assert "none of 3 runs passed 67 %: 60.1 % at best on average, 6.9 points below, beyond" in verdict.reason


def test_without_the_rule_the_crossing_is_read_from_the_history() -> None:
    """The reading `unstopped` goes on to its own accuracy, which is printed and held against nothing."""
    records = [crossing(epoch, seed=seed, epochs=100, variant="vgg16-scratch@unstopped")
               for seed, epoch in enumerate((74, 78, 82))]  # fmt: skip
    found = by_quantity(records)
    assert found["epochs"].observed == (74, 78, 82)
    assert found["accuracy"].observed == (records[0].history[-1].watched_accuracy,) * 3
    assert found["accuracy"].verdict.kind == "NOT_COMPARABLE"
    assert judge(records, PAPER).kind == "REPRODUCED"
    assert judge(records, PAPER).reason.endswith("; reading unstopped, not the default")
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
    assert judge(records, PAPER).kind == "NOT_REPRODUCED"
    near = runs([0.481] * 3, variant="vgg16-fine-tune", history=history_of([0.671]))
    assert judge(near, PAPER).kind == "NOT_COMPARABLE"
    assert judge(near, PAPER).reason == "3 of 3 runs ended at the rule's threshold: their accuracy is the threshold"
    some = [*near[:1], *runs([0.481] * 3, variant="vgg16-fine-tune", history=history_of([0.481]))[1:]]
    assert judge(some, PAPER).reason == "1 of 3 runs ended at the rule's threshold: their accuracy is the threshold"


@pytest.mark.parametrize("name", ["vgg16-transfer", "vgg16-fine-tune", "resnet50-transfer"])
def test_what_the_paper_never_reached(name: str) -> None:
    threshold = PAPER.variants[name].stop_rule.threshold
    assert threshold is not None
    never = by_quantity(runs([0.5] * 3, variant=name, history=history_of([0.5] * 100)))["reached"]
    assert (never.verdict.kind, never.observed) == ("REPRODUCED", (math.inf,) * 3)
    soon = by_quantity(runs([0.8] * 3, variant=name, history=history_of([0.5] * 29 + [0.8])))["reached"]
    assert (soon.verdict.kind, soon.observed) == ("NOT_REPRODUCED", (30.0,) * 3)
    assert soon.verdict.reason.startswith(
        f"above {100 * threshold:.0f} % after 30, 30, 30: 30 epochs, ×0.30 of the paper's > 100, beyond ×/÷1.25"
    )


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
    assert "×" in found.verdict.reason or "as the paper's > 100" in found.verdict.reason


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


@pytest.mark.parametrize("name", PAPER.confusions)
def test_the_papers_own_answers_are_reproduced(name: str) -> None:
    paper = PAPER.facts.confusion(name)
    accuracy = float(np.trace(paper) / paper.sum())
    history = history_of([accuracy], training_accuracy=PAPER.facts[f"{name}.training-accuracy.table-6"].value)
    records = runs([accuracy] * 3, variant=name, history=history, scores={"paper_test": score_of_confusion(paper)})
    found = by_quantity(records)
    for quantity in ("recalls", "pattern", "training-accuracy", "gap"):
        assert found[quantity].verdict.kind == "REPRODUCED", quantity
    assert found["pattern"].observed == found["recalls"].observed == (0.0,) * 3


@pytest.mark.parametrize("name", sorted(set(PAPER.variants) - set(PAPER.confusions)))
def test_an_unreadable_matrix_is_no_reference(name: str) -> None:
    found = by_quantity(runs([0.5] * 3, variant=name))
    for quantity in ("recalls", "pattern"):
        assert found[quantity].verdict.kind == "NOT_COMPARABLE"
        assert "that cannot be read" in found[quantity].verdict.reason


def test_a_number_can_be_reproduced_by_a_solution_that_is_none() -> None:
    """The paper's fine-tuned ResNet50 answers happy for every image; so does ours here."""
    paper = PAPER.facts.confusion("resnet50-fine-tune")
    records = runs(
        [0.2471] * 3,
        variant="resnet50-fine-tune",
        history=history_of([0.2471], training_accuracy=0.2513),
        scores={"paper_test": score_of_confusion(paper, 1.82)},
    )
    assert judge(records, PAPER).kind == "REPRODUCED"
    assert "degenerate: every image is answered happy; test loss 1.8200 is at or above" in judge(records, PAPER).reason
    found = by_quantity(records)
    assert found["accuracy"].verdict == judge(records, PAPER)
    assert "degenerate" not in found["gap"].verdict.reason  # once is enough


def test_a_degenerate_run_is_named_where_the_threshold_is_judged() -> None:
    records = [crossing(78, scores={"paper_test": score_of_confusion(PAPER.facts.confusion("vgg16-scratch"), 2.0)})]
    assert judge(records, PAPER).reason.endswith(
        "; degenerate: test loss 2 is not below that of uniform guessing, 1.9459"
    )


def test_scores_of_fakes_are_what_they_say() -> None:
    score = score_of(0.5469)
    confusion = np.array(score.confusion)
    assert np.trace(confusion) / confusion.sum() == pytest.approx(score.accuracy)


def test_a_band_that_has_no_threshold_is_not_reached() -> None:
    band = replace(bands(PAPER)["vgg16-scratch.epochs"], quantity="reached", threshold=None)
    with pytest.raises(ValueError, match=r"vgg16-scratch\.reached has no threshold"):
        _judge_band(band, [fake_record()], PAPER)
