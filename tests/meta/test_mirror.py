"""Tests lie where one looks for them: `tests/unit` mirrors `harness`, and a file is named after what it tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.mirror import UNIT, is_counted, subject
from tests.support.repository import ROOT

COMMANDS = ROOT / "tests" / "commands"
WHOLE = Path("commands") / "test_command_line.py"
"""Of all commands together."""
FILES = sorted(
    {path.relative_to(UNIT) for path in UNIT.rglob("test_*.py")}
    | {path.relative_to(COMMANDS.parent) for path in COMMANDS.rglob("test_*.py")} - {WHOLE}
)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_is_named_after_what_it_tests(path: Path) -> None:
    assert subject(path), f"harness/{path.parent} holds nothing that {path.name} is named after"


def test_the_check_sees_a_stray_file() -> None:
    assert subject(Path("data/test_pixels.py")) == "pixels"
    assert subject(Path("data/test_pixels_properties.py")) == "pixels"
    assert subject(Path("data/test_pixelation.py")) is None
    assert subject(Path("nowhere/test_pixels.py")) is None


def test_the_rehearsal_runs_the_tests_of_what_it_counts() -> None:
    assert is_counted(UNIT / "training" / "test_fit_phases.py")
    assert is_counted(UNIT / "runs" / "test_composition_gpu.py")
    assert not is_counted(UNIT / "report" / "test_tables.py")
    assert not is_counted(ROOT / "benchmarks" / "test_training.py")
