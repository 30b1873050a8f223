"""What takes longer, and what computes more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.architectures import forward_flops
from harness.judging.comparisons import Comparison, certain
from harness.judging.predicates.registry import ARCHITECTURES, STRATEGIES, predicate
from harness.judging.samples import Sample
from harness.variants import VARIANTS

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
def resnet50_needs_more_operations(_sample: Sample) -> Iterator[Comparison]:
    """Counted, not run: operations of one forward pass of one image."""
    for strategy in STRATEGIES:
        first, second = (forward_flops(VARIANTS[f"{name}-{strategy}"]) for name in ("resnet50", "vgg16"))
        seen = f"{first / 1e9:.2f} against {second / 1e9:.2f} billion"
        yield certain(f"operations an image, resnet50-{strategy} − vgg16-{strategy}", seen, holds=first > second)


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
