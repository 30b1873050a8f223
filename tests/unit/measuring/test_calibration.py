"""Calibrations of a suite, with processes that never run and frameworks that are played."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.interface import CalibrationWork, ImplementationError
from harness.measuring import calibration, speed
from harness.measuring.calibration import (
    CalibrationFailed,
    CalibrationTask,
    calibrate_apart,
    calibrate_frameworks,
)
from harness.measuring.speed import CalibrationSizes, Pace
from harness.records.machine import DeviceCalibration, GpuIdentity
from harness.records.spec import RunSpec
from harness.variant import Pipeline
from tests.support.fake_model import numbered_dataset
from tests.support.fake_records import fake_calibration
from tests.support.papers import PAPER

CARD = "NVIDIA GeForce RTX 4080 SUPER"
IDENTITY = GpuIdentity(CARD, "580.1", "13.0", 2**34, 250.0, 320.0, 3105)
SPEC = RunSpec(PAPER.variants["vgg16-scratch"], "pytorch", device="gpu")
TASK = CalibrationTask(SPEC, (PAPER.variants["vgg16-scratch"],))


def process(code: int, printed: str, found: DeviceCalibration | None = None) -> Callable[..., Any]:
    """Ends with this code after printing this; writes what was found, if anything."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        module = command.index("harness.measuring.calibration")
        TypeAdapter(CalibrationTask).validate_json(command[module + 1])
        if found is not None:
            Path(command[module + 2]).write_bytes(TypeAdapter(DeviceCalibration).dump_json(found))
        return subprocess.CompletedProcess(command, code, None, printed)

    return run


def test_what_a_process_found_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", process(0, "some warning", fake_calibration()))
    assert calibrate_apart(TASK) == fake_calibration()


@pytest.mark.parametrize(
    ("code", "printed", "message"),
    [
        (2, "error: PyTorch 2.0 sees no GPU\n", "PyTorch 2.0 sees no GPU"),
        (
            1,
            "Traceback\n  File x\ntorch.OutOfMemoryError: CUDA out of memory\n\n",
            "torch.OutOfMemoryError: CUDA out of",
        ),
        (-9, "", "its process ended with code -9"),
        (0, "", "its process ended with code 0"),
    ],
)
def test_a_process_that_found_nothing_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, code: int, printed: str, message: str
) -> None:
    monkeypatch.setattr(subprocess, "run", process(code, printed))
    with pytest.raises(CalibrationFailed) as caught:
        calibrate_apart(TASK)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(CalibrationFailed, match="not over after 600 s"):
        calibrate_apart(TASK)


def test_each_framework_is_calibrated_once_at_the_sizes_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks: list[CalibrationTask] = []
    said: list[str] = []

    def calibrate(task: CalibrationTask) -> DeviceCalibration:
        tasks.append(task)
        if task.spec.implementation == "keras3":
            raise CalibrationFailed("Keras on jax sees no GPU")
        return fake_calibration()

    monkeypatch.setattr(calibration, "calibrate_apart", calibrate)
    names = ("vgg16-scratch", "resnet50-scratch", "vgg16-transfer", "resnet50-transfer")
    specs = [RunSpec(PAPER.variants[name], "keras3", "jax", seed=seed) for name in names for seed in (0, 1)]
    specs += [RunSpec(PAPER.variants["vgg16-scratch"], "pytorch")]
    found, failed = calibrate_frameworks(specs, said.append)
    assert found == {("pytorch", None): fake_calibration()}
    assert failed == ["no calibration of keras3 on jax, its runs go on without: Keras on jax sees no GPU"]
    assert said == ["calibrating keras3 on jax", "calibrating pytorch"]
    sizes = [[(each.input_size, each.input_channels) for each in task.variants] for task in tasks]
    assert [sorted(each) for each in sizes] == [[(48, 1), (224, 3)], [(48, 1)]]


# In its process


class PlayedFramework:
    """A GPU framework whose work takes no time to speak of."""

    name = "pytorch"

    def calibration_work(self, _variant: object, _inputs: object, *, runtime: object) -> CalibrationWork:
        return CalibrationWork(*([lambda times: 0.001 * sum(range(1000 * times))] * 3))

    def gpu_name(self) -> str:
        return CARD


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Pace(2, repeat_seconds=0.0, warm_up_seconds=0.0)
    monkeypatch.setattr(speed, "PACES", {"cpu": quick, "gpu": quick})
    monkeypatch.setattr(calibration, "SIZES", {"gpu": CalibrationSizes(4, 1, 4, 2, 10)})
    data = numbered_dataset(training=100)
    monkeypatch.setattr(calibration, "open_dataset", lambda path, allow_deviating_data: data)
    monkeypatch.setattr(calibration, "load_implementation", lambda name, keras_backend: PlayedFramework())
    monkeypatch.setattr(calibration, "find_gpu", lambda: (IDENTITY, look))


def look() -> dict[str, Any]:
    return {"clock": 2500, "power": 240.0, "temperature": 70, "memory": 2**30, "reasons": 0, "processes": {1, 2}}


@pytest.mark.usefixtures("played")
def test_a_gpu_is_watched_while_it_is_calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    found = calibration.measure(TASK)
    assert found.gpu == CARD
    assert found.doubts == ("power limit 250 W, its own is 320 W", "shared with 1 other process")
    monkeypatch.setattr(calibration, "find_gpu", lambda: None)
    assert calibration.measure(TASK).doubts == ()


@pytest.mark.usefixtures("played")
def test_pictures_are_those_of_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    task = CalibrationTask(
        RunSpec(PAPER.variants["vgg16-scratch"], "pytorch", device="gpu", pipeline="manual"),
        (PAPER.variants["vgg16-scratch"], PAPER.variants["resnet50-fine-tune"]),
    )
    monkeypatch.setattr(calibration, "PICTURES", 64)
    found = calibration.measure(task)
    assert [(each.work, each.amount % 32) for each in found.pictures] == [
        ("manual, 48×48×1", 0),
        ("manual, 224×224×3", 0),
    ]


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (ImplementationError("PyTorch sees no GPU"), "PyTorch sees no GPU\n"),
        (
            RuntimeError("RESOURCE_EXHAUSTED: Out of memory\n----\nFor simplicity, JAX has removed its frames"),
            "RuntimeError: RESOURCE_EXHAUSTED: Out of memory\n",
        ),
        (KeyError(), "KeyError: \n"),
    ],
)
def test_an_error_is_printed_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: Exception,
    printed: str,
) -> None:
    def refuse(name: str, keras_backend: str | None) -> None:
        raise error

    monkeypatch.setattr(calibration, "load_implementation", refuse)
    monkeypatch.setattr(
        sys, "argv", ["", TypeAdapter(CalibrationTask).dump_json(TASK).decode(), str(tmp_path / "a.json")]
    )
    assert calibration.main() == 2
    assert capsys.readouterr().err == f"error: {printed}"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize("pipeline", ["device", "manual"])
def test_a_batch_is_of_as_many_pictures_as_were_asked_for(monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline) -> None:
    """More than are taken otherwise; and where the data fill none, the rates that were found before are kept."""
    monkeypatch.setattr(calibration, "PICTURES", 64)
    variants = tuple(replace(PAPER.variants["vgg16-scratch"], batch_size=size) for size in (80, 4096))
    found = calibration.measure(CalibrationTask(replace(SPEC, pipeline=pipeline), variants))
    assert [(each.work, each.amount % 80) for each in found.pictures] == [(f"{pipeline}, 48×48×1", 0)]
    assert found.product.rate > 0
