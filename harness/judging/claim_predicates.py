"""What each claim of the paper asks of runs. A claim holds in an implementation if all its comparisons do.

Each function is named in claims.toml and gets the comparable runs of one implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from harness.architectures import forward_flops
from harness.judging import measures
from harness.judging.comparisons import Comparison, certain, number
from harness.judging.samples import Sample
from harness.paper.facts import facts
from harness.variants import VARIANTS

Predicate = Callable[[Sample], Iterator[Comparison]]

STRATEGIES: Final = ("scratch", "transfer", "fine-tune")
ARCHITECTURES: Final = ("vgg16", "resnet50")
SLIGHT: Final = 0.05
"""Fraction: what can still be called a slight loss of accuracy. The paper's own figures give 2.4 and 19.1 points."""
NO_GAIN: Final = 0.01
"""Fraction: a gain below one point is none."""
SAME: Final = 1.05
"""Ratio of seconds up to which two times are the same."""
EARLY_EPOCHS: Final = 10
"""As the paper says of Figure 13."""

_PREDICATES: dict[str, Predicate] = {}
PREDICATES: Final[Mapping[str, Predicate]] = _PREDICATES
"""All predicates by name."""


def _predicate(function: Predicate) -> Predicate:
    _PREDICATES[function.__name__] = function
    return function


def _more_accurate(sample: Sample, first: str, *others: str) -> Iterator[Comparison]:
    for other in others:
        yield sample.compare(measures.accuracy, first, other, called="accuracy")


def _others(name: str, architecture: str | None = None) -> list[str]:
    """All variants but one, of one architecture or of both."""
    return [each for each in VARIANTS if each != name and each.startswith(architecture or "")]


@_predicate
def vgg16_beats_resnet50(sample: Sample) -> Iterator[Comparison]:
    """By each strategy."""
    for strategy in STRATEGIES:
        yield from _more_accurate(sample, f"vgg16-{strategy}", f"resnet50-{strategy}")


@_predicate
def transfer_is_best_for_vgg16(sample: Sample) -> Iterator[Comparison]:
    """On the tests."""
    yield from _more_accurate(sample, "vgg16-transfer", *_others("vgg16-transfer", "vgg16"))


@_predicate
def vgg16_scratch_is_best(sample: Sample) -> Iterator[Comparison]:
    """Of all six."""
    yield from _more_accurate(sample, "vgg16-scratch", *_others("vgg16-scratch"))


@_predicate
def scratch_is_best_for_resnet50(sample: Sample) -> Iterator[Comparison]:
    """On the tests."""
    yield from _more_accurate(sample, "resnet50-scratch", *_others("resnet50-scratch", "resnet50"))


@_predicate
def fine_tuning_benefits_most(sample: Sample) -> Iterator[Comparison]:
    """More accurate than both others, in both networks."""
    for architecture in ARCHITECTURES:
        name = f"{architecture}-fine-tune"
        yield from _more_accurate(sample, name, *_others(name, architecture))


@_predicate
def fine_tuning_reduces_accuracy(sample: Sample) -> Iterator[Comparison]:
    """Below scratch, in both networks."""
    for architecture in ARCHITECTURES:
        yield from _more_accurate(sample, f"{architecture}-scratch", f"{architecture}-fine-tune")


@_predicate
def fine_tuning_costs_vgg16_little(sample: Sample) -> Iterator[Comparison]:
    """Below scratch, but not by more than `SLIGHT`."""
    yield from _more_accurate(sample, "vgg16-scratch", "vgg16-fine-tune")
    yield sample.compare(measures.accuracy, "vgg16-fine-tune", "vgg16-scratch", called="accuracy", margin=-SLIGHT)


@_predicate
def fine_tuning_does_not_enhance_resnet50(sample: Sample) -> Iterator[Comparison]:
    """Below scratch."""
    yield from _more_accurate(sample, "resnet50-scratch", "resnet50-fine-tune")


