"""The command `ferbench reproduce`, with the runs themselves left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands import reproduce
from harness.runs.process import RunFailed
from tests.support.command_line import COMPLETE, INTERRUPTED, FakeExecute, FerBench
from tests.support.papers import PAPER


def test_reproduce_needs_a_framework(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "missing_framework", lambda *_: "a-framework")
    outcome = ferbench("reproduce")
    assert outcome.code == 2
    assert "neither Keras nor PyTorch is installed; `pip install 'ferbench[cpu]'` brings both" in outcome.error


@pytest.fixture
def no_weights_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "lacks_weights", lambda variant, _: "scratch" not in variant.name)


@pytest.mark.usefixtures("framework_installed", "no_weights_here")
def test_reproduce_runs_all_variants_in_both_frameworks(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = FakeExecute(*[COMPLETE] * 12)
    monkeypatch.setattr(reproduce, "execute", execute)
    outcome = ferbench("reproduce", "--seed", 4)
    assert outcome.code == 0
    assert [spec.label for spec in execute.specs] == [
        f"{name}-{implementation}-seed4" for name in PAPER.variants for implementation in ("keras3-jax", "pytorch")
    ]
    assert "12 runs, budget smoke" in outcome.out


@pytest.mark.usefixtures("framework_installed", "no_weights_here")
def test_weights_are_drawn_where_nothing_can_be_compared(
    ferbench: FerBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    execute = FakeExecute(*[COMPLETE] * 24)
    monkeypatch.setattr(reproduce, "execute", execute)
    assert "drawn weights stand in for ImageNet's" in ferbench("reproduce").out
    assert [spec.stand_in_weights for spec in execute.specs] == [
        "scratch" not in name for name in PAPER.variants for _ in "12"
    ]
    (tmp_path / "fer2013.zip").touch()
    assert "stand in" not in ferbench("reproduce", "--fer2013", tmp_path / "fer2013.zip").out
    assert not any(spec.stand_in_weights for spec in execute.specs[12:])


@pytest.mark.usefixtures("framework_installed")
def test_one_failing_run_does_not_stop_the_others(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = FakeExecute(COMPLETE, RunFailed("out of [memory]", code=-9), *[COMPLETE] * 10)
    monkeypatch.setattr(reproduce, "execute", execute)
    outcome = ferbench("reproduce")
    assert (outcome.code, len(execute.specs)) == (1, 12)
    assert "out of [memory]" in outcome.out


@pytest.mark.usefixtures("framework_installed")
def test_an_interruption_stops_the_others(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = FakeExecute(COMPLETE, INTERRUPTED, COMPLETE, COMPLETE)
    monkeypatch.setattr(reproduce, "execute", execute)
    assert ferbench("reproduce").code == 130
    assert len(execute.specs) == 2


def test_half_a_table_is_said_to_be_half(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = lambda name, _: "keras" if name == "keras3" else None  # noqa: E731
    monkeypatch.setattr("harness.runs.specification.missing_framework", missing)
    monkeypatch.setattr(reproduce, "missing_framework", missing)
    monkeypatch.setattr(reproduce, "execute", FakeExecute(*[COMPLETE] * 6))
    assert "keras3 is not installed: half of the table will be missing" in ferbench("reproduce").out
