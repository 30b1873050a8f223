"""How runs answer the comparisons that a claim states."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import assert_never

from harness.architectures import forward_flops
from harness.judging.claims import curves
from harness.judging.claims.by_figures import (
    Seen,
    best_figure,
    figures_above,
    figures_in_order,
    lead_words,
    of_matrix,
)
from harness.judging.claims.comparisons import Comparison, Shown, certain, number, points
from harness.judging.claims.curves import CurveMeasure
from harness.judging.claims.measures import MEASURES, RunOutcome
from harness.judging.claims.samples import Sample
from harness.papers.paper import Paper
from harness.papers.stated import (
    Above,
    AnsweredOften,
    BeatsFigure,
    CommonestMistake,
    Confused,
    Curve,
    FallsToTheEnd,
    FiguresAbove,
    FiguresInOrder,
    Fluctuates,
    Greater,
    GreaterLead,
    MiddleLead,
    Operations,
    OperationsRatio,
    Pair,
    Recalls,
    Rises,
    Seconds,
    Settles,
    Sooner,
    Stated,
)
from harness.papers.throughput import mean_training_operations


def compare(stated: Stated, sample: Sample, paper: Paper) -> Iterator[Comparison]:
    """Compare the runs of one implementation, or what needs no run."""
    match stated:
        case Greater():
            named = MEASURES[stated.measure]
            yield sample.compare(named, stated.first, stated.second, margin=stated.margin)
        case Above() | Recalls() | Confused() | AnsweredOften() | CommonestMistake():
            yield _alone(stated, sample)
        case MiddleLead():
            yield sample.compare_leads(stated.pairs, statistics.median, called=stated.called)
        case GreaterLead():
            pairs = (stated.pair, stated.other)
            yield sample.compare_leads(pairs, lambda leads: leads[0] - leads[1], called=lead_words(stated))
        case BeatsFigure():
            best = best_figure(stated, paper.facts).value
            yield sample.beyond_these_images(stated.variant, best, called=stated.called, test=stated.test)
        case Sooner():
            yield sample.epochs_saved(stated.first, stated.second, stated.target)
        case Seconds():
            is_most = stated.ratio_below is not None
            bound = stated.ratio_below if stated.ratio_below is not None else (stated.ratio_above or 1.0)
            yield sample.ratio_of_seconds(stated.first, stated.second, above=bound, most=is_most)
        case Settles() | FallsToTheEnd() | Rises() | Fluctuates():
            yield _of_curve(stated, sample)
        case FiguresAbove():
            yield from (
                certain(each.what, each.figures, holds=each.holds) for each in figures_above(stated, paper.facts)
            )
        case FiguresInOrder():
            seen = figures_in_order(stated, paper.facts)
            yield certain(seen.what, seen.figures, holds=seen.holds)
        case Operations():
            yield from _operations(stated, paper)
        case OperationsRatio():
            yield _operations_ratio(stated, paper)
        case _:
            assert_never(stated)


def _certain(seen: Seen) -> Comparison:
    return certain(seen.what, seen.figures, holds=seen.holds)


def _alone(stated: Above | Recalls | Confused | AnsweredOften | CommonestMistake, sample: Sample) -> Comparison:
    """Of one variant's outcome."""
    named = MEASURES[stated.measure] if isinstance(stated, Above) else of_matrix(stated)
    return sample.measured(
        lambda run: named.measure(RunOutcome(run)),
        stated.variant,
        called=named.called,
        above=getattr(stated, "than", getattr(stated, "more_than", 0.0)),
        shown=named.shown,
        fewest_epochs=getattr(stated, "fewest_epochs", 0),
    )


def _of_curve(stated: Settles | FallsToTheEnd | Rises | Fluctuates, sample: Sample) -> Comparison:
    measure, called, shown = _shape(stated)
    return sample.measured(measure, stated.variant, called=called, shown=shown, fewest_epochs=stated.fewest_epochs)


def _shape(stated: Settles | FallsToTheEnd | Rises | Fluctuates) -> tuple[CurveMeasure, str, Shown]:
    """The measure of a curve's shape, what it is called, and how it is written."""
    name = _said(stated.curve)
    match stated:
        case Settles():
            within = f"in {stated.epochs} epochs" if stated.epochs else "over the first half"
            after = "its change after them" if stated.epochs else "its change after"
            called = f"fall of the {name} {within} less {after}"
            measure = curves.settles(stated.curve, stated.epochs)
        case FallsToTheEnd():
            called = f"fall of the {name}, first or later half, whichever is less"
            measure = curves.least_fall(stated.curve)
        case Rises():
            called, measure = f"rise of the {name}", curves.rise(stated.curve)
            if stated.over:
                called += f" less that of the {_said(stated.over)}"
                measure = _less(measure, curves.rise(stated.over))
        case Fluctuates():
            called = f"unrest of the {name} less that of the {_said(stated.over)} (mean second difference)"
            measure = _less(curves.unrest(stated.curve), curves.unrest(stated.over))
    if stated.curve.endswith("loss"):
        return measure, f"{called}, nats", number
    return measure, called, points


def _less(one: CurveMeasure, other: CurveMeasure) -> CurveMeasure:
    return lambda run: one(run) - other(run)


def _said(name: Curve) -> str:
    return name.replace("_", " ")


def _operations(stated: Operations, paper: Paper) -> Iterator[Comparison]:
    """To answer for one image, and to train on one, averaged over the epochs."""
    pair = [paper.find_variant(name) for name in (stated.first, stated.second)]
    forward = [float(forward_flops(each)) for each in pair]
    training = [mean_training_operations(each, each.epochs) for each in pair]
    for called, (first, second) in (("an image", forward), ("to train on an image", training)):
        seen = f"{first / 1e9:.2f} against {second / 1e9:.2f} billion"
        yield certain(f"operations {called}, {stated.first} − {stated.second}", seen, holds=first > second)


def _operations_ratio(stated: OperationsRatio, paper: Paper) -> Comparison:
    ratio, *others = (_training_ratio(pair, paper) for pair in (stated.pair, *stated.others))
    most = max(others)
    return certain(stated.called, f"{ratio:.2f} against {most:.2f}", holds=ratio > most)


def _training_ratio(pair: Pair, paper: Paper) -> float:
    """Of operations to train on an image."""
    first, second = (mean_training_operations(each, each.epochs) for each in map(paper.find_variant, pair))
    return first / second
