"""What a machine is calibrated by, in both frameworks: the operations that are asked for, as often as they are."""

from __future__ import annotations

import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.signal import correlate

from harness.interface import CalibrationInputs, Implementation, Runtime
from harness.measuring import calibration, speed
from harness.measuring.calibration import CalibrationTask
from harness.measuring.speed import CalibrationSizes, Pace, draw_inputs
from harness.records.machine import DeviceCalibration
from harness.records.options import RunOptions
from harness.runs.specification import make_spec
from tests.support.fake_model import numbered_dataset
from tests.support.models import RUNTIMES
from tests.support.papers import PAPER

SIZES = CalibrationSizes(product=24, pictures=2, edge=6, channels=8, copied=1000)
INPUTS = draw_inputs(SIZES)
ROUNDING = 1e-5
"""Of numbers about 1: sums of at most 72 products in float32, thrice."""
BFLOAT16 = 2**-8
"""Relative rounding of a number in bfloat16."""


def work_of(implementation: Implementation, runtime: Runtime) -> Any:
    return implementation.calibration_work(PAPER.variants["vgg16-scratch"], INPUTS, runtime=runtime)


def convolved(inputs: CalibrationInputs) -> np.ndarray:
    """3×3 with a border of zeros, in float64."""
    found = np.zeros(inputs.pictures.shape)
    images, channels = len(found), found.shape[-1]
    for image, filters, channel in product(range(images), range(channels), range(channels)):
        picture, kernel = inputs.pictures[image, :, :, channel], inputs.kernel[:, :, channel, filters]
        found[image, :, :, filters] += correlate(picture.astype(float), kernel.astype(float), mode="same")
    return found


def test_products_convolutions_and_copies_are_those(implementation: Implementation) -> None:
    work, factor = work_of(implementation, RUNTIMES[implementation.name]), INPUTS.factor.astype(float)
    assert work.product(1) == pytest.approx((factor @ factor)[0, 0], abs=ROUNDING)
    assert work.product(3) == pytest.approx(np.linalg.matrix_power(factor, 4)[0, 0], abs=ROUNDING)
    once = convolved(INPUTS)
    twice = convolved(CalibrationInputs(INPUTS.factor, once, INPUTS.kernel, INPUTS.array))
    assert work.convolution(1) == pytest.approx(once[0, 0, 0, 0], abs=ROUNDING)
    assert work.convolution(2) == pytest.approx(twice[0, 0, 0, 0], abs=ROUNDING)
    assert (work.copy(1), work.copy(2)) == (-1, 1)


def test_mixed_computes_in_bfloat16(implementation: Implementation) -> None:
    try:
        found = work_of(implementation, Runtime(precision="mixed")).product(1)
    finally:
        exact = work_of(implementation, RUNTIMES[implementation.name]).product(1)  # and the process is as it was
    assert found != exact
    assert found == pytest.approx(exact, abs=4 * BFLOAT16)


def test_a_calibration_of_this_machine(
    implementation: Implementation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The process' own way, in this one: sizes are told, rates are of the seconds, pictures of the suite's sizes."""
    monkeypatch.setattr(calibration, "SIZES", {"cpu": SIZES})
    monkeypatch.setattr(calibration, "open_dataset", lambda path, allow_deviating_data: numbered_dataset())
    monkeypatch.setattr(speed, "PACES", {"cpu": Pace(3, repeat_seconds=0.001, warm_up_seconds=0.0)})
    spec = make_spec("vgg16-scratch", implementation.name, RunOptions(threads=RUNTIMES[implementation.name].threads))
    task = CalibrationTask(spec, (PAPER.variants["vgg16-scratch"], PAPER.variants["resnet50-fine-tune"]))
    path = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["", TypeAdapter(CalibrationTask).dump_json(task).decode(), str(path)])
    assert calibration.main() == 0
    found = TypeAdapter(DeviceCalibration).validate_python(json.loads(path.read_bytes()), strict=False)
    assert (found.implementation, found.keras_backend, found.gpu) == (implementation.name, spec.keras_backend, None)
    assert (found.precision, found.pipeline, found.doubts) == ("float32", "device", ())
    assert [each.work for each in (found.product, found.convolution, found.bandwidth, *found.pictures)] == [
        "24 × 24",
        "3×3, 2 pictures of 6×6×8, 8 filters",
        "copy of 0 MiB",
        "device, 48×48×1",
        "device, 224×224×3",
    ]
    for each, amount in ((found.product, 2 * 24**3), (found.convolution, 18 * 64 * 72), (found.bandwidth, 8000)):
        assert each.amount % amount == 0
        assert len(each.seconds) == 3
