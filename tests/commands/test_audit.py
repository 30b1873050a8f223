"""The command `ferbench audit`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.papers.loading import BUILT_IN
from harness.papers.review import audit
from tests.support.papers import PAPER

FerBench = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ferbench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_ferbench: FerBench) -> FerBench:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return run_ferbench


@pytest.mark.parametrize("width", [80, 150])
def test_audit_prints_findings_with_numbers_places_and_arithmetic(ferbench: FerBench, width: int) -> None:
    code, out, _ = ferbench("audit", width=width)
    assert code == 0
    assert "…" not in out
    assert all(each.name in out for each in audit(PAPER))
    assert "in the paper: Table 6: " in out
    assert "vgg16-scratch-accuracy-is-the-threshold" in out


def test_audit_is_shorter_without_arithmetic(ferbench: FerBench) -> None:
    whole, brief = ferbench("audit")[1], ferbench("audit", "--brief")[1]
    assert len(brief) < len(whole) / 2
    assert "in the paper:" not in brief


def test_the_review_of_a_folder_of_ones_own_is_read(ferbench: FerBench, tmp_path: Path) -> None:
    """Its data, that is; of code in it nothing runs."""
    own = shutil.copytree(BUILT_IN / "jahangir2024", tmp_path / "mine")
    code, out, _ = ferbench("audit", "--brief", "--paper", str(own))
    assert code == 0
    assert f"{len(PAPER.review.findings)} findings: " in out
    review = own / "review.toml"
    review.write_text(review.read_text(encoding="utf-8").replace("{count below}", "{count belaw}"), encoding="utf-8")
    shutil.move(own, tmp_path / "other")  # a folder is read once
    code, _, err = ferbench("audit", "--paper", str(tmp_path / "other"))
    assert code == 2
    assert "finding better-than-human-is-not of review.toml: {count belaw}" in err
