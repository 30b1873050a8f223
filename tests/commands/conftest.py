"""The command line in this process, in two forms."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness import __main__ as command_line
from harness.commands import console
from tests.support.command_line import FerBench, Outcome


@pytest.fixture
def run_ferbench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `ferbench`; gives its exit code, its output, and its errors on one line."""

    for variable in ("FERBENCH_FER2013", "FERBENCH_WEIGHTS"):  # what is made up here is not of that data
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: object, width: int = 150) -> tuple[int, str, str]:
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(console, "out", Console(width=width))
        monkeypatch.setattr(sys, "argv", ["ferbench", *map(str, arguments)])
        try:
            command_line.main()
            code: Any = 0
        except SystemExit as leaving:
            code = leaving.code
        output = capsys.readouterr()
        return code or 0, output.out, " ".join(output.err.replace("│", " ").split())

    return run


@pytest.fixture
def ferbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> FerBench:
    """Runs the command in this process, in an empty folder."""
    for variable in ("FERBENCH_FER2013", "FERBENCH_WEIGHTS", "KERAS_BACKEND", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    folder = tmp_path / "working"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["ferbench", *map(str, arguments)])
        try:
            command_line.main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        output = capsys.readouterr()
        assert "Traceback" not in output.out + output.err
        return Outcome(code, output.out, output.err)

    return run


@pytest.fixture
def framework_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if both were; nothing here trains."""
    monkeypatch.setattr("harness.runs.specification.missing_framework", lambda *_: None)
    monkeypatch.setattr("harness.commands.reproduce.missing_framework", lambda *_: None)
