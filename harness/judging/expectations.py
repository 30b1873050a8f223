"""The bands, from what the paper says (`facts.toml`) and what we declare (`bands.toml`).

Expected values are facts by name, so that no number of the paper is typed here or in `bands.toml`; what follows from
the paper's own contradictions and roundings is computed.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter

from harness.judging.error_budget import (
    QUANTITIES,
    Band,
    Part,
    Quantity,
)
from harness.judging.verdicts import FACTOR, POINTS
from harness.papers.facts import (
    CONFUSIONS,
    Fact,
    FactError,
    Facts,
    facts,
)
from harness.papers.variants import VARIANTS

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class _Unsaid:
    """Declared by us: a fraction, or a factor above 1."""

    reason: str
    size: float | None = None
    factor: float | None = None

    __pydantic_config__ = _STRICT

    def part(self) -> Part:
        if (self.size is None) == (self.factor is None):
            raise ValueError(f"size={self.size}, factor={self.factor}: what is unsaid has one of them ({self.reason})")
        size = math.log(self.factor) if self.factor is not None else self.size
        return Part("unsaid", float(size or 0), _line(self.reason))


@dataclass(frozen=True)
class _Widest:
    """The most that seeds may ask for, a fraction, in place of the scale's."""

    size: float
    reason: str

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class _Entry:
    """A table of `bands.toml`. `excluded`: mentions (by `where`) that contradict nothing, each with the reason."""

    unsaid: _Unsaid | None = None
    unjudged: str | None = None
    widest: _Widest | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        if (self.unsaid is None) == (self.unjudged is None):
            raise ValueError("a band is judged, with what is unsaid, or it is unjudged, with the reason")
        if self.unjudged is not None and (self.widest or self.excluded):
            raise ValueError("a band that is unjudged has neither widest nor excluded")


@cache
def bands() -> Mapping[str, Band]:
    """All bands by name, in the order of the variants and of `QUANTITIES`."""
    text = (files("harness.papers") / "jahangir2024" / "bands.toml").read_text(encoding="utf-8")
    return read_bands(tomllib.loads(text), facts())


def read_bands(tables: Mapping[str, Any], paper: Facts) -> Mapping[str, Band]:
    """Bands from the tables `[variant.quantity]` and the paper's facts.

    Raises:
        ValueError: If a table is none, names what does not exist, or leaves out what should be said.
        FactError: If a fact is missing.
    """
    entries = TypeAdapter(dict[str, dict[Quantity, _Entry]]).validate_python(tables)
    unknown = set(entries) - set(VARIANTS)
    if unknown:
        raise ValueError(f"bands.toml has bands of {', '.join(sorted(unknown))}, which are no variants")
    found = [
        _band(variant, quantity, entries[variant][quantity], paper)
        for variant in VARIANTS
        for quantity in QUANTITIES
        if quantity in entries.get(variant, {})
    ]
    return {band.name: band for band in found}


def _band(variant: str, quantity: Quantity, entry: _Entry, paper: Facts) -> Band:
    band = _EXPECTATIONS[quantity](variant, quantity, entry, paper)
    if entry.unsaid is None:
        return replace(band, parts=(), unjudged=_line(entry.unjudged or ""))
    if entry.widest and quantity not in ("accuracy", "training-accuracy", "gap"):
        raise ValueError(f"{band.name} has widest={entry.widest.size}, which only accuracies and their gap have")
    widest = Part("seeds", entry.widest.size, _line(entry.widest.reason)) if entry.widest else None
    return replace(band, parts=(entry.unsaid.part(), *(part for part in band.parts if part.size)), widest=widest)


def _of_share(variant: str, quantity: Quantity, entry: _Entry, paper: Facts) -> Band:
    headline, *others = _counted(paper.mentions(variant, quantity), entry)
    figures = {each.name: each.value for each in (headline, *others)}
    if quantity == "accuracy" and variant in CONFUSIONS and not entry.unjudged:
        matrix = paper.confusion(variant)
        figures[f"{variant}.confusion"] = float(matrix.trace() / matrix.sum())
    texts = _Texts([100 * value for value in figures.values()], ".2f", ".3f", " %")
    return Band(
        variant=variant,
        quantity=quantity,
        expected=_middle(figures.values()),
        expected_text=texts.expected,
        reference=texts.reference,
        place=headline.place,
        facts=tuple(name for name in figures if name in paper),
        scale=POINTS,
        parts=(
            Part("contradiction", _half_spread(figures.values()), texts.spread),
            Part("rounding", headline.resolution / 2, f"half of the last digit of {_digits(headline)}"),
        ),
    )


