"""What the paper says of one accuracy or loss in several places, and losses that hardly go with their accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from harness.interface import CLASSES
from harness.papers.facts import Fact
from harness.papers.finding import Finding, Grade
from harness.papers.jahangir2024.review.granularity import (
    can_be_one,
    matrix_names,
    near_matrix,
    places_by_figure,
    state_of_matrix,
    states,
)
from harness.papers.jahangir2024.review.matrices import constant_networks
from harness.papers.paper import Paper, Predicate
from harness.papers.throughput import images as images_of
from harness.papers.wording import (
    Quote,
    mention,
    percent,
    points,
)
from harness.statistics.chance import entropy

READ_OFF: Final = 0.05
"""Fraction. What is said of a curve ("reaching around 60 %") may be off by this."""
ABSTRACT: Final = "vgg16-fine-tune.accuracy.abstract"
NEAR_ENTROPY: Final = 0.1
"""Nats. A loss that is not farther below the labels' entropy has learnt hardly more than how frequent each class is."""
SLIGHT: Final = Quote("fine-tuning produced a slight reduction in performance", "Abstract")
SIGNS: Final = Quote("The model shows signs of learning but has room for improvement", "Figure 10")
WEIGHTED: Final = (
    "class weights, which the paper claims and does not give, would rescale a training loss; Keras does not apply "
    "them to a validation loss"
)
SMALLEST_PROBABILITY: Final = 1e-7
"""To which Keras clips probabilities before their logarithm. Source: `keras.config.epsilon()`, its default."""


def agree(fact: Fact, headline: Fact) -> bool:
    """Whether two mentions can be one number: to a unit of the coarser one's last digit, or as read off a curve."""
    tolerance = max(fact.resolution, headline.resolution)
    if fact.where.startswith("figure-"):
        tolerance = max(tolerance, READ_OFF)
    return abs(fact.value - headline.value) <= tolerance * (1 + 1e-9)


def _is_training_figure(paper: Paper, fact: Fact) -> bool:
    """Whether an accuracy is the variant's training accuracy to the digit, and not its accuracy."""
    training = paper.facts.headline(fact.subject, "training-accuracy")
    return fact.value == training.value and not agree(fact, paper.facts.headline(fact.subject, "accuracy"))


def mentions_differ(paper: Paper) -> Iterator[Finding]:
    """Mentions of one accuracy that differ by more than rounding. Weighs less where only curves or batches do.

    Those that are held against a matrix are `granularity`'s.
    """
    images = {"accuracy": images_of(paper, "test"), "training-accuracy": images_of(paper, "training")}
    for name in paper.reported:
        for quantity, words in (("accuracy", "validation"), ("training-accuracy", "training")):
            headline = paper.facts.headline(name, quantity)
            mentions = [fact for fact in paper.facts.mentions(name, quantity) if fact.name != ABSTRACT]
            odd = [
                fact
                for fact in mentions
                if not agree(fact, headline)
                and (quantity != "accuracy" or not (_is_training_figure(paper, fact) or near_matrix(paper, fact)))
            ]
            if not odd:
                continue
            known = states(headline, images[quantity])
            excused = [fact for fact in odd if can_be_one(states(fact, images[quantity]), known)]
            lines = [f"{mention(fact)}: {points(abs(fact.value - headline.value))} apart" for fact in odd]
            lines += [f"{percent(fact)} can be the same network, a last batch more or less" for fact in excused]
            lines += [f"allowed: a unit of the last digit, and {points(READ_OFF)} for what is said of a curve"]
            is_grave = quantity == "accuracy" and any(
                fact not in excused and not fact.where.startswith("figure-") for fact in odd
            )
            yield Finding(
                f"{name}-{words}-accuracies-differ",
                "contradictory",
                2 if is_grave else 1,
                f"The {words} accuracy of {paper.called(name)} is {mention(headline)}, and elsewhere "
                f"{places_by_figure(odd)}.",
                "\n".join(dict.fromkeys(lines)),
                tuple(fact.name for fact in [headline, *odd]),
            )


