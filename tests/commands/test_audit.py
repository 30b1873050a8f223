"""The command `ferbench audit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