def _of_gap(variant: str, quantity: Quantity, entry: _Entry, paper: Facts) -> Band:
    """Both accuracies of one place, so that neither is taken from another run."""
    _check_excluded(paper.mentions(variant, "training-accuracy"), entry)
    tests = {fact.where: fact for fact in paper.mentions(variant, "accuracy")}
    pairs = [
        (fact, tests[fact.where])
        for fact in paper.mentions(variant, "training-accuracy")
        if fact.where in tests and fact.where not in entry.excluded
    ]
    (training, test), *rest = pairs
    headline, resolution = training.value - test.value, training.resolution + test.resolution
    gaps = [headline]
    for pair in rest:
        gap, coarse = pair[0].value - pair[1].value, pair[0].resolution + pair[1].resolution
        if not _is_rounding(gap, headline, coarse):
            gaps.append(gap)
    texts = _Texts([100 * gap for gap in gaps], "+.2f", "+.3f", " points")
    return Band(
        variant=variant,
        quantity=quantity,
        expected=_middle(gaps),
        expected_text=texts.expected,
        reference=texts.reference,
        place=training.place,
        facts=(training.name, test.name),
        scale=POINTS,
        parts=(
            Part("contradiction", _half_spread(gaps), texts.spread),
            Part("rounding", resolution / 2, f"half of the last digits of {_digits(training)} and {_digits(test)}"),
        ),
    )


def _of_reached(variant: str, quantity: Quantity, entry: _Entry, paper: Facts) -> Band:
    _refuse_excluded(variant, quantity, entry)
    threshold, planned = paper.headline(variant, "stop-threshold"), VARIANTS[variant].epochs
    run = paper.mentions(variant, "epochs-run")
    words = f"passed {100 * threshold.value:.0f} % within {planned} epochs"
    return Band(
        variant=variant,
        quantity=quantity,
        expected=run[0].value if run else math.inf,
        expected_text=words if run else f"never {words}",
        reference=f"the paper's {f'{run[0].value:.0f} epochs' if run else f'> {planned}'}",
        place=threshold.place,
        facts=(threshold.name, *(each.name for each in run[:1])),
        scale=POINTS if run else FACTOR,  # what would have to be more: the accuracy, or the epochs
        threshold=threshold.value,
        planned=planned,
    )


def _of_epochs(variant: str, quantity: Quantity, entry: _Entry, paper: Facts) -> Band:
    planned = VARIANTS[variant].epochs
    run = _counted(paper.mentions(variant, "epochs-run"), entry)
    if not run:
        fact = paper.headline(variant, "epochs")
        return Band(
            variant=variant,
            quantity=quantity,
            expected=math.inf,
            expected_text=f"all {fact.value:.0f} run",
            reference=f"the paper's > {planned}",
            place=fact.place,
            facts=(fact.name,),
            scale=FACTOR,
            planned=planned,
        )
    values = [each.value for each in run]
    texts = _Texts(values, ".0f", ".1f", " epochs", is_factor=True)
    return Band(
        variant=variant,
        quantity=quantity,
        expected=_geometric_middle(values),
        expected_text=texts.expected,
        reference=texts.reference,
        place=run[0].place,
        facts=tuple(each.name for each in run),
        scale=FACTOR,
        threshold=paper.headline(variant, "stop-threshold").value,
        planned=planned,
        parts=(
            Part("contradiction", _half_spread(map(math.log, values)), texts.spread),
            Part("rounding", math.log1p(run[0].resolution / 2 / min(values)), "half an epoch: epochs are whole"),
        ),
    )


def _of_matrix(variant: str, quantity: Quantity, entry: _Entry, paper: Facts) -> Band:
    _refuse_excluded(variant, quantity, entry)
    rows = [fact for fact in paper.values() if fact.subject == variant and fact.quantity.startswith("confusion-")]
    if entry.unjudged is None:
        paper.confusion(variant)  # which says what is missing
    text = f"as {rows[0].place}" if rows else "a figure that cannot be read"
    return Band(
        variant=variant,
        quantity=quantity,
        expected=0.0,
        expected_text=text,
        reference=text,
        place=rows[0].place if rows else "–",
        facts=tuple(fact.name for fact in rows),
        scale=POINTS,
    )


