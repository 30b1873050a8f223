"""Times as rates: operations against hand counts, findings against changed facts."""

from __future__ import annotations

import math

import pytest

from harness.architectures import forward_flops, layers
from harness.operations import training_image_flops
from harness.papers.jahangir2024.review import physics
from harness.papers.throughput import (
    Rate,
    distinct,
    epoch_counts,
    images,
    mean_training_operations,
    rates,
    readings_of_work,
)
from tests.support import audited
from tests.support.audited import PAPER


def test_the_peak_is_cores_times_two_times_clock() -> None:
    assert PAPER.hardware is not None
    assert PAPER.hardware.gpu.peak == pytest.approx(52.2e12, rel=1e-3)


def test_operations_are_those_of_the_only_counter() -> None:
    """conv5 begins at 14·14·1024: the projection to 2048 and the first 1×1 to 512, both with stride 2. Of the
    quotient's epochs 20 of 30 train conv5."""
    variant = PAPER.variants["resnet50-fine-tune"]
    frozen, deep = variant.phases
    trained = [layer for layer in layers(variant) if layer.name.startswith("conv5") or layer.part == "head"]
    projection, first = 2 * 7**2 * 1024 * 2048, 2 * 7**2 * 1024 * 512
    expected = forward_flops(variant) + 2 * sum(layer.flops for layer in trained) - projection - first
    head = training_image_flops(variant, frozen)
    assert deep.trainable == "conv5_block1"
    assert mean_training_operations(variant, 30) == pytest.approx((10 * head + 20 * expected) / 30, rel=1e-12)


def test_phases_are_averaged_over_the_epochs_that_ran() -> None:
    variant = PAPER.variants["resnet50-fine-tune"]  # 10 epochs of the head, 20 from conv5 on
    head, deep = (training_image_flops(variant, phase) for phase in variant.phases)
    assert mean_training_operations(variant, 5) == head
    assert mean_training_operations(variant, 30) == pytest.approx((10 * head + 20 * deep) / 30)
    assert mean_training_operations(variant, 40) == pytest.approx((10 * head + 30 * deep) / 40)


def test_a_rate_by_hand() -> None:
    """VGG16 transfer, everything trained, Table 6: 28,709 · 91.92 + 7,178 · 30.70 GFLOP in 163.05 s an epoch."""
    paper = PAPER
    rate = Rate(PAPER.variants["vgg16-transfer"], paper.facts["vgg16-transfer.seconds.table-6"], 100, 28_709, 7_178)
    assert rate.epoch_seconds == pytest.approx(163.0471)
    assert rate.images_per_second == pytest.approx(176.08, abs=0.01)
    assert rate.operations_per_second == pytest.approx(17.54e12, rel=1e-3)
    assert rate.operations_per_image == pytest.approx((28_709 * 91.916 + 7_178 * 30.696) / 35_887 * 1e9, rel=1e-4)


def test_times_and_epochs_are_taken_once_each() -> None:
    paper = PAPER
    seconds = distinct(paper.facts.mentions("resnet50-scratch", "seconds"))
    assert [fact.printed for fact in seconds] == ["5771.00", "1445.48"]  # 1,445 rounds it, 1,445.48 repeats it
    assert epoch_counts(paper, "vgg16-scratch") == (78, 75, 100)
    assert epoch_counts(paper, "vgg16-fine-tune") == (100,)  # “a hundred years”: no number is printed
    assert (images(paper, "training"), images(paper, "test")) == (28_709, 7_178)


def test_every_time_is_read_every_way() -> None:
    every = list(rates(PAPER))
    expected = sum(
        len(distinct(PAPER.facts.mentions(name, "seconds")))
        * len(epoch_counts(PAPER, name))
        * len(readings_of_work(PAPER, name))
        for name in PAPER.variants
    )
    assert len(every) == expected
    assert {"vgg16-scratch@five-blocks", "resnet50-scratch@224x224x3", "vgg16-transfer@frozen"} <= {
        rate.variant.name for rate in every
    }
    assert PAPER.find_variant("resnet50-transfer@caffe") not in {rate.variant for rate in every}  # the same work