@_predicate
def pretrained_improve_performance(sample: Sample) -> Iterator[Comparison]:
    """Transfer and fine-tuning above scratch, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield from _more_accurate(sample, f"{architecture}-{strategy}", f"{architecture}-scratch")


@_predicate
def transfer_improves_vgg16(sample: Sample) -> Iterator[Comparison]:
    """Over scratch, on the tests and in training."""
    yield from _more_accurate(sample, "vgg16-transfer", "vgg16-scratch")
    yield sample.compare(measures.training_accuracy, "vgg16-transfer", "vgg16-scratch", called="training accuracy")


@_predicate
def transfer_reduces_resnet50(sample: Sample) -> Iterator[Comparison]:
    """Below scratch, on the tests and in training."""
    yield from _more_accurate(sample, "resnet50-scratch", "resnet50-transfer")
    yield sample.compare(
        measures.training_accuracy, "resnet50-scratch", "resnet50-transfer", called="training accuracy"
    )


@_predicate
def transfer_is_where_vgg16_leads_most(sample: Sample) -> Iterator[Comparison]:
    """Its lead over ResNet50 by transfer against its lead by each other strategy, as accuracies over seeds."""
    for strategy in ("scratch", "fine-tune"):
        yield sample.compare_leads("vgg16-transfer", "resnet50-transfer", f"vgg16-{strategy}", f"resnet50-{strategy}")


@_predicate
def pretrained_converge_faster(sample: Sample) -> Iterator[Comparison]:
    """Transfer and fine-tuning cross the target before scratch does, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield sample.epochs_saved(f"{architecture}-{strategy}", f"{architecture}-scratch")


@_predicate
def transfer_converges_faster_and_generalises_better(sample: Sample) -> Iterator[Comparison]:
    """Earlier across the target, and with a smaller gap, than scratch, in both networks."""
    for architecture in ARCHITECTURES:
        transfer, scratch = f"{architecture}-transfer", f"{architecture}-scratch"
        yield sample.epochs_saved(transfer, scratch)
        yield sample.compare(measures.gap, scratch, transfer, called="gap between training and tests")


@_predicate
def transfer_overfits_less_for_vgg16(sample: Sample) -> Iterator[Comparison]:
    """A smaller gap than from scratch."""
    yield sample.compare(measures.gap, "vgg16-scratch", "vgg16-transfer", called="gap between training and tests")


@_predicate
def fine_tuning_overfits(sample: Sample) -> Iterator[Comparison]:
    """A gap above 0, and above that of scratch."""
    yield sample.measured(measures.gap, "vgg16-fine-tune", called="gap between training and tests")
    yield sample.compare(measures.gap, "vgg16-fine-tune", "vgg16-scratch", called="gap between training and tests")


@_predicate
def resnet50_generalises_better(sample: Sample) -> Iterator[Comparison]:
    """From scratch, a smaller gap than VGG16's."""
    yield sample.compare(measures.gap, "vgg16-scratch", "resnet50-scratch", called="gap between training and tests")


@_predicate
def stop_rule_avoids_overfitting(sample: Sample) -> Iterator[Comparison]:
    """Who trains on without the rule ends with a wider gap and is worse on the tests."""
    yield from _more_accurate(sample, "vgg16-scratch", "vgg16-scratch@unstopped")
    yield sample.compare(
        measures.gap, "vgg16-scratch@unstopped", "vgg16-scratch", called="gap between training and tests"
    )


@_predicate
def no_way_to_improve(sample: Sample) -> Iterator[Comparison]:
    """Who trains on without the rule gains less than `NO_GAIN`."""
    yield sample.compare(
        measures.accuracy, "vgg16-scratch", "vgg16-scratch@unstopped", called="accuracy", margin=-NO_GAIN
    )


@_predicate
def validation_loss_levels_off_higher(sample: Sample) -> Iterator[Comparison]:
    """Watched loss above training loss at the end."""
    yield sample.measured(
        measures.loss_gap, "vgg16-transfer", called="watched loss less training loss, nats", shown=number
    )


