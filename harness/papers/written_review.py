"""A review as data: what contradicts itself in a paper, sentence against number, in its folder's `review.toml`.

```toml
[names]  # for all findings: numbers, lists of facts, expressions
models = ["network-a.accuracy.table-1", "network-b.accuracy.table-1"]
tested = "sum dataset.test-*.table-2"

[published.champion]  # a figure from elsewhere, under the name `champion`; {champion:quote} is what it is called
quote = "the winner of the contest"
printed = "71.2"
unit = "percent"
source = "who published it where"

[findings.b-is-said-to-be-better]  # its name: unique in the paper, words joined by hyphens
grade = "contradictory"  # one of `harness.papers.finding.GRADES`
weight = 3  # 3: a conclusion of the paper falls; 2: a reported number; 1: a detail
when = ["b < a"]  # all must hold, or there is no such finding; of a list in the list one is enough
unless_printed = ["*.seeds.*"]  # optional: no finding if the paper prints any fact whose name fits
statement = \"""
    B “is the better network” (Conclusion): {b}, A {a}, {a - b:points} more.\"""
arithmetic = \"""
    {a} − {b} = {a - b:signed_points}
    {b - champion:points} of {tested:,.0f} images\"""
source = "what it rests on outside the paper"  # optional
facts = ["a", "b"]  # optional: else the facts and lists of facts among its own names, in their order

[findings.b-is-said-to-be-better.names]  # its own
a = "network-a.accuracy.table-1"
b = "network-b.accuracy.table-1"
```

What an expression may be, and what stands in braces, is in `harness.papers.expressions`. Words of the paper stand
between “ and ” as the paper prints them, at most 20. White space counts as one space; each line of `arithmetic` is one.

`statement`, `arithmetic` and `source` may also be lists of parts: a text, or a table with `text` and `when`, conditions
of this part; or with `each`, a list: the text once for each of its members, called `each`. Parts of a statement follow
each other, those of an arithmetic are lines, those of a source are joined by semicolons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from harness.errors import UserError
from harness.papers.expressions import ExpressionError, Scope, members
from harness.papers.facts import MAXIMUM_QUOTED_WORDS, Fact, FactError, Facts, Unit
from harness.papers.finding import Finding, Grade, Weight
from harness.strictness import STRICT
from harness.variant import Variant

_QUOTES: Final = re.compile("“([^”{]*)”")

Conditions = tuple[str | tuple[str, ...], ...]


class ReviewError(UserError, ValueError):
    """A `review.toml` that is none, or a finding in it that does not suit the paper. The message names the place."""


@dataclass(frozen=True)
class Part:
    """A text of a finding that is not always there, or there several times.

    Attributes:
        text: With expressions in braces.
        when: Conditions, all of which must hold.
        each: An expression; the text stands once for each member of its value.
    """

    text: str
    when: Conditions = ()
    each: str | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Published:
    """A figure from outside the paper.

    Attributes:
        quote: What it is called.
        printed: Its digits.
        unit: Of what is printed.
        source: Where it stands.
    """

    quote: str
    printed: str
    unit: Unit
    source: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Entry:
    """A finding as it stands in `review.toml`; its attributes are explained in the module's docstring."""

    grade: Grade
    weight: Weight
    statement: str | tuple[str | Part, ...]
    arithmetic: str | tuple[str | Part, ...]
    names: Mapping[str, str | float | list[str]] = field(default_factory=dict)
    when: Conditions = ()
    unless_printed: tuple[str, ...] = ()
    facts: tuple[str, ...] | None = None
    source: str | tuple[str | Part, ...] | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        for words in self.quotes():
            if len(words.split()) > MAXIMUM_QUOTED_WORDS:
                raise ValueError(f"a quote of more than {MAXIMUM_QUOTED_WORDS} words: “{words}”")

    def quotes(self) -> Iterator[str]:
        """Yield the words of the paper in the statement and in the arithmetic, on one line each."""
        for part in (*_parts(self.statement), *_parts(self.arithmetic)):
            yield from _QUOTES.findall(_on_one_line(part.text))


