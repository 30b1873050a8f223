"""EXPECTED.md and its appendices say what the files say that they are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.judging.expectations import bands
from harness.judging.results import judge_results
from harness.papers.variants import paper_fields
from harness.report.expected.assumptions_page import assumptions_page, effect_table
from harness.report.expected.markdown import escaped, table
from harness.report.expected.numbers_page import REPORTED, numbers_page
from harness.report.expected.page_one import BLOCKS
from harness.report.expected.pages import FIRST, PAGES, ExpectedError, fill, stale_pages, write_pages
from harness.report.known import Known, what_is_known
from tests.support.forged_records import SMALL, stored
from tests.support.papers import PAPER
from tests.support.repository import ROOT

TEXT = (ROOT / FIRST).read_text(encoding="utf-8")
EMPTY = "\n".join(f"words\n<!-- begin {name} -->\n<!-- end {name} -->" for name in BLOCKS)


@pytest.fixture(scope="module")
def known() -> Known:
    return what_is_known(PAPER, ROOT / "benchmarks" / "evidence")


def appendix(name: str) -> str:
    return (ROOT / "docs" / "paper" / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, name: str) -> str:
    """What stands below the heading of a variant."""
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_the_pages_are_up_to_date(known: Known) -> None:
    assert stale_pages(ROOT, known) == [], "run `ferbench expected --write`"


def test_page_one_has_at_most_80_lines_and_answers_for_each_variant() -> None:
    assert len(TEXT.splitlines()) <= 80
    assert all(f"| [`{name}`](docs/paper/numbers.md#{name}) |" in TEXT for name in PAPER.variants)
    assert all(f"claims.md#{name})" in TEXT for name in PAPER.claims)


def slugs(text: str) -> Iterator[str]:
    """Anchors of the headings of a page, as GitHub makes them of letters, digits, hyphens and spaces."""
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", [FIRST, *PAGES])
def test_every_link_leads_to_a_page_and_its_heading(path: str) -> None:
    source = ROOT / path
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", source.read_text(encoding="utf-8")):
        page = (source.parent / target).resolve() if target else source
        assert page.is_file(), f"{path} links to {target}"
        if anchor:
            assert anchor in list(slugs(page.read_text(encoding="utf-8"))), f"{path} links to {target}#{anchor}"


def test_prose_stays_and_blocks_come_anew(known: Known) -> None:
    spoilt = TEXT.replace("67.23 % (Table 6)", "99.99 % (Table 6)")
    assert spoilt != TEXT
    assert fill(spoilt, known) == TEXT
    assert fill(f"{TEXT}\nMore prose.\n", known).endswith("\nMore prose.\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no markers", "markers begin nothing; expected once each"),
        (EMPTY.replace("begin claims", "begin clams"), "clams"),
        (EMPTY + "\n<!-- begin claims -->", "expected once each"),
        (EMPTY.replace("<!-- end claims -->", ""), "claims is not closed: <!-- end claims --> is missing"),
    ],
)
def test_a_page_without_its_markers_is_refused(known: Known, text: str, message: str) -> None:
    with pytest.raises(ExpectedError, match=message):
        fill(text, known)


def test_pages_are_written_where_they_are_asked_for(known: Known, tmp_path: Path) -> None:
    (tmp_path / FIRST).write_text(EMPTY, encoding="utf-8")
    assert stale_pages(tmp_path, known) == [FIRST, *PAGES]
    write_pages(tmp_path, known)
    assert stale_pages(tmp_path, known) == []
    assert (tmp_path / "docs/paper/claims.md").read_text(encoding="utf-8") == appendix("claims")


@pytest.mark.parametrize("name", PAPER.variants)
def test_every_reported_number_stands_on_the_page_with_its_place(name: str) -> None:
    lines = section(appendix("numbers"), name).splitlines()
    for quantity in REPORTED:
        for fact in PAPER.facts.mentions(name, quantity):
            assert any(fact.printed in line and fact.place in line for line in lines), fact.name


@pytest.mark.parametrize("name", PAPER.variants)
def test_every_assumed_field_is_listed_with_its_reason(name: str) -> None:
    lines = section(appendix("assumptions"), name).splitlines()
    for field in paper_fields():
        assumed = PAPER.sources[name][field].assumed
        if assumed:
            reason = escaped(assumed).replace("|", "\\|")
            assert any(line.startswith(f"| {field} |") and reason in line for line in lines), field


def test_every_band_finding_claim_and_record_has_its_place(known: Known) -> None:
    assert all(f"| `{name}` |" in appendix("bands") for name in bands(PAPER))
    assert all(f"\n### {each.name}\n" in appendix("findings") for each in known.findings)
    assert all(f"\n## {name}\n" in appendix("claims") for name in PAPER.claims)
    assert all(run.path.name in appendix("evidence") for run in known.evidence.sound)


def test_what_is_missing_is_said_once() -> None:
    for text in (TEXT, *(appendix(Path(path).stem) for path in PAGES)):
        assert text.lower().count("no comparable run") <= 1


def test_records_that_differ_in_one_assumption_show_its_effect(known: Known, tmp_path: Path) -> None:
    stored(tmp_path, 0.50, budget=SMALL, variant="resnet50-scratch")
    stored(tmp_path, 0.40, budget=SMALL, variant="resnet50-scratch@unstopped")
    stored(tmp_path, 0.30, budget=SMALL, variant="resnet50-scratch@224x224x3")  # two fields
    stored(tmp_path, 0.20, budget=SMALL, variant="resnet50-scratch@unstopped", seed=1)
    effects = effect_table(replace(known, evidence=judge_results(tmp_path, PAPER)))
    rows = [line for line in effects.splitlines() if line.startswith("| stop_rule")]
    assert len(rows) == 1
    assert "50.00 % → 40.00 % (-10.00 points)" in rows[0]
    assert "input" not in effects
    assert "Measured effects" in assumptions_page(known)


def test_comparable_runs_are_found(tmp_path: Path) -> None:
    stored(tmp_path, 0.30, variant="resnet50-scratch")
    text = section(numbers_page(what_is_known(PAPER, tmp_path)), "resnet50-scratch")
    (row,) = [line for line in text.splitlines() if line.startswith("| accuracy | 0.5469 |")]
    assert "`resnet50-scratch`, pytorch: NOT_REPRODUCED" in row


def test_bars_breaks_and_angles_do_not_break_a_page() -> None:
    assert table(("a", "b"), [("1|2", "x\ny")]) == "| a | b |\n| --- | --- |\n| 1\\|2 | x y |"
    assert escaped("a <b> *c*") == "a &lt;b> \\*c\\*"
