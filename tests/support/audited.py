"""For tests of the audit: a module's findings, with facts as the paper prints them or with others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Final

from harness.papers import load_paper
from harness.papers.facts import (
    Fact,
    Facts,
    Unit,
)
from harness.papers.finding import Finding
from harness.papers.paper import Paper, Predicate

PAPER: Final = load_paper("jahangir2024")


@dataclass(frozen=True)
class Checks:
    """What a test takes for a module of the review."""

    PREDICATES: tuple[Predicate, ...]


Source = ModuleType | Checks
WRITTEN: Final = Checks((lambda paper: paper.review.find(paper.facts, paper.variants),))
"""The findings of `review.toml`."""


def found(module: Source, paper: Paper | None = None) -> dict[str, Finding]:
    """All findings of a module by name; fails where two share one."""
    return as_printed(module) if paper is None else _found(module, paper)


@cache
def as_printed(module: Source) -> dict[str, Finding]:
    return _found(module, PAPER)


def _found(module: Source, paper: Paper) -> dict[str, Finding]:
    findings = [finding for predicate in module.PREDICATES for finding in predicate(paper)]
    named = {finding.name: finding for finding in findings}
    assert len(named) == len(findings), sorted(finding.name for finding in findings)
    return named


def replaced(changes: Mapping[str, str]) -> Paper:
    return PAPER.replaced(changes)


def with_fact(name: str, printed: str, unit: Unit = "count", paper: Paper = PAPER) -> Paper:
    """The paper, had it said one thing more."""
    added = Fact(name=name, printed=printed, unit=unit, place="nowhere", quote=printed)
    return replace(paper, facts=Facts({**paper.facts, name: added}))


@cache
def with_nudged(module: Source, name: str) -> dict[str, Finding]:
    """All findings of a module, with one number changed."""
    return _found(module, nudged(name))


def nudged(name: str) -> Paper:
    """The paper with one number, or each number of a row, changed in its first digit, which no rounding hides."""
    fact = PAPER.facts[name]
    scale = {"percent": 100.0, "million-parameters": 1e-6}.get(fact.unit, 1.0)
    numbers = [value * scale for value in fact.values]
    return replaced({name: " ".join(f"{value + 10 ** (len(str(int(value))) - 1):.10g}" for value in numbers)})


def every_fact(module: Source) -> list[tuple[str, str]]:
    """Each finding of a module with each fact that it names."""
    return [(finding.name, name) for finding in found(module).values() for name in finding.facts]


def check_rests_on(module: Source, finding: str, name: str) -> None:
    """Fail where a finding stays to the letter what it is although a fact that it names is another."""
    before, after = found(module)[finding], with_nudged(module, name).get(finding)
    stays = after is not None and (after.statement, after.arithmetic) == (before.statement, before.arithmetic)
    assert not stays, f"{finding} names {name} and does not rest on it"


def check_changes(module: Source, finding: str, printed: Mapping[str, str], expected: str | None) -> None:
    """Fail where other facts neither take a finding away (expected None) nor put these words into it."""
    before, after = found(module)[finding], found(module, replaced(printed)).get(finding)
    if expected is None:
        assert after is None
        return
    assert after is not None
    assert expected in f"{after.statement}\n{after.arithmetic}"
    assert expected not in f"{before.statement}\n{before.arithmetic}"


def check_quotes(module: Source, paper_text: str) -> None:
    """Fail where a quote has more than 20 words, or the paper has not these words."""
    for quote in module.QUOTES:
        assert len(quote.words.split()) <= 20, quote
        assert " ".join(quote.words.split()) in paper_text, quote
