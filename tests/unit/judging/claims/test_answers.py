"""The paper's claims: their words, and every answer that runs can give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.judging.claims.answers import Answer, answer_claims
from harness.verification.flaws import StoredRun
from tests.support.claim_worlds import (
    CASES,
    SECONDS,
    falling,
    run,
    runs_of,
    with_accuracy,
    worlds,
)
from tests.support.forged_records import seeds as sound_seeds
from tests.support.papers import PAPER


def answer(name: str, runs: list[StoredRun]) -> Answer:
    (found,) = answer_claims(runs, PAPER, [PAPER.claims[name]])
    return found


def test_all_claims_are_answered_in_order() -> None:
    assert [each.claim for each in answer_claims([], PAPER)] == list(PAPER.claims.values())


def test_every_claim_that_runs_answer_has_a_case() -> None:
    assert CASES.keys() == {claim.name for claim in PAPER.claims.values() if claim.needs}


@pytest.mark.parametrize("name", CASES)
def test_three_seeds_support_or_refute_a_claim(name: str) -> None:
    supporting, refuting = CASES[name]
    assert PAPER.claims[name].needs
    supported = answer(name, runs_of(supporting))
    assert (supported.kind, supported.wanted) == ("supported", ())
    refuted = answer(name, runs_of(refuting))
    assert (refuted.kind, refuted.wanted) == ("refuted", ())
    assert "3 seeds" in refuted.reason


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("count", [1, 2])
def test_fewer_decide_none(name: str, count: int) -> None:
    found = answer(name, runs_of(CASES[name][0], count=count))
    assert found.kind == "undecided"
    assert all(f"{3 - count} more seed" in line for line in found.wanted)
    assert found.wanted


@pytest.mark.parametrize("name", CASES)
def test_a_claim_names_the_variants_that_it_needs(name: str) -> None:
    """Without any one of them it stays undecided, and that one is what is wanted."""
    supporting = CASES[name][0]
    for missing in PAPER.claims[name].needs:
        runs = runs_of({variant: fields for variant, fields in supporting.items() if variant != missing})
        found = answer(name, runs)
        assert found.kind == "undecided"
        assert missing in " ".join(found.wanted)
    assert answer(name, []).reason == f"no comparable run of {', '.join(PAPER.claims[name].needs)}"


def test_the_rows_of_table_4_are_held_against_the_human_figure() -> None:
    found = answer("every-method-beats-humans", [])
    assert found.kind == "refuted"
    assert "vggnet-16 of Table 4 − human estimate: 51.11 − 65.5 %" in found.reason
    kinds = {each.what: each.kind for each in found.evidence[0].comparisons}
    assert list(kinds.values()) == ["fails", "fails", "fails", "holds", "holds"]
    assert list(kinds)[-1] == "vgg16-scratch of Table 4 − human estimate"


def test_which_images_are_leaked_must_be_known() -> None:
    """A csv has its rows in an order of its own: nobody can tell which of them make up clean_test."""
    supporting, _ = CASES["better-than-human"]
    runs = runs_of(supporting)
    unknown = [in_csv(each) for each in runs]
    found = answer("better-than-human", unknown)
    assert found.kind == "undecided"
    assert "which images are in clean_test is not known of data from icml_face_data.csv (seeds 0, 1, 2)" in found.reason
    assert found.wanted == ("pytorch: 3 seeds of vgg16-scratch on data from a zip or a folder",)
    some = answer("better-than-human", [*runs, in_csv(run("vgg16-scratch", 3, accuracy=0.1))])
    assert some.kind == "supported"
    assert "icml_face_data.csv (seed 3), left out" in some.reason
    assert answer("sets-a-new-standard", unknown).kind == "supported"  # asked on both tests whole


def in_csv(stored: StoredRun) -> StoredRun:
    """The same from a csv."""
    assert stored.record.dataset
    identity = replace(stored.record.dataset, door="icml_face_data.csv")
    return replace(stored, record=replace(stored.record, dataset=identity))


@pytest.mark.parametrize("name", ["sets-a-new-standard", "surpasses-benchmarks"])
def test_others_figures_are_of_whole_tests_as_ours_then_is(name: str) -> None:
    """Their figures include images that lie in training too, so clean_test would hold ours to more than theirs."""
    runs = [with_clean_accuracy(each, 0.4) for each in runs_of(CASES[name][0])]
    found = answer(name, runs)
    assert found.kind == "supported"
    assert "accuracy on paper_test" in found.reason
    assert answer("better-than-human", runs).kind == "refuted"


def with_clean_accuracy(stored: StoredRun, accuracy: float) -> StoredRun:
    """The same with another accuracy on clean_test."""
    scores = stored.record.scores
    return replace(
        stored,
        record=replace(stored.record, scores=scores | {"clean_test": replace(scores["clean_test"], accuracy=accuracy)}),
    )


def test_what_is_counted_needs_no_run() -> None:
    found = answer("resnet50-needs-more-computation", [])
    assert found.kind == "refuted"
    assert "7.72 against 30.70 billion" in found.reason


def test_one_pair_of_networks_is_told_from_two_methods() -> None:
    runs = [*sound_seeds([0.6723]), *sound_seeds([0.69], variant="vgg16-transfer", epochs=100)]
    found = answer("transfer-improves-vgg16", runs)
    assert found.kind == "undecided"
    first, second = (np.asarray(each.arrays["test_logits"]).argmax(axis=1) for each in runs)
    labels = runs[0].arrays["test_labels"]
    alone = int(((second == labels) & (first != labels)).sum())
    assert f"seed 0: {alone:,} images right by vgg16-transfer alone" in found.reason
    assert "about these two networks, not about two ways of training" in found.reason


def test_implementations_that_contradict_each_other_decide_nothing() -> None:
    supporting, refuting = CASES["better-than-human"]
    runs = [*runs_of(supporting), *runs_of(refuting, implementation="keras3")]
    found = answer("better-than-human", runs)
    assert found.kind == "undecided"
    assert found.reason == ("implementations contradict each other: supported by pytorch, refuted by keras3-jax")
    assert found.wanted == ("why they differ",)


def test_one_implementation_decides_where_the_other_does_not() -> None:
    supporting, _ = CASES["better-than-human"]
    runs = [*runs_of(supporting), *runs_of(supporting, count=1, implementation="keras3")]
    found = answer("better-than-human", runs)
    assert (found.kind, {each.implementation: each.kind for each in found.evidence}) == (
        "supported",
        {"pytorch": "supported", "keras3-jax": "undecided"},
    )


@pytest.mark.parametrize("name", ["vgg16-trains-faster", "resnet50-transfer-takes-as-long-as-fine-tuning"])
def test_seconds_count_on_the_papers_pipelines_alone(name: str) -> None:
    found = answer(name, runs_of(CASES[name][0], pipeline="device"))
    assert found.kind == "undecided"
    assert "the paper's seconds are those of its own pipelines" in found.reason
    assert any("on the pipeline generator or manual" in line for line in found.wanted)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"gpu": None}, "computed by a processor, the paper's seconds are of a GPU"),
        ({"device": "cpu"}, "computed by a processor"),  # although there is a card
        ({"cached_features": True}, "features of the frozen base kept"),
        ({"epochs": 2}, "epochs of unequal work, not all run"),
    ],
)
def test_seconds_that_are_not_those_of_the_papers_work_decide_nothing(fields: dict[str, Any], reason: str) -> None:
    world = {name: {**each, **fields} for name, each in SECONDS.items()}
    found = answer("resnet50-transfer-takes-as-long-as-fine-tuning", runs_of(world))
    assert found.kind == "undecided"
    assert reason in found.reason
    assert "seeds of resnet50-transfer and of resnet50-fine-tune on one GPU" in found.wanted[0]


def test_a_pair_whose_seconds_do_not_count_is_named() -> None:
    """Left out by where it ran, not by what it found."""
    runs = [*runs_of(SECONDS), *(run(name, 3, **fields, device="cpu") for name, fields in SECONDS.items())]
    found = answer("vgg16-trains-faster", runs)
    assert found.kind == "supported"
    assert "(3 seeds); on a card; left out: seed 3, computed by a processor" in found.reason


def test_seconds_contain_evaluation_as_keras_clock_does() -> None:
    """Half of the one's seconds are evaluation: as bands count them, both take the same."""
    world = {name: {**SECONDS[name], "seconds": 100} for name in ("resnet50-transfer", "resnet50-fine-tune")}
    world["resnet50-transfer"]["evaluation"] = 0.5
    assert answer("resnet50-transfer-takes-as-long-as-fine-tuning", runs_of(world)).kind == "supported"


