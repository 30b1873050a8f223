"""What a run's process is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from harness.records.machine import DeviceCalibration
from harness.records.spec import RunSpec


@dataclass(frozen=True)
class RunTask:
    """A spec, and the calibration of the suite that the run belongs to, for its record."""

    spec: RunSpec
    calibration: DeviceCalibration | None


TASK: Final = TypeAdapter(RunTask)
"""Reads and writes one."""
