"""What is made of NVML's answers. The driver itself is a fake here: these machines have none."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.measuring.gpu import FAULTS, REASONS, GpuWatch, doubts, find_gpu, summarise
from harness.records.machine import GpuIdentity, GpuUse

IDENTITY = GpuIdentity("NVIDIA GeForce RTX 4080 SUPER", "580.1", "13.0", 16 * 2**30, 320.0, 320.0, 3105)
LOOK = {"clock": 2600, "power": 300.0, "temperature": 60, "memory": 2**30, "reasons": 0, "processes": {7}}


class FakeError(Exception):
    pass


def fake_nvml(**changes: Any) -> Any:
    """NVML as `nvidia-ml-py` shows it; what is None raises, as the driver does for what it does not know."""

    def answer(value: Any) -> Any:
        def function(*_: Any) -> Any:
            if value is None:
                raise FakeError
            return value

        return function

    values = {
        "Init": 0,
        "SystemGetCudaDriverVersion_v2": 13000,
        "SystemGetDriverVersion": "580.1",
        "DeviceGetHandleByIndex": "handle",
        "DeviceGetName": IDENTITY.name,
        "DeviceGetMemoryInfo": SimpleNamespace(total=IDENTITY.memory_bytes, used=2**30),
        "DeviceGetPowerManagementLimit": 320_000,
        "DeviceGetPowerManagementDefaultLimit": 320_000,
        "DeviceGetMaxClockInfo": 3105,
        "DeviceGetComputeRunningProcesses": [SimpleNamespace(pid=7)],
        "DeviceGetClockInfo": 2600,
        "DeviceGetPowerUsage": 300_000,
        "DeviceGetTemperature": 60,
        "DeviceGetCurrentClocksEventReasons": 0,
    } | changes
    module = SimpleNamespace(NVMLError=FakeError, NVML_CLOCK_SM=1, NVML_TEMPERATURE_GPU=0)
    for name, value in values.items():
        setattr(module, f"nvml{name}", answer(value))
    return module


def test_identity_and_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    found = find_gpu()
    assert found is not None
    identity, look = found
    assert identity == IDENTITY
    assert look() == LOOK


def test_what_the_driver_does_not_say_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = dict.fromkeys(
        ["DeviceGetPowerManagementLimit", "DeviceGetMaxClockInfo", "DeviceGetComputeRunningProcesses",
         "DeviceGetPowerUsage", "DeviceGetCurrentClocksEventReasons"]
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(**unknown))
    found = find_gpu()
    assert found is not None
    identity, look = found
    assert (identity.power_limit_watts, identity.highest_clock_megahertz) == (None, None)
    use = summarise([look()], own=7)
    assert (use.power_watts, use.strangers, use.held_back) == (None, None, {})
    assert doubts(identity, use) == []


@pytest.mark.parametrize("module", [None, fake_nvml(Init=None), fake_nvml(DeviceGetHandleByIndex=None)])
def test_there_is_no_gpu_without_package_driver_or_card(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", module)
    assert find_gpu() is None


def test_several_looks_are_summed_up() -> None:
    hot = {bit for bit, name in REASONS.items() if name in FAULTS}
    seen = [LOOK] * 6 + [{**LOOK, "clock": 1200, "temperature": 88, "memory": 2**31, "reasons": sum(hot)}] * 4
    use = summarise(seen, own=7)
    assert (use.looks, use.clock_megahertz, use.temperature_celsius, use.memory_bytes) == (10, 2600, 88, 2**31)
    assert use.held_back == dict.fromkeys(sorted(FAULTS), 0.4)
    assert len(doubts(IDENTITY, use)) == len(FAULTS)
    assert "clocks lowered: power brake in 40% of 10 looks" in doubts(IDENTITY, use)


@pytest.mark.parametrize(
    ("processes", "own", "strangers"),
    [({7}, 7, 0), ({7, 8, 9}, 7, 2), (set(), 7, 0), ({4711}, 7, 0), ({4711, 4712}, 7, 1)],
    ids=["alone", "shared", "not seen", "a container's number", "shared in a container"],
)
def test_strangers(processes: Any, own: Any, strangers: Any) -> None:
    use = summarise([{**LOOK, "processes": processes}], own=own)
    assert use.strangers == strangers
    said = {0: [], 1: ["shared with 1 other process"], 2: ["shared with 2 other processes"]}
    assert doubts(IDENTITY, use) == said[strangers]


def test_the_cards_own_power_limit_is_no_fault_a_lowered_one_is() -> None:
    use = summarise([{**LOOK, "reasons": 0x4}], own=7)
    assert use.held_back == {"power limit": 1.0}
    assert doubts(IDENTITY, use) == []
    assert doubts(replace(IDENTITY, power_limit_watts=200.0), use) == ["power limit 200 W, its own is 320 W"]


def test_a_watch_looks_until_its_block_ends_also_by_an_error() -> None:
    looks = []

    def look() -> Any:
        looks.append(dict(LOOK))
        return looks[-1]

    watch = GpuWatch(look, seconds=0.001)

    def run() -> None:
        with watch:
            while len(looks) < 3:
                time.sleep(0.001)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    seen = watch.use.looks
    assert seen >= 3
    time.sleep(0.01)
    assert watch.use.looks == seen
    assert isinstance(watch.use, GpuUse)
