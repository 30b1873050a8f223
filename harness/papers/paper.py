"""A paper as a value: what it reports, what it trains, and what is declared of it. The machinery is handed one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from harness.papers.claims import Claim
from harness.papers.declared_bands import DeclaredBands
from harness.papers.facts import Facts, Ignored
from harness.papers.finding import Finding
from harness.papers.hardware import Hardware
from harness.papers.variants import Reading, Source, apply_readings
from harness.papers.wording import described
from harness.papers.written_review import WrittenReview
from harness.variant import Variant, VariantError

DatasetName = Literal["fer2013", "toyfaces"]


Predicate = Callable[["Paper"], Iterable[Finding]]
"""A check of a paper against itself. It yields nothing where the facts give no reason."""


@dataclass(frozen=True, eq=False)
class Paper:
    """All that the machinery knows of a paper.

    Two papers are equal if they are the same object: `harness.papers.load_paper` gives the same one each time.

    Attributes:
        name: Of its folder.
        title: As printed.
        citation: Authors, journal, year, in short.
        url: Where the paper can be read; None where it is not on the web.
        dataset: The data set that its numbers are of.
        facts: Every number that it prints.
        ignored: Which of its digits are no fact, and why.
        variants: What it trains, in the default readings, by name and in its order.
        sources: Where each field of a variant comes from, by variant and field.
        readings: What else it may mean, by variant.
        declared_bands: How far from it a run may end, as declared, by variant and quantity.
        claims: What it says in words, by name and in the order of `claims.toml`.
        hardware: What its times were taken on; None where nothing is known.
        first_on_cpu: The variant with its readings that a CPU settles soonest; None where none is worth naming.
        review: The checks of the paper against itself that are data.
        predicates: The checks of the paper against itself that have to be computed.
    """

    name: str
    title: str
    citation: str
    url: str | None
    dataset: DatasetName
    facts: Facts
    variants: Mapping[str, Variant]
    sources: Mapping[str, Mapping[str, Source]]
    readings: Mapping[str, tuple[Reading, ...]]
    ignored: tuple[Ignored, ...] = ()
    declared_bands: DeclaredBands = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    hardware: Hardware | None = None
    first_on_cpu: str | None = None
    review: WrittenReview = field(default_factory=WrittenReview)
    predicates: tuple[Predicate, ...] = ()

    @cached_property
    def confusions(self) -> tuple[str, ...]:
        """Variants whose confusion matrix can be read in the paper."""
        return tuple(name for name in self.variants if self.facts.has_confusion(name))

    @cached_property
    def reported(self) -> tuple[str, ...]:
        """Variants whose accuracy the paper reports."""
        return tuple(name for name in self.variants if self.facts.mentions(name, "accuracy"))

    def called(self, name: str) -> str:
        """Return a variant in words, with any readings: `fine-tuned VGG16`, `ResNet50 from scratch, if fed 224×224`.

        Raises:
            VariantError: If there is none of this name.
        """
        return described(self.find_variant(name))

    def find_variant(self, name: str) -> Variant:
        """Return a variant by name, with any readings behind an at-sign: `vgg16-scratch@five-blocks,unstopped`.

        The name of the result lists the readings that differ from the default, in canonical order.

        Raises:
            VariantError: If the variant or a reading does not exist, or two readings answer one question.
        """
        base_name, _, words = name.partition("@")
        if base_name not in self.variants:
            raise VariantError(f"unknown variant {base_name!r}; the variants are {', '.join(self.variants)}")
        return apply_readings(self.variants[base_name], self.readings[base_name], words)

    def declared(self, name: str) -> Variant | None:
        """Return what a variant's name says; None where the paper has no such variant or reading."""
        try:
            return self.find_variant(name)
        except VariantError:
            return None

    def replaced(self, printed: Mapping[str, str]) -> Paper:
        """Return a copy that prints other digits: what would follow if it did?

        Raises:
            FactError: If there is no such fact.
        """
        return replace(self, facts=self.facts.replaced(printed))
