"""What is read of files of benchmarks and folders of records, and how damage is told."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.records.options import TrainingPrecision
from harness.records.record import RunRecord
from harness.records.store import RecordError
from harness.registry import KerasBackend
from harness.suites.saved import read_suite
from harness.variant import Pipeline
from tests.support.saved_suites import (
    entry,
    epochs,
    save_benchmarks,
    save_records,
    timed_record,
)

GPU = "RTX 4080 SUPER"
TIME = "20261125T193041285887"


def record(**fields: Any) -> RunRecord:
    return timed_record("run", epochs(10.0), gpu=GPU, **fields)


def saved(folder: Path) -> Path:
    """Where pytest-benchmark puts it."""
    return folder / ".benchmarks" / "Linux-CPython-3.11-64bit" / "0001_new.json"


def test_epochs_come_from_the_records_that_a_file_names(tmp_path: Path) -> None:
    run = record()
    path = save_benchmarks(saved(tmp_path), entry(run))
    save_records(tmp_path / "results", run)
    by_default, by_option = read_suite(path), read_suite(path, tmp_path / "results")
    of_folder, of_record = read_suite(tmp_path / "results"), read_suite(tmp_path / "results" / "run.json")
    assert by_default.runs == by_option.runs == of_folder.runs == of_record.runs
    (found,) = by_default.runs
    assert found.history == tuple((seconds, 2.0) for seconds in epochs(10.0))
    assert (found.without_history, found.conditions["device"]) == ("", GPU)
    assert found.labels == {"pipeline": "device", "precision": "float32"}


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ({}, "cannot be read: No such file"),
        ({"record": "../run.json"}, "is no name of a file"),
        ({"record": "run\n.json"}, "is no name of a file"),
        ({"record": 7}, "is no name of a file"),
    ],
)
def test_without_the_record_sums_remain_and_it_is_said(tmp_path: Path, extra: dict[str, Any], why: str) -> None:
    (tmp_path / "results").mkdir()
    (found,) = read_suite(save_benchmarks(saved(tmp_path), entry(record(), seed=4, **extra))).runs
    assert (found.history, found.epochs, found.seed) == ((), 10, 4)
    assert found.training_seconds == pytest.approx(sum(epochs(10.0)))
    assert why in found.without_history


def test_a_record_of_another_run_is_not_taken(tmp_path: Path) -> None:
    save_records(tmp_path / "results", record())
    (found,) = read_suite(save_benchmarks(saved(tmp_path), entry(record(), seed=0, arrays_sha256="ab" * 32))).runs
    assert found.history == ()
    assert "its arrays have another SHA-256" in found.without_history


def test_what_extra_info_does_not_say_the_records_name_does(tmp_path: Path) -> None:
    run = record(implementation="keras3")
    name = f"{replace(run.spec, keras_backend='torch', pipeline='generator', seed=3).label}-{TIME}.json"
    (found,) = read_suite(save_benchmarks(tmp_path / "a.json", entry(run, record=name))).runs
    assert (found.seed, found.labels) == (3, {"backend": "torch", "pipeline": "generator", "precision": "float32"})
    told = entry(run, record=name, seed=5, pipeline="manual", precision="tf32", images_per_second=50)
    (found,) = read_suite(save_benchmarks(tmp_path / "a.json", told)).runs
    assert (found.seed, found.labels) == (5, {"backend": "torch", "pipeline": "manual", "precision": "tf32"})
    assert found.training_images == pytest.approx(50 * sum(epochs(10.0)) / 10)


def test_without_the_record_what_makes_epochs_longer_is_told_too(tmp_path: Path) -> None:
    run, work = record(), {"deterministic": True, "checkpointing": False, "batch_size": 8}
    labels = [replace(run.spec, checkpointing=each, deterministic=each).label for each in (True, False)]
    told = [entry(run, seed=0, **work), *(entry(run, record=f"{each}-{TIME}.json") for each in labels)]
    found = read_suite(save_benchmarks(tmp_path / "a.json", *told)).runs
    assert [each.work for each in found] == [
        work,
        {"checkpointing": True, "deterministic": True},
        {"checkpointing": False},  # names did not always say that operations were deterministic
    ]


@pytest.mark.parametrize("reused", [False, True])
def test_the_statistic_of_a_run_is_no_time_of_it(tmp_path: Path, reused: bool) -> None:
    """Of one that was reused it is the nanoseconds that were clocked around nothing."""
    run = record()
    clocked = {"stats": dict.fromkeys(("min", "max", "mean", "median", "total"), 2.5e-8 if reused else 137.5)}
    path = save_benchmarks(saved(tmp_path), entry(run, seed=0, reused=reused) | clocked)
    (alone,) = read_suite(path).runs
    assert (alone.training_seconds, alone.history) == (pytest.approx(sum(epochs(10.0))), ())
    save_records(tmp_path / "results", run)
    (found,) = read_suite(path).runs
    assert (found.training_seconds, len(found.history)) == (pytest.approx(sum(epochs(10.0))), 10)


@pytest.mark.parametrize(("checkpointing", "deterministic"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("precision", get_args(TrainingPrecision))
@pytest.mark.parametrize("views", [None, 12])
@pytest.mark.parametrize("pipeline", get_args(Pipeline))
@pytest.mark.parametrize("backend", [None, *get_args(KerasBackend)])
def test_every_name_of_a_record_is_understood(
    tmp_path: Path,
    backend: KerasBackend | None,
    pipeline: Pipeline,
    views: int | None,
    precision: TrainingPrecision,
    checkpointing: bool,
    deterministic: bool,
) -> None:
    run = record(implementation="keras3" if backend else "pytorch")
    spec = replace(
        run.spec, batch_size=8 if checkpointing else None, keras_backend=backend, pipeline=pipeline, views=views, seed=7
    )
    spec = replace(spec, precision=precision, checkpointing=checkpointing, deterministic=deterministic)
    assert ("-deterministic-" in spec.label) == deterministic
    told = entry(run, record=f"{spec.label}-{TIME}.json")
    (found,) = read_suite(save_benchmarks(tmp_path / "a.json", told)).runs
    named = {"backend": backend} if backend else {}
    assert (found.seed, found.labels) == (7, named | {"pipeline": pipeline, "precision": precision})


NUMBERS = [
    ({"training_seconds": value}, "training_seconds = ")
    for value in (math.nan, math.inf, -1, 0, True, "9", None, [1], 10**400)
]


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        *NUMBERS,
        ({"accuracy": None}, "no accuracy, so the run was not complete"),
        ({"accuracy": 67.2}, "accuracy = 67.2, expected a number from 0 to 1"),
        ({"epochs": 1.5}, "epochs = 1.5, expected a whole number from 1"),
        ({"epochs": 0}, "epochs = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"variant": "Alex Net"}, "variant Alex Net, expected a name such as"),
        ({"variant": ["x"]}, "neither params nor extra_info name the variant"),
        ({"implementation": "\x1b[31m"}, "implementation \N{REPLACEMENT CHARACTER}[31m, expected keras3 or pytorch"),
        ({"images_per_second": "many"}, "images_per_second = many"),
    ],
)
def test_a_run_with_wrong_figures_is_left_out_and_told(tmp_path: Path, extra: dict[str, Any], reason: str) -> None:
    sound, broken = entry(record(), seed=0), entry(record(), **({"seed": 1} | extra))
    suite = read_suite(save_benchmarks(tmp_path / "a.json", sound, broken))
    assert len(suite.runs) == len(suite.left_out) == 1
    assert reason in suite.left_out[0]


@pytest.mark.parametrize(
    ("field", "value"), [("training_seconds", math.nan), ("training_seconds", 0.0), ("evaluation_seconds", -1.0)]
)
def test_epochs_that_took_no_time_are_left_out(tmp_path: Path, field: str, value: float) -> None:
    path = save_records(tmp_path, record()) / "run.json"
    content = json.loads(path.read_text())
    content["history"][1][field] = value
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match=f"holds no complete run[\\s\\S]*{field} = {value}"):
        read_suite(path)


def test_other_benchmarks_are_counted(tmp_path: Path) -> None:
    step: dict[str, Any] = {"name": "test_step", "params": None, "extra_info": {}}
    suite = read_suite(save_benchmarks(tmp_path / "a.json", step, entry(record(), seed=0), step))
    assert suite.left_out == (f"{tmp_path / 'a.json'}: 2 benchmarks that name no record of a run",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged: no JSON"),
        (b"\x80\x04K\x01.", "is damaged: no JSON"),  # a pickle
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "is neither a file of benchmarks"),
        (b"{}", "is neither a file of benchmarks"),
        (b'{"schema_version": 1}', "has schema_version 1"),
        (b'{"benchmarks": {}}', "'benchmarks' is dict, expected a list"),
        (b'{"benchmarks": []}', "holds no complete run"),
        (b'{"benchmarks": [3]}', "benchmarks[0] has no extra_info"),
        (b'{"benchmarks": [{"extra_info": []}]}', "benchmarks[0] has no extra_info"),
        (b'{"benchmarks": [{"extra_info": {"record": null}}], "machine_info": 3, "commit_info": []}', "no accuracy"),
        (b'{"benchmarks": [{"extra_info": {"record": "a", "accuracy": 1}, "params": 3}]}', "epochs = None"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_damage_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(RecordError) as told:
        read_suite(path)
    assert message in str(told.value)


def test_what_is_no_suite_is_told(tmp_path: Path) -> None:
    for path, message in [(tmp_path / "none", "does not exist"), (tmp_path, "holds no complete run")]:
        with pytest.raises(RecordError, match=message):
            read_suite(path)
    path = save_records(tmp_path, record()) / "run.json"
    for results, message in [(tmp_path / "none", "--results-b .*none is no folder"), (tmp_path, "and .* is none")]:
        with pytest.raises(RecordError, match=message):
            read_suite(path, results, option="results-b")


def test_a_damaged_record_beside_sound_ones_is_named(tmp_path: Path) -> None:
    save_records(tmp_path, record())
    (tmp_path / "other.json").write_text("{")
    suite = read_suite(tmp_path)
    assert (len(suite.runs), len(suite.damaged)) == (1, 1)
    assert "other.json is damaged" in suite.damaged[0]


def test_incomplete_runs_are_left_out(tmp_path: Path) -> None:
    stopped = timed_record("stopped", epochs(10.0), gpu=GPU, status="interrupted", scores={}, seed=1)
    suite = read_suite(save_records(tmp_path, record(), stopped))
    assert suite.left_out == (f"{tmp_path / 'stopped.json'}: run interrupted",)