def _of_seconds(variant: str, quantity: Quantity, entry: _Entry, paper: Facts) -> Band:
    mentions = _counted(paper.mentions(variant, "seconds"), entry)
    figures = {each.value: f"{each.value:,.2f} s ({each.place})" for each in reversed(mentions)}
    texts = _Texts(list(figures), ",.2f", ",.0f", " s", is_factor=True)
    ordered = [figures[value] for value in sorted(figures, reverse=True)]
    return Band(
        variant=variant,
        quantity=quantity,
        expected=_geometric_middle(figures),
        expected_text=f"{texts.extent} s",
        reference=texts.reference,
        place=", ".join(dict.fromkeys(each.place for each in mentions)),
        facts=tuple(each.name for each in mentions),
        scale=FACTOR,
        parts=(
            Part(
                "contradiction",
                _half_spread(map(math.log, figures)),
                f"half the spread, on a logarithmic scale, of {', '.join(ordered)}",
            ),
        ),
    )


def _counted(mentions: Sequence[Fact], entry: _Entry) -> list[Fact]:
    """The headline and all that contradicts it: neither excluded nor the rounding of another. Alone if unjudged."""
    _check_excluded(mentions, entry)
    found: list[Fact] = []
    for each in mentions[:1] if entry.unjudged else mentions:
        is_rounding = any(_is_rounding(each.value, other.value, each.resolution) for other in found)
        if each.where not in entry.excluded and not is_rounding:
            found.append(each)
    return found


def _check_excluded(mentions: Sequence[Fact], entry: _Entry) -> None:
    missing = set(entry.excluded) - {each.where for each in mentions}
    if missing:
        raise FactError(f"bands.toml excludes {', '.join(sorted(missing))}, where the paper says nothing of it")


def _refuse_excluded(variant: str, quantity: Quantity, entry: _Entry) -> None:
    if entry.excluded:
        raise ValueError(f"{variant}.{quantity} excludes {', '.join(entry.excluded)}, but counts no contradictions")


def _is_rounding(value: float, headline: float, resolution: float) -> bool:
    """Whether a coarser figure may be the headline's, rounded: 67.1 for 67.15 contradicts nothing."""
    return abs(value - headline) <= resolution / 2 + 1e-9


def _half_spread(values: Iterable[float]) -> float:
    found = list(values)
    return (max(found) - min(found)) / 2


def _middle(values: Iterable[float]) -> float:
    found = list(values)
    return (max(found) + min(found)) / 2


def _geometric_middle(values: Iterable[float]) -> float:
    return math.exp(_middle(map(math.log, values)))


def _digits(fact: Fact) -> str:
    """As the paper means them: the text of its PDF has blanks among some."""
    return (fact.read_as or fact.printed).replace(" ", "")


@dataclass(frozen=True)
class _Texts:
    """The paper's figures of one quantity in words, the headline first; of several also their middle."""

    figures: Sequence[float]
    form: str
    middle_form: str
    unit: str
    is_factor: bool = False

    @property
    def extent(self) -> str:
        ends = dict.fromkeys((min(self.figures), max(self.figures)))
        return " to ".join(format(each, self.form) for each in ends)

    @property
    def middle(self) -> str:
        middle = (_geometric_middle if self.is_factor else _middle)(self.figures)
        return format(middle, self.middle_form)

    @property
    def expected(self) -> str:
        text = f"{self.figures[0]:{self.form}}{self.unit}"
        return f"{text} ({self.extent}, centre {self.middle})" if len(set(self.figures)) > 1 else text

    @property
    def reference(self) -> str:
        text = f"the paper's {self.extent}{self.unit}"
        return f"{self.middle}{self.unit}, the middle of {text}" if len(set(self.figures)) > 1 else text

    @property
    def spread(self) -> str:
        scale = ", on a logarithmic scale," if self.is_factor else ""
        return f"half the spread{scale} of {', '.join(format(each, self.form) for each in self.figures)}{self.unit}"


def _line(text: str) -> str:
    return " ".join(text.split())


_EXPECTATIONS: Final[dict[Quantity, Callable[[str, Quantity, _Entry, Facts], Band]]] = {
    "accuracy": _of_share,
    "reached": _of_reached,
    "epochs": _of_epochs,
    "training-accuracy": _of_share,
    "gap": _of_gap,
    "recalls": _of_matrix,
    "pattern": _of_matrix,
    "seconds": _of_seconds,
}