def test_every_finding_is_one_of_these() -> None:
    assert set(audited.found(physics)) == {
        "near-the-peak-of-the-card",
        "faster-than-the-input-pipeline",
        "epochs-last-alike-resnet50-transfer",
        "equal-seconds-for-unequal-work-resnet50-scratch-5771",
        "little-of-the-peak",
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("near-the-peak-of-the-card", "ResNet50 from scratch, if fed 224×224, in 1445.48 s takes 49 TFLOP/s, 94 %"),
        (
            "near-the-peak-of-the-card",
            "VGG16 by transfer, all layers trained as we read it (31.7 % with its base frozen)",
        ),
        ("near-the-peak-of-the-card", "in 6651.64 s takes 43 TFLOP/s, 82 %"),
        ("near-the-peak-of-the-card", "counted as direct convolution, of the reference card's nominal 52.2."),
        (
            "faster-than-the-input-pipeline",
            "in 165 s by Keras' own generator, where it was measured, and Keras' default is one worker. These times",
        ),
        (
            "faster-than-the-input-pipeline",
            "take more such cores: 11.4 for 1445.48 s (ResNet50 from scratch, if fed 224×224), 2.9 for 5771.00 s",
        ),
        (
            "faster-than-the-input-pipeline",
            "2.8 for 5803.00 s (ResNet50 by transfer) and 2.5 for 6651.64 s (VGG16 by transfer). The paper",
        ),
        (
            "epochs-last-alike-resnet50-transfer",
            "one core makes the pictures of an epoch in 165 s by Keras' own generator",
        ),
        ("epochs-last-alike-resnet50-transfer", "58 s (ResNet50 by transfer, 5803.00 s, Table 6)"),
        ("epochs-last-alike-resnet50-transfer", "lasts 158 to 163 s, that is 176 to 182 images/s"),
        ("epochs-last-alike-resnet50-transfer", "differ 4.0-fold in the forward pass alone"),
        ("equal-seconds-for-unequal-work-resnet50-scratch-5771", "differs 7.4-fold, as we read them"),
        (
            "equal-seconds-for-unequal-work-resnet50-scratch-5771",
            "fine-tuned ResNet50 5793.00 s for 30 epochs at 224 px",
        ),
        ("little-of-the-peak", "15 times mean 1.2 % to 82 %"),
        ("little-of-the-peak", "At 48 px small kernels keep the rate low too"),
    ],
)
def test_what_it_says(name: str, words: str) -> None:
    assert words in audited.found(physics)[name].statement


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (
            "near-the-peak-of-the-card",
            {
                "resnet50-scratch.seconds.table-5": "4445.48",
                "resnet50-scratch.seconds.times": "4445.48",
                "resnet50-scratch.seconds.text": "4445",
                "vgg16-transfer.seconds.times": "16651.64",
            },
        ),
        (
            # a hundred epochs of a core twice as fast as the measured one take 8,262 s
            "faster-than-the-input-pipeline",
            {
                "resnet50-scratch.seconds.table-5": "8445.48",
                "resnet50-scratch.seconds.table-6": "8445.48",
                "resnet50-scratch.seconds.times": "8445.48",
                "resnet50-scratch.seconds.text": "8445",
                "resnet50-transfer.seconds.table-6": "8803.00",
                "vgg16-transfer.seconds.times": "8651.64",
            },
        ),
        (
            "epochs-last-alike-resnet50-transfer",
            {"resnet50-transfer.seconds.table-5": "4811.03", "resnet50-transfer.seconds.times": "4911.03"},
        ),
        ("equal-seconds-for-unequal-work-resnet50-scratch-5771", {"resnet50-scratch.seconds.table-6": "771.00"}),
        ("little-of-the-peak", {"hardware.gpu.setup": "9999"}),
    ],
)
def test_another_fact_takes_it_away(name: str, changes: dict[str, str]) -> None:
    assert name in audited.found(physics)
    assert name not in audited.found(physics, audited.replaced(changes))


def test_more_than_the_peak_is_implausible_and_not_impossible() -> None:
    """Winograd's algorithms need fewer operations than are counted, and the card is no reference card."""
    found = audited.found(physics, audited.replaced({"vgg16-transfer.seconds.times": "3651.64"}))
    finding = found["near-the-peak-of-the-card"]
    assert finding.grade == "implausible"
    assert "in 3651.64 s takes 78 TFLOP/s, 150 %" in finding.statement
    assert "1509.09308" in str(finding.source)


def test_one_number_printed_for_two_trainings_is_not_two_measurements() -> None:
    """15,811.03 s, which `times` finds; with a hundredth between them it would be two."""
    name = "equal-seconds-for-unequal-work-resnet50-fine-tune-15811"
    assert name not in audited.found(physics)
    apart = {"resnet50-transfer.seconds.table-5": "15811.04", "resnet50-transfer.seconds.times": "15911.04"}
    assert name in audited.found(physics, audited.replaced(apart))


def test_the_table_has_every_time_in_every_reading() -> None:
    header, *lines = audited.found(physics)["little-of-the-peak"].arithmetic.splitlines()
    rows = [line for line in lines if not line.startswith(" ")]
    others = [share for line in lines if line.startswith("  read as ") for share in line.split(", ")]
    every = list(rates(PAPER))
    assert len(rows) == len({rate.seconds.name for rate in every})
    ran = [rate for rate in every if rate.epochs == epoch_counts(PAPER, rate.seconds.subject)[0]]
    assert len(rows) + len(others) == len(ran)
    assert {len(row) for row in (header, *rows)} == {72}  # a terminal of 80, less the page's indentation
    assert all(math.isfinite(float(row.split()[-2])) for row in rows)


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(physics))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(physics, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(physics, paper_text)
