"""A suite of runs: which seeds, how long it will take, which earlier runs count, and how far it is."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from harness.data.open import open_dataset
from harness.measuring.calibration import Framework, calibrate_frameworks, framework_of
from harness.measuring.forecast import (
    Forecast,
    Machine,
    forecast,
    machine_of_cpu,
    machine_of_gpu,
)
from harness.measuring.gpu import find_gpu
from harness.papers.hardware import Gpu
from harness.records.machine import DeviceCalibration
from harness.records.record import Environment, RunRecord
from harness.records.spec import RunSpec
from harness.records.store import list_runs
from harness.runs.device_memory import memory_warning
from harness.runs.environment import read_environment

MOST_SEEDS: Final = 1000
"""Of one range: more is a slip of the hand."""
DISTRIBUTIONS: Final = (
    "ferbench", "numpy", "torch", "torchvision", "keras", "jax", "jaxlib", "jax-cuda13-plugin", "tensorflow",
    "tensorflow-cpu", "nvidia-cudnn-cu13", "nvidia-cublas", "nvidia-ml-py",
)  # fmt: skip
"""Whose versions stand in a saved suite."""

FoundRun = tuple[Path, RunRecord]


def parse_seeds(text: str) -> tuple[int, ...]:
    """`3`, or a range with both ends, `0..4`.

    Raises:
        ValueError: If it is neither.
    """
    first, dots, last = text.partition("..")
    try:
        low = int(first)
        high = int(last) if dots else low
    except ValueError:
        low, high = 0, -1
    if not 0 <= low <= high < 2**32 or high - low >= MOST_SEEDS:
        raise ValueError(f"{text!r} is no seed; expected a number from 0, or a range such as 0..4")
    return tuple(range(low, high + 1))


@dataclass(eq=False)
class Planned:
    """A run of a suite.

    Attributes:
        spec: What it is asked to do.
        forecast: How long it should take.
        earlier: A record that answers for it.
        seconds: Wall-clock once it is over, however it ended; None before.
    """

    spec: RunSpec
    forecast: Forecast
    earlier: FoundRun | None = None
    seconds: float | None = None


@dataclass(eq=False)
class PlannedSuite:
    """Runs by the names of their tests.

    Attributes:
        runs: In order.
        refused: One line a record that is of the same question and does not count, with the reason.
        warnings: One line a variant that may need more memory than the GPU has.
        calibrations: Of the frameworks that will train; those that failed are left out.
        uncalibrated: One line a framework whose calibration failed, with the reason.
    """

    runs: dict[str, Planned]
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    calibrations: Mapping[Framework, DeviceCalibration] = field(default_factory=dict)
    uncalibrated: list[str] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)

    def calibration_of(self, spec: RunSpec) -> DeviceCalibration | None:
        """Of the framework that a run trains in."""
        return self.calibrations.get(framework_of(spec))

    @property
    def pending(self) -> list[Planned]:
        """What is still to be trained."""
        return [each for each in self.runs.values() if each.seconds is None and each.earlier is None]

    def seconds_left(self) -> float | None:
        """By the forecasts, stretched as those of the finished runs turned out; None where nothing is known yet."""
        done = [each for each in self.runs.values() if each.seconds is not None and each.earlier is None]
        middles = {id(each): each.forecast.middle for each in [*done, *self.pending]}
        if None in middles.values():  # no rate is known: runs take as long as their operations
            middles = {id(each): float(each.forecast.operations) for each in [*done, *self.pending]}
            if not done:
                return None
        weight = sum(middles[id(each)] or 0.0 for each in done)
        stretch = sum(each.seconds or 0.0 for each in done) / weight if weight else 1.0
        return stretch * sum(middles[id(each)] or 0.0 for each in self.pending)

    @property
    def elapsed(self) -> float:
        """Seconds since the suite was planned."""
        return time.monotonic() - self._started

    @property
    def finished(self) -> int:
        """How many runs are over."""
        return sum(each.seconds is not None for each in self.runs.values())


def plan_suite(
    specs: Mapping[str, RunSpec],
    results: Path,
    *,
    reuse: bool,
    known: Gpu | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> PlannedSuite:
    """What a suite will do; calibrates the machine for each framework that will train.

    Args:
        specs: By the names of their tests; all on one device, one data set and one pipeline.
        results: Where records lie and will lie.
        reuse: Let complete records answer in place of new runs.
        known: A GPU whose nominal peak is known, such as a paper's: no calibration is needed of one of its class.
        say: Told what takes a while.

    Raises:
        DatasetError: If records are to be reused and the data cannot be used.
    """
    records = list_runs(results)[0] if results.is_dir() else []
    is_gpu = any(spec.device == "gpu" for spec in specs.values())
    here, found = read_environment({}, gpu=None), find_gpu() if is_gpu else None
    gpu = found[0] if found else None
    machine = machine_of_gpu(gpu.name if gpu else None, known=known) if is_gpu else machine_of_cpu(here.cpu)
    earlier, refused = _answered(specs, records, here, machine) if reuse else ({}, [])
    to_train = [spec for name, spec in specs.items() if name not in earlier]
    calibrations, uncalibrated = calibrate_frameworks(to_train, say)
    runs = {}
    for name, spec in specs.items():
        where = machine_of_gpu(machine.name, calibrations.get(framework_of(spec)), known=known) if is_gpu else machine
        expected = forecast(spec, where, [record for _, record in records])
        runs[name] = Planned(spec, expected, earlier.get(name))
    told = (memory_warning(spec, device_memory=gpu.memory_bytes) for spec in specs.values()) if gpu else ()
    return PlannedSuite(runs, refused, list(dict.fromkeys(filter(None, told))), calibrations, uncalibrated)


def _answered(
    specs: Mapping[str, RunSpec], records: Sequence[FoundRun], here: Environment, machine: Machine
) -> tuple[dict[str, FoundRun], list[str]]:
    """Records by the names of the tests that they answer for, and one line each for others of the same questions."""
    found: dict[str, FoundRun] = {}
    refused: list[str] = []
    if not (specs and records):
        return found, refused
    first = next(iter(specs.values()))
    digest = open_dataset(first.fer2013, allow_deviating_data=first.allow_deviating_data).digest
    for name, spec in specs.items():
        earlier, lines = find_earlier(spec, records, digest=digest, here=here, machine=machine)
        refused += lines
        if earlier:
            found[name] = earlier
    return found, refused


def find_earlier(
    spec: RunSpec, records: Sequence[FoundRun], *, digest: str, here: Environment, machine: Machine
) -> tuple[FoundRun | None, list[str]]:
    """The last complete record that answers a spec, and one line for each other that was asked the same.

    Args:
        spec: What is asked.
        records: Oldest first.
        digest: Of the data set that a run would see now.
        here: Of this process, frameworks left aside.
        machine: That would train.
    """
    refused: list[str] = []
    for path, record in reversed(records):
        if _asked(record.spec) != _asked(spec):
            continue
        reasons = list(_objections(record, digest, here, machine))
        if not reasons:
            return (path, record), refused
        refused.append(f"{record.run} is not reused: {', '.join(reasons)}")
    return None, refused


def _asked(spec: RunSpec) -> RunSpec:
    """Without this machine's paths; whether there is data, not where."""
    return replace(spec, fer2013=spec.fer2013 and "fer2013", weights_dir=None)


