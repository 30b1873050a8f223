"""The command `ferbench expected`: what it prints, and with which code it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.report.expected.page_one import BLOCKS
from harness.report.expected.pages import FIRST, PAGES
from tests.support.forged_records import SMALL, stored

FerBench = Callable[..., tuple[int, str, str]]
PAGE = "\n".join(f"words\n<!-- begin {name} -->\n<!-- end {name} -->" for name in BLOCKS)


@pytest.fixture
def ferbench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_ferbench: FerBench) -> FerBench:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return run_ferbench


@pytest.fixture
def page(tmp_path: Path) -> tuple[Path, list[object]]:
    """A first page without tables, and the options that name its folder and one record."""
    records = tmp_path / "records"
    stored(records, 0.5, budget=SMALL)
    path = tmp_path / "repository" / FIRST
    path.parent.mkdir()
    path.write_text(PAGE, encoding="utf-8")
    return path, ["--root", path.parent, "--evidence", records]


def test_expected_writes_and_checks(ferbench: FerBench, page: tuple[Path, list[object]]) -> None:
    path, options = page
    code, out, _ = ferbench("expected", "--check", *options)
    assert code == 1
    assert f"out of step: {', '.join([FIRST, *PAGES])}" in " ".join(out.split())
    assert path.read_text(encoding="utf-8") == PAGE
    assert ferbench("expected", "--write", *options)[0] == 0
    assert all((path.parent / each).is_file() for each in PAGES)
    code, out, _ = ferbench("expected", "--check", *options)
    assert code == 0
    assert "up to date" in out
    assert "45 claims, 1 records" in " ".join(out.split())


def test_expected_prints_the_first_page_by_default(ferbench: FerBench, page: tuple[Path, list[object]]) -> None:
    path, options = page
    code, out, _ = ferbench("expected", *options)
    assert code == 0
    assert "| [`vgg16-scratch`](docs/paper/numbers.md#vgg16-scratch) | 67.23 % (Table 6) |" in out
    assert path.read_text(encoding="utf-8") == PAGE


def test_wrong_use_is_an_error_for_people(ferbench: FerBench, page: tuple[Path, list[object]]) -> None:
    path, options = page
    assert ferbench("expected", "--write", "--check", *options)[::2] == (
        2, "error: --write and --check together; expected one of them, or neither to print the first page",
    )  # fmt: skip
    code, _, errors = ferbench("expected", "--evidence", "records")
    assert code == 2
    assert "EXPECTED.md is not here; the command runs where the repository lies, or with --root" in errors
    code, _, errors = ferbench("expected", "--root", path.parent, "--evidence", "nowhere")
    assert code == 2
    assert "nowhere is neither a folder nor a record" in errors
