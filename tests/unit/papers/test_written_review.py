"""Findings that are data: what stands in a `review.toml` becomes a finding, and an error names its place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from harness.papers import written_review
from harness.papers.facts import Facts
from harness.papers.finding import Finding
from harness.papers.written_review import ReviewError, read_review
from tests.unit.papers.test_expressions import fact

FACTS = Facts(
    {
        each.name: each
        for each in (
            fact("network-a.accuracy.table-1", "67.23"),
            fact("network-b.accuracy.table-1", "65.00"),
            fact("dataset.test-happy.table-2", "600", "images"),
            fact("dataset.test-sad.table-2", "400", "images"),
        )
    }
)
EXAMPLE = written_review.__doc__.partition("```toml\n")[2].partition("```")[0] if written_review.__doc__ else ""


def tables() -> dict[str, Any]:
    return tomllib.loads(EXAMPLE)


def find(tables: Mapping[str, Any], facts: Facts = FACTS) -> list[Finding]:
    return list(read_review(tables).find(facts, {}))


def entry(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The example with other keys in its finding."""
    found = tables()
    found["findings"]["b-is-said-to-be-better"] |= changes
    return found


def test_the_documented_example_is_a_finding() -> None:
    assert find(tables()) == [
        Finding(
            name="b-is-said-to-be-better",
            grade="contradictory",
            weight=3,
            statement="B “is the better network” (Conclusion): 65.00 %, A 67.23 %, 2.23 points more.",
            arithmetic="67.23 % − 65.00 % = +2.23 points\n-6.20 points of 1,000 images",
            facts=("network-a.accuracy.table-1", "network-b.accuracy.table-1"),
            source="what it rests on outside the paper",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({"when": ["a < b"]}, False),
        ({"when": ["b < a", "a < b"]}, False),
        ({"when": ["b < a", ["a < b", "b < a"]]}, True),
        ({"unless_printed": ["*.accuracy.*"]}, False),
        ({"unless_printed": []}, True),
    ],
)
def test_conditions(changes: dict[str, Any], there: bool) -> None:
    assert bool(find(entry(changes))) is there


def test_it_changes_with_its_facts() -> None:
    assert find(tables(), FACTS.replaced({"network-b.accuracy.table-1": "67.24"})) == []
    (found,) = find(tables(), FACTS.replaced({"network-b.accuracy.table-1": "57.23"}))
    assert found.arithmetic.startswith("67.23 % − 57.23 % = +10.00 points")


def test_without_facts_its_own_names_of_facts_are_them() -> None:
    changed = entry({})
    written = changed["findings"]["b-is-said-to-be-better"]
    del written["facts"]
    written["names"] = {
        "b": written["names"]["b"],
        "a": written["names"]["a"],
        "lead": "a - b",
        "c": ["a", "b"],
        "d": 3,
    }
    assert find(changed)[0].facts == ("network-b.accuracy.table-1", "network-a.accuracy.table-1")


def test_parts_of_a_text() -> None:
    (found,) = find(
        entry(
            {
                "statement": [
                    "A{a}",
                    {"text": ", and\n more", "when": ["b < a"]},
                    {"text": ", not", "when": ["a < b"]},
                    ".",
                ],
                "arithmetic": ["first", {"text": "{each:subject}: {each}", "each": "models"}],
                "source": ["one", {"text": "{each:place}", "each": "champion"}],
            }
        )
    )
    assert found.statement == "A67.23 %, and more."
    assert found.arithmetic == "first\nnetwork-a: 67.23 %\nnetwork-b: 65.00 %"
    assert found.source == "one; who published it where"


def test_the_papers_words_are_known() -> None:
    assert list(read_review(tables()).quotes()) == ["is the better network"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grade": "wrong"}, "findings.b-is-said-to-be-better.grade: Input should be 'impossible'"),
        ({"colour": "red"}, "findings.b-is-said-to-be-better.colour: Unexpected keyword argument"),
        ({"statement": f"It says “{'word ' * 21}”."}, "a quote of more than 20 words"),
        ({"statement": ["one", {"txet": "two"}]}, "findings.b-is-said-to-be-better.statement"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ReviewError) as caught:
        read_review(entry(changes))
    assert words in str(caught.value)


def test_what_does_not_suit_the_paper_is_told_with_its_finding() -> None:
    with pytest.raises(ReviewError, match=r"finding b-is-said-to-be-better of review\.toml: .*'network-z"):
        find(entry({"arithmetic": "{network-z.accuracy.table-1}"}))