def test_table_5_has_neither_network_ahead_by_all_approaches() -> None:
    """Whether rates are seconds or images a second."""
    found = answer("training-rates-are-higher", [])
    assert found.kind == "refuted"
    assert "1218.66 < 1445.48, 16304.71 > 15811.03, 16326.17 > 15811.03" in found.reason


def test_training_is_counted_as_well_as_answering() -> None:
    (evidence,) = answer("resnet50-needs-more-computation", []).evidence
    seen = {each.what: each.observed for each in evidence.comparisons}
    assert seen["operations to train on an image, resnet50-scratch − vgg16-scratch"] == "1.20 against 3.83 billion"
    assert {each.kind for each in evidence.comparisons} == {"fails"}
    assert evidence.comparisons[-1].what == "ResNet50's operations to train ÷ VGG16's, fine-tune − the most of others"


def test_seconds_of_two_machines_compare_machines() -> None:
    world = {name: fields | {"gpu": f"card {index}"} for index, (name, fields) in enumerate(SECONDS.items())}
    found = answer("vgg16-trains-faster", runs_of(world))
    assert found.kind == "undecided"
    assert "differ in machine, versions, pipeline, threads, precision, determinism or checkpointing" in found.reason


@pytest.mark.parametrize(
    "fields",
    [{"precision": "tf32"}, {"deterministic": True}, {"pipeline": "manual"}],
    ids=lambda each: next(iter(each)),
)
def test_seconds_of_other_arithmetic_or_another_pipeline_are_never_paired(fields: dict[str, Any]) -> None:
    name = "resnet50-transfer-takes-as-long-as-fine-tuning"
    assert answer(name, runs_of(SECONDS, **fields)).kind == "supported", "alike they count"
    found = answer(name, runs_of(SECONDS | {"resnet50-transfer": SECONDS["resnet50-transfer"] | fields}))
    assert found.kind == "undecided"
    assert "differ in machine, versions, pipeline, threads, precision, determinism or checkpointing" in found.reason