def abstract_of_fine_tuning(paper: Paper) -> Iterator[Finding]:
    """The abstract's accuracy of fine-tuning, which stands nowhere else, and the loss that it makes slight."""
    told = paper.facts[ABSTRACT]
    others = [fact for fact in paper.facts.mentions(told.subject, "accuracy") if fact.name != ABSTRACT]
    if any(agree(told, fact) for fact in others):
        return
    headline, scratch = others[0], paper.facts.headline("vgg16-scratch", "accuracy")
    said, printed = scratch.value - told.value, scratch.value - headline.value
    images, right = state_of_matrix(paper, told.subject)
    yield Finding(
        "abstract-fine-tune-accuracy",
        "contradictory",
        3,
        f"{SLIGHT}, to {percent(told)}, a figure that stands nowhere else: {paper.called(told.subject)} "
        f"has {places_by_figure(others)}. By {headline.place} the loss against scratch is "
        f"{points(printed)}, not {points(said)}.",
        "\n".join(
            [
                *(f"{percent(told)} − {percent(fact)} = {points(told.value - fact.value)}" for fact in others),
                f"{percent(scratch)} − {percent(told)} = {points(said)}",
                f"{percent(scratch)} − {percent(headline)} = {points(printed)}",
                f"its confusion matrix: {right:,} of {images:,}, {100 * right / images:.3f} %",
            ]
        ),
        (told.name, *(fact.name for fact in others), scratch.name, *matrix_names(paper, told.subject)),
    )


def losses_of_constant_answers(paper: Paper) -> Iterator[Finding]:
    """A loss below what a network of one answer has, by what can be proved and what can only be doubted."""
    for name in constant_networks(paper):
        floor = entropy(paper.facts.confusion(name).sum(axis=1).tolist())
        images, right = state_of_matrix(paper, name)
        share = right / images
        # Another label's probability is at most that of the answer, so at most 1/2.
        least = (1 - share) * math.log(2)
        for fact in paper.facts.mentions(name, "loss"):
            highest = fact.value + fact.resolution / 2  # 1.81 may stand for the 1.8128 of the entropy itself
            if highest >= floor:
                continue
            grade: Grade = "implausible" if highest > least else "impossible"
            meaning = (
                "Its probabilities would have to tell images apart without ever making another class the largest."
                if grade == "implausible"
                else "No probabilities with that answer have it."
            )
            yield Finding(
                f"{name}-loss-below-entropy",
                grade,
                2,
                f"{fact.place} has a validation loss of {fact.printed} for the network of one answer: "
                f"{floor - fact.value:.2f} nats below {floor:.3f}, the entropy of the labels and the least for "
                f"probabilities that are the same for every image. {meaning}{_slip(fact, floor)}",
                "\n".join(
                    [
                        *_bounds(fact, floor=floor, least=least, share=share),
                        *_losses_beside(paper, name, fact),
                        WEIGHTED,
                    ]
                ),
                (fact.name, *matrix_names(paper, name)),
            )


def _slip(fact: Fact, floor: float) -> str:
    """Whether the loss of such a network is the printed one but for a digit."""
    expected = f"{floor:.{max(0, -round(math.log10(fact.resolution)))}f}"
    one_digit = len(expected) == len(fact.printed) and sum(map(str.__ne__, expected, fact.printed)) == 1
    return f" {expected}, one digit away, is what such a network has: a slip of one digit?" if one_digit else ""


def _bounds(fact: Fact, *, floor: float, least: float, share: float) -> Iterator[str]:
    yield f"the same probabilities q for every image: loss = H(labels) + KL(labels ‖ q) ≥ H = {floor:.4f} nats; proved"
    yield (
        "any probabilities, the largest always the same class: another label's is at most 1/2, so loss ≥ "
        f"(1 − {share:.4f}) · ln 2 = {least:.4f}; proved, and hardly a limit"
    )
    honest = -math.log(share)
    side = "above" if fact.value > honest else "below"
    yield (
        f"calibrated ones: loss = mean H(label | image) ≥ mean −ln(largest) ≥ −ln {share:.4f} = {honest:.4f} (Jensen); "
        f"proved, but nobody says that they are calibrated. {fact.printed} is {abs(fact.value - honest):.3f} {side}; "
        f"{1 / share:.1f} classes equally likely for each image, the answer always one of them, would come so low"
    )


