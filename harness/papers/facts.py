"""Typed access to what the paper reports.

Each number that the paper prints is a `Fact` of its own, also where it says the same thing twice: what it says of
one run in several places need not agree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from harness.errors import UserError
from harness.interface import CLASSES
from harness.strictness import STRICT

Unit = Literal[
    "percent", "fraction", "seconds", "minutes", "epochs", "images", "parameters", "million-parameters", "pixels",
    "layers", "neurons", "nats", "grey-levels", "rate", "gigabytes", "year", "count",
]  # fmt: skip
"""A unit that is none of these is refused."""

MAXIMUM_QUOTED_WORDS: Final = 20

_SCALES: Final[Mapping[str, float]] = {"percent": 0.01, "million-parameters": 1e6}


class PaperError(UserError, ValueError):
    """A paper's folder that is missing or broken. The message says what was seen, what was expected, and what to do."""


class FactError(PaperError):
    """A fact that does not exist or cannot be one. The message names it."""


@dataclass(frozen=True)
class Fact:
    """One number, or one row of numbers, as the paper prints it.

    Attributes:
        name: `subject.quantity.where`, such as `vgg16-scratch.accuracy.table-6`.
        printed: Its digits as they stand in the paper, without the unit.
        unit: Of what is printed.
        place: Section, table or figure.
        quote: At most 20 words around it, as they stand there up to white space.
        read_as: What is meant where the text of the paper broke the digits.
        row: Whether it is several numbers.
    """

    name: str
    printed: str
    unit: Unit
    place: str
    quote: str
    read_as: str | None = None
    row: bool = False

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if len(self.name.split(".")) != 3:
            raise FactError(f"fact {self.name!r}: a name has three parts, subject.quantity.where")
        if len(self.quote.split()) > MAXIMUM_QUOTED_WORDS:
            raise FactError(f"{self.name}: a quote of {len(self.quote.split())} words; at most {MAXIMUM_QUOTED_WORDS}")
        try:
            numbers = self.values
        except ValueError as error:
            raise FactError(f"{self.name}: {self.read_as or self.printed!r} is no number; set read_as") from error
        if len(numbers) == 0 or (len(numbers) > 1) != self.row:
            raise FactError(f"{self.name}: {self.printed!r} with row = {self.row}")

    @property
    def subject(self) -> str:
        """What it is said of: a variant, `dataset`, `literature` …"""
        return self.name.split(".")[0]

    @property
    def quantity(self) -> str:
        """What is said: `accuracy`, `seconds` …"""
        return self.name.split(".")[1]

    @property
    def where(self) -> str:
        """Which of several mentions: `table-6`, `text` …"""
        return self.name.split(".")[2]

    @property
    def value(self) -> float:
        """The number in its base unit: accuracies as fractions, times in the unit that is printed, counts as they are.

        Raises:
            FactError: If it is a row.
        """
        if self.row:
            raise FactError(f"{self.name} is a row; ask for its values")
        return self.values[0]

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers of a row in their base unit, or the only one."""
        scale = _SCALES.get(self.unit)
        numbers = (float(digits) for digits in self._digits())
        return tuple(numbers) if scale is None else tuple(round(number * scale, 12) for number in numbers)

    @property
    def resolution(self) -> float:
        """One unit of the last printed digit, in the base unit: 0.0001 for 67.23 per cent."""
        decimals = len(self._digits()[0].partition(".")[2])
        return float(10.0**-decimals * _SCALES.get(self.unit, 1.0))

    def _digits(self) -> list[str]:
        text = self.read_as or self.printed
        if self.row:
            return [each.replace(",", "") for each in re.split(r",?\s+", text.strip())]
        whole = text.replace(" ", "")
        if re.fullmatch(r"\d+,\d{1,2}", whole):  # a decimal comma; thousands have three digits behind theirs
            whole = whole.replace(",", ".")
        return [whole.replace(",", "")]


class Facts(Mapping[str, Fact]):
    """All facts by name, in the order of `facts.toml`."""

    def __init__(self, entries: Mapping[str, Fact]) -> None:
        self._entries = dict(entries)
        self._mentions: dict[tuple[str, str], list[Fact]] = {}
        for each in self._entries.values():
            self._mentions.setdefault((each.subject, each.quantity), []).append(each)

    def __getitem__(self, name: str) -> Fact:
        try:
            return self._entries[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._entries, n=3)
            raise FactError(f"no fact {name!r} in facts.toml; near it are {', '.join(near) or 'none'}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def mentions(self, subject: str, quantity: str) -> tuple[Fact, ...]:
        """All that the paper says of one quantity, the headline first; empty if it says nothing."""
        return tuple(self._mentions.get((subject, quantity), ()))

    def headline(self, subject: str, quantity: str) -> Fact:
        """The first mention: Table 6's where the quantity stands there.

        Raises:
            FactError: If the paper says nothing of it.
        """
        found = self.mentions(subject, quantity)
        if not found:
            raise FactError(f"the paper says nothing of {subject}'s {quantity}")
        return found[0]

    def has_confusion(self, subject: str) -> bool:
        """Return whether the paper prints a variant's confusion matrix so that it can be read."""
        return all(self.mentions(subject, f"confusion-{name}") for name in CLASSES)

    def confusion(self, subject: str) -> NDArray[np.int64]:
        """Return the confusion matrix of a variant, counts.

        Returns:
            Shape (7, 7), row = label, column = answer, in the order of `CLASSES`, which is the figures' own.

        Raises:
            FactError: If the paper prints none, or none that can be read.
        """
        if not self.has_confusion(subject):
            known = dict.fromkeys(each.subject for each in self.values() if self.has_confusion(each.subject))
            raise FactError(
                f"the paper has no legible confusion matrix of {subject}; it has {', '.join(known) or 'none'}"
            )
        rows = [self.headline(subject, f"confusion-{name}") for name in CLASSES]
        return np.array([row.values for row in rows], dtype=np.int64)

    def replaced(self, printed: Mapping[str, str]) -> Facts:
        """A copy in which the paper prints other digits: what would follow if it did?

        Raises:
            FactError: If there is no such fact.
        """
        changed = {name: replace(self[name], printed=digits, read_as=None) for name, digits in printed.items()}
        return Facts({**self._entries, **changed})


@dataclass(frozen=True)
class Ignored:
    """Digits of the paper that are no fact: `pattern` is a regular expression over its text."""

    pattern: str
    reason: str

    __pydantic_config__ = STRICT


def read_facts(tables: Mapping[str, Any]) -> Facts:
    """Facts from the tables `[subject.quantity]`, each holding its mentions.

    Raises:
        FactError: If a field, a unit or a name is none, or one number has been entered twice.
    """
    found: dict[str, Fact] = {}
    adapter = TypeAdapter(Fact)
    for subject, quantities in tables.items():
        if subject == "ignored":
            continue
        for quantity, mentions in quantities.items():
            for where, entry in mentions.items():
                name = f"{subject}.{quantity}.{where}"
                try:
                    found[name] = adapter.validate_python(entry | {"name": name})
                except ValidationError as error:
                    first = error.errors()[0]
                    raise FactError(f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    places: dict[tuple[str, ...], str] = {}
    for fact in found.values():
        key = (fact.subject, fact.quantity, fact.place, " ".join(fact.quote.split()), fact.printed)
        if key in places:
            raise FactError(f"{fact.name} and {places[key]} are the same number of the same words")
        places[key] = fact.name
    return Facts(found)
