"""What takes longer, and what computes more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.architectures import forward_flops
from harness.judging.claims.comparisons import Comparison, certain
from harness.judging.claims.predicates.registry import ARCHITECTURES, STRATEGIES, predicate
from harness.judging.claims.samples import Sample
from harness.papers.facts import facts
from harness.papers.throughput import mean_training_operations
from harness.papers.variants import VARIANTS

SAME: Final = 1.05
"""Ratio of seconds up to which two times are the same."""


@predicate
def resnet50_takes_more_than_twice_the_time(sample: Sample) -> Iterator[Comparison]:
    """By transfer and by fine-tuning."""
    for strategy in STRATEGIES[1:]:
        yield sample.ratio_of_seconds(f"resnet50-{strategy}", f"vgg16-{strategy}", above=2.0)


@predicate
def vgg16_trains_faster(sample: Sample) -> Iterator[Comparison]:
    """From scratch and when fine-tuning."""
    for strategy in ("scratch", "fine-tune"):
        yield sample.ratio_of_seconds(f"resnet50-{strategy}", f"vgg16-{strategy}")


@predicate
def training_rates_are_higher(_sample: Sample) -> Iterator[Comparison]:
    """Read, not run: whether rates are seconds or their inverse, one network is ahead in all rows of Table 5."""
    rows = [[facts()[f"{name}-{strategy}.seconds.table-5"] for name in ARCHITECTURES] for strategy in STRATEGIES]
    orders = {first.value > second.value for first, second in rows}
    seen = ", ".join(
        f"{first.printed} {'>' if first.value > second.value else '<'} {second.printed}" for first, second in rows
    )
    yield certain("VGG16's seconds and ResNet50's, one order by all approaches", seen, holds=len(orders) == 1)


@predicate
def resnet50_needs_more_operations(_sample: Sample) -> Iterator[Comparison]:
    """Counted, not run: to answer for one image and to train on one, and by fine-tuning the most in proportion."""
    shares = {}
    for strategy in STRATEGIES:
        pair = [VARIANTS[f"{name}-{strategy}"] for name in ("resnet50", "vgg16")]
        forward = [forward_flops(each) for each in pair]
        training = [mean_training_operations(each, each.epochs) for each in pair]
        for called, (first, second) in (("an image", forward), ("to train on an image", training)):
            seen = f"{first / 1e9:.2f} against {second / 1e9:.2f} billion"
            yield certain(f"operations {called}, resnet50-{strategy} − vgg16-{strategy}", seen, holds=first > second)
        shares[strategy] = training[0] / training[1]
    fine_tuning = shares.pop("fine-tune")
    yield certain(
        "ResNet50's operations to train ÷ VGG16's, fine-tune − the most of others",
        f"{fine_tuning:.2f} against {max(shares.values()):.2f}",
        holds=fine_tuning > max(shares.values()),
    )


@predicate
def pretrained_take_longer(sample: Sample) -> Iterator[Comparison]:
    """Transfer and fine-tuning take more seconds than scratch, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield sample.ratio_of_seconds(f"{architecture}-{strategy}", f"{architecture}-scratch")


@predicate
def scratch_takes_longest(sample: Sample) -> Iterator[Comparison]:
    """Scratch takes more seconds than transfer and fine-tuning, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield sample.ratio_of_seconds(f"{architecture}-scratch", f"{architecture}-{strategy}")


@predicate
def resnet50_transfer_takes_as_long_as_fine_tuning(sample: Sample) -> Iterator[Comparison]:
    """Their ratio lies within 1/`SAME` and `SAME`."""
    transfer, fine_tune = "resnet50-transfer", "resnet50-fine-tune"
    yield sample.ratio_of_seconds(transfer, fine_tune, above=1 / SAME)
    yield sample.ratio_of_seconds(transfer, fine_tune, above=SAME, most=True)
