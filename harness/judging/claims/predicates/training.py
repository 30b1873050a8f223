"""Convergence, overfitting, and the shape of curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.judging.claims import measures
from harness.judging.claims.comparisons import (
    Comparison,
    Shown,
    number,
    points,
)
from harness.judging.claims.measures import Measure
from harness.judging.claims.predicates.methods import NO_GAIN
from harness.judging.claims.predicates.registry import ARCHITECTURES, STRATEGIES, predicate
from harness.judging.claims.samples import Sample

EARLY_EPOCHS: Final = 10
"""As the paper says of Figure 13."""
FEWEST_EPOCHS: Final = 20
"""Epochs that a run needs for a statement on the shape of its curves: twice `EARLY_EPOCHS`."""
_LOSSES: Final[tuple[measures.Curve, ...]] = ("training_loss", "watched_loss")
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
    """From scratch, a smaller ratio of training to test accuracy than VGG16's."""
    called = "training accuracy ÷ test accuracy"
    yield sample.compare(measures.overshoot, "vgg16-scratch", "resnet50-scratch", called=called, shown=number)


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


def _curve(sample: Sample, measure: Measure, variant: str, called: str, shown: Shown = number) -> Comparison:
    return sample.measured(measure, variant, called=called, shown=shown, fewest_epochs=FEWEST_EPOCHS)


@predicate
def validation_loss_levels_off_higher(sample: Sample) -> Iterator[Comparison]:
    """The watched loss changes less over the later half than it fell before, and ends above the training loss."""
    name = "vgg16-transfer"
    yield _curve(sample, measures.loss_gap, name, "watched loss less training loss, nats")
    called = "fall of the watched loss over the first half less its change after, nats"
    yield _curve(sample, measures.settles("watched_loss"), name, called)


@predicate
def validation_accuracy_rises_more_slowly(sample: Sample) -> Iterator[Comparison]:
    """From the first epoch to the last the watched accuracy rises, and by less than the training accuracy."""
    name = "vgg16-transfer"
    yield _curve(sample, measures.rise("watched_accuracy"), name, "rise of the watched accuracy", points)
    called = "rise of the training accuracy less that of the watched accuracy"
    yield _curve(
        sample,
        lambda run: measures.rise("training_accuracy")(run) - measures.rise("watched_accuracy")(run),
        name,
        called,
        points,
    )


@predicate
def losses_fall_early(sample: Sample) -> Iterator[Comparison]:
    """Both fall within `EARLY_EPOCHS`, and by more than they change after them."""
    for name in _LOSSES:
        called = f"fall of the {_said(name)} in {EARLY_EPOCHS} epochs less its change after them, nats"
        yield _curve(sample, measures.settles(name, EARLY_EPOCHS), "resnet50-fine-tune", called)


@predicate
def losses_fall_to_the_end(sample: Sample) -> Iterator[Comparison]:
    """Both fall over the first half and over the later one."""
    for name in _LOSSES:
        called = f"fall of the {_said(name)}, first or later half, whichever is less, nats"
        yield _curve(sample, measures.least_fall(name), "resnet50-scratch", called)


@predicate
def validation_accuracy_fluctuates(sample: Sample) -> Iterator[Comparison]:
    """The training accuracy rises; that on the tests turns more from epoch to epoch than it does."""
    name = "vgg16-fine-tune"
    yield _curve(sample, measures.rise("training_accuracy"), name, "rise of the training accuracy", points)
    yield _curve(
        sample,
        lambda run: measures.unrest("watched_accuracy")(run) - measures.unrest("training_accuracy")(run),
        name,
        "unrest of the watched accuracy less that of the training accuracy (mean second difference)",
        points,
    )


def _said(name: measures.Curve) -> str:
    return name.replace("_", " ")
