"""The audit as a whole: what every finding must be, the page, and the table."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.console import Console

from harness.papers.finding import GRADES, Finding
from harness.papers.jahangir2024.review import (
    accuracies,
    evaluations,
    granularity,
    matrices,
    protocol,
    times,
)
from harness.papers.review import audit
from harness.papers.wording import Quote, capitalised
from harness.report.audit import audit_page, numbers_of
from tests.support.audited import PAPER

OURS = (accuracies, evaluations, granularity, matrices, protocol, times)

EXAMPLE = Finding(
    "an-example",
    "contradictory",
    2,
    "It has 67.23 % [sic] and 67.08 %.",
    "67.23 − 67.08 = 0.15\nin points",
    ("vgg16-scratch.accuracy.table-6", "vgg16-scratch.accuracy.text", "vgg16-scratch.confusion-angry.figure-20"),
    "a source | beside it",
)


@pytest.fixture(scope="module")
def findings() -> tuple[Finding, ...]:
    return audit(PAPER)


def printed(*findings: Finding, width: int = 150, details: bool = True) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(audit_page(findings, PAPER.facts, details=details))
    return capture.get()


def test_predicates_of_every_module_are_collected() -> None:
    collected = set(PAPER.predicates)
    for module in OURS:
        assert set(module.PREDICATES) <= collected
    assert len(PAPER.predicates) == len(collected)


def test_findings_are_sorted_and_named_apart(findings: tuple[Finding, ...]) -> None:
    keys = [(GRADES.index(each.grade), -each.weight, each.name) for each in findings]
    assert keys == sorted(keys)
    assert len({each.name for each in findings}) == len(findings)


def test_two_findings_of_one_name_are_refused() -> None:
    paper = replace(PAPER, predicates=(lambda paper: [EXAMPLE, EXAMPLE],))
    with pytest.raises(ValueError, match="given twice: an-example"):
        audit(paper)


def test_every_finding_can_be_quoted_and_followed(findings: tuple[Finding, ...]) -> None:
    for each in findings:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.name), each.name
        assert each.statement.endswith((".", "?")), each.name
        assert "\n" not in each.statement, each.name
        assert each.arithmetic, each.name
        assert each.facts or (each.grade == "unsaid" and each.source), each.name
        assert len(set(each.facts)) == len(each.facts), each.name
        assert set(each.facts) <= set(PAPER.facts), each.name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vgg16-scratch", "VGG16 from scratch"),
        ("resnet50-transfer", "ResNet50 by transfer"),
        ("vgg16-fine-tune", "fine-tuned VGG16"),
        ("resnet50-scratch@224x224x3", "ResNet50 from scratch, if fed 224×224"),
        ("vgg16-transfer@frozen", "VGG16 by transfer with its base frozen"),
        ("vgg16-scratch@five-blocks", "VGG16 from scratch, read as five-blocks"),
    ],
)
def test_variants_have_words(name: str, words: str) -> None:
    assert PAPER.called(name) == words


def test_statements_are_words_and_begin_large(findings: tuple[Finding, ...]) -> None:
    assert capitalised("fine-tuned VGG16") == "Fine-tuned VGG16"
    for each in findings:
        assert not re.search(r"(vgg16|resnet50)-(scratch|transfer|fine-tune)", each.statement), each.statement
        assert not each.statement[0].islower(), each.statement


def test_quotes_of_the_paper_stand_there(paper_text: str) -> None:
    quotes = [each for module in OURS for each in vars(module).values() if isinstance(each, Quote)]
    assert len(quotes) >= 5
    for quote in quotes:
        assert quote.words in paper_text
        assert len(quote.words.split()) <= 20


def test_predicates_say_the_same_twice_and_leave_the_facts_alone() -> None:
    before = dict(PAPER.facts)
    assert audit(PAPER) == audit(replace(PAPER))
    assert dict(PAPER.facts) == before


def test_a_variant_of_which_the_paper_says_nothing_changes_no_finding(findings: tuple[Finding, ...]) -> None:
    name, like = "vgg16-seventh", "vgg16-scratch"
    paper = replace(
        PAPER,
        variants={**PAPER.variants, name: replace(PAPER.variants[like], name=name)},
        sources={**PAPER.sources, name: PAPER.sources[like]},
        readings={**PAPER.readings, name: PAPER.readings[like]},
    )
    assert audit(paper) == findings


@pytest.mark.parametrize("width", [80, 150])
@pytest.mark.parametrize("details", [False, True])
def test_the_page_holds_everything_in_its_width(findings: tuple[Finding, ...], width: int, details: bool) -> None:
    text = printed(*findings, width=width, details=details)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    words = re.sub(r"\s+", "", text)
    for each in findings:
        assert f"{each.weight}  {each.name}\n" in re.sub(r" +\n", "\n", text)
        assert re.sub(r"\s+", "", each.statement) in words
        assert (re.sub(r"\s+", "", each.arithmetic.splitlines()[0]) in words) or not details


def test_the_page_has_numbers_places_and_counts() -> None:
    text = printed(EXAMPLE, replace(EXAMPLE, name="another", grade="unsaid", weight=3, source=None))
    assert "in the paper: Table 6: 0.6723; VGG16 Trained from Scratch: 67.08 %; Figure 20: matrix" in text
    assert "beside it: a source | beside it" in text
    assert "[sic]" in text  # what rich would take for markup
    assert "2 findings: 1 contradictory and 1 unsaid; 1 of weight 3" in text
    assert text.index("contradictory ─") < text.index("an-example") < text.index("unsaid ─") < text.index("another")
    assert "two statements, of the paper or of a source named beside it, not both true\n" in re.sub(r" +\n", "\n", text)


def test_without_details_only_what_is_said() -> None:
    text = printed(EXAMPLE, details=False)
    assert EXAMPLE.statement in text
    assert "in points" not in text
    assert "Table 6" not in text


def test_an_empty_audit_says_so() -> None:
    assert "0 findings: nothing; 0 of weight 3" in printed()


def test_a_finding_that_rests_on_no_number_has_no_line_of_them() -> None:
    assert "in the paper" not in printed(replace(EXAMPLE, facts=()))


def test_torn_digits_are_shown_whole() -> None:
    finding = replace(EXAMPLE, facts=("vgg16-transfer.accuracy.table-6", "vgg16-transfer.seconds.table-6"))
    assert numbers_of(finding, PAPER.facts) == "Table 6: 0.6715, 16304.71 s"
