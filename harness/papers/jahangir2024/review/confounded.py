"""What else differs between runs that the paper compares for their strategy or for their architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from harness.papers.finding import Finding
from harness.papers.paper import Paper, Predicate
from harness.papers.variants import paper_fields
from harness.papers.wording import (
    Quote,
    listed,
    percent,
    signed_points,
)
from harness.variant import Variant

EXAMPLES: Final = Quote(
    "Randomly rotating, moving, or zooming the photos is one way", "Res Net 50 Trained from Scratch"
)
QUOTES: Final = (EXAMPLES,)
STRATEGIES: Final = ("scratch", "transfer", "fine-tune")
PART_OF: Final[Mapping[str, frozenset[str]]] = {
    "strategy": frozenset({"strategy", "weights_source", "phases"}),
    "architecture": frozenset({"architecture", "blocks", "phases"}),
}
"""Fields that have to differ for the comparison to be one."""


def confounded(paper: Paper) -> Iterator[Finding]:
    """What else differs between two runs that are compared for their strategy, or for their architecture."""
    for architecture in ("vgg16", "resnet50"):
        group = [f"{architecture}-{each}" for each in STRATEGIES]
        yield from _confounded(paper, f"strategies-of-{architecture}", "strategy", list(combinations(group, 2)))
    pairs = [(f"vgg16-{each}", f"resnet50-{each}") for each in STRATEGIES]
    yield from _confounded(paper, "architectures", "architecture", pairs)


def differences(paper: Paper, first: Variant, second: Variant, compared: str) -> tuple[list[str], list[str]]:
    """Fields that differ besides what is compared: those the paper says of both, and those with an assumption."""
    said: list[str] = []
    assumed: list[str] = []
    for field in paper_fields():
        if field in PART_OF[compared] or getattr(first, field) == getattr(second, field):
            continue
        origins = [paper.sources[variant.name][field] for variant in (first, second)]
        (said if all(origin.quote for origin in origins) else assumed).append(field)
    return said, assumed


def _confounded(paper: Paper, name: str, compared: str, pairs: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Nothing where no two accuracies differ by more than another seed would: then there is nothing to put down."""
    lines: list[str] = []
    everywhere: list[str] = []
    accuracies = {each: paper.facts[f"{each}.accuracy.table-6"] for pair in pairs for each in pair}
    spread = float(str(paper.review.names["seed_spread"]))
    if all(abs(accuracies[first].value - accuracies[second].value) < spread for first, second in pairs):
        return
    for first, second in pairs:
        difference = accuracies[first].value - accuracies[second].value
        said, assumed = differences(paper, paper.variants[first], paper.variants[second], compared)
        everywhere += said
        lines.append(
            f"{first} against {second}, {signed_points(difference)}: differ in {', '.join(said) or 'nothing'}"
            + (f"; as we read them also in {', '.join(assumed)}" if assumed else "")
        )
    words = [_word(field) for field in dict.fromkeys(everywhere)]
    told = listed(f"{paper.called(each)} ({percent(fact)})" for each, fact in accuracies.items())
    yield Finding(
        name=f"confounded-{name}",
        grade="unsupported",
        weight=3,
        statement=f"The comparison of {told} is put down to the {compared}. As the text describes them the runs also "
        f"differ in {listed(words)}.",
        arithmetic="\n".join(lines),
        facts=tuple(fact.name for fact in accuracies.values()),
        source="harness/papers/jahangir2024/variants.toml: each field with its quote",
    )


def _word(field: str) -> str:
    """A field in words, with what its quotes leave open."""
    return (
        f"augmentation (for ResNet50 from scratch by examples: {EXAMPLES})"
        if field == "augmentation"
        else (field.replace("_", " "))
    )


PREDICATES: tuple[Predicate, ...] = (confounded,)
