"""Convergence, overfitting, and the shape of curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.judging import measures
from harness.judging.comparisons import Comparison, number
from harness.judging.predicates.registry import ARCHITECTURES, STRATEGIES, predicate
from harness.judging.samples import Sample

NO_GAIN: Final = 0.01
"""Fraction: a gain below one point is none."""
EARLY_EPOCHS: Final = 10
"""As the paper says of Figure 13."""
_GAP: Final = "gap between training and tests"


@predicate
def pretrained_converge_faster(sample: Sample) -> Iterator[Comparison]:
    """Transfer and fine-tuning cross the target before scratch does, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield sample.epochs_saved(f"{architecture}-{strategy}", f"{architecture}-scratch")


@predicate
def transfer_converges_faster_and_generalises_better(sample: Sample) -> Iterator[Comparison]:
    """Earlier across the target, and with a smaller gap, than scratch, in both networks."""
    for architecture in ARCHITECTURES:
        transfer, scratch = f"{architecture}-transfer", f"{architecture}-scratch"
        yield sample.epochs_saved(transfer, scratch)
        yield sample.compare(measures.gap, scratch, transfer, called=_GAP)


@predicate
def transfer_overfits_less_for_vgg16(sample: Sample) -> Iterator[Comparison]:
    """A smaller gap than from scratch."""
    yield sample.compare(measures.gap, "vgg16-scratch", "vgg16-transfer", called=_GAP)


@predicate
def fine_tuning_overfits(sample: Sample) -> Iterator[Comparison]:
    """A gap above 0, and above that of scratch."""
    yield sample.measured(measures.gap, "vgg16-fine-tune", called=_GAP)
    yield sample.compare(measures.gap, "vgg16-fine-tune", "vgg16-scratch", called=_GAP)


@predicate
def resnet50_generalises_better(sample: Sample) -> Iterator[Comparison]:
    """From scratch, a smaller gap than VGG16's."""
    yield sample.compare(measures.gap, "vgg16-scratch", "resnet50-scratch", called=_GAP)


@predicate
def stop_rule_avoids_overfitting(sample: Sample) -> Iterator[Comparison]:
    """Who trains on without the rule ends with a wider gap and is worse on the tests."""
    yield sample.compare(measures.accuracy, "vgg16-scratch", "vgg16-scratch@unstopped", called="accuracy")
    yield sample.compare(measures.gap, "vgg16-scratch@unstopped", "vgg16-scratch", called=_GAP)


@predicate
def no_way_to_improve(sample: Sample) -> Iterator[Comparison]:
    """Who trains on without the rule gains less than `NO_GAIN`."""
    yield sample.compare(
        measures.accuracy, "vgg16-scratch", "vgg16-scratch@unstopped", called="accuracy", margin=-NO_GAIN
    )


@predicate
def validation_loss_levels_off_higher(sample: Sample) -> Iterator[Comparison]:
    """Watched loss above training loss at the end."""
    yield sample.measured(
        measures.loss_gap, "vgg16-transfer", called="watched loss less training loss, nats", shown=number
    )


@predicate
def loss_falls_early(sample: Sample) -> Iterator[Comparison]:
    """More of the fall within `EARLY_EPOCHS` than after them."""
    yield sample.measured(
        measures.early_fall(EARLY_EPOCHS),
        "resnet50-fine-tune",
        called=f"fall of the training loss in {EARLY_EPOCHS} epochs less the fall after them, nats",
        shown=number,
    )


@predicate
def loss_falls_to_the_end(sample: Sample) -> Iterator[Comparison]:
    """Watched loss lower at the end than half-way."""
    yield sample.measured(
        measures.late_fall,
        "resnet50-scratch",
        called="fall of the watched loss over the later half, nats",
        shown=number,
    )


@predicate
def validation_accuracy_fluctuates(sample: Sample) -> Iterator[Comparison]:
    """More from epoch to epoch than that of scratch does."""
    yield sample.compare(
        measures.unrest, "vgg16-fine-tune", "vgg16-scratch", called="change of watched accuracy from epoch to epoch"
    )
