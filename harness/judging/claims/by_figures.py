"""What the paper's own figures say to a claim: they agree with it, contradict it, or are not given."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.judging.claims import measures
from harness.judging.claims.comparisons import points
from harness.judging.claims.measures import MEASURES, NamedMeasure
from harness.papers.claims import Claim
from harness.papers.facts import Fact, FactError, Facts
from harness.papers.stated import (
    Above,
    AnsweredOften,
    BeatsFigure,
    CommonestMistake,
    Confused,
    FiguresAbove,
    FiguresInOrder,
    Greater,
    GreaterLead,
    MiddleLead,
    Recalls,
    Seconds,
    Stated,
)

WordKind = Literal["agrees", "contradicts", "agrees in part", "not given"]


@dataclass(frozen=True)
class Seen:
    """A comparison of figures that the paper prints: what was compared, the figures, and whether it holds."""

    what: str
    figures: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.what}: {self.figures}"


@dataclass(frozen=True)
class PapersWord:
    """What the paper's own figures say to a claim.

    Attributes:
        kind: `agrees in part`: what is printed agrees, and not all that the claim needs is printed.
        seen: The comparisons that decided: those that fail, or all that hold; empty where nothing is given.
    """

    kind: WordKind
    seen: tuple[Seen, ...]


@dataclass(frozen=True, eq=False)
class Reported:
    """The outcome that a paper reports of a variant: its headlines. What it does not print raises a `FactError`."""

    facts: Facts
    variant: str

    @property
    def accuracy(self) -> float:
        """See `harness.judging.claims.measures.Outcome`."""
        return self.facts.headline(self.variant, "accuracy").value

    @property
    def training_accuracy(self) -> float:
        """See `harness.judging.claims.measures.Outcome`."""
        return self.facts.headline(self.variant, "training-accuracy").value

    @property
    def watched_loss(self) -> float:
        """See `harness.judging.claims.measures.Outcome`."""
        return self.facts.headline(self.variant, "loss").value

    @property
    def training_loss(self) -> float:
        """See `harness.judging.claims.measures.Outcome`."""
        return self.facts.headline(self.variant, "training-loss").value

    @property
    def confusion(self) -> NDArray[np.float64]:
        """See `harness.judging.claims.measures.Outcome`."""
        return self.facts.confusion(self.variant).astype(np.float64)


def papers_word(claim: Claim, facts: Facts) -> PapersWord:
    """Hold a claim against the paper's own figures."""
    found: list[Seen] = []
    is_whole = True
    for stated in claim.holds_if:
        try:
            found += see(stated, facts)
        except FactError:
            is_whole = False
    if failing := tuple(each for each in found if not each.holds):
        return PapersWord("contradicts", failing)
    if not found:
        return PapersWord("not given", ())
    return PapersWord("agrees" if is_whole else "agrees in part", tuple(found))


def see(stated: Stated, facts: Facts) -> Iterator[Seen]:
    """Compare what the paper prints.

    Raises:
        FactError: If it does not print what is compared.
    """
    match stated:
        case Greater():
            yield _greater(MEASURES[stated.measure], stated, facts)
        case Above():
            named = MEASURES[stated.measure]
            yield _alone(named, stated.variant, facts, above=stated.than)
        case Recalls() | Confused() | AnsweredOften() | CommonestMistake():
            yield _alone(of_matrix(stated), stated.variant, facts, above=getattr(stated, "more_than", 0.0))
        case MiddleLead():
            leads = [_lead(pair, facts) for pair in stated.pairs]
            yield Seen(f"accuracy, {stated.called}", ", ".join(map(points, leads)), statistics.median(leads) > 0)
        case GreaterLead():
            one, other = _lead(stated.pair, facts), _lead(stated.other, facts)
            yield Seen(lead_words(stated), f"{points(one)} against {points(other)}", one > other)
        case BeatsFigure():
            ours, best = facts.headline(stated.variant, "accuracy"), best_figure(stated, facts)
            told = f"{measures.percent(ours.value)} against {measures.percent(best.value)}"
            yield Seen(f"accuracy, {stated.variant} − {stated.called}", told, ours.value > best.value)
        case Seconds():
            yield _seconds(stated, facts)
        case FiguresAbove():
            yield from figures_above(stated, facts)
        case FiguresInOrder():
            yield figures_in_order(stated, facts)
        case _:
            raise FactError("no paper prints its curves epoch by epoch, nor counts operations as we do")


