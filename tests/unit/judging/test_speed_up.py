"""How fast the device pipeline is beside the paper's times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.judging.comparability import compare_with
from harness.judging.speed_up import speed_up
from harness.records.machine import GpuIdentity, GpuUse
from harness.records.record import Gpu, RunRecord
from harness.report.planned_suite import seed_lines
from harness.training.budget import BUDGETS
from tests.support.fake_records import (
    MACHINE,
    fake_calibration,
    fake_record,
    history_of,
)
from tests.support.papers import PAPER

CARD = "NVIDIA GeForce RTX 4080 SUPER"
SHARED = Gpu(
    GpuIdentity(CARD, "580.1", "13.0", 16 * 2**30, 320.0, 320.0, 3105),
    GpuUse(100, 2600.0, 300.0, 60.0, 2**33, {}, 1),
)


def device_run(seconds: float = 13.0, *, pipeline: Any = "device", **fields: Any) -> RunRecord:
    """Four epochs that took so long with two seconds of evaluation each."""
    history = tuple(replace(each, training_seconds=seconds - 2.0) for each in history_of([0.5] * 4))
    values: dict[str, Any] = {
        "budget": BUDGETS["times"],
        "history": history,
        "environment": replace(MACHINE, gpu=CARD),
        "calibration": fake_calibration(),
    }
    record = fake_record(0.54, **(values | fields))
    return replace(record, spec=replace(record.spec, pipeline=pipeline))


def speed_up_of(records: Sequence[RunRecord]) -> str | None:
    return speed_up([compare_with(PAPER, record) for record in records], PAPER)


def test_each_time_of_the_paper_is_told_beside_the_device_pipelines() -> None:
    """78 epochs of 12 s and of 14 s are 1,014 s on average."""
    assert speed_up_of([device_run(12.0), device_run(14.0, seed=1)]) == (
        "device pipeline: 1,014 s (936 to 1,092 s, n = 2) for 78 epochs, extrapolated from 4 timed after the warm-up; "
        "the first took ×1.00 of the later ones' mean and counts once; 8.64 times as fast as the paper's 8,764.24 s "
        "(Table 6), 1.20 times as fast as the paper's 1,218.66 s (Table 5), 1.08 times as fast as the paper's "
        "1,092.51 s (Training Time Comparison); the class of the GPU by its name and its product, 77% of the nominal "
        "peak"
    )


@pytest.mark.parametrize(
    "record",
    [
        device_run(pipeline="generator"),
        device_run(environment=MACHINE),
        device_run(environment=replace(MACHINE, gpu="NVIDIA H100")),
        device_run(calibration=fake_calibration(20e12)),
        device_run(status="interrupted"),
        replace(device_run(), spec=replace(device_run().spec, cached_features=True)),
    ],
    ids=["generator", "cpu", "h100", "slow card", "status", "kept features"],
)
def test_what_differs_otherwise_is_no_speed_up(record: RunRecord) -> None:
    assert speed_up_of([record]) is None
    assert "times as fast" not in " ".join(seed_lines([(Path("a.json"), record)], PAPER))


def test_a_run_whose_card_was_its_own_comes_first() -> None:
    disturbed = device_run(26.0, gpu=SHARED)
    assert "device pipeline: 1,014 s" in (speed_up_of([device_run(), disturbed]) or "")
    assert "; the GPU was not its own: shared with 1 other process" in (speed_up_of([disturbed]) or "")


def test_a_suite_tells_it() -> None:
    (line,) = (each for each in seed_lines([(Path("a.json"), device_run())], PAPER) if "times as fast" in each)
    assert line.startswith("vgg16-scratch pytorch: device pipeline: 1,014 s (n = 1) for 78 epochs")
