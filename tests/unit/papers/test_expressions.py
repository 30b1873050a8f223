"""Expressions over facts, and sentences that hold them."""

from __future__ import annotations

import pytest

from harness.architectures import count_parameters
from harness.papers.expressions import ExpressionError, Scope, Value, members, number
from harness.papers.facts import Fact, Facts, Unit
from tests.support.papers import PAPER


def fact(name: str, printed: str, unit: Unit = "percent") -> Fact:
    return Fact(name, printed, unit, place=f"Place of {name.split('.')[2]}", quote=printed)


FACTS = Facts(
    {
        each.name: each
        for each in (
            fact("net-a.accuracy.table-1", "67.23"),
            fact("net-b.accuracy.table-1", "0.48", "fraction"),
            fact("net-c.accuracy.table-1", "67.23"),
            fact("net-a.seconds.table-1", "1,218.66", "seconds"),
            fact("net-b.seconds.table-1", "2000", "seconds"),
        )
    }
)
SCOPE = Scope(
    FACTS,
    PAPER.variants,
    {
        "a": "net-a.accuracy.table-1",
        "b": "net-b.accuracy.table-1",
        "both": ["a", "b"],
        "lead": "a - b",
        "human": 0.655,
        "below": "both < human",
        "itself": "itself + 1",
    },
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0.004", 0.004),
        ("net-a.accuracy.table-1", 0.6723),
        ("lead", 0.6723 - 0.48),
        ("1 + 2 * 3", 9.0),  # from left to right
        ("sum *.seconds.*", 3218.66),
        ("count *.accuracy.table-1", 3),
        ("count *.seeds.*", 0),
        ("largest *.seconds.* / smallest *.seconds.*", 2000 / 1218.66),
        ("network.vgg16-scratch.parameters", float(count_parameters(PAPER.variants["vgg16-scratch"]))),
        ("a - human", 0.6723 - 0.655),
    ],
)
def test_an_expression_has_a_number(expression: str, expected: float) -> None:
    (value,) = members(SCOPE.value(expression))
    assert number(value) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("both < human", ["net-b"]),
        ("both >= human", ["net-a"]),
        ("both != a", ["net-b"]),
        ("b == both", []),  # equal to one of them and not to all
        ("both <= both", ["net-b"]),
        ("below", ["net-b"]),
    ],
)
def test_a_comparison_selects_what_holds_against_everything(comparison: str, expected: list[str]) -> None:
    found: Value = SCOPE.value(comparison)
    assert [each.subject for each in members(found) if isinstance(each, Fact)] == expected
    assert SCOPE.holds(comparison) is bool(expected)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("{a}, {b}", "67.23 %, 48 %"),
        ("{a:mention}", "67.23 % (Place of table-1)"),
        ("{lead:points}", "19.23 points"),
        ("{b - a:signed_points}", "−19.23 points"),
        ("{human:percent.1} or {a:percent.0}", "65.5 % or 67 %"),
        ("{both}", "67.23 % and 48 %"),
        ("{*.accuracy.table-1}", "67.23 % and 48 %"),  # each text once
        ("{*.accuracy.table-1:subject}", "net-a, net-b and net-c"),
        ("{net-a.seconds.table-1} s", "1,218.66 s"),
        ("{net-a.seconds.table-1:,.0f} s at {a:place}", "1,219 s at Place of table-1"),
        ("{count both}", "2"),
        ("{{braces}}", "{braces}"),
    ],
)
def test_sentences_hold_values(sentence: str, expected: str) -> None:
    assert SCOPE.written(sentence) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (
            "net-a.accuracy.table-2",
            "'net-a.accuracy.table-2' is no number, no name and no fact; near it are net-a.accu",
        ),
        ("a -", "an operand is missing"),
        ("a b", "'a b': 'b' where one of +, -, *, / is expected"),
        ("both + 1", "reckons with a list"),
        ("1 < 2 < 3", "has 2 comparisons"),
        ("largest *.seeds.*", "the list is empty"),
        ("itself", "'itself' is no number"),
        ("network.vgg16-scratch.colour", "no number, no name and no fact"),
    ],
)
def test_what_has_no_value_is_told(expression: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        SCOPE.value(expression)
    assert words in str(caught.value)


@pytest.mark.parametrize("sentence", ["{a:colour}", "{*.seeds.*}", "{nobody}", "{lead:mention}"])
def test_what_cannot_be_written_is_told_with_its_place(sentence: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        SCOPE.written(sentence)
    assert sentence in str(caught.value)


def test_a_new_name_hides_an_old_one() -> None:
    assert SCOPE.with_names({"a": 1.0}).written("{a + 1:.0f}") == "2"
    assert SCOPE.written("{a}") == "67.23 %"


def test_facts_of_an_expression_are_the_papers() -> None:
    outside = SCOPE.with_names({"champion": fact("published.champion.source", "71.2")})
    assert outside.facts_of("both") == ("net-a.accuracy.table-1", "net-b.accuracy.table-1")
    assert outside.facts_of("below") == ("net-b.accuracy.table-1",)
    assert outside.facts_of("lead") == outside.facts_of("champion") == ()
