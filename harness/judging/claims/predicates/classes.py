"""Which emotions are easy, which are taken for each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.judging.claims import measures
from harness.judging.claims.comparisons import Comparison
from harness.judging.claims.predicates.registry import ARCHITECTURES, predicate
from harness.judging.claims.samples import Sample

_EASY: Final = "recall, worse of happy and neutral − better of fear and disgust"


@predicate
def happy_and_neutral_are_easy(sample: Sample) -> Iterator[Comparison]:
    """In both networks from scratch, the worse of happy and neutral above the better of fear and disgust."""
    for architecture in ARCHITECTURES:
        yield sample.measured(measures.worst_easy_less_best_hard, f"{architecture}-scratch", called=_EASY)


@predicate
def vgg16_scratch_knows_happy_and_neutral(sample: Sample) -> Iterator[Comparison]:
    """The same of the one network."""
    yield sample.measured(measures.worst_easy_less_best_hard, "vgg16-scratch", called=_EASY)


@predicate
def vgg16_fine_tune_excels_in_happy(sample: Sample) -> Iterator[Comparison]:
    """Happy above all others; fear and disgust below each of the rest."""
    yield sample.measured(measures.lead("happy"), "vgg16-fine-tune", called="recall, happy − best other")
    for hard in ("disgust", "fear"):
        for other in ("angry", "neutral", "sad", "surprise"):
            yield sample.measured(measures.lead(other, hard), "vgg16-fine-tune", called=f"recall, {other} − {hard}")


@predicate
def vgg16_transfer_confuses_two_pairs(sample: Sample) -> Iterator[Comparison]:
    """Each of them more than two classes are on average."""
    for pair in (("fear", "surprise"), ("neutral", "sad")):
        yield sample.measured(measures.excess_confusion(*pair), "vgg16-transfer", called=_excess(*pair))


@predicate
def resnet50_scratch_knows_happy_best(sample: Sample) -> Iterator[Comparison]:
    """Recall above all others."""
    yield sample.measured(measures.lead("happy"), "resnet50-scratch", called="recall, happy − best other")


@predicate
def resnet50_scratch_confuses_sad_and_neutral(sample: Sample) -> Iterator[Comparison]:
    """More than two classes are on average."""
    yield sample.measured(
        measures.excess_confusion("sad", "neutral"), "resnet50-scratch", called=_excess("sad", "neutral")
    )


def _excess(first: str, second: str) -> str:
    return f"confusion of {first} and {second} − mean of all pairs"


@predicate
def resnet50_transfer_takes_others_for_happy(sample: Sample) -> Iterator[Comparison]:
    """Happy is the commonest wrong answer."""
    yield sample.measured(
        measures.share_of_mistakes_ahead("happy"),
        "resnet50-transfer",
        called="share of wrong answers, happy − next commonest",
    )


@predicate
def resnet50_fine_tune_answers_happy(sample: Sample) -> Iterator[Comparison]:
    """More than half of its answers."""
    yield sample.measured(
        measures.share_of_answers("happy"), "resnet50-fine-tune", called="share of answers, happy", above=0.5
    )


@predicate
def class_weights_help_disgust(sample: Sample) -> Iterator[Comparison]:
    """The smallest class is recognised more often with balanced weights, in both networks from scratch."""
    for name in ("vgg16-scratch", "resnet50-scratch"):
        yield sample.compare(measures.recall("disgust"), f"{name}@balanced", name, called="recall of disgust")
