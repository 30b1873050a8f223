"""What a run asks of the GPU's driver, with a driver that is played."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.records.machine import GpuIdentity
from harness.runs import composition
from tests.support.fake_records import fake_record

SPEC = fake_record().spec
IDENTITY = GpuIdentity("a card", "580.1", "13.0", 2**34, 320.0, 320.0, 3105)


def look() -> dict[str, Any]:
    return {"clock": 2500, "power": 300.0, "temperature": 70, "memory": 2**30, "reasons": 0, "processes": {1}}


def test_a_gpu_is_watched_while_a_run_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "find_gpu", lambda: (IDENTITY, look))
    with composition.watched(replace(SPEC, device="gpu")) as watch:
        pass
    found = watch()
    assert found is not None
    assert (found.identity, found.use.clock_megahertz) == (IDENTITY, 2500)
    assert found.use.looks >= 1


def test_without_a_driver_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "find_gpu", lambda: None)
    with composition.watched(replace(SPEC, device="gpu")) as watch:
        pass
    assert watch() is None


def test_on_the_cpu_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "find_gpu", lambda: pytest.fail("the driver was asked"))
    with composition.watched(SPEC) as watch:
        pass
    assert watch() is None
