"""The command `ferbench expected`: what it prints, and with which code it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.report.expected import BLOCKS
from tests.support.forged_records import SMALL, stored
from tests.support.papers import PAPER

FerBench = Callable[..., tuple[int, str, str]]
PAGE = "\n".join(f"words\n<!-- begin {name} -->\n<!-- end {name} -->" for name in BLOCKS)


@pytest.fixture
def ferbench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_ferbench: FerBench) -> FerBench:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return run_ferbench


@pytest.fixture
def page(tmp_path: Path) -> tuple[Path, list[object]]:
    """A page without tables, and the options that name it and one record."""
    records = tmp_path / "records"
    stored(records, 0.5, budget=SMALL)
    path = tmp_path / "PAGE.md"
    path.write_text(PAGE, encoding="utf-8")
    return path, ["--file", path, "--evidence", records]


def test_expected_writes_and_checks(ferbench: FerBench, page: tuple[Path, list[object]]) -> None:
    path, options = page
    code, out, _ = ferbench("expected", "--check", *options)
    assert code == 1
    assert f"out of step: {', '.join(name for name in BLOCKS)}" in " ".join(out.split())
    assert path.read_text(encoding="utf-8") == PAGE
    assert ferbench("expected", "--write", *options)[0] == 0
    code, out, _ = ferbench("expected", "--check", *options)
    assert code == 0
    assert "up to date" in out
    assert f"{len(PAPER.facts)} facts" in out


def test_expected_prints_the_page_by_default(ferbench: FerBench, page: tuple[Path, list[object]]) -> None:
    path, options = page
    code, out, _ = ferbench("expected", *options)
    assert code == 0
    assert "| 8764.24 s | Table 6 |" in out
    assert path.read_text(encoding="utf-8") == PAGE


def test_wrong_use_is_an_error_for_people(ferbench: FerBench, page: tuple[Path, list[object]]) -> None:
    path, options = page
    assert ferbench("expected", "--write", "--check", *options)[::2] == (
        2, "error: --write and --check together; expected one of them, or neither to print the page",
    )  # fmt: skip
    code, _, errors = ferbench("expected", "--evidence", "records")
    assert code == 2
    assert "EXPECTED.md is not here; the command runs where the repository lies, or with --file" in errors
    code, _, errors = ferbench("expected", "--file", path, "--evidence", "nowhere")
    assert code == 2
    assert "nowhere is neither a folder nor a record" in errors
