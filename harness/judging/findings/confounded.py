"""What else differs between runs that the paper compares for their strategy or for their architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from harness.judging.audit import Finding, Predicate
from harness.judging.wording import listed, percent, signed_points
from harness.paper.facts import Facts
from harness.variants import VARIANTS, Variant, paper_fields, sources

STRATEGIES: Final = ("scratch", "transfer", "fine-tune")
PART_OF: Final[Mapping[str, frozenset[str]]] = {
    "strategy": frozenset({"strategy", "weights_source", "phases"}),
    "architecture": frozenset({"architecture", "blocks", "phases"}),
}
"""Fields that have to differ for the comparison to be one."""


def confounded(paper: Facts) -> Iterator[Finding]:
    """What else differs between two runs that are compared for their strategy, or for their architecture."""
    for architecture in ("vgg16", "resnet50"):
        group = [f"{architecture}-{each}" for each in STRATEGIES]
        yield _confounded(paper, f"strategies-of-{architecture}", "strategy", list(combinations(group, 2)))
    pairs = [(f"vgg16-{each}", f"resnet50-{each}") for each in STRATEGIES]
    yield _confounded(paper, "architectures", "architecture", pairs)


def differences(first: Variant, second: Variant, compared: str) -> tuple[list[str], list[str]]:
    """Fields that differ besides what is compared: those the paper says of both, and those with an assumption."""
    said: list[str] = []
    assumed: list[str] = []
    for field in paper_fields():
        if field in PART_OF[compared] or getattr(first, field) == getattr(second, field):
            continue
        origins = [sources(variant.name)[field] for variant in (first, second)]
        (said if all(origin.quote for origin in origins) else assumed).append(field)
    return said, assumed


def _confounded(paper: Facts, name: str, compared: str, pairs: Sequence[tuple[str, str]]) -> Finding:
    lines: list[str] = []
    everywhere: list[str] = []
    for first, second in pairs:
        said, assumed = differences(VARIANTS[first], VARIANTS[second], compared)
        difference = paper[f"{first}.accuracy.table-6"].value - paper[f"{second}.accuracy.table-6"].value
        everywhere += said
        lines.append(
            f"{first} against {second}, {signed_points(difference)}: differ in {', '.join(said) or 'nothing'}"
            + (f"; as we read them also in {', '.join(assumed)}" if assumed else "")
        )
    subjects = dict.fromkeys(name for pair in pairs for name in pair)
    accuracies = [paper[f"{each}.accuracy.table-6"] for each in subjects]
    words = [field.replace("_", " ") for field in dict.fromkeys(everywhere)]
    return Finding(
        name=f"confounded-{name}",
        grade="unsupported",
        weight=3,
        statement=f"The comparison of {listed(f'{fact.subject} ({percent(fact)})' for fact in accuracies)} is put "
        f"down to the {compared}. By the text itself the runs also differ in {listed(words)}.",
        arithmetic="\n".join(lines),
        facts=tuple(fact.name for fact in accuracies),
        source="harness/variants.toml: each field with its quote",
    )


PREDICATES: tuple[Predicate, ...] = (confounded,)
