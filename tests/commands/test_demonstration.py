"""`ferbench reproduce` without a data set: the exercise's runs are forged, all else is real."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.commands import demonstration
from harness.papers import load_paper
from harness.papers.outcome import made_paper, read_outcome
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from tests.support.command_line import FerBench
from tests.support.demonstrated import demonstrated_run

PAPER = load_paper(made_paper())
OUTCOME = read_outcome(PAPER.name)
TRUE = next(name for name, verdict in OUTCOME.verdicts.items() if verdict == "REPRODUCED")
"""The network whose accuracy is printed as it is."""
AS_MADE = dict.fromkeys(PAPER.variants, PAPER.facts.mentions(TRUE, "accuracy")[0].value)
"""Accuracies that suit what was put into the exercise."""
RUNS = len(PAPER.variants) * 2 * 3
"""Two frameworks, three seeds."""


class Forged:
    """Writes the run that is asked for, a little better or worse by its seed."""

    def __init__(self, accuracies: dict[str, float]) -> None:
        self.accuracies = accuracies
        self.labels: list[str] = []

    def __call__(self, specs: Sequence[RunSpec], results: Path, *, is_quiet: bool) -> list[tuple[Path, RunRecord]]:
        assert is_quiet
        return [self._run(spec, results) for spec in specs]

    def _run(self, spec: RunSpec, results: Path) -> tuple[Path, RunRecord]:
        self.labels.append(spec.label)
        spread = 0.006 * (spec.seed - 1) + (0.002 if spec.implementation == "keras3" else 0)
        return demonstrated_run(spec, self.accuracies[spec.asked.name] + spread, results)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of the real paper is looked at elsewhere."""
    monkeypatch.setattr(demonstration, "show_known", lambda: None)


@pytest.mark.usefixtures("framework_installed")
def test_it_comes_out_as_it_was_made(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = Forged(AS_MADE)
    monkeypatch.setattr(demonstration, "execute_together", forged)
    outcome = ferbench("reproduce")
    assert outcome.code == 0, outcome.out
    assert forged.labels == [
        f"{name}-{framework}-seed{seed}"
        for name in PAPER.variants
        for seed in range(3)
        for framework in ("keras3-jax", "pytorch")
    ]
    for word in ("REPRODUCED:", "NOT_REPRODUCED:", "supported:", "refuted:", "found:", "--fer2013 PATH"):
        assert word in outcome.out
    assert outcome.out.count("one pair: no test") == 0
    lines = [line for line in outcome.out.splitlines() if re.match(rf" ?\d+/{RUNS}  ", line)]
    assert len(lines) == RUNS
    assert max(map(len, lines)) <= 80
    checks = len(PAPER.variants) * 2 * 2 + len(PAPER.claims) + len(PAPER.review.findings)
    assert f"All {checks} came out as they were put into the exercise." in outcome.out


@pytest.mark.usefixtures("framework_installed")
def test_it_says_what_did_not_come_out(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "execute_together", Forged({**AS_MADE, TRUE: OUTCOME.learned - 0.1}))
    outcome = ferbench("reproduce")
    assert outcome.code == 1
    assert f"did not come out as put into it: {TRUE} by" in " ".join(outcome.out.split())
