"""Which runs are held against the paper, and whose seconds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.data.toyfaces import toyfaces
from harness.judging.bands import Judgement, judge, judge_all, judge_seconds
from harness.judging.comparability import differences, remarks, time_differences
from harness.judging.expectations import bands
from harness.judging.timing import PapersSeconds, papers_epochs, seconds_per_epoch
from harness.records.machine import GpuIdentity, GpuUse
from harness.records.record import Gpu, RunRecord, WeightsIdentity
from harness.report.differences import reason_text
from harness.training.budget import BUDGETS, Budget
from harness.training.stop_reason import StopReason
from harness.variant import narrow
from tests.support.fake_records import (
    DRAWN,
    FER2013,
    MACHINE,
    TOYFACES,
    epoch_record,
    fake_record,
    history_of,
)
from tests.support.papers import PAPER, told

VARIANT = PAPER.find_variant("vgg16-scratch")
RAN_OUT = StopReason("budget-seconds", 2, seconds=3600.0)
PAPERS_MACHINE = replace(MACHINE, gpu="NVIDIA GeForce RTX 4080 SUPER")


def by_quantity(records: list[RunRecord]) -> dict[str, Judgement]:
    return {each.band.quantity: each for each in judge_all(records, PAPER)}


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
        ({"budget": BUDGETS["hour"], "stop_reason": RAN_OUT}, ["budget hour"]),
        ({"budget": Budget("custom", examples=960)}, ["budget custom"]),
        ({"budget": Budget("custom", test_examples=512)}, ["budget custom"]),
        ({"budget": Budget("custom", epochs=3)}, ["budget custom"]),
        ({"protocol": "honest"}, ["protocol honest"]),
        (
            {"variant": narrow(VARIANT, width_divisor=8)},
            ["not the variant that the paper's folder declares, by its width_divisor"],
        ),
        ({"variant": "vgg16-transfer", "weights": replace(DRAWN, source="stand-in")}, ["stand-in weights"]),
        ({"variant": "vgg16-transfer"}, []),
        ({"variant": "vgg16-transfer", "weights": DRAWN}, ["weights random, the variant's are keras-vgg16"]),
        ({"weights": replace(DRAWN, source="keras-vgg16")}, ["weights keras-vgg16, the variant's are random"]),
        (
            {"variant": "resnet50-transfer", "weights": replace(DRAWN, source="torchvision-resnet50")},
            ["weights torchvision-resnet50, the variant's are keras-resnet50"],
        ),
        ({"history": history_of([0.5, math.nan])}, ["history not finite"]),
        ({"history": (epoch_record(training_loss=math.inf),)}, ["history not finite"]),
        (
            {"variant": "vgg16-transfer", "weights": WeightsIdentity("keras-vgg16", "a.h5", "0" * 64)},
            ["weights unlike the published ones"],
        ),
        (
            {"variant": replace(VARIANT, learning_rate=1.0)},
            ["not the variant that the paper's folder declares, by its learning_rate"],
        ),
        (
            {"variant": replace(VARIANT, name="vgg16-scratch@invented")},
            ["the paper has no variant vgg16-scratch@invented"],
        ),
        ({"accuracy": None, "status": "interrupted"}, ["run interrupted"]),
        ({"accuracy": None, "status": "failed", "dataset": TOYFACES}, ["run failed", "data toyfaces"]),
    ],
)
def test_what_is_not_comparable_says_why(fields: dict[str, Any], expected: list[str]) -> None:
    record = fake_record(**fields)
    assert told(differences(record, PAPER)) == expected
    if expected:
        assert judge([record], PAPER).kind == "NOT_COMPARABLE"
        assert reason_text(judge([record], PAPER)) == ", ".join(expected)
        verdicts = {each.verdict for each in judge_all([record], PAPER)}
        assert verdicts == {judge([record], PAPER)}
    else:
        assert judge([record], PAPER).kind != "NOT_COMPARABLE"


def with_pipeline(record: RunRecord, pipeline: Any) -> RunRecord:
    return replace(record, spec=replace(record.spec, pipeline=pipeline))


def test_a_pipeline_that_augments_nothing_is_another_training() -> None:
    record = with_pipeline(fake_record(variant="resnet50-transfer"), "manual")
    assert told(differences(record, PAPER)) == ["pipeline manual, which augments nothing"]
    assert told(differences(with_pipeline(fake_record(variant="resnet50-transfer@unaugmented"), "manual"), PAPER)) == []
    assert told(differences(with_pipeline(fake_record(), "generator"), PAPER)) == []


@pytest.mark.parametrize(
    ("views", "epochs", "expected"),
    [
        (None, 3, []),
        (3, 3, []),  # each epoch has a view of its own, as it has without a number
        (4, 3, []),
        (2, 3, ["2 augmented views repeated"]),
        (1, 2, ["1 augmented view repeated"]),
        (1, 1, []),
    ],
)
def test_views_that_repeat_are_another_augmentation(views: int | None, epochs: int, expected: list[str]) -> None:
    record = fake_record(variant="vgg16-transfer", history=history_of([0.5] * epochs))
    assert told(differences(replace(record, spec=replace(record.spec, views=views)), PAPER)) == expected


def test_the_readings_of_all_runs_are_named() -> None:
    records = [
        fake_record(variant=name) for name in ("vgg16-scratch", "vgg16-scratch@unstopped", "vgg16-scratch@balanced")
    ]
    assert remarks(records) == ["reading balanced, not the default", "reading unstopped, not the default"]


def test_tf32_is_judged_and_named() -> None:
    record = fake_record(0.547, variant="resnet50-scratch")
    other = replace(record, spec=replace(record.spec, seed=1, precision="tf32"))
    assert remarks([record]) == []
    assert remarks([record, other]) == remarks([other]) == ["precision tf32"]
    assert judge([other], PAPER).reason == f"{judge([record], PAPER).reason}; precision tf32"


def test_a_csv_is_judged_and_named() -> None:
    records = [fake_record(0.547, variant="resnet50-scratch", dataset=replace(FER2013, door="fer2013.csv"))]
    assert "; data from fer2013.csv known by their counts alone" in judge(records, PAPER).reason


def timed(seed: int = 0, *, seconds: float = 50.0, pipeline: str = "generator", **fields: Any) -> RunRecord:
    history = tuple(replace(each, training_seconds=seconds, evaluation_seconds=5.0) for each in history_of([0.54] * 4))
    values: dict[str, Any] = {"variant": "resnet50-scratch", "environment": PAPERS_MACHINE, "history": history} | fields
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
        (
            {"environment": replace(MACHINE, gpu="NVIDIA GeForce RTX 4080 Laptop GPU")},
            ["device NVIDIA GeForce RTX 4080 Laptop GPU, the paper's is an RTX 4080 SUPER"],
        ),
        ({"environment": replace(MACHINE, gpu="NVIDIA GeForce RTX 4080")}, []),
        ({"variant": "resnet50-fine-tune"}, ["epochs of unequal work, and none of some phase"]),
    ],
)
def test_when_seconds_cannot_be_compared(fields: dict[str, Any], expected: list[str]) -> None:
    record = timed(**fields)
    assert told(time_differences(record, PAPER)) == expected
    if expected:
        found = by_quantity([record])["seconds"]
        assert (found.verdict.kind, reason_text(found.verdict)) == ("NOT_COMPARABLE", ", ".join(expected))


def test_kept_features_are_no_time_of_the_network() -> None:
    record = timed()
    kept = replace(record, spec=replace(record.spec, cached_features=True))
    assert told(time_differences(kept, PAPER)) == ["features of the frozen base kept"]


def test_deterministic_operations_are_no_time_of_the_papers() -> None:
    """Nor are they pooled with ordinary ones: the other seed is judged alone."""
    record = timed()
    fixed = replace(record, spec=replace(record.spec, seed=1, deterministic=True))
    assert told(time_differences(fixed, PAPER)) == ["deterministic operations, which may take more time"]
    assert told(differences(fixed, PAPER)) == []
    assert by_quantity([record, fixed])["seconds"].observed == (5500.0,)


def test_seconds_are_those_of_the_papers_epochs() -> None:
    """4 epochs of 50 + 5 s each are 5,500 s for the paper's 100; it has 1,445 to 5,771."""
    found = by_quantity([timed(seed) for seed in range(3)])["seconds"]
    assert found.observed == (5500.0,) * 3
    assert found.verdict.kind == "REPRODUCED"
    assert found.verdict.reason == (
        "5,500 s, ×1.90 of 2,888 s, the middle of the paper's 1,445.48 to 5,771.00 s, within ×/÷3.00 (3 seeds), "
        "for 100 epochs, extrapolated from 4 timed after the warm-up; the first took ×1.00 of the later ones' mean and "
        "counts once; pixels computed by a processor, the paper's by a Ryzen 9 5900X; the class of the GPU by its name "
        "alone, its rate not calibrated in float32; clocks and other users of the GPU not known"
    )