def test_a_training_loss_alone_shows_no_fall_of_both() -> None:
    """The quotes name both losses; the watched one stays where it is."""
    for name, variant in (
        ("loss-falls-in-ten-epochs", "resnet50-fine-tune"),
        ("loss-falls-to-the-end", "resnet50-scratch"),
    ):
        world = CASES[name][0][variant]
        still = run_of_losses(world["losses"], [1.0] * len(world["losses"]), variant)
        assert answer(name, still).kind == "undecided"
        rising = run_of_losses(world["losses"], falling(1.0, 2.0, len(world["losses"])), variant)
        assert answer(name, rising).kind == "refuted"


def run_of_losses(training: list[float], watched: list[float], variant: str) -> list[StoredRun]:
    return runs_of({variant: {"losses": training, "watched_losses": watched}})


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("loss-falls-in-ten-epochs", "resnet50-fine-tune"),
        ("loss-falls-to-the-end", "resnet50-scratch"),
        ("fine-tuning-is-unsteady", "vgg16-fine-tune"),
        ("validation-loss-levels-off-higher", "vgg16-transfer"),
        ("validation-accuracy-rises-more-slowly", "vgg16-transfer"),
    ],
)
def test_a_short_run_has_no_curve(name: str, variant: str) -> None:
    fields = {field: values[:10] for field, values in CASES[name][0][variant].items()}
    runs = [*runs_of(CASES[name][0]), run(variant, 3, **fields)]
    found = answer(name, runs)
    assert found.kind == "undecided"
    assert "fewer than 20 epochs in seed 3" in found.reason


def test_a_steady_climb_does_not_fluctuate() -> None:
    """However steep it is."""
    world = {"vgg16-fine-tune": {"trained": falling(0.3, 0.5), "watched": falling(0.1, 0.9)}}
    assert answer("fine-tuning-is-unsteady", runs_of(world)).kind == "undecided"


def test_the_mean_gap_is_not_decided_by_a_wide_spread() -> None:
    """A mean of 1 point and a spread of 2: no interval of three seeds leaves 0 out."""
    runs = [
        run(variant, seed, accuracy=accuracy)
        for seed, pair in enumerate([(0.60, 0.61), (0.62, 0.59), (0.64, 0.63)])
        for variant, accuracy in zip(("vgg16-scratch", "vgg16-transfer"), pair, strict=True)
    ]
    found = answer("transfer-is-best-for-vgg16", runs)
    assert found.kind == "undecided"
    assert "more seeds of vgg16-transfer and of vgg16-scratch" in found.wanted[0]


