"""What runs made of the machine, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from harness.measuring.shares import calibrated_shares, epoch_split, training_rate
from harness.operations import training_image_flops
from harness.report.calibration import calibration_lines, calibration_table, time_table
from tests.support.fake_records import (
    FER2013,
    epoch_record,
    fake_calibration,
    fake_record,
)
from tests.support.papers import PAPER

VARIANT = PAPER.variants["resnet50-fine-tune"]


def shown(part: RenderableType) -> str:
    console = Console(width=170)
    with console.capture() as capture:
        console.print(part)
    return capture.get()


def test_operations_are_those_of_the_phase_of_each_epoch() -> None:
    """Eleven epochs of 10 s: ten of the head, one of the last stage."""
    history = tuple(epoch_record(epoch) for epoch in range(11))
    record = fake_record(0.3, variant=VARIANT, history=history)
    head, top = (training_image_flops(VARIANT, phase) for phase in VARIANT.phases)
    assert training_rate(record) == pytest.approx(28_709 * (10 * head + top) / 110)
    kept = replace(record, spec=replace(record.spec, cached_features=True))
    alone = training_image_flops(VARIANT, VARIANT.phases[0], kept_features=True)
    assert training_rate(kept) == pytest.approx(28_709 * (10 * alone + top) / 110)


def test_shares_are_of_the_calibrated_rates() -> None:
    record = fake_record(dataset=replace(FER2013, training_examples=1_000))
    assert calibrated_shares(record) is None
    rate = training_rate(record)
    assert rate is not None
    shares = calibrated_shares(replace(record, calibration=fake_calibration(4 * rate)))
    assert shares is not None
    assert (shares.product, shares.convolution) == (pytest.approx(0.25), pytest.approx(0.5))


def test_without_an_epoch_there_is_none() -> None:
    record = fake_record(None, status="failed", history=(), calibration=fake_calibration())
    assert training_rate(record) is calibrated_shares(record) is epoch_split(record) is None


def test_an_epoch_is_split() -> None:
    assert epoch_split(fake_record()) == {"input": 1.0, "step": 9.0, "training": 10.0, "evaluation": 2.0}


def test_a_calibration_is_shown_with_its_range() -> None:
    table = shown(calibration_table([fake_calibration(), fake_calibration(2e11, gpu=None, precision="mixed")]))
    rows = [" ".join(line.replace("│", " ").split()) for line in table.splitlines()]
    for expected in (
        "product 8,192 × 8,192 40.0 TFLOP/s 32.0 to 50.0 3",
        "convolution 3×3 20.0 TFLOP/s 16.0 to 25.0 3",
        "memory copy 700 GB/s 560 to 875 3",
        "input alone generator, 224×224×3 180 images/s 144 to 225 3",
        "product 8,192 × 8,192 200 GFLOP/s 160 to 250 3",
    ):
        assert any(expected in row for row in rows), (expected, rows)
    assert "pytorch, float32, NVIDIA GeForce RTX 4080 SUPER" in " ".join(rows)
    assert "pytorch, mixed, CPU" in table


def test_what_speaks_against_a_calibration_is_said() -> None:
    doubted = fake_calibration(doubts=("shared with 1 other process",))
    assert list(calibration_lines([fake_calibration(), doubted])) == [
        "calibration of pytorch: the GPU was not its own: shared with 1 other process"
    ]


def test_every_training_time_is_told_with_its_parts() -> None:
    calibrated = fake_record(calibration=fake_calibration(1e12))
    failed = fake_record(None, status="failed", history=(), timings=None)
    table = shown(time_table([(Path("a.json"), each) for each in (calibrated, fake_record(seed=1), failed)]))
    rows = [line.split("│")[1:-1] for line in table.splitlines() if "seed" in line]
    shares = calibrated_shares(calibrated)
    assert shares is not None
    first, second = ([cell.strip() for cell in row] for row in rows)
    assert first == [
        "vgg16-scratch-pytorch-seed0", "2", "10.00", "1.00", "9.00", "2.00", "1.0", "96.0",
        f"{shares.convolution:.1%}", f"{shares.product:.1%}",
    ]  # fmt: skip
    assert second[-2:] == ["–", "–"]
    assert "*" not in table


def test_shares_by_a_doubtful_calibration_are_marked() -> None:
    doubted = fake_record(calibration=fake_calibration(1e12, doubts=("shared with 1 other process",)))
    shares = calibrated_shares(doubted)
    assert shares is not None
    sound = fake_record(seed=1, calibration=fake_calibration(1e12))
    table = shown(time_table([(Path("a.json"), doubted), (Path("b.json"), sound)]))
    assert table.count(f"{shares.convolution:.1%}*") == table.count(f"{shares.product:.1%}*") == 1
    assert "* the GPU was not its own while it was calibrated" in " ".join(table.split())
