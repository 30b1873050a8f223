"""The bands of a paper, from what it says (`facts.toml`) and what we declare (`bands.toml`).

Expected values are facts by name, so that no number of a paper is typed in its `bands.toml`; what follows from
the paper's own contradictions and roundings is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from harness.judging.error_budget import Band, Part
from harness.judging.verdicts import FACTOR, POINTS
from harness.papers.declared_bands import QUANTITIES, DeclaredBand, Quantity, Unsaid
from harness.papers.facts import Fact, FactError, PaperError
from harness.papers.paper import Paper
from harness.variant import Variant


@cache
def bands(paper: Paper) -> Mapping[str, Band]:
    """Return all bands of a paper by name, in the order of its variants and of `QUANTITIES`.

    Raises:
        PaperError: If a declared band does not suit its quantity, or a fact is missing.
    """
    found = [
        _band(variant, quantity, declared[quantity], paper)
        for variant in paper.variants.values()
        for declared in [paper.declared_bands.get(variant.name, {})]
        for quantity in QUANTITIES
        if quantity in declared
    ]
    return {band.name: band for band in found}


def _band(variant: Variant, quantity: Quantity, entry: DeclaredBand, paper: Paper) -> Band:
    try:
        band = _EXPECTATIONS[quantity](variant, quantity, entry, paper)
    except FactError as error:
        raise PaperError(
            f"{paper.name} declares a band for {variant.name}.{quantity}, but: {error}; "
            "state the figure in facts.toml, or take the band out of bands.toml"
        ) from error
    if entry.unsaid is None:
        return replace(band, parts=(), unjudged=_line(entry.unjudged or ""))
    if entry.widest and quantity not in ("accuracy", "training-accuracy", "gap"):
        raise PaperError(f"{band.name} has widest={entry.widest.size}, which only accuracies and their gap have")
    widest = Part("seeds", entry.widest.size, _line(entry.widest.reason)) if entry.widest else None
    return replace(band, parts=(_unsaid(entry.unsaid), *(part for part in band.parts if part.size)), widest=widest)


def _unsaid(declared: Unsaid) -> Part:
    size = math.log(declared.factor) if declared.factor is not None else declared.size
    return Part("unsaid", float(size or 0), _line(declared.reason))


def _of_share(variant: Variant, quantity: Quantity, entry: DeclaredBand, paper: Paper) -> Band:
    paper.facts.headline(variant.name, quantity)  # or an error that says what is missing
    headline, *others = _counted(paper.facts.mentions(variant.name, quantity), entry)
    figures = {each.name: each.value for each in (headline, *others)}
    if quantity == "accuracy" and paper.facts.has_confusion(variant.name) and not entry.unjudged:
        matrix = paper.facts.confusion(variant.name)
        figures[f"{variant.name}.confusion"] = float(matrix.trace() / matrix.sum())
    texts = _Texts([100 * value for value in figures.values()], ".2f", ".3f", " %")
    return Band(
        variant=variant.name,
        quantity=quantity,
        expected=_middle(figures.values()),
        expected_text=texts.expected,
        reference=texts.reference,
        place=headline.place,
        facts=tuple(name for name in figures if name in paper.facts),
        scale=POINTS,
        parts=(
            Part("contradiction", _half_spread(figures.values()), texts.spread),
            Part("rounding", headline.resolution / 2, f"half of the last digit of {_digits(headline)}"),
        ),
    )


def _of_gap(variant: Variant, quantity: Quantity, entry: DeclaredBand, paper: Paper) -> Band:
    """Both accuracies of one place, so that neither is taken from another run."""
    _check_excluded(paper.facts.mentions(variant.name, "training-accuracy"), entry)
    tests = {fact.where: fact for fact in paper.facts.mentions(variant.name, "accuracy")}
    pairs = [
        (fact, tests[fact.where])
        for fact in paper.facts.mentions(variant.name, "training-accuracy")
        if fact.where in tests and fact.where not in entry.excluded
    ]
    if not pairs:
        raise FactError(f"the paper has {variant.name}'s accuracy in training and on the tests nowhere side by side")
    (training, test), *rest = pairs
    headline, resolution = training.value - test.value, training.resolution + test.resolution
    gaps = [headline]
    for pair in rest:
        gap, coarse = pair[0].value - pair[1].value, pair[0].resolution + pair[1].resolution
        if not _is_rounding(gap, headline, coarse):
            gaps.append(gap)
    texts = _Texts([100 * gap for gap in gaps], "+.2f", "+.3f", " points")
    return Band(
        variant=variant.name,
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


def _of_reached(variant: Variant, quantity: Quantity, entry: DeclaredBand, paper: Paper) -> Band:
    _refuse_excluded(variant.name, quantity, entry)
    threshold, planned = paper.facts.headline(variant.name, "stop-threshold"), variant.epochs
    run = paper.facts.mentions(variant.name, "epochs-run")
    words = f"passed {100 * threshold.value:.0f} % within {planned} epochs"
    return Band(
        variant=variant.name,
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


def _of_epochs(variant: Variant, quantity: Quantity, entry: DeclaredBand, paper: Paper) -> Band:
    planned = variant.epochs
    run = _counted(paper.facts.mentions(variant.name, "epochs-run"), entry)
    if not run:
        fact = paper.facts.headline(variant.name, "epochs")
        return Band(
            variant=variant.name,
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
        variant=variant.name,
        quantity=quantity,
        expected=_geometric_middle(values),
        expected_text=texts.expected,
        reference=texts.reference,
        place=run[0].place,
        facts=tuple(each.name for each in run),
        scale=FACTOR,
        threshold=paper.facts.headline(variant.name, "stop-threshold").value,
        planned=planned,
        parts=(
            Part("contradiction", _half_spread(map(math.log, values)), texts.spread),
            Part("rounding", math.log1p(run[0].resolution / 2 / min(values)), "half an epoch: epochs are whole"),
        ),
    )


def _of_matrix(variant: Variant, quantity: Quantity, entry: DeclaredBand, paper: Paper) -> Band:
    _refuse_excluded(variant.name, quantity, entry)
    rows = [
        fact for fact in paper.facts.values() if fact.subject == variant.name and fact.quantity.startswith("confusion-")
    ]
    matrix = paper.facts.confusion(variant.name) if entry.unjudged is None else None
    text = f"as {rows[0].place}" if rows else "a figure that cannot be read"
    return Band(
        variant=variant.name,
        quantity=quantity,
        expected=0.0,
        expected_text=text,
        reference=text,
        place=rows[0].place if rows else "–",
        facts=tuple(fact.name for fact in rows),
        scale=POINTS,
        confusion=None if matrix is None else tuple(tuple(map(int, row)) for row in matrix),
    )


def _of_seconds(variant: Variant, quantity: Quantity, entry: DeclaredBand, paper: Paper) -> Band:
    paper.facts.headline(variant.name, quantity)  # or an error that says what is missing
    mentions = _counted(paper.facts.mentions(variant.name, quantity), entry)
    figures = {each.value: f"{each.value:,.2f} s ({each.place})" for each in reversed(mentions)}
    texts = _Texts(list(figures), ",.2f", ",.0f", " s", is_factor=True)
    ordered = [figures[value] for value in sorted(figures, reverse=True)]
    return Band(
        variant=variant.name,
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


def _counted(mentions: Sequence[Fact], entry: DeclaredBand) -> list[Fact]:
    """The headline and all that contradicts it: neither excluded nor the rounding of another. Alone if unjudged."""
    _check_excluded(mentions, entry)
    found: list[Fact] = []
    for each in mentions[:1] if entry.unjudged else mentions:
        is_rounding = any(_is_rounding(each.value, other.value, each.resolution) for other in found)
        if each.where not in entry.excluded and not is_rounding:
            found.append(each)
    return found


def _check_excluded(mentions: Sequence[Fact], entry: DeclaredBand) -> None:
    missing = set(entry.excluded) - {each.where for each in mentions}
    if missing:
        raise FactError(f"bands.toml excludes {', '.join(sorted(missing))}, where the paper says nothing of it")


def _refuse_excluded(variant: str, quantity: Quantity, entry: DeclaredBand) -> None:
    if entry.excluded:
        raise PaperError(f"{variant}.{quantity} excludes {', '.join(entry.excluded)}, but counts no contradictions")


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


_EXPECTATIONS: Final[dict[Quantity, Callable[[Variant, Quantity, DeclaredBand, Paper], Band]]] = {
    "accuracy": _of_share,
    "reached": _of_reached,
    "epochs": _of_epochs,
    "training-accuracy": _of_share,
    "gap": _of_gap,
    "recalls": _of_matrix,
    "pattern": _of_matrix,
    "seconds": _of_seconds,
}