def of_matrix(stated: Recalls | Confused | AnsweredOften | CommonestMistake) -> NamedMeasure:
    """The measure of a confusion matrix that a comparison is about, with its words."""
    match stated:
        case Recalls():
            others = _words("better of", stated.over) if stated.over else "best other"
            called = f"recall, {_words('worse of', stated.classes)} − {others}"
            return NamedMeasure(measures.recall_lead(stated.classes, stated.over), called, written=points)
        case Confused():
            called = f"confusion of {stated.classes[0]} and {stated.classes[1]} − mean of all pairs"
            return NamedMeasure(measures.excess_confusion(*stated.classes), called, written=points)
        case AnsweredOften():
            return NamedMeasure(measures.share_of_answers(stated.answer), f"share of answers, {stated.answer}")
        case CommonestMistake():
            called = f"share of wrong answers, {stated.answer} − next commonest"
            return NamedMeasure(measures.share_of_mistakes_ahead(stated.answer), called, written=points)


def lead_words(stated: GreaterLead) -> str:
    """What is compared: `(a − b) − (c − d)`."""
    return f"({stated.pair[0]} − {stated.pair[1]}) − ({stated.other[0]} − {stated.other[1]})"


def accuracies(pattern: str, facts: Facts) -> list[Fact]:
    """Facts by name or pattern that are accuracies, the lowest first.

    Raises:
        FactError: If there is none.
    """
    found = [
        fact for name, fact in facts.items() if fnmatchcase(name, pattern) and fact.unit in ("percent", "fraction")
    ]
    if not found:
        raise FactError(f"no accuracy among the facts is called {pattern}")
    return sorted(found, key=lambda fact: fact.value)


def best_figure(stated: BeatsFigure, facts: Facts) -> Fact:
    """The highest of the figures that are to be beaten."""
    return accuracies(stated.figures, facts)[-1]


def figures_above(stated: FiguresAbove, facts: Facts) -> Iterator[Seen]:
    """Each figure against the one that all have to exceed, the lowest first."""
    least = facts[stated.than]
    for fact in accuracies(stated.figures, facts):
        name = fact.quantity if fact.subject == "literature" else fact.subject
        told = f"{fact.printed} − {least.printed} %"
        yield Seen(f"{name} of {fact.place} − {stated.called}", told, fact.value > least.value)


def figures_in_order(stated: FiguresInOrder, facts: Facts) -> Seen:
    """All pairs of figures, and whether the same one is ahead in each."""
    pairs = [(facts[first], facts[second]) for first, second in stated.pairs]
    is_ahead = [first.value > second.value for first, second in pairs]
    told = ", ".join(
        f"{first.printed} {'>' if ahead else '<'} {second.printed}"
        for (first, second), ahead in zip(pairs, is_ahead, strict=True)
    )
    return Seen(stated.called, told, len(set(is_ahead)) == 1)


def _greater(named: NamedMeasure, stated: Greater, facts: Facts) -> Seen:
    one, other = (named.measure(Reported(facts, name)) for name in (stated.first, stated.second))
    shift = measures.shift_text(-stated.margin, named.shown)
    told = f"{named.written(one)} against {named.written(other)}"
    return Seen(f"{named.called}, {stated.first} − {stated.second}{shift}", told, one - other > stated.margin)


def _alone(named: NamedMeasure, variant: str, facts: Facts, *, above: float) -> Seen:
    value = named.measure(Reported(facts, variant))
    beside = f", held against {named.written(above)}" if above else ""
    return Seen(f"{named.called}, {variant}", named.written(value) + beside, value > above)


def _lead(pair: tuple[str, str], facts: Facts) -> float:
    first, second = (Reported(facts, name).accuracy for name in pair)
    return first - second


def _seconds(stated: Seconds, facts: Facts) -> Seen:
    one, other = (facts.headline(name, "seconds").value for name in (stated.first, stated.second))
    bound = stated.ratio_above if stated.ratio_below is None else stated.ratio_below
    ratio = one / other
    holds = ratio < stated.ratio_below if stated.ratio_below is not None else ratio > (stated.ratio_above or 0.0)
    what = f"seconds of training, {stated.first} ÷ {stated.second}, held against {bound:g}"
    return Seen(what, f"{one:,.0f} s against {other:,.0f} s", holds)


def _words(several: str, names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{several} {' and '.join(names)}"