@_predicate
def loss_falls_early(sample: Sample) -> Iterator[Comparison]:
    """More of the fall within `EARLY_EPOCHS` than after them."""
    yield sample.measured(
        measures.early_fall(EARLY_EPOCHS),
        "resnet50-fine-tune",
        called=f"fall of the training loss in {EARLY_EPOCHS} epochs less the fall after them, nats",
        shown=number,
    )


@_predicate
def loss_falls_to_the_end(sample: Sample) -> Iterator[Comparison]:
    """Watched loss lower at the end than half-way."""
    yield sample.measured(
        measures.late_fall,
        "resnet50-scratch",
        called="fall of the watched loss over the later half, nats",
        shown=number,
    )


@_predicate
def validation_accuracy_fluctuates(sample: Sample) -> Iterator[Comparison]:
    """More from epoch to epoch than that of scratch does."""
    yield sample.compare(
        measures.unrest, "vgg16-fine-tune", "vgg16-scratch", called="change of watched accuracy from epoch to epoch"
    )


@_predicate
def better_than_human(sample: Sample) -> Iterator[Comparison]:
    """On images like these."""
    human = facts().mentions("literature", "human")[0].value
    yield sample.beyond_these_images("vgg16-scratch", human, called="human estimate")


@_predicate
def sets_a_new_standard(sample: Sample) -> Iterator[Comparison]:
    """Above the best other row of Table 1."""
    rows = [fact for fact in facts().values() if fact.subject == "literature" and fact.where == "table-1"]
    best = max(fact.value for fact in rows if fact.unit == "percent")
    yield sample.beyond_these_images("vgg16-scratch", best, called="best of Table 1")


@_predicate
def beats_benchmarks(sample: Sample) -> Iterator[Comparison]:
    """Above the ResNet50 and the VGGNet of Table 1."""
    for key in ("resnet50-16", "vggnet-16"):
        fact = facts().mentions("literature", key)[0]
        yield sample.beyond_these_images("vgg16-scratch", fact.value, called=f"{key} of {fact.place}")


@_predicate
def happy_and_neutral_are_easy(sample: Sample) -> Iterator[Comparison]:
    """In both networks from scratch, the worse of happy and neutral above the better of fear and disgust."""
    for architecture in ARCHITECTURES:
        yield sample.measured(measures.worst_easy_less_best_hard, f"{architecture}-scratch", called=_EASY)


_EASY: Final = "recall, worse of happy and neutral − better of fear and disgust"


@_predicate
def vgg16_scratch_knows_happy_and_neutral(sample: Sample) -> Iterator[Comparison]:
    """The same of the one network."""
    yield sample.measured(measures.worst_easy_less_best_hard, "vgg16-scratch", called=_EASY)


@_predicate
def vgg16_fine_tune_excels_in_happy(sample: Sample) -> Iterator[Comparison]:
    """Happy above all others; fear and disgust below each of the rest."""
    yield sample.measured(measures.lead("happy"), "vgg16-fine-tune", called="recall, happy − best other")
    for hard in ("disgust", "fear"):
        for other in ("angry", "neutral", "sad", "surprise"):
            yield sample.measured(measures.lead(other, hard), "vgg16-fine-tune", called=f"recall, {other} − {hard}")


@_predicate
def vgg16_transfer_confuses_two_pairs(sample: Sample) -> Iterator[Comparison]:
    """Each of them more than two classes are on average."""
    for pair in (("fear", "surprise"), ("neutral", "sad")):
        yield sample.measured(measures.excess_confusion(*pair), "vgg16-transfer", called=_excess(*pair))


@_predicate
def resnet50_scratch_knows_happy_best(sample: Sample) -> Iterator[Comparison]:
    """Recall above all others."""
    yield sample.measured(measures.lead("happy"), "resnet50-scratch", called="recall, happy − best other")