def _losses_beside(paper: Paper, name: str, fact: Fact) -> Iterator[str]:
    """Networks that answer better at a higher loss."""
    accuracy = paper.facts.headline(name, "training-accuracy")
    for other in paper.reported:
        for loss in paper.facts.mentions(other, "training-loss")[:1]:
            better = paper.facts.headline(other, "training-accuracy")
            if better.value > accuracy.value and loss.value > fact.value:
                yield (
                    f"{other} trains to {percent(better)} with a loss of {loss.printed} ({loss.place}): "
                    f"more right answers than {percent(accuracy)}, and a higher loss"
                )


def losses_near_entropy(paper: Paper) -> Iterator[Finding]:
    """A training loss that has hardly left the entropy of the labels."""
    supports = [paper.facts[f"dataset.training-{label}.table-2"] for label in CLASSES]
    floor = entropy([fact.value for fact in supports])
    for name in paper.reported:
        mentions = paper.facts.mentions(name, "training-loss")
        for fact in mentions[:1]:
            if not fact.resolution / 2 < floor - fact.value < NEAR_ENTROPY:
                continue
            yield Finding(
                f"{name}-learnt-hardly-anything",
                "unsupported",
                1,
                f"The training loss of {paper.called(name)} ends at {fact.printed} nats ({fact.place}), "
                f"{floor - fact.value:.2f} below {floor:.3f}, the price of knowing no more than how frequent "
                f"each class is. That is little for {SIGNS}.",
                "\n".join(
                    [
                        f"H of Table 2's training column = {floor:.4f} nats",
                        *(f"{each.printed}: {each.value - floor:+.2f} nats" for each in mentions),
                        WEIGHTED,
                    ]
                ),
                (*(each.name for each in mentions), *(each.name for each in supports)),
            )


def losses_beyond_probabilities(paper: Paper) -> Iterator[Finding]:
    """A mean cross entropy larger than any that Keras computes from probabilities."""
    largest = -math.log(SMALLEST_PROBABILITY)
    in_float32 = -math.log(float(np.finfo(np.float32).smallest_subnormal))
    for name in paper.reported:
        for fact in paper.facts.mentions(name, "loss"):
            if fact.value <= largest:
                continue
            guessing = math.log(len(CLASSES))
            accuracy = paper.facts.headline(name, "accuracy")
            # A right answer has the largest of seven probabilities, so at least 1/7.
            wrong = (fact.value - accuracy.value * guessing) / (1 - accuracy.value)
            yield Finding(
                f"{name}-loss-beyond-probabilities",
                "implausible",
                2,
                f"A validation loss of {fact.printed} ({paper.called(name)}, {fact.place}) is "
                f"{fact.value / guessing:.0f} times that of guessing, and {fact.value / largest:.0f} times the most "
                "that Keras gives one image when it takes probabilities; with logits, as on TensorFlow, or penalties "
                "on weights it is possible. "
                f"A hundredth of it, {fact.value / 100:.4f}, would be ordinary: is it in per cent?",
                "\n".join(
                    [
                        f"guessing: ln {len(CLASSES)} = {guessing:.3f} nats; probabilities clipped at "
                        f"{SMALLEST_PROBABILITY:g}: at most {largest:.2f}",
                        f"with {mention(accuracy)}, each wrong answer costs {wrong:.0f} nats or more on average if no "
                        f"penalty is included: a probability of 10^−{wrong / math.log(10):.0f}, where float32 ends at "
                        f"10^−{in_float32 / math.log(10):.0f}",
                        "impossible as cross entropy of probabilities; on TensorFlow Keras takes the logits that it "
                        "finds behind a softmax, and it adds penalties on weights, such as decay by l2, to its loss",
                    ]
                ),
                (fact.name, accuracy.name),
                "Keras: `categorical_crossentropy` clips probabilities at `keras.config.epsilon()`",
            )


PREDICATES: tuple[Predicate, ...] = (
    mentions_differ,
    abstract_of_fine_tuning,
    losses_of_constant_answers,
    losses_near_entropy,
    losses_beyond_probabilities,
)
