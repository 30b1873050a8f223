"""What NVIDIA's driver says of a GPU before and while a run trains: which card, how clocked, held back, or shared."""

from __future__ import annotations

import importlib
import os
import statistics
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

from harness.records.machine import GpuIdentity, GpuUse

SAMPLE_SECONDS: Final = 1.0
"""From one look at the GPU to the next: NVML answers in well under a millisecond."""
HELD_BACK_SHARE: Final = 0.02
"""Of the looks: below it a single hot second in an epoch, above it a card that is not at its own speed."""
REASONS: Final = {
    0x004: "power limit",
    0x008: "hardware slowdown",
    0x020: "too hot (software)",
    0x040: "too hot (hardware)",
    0x080: "power brake",
}
"""Bits of NVML's clocks event reasons that lower clocks under load; idle, display and user settings are left aside.
Source: NVML API reference, nvmlClocksEventReasons."""
FAULTS: Final = ("hardware slowdown", "too hot (software)", "too hot (hardware)", "power brake")
"""Those that make a time no property of the card. Its own power limit is one: a card at full load runs into it."""


def find_gpu() -> tuple[GpuIdentity, Callable[[], dict[str, Any]]] | None:
    """The GPU that a framework would use and a function that looks at it; None without driver or `nvidia-ml-py`.

    With several cards the first of CUDA_VISIBLE_DEVICES is meant, counted in the order of the PCI bus
    (CUDA_DEVICE_ORDER=PCI_BUS_ID) or named by its UUID.
    """
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
        handle = _handle(nvml)
    except (nvml.NVMLError, ValueError):
        return None
    cuda = int(nvml.nvmlSystemGetCudaDriverVersion_v2())
    identity = GpuIdentity(
        name=_text(nvml.nvmlDeviceGetName(handle)),
        driver=_text(nvml.nvmlSystemGetDriverVersion()),
        cuda=f"{cuda // 1000}.{cuda % 1000 // 10}",
        memory_bytes=int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
        power_limit_watts=_watts(_ask(nvml, nvml.nvmlDeviceGetPowerManagementLimit, handle)),
        default_power_limit_watts=_watts(_ask(nvml, nvml.nvmlDeviceGetPowerManagementDefaultLimit, handle)),
        highest_clock_megahertz=_ask(nvml, nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_SM),
    )
    return identity, lambda: look(nvml, handle)


def _handle(nvml: Any) -> Any:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip() or "0"
    if visible.startswith("GPU-"):
        return nvml.nvmlDeviceGetHandleByUUID(visible)
    return nvml.nvmlDeviceGetHandleByIndex(int(visible))


def look(nvml: Any, handle: Any) -> dict[str, Any]:
    """One look at a GPU; None for what the driver does not say."""
    memory = _ask(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
    processes = _ask(nvml, nvml.nvmlDeviceGetComputeRunningProcesses, handle)
    return {
        "clock": _ask(nvml, nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM),
        "power": _watts(_ask(nvml, nvml.nvmlDeviceGetPowerUsage, handle)),
        "temperature": _ask(nvml, nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
        "memory": None if memory is None else int(memory.used),
        "reasons": _ask(nvml, nvml.nvmlDeviceGetCurrentClocksEventReasons, handle) or 0,
        "processes": None if processes is None else {int(each.pid) for each in processes},
    }


def _ask(nvml: Any, question: Callable[..., Any], *arguments: Any) -> Any:
    """An answer, or None: not every card and driver knows everything."""
    try:
        return question(*arguments)
    except nvml.NVMLError:
        return None


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000


def _text(answer: Any) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)


@dataclass(eq=False)
class GpuWatch:
    """Looks at a GPU once a second while its block runs. `use` tells what was seen, also after an exception."""

    look: Callable[[], dict[str, Any]]
    seconds: float = SAMPLE_SECONDS
    _seen: list[dict[str, Any]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> GpuWatch:
        self._thread = threading.Thread(target=self._watch, name="gpu-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        self._seen.append(self.look())
        while not self._over.wait(self.seconds):
            self._seen.append(self.look())

    @property
    def use(self) -> GpuUse:
        """What was seen so far."""
        return summarise(list(self._seen), own=os.getpid())


def summarise(seen: list[dict[str, Any]], *, own: int) -> GpuUse:
    """What a series of looks says.

    Args:
        seen: From `look`.
        own: Process that trains; each other one is a stranger. In a container the driver counts processes by the
            host's numbers, so that one process alone is taken for ours whatever its number is.
    """
    reasons = Counter(name for each in seen for bit, name in REASONS.items() if each["reasons"] & bit)
    processes = [each["processes"] for each in seen if each["processes"] is not None]
    return GpuUse(
        looks=len(seen),
        clock_megahertz=_over_all(statistics.median, seen, "clock"),
        power_watts=_over_all(statistics.median, seen, "power"),
        temperature_celsius=_over_all(max, seen, "temperature"),
        memory_bytes=_over_all(max, seen, "memory"),
        held_back={name: count / len(seen) for name, count in sorted(reasons.items())},
        strangers=max((_strangers(each, own) for each in processes), default=None),
    )


def _over_all(summary: Callable[[list[Any]], Any], seen: list[dict[str, Any]], key: str) -> Any:
    values = [each[key] for each in seen if each[key] is not None]
    return summary(values) if values else None


def _strangers(processes: set[int], own: int) -> int:
    return len(processes - {own}) if own in processes else max(0, len(processes) - 1)


def doubts(identity: GpuIdentity, use: GpuUse) -> list[str]:
    """Why a time measured on this GPU is no property of its kind; empty if nothing speaks against it."""
    found = [
        f"clocks lowered: {name} in {share:.0%} of {use.looks} looks"
        for name, share in use.held_back.items()
        if name in FAULTS and share > HELD_BACK_SHARE
    ]
    limit, default = identity.power_limit_watts, identity.default_power_limit_watts
    if limit is not None and default is not None and limit < default:
        found.append(f"power limit {limit:.0f} W, its own is {default:.0f} W")
    if use.strangers:
        found.append(f"shared with {use.strangers} other process{'' if use.strangers == 1 else 'es'}")
    return found