def test_times_on_a_throttled_or_shared_gpu_decide_nothing() -> None:
    quiet = Gpu(
        GpuIdentity("NVIDIA GeForce RTX 4080 SUPER", "580.1", "13.0", 16 * 2**30, 320.0, 320.0, 3105),
        GpuUse(100, 2600.0, 300.0, 60.0, 2**33, {"power limit": 0.9}, 0),
    )
    hot = replace(quiet, use=replace(quiet.use, held_back={"too hot (hardware)": 0.4}))
    shared = replace(quiet, use=replace(quiet.use, strangers=1))
    records = {name: timed(seed, gpu=gpu) for seed, (name, gpu) in enumerate({"hot": hot, "shared": shared}.items())}
    for name, said in {"hot": "clocks lowered: too hot", "shared": "shared with 1 other process"}.items():
        found = by_quantity([records[name]] * 3)["seconds"].verdict
        assert found.kind == "INCONCLUSIVE"
        assert found.further_seeds is None
        assert f"the GPU was not its own: {said}" in found.reason
    alone = [timed(seed, gpu=quiet) for seed in (2, 3, 4)]
    judgement = by_quantity([*records.values(), *alone])["seconds"]
    assert (judgement.verdict.kind, len(judgement.observed)) == ("REPRODUCED", 3)
    assert "not known" not in judgement.verdict.reason
    again = by_quantity([*alone, timed(4, seconds=90.0, gpu=shared)])["seconds"]
    assert again.observed == (5500.0,) * 3, "a later run that was disturbed hides no earlier one of its seed"