def test_what_does_not_enhance_need_not_harm() -> None:
    """As good as scratch is no better than it."""
    world = worlds("accuracy", resnet50_fine_tune=0.551, resnet50_scratch=0.55)
    assert answer("fine-tuning-does-not-enhance-resnet50", runs_of(world)).kind == "supported"
    world = worlds("accuracy", resnet50_fine_tune=0.57, resnet50_scratch=0.55)
    assert answer("fine-tuning-does-not-enhance-resnet50", runs_of(world)).kind == "refuted"


@pytest.mark.parametrize(
    ("values", "failing"),
    [
        # ahead by transfer alone, where the quote says most
        ({"vgg16_scratch": 0.5, "vgg16_fine_tune": 0.2}, "accuracy, VGG16 − ResNet50, middle one of three strategies"),
        # behind by transfer, though less than by the others
        (
            {"vgg16_scratch": 0.2, "vgg16_transfer": 0.27, "vgg16_fine_tune": 0.1},
            "accuracy, vgg16-transfer − resnet50-transfer",
        ),
    ],
)
def test_to_lead_most_by_transfer_is_to_lead(values: dict[str, float], failing: str) -> None:
    found = answer("vgg16-leads-most-by-transfer", runs_of(with_accuracy(**values)))
    assert found.kind == "refuted"
    assert failing in found.reason


def test_generalisation_is_the_ratio_that_the_paper_speaks_of() -> None:
    """Gaps of 5 and 6 points, but ratios of 1.20 and 1.09."""
    world = {
        "resnet50-scratch": {"training": 0.30, "accuracy": 0.25},
        "vgg16-scratch": {"training": 0.74, "accuracy": 0.68},
    }
    found = answer("resnet50-generalises-better", runs_of(world))
    assert found.kind == "refuted"
    assert "−0.11" in found.reason


def test_who_never_converges_leaves_the_claim_open() -> None:
    world = {name: {"watched": [0.2, 0.3]} for name in PAPER.claims["pretraining-converges-faster"].needs}
    found = answer("pretraining-converges-faster", runs_of(world))
    assert found.kind == "undecided"
    assert "3 of 3 pairs tell nothing (seeds 0, 1, 2)" in found.reason
    assert "crossed by vgg16-transfer in 0 of 3 runs, by vgg16-scratch in 0" in found.reason


@pytest.mark.parametrize(
    ("fast", "slow"),
    [
        ([0.2, 0.3], [0.2, 0.3]),  # neither crosses
        ([0.2, 0.3], [0.2, 0.3, 0.3, 0.45]),  # ended before the other's crossing
    ],
)
@pytest.mark.parametrize("case", [0, 1])
def test_pairs_that_tell_nothing_are_not_left_out_silently(case: int, fast: list[float], slow: list[float]) -> None:
    """Those that remain are a selection, by what was found: it neither supports nor refutes."""
    name = "pretraining-converges-faster"
    runs = runs_of(CASES[name][case])
    for variant in PAPER.claims[name].needs:
        runs.append(run(variant, 3, watched=slow if variant.endswith("scratch") else fast))
    found = answer(name, runs)
    assert found.kind == "undecided"
    assert "1 of 4 pairs tells nothing (seed 3)" in found.reason
    assert "in 3 of 4 runs" in found.reason
    assert "pairs of resnet50-fine-tune and resnet50-scratch of which" in " ".join(found.wanted)


def test_crossings_are_counted_beside_the_epochs() -> None:
    name = "pretraining-converges-faster"
    found = answer(name, runs_of(CASES[name][0]))
    assert "crossed by resnet50-transfer in 3 of 3 runs, by resnet50-scratch in 3" in found.reason


def test_seeds_are_named_that_have_no_partner() -> None:
    runs = [*runs_of({"vgg16-transfer": {}}, count=2), run("vgg16-scratch", 4)]
    found = answer("transfer-improves-vgg16", runs)
    assert found.reason.startswith(
        "pytorch: accuracy, vgg16-transfer − vgg16-scratch: no seed in common: vgg16-transfer has seeds 0, 1, "
        "vgg16-scratch has seed 4"
    )
    assert found.wanted == ("pytorch: 3 more seeds of vgg16-transfer and of vgg16-scratch, the same in each",)
    paired = answer("transfer-improves-vgg16", [*runs, run("vgg16-scratch", 1)])
    assert "unpaired: vgg16-transfer seed 0, vgg16-scratch seed 4" in paired.reason