def _objections(record: RunRecord, digest: str, here: Environment, machine: Machine) -> list[str]:
    found = [] if record.status == "complete" else [f"run {record.status}"]
    if record.dataset is None or record.dataset.digest != digest:
        found.append("other data")
    theirs = record.environment
    if "+changes" in f"{theirs.git_commit}{here.git_commit}":
        found.append("code that was not committed")
    elif theirs.git_commit != here.git_commit:
        found.append(f"commit {(theirs.git_commit or 'unknown')[:10]}, here {(here.git_commit or 'unknown')[:10]}")
    if (theirs.gpu or theirs.cpu) != machine.name:
        found.append(f"made on {theirs.gpu or theirs.cpu}")
    for name, version in theirs.versions.items():
        installed = installed_version(name)
        # a wheel's own name of its build, +cu130, is not always told
        if installed is not None and installed.partition("+")[0] != version.partition("+")[0]:
            found.append(f"{name} {version}, here {installed}")
    return found


def installed_version(name: str) -> str | None:
    """Of a distribution, without importing it."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine_facts() -> dict[str, Any]:
    """What a saved suite says of the machine beside pytest-benchmark's own: the GPU by its driver, versions."""
    found = find_gpu()
    versions = {name: installed_version(name) for name in DISTRIBUTIONS}
    return {
        "gpu": asdict(found[0]) if found else None,
        "versions": {name: version for name, version in versions.items() if version is not None},
    }