def test_times_are_of_the_runs_whose_times_count() -> None:
    """A later run of a seed on another pipeline has the accuracy, but no time to compare."""
    records = [timed(seed, pipeline=pipeline) for pipeline in ("generator", "device") for seed in range(3)]
    found = by_quantity(records)
    assert found["seconds"].verdict.kind == "REPRODUCED"
    assert found["seconds"].observed == (5500.0,) * 3
    assert "left aside" not in found["seconds"].verdict.reason
    assert found["accuracy"].verdict.reason.endswith("; 3 earlier runs of the same seeds left aside")
    again = by_quantity([*records, timed(2, seconds=60.0)])["seconds"]
    assert again.observed == (5500.0, 5500.0, 6500.0)
    assert again.verdict.reason.endswith("; 1 earlier run of the same seed left aside")


@pytest.mark.parametrize(
    ("name", "epochs"),
    [("vgg16-scratch", 78), ("vgg16-transfer", 100), ("vgg16-fine-tune", 100), ("resnet50-fine-tune", 30)],
)
def test_epochs_of_the_papers_times(name: str, epochs: int) -> None:
    assert papers_epochs(fake_record(variant=name), PAPER) == epochs


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
    band = bands(PAPER)["vgg16-scratch.seconds"]
    verdict = judge_seconds(band, [PapersSeconds(78 * each, 78, 78, 1.0) for each in seconds])
    assert verdict.kind == kind
    assert verdict.reason.startswith(
        f"{seconds[0] * 78:,.0f} s, ×{seconds[0] * 78 / 3094.35:.2f} of 3,094 s, "
        "the middle of the paper's 1,092.51 to 8,764.24 s"
    )
    assert ", for 78 epochs, all of them timed after the warm-up" in verdict.reason


def test_a_paper_says_which_data_set_it_is_of() -> None:
    """The drawn faces are known to the last bit, so a paper about them refuses any other data."""
    about_faces = replace(PAPER, dataset="toyfaces")
    drawn = toyfaces()
    seen = replace(TOYFACES, digest=drawn.digest)
    assert told(differences(fake_record(dataset=seen), about_faces)) == []
    assert told(differences(fake_record(dataset=seen), PAPER)) == ["data toyfaces"]
    assert told(differences(fake_record(), about_faces)) == ["data fer2013"]
    (found,) = differences(fake_record(dataset=TOYFACES), about_faces)
    assert (found.kind, found.expected) == ("data-digest", drawn.digest)


def test_a_width_that_the_paper_declares_is_its_own() -> None:
    narrowed = {name: narrow(variant, width_divisor=8) for name, variant in PAPER.variants.items()}
    declared = replace(PAPER, variants=narrowed)
    record = fake_record(variant=narrowed["vgg16-scratch"])
    assert differences(record, declared) == []
    assert [(each.kind, each.observed) for each in differences(record, PAPER)] == [
        ("declared-otherwise", ("width_divisor",))
    ]