@dataclass(frozen=True)
class WrittenReview:
    """All findings of a `review.toml`.

    Attributes:
        findings: By name.
        names: For all of them.
        published: Figures from outside the paper, by name.
    """

    findings: Mapping[str, Entry] = field(default_factory=dict)
    names: Mapping[str, str | float | list[str]] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)

    __pydantic_config__ = STRICT

    def find(self, facts: Facts, variants: Mapping[str, Variant]) -> Iterator[Finding]:
        """Yield the findings for which the facts give reason.

        Args:
            facts: What the paper reports.
            variants: Of the paper, by name.

        Raises:
            ReviewError: If a finding names what the paper has not, or its expressions make no sense.
        """
        scope = self.scope(facts, variants)
        for name, entry in self.findings.items():
            try:
                if _is_given(entry, scope.with_names(entry.names)):
                    yield _finding(name, entry, scope.with_names(entry.names))
            except (ExpressionError, FactError) as error:
                raise ReviewError(f"finding {name} of review.toml: {error}") from error

    def scope(self, facts: Facts, variants: Mapping[str, Variant]) -> Scope:
        """The names that all findings know."""
        published = {
            name: Fact(f"published.{name}.source", each.printed, each.unit, each.source, each.quote)
            for name, each in self.published.items()
        }
        return Scope(facts, variants, {**self.names, **published})

    def quotes(self) -> Iterator[str]:
        """Yield the words of the paper that the findings quote."""
        for entry in self.findings.values():
            yield from entry.quotes()


def read_review(tables: Mapping[str, Any]) -> WrittenReview:
    """Findings from the tables of a `review.toml`.

    Raises:
        ReviewError: If a key or a value is none that is known.
    """
    try:
        return TypeAdapter(WrittenReview).validate_python(tables)
    except ValidationError as error:
        first = error.errors()[0]
        raise ReviewError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _finding(name: str, entry: Entry, scope: Scope) -> Finding:
    statement = _on_one_line("".join(_texts(entry.statement, scope)))
    lines = (line.strip() for text in _texts(entry.arithmetic, scope) for line in text.strip().splitlines())
    source = None if entry.source is None else "; ".join(map(_on_one_line, _texts(entry.source, scope)))
    chosen = _facts_among(entry.names) if entry.facts is None else entry.facts
    facts = dict.fromkeys(fact for expression in chosen for fact in scope.facts_of(expression))
    return Finding(name, entry.grade, entry.weight, statement, "\n".join(lines), tuple(facts), source or None)


def _is_given(entry: Entry, scope: Scope) -> bool:
    printed = (pattern for pattern in entry.unless_printed if members(scope.value(pattern)))
    return next(printed, None) is None and _all_hold(entry.when, scope)


def _all_hold(conditions: Conditions, scope: Scope) -> bool:
    return all(any(map(scope.holds, [each] if isinstance(each, str) else each)) for each in conditions)


def _texts(parts: str | Sequence[str | Part], scope: Scope) -> Iterator[str]:
    """The texts of those parts that are there."""
    for part in _parts(parts):
        if not _all_hold(part.when, scope):
            continue
        if part.each is None:
            yield scope.written(part.text)
        else:
            yield from (scope.with_names({"each": each}).written(part.text) for each in members(scope.value(part.each)))


def _parts(parts: str | Sequence[str | Part]) -> Iterator[Part]:
    for each in [parts] if isinstance(parts, str) else parts:
        yield Part(each) if isinstance(each, str) else each


def _facts_among(names: Mapping[str, str | float | list[str]]) -> Iterator[str]:
    """Names of a finding that stand for facts, or for lists of them, and for nothing reckoned."""
    for name, meaning in names.items():
        if not isinstance(meaning, float | int) and not any(
            " " in each for each in ([meaning] if isinstance(meaning, str) else meaning)
        ):
            yield name


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
