"""The paper's numbers: all of them, each once, each where its quote says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from harness.interface import CLASSES
from harness.papers.facts import Fact, FactError, Facts, read_facts
from tests.support.papers import PAPER

WORDS = (
    r"(?i:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|twenty|thirty"
    r"|forty-nine|forty|fifty|sixty|hundred|thousand|twice|half|halving)"
)
"""Numbers in letters. "One" is a pronoun too often, and million is a unit here."""
NUMBER = re.compile(rf"\d|\b{WORDS}\b")
ENTRY = {"printed": "67.23", "unit": "percent", "place": "Table 6", "quote": "an accuracy of 67.23%"}


def without_references(text: str) -> str:
    return text[: text.index("References: -")]


def candidates(fact: Fact, text: str) -> Iterator[tuple[int, int]]:
    """Where the fact's digits stand within its quote, in the text."""
    quote = " ".join(fact.quote.split())
    digits = re.compile(rf"(?<![\d.,])(?<!\w){re.escape(fact.printed)}(?!\d|[.,]\d)")
    start = text.find(quote)
    while start >= 0:
        for match in digits.finditer(quote):
            yield start + match.start(), start + match.end()
        start = text.find(quote, start + 1)


def place_facts(paper: Facts, text: str) -> tuple[dict[tuple[int, int], list[Fact]], list[str]]:
    """Each fact at the first place that no other fact of its subject and quantity has, and what finds none."""
    taken: dict[tuple[int, int], list[Fact]] = {}
    homeless = []
    for fact in paper.values():
        for span in candidates(fact, text):
            if all((each.subject, each.quantity) != (fact.subject, fact.quantity) for each in taken.get(span, [])):
                taken.setdefault(span, []).append(fact)
                break
        else:
            homeless.append(f"{fact.name}: {fact.printed!r} in {fact.quote!r}")
    return taken, homeless


def uncovered(paper: Facts, text: str) -> list[str]:
    """Numbers that are neither a fact nor ignored, each with its surroundings."""
    covered = bytearray(len(text))
    spans = [
        *place_facts(paper, text)[0],
        *(m.span() for each in PAPER.ignored for m in re.finditer(each.pattern, text)),
    ]
    for start, end in spans:
        covered[start:end] = b"\1" * (end - start)
    missing = [match.start() for match in NUMBER.finditer(text) if not covered[match.start()]]
    return [f"…{text[max(0, place - 60) : place]}>>{text[place : place + 40]}…" for place in missing]


def test_every_quote_stands_in_the_paper_and_holds_its_number(paper_text: str) -> None:
    assert place_facts(PAPER.facts, without_references(paper_text))[1] == []


def test_every_number_of_the_paper_is_a_fact_or_ignored_with_a_reason(paper_text: str) -> None:
    assert uncovered(PAPER.facts, without_references(paper_text)) == []


@pytest.mark.parametrize("name", ["vgg16-scratch.accuracy.abstract", "vgg16-transfer.plateau-patience.text"])
def test_a_number_that_is_left_out_is_missed(paper_text: str, name: str) -> None:
    text = without_references(paper_text)
    fewer = Facts({each: fact for each, fact in PAPER.facts.items() if each != name})
    assert len(uncovered(fewer, text)) >= 1


def test_a_second_mention_needs_an_entry_of_its_own() -> None:
    text = "it reached 5 % and it reached 5 %"
    entry = {"printed": "5", "unit": "percent", "place": "here", "quote": "it reached 5 %"}
    once = read_facts({"a": {"accuracy": {"text": entry}}})
    assert len(uncovered(once, text)) == 1


def test_a_quote_that_is_not_there_is_found() -> None:
    entry = {"printed": "5", "unit": "percent", "place": "here", "quote": "it reached 5 %"}
    assert len(place_facts(read_facts({"a": {"accuracy": {"text": entry}}}), "it reached 15 %")[1]) == 1


@pytest.mark.parametrize(
    "words",
    [
        "Table 5 and 93", "Tables 7 to 9", "Figure 7 and 12 epochs", "Section 2 to 93", "comparable 93", "43.21 %",
        "99 epochs", "it has seven neurons", "two callbacks", "a change of - 800 images", "Conv2d 64",
    ],
)  # fmt: skip
def test_a_number_that_is_slipped_in_is_missed(paper_text: str, words: str) -> None:
    """Behind words that an ignored pattern begins with, as behind others."""
    place = without_references(paper_text).index("Pre-Trained Models:")
    altered = f"{paper_text[:place]}{words} {paper_text[place:]}"
    assert len(uncovered(PAPER.facts, without_references(altered))) >= 1


def said_of_two(paper: Facts, text: str) -> set[tuple[str, ...]]:
    """Facts whose digits are the same place in the paper."""
    return {tuple(fact.name for fact in found) for found in place_facts(paper, text)[0].values() if len(found) > 1}