@_predicate
def resnet50_scratch_confuses_sad_and_neutral(sample: Sample) -> Iterator[Comparison]:
    """More than two classes are on average."""
    yield sample.measured(
        measures.excess_confusion("sad", "neutral"), "resnet50-scratch", called=_excess("sad", "neutral")
    )


def _excess(first: str, second: str) -> str:
    return f"confusion of {first} and {second} − mean of all pairs"


@_predicate
def resnet50_transfer_takes_others_for_happy(sample: Sample) -> Iterator[Comparison]:
    """Happy is the commonest wrong answer."""
    yield sample.measured(
        measures.share_of_mistakes_ahead("happy"),
        "resnet50-transfer",
        called="share of wrong answers, happy − next commonest",
    )


@_predicate
def resnet50_fine_tune_answers_happy(sample: Sample) -> Iterator[Comparison]:
    """More than half of its answers."""
    yield sample.measured(
        measures.share_of_answers("happy"), "resnet50-fine-tune", called="share of answers, happy", above=0.5
    )


@_predicate
def class_weights_help_disgust(sample: Sample) -> Iterator[Comparison]:
    """The smallest class is recognised more often with balanced weights, in both networks from scratch."""
    for name in ("vgg16-scratch", "resnet50-scratch"):
        yield sample.compare(measures.recall("disgust"), f"{name}@balanced", name, called="recall of disgust")


@_predicate
def augmentation_improves_generalisation(sample: Sample) -> Iterator[Comparison]:
    """More accurate on the tests than without, where the paper says which kinds it used and pictures are 224 wide."""
    for name in ("resnet50-transfer", "vgg16-transfer"):
        yield from _more_accurate(sample, name, f"{name}@unaugmented")


@_predicate
def resnet50_takes_more_than_twice_the_time(sample: Sample) -> Iterator[Comparison]:
    """By transfer and by fine-tuning."""
    for strategy in STRATEGIES[1:]:
        yield sample.ratio_of_seconds(f"resnet50-{strategy}", f"vgg16-{strategy}", above=2.0)


@_predicate
def vgg16_trains_faster(sample: Sample) -> Iterator[Comparison]:
    """From scratch and when fine-tuning."""
    for strategy in ("scratch", "fine-tune"):
        yield sample.ratio_of_seconds(f"resnet50-{strategy}", f"vgg16-{strategy}")


@_predicate
def resnet50_needs_more_operations(_sample: Sample) -> Iterator[Comparison]:
    """Counted, not run: operations of one forward pass of one image."""
    for strategy in STRATEGIES:
        first, second = (forward_flops(VARIANTS[f"{name}-{strategy}"]) for name in ("resnet50", "vgg16"))
        seen = f"{first / 1e9:.2f} against {second / 1e9:.2f} billion"
        yield certain(f"operations an image, resnet50-{strategy} − vgg16-{strategy}", seen, holds=first > second)


@_predicate
def pretrained_take_longer(sample: Sample) -> Iterator[Comparison]:
    """Transfer and fine-tuning take more seconds than scratch, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield sample.ratio_of_seconds(f"{architecture}-{strategy}", f"{architecture}-scratch")


@_predicate
def scratch_takes_longest(sample: Sample) -> Iterator[Comparison]:
    """Scratch takes more seconds than transfer and fine-tuning, in both networks."""
    for architecture in ARCHITECTURES:
        for strategy in STRATEGIES[1:]:
            yield sample.ratio_of_seconds(f"{architecture}-scratch", f"{architecture}-{strategy}")


@_predicate
def resnet50_transfer_takes_as_long_as_fine_tuning(sample: Sample) -> Iterator[Comparison]:
    """Their ratio lies within 1/`SAME` and `SAME`."""
    transfer, fine_tune = "resnet50-transfer", "resnet50-fine-tune"
    yield sample.ratio_of_seconds(transfer, fine_tune, above=1 / SAME)
    yield sample.ratio_of_seconds(transfer, fine_tune, above=SAME, most=True)
