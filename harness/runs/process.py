"""One process a run: memory is given back, Keras reads its backend at import, a crash takes one run alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

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


def execute(spec: RunSpec, results: Path, calibration: DeviceCalibration | None = None) -> tuple[Path, RunRecord]:
    """Run a spec in a process of its own and read its record.

    An interruption of this process (Ctrl-C or a termination signal) is handed on to the run, which then
    writes a record marked `interrupted`; this function waits for it.

    Args:
        spec: What is asked for.
        results: Folder of its record.
        calibration: Of the suite that the run belongs to, for the record.

    Returns:
        Path of the record, and the record, whatever its status.

    Raises:
        RecordError: If no record can be written to `results` (nothing was started then), or it cannot be read back.
        WeightsError: If the variant's ImageNet weights cannot be had; nothing was started.
        RunFailed: If the process ended without a record; what it printed says why.
        KeyboardInterrupt: If it was interrupted and the record, if there is one, does not say so.
    """
    check_directory(results)
    fetch_weights(spec)  # here, where Ctrl-C ends it at once
    name = new_run_name(spec, results)
    path = results / f"{name}.json"
    task = TASK.dump_json(RunTask(spec, calibration))
    with subprocess.Popen(command("harness.runs.composition", task, path)) as process:
        code, was_interrupted = wait_for(process)
    record = read_run(path) if path.exists() else None
    if was_interrupted and (record is None or record.status != "interrupted"):
        raise KeyboardInterrupt
    if record is not None:
        return path, record
    raise RunFailed(
        f"{spec.label}: its process ended with code {code} and left no record; what it printed above says why",
        code=code,
    )
