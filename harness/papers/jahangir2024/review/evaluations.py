"""Figures of one network beside its confusion matrix: can one evaluation have given both?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from harness.interface import CLASSES
from harness.papers.facts import Fact
from harness.papers.finding import Finding
from harness.papers.jahangir2024.review.granularity import (
    LARGEST_BATCH,
    State,
    can_be_one,
    counts,
    matrix_names,
    near_matrix,
    place_of_matrix,
    places_by_figure,
    rounded_counts,
    state_of_matrix,
    states,
    whole_batches,
)
from harness.papers.paper import Paper, Predicate
from harness.papers.wording import (
    listed,
    mention,
    percent,
)
from harness.statistics.chance import binomial_at_most, hypergeometric_at_most

SMALLEST_USUAL: Final = 16
LUCK: Final = 0.1
"""A chance below this asks for luck."""


def figures_beside_matrix(paper: Paper) -> Iterator[Finding]:
    """Figures of one variant so near its matrix that rounding or a last batch might excuse them, and does not."""
    for name in paper.confusions:
        state = state_of_matrix(paper, name)
        images, right = state
        figures: dict[str, list[Fact]] = {}
        for fact in paper.facts.mentions(name, "accuracy"):
            if near_matrix(paper, fact):
                figures.setdefault(percent(fact), []).append(fact)
        firsts = [found[0] for found in figures.values()]
        strangers = [fact for fact in firsts if not can_be_one(states(fact, images), {state})]
        if not strangers:
            continue
        joined = {fact.name: joined_by(paper, fact) for fact in strangers}
        matrix = place_of_matrix(paper, name)
        fitting = [mention(fact) for fact in firsts if fact not in strangers]
        everything = paper.facts.mentions(name, "accuracy")
        supported = [fact for fact in everything if right in counts(fact, images)]
        lines = [
            f"{matrix}: {right:,} of {images:,} right, {100 * right / images:.3f} %",
            f"which it supports as it stands, of {len(everything)} mentions: {places_by_figure(supported) or 'none'}",
            f"and not {places_by_figure(fact for fact in everything if fact not in supported)}",
            *_figure_lines(figures.values(), state),
            *(line for fact in strangers for line in _other_batches(paper, fact, joined[fact.name])),
        ]
        yield Finding(
            f"{name}-figures-of-several-evaluations",
            "implausible",
            2,
            f"{listed(map(mention, strangers))} and {matrix} are not one evaluation of {paper.called(name)} on all "
            f"images; {'; '.join(_excluded(paper, fact, joined[fact.name]) for fact in strangers)}."
            f"{f' {listed(fitting)} fits it, a last batch left out.' if fitting else ''}",
            "\n".join(lines),
            (*(fact.name for fact in everything), *matrix_names(paper, name)),
        )


@dataclass(frozen=True)
class Joined:
    """A batch size whose whole batches give a figure, where all images give its variant's matrix.

    Attributes:
        batch_size: Images.
        size: Images in whole batches.
        right: Of them, by the figure.
        chance: Binomial, that of the images left out so few or fewer are right as the matrix then needs.
    """

    batch_size: int
    size: int
    right: int
    chance: float


def joined_by(paper: Paper, fact: Fact) -> list[Joined]:
    """All of them up to `LARGEST_BATCH`, rounded only, the likeliest number of right ones for each."""
    images, right = state_of_matrix(paper, fact.subject)
    found = []
    for batch_size in range(1, LARGEST_BATCH + 1):
        size = whole_batches(images, batch_size)
        fitting = [k for k in rounded_counts(fact, size) if k <= right <= k + images - size]
        if fitting:
            chance = binomial_at_most(right - min(fitting), images - size, right / images)
            found.append(Joined(batch_size, size, min(fitting), chance))
    return found


def _round_sizes(joined: Iterable[Joined]) -> list[Joined]:
    """The first two that somebody who takes no power of two might have taken, and that do not need luck."""
    return [each for each in joined if each.batch_size % 50 == 0 and each.chance >= LUCK][:2]


def _excluded(paper: Paper, fact: Fact, joined: Sequence[Joined]) -> str:
    """Which batch sizes do not join a figure and its matrix, and which would."""
    images, right = state_of_matrix(paper, fact.subject)
    size = whole_batches(images, SMALLEST_USUAL)
    wanted = " or ".join(f"{k:,}" for k in sorted(rounded_counts(fact, size))) or "no whole number"
    would = " or ".join(str(each.batch_size) for each in _round_sizes(joined))
    return (
        f"whole batches of {SMALLEST_USUAL} to {LARGEST_BATCH} in powers of two do not join them ({size:,} needs "
        f"{wanted} right, the matrix has {right:,} in all)" + (f"; sizes such as {would} would" if would else "")
    )


def _other_batches(paper: Paper, fact: Fact, joined: Sequence[Joined]) -> Iterator[str]:
    """Sizes that are no power of two and join a figure and its matrix, and what the images left out must be."""
    images, right = state_of_matrix(paper, fact.subject)
    given = paper.facts.mentions(fact.subject, "batch-size")
    yield (
        f"{len(joined)} of the batch sizes from 1 to {LARGEST_BATCH} join {percent(fact)} and the matrix; "
        f"the paper gives this network {given[0].printed if given else 'none'}"
    )
    last = paper.facts.confusion(fact.subject)[-1]
    for each in _round_sizes(joined):
        left, needed = images - each.size, right - each.right
        line = (
            f"{each.batch_size}: {each.right:,} of {each.size:,} = {100 * each.right / each.size:.4f} %, and {needed} "
            f"of {left} left out right: binomial chance of so few {each.chance:.2f}"
        )
        if left <= last.sum():
            in_order = hypergeometric_at_most(needed, left, int(last[-1]), int(last.sum()))
            line += f"; {in_order:.0e} if all are {CLASSES[-1]}, the last folder"
        yield line


def _figure_lines(figures: Iterable[Sequence[Fact]], state: State) -> Iterator[str]:
    """What can be behind each figure, which pairs exclude each other, and what would join one to the matrix."""
    images, right = state
    firsts = []
    for found in figures:
        firsts.append(found[0])
        yield f"{mention(found[0])}, said {len(found)} times: {_as_states(states(found[0], images))}"
    for one, other in combinations(firsts, 2):
        if not can_be_one(states(one, images), states(other, images)):
            yield f"{mention(one)} and {mention(other)} are joined by no whole batches of a power of two"
    yield f"allowed: rounding, cutting digits off, a last incomplete batch of up to {LARGEST_BATCH} left out"
    for fact in firsts:
        for size, k in sorted(states(fact, images)):
            if can_be_one({(size, k)}, {state}):
                wanted = f"{right - k} of the last {images - size} were right"
                yield f"{mention(fact)} fits with {k:,} of {size:,}, if {wanted}"


def _as_states(found: Iterable[State]) -> str:
    return ", ".join(f"{right:,} of {images:,}" for images, right in sorted(found, reverse=True))


PREDICATES: tuple[Predicate, ...] = (figures_beside_matrix,)