SAID_OF_TWO = {
    # "in both transfer learning and fine-tuning"; "the training and validation loss"
    ("resnet50-transfer.seconds.times", "resnet50-fine-tune.seconds.times"),
    ("resnet50-fine-tune.training-loss.figure-13", "resnet50-fine-tune.loss.figure-13"),
}


def test_a_number_said_of_two_things_is_a_fact_of_both(paper_text: str) -> None:
    """That the digits are covered, one of the two would do."""
    text = without_references(paper_text)
    assert said_of_two(PAPER.facts, text) == SAID_OF_TWO
    for pair in SAID_OF_TWO:
        for name in pair:
            fewer = Facts({each: fact for each, fact in PAPER.facts.items() if each != name})
            assert pair not in said_of_two(fewer, text)


def test_every_ignored_pattern_is_needed(paper_text: str) -> None:
    text = without_references(paper_text)
    assert [each.pattern for each in PAPER.ignored if not re.search(each.pattern, text)] == []
    assert all(each.reason for each in PAPER.ignored)


@pytest.mark.parametrize("fact", PAPER.facts.values(), ids=PAPER.facts)
def test_printed_digits_stand_in_the_quote(fact: Fact) -> None:
    assert fact.printed in fact.quote


@pytest.mark.parametrize("name", PAPER.variants)
def test_table_6_is_the_headline(name: str) -> None:
    for quantity in ("accuracy", "training-accuracy", "seconds"):
        assert PAPER.facts.headline(name, quantity).where == "table-6"


@pytest.mark.parametrize("name", PAPER.confusions)
def test_matrices_hold_the_testing_column_of_table_2(name: str) -> None:
    matrix = PAPER.facts.confusion(name)
    expected = [PAPER.facts[f"dataset.test-{each}.table-2"].value for each in CLASSES]
    assert matrix.sum(axis=1).tolist() == expected
    assert matrix.sum() == 7178


def test_a_matrix_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(FactError, match="no legible confusion matrix of vgg16-transfer"):
        PAPER.facts.confusion("vgg16-transfer")


@pytest.mark.parametrize(
    ("printed", "unit", "value", "resolution"),
    [
        ("67.23", "percent", 0.6723, 1e-4),
        ("46.50", "percent", 0.465, 1e-4),
        ("67", "percent", 0.67, 1e-2),
        ("0. 6715", "fraction", 0.6715, 1e-4),
        ("16,304.71", "seconds", 16304.71, 1e-2),
        ("5771.00", "seconds", 5771.0, 1e-2),
        ("295,16 8", "parameters", 295168.0, 1.0),
        ("70,62", "percent", 0.7062, 1e-4),
        ("138", "million-parameters", 138e6, 1e6),
    ],
)
def test_digits_become_values(printed: str, unit: str, value: float, resolution: float) -> None:
    fact = Fact("a.b.c", printed, unit, "here", printed)  # type: ignore[arg-type]
    assert fact.value == pytest.approx(value, rel=1e-12)
    assert fact.resolution == pytest.approx(resolution, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "parsec"}, "unit"),
        ({"printed": "none"}, "no number"),
        ({"quote": "word " * 21}, "21 words"),
        ({"page": 3}, "page"),
        ({"printed": "1 2", "row": False}, None),
        ({"row": True}, "row = True"),
    ],
)
def test_what_is_no_fact_is_refused(change: dict[str, object], message: str | None) -> None:
    tables = {"a": {"accuracy": {"text": ENTRY | change}}}
    if message is None:
        assert read_facts(tables)["a.accuracy.text"].value == pytest.approx(0.12)  # a blank that broke the digits
        return
    with pytest.raises(FactError, match=message):
        read_facts(tables)


def test_one_number_entered_twice_is_refused() -> None:
    with pytest.raises(FactError, match=r"a\.accuracy\.again and a\.accuracy\.text are the same number"):
        read_facts({"a": {"accuracy": {"text": ENTRY, "again": ENTRY}}})


def test_unknown_names_are_refused_with_their_neighbours() -> None:
    with pytest.raises(FactError, match=r"near it are vgg16-scratch\.accuracy\.table-6"):
        PAPER.facts["vgg16-scratch.accuracy.tabel-6"]
    with pytest.raises(FactError, match="says nothing"):
        PAPER.facts.headline("vgg16-scratch", "momentum")
    with pytest.raises(FactError, match="is a row"):
        _ = PAPER.facts["vgg16-scratch.confusion-fear.figure-20"].value


def test_replaced_leaves_the_paper_alone() -> None:
    other = PAPER.facts.replaced({"vgg16-scratch.accuracy.table-6": "0.5"})
    assert other["vgg16-scratch.accuracy.table-6"].value == 0.5
    assert PAPER.facts["vgg16-scratch.accuracy.table-6"].value == 0.6723
    with pytest.raises(FactError, match="no fact"):
        PAPER.facts.replaced({"vgg16-scratch.accuracy.table-7": "0.5"})
