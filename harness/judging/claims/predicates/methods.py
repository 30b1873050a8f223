"""Which network and which training is more accurate, and whether more than others."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

from harness.judging.claims import measures
from harness.judging.claims.comparisons import Comparison, certain
from harness.judging.claims.predicates.registry import (
    ARCHITECTURES,
    STRATEGIES,
    others,
    predicate,
)
from harness.judging.claims.samples import Sample
from harness.papers.facts import facts

NO_GAIN: Final = 0.01
"""Fraction: a gain below one point is none."""
SLIGHT: Final = 0.05
"""Fraction: what can still be called a slight loss of accuracy. The paper's own figures give 2.4 and 19.1 points."""


def _more_accurate(sample: Sample, first: str, *seconds: str) -> Iterator[Comparison]:
    for second in seconds:
        yield sample.compare(measures.accuracy, first, second, called="accuracy")


@predicate
def vgg16_beats_resnet50(sample: Sample) -> Iterator[Comparison]:
    """By each strategy."""
    for strategy in STRATEGIES:
        yield from _more_accurate(sample, f"vgg16-{strategy}", f"resnet50-{strategy}")


@predicate
def transfer_is_best_for_vgg16(sample: Sample) -> Iterator[Comparison]:
    """On the tests."""
    yield from _more_accurate(sample, "vgg16-transfer", *others("vgg16-transfer", "vgg16"))


@predicate
def vgg16_scratch_is_best(sample: Sample) -> Iterator[Comparison]:
    """Of all six."""
    yield from _more_accurate(sample, "vgg16-scratch", *others("vgg16-scratch"))


@predicate
def scratch_is_best_for_resnet50(sample: Sample) -> Iterator[Comparison]:
    """On the tests."""
    yield from _more_accurate(sample, "resnet50-scratch", *others("resnet50-scratch", "resnet50"))


@predicate
def fine_tuning_benefits_most(sample: Sample) -> Iterator[Comparison]:
    """More accurate than both others, in both networks."""
    for architecture in ARCHITECTURES:
        name = f"{architecture}-fine-tune"
        yield from _more_accurate(sample, name, *others(name, architecture))


@predicate
def fine_tuning_reduces_accuracy(sample: Sample) -> Iterator[Comparison]:
    """Below scratch, in both networks."""
    for architecture in ARCHITECTURES:
        yield from _more_accurate(sample, f"{architecture}-scratch", f"{architecture}-fine-tune")


@predicate
def fine_tuning_costs_vgg16_little(sample: Sample) -> Iterator[Comparison]:
    """Below scratch, but not by more than `SLIGHT`."""
    yield from _more_accurate(sample, "vgg16-scratch", "vgg16-fine-tune")
    yield sample.compare(measures.accuracy, "vgg16-fine-tune", "vgg16-scratch", called="accuracy", margin=-SLIGHT)


@predicate
def fine_tuning_does_not_enhance_resnet50(sample: Sample) -> Iterator[Comparison]:
    """Not above scratch by `NO_GAIN` or more."""
    first, second = "resnet50-scratch", "resnet50-fine-tune"
    yield sample.compare(measures.accuracy, first, second, called="accuracy", margin=-NO_GAIN)


@predicate
def pretrained_improve_performance(sample: Sample) -> Iterator[Comparison]:
    """Transfer and fine-tuning above scratch, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield from _more_accurate(sample, f"{architecture}-{strategy}", f"{architecture}-scratch")


@predicate
def transfer_improves_vgg16(sample: Sample) -> Iterator[Comparison]:
    """Over scratch, on the tests and in training."""
    yield from _more_accurate(sample, "vgg16-transfer", "vgg16-scratch")
    yield sample.compare(measures.training_accuracy, "vgg16-transfer", "vgg16-scratch", called="training accuracy")


@predicate
def transfer_reduces_resnet50(sample: Sample) -> Iterator[Comparison]:
    """Below scratch, on the tests and in training."""
    yield from _more_accurate(sample, "resnet50-scratch", "resnet50-transfer")
    yield sample.compare(
        measures.training_accuracy, "resnet50-scratch", "resnet50-transfer", called="training accuracy"
    )


@predicate
def transfer_is_where_vgg16_leads_most(sample: Sample) -> Iterator[Comparison]:
    """It leads ResNet50 by most strategies (so the middle lead is one) and by transfer, there more than elsewhere."""
    leads = {strategy: (f"vgg16-{strategy}", f"resnet50-{strategy}") for strategy in STRATEGIES}
    middle = "VGG16 − ResNet50, middle one of three strategies"
    yield sample.compare_leads([*leads.values()], statistics.median, called=middle)
    yield from _more_accurate(sample, *leads["transfer"])
    for strategy in ("scratch", "fine-tune"):
        (first, second), (third, fourth) = pairs = leads["transfer"], leads[strategy]
        called = f"({first} − {second}) − ({third} − {fourth})"
        yield sample.compare_leads(pairs, lambda both: both[0] - both[1], called=called)


@predicate
def every_method_beats_humans(_sample: Sample) -> Iterator[Comparison]:
    """Read, not run: each row of Table 4 against the human figure."""
    human = facts().mentions("literature", "human")[0]
    rows = [fact for fact in facts().values() if fact.where == "table-4" and fact.unit == "percent"]
    for row in sorted(rows, key=lambda fact: fact.value):
        name = row.quantity if row.subject == "literature" else row.subject
        seen = f"{row.printed} − {human.printed} %"
        yield certain(f"{name} of {row.place} − human estimate", seen, holds=row.value > human.value)


@predicate
def better_than_human(sample: Sample) -> Iterator[Comparison]:
    """On images like these that it has not seen."""
    human = facts().mentions("literature", "human")[0].value
    yield sample.beyond_these_images("vgg16-scratch", human, called="human estimate", test="clean_test")


@predicate
def sets_a_new_standard(sample: Sample) -> Iterator[Comparison]:
    """Above the best other row of Table 1, on both tests whole, as those rows are reported."""
    rows = [fact for fact in facts().values() if fact.subject == "literature" and fact.where == "table-1"]
    best = max(fact.value for fact in rows if fact.unit == "percent")
    yield sample.beyond_these_images("vgg16-scratch", best, called="best of Table 1", test="paper_test")


@predicate
def beats_benchmarks(sample: Sample) -> Iterator[Comparison]:
    """Above the ResNet50 and the VGGNet of Table 1, likewise."""
    for key in ("resnet50-16", "vggnet-16"):
        fact = facts().mentions("literature", key)[0]
        called = f"{key} of {fact.place}"
        yield sample.beyond_these_images("vgg16-scratch", fact.value, called=called, test="paper_test")


@predicate
def augmentation_improves_generalisation(sample: Sample) -> Iterator[Comparison]:
    """More accurate on the tests than without, where the paper says which kinds it used and pictures are 224 wide."""
    for name in ("resnet50-transfer", "vgg16-transfer"):
        yield from _more_accurate(sample, name, f"{name}@unaugmented")
