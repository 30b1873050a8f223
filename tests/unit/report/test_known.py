"""What is known of a paper: the best runs of each variant, and what would settle it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from harness.papers import load_paper
from harness.report.expected.page_one import answer, best_text, settling_text, variant_table, verdict_text
from harness.report.known import EvidenceError, Known, KnownVariant, what_is_known
from harness.report.known_terminal import known_page
from tests.support.forged_records import SMALL, edit_json, stored
from tests.support.repository import ROOT

PAPER = load_paper("jahangir2024")


def variant(known: Known, name: str) -> KnownVariant:
    (found,) = [each for each in known.variants if each.name == name]
    return found


def test_a_run_that_is_not_comparable_is_told_with_its_conditions() -> None:
    known = what_is_known(PAPER, ROOT / "benchmarks" / "evidence")
    best = variant(known, "vgg16-transfer").best
    assert best
    assert best.verdict.kind == "NOT_COMPARABLE"
    assert best.conditions == "10,000 of 28,709 images, 100 epochs, PyTorch on a CPU"
    assert best_text(best).startswith("52.48 % (n = 1): read `@frozen,caffe,unaugmented`, 10,000 of ")


def test_comparable_runs_come_first_then_those_with_more_seeds(tmp_path: Path) -> None:
    stored(tmp_path, 0.60, variant="resnet50-scratch", budget=SMALL)
    stored(tmp_path, 0.30, variant="resnet50-scratch@unstopped", seed=0)
    known = what_is_known(PAPER, tmp_path)
    best = variant(known, "resnet50-scratch").best
    assert best
    assert (best.variant, best.seeds, best.verdict.kind) == ("resnet50-scratch@unstopped", 1, "NOT_REPRODUCED")
    assert [each.name for each in known.comparable] == ["resnet50-scratch"]
    assert verdict_text(best) == "NOT_REPRODUCED in this reading"
    assert variant(known, "resnet50-scratch").settling.seeds == 3, "nothing is known of the default reading"
    assert "Of 6 variants 1 have runs under the paper's conditions: 1 NOT_REPRODUCED." in answer(known)
    for seed in (1, 2):
        stored(tmp_path, 0.29 + seed / 100, variant="resnet50-scratch", seed=seed)
    best = variant(what_is_known(PAPER, tmp_path), "resnet50-scratch").best
    assert best
    assert (best.variant, best.seeds, best.accuracy) == ("resnet50-scratch", 2, pytest.approx(0.305, abs=1e-4))


def test_what_would_settle_a_variant_is_counted_in_hours_of_the_papers_card() -> None:
    """As GPU.md has them: 0.1 to 0.9 and 2.5 to 8.6 hours a run on the device pipeline."""
    known = what_is_known(PAPER, ROOT / "benchmarks" / "evidence")
    found = {each.name: settling_text(each.settling) for each in known.variants}
    assert found["vgg16-scratch"] == "5 seeds, 0.5 to 4.3 h; its seconds: 1 run, 0.1 to 1.2 h"
    assert found["vgg16-transfer"] == "3 seeds, 7.6 to 25.9 h; its seconds: 1 run, 2.5 to 14.4 h"
    assert "one RTX 4080 SUPER, the paper's card" in variant_table(known)


def test_what_is_settled_asks_for_no_more_seeds(tmp_path: Path) -> None:
    for seed, accuracy in enumerate([0.30, 0.31, 0.32]):
        stored(tmp_path, accuracy, variant="resnet50-scratch", seed=seed)
    found = variant(what_is_known(PAPER, tmp_path), "resnet50-scratch")
    assert found.best
    assert found.best.verdict.kind == "NOT_REPRODUCED"
    assert settling_text(found.settling).startswith("settled; its seconds: 1 run, ")


def test_findings_that_are_most_about_a_variant_come_first() -> None:
    known = what_is_known(PAPER, ROOT / "benchmarks" / "evidence")
    assert variant(known, "resnet50-fine-tune").findings[0].name == "resnet50-fine-tune-answers-one-class"
    assert {each.grade for found in known.variants for each in found.findings} <= {
        "impossible", "contradictory", "implausible", "unsupported",
    }  # fmt: skip


def test_where_no_records_lie_the_papers_own_pages_still_speak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("harness.report.known.EVIDENCE", tmp_path / "none")
    known = what_is_known(PAPER)
    assert all(each.best is None and each.findings for each in known.variants)
    assert len(known.claims) == len(PAPER.claims)


def test_the_terminal_shows_it_in_80_columns() -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(known_page(what_is_known(PAPER, ROOT / "benchmarks" / "evidence")))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in PAPER.variants)
    assert "…" not in text
    assert "NOT_COMPARABLE" in text


def test_a_forged_record_is_no_evidence(tmp_path: Path) -> None:
    path = stored(tmp_path, 0.5, budget=SMALL)
    edit_json(path, lambda values: values["scores"]["paper_test"].update(accuracy=0.9))
    with pytest.raises(EvidenceError, match=f"{path.name} is no evidence: .*90.0000 %"):
        what_is_known(PAPER, tmp_path)
