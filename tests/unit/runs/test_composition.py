"""What a run makes of errors that its framework raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.measuring.memory import DISPLAY, predict_peak
from harness.records.record import (
    Memory,
    RunRecord,
    from_json,
    to_json,
)
from harness.records.store import read_run, write_run
from harness.runs import composition
from harness.runs.composition import kept_features, train
from harness.runs.device_memory import memory_warning, used_memory
from harness.runs.signals import Stop
from harness.training.fit import Fit
from tests.support.fake_model import FakeObserver, numbered_dataset
from tests.support.fake_records import fake_record

SPEC = replace(fake_record(variant="vgg16-transfer").spec, fer2013=None, stand_in_weights=True)
IMPLEMENTATION = SimpleNamespace(
    is_out_of_memory=lambda error: isinstance(error, MemoryError),
    versions=lambda: {"torch": "2.0"},
    gpu_name=lambda: "a card",
    peak_memory=lambda: 12345,
)


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


@pytest.fixture(autouse=True)
def framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in which nothing is computed, on a data set that carries numbers."""
    monkeypatch.setattr(composition, "open_dataset", lambda *_, **__: numbered_dataset())
    monkeypatch.setattr(composition, "first_weights", lambda spec: ({}, fake_record().weights))
    monkeypatch.setattr(composition, "settle", lambda: None)  # this process is no run's own


def trained(monkeypatch: pytest.MonkeyPatch, *, building: Exception | None, training: Exception) -> RunRecord:
    """The record of a run in which one of the two fails."""
    build = failing(building) if building else lambda *_, **__: SimpleNamespace(variant=SPEC.variant)
    implementation = SimpleNamespace(**vars(IMPLEMENTATION), build=build)
    monkeypatch.setattr(composition, "load_implementation", lambda *_, **__: implementation)
    monkeypatch.setattr(Fit, "run", failing(training))
    outcome = train(SPEC, SPEC.label, FakeObserver(), Stop())
    assert outcome.arrays == {}
    return outcome.record


@pytest.mark.parametrize(("building", "times"), [(MemoryError(), 0), (None, 1)], ids=["not built", "built"])
def test_a_run_settles_once_its_network_stands(
    monkeypatch: pytest.MonkeyPatch, building: Exception | None, times: int
) -> None:
    settled: list[bool] = []
    monkeypatch.setattr(composition, "settle", lambda: settled.append(True))
    trained(monkeypatch, building=building, training=MemoryError())
    assert len(settled) == times


@pytest.mark.parametrize("building", [MemoryError(), None], ids=["built", "trained"])
def test_a_device_without_memory_fails_the_run_with_the_figure_and_two_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, building: Exception | None
) -> None:
    """Whether there was no room for the network, or for its training."""
    record = trained(monkeypatch, building=building, training=MemoryError())
    assert (record.status, record.stop_reason, record.history, record.scores) == ("failed", None, (), {})
    assert record.error is not None
    assert record.error.startswith(
        "the device ran out of memory: vgg16-transfer, phase 'all', batch 32, float32 was predicted to need "
        f"{predict_peak(SPEC.variant).total / 2**30:.2f} GiB"
    )
    assert "--checkpointing" in record.error
    assert "NOT_COMPARABLE" in record.error
    assert read_run(write_run(tmp_path, record, {})) == record


@pytest.mark.parametrize("building", [ZeroDivisionError(), None], ids=["built", "trained"])
def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch, building: Exception | None) -> None:
    with pytest.raises(ZeroDivisionError):
        trained(monkeypatch, building=building, training=ZeroDivisionError())


@pytest.mark.parametrize(("device", "measured"), [("cpu", None), ("gpu", 12345)])
def test_the_record_has_what_was_predicted_and_what_was_counted(device: Any, measured: int | None) -> None:
    spec = replace(SPEC, device=device, checkpointing=True)
    predicted = predict_peak(spec.variant, checkpointing=True)
    found = used_memory(spec, IMPLEMENTATION)
    assert found == Memory(predicted.total, predicted.tensors, measured)
    assert from_json(to_json(replace(fake_record(), memory=found))).memory == found


def test_who_asks_for_less_is_not_warned() -> None:
    least = predict_peak(SPEC.variant).total + DISPLAY - 1
    assert memory_warning(SPEC, device_memory=least) is not None
    assert memory_warning(replace(SPEC, checkpointing=True), device_memory=least) is None
    assert memory_warning(replace(SPEC, batch_size=4), device_memory=least) is None


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_features_are_kept_apart_by_precision(precision: Any) -> None:
    kept = kept_features(
        replace(SPEC, precision=precision),
        None,
        None,
        SimpleNamespace(watched_rows=np.arange(2), test_rows=np.arange(2)),
        SimpleNamespace(versions=lambda: {"torch": "2.0"}),
        SimpleNamespace(say=print),
        SimpleNamespace(asked=False),
    )
    assert kept.versions == {"torch": "2.0", "device": "cpu", "precision": precision}
