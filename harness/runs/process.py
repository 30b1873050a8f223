"""One process a run: memory is given back, Keras reads its backend at import, a crash takes one run alone."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from harness.child import ChildFailed, command
from harness.records.machine import DeviceCalibration
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.records.store import check_directory, new_run_name, read_run
from harness.runs.first_weights import fetch_weights
from harness.runs.signals import wait_for
from harness.runs.task import TASK, RunTask


class RunFailed(ChildFailed):
    """A run's process ended without a record."""


def execute(
    spec: RunSpec, results: Path, calibration: DeviceCalibration | None = None, *, is_quiet: bool = False
) -> tuple[Path, RunRecord]:
    """Run a spec in a process of its own and read its record.

    An interruption of this process (Ctrl-C or a termination signal) is handed on to the run, which then
    writes a record marked `interrupted`; this function waits for it.

    Args:
        spec: What is asked for.
        results: Folder of its record.
        calibration: Of the suite that the run belongs to, for the record.
        is_quiet: Do not show the run's progress; `RunFailed.printed` holds what it printed if it left no record.

    Returns:
        Path of the record, and the record, whatever its status.

    Raises:
        RecordError: If no record can be written to `results` (nothing was started then), or it cannot be read back.
        WeightsError: If the variant's ImageNet weights cannot be had; nothing was started.
        RunFailed: If the process ended without a record; what it printed says why.
        KeyboardInterrupt: If it was interrupted and the record, if there is one, does not say so.
    """
    return execute_together([spec], results, calibration, is_quiet=is_quiet)[0]


def execute_together(
    specs: Sequence[RunSpec], results: Path, calibration: DeviceCalibration | None = None, *, is_quiet: bool = False
) -> list[tuple[Path, RunRecord]]:
    """Run several specs at the same time, as `execute` runs one; their seconds say nothing of either.

    Returns:
        Path and record of each, in order.

    Raises:
        RecordError, WeightsError, RunFailed, KeyboardInterrupt: As `execute`, once all of them have ended.
    """
    check_directory(results)
    for spec in specs:
        fetch_weights(spec)  # here, where Ctrl-C ends it at once
    with ExitStack() as stack:
        started = [_start(spec, results, calibration, stack, is_quiet=is_quiet) for spec in specs]
        was_interrupted = wait_for([each.process for each in started])
        return [_end(each, was_interrupted=was_interrupted, is_quiet=is_quiet) for each in started]


@dataclass(frozen=True, eq=False)
class _Started:
    spec: RunSpec
    path: Path
    process: subprocess.Popen[bytes]
    errors: IO[bytes]


def _start(
    spec: RunSpec, results: Path, calibration: DeviceCalibration | None, stack: ExitStack, *, is_quiet: bool
) -> _Started:
    path = results / f"{new_run_name(spec, results)}.json"
    task = TASK.dump_json(RunTask(spec, calibration))
    errors = stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
    words = command("harness.runs.composition", task, path)
    process = stack.enter_context(subprocess.Popen(words, stderr=errors if is_quiet else None))
    return _Started(spec, path, process, errors)


def _end(started: _Started, *, was_interrupted: bool, is_quiet: bool) -> tuple[Path, RunRecord]:
    spec, path, code = started.spec, started.path, started.process.returncode
    record = read_run(path) if path.exists() else None
    if was_interrupted and (record is None or record.status != "interrupted"):
        raise KeyboardInterrupt
    if record is not None:
        return path, record
    started.errors.seek(0)
    printed = started.errors.read().decode(errors="replace")
    raise RunFailed(
        f"{spec.label}: its process ended with code {code} and left no record; what it printed "
        + (f"says why:\n{printed}" if is_quiet else "above says why"),
        code=code,
        printed=printed,
    )
