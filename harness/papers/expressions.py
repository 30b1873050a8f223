"""Short expressions over the numbers of a paper, and sentences with such expressions in braces; nothing is executed.

An expression is words with spaces between them. A word is one of

- a number: `0.004`;
- a fact by its name, `network-a.accuracy.table-1`; with asterisks, all facts whose names fit: `*.accuracy.table-1`;
- a name that the review gives to an expression, to a list of facts or to a number;
- `network.VARIANT.parameters` or `network.VARIANT.forward_flops`, counted from the variant's list of layers;
- `sum`, `count`, `largest` or `smallest` before a list: its total, its length, the fact of the largest value;
- `+`, `-`, `*` or `/`, taken from left to right without precedence;
- once at most, `<`, `<=`, `>`, `>=`, `==` or `!=`. A comparison selects: its value is what, of its left side, compares
  so with everything on its right side. As a condition it holds if anything is selected: `rows < human` holds if
  any row is less.

In a sentence `{expression}` is written as the paper prints it: shares in per cent, other facts by their digits, a list
with commas and "and". `{expression:format}` chooses: `points` (12.54 points), `signed_points` (+12.54 points),
`percent` (by the fact's own digits), `percent.1` (with one decimal), `mention` (67.23 % (Table 6)), one of the fact's
`printed`, `place`, `subject`, `quantity`, `quote` and `name`, `called` (the fact's variant in words), or a
format of Python for the value: `,.0f`. A format
with braces of its own is a sentence for each member of a list, called `each`: `{rows:{each:subject} at {each}}`.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from string import Formatter
from typing import Final

from harness.architectures import count_parameters, forward_flops
from harness.papers.facts import Fact, Facts
from harness.papers.wording import described, listed, mention, percent, points, share, signed_points
from harness.variant import Variant

Quantity = float | Fact
Value = Quantity | tuple[Quantity, ...]
Named = str | float | Sequence[str]
"""What a review gives a name: an expression, a number, or a list of expressions."""

_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_COUNTS: Final[Mapping[str, Callable[[Variant], int]]] = {
    "parameters": count_parameters, "forward_flops": forward_flops,
}  # fmt: skip
_ATTRIBUTES: Final = ("printed", "place", "subject", "quantity", "quote", "name")


class ExpressionError(ValueError):
    """An expression that has no value, or a format that does not suit one. The message shows it."""


def number(quantity: Quantity) -> float:
    """The value of a fact, in its base unit; a number as it is."""
    return quantity.value if isinstance(quantity, Fact) else quantity


def members(value: Value) -> tuple[Quantity, ...]:
    """The members of a list, or the only one."""
    return value if isinstance(value, tuple) else (value,)


def _total(found: Sequence[Quantity]) -> float:
    return float(sum(map(number, found)))


_FUNCTIONS: Final[Mapping[str, Callable[[Sequence[Quantity]], Quantity]]] = {
    "sum": _total,
    "count": len,
    "largest": lambda found: max(found, key=number),
    "smallest": lambda found: min(found, key=number),
}


class Scope:
    """What the words of an expression mean.

    Args:
        facts: What the paper reports.
        variants: By name, for what is counted from their layers.
        names: What the review gives names to; values that are known already stay as they are.
    """

    def __init__(
        self, facts: Facts, variants: Mapping[str, Variant], names: Mapping[str, Named | Value] | None = None
    ) -> None:
        self._facts = facts
        self._variants = variants
        self._names = dict(names or {})

    def with_names(self, names: Mapping[str, Named | Value]) -> Scope:
        """A copy that knows more names; a new one hides an old one."""
        return Scope(self._facts, self._variants, {**self._names, **names})

    def value(self, expression: str) -> Value:
        """The value of an expression.

        Raises:
            ExpressionError: If it has none.
        """
        words = expression.split()
        places = [place for place, word in enumerate(words) if word in _COMPARISONS]
        if not places:
            return self._arithmetic(words)
        if len(places) > 1:
            raise ExpressionError(f"{expression!r} has {len(places)} comparisons; expected one at most")
        compare = _COMPARISONS[words[places[0]]]
        left, right = self._arithmetic(words[: places[0]]), self._arithmetic(words[places[0] + 1 :])
        wanted = [number(each) for each in members(right)]
        return tuple(each for each in members(left) if all(compare(number(each), other) for other in wanted))

    def holds(self, condition: str) -> bool:
        """Whether a comparison selects anything.

        Raises:
            ExpressionError: If it has no value.
        """
        return bool(members(self.value(condition)))

    def written(self, sentence: str) -> str:
        """A sentence with the value of each expression in its place.

        Raises:
            ExpressionError: If an expression has no value, or a format does not suit it.
        """
        parts: list[str] = []
        for words, expression, layout, _ in Formatter().parse(sentence):
            parts.append(words)
            if expression is not None:
                try:
                    parts.append(self._written(self.value(expression), layout or ""))
                except (KeyError, ValueError) as error:
                    raise ExpressionError(f"{{{expression}{':' if layout else ''}{layout}}}: {error}") from error
        return "".join(parts)

    def _written(self, value: Value, layout: str) -> str:
        if "{" in layout:
            return listed(self.with_names({"each": each}).written(layout) for each in members(value))
        if layout == "called":
            subjects = [each.subject for each in members(value) if isinstance(each, Fact)]
            return listed(described(self._variants[subject]) for subject in subjects)
        return written(value, layout)

    def facts_of(self, expression: str) -> tuple[str, ...]:
        """Names of the paper's facts in the value of an expression.

        Raises:
            ExpressionError: If it has no value.
        """
        return tuple(
            each.name for each in members(self.value(expression)) if isinstance(each, Fact) and each.name in self._facts
        )

    def _arithmetic(self, words: Sequence[str]) -> Value:
        """From left to right: an operand, then operators and operands in turns."""
        value, rest = self._operand(words)
        while rest:
            sign, *rest = rest
            if sign not in _ARITHMETIC:
                raise ExpressionError(
                    f"{' '.join(words)!r}: {sign!r} where one of {', '.join(_ARITHMETIC)} is expected"
                )
            other, rest = self._operand(rest)
            if isinstance(value, tuple) or isinstance(other, tuple):
                raise ExpressionError(f"{' '.join(words)!r} reckons with a list; expected numbers, or `sum` before it")
            value = _ARITHMETIC[sign](number(value), number(other))
        return value

    def _operand(self, words: Sequence[str]) -> tuple[Value, Sequence[str]]:
        if not words:
            raise ExpressionError("an operand is missing")
        if words[0] in _FUNCTIONS:
            value, rest = self._operand(words[1:])
            if not members(value) and words[0] in ("largest", "smallest"):
                raise ExpressionError(f"{words[0]} {words[1]}: the list is empty")
            return _FUNCTIONS[words[0]](members(value)), rest
        return self._word(words[0]), words[1:]

    def _word(self, word: str) -> Value:
        if word in self._names:
            return self._named(word, self._names[word])
        if "*" in word:
            return tuple(fact for name, fact in self._facts.items() if fnmatchcase(name, word))
        if word in self._facts:
            return self._facts[word]
        subject, variant, count = (*word.split("."), "", "")[:3]
        if subject == "network" and variant in self._variants and count in _COUNTS:
            return float(_COUNTS[count](self._variants[variant]))
        try:
            return float(word)
        except ValueError:
            near = difflib.get_close_matches(word, [*self._names, *self._facts], n=3)
            raise ExpressionError(
                f"{word!r} is no number, no name and no fact; near it are {', '.join(near) or 'none'}"
            ) from None

    def _named(self, word: str, meaning: Named | Value) -> Value:
        if isinstance(meaning, str):
            # without the name itself, so that one that means itself is an error and no endless search
            outer = Scope(self._facts, self._variants, {key: each for key, each in self._names.items() if key != word})
            return outer.value(meaning)
        if isinstance(meaning, Sequence) and not isinstance(meaning, tuple):
            return tuple(each for expression in meaning for each in members(self._named(word, expression)))
        return meaning if isinstance(meaning, (Fact, tuple)) else float(meaning)


def written(value: Value, layout: str = "") -> str:
    """A value as people read it.

    Args:
        value: A list is written member by member, each text once.
        layout: As the module's docstring lists them.

    Raises:
        ValueError: If the format does not suit the value.
    """
    if isinstance(value, tuple):
        if not value:
            raise ValueError("the list is empty")
        return listed(dict.fromkeys(written(each, layout) for each in value))
    name, _, decimals = layout.partition(".")
    if name == "percent" and decimals:
        return share(number(value), int(decimals))
    if layout == "points":
        return points(number(value))
    if layout == "signed_points":
        return signed_points(number(value))
    if isinstance(value, Fact):
        return _written_fact(value, layout)
    return format(value, layout)


def _written_fact(fact: Fact, layout: str) -> str:
    if layout == "mention":
        return mention(fact)
    if layout in _ATTRIBUTES:
        return str(getattr(fact, layout))
    if layout and layout != "percent":
        return format(fact.value, layout)
    return percent(fact) if layout or fact.unit in ("percent", "fraction") else fact.printed
