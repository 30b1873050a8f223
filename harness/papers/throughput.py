"""What a reported training time implies: images and floating-point operations a second.

Operations are counted by `harness.operations`: an image that trains goes forth and back, a watched one forth. A
frozen base is not taken to be computed once for all epochs: augmented pictures are new ones in each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from harness.architectures import forward_flops
from harness.operations import training_image_flops
from harness.papers.facts import Fact
from harness.papers.paper import Paper
from harness.variant import Variant

FIELDS_OF_WORK = frozenset({"blocks", "input_size", "phases"})
"""Fields of a reading that change how many operations an image takes."""

ALIKE_EPOCHS = 0.05
ALIKE_RUNS = 0.01
"""Relative differences of seconds up to which an epoch, and a whole run, count as equally long."""


@dataclass(frozen=True)
class Rate:
    """One reported time under one reading and one number of epochs.

    Attributes:
        variant: With its readings.
        seconds: The fact of the time.
        epochs: As the paper says, or the variant's where it prints no number.
        training_images: An epoch, from Table 2.
        watched_images: An epoch, from Table 2.
    """

    variant: Variant
    seconds: Fact
    epochs: int
    training_images: int
    watched_images: int

    @property
    def epoch_seconds(self) -> float:
        """Seconds an epoch, watching included."""
        return self.seconds.value / self.epochs

    @property
    def images_per_second(self) -> float:
        """Training images a second; the watched ones pass in the same time."""
        return self.training_images / self.epoch_seconds

    @cached_property
    def operations(self) -> float:
        """Floating-point operations of the whole run."""
        training = self.training_images * mean_training_operations(self.variant, self.epochs)
        return self.epochs * (training + self.watched_images * forward_flops(self.variant))

    @property
    def operations_per_image(self) -> float:
        """Floating-point operations, averaged over the images that pass, trained or watched."""
        return self.operations / (self.epochs * (self.training_images + self.watched_images))

    @property
    def operations_per_second(self) -> float:
        """Floating-point operations a second, averaged over the run."""
        return self.operations / self.seconds.value


@cache
def mean_training_operations(variant: Variant, epochs: int) -> float:
    """Floating-point operations of one training image, averaged over the first epochs of a run.

    More epochs than planned prolong the last phase.
    """
    plan = [phase for phase in variant.phases for _ in range(phase.epochs)]
    plan = plan[:epochs] + [plan[-1]] * (epochs - len(plan))
    costs = {phase: training_image_flops(variant, phase) for phase in set(plan)}
    return sum(costs[phase] for phase in plan) / epochs


@cache
def readings_of_work(paper: Paper, base_name: str) -> tuple[Variant, ...]:
    """The default reading, then each single one that takes other work."""
    others = [
        paper.find_variant(f"{base_name}@{reading.name}")
        for reading in paper.readings[base_name]
        if not reading.is_default and reading.values.keys() & FIELDS_OF_WORK
    ]
    return (paper.variants[base_name], *others)


def distinct(mentions: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Facts of one quantity without those that say an earlier value again, or round it."""
    kept: list[Fact] = []
    for fact in sorted(mentions, key=lambda each: each.resolution):
        if all(abs(fact.value - other.value) > fact.resolution for other in kept):
            kept.append(fact)
    return tuple(fact for fact in mentions if fact in kept)


def images(paper: Paper, split: str) -> int:
    """Images of `training` or `test`: the sum of its column in Table 2."""
    column = [fact for fact in paper.facts.values() if fact.subject == "dataset" and fact.where == "table-2"]
    return round(math.fsum(fact.value for fact in column if fact.quantity.startswith(f"{split}-")))


def epoch_counts(paper: Paper, base_name: str) -> tuple[int, ...]:
    """Numbers of epochs that the paper gives a run, that which it says it ran first; else the variant's."""
    said = paper.facts.mentions(base_name, "epochs-run") + paper.facts.mentions(base_name, "epochs")
    return tuple(int(fact.value) for fact in distinct(said)) or (paper.variants[base_name].epochs,)


def rates(paper: Paper) -> Iterator[Rate]:
    """Every reported time with every number of epochs that the paper gives the variant, and every reading."""
    training, watched = images(paper, "training"), images(paper, "test")
    for base_name in paper.variants:
        for seconds in distinct(paper.facts.mentions(base_name, "seconds")):
            for epochs in epoch_counts(paper, base_name):
                for variant in readings_of_work(paper, base_name):
                    yield Rate(variant, seconds, epochs, training, watched)
