"""EXPECTED.md: its tables say what the files say that they are made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.judging.bands import bands
from harness.judging.results import judge_results
from harness.papers.review import audit
from harness.papers.variants import paper_fields
from harness.report.expected import (
    BLOCKS,
    ExpectedError,
    Material,
    material,
    render,
    stale_blocks,
)
from harness.report.expected_tables import REPORTED, markdown
from tests.support.forged_records import SMALL, edit_json, stored
from tests.support.papers import PAPER
from tests.support.repository import ROOT

TEXT = (ROOT / "EXPECTED.md").read_text(encoding="utf-8")
EMPTY = "\n".join(f"words\n<!-- begin {name} -->\n<!-- end {name} -->" for name in BLOCKS)


@pytest.fixture(scope="module")
def given() -> Material:
    return material(ROOT / "benchmarks" / "evidence")


def block(text: str, name: str) -> str:
    return text.partition(f"<!-- begin {name} -->")[2].partition(f"<!-- end {name} -->")[0]


def test_the_page_is_up_to_date(given: Material) -> None:
    assert stale_blocks(TEXT, given) == [], "run `ferbench expected --write`"


def test_prose_stays_and_tables_come_anew(given: Material) -> None:
    spoilt = TEXT.replace("| 8764.24 s |", "| 1 s |")
    assert spoilt != TEXT
    assert stale_blocks(spoilt, given) == ["numbers"]
    assert render(spoilt, given) == TEXT
    assert render(f"{TEXT}\nMore prose.\n", given).endswith("\nMore prose.\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no markers", "markers begin nothing; expected once each"),
        (EMPTY.replace("begin bands", "begin bonds"), "bonds"),
        (EMPTY + "\n<!-- begin bands -->", "expected once each"),
        (EMPTY.replace("<!-- end claims -->", ""), "claims is not closed: <!-- end claims --> is missing"),
    ],
)
def test_a_page_without_its_markers_is_refused(given: Material, text: str, message: str) -> None:
    with pytest.raises(ExpectedError, match=message):
        render(text, given)


@pytest.mark.parametrize("name", PAPER.variants)
def test_every_reported_number_stands_on_the_page_with_its_place(name: str) -> None:
    table = block(TEXT, "numbers").partition(f"### {name}\n")[2].partition("###")[0]
    for quantity in REPORTED:
        for fact in PAPER.facts.mentions(name, quantity):
            assert any(fact.printed in line and fact.place in line for line in table.splitlines()), fact.name


def test_a_fact_that_changes_changes_the_page(given: Material) -> None:
    other = PAPER.replaced({"resnet50-fine-tune.seconds.table-6": "4321.00"})
    stale = stale_blocks(TEXT, replace(given, paper=other.facts, findings=audit(other)))
    assert "numbers" in stale
    assert "findings" in stale


@pytest.mark.parametrize("name", PAPER.variants)
def test_every_assumed_field_is_listed_with_its_reason(name: str) -> None:
    table = block(TEXT, "assumed")
    for field in paper_fields():
        assumed = PAPER.sources[name][field].assumed
        if assumed:
            reason = " ".join(assumed.split()).replace("|", "\\|")
            assert any(line.startswith(f"| `{name}` | {field} |") and reason in line for line in table.splitlines())


def test_every_band_finding_and_claim_has_a_row(given: Material) -> None:
    assert all(f"| `{name}` |" in block(TEXT, "bands") for name in bands(PAPER))
    assert all(f"| {each.name} |" in block(TEXT, "findings") for each in given.findings)
    assert all(f"| `{name}` |" in block(TEXT, "claims") for name in PAPER.claims)


def test_records_that_differ_in_one_assumption_show_its_effect(given: Material, tmp_path: Path) -> None:
    stored(tmp_path, 0.50, budget=SMALL, variant="resnet50-scratch")
    stored(tmp_path, 0.40, budget=SMALL, variant="resnet50-scratch@unstopped")
    stored(tmp_path, 0.30, budget=SMALL, variant="resnet50-scratch@224x224x3")  # two fields
    stored(tmp_path, 0.20, budget=SMALL, variant="resnet50-scratch@unstopped", seed=1)
    effects = block(render(EMPTY, replace(given, evidence=judge_results(tmp_path, PAPER))), "effects")
    rows = [line for line in effects.splitlines() if line.startswith("| stop_rule")]
    assert len(rows) == 1
    assert "50.00 % → 40.00 % (-10.00 points)" in rows[0]
    assert "input" not in effects


def test_comparable_runs_are_found(given: Material, tmp_path: Path) -> None:
    stored(tmp_path, 0.30, variant="resnet50-scratch")
    numbers = block(render(EMPTY, replace(given, evidence=judge_results(tmp_path, PAPER))), "numbers")
    (row,) = [line for line in numbers.splitlines() if line.startswith("| accuracy | 0.5469 |")]
    assert "`resnet50-scratch`, pytorch: NOT_REPRODUCED" in row


def test_a_forged_record_is_no_evidence(tmp_path: Path) -> None:
    path = stored(tmp_path, 0.5, budget=SMALL)
    edit_json(path, lambda values: values["scores"]["paper_test"].update(accuracy=0.9))
    with pytest.raises(ExpectedError, match=f"{path.name} is no evidence: .*90.0000 %"):
        material(tmp_path)


def test_bars_and_breaks_do_not_break_a_table() -> None:
    assert markdown(("a", "b"), [("1|2", "x\ny")]) == "| a | b |\n| --- | --- |\n| 1\\|2 | x y |"
