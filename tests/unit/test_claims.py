"""The paper's claims: their words, the statistics that answer them, and every answer that runs can give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_records import MACHINE, epoch_record, fake_record, score_of
from forged_records import seeds as sound_seeds

from harness.data.dataset import CLASSES
from harness.data.reading import KNOWN_COUNTS
from harness.judging import measures
from harness.judging.claim_predicates import PREDICATES
from harness.judging.claims import Answer, Claim, answer_claims, claims
from harness.judging.comparisons import LEVEL, Comparison, certain, compare_seeds, decide, number, points, times
from harness.judging.flaws import StoredRun
from harness.judging.measures import epochs_saved

SUPPORTS = np.array(KNOWN_COUNTS["public_test"]) + np.array(KNOWN_COUNTS["private_test"])
JITTER = (-0.001, 0.0, 0.002)
"""Of three seeds: enough of a spread for a t interval, too little to hide what a case is about."""

Recalls = Mapping[str, float]


# --- words


@pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.name)
def test_a_quote_and_its_place_stand_in_the_paper(claim: Claim, paper_text: str) -> None:
    assert claim.quote in paper_text
    assert claim.place == "Abstract" or claim.place in paper_text  # the abstract has no heading


def test_the_claims_that_had_to_be_there() -> None:
    assert len(claims()) == 42
    assert {
        "vgg16-beats-resnet50", "transfer-is-best-for-vgg16", "scratch-is-best", "fine-tuning-benefits-most",
        "fine-tuning-reduces-accuracy", "pretraining-converges-faster", "happy-and-neutral-are-easy",
        "resnet50-generalises-better", "better-than-human", "resnet50-takes-twice-the-time", "vgg16-trains-faster",
        "pretraining-takes-longer", "fine-tuning-overfits", "stop-rule-avoids-overfitting",
        "resnet50-scratch-confuses-sad-and-neutral", "vgg16-fine-tune-excels-in-happy",
        "class-weights-address-imbalance", "augmentation-improves-generalisation",
    } <= claims().keys()  # fmt: skip


def test_every_predicate_answers_a_claim() -> None:
    assert {claim.predicate for claim in claims().values()} == PREDICATES.keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quote": "word " * 21}, "claim a: a quote of 21 words; expected 1 to 20"),
        ({"quote": ""}, "a quote of 0 words"),
        ({"predicate": "nobody"}, "no predicate 'nobody'"),
        ({"needs": ("vgg17-scratch",)}, "claim a: unknown variant 'vgg17-scratch'"),
        ({"needs": ("vgg16-scratch@stopped",)}, "needs 'vgg16-scratch@stopped', which is called 'vgg16-scratch'"),
    ],
)
def test_a_claim_that_cannot_be_asked_is_refused(changes: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {
        "name": "a", "quote": "words", "place": "here", "means": "much", "needs": (), "predicate": "no_way_to_improve",
    }  # fmt: skip
    Claim(**fields)
    with pytest.raises(ValueError, match=message):
        Claim(**(fields | changes))


# --- statistics


def of_seeds(values: list[float], **options: Any) -> Comparison:
    given = {"variants": ("a", "b"), "floor": 1 / 7178, "shown": points} | options
    return compare_seeds("difference", dict(enumerate(values)), **given)


def test_a_worked_example() -> None:
    """Mean 2, s = 1 point: t = 2 / (1/√3) = 3.464 on 2 degrees of freedom; t(.975, 2) is 4.303, t(.975, 3) 3.182."""
    found = of_seeds([0.01, 0.02, 0.03])
    assert found.observed == "+2.00 points, 95 % −0.48 points to +4.48 points (3 seeds)"
    assert found.p_holds == pytest.approx(0.0371, abs=1e-4)
    assert found.p_fails == pytest.approx(1 - 0.0371, abs=1e-4)
    assert found.wanted == "about 1 more seed of a and of b if mean and spread stay as they are"
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
    assert found.wanted == f"{wanted} of a and of b"


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


# --- measures


def confusion(recalls: Recalls, *, taken_for: str | None = None) -> tuple[tuple[int, ...], ...]:
    """Counts with these recalls (others ½); wrong answers go to one class, or to all others alike."""
    rates = np.zeros((7, 7))
    for code, name in enumerate(CLASSES):
        rates[code] = (1 - recalls.get(name, 0.5)) / 6 if taken_for is None else 0
        if taken_for is not None:
            rates[code, CLASSES.index(taken_for)] = 1 - recalls.get(name, 0.5)
        rates[code, code] = recalls.get(name, 0.5) if name != taken_for else 1.0
    return tuple(tuple(int(count) for count in row) for row in np.rint(rates * SUPPORTS[:, None] * 10))


def run(
    variant: str,
    seed: int = 0,
    *,
    implementation: str = "pytorch",
    accuracy: float = 0.5,
    training: float = 0.6,
    recalls: Recalls | None = None,
    taken_for: str | None = None,
    mixed: tuple[str, str] | None = None,
    watched: list[float] | None = None,
    losses: list[float] | None = None,
    watched_losses: list[float] | None = None,
    seconds: float = 100.0,
    pipeline: str = "generator",
    gpu: str | None = None,
) -> StoredRun:
    """A run that only the measures look at."""
    jitter = JITTER[seed % 3]
    count = max(len(each) for each in ([0.5, 0.5], watched or [], losses or [], watched_losses or []))
    history = tuple(
        replace(
            epoch_record(epoch, training_accuracy=training + jitter),
            watched_accuracy=(watched or [0.5] * count)[epoch],
            training_loss=(losses or [1.0] * count)[epoch] + jitter,
            watched_loss=(watched_losses or [1.0] * count)[epoch] + jitter,
            training_seconds=seconds * (1 + jitter) / count,
        )
        for epoch in range(count)
    )
    counts = np.array(confusion(dict.fromkeys(CLASSES, 0.5) | dict(recalls or {}), taken_for=taken_for))
    if mixed:
        one, other = (CLASSES.index(name) for name in mixed)
        counts[one, other] += 2000
    counts[0, 0] += seed  # no two seeds alike
    score = replace(score_of(accuracy + jitter, 7178), confusion=tuple(map(tuple, counts.tolist())))
    record = fake_record(
        variant=variant,
        implementation=implementation,
        seed=seed,
        history=history,
        scores={"paper_test": score, "clean_test": replace(score, examples=6610)},
        environment=replace(MACHINE, gpu=gpu),
    )
    record = replace(record, spec=replace(record.spec, pipeline=pipeline))  # type: ignore[arg-type]
    logits = np.eye(7, dtype=np.float32)[[0, 1, 2]]
    arrays = {"test_rows": np.arange(3), "test_labels": np.arange(3, dtype=np.uint8), "test_logits": logits}
    return StoredRun(Path(f"{record.run}.json"), record, arrays)


World = Mapping[str, Mapping[str, Any]]
"""What is particular about the runs of each variant."""


def runs_of(world: World, count: int = 3, **options: Any) -> list[StoredRun]:
    return [
        run(variant, seed, **(options | dict(fields))) for variant, fields in world.items() for seed in range(count)
    ]


def answer(name: str, runs: list[StoredRun]) -> Answer:
    (found,) = answer_claims(runs, [claims()[name]])
    return found


def test_all_claims_are_answered_in_order() -> None:
    assert [each.claim for each in answer_claims([])] == list(claims().values())


def worlds(field: str, **values: float) -> World:
    """One number a variant, whose name is written vgg16_fine_tune."""
    return {
        name.replace("vgg16_", "vgg16-").replace("resnet50_", "resnet50-").replace("fine_tune", "fine-tune"): {
            field: value
        }
        for name, value in values.items()
    }


ACCURACY = worlds(
    "accuracy", vgg16_scratch=0.67, vgg16_transfer=0.70, vgg16_fine_tune=0.48,
    resnet50_scratch=0.55, resnet50_transfer=0.28, resnet50_fine_tune=0.25,
)  # fmt: skip


def with_accuracy(**values: float) -> World:
    return {**ACCURACY, **worlds("accuracy", **values)}


EASY = {"happy": 0.9, "neutral": 0.7, "fear": 0.4, "disgust": 0.3}
HARD = {"happy": 0.3, "neutral": 0.4, "fear": 0.7, "disgust": 0.8}
RISING = [0.2, 0.45, 0.5]
SLOW = [0.2, 0.25, 0.3, 0.3, 0.35, 0.38, 0.41]
SECONDS = worlds(
    "seconds", vgg16_scratch=100, vgg16_transfer=300, vgg16_fine_tune=300,
    resnet50_scratch=200, resnet50_transfer=700, resnet50_fine_tune=700,
)  # fmt: skip

CASES: dict[str, tuple[World, World]] = {
    "vgg16-beats-resnet50": (ACCURACY, with_accuracy(resnet50_transfer=0.72)),
    "transfer-is-best-for-vgg16": (ACCURACY, with_accuracy(vgg16_transfer=0.66)),
    "scratch-is-best": (with_accuracy(vgg16_transfer=0.66), ACCURACY),
    "scratch-is-best-for-resnet50": (ACCURACY, with_accuracy(resnet50_fine_tune=0.6)),
    "fine-tuning-benefits-most": (with_accuracy(vgg16_fine_tune=0.72, resnet50_fine_tune=0.7), ACCURACY),
    "fine-tuning-reduces-accuracy": (ACCURACY, with_accuracy(vgg16_fine_tune=0.7)),
    "fine-tuning-costs-vgg16-little": (with_accuracy(vgg16_fine_tune=0.648), ACCURACY),
    "fine-tuning-does-not-enhance-resnet50": (ACCURACY, with_accuracy(resnet50_fine_tune=0.6)),
    "pretraining-improves-performance": (
        with_accuracy(vgg16_fine_tune=0.69, resnet50_transfer=0.6, resnet50_fine_tune=0.6),
        ACCURACY,
    ),
    "transfer-improves-vgg16": (
        {"vgg16-transfer": {"accuracy": 0.7, "training": 0.8}, "vgg16-scratch": {"accuracy": 0.67, "training": 0.72}},
        {"vgg16-transfer": {"accuracy": 0.7, "training": 0.7}, "vgg16-scratch": {"accuracy": 0.67, "training": 0.72}},
    ),
    "transfer-reduces-resnet50": (
        {"resnet50-transfer": {"accuracy": 0.28, "training": 0.27}, "resnet50-scratch": {"training": 0.56}},
        {"resnet50-transfer": {"accuracy": 0.6, "training": 0.27}, "resnet50-scratch": {"training": 0.56}},
    ),
    "vgg16-leads-most-by-transfer": (ACCURACY, with_accuracy(resnet50_transfer=0.69)),
    "pretraining-converges-faster": (
        {f"{net}-{way}": {"watched": SLOW if way == "scratch" else RISING}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer", "fine-tune")},
        {f"{net}-{way}": {"watched": RISING if way == "scratch" else SLOW}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer", "fine-tune")},
    ),
    "transfer-converges-faster-and-generalises-better": (
        {f"{net}-{way}": {"watched": SLOW if way == "scratch" else RISING, "training": 0.7 if way == "scratch" else 0.6}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer")},
        {f"{net}-{way}": {"watched": SLOW if way == "scratch" else RISING, "training": 0.6 if way == "scratch" else 0.7}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer")},
    ),
    "transfer-avoids-overfitting": (
        worlds("training", vgg16_transfer=0.6, vgg16_scratch=0.7),
        worlds("training", vgg16_transfer=0.7, vgg16_scratch=0.6),
    ),
    "fine-tuning-overfits": (
        worlds("training", vgg16_fine_tune=0.7, vgg16_scratch=0.6),
        worlds("training", vgg16_fine_tune=0.4, vgg16_scratch=0.6),
    ),
    "resnet50-generalises-better": (
        worlds("training", resnet50_scratch=0.52, vgg16_scratch=0.6),
        worlds("training", resnet50_scratch=0.7, vgg16_scratch=0.6),
    ),
    "stop-rule-avoids-overfitting": (
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.65, "training": 0.8}},
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.69, "training": 0.8}},
    ),
    "no-way-to-improve": (
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.672}},
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.69}},
    ),
    "validation-loss-levels-off-higher": (
        {"vgg16-transfer": {"losses": [2.0, 0.5], "watched_losses": [2.0, 1.1]}},
        {"vgg16-transfer": {"losses": [2.0, 0.5], "watched_losses": [2.0, 0.4]}},
    ),
    "loss-falls-in-ten-epochs": (
        {"resnet50-fine-tune": {"losses": [3.0] + [1.0] * 20}},
        {"resnet50-fine-tune": {"losses": [3.0] * 15 + [1.0] * 5}},
    ),
    "loss-falls-to-the-end": (
        {"resnet50-scratch": {"watched_losses": [2.0, 1.5, 1.2, 1.0]}},
        {"resnet50-scratch": {"watched_losses": [2.0, 1.0, 1.2, 1.5]}},
    ),
    "fine-tuning-is-unsteady": (
        {"vgg16-fine-tune": {"watched": [0.4, 0.5] * 3}, "vgg16-scratch": {"watched": [0.5] * 6}},
        {"vgg16-fine-tune": {"watched": [0.5] * 6}, "vgg16-scratch": {"watched": [0.4, 0.5] * 3}},
    ),
    "augmentation-improves-generalisation": (
        {f"{net}-transfer{way}": {"accuracy": 0.5 if way else 0.6}
         for net in ("vgg16", "resnet50") for way in ("", "@unaugmented")},
        {f"{net}-transfer{way}": {"accuracy": 0.6 if way else 0.5}
         for net in ("vgg16", "resnet50") for way in ("", "@unaugmented")},
    ),
    "class-weights-address-imbalance": (
        {f"{net}-scratch{way}": {"recalls": {"disgust": 0.6 if way else 0.4}}
         for net in ("vgg16", "resnet50") for way in ("", "@balanced")},
        {f"{net}-scratch{way}": {"recalls": {"disgust": 0.4 if way else 0.6}}
         for net in ("vgg16", "resnet50") for way in ("", "@balanced")},
    ),
    "better-than-human": (worlds("accuracy", vgg16_scratch=0.70), worlds("accuracy", vgg16_scratch=0.62)),
    "sets-a-new-standard": (worlds("accuracy", vgg16_scratch=0.70), worlds("accuracy", vgg16_scratch=0.62)),
    "surpasses-benchmarks": (worlds("accuracy", vgg16_scratch=0.62), worlds("accuracy", vgg16_scratch=0.50)),
    "happy-and-neutral-are-easy": (
        {"vgg16-scratch": {"recalls": EASY}, "resnet50-scratch": {"recalls": EASY}},
        {"vgg16-scratch": {"recalls": EASY}, "resnet50-scratch": {"recalls": HARD}},
    ),
    "vgg16-scratch-knows-happy-and-neutral": (
        {"vgg16-scratch": {"recalls": EASY}},
        {"vgg16-scratch": {"recalls": HARD}},
    ),
    "vgg16-fine-tune-excels-in-happy": (
        {"vgg16-fine-tune": {"recalls": EASY}},
        {"vgg16-fine-tune": {"recalls": EASY | {"fear": 0.6}}},
    ),
    "vgg16-transfer-confuses-two-pairs": (
        {"vgg16-transfer": {"recalls": dict.fromkeys(CLASSES, 0.9) | {"sad": 0.1}, "taken_for": "neutral",
                            "mixed": ("fear", "surprise")}},
        {"vgg16-transfer": {"mixed": ("angry", "happy")}},
    ),
    "resnet50-scratch-knows-happy-best": (
        {"resnet50-scratch": {"recalls": {"happy": 0.9}}},
        {"resnet50-scratch": {"recalls": {"surprise": 0.9}}},
    ),
    "resnet50-scratch-confuses-sad-and-neutral": (
        {"resnet50-scratch": {"mixed": ("sad", "neutral")}},
        {"resnet50-scratch": {"mixed": ("sad", "fear")}},
    ),
    "resnet50-transfer-takes-others-for-happy": (
        {"resnet50-transfer": {"taken_for": "happy"}},
        {"resnet50-transfer": {"taken_for": "sad"}},
    ),
    "resnet50-fine-tune-answers-happy": (
        {"resnet50-fine-tune": {"recalls": dict.fromkeys(CLASSES, 0.1), "taken_for": "happy"}},
        {"resnet50-fine-tune": {}},
    ),
    "resnet50-takes-twice-the-time": (SECONDS, {**SECONDS, **worlds("seconds", resnet50_fine_tune=500)}),
    "vgg16-trains-faster": (SECONDS, {**SECONDS, **worlds("seconds", resnet50_fine_tune=200)}),
    "pretraining-takes-longer": (SECONDS, {**SECONDS, **worlds("seconds", resnet50_fine_tune=100)}),
    "scratch-is-time-consuming": (
        {**SECONDS, **worlds("seconds", vgg16_scratch=900, resnet50_scratch=900)},
        SECONDS,
    ),
    "resnet50-transfer-takes-as-long-as-fine-tuning": (
        SECONDS,
        {**SECONDS, **worlds("seconds", resnet50_fine_tune=800)},
    ),
}  # fmt: skip


def test_every_claim_that_runs_answer_has_a_case() -> None:
    assert CASES.keys() == {claim.name for claim in claims().values() if claim.needs}


@pytest.mark.parametrize("name", CASES)
def test_three_seeds_support_or_refute_a_claim(name: str) -> None:
    supporting, refuting = CASES[name]
    assert claims()[name].needs
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
    for missing in claims()[name].needs:
        runs = runs_of({variant: fields for variant, fields in supporting.items() if variant != missing})
        found = answer(name, runs)
        assert found.kind == "undecided"
        assert missing in " ".join(found.wanted)
    assert answer(name, []).reason == f"no comparable run of {', '.join(claims()[name].needs)}"


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


def test_seconds_of_two_machines_compare_machines() -> None:
    world = {name: fields | {"gpu": f"card {index}"} for index, (name, fields) in enumerate(SECONDS.items())}
    found = answer("vgg16-trains-faster", runs_of(world))
    assert found.kind == "undecided"
    assert "different machines or pipelines" in found.reason


def test_the_mean_gap_is_not_decided_by_a_wide_spread() -> None:
    """A mean of 1 point and a spread of 2: no interval of three seeds leaves 0 out."""
    runs = [
        run(variant, seed, accuracy=accuracy)
        for seed, pair in enumerate([(0.60, 0.61), (0.62, 0.59), (0.64, 0.63)])
        for variant, accuracy in zip(("resnet50-fine-tune", "resnet50-scratch"), pair, strict=True)
    ]
    found = answer("fine-tuning-does-not-enhance-resnet50", runs)
    assert found.kind == "undecided"
    assert "more seeds of resnet50-scratch and of resnet50-fine-tune" in found.wanted[0]


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
    assert epochs_saved(*pair) == expected


def test_who_never_converges_leaves_the_claim_open() -> None:
    world = {name: {"watched": [0.2, 0.3]} for name in claims()["pretraining-converges-faster"].needs}
    found = answer("pretraining-converges-faster", runs_of(world))
    assert found.kind == "undecided"
    assert "neither crosses it in any pair" in found.reason


def test_measures_of_a_confusion_matrix() -> None:
    """100 images a class; 30 of sad are taken for neutral, 10 of neutral for sad."""
    counts = np.diag([100] * 7)
    sad, neutral = CLASSES.index("sad"), CLASSES.index("neutral")
    counts[sad, [sad, neutral]] = 70, 30
    counts[neutral, [neutral, sad]] = 90, 10
    base = run("vgg16-scratch")
    score = replace(base.record.scores["paper_test"], confusion=tuple(map(tuple, counts.tolist())))
    stored = replace(base, record=replace(base.record, scores={"paper_test": score}))
    assert measures.recall("sad")(stored) == pytest.approx(0.7)
    assert measures.excess_confusion("sad", "neutral")(stored) == pytest.approx(0.2 - 0.2 / 21)
    assert measures.share_of_answers("neutral")(stored) == pytest.approx(120 / 700)
    assert measures.share_of_mistakes_ahead("neutral")(stored) == pytest.approx(0.75 - 0.25)
    assert measures.lead("sad", "neutral")(stored) == pytest.approx(-0.2)
    assert measures.worst_easy_less_best_hard(stored) == pytest.approx(-0.1)
