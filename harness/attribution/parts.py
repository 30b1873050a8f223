"""Where a step's time goes: the input alone, the step alone, and both together, and what follows from the three."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from harness.records.machine import Speed
from harness.strictness import STRICT
from harness.variant import Pipeline, Variant

Part = Literal["input", "pixels", "step", "together"]
"""`input`: what the host does for a batch; `pixels`: the same, and the network input made of it on the device, for
`device` alone; `step`: training on one batch that is ready; `together`: training on batches as they come."""
Order = Literal[
    "one after the other", "at the same time", "partly at the same time", "faster than either", "slower than their sum",
    "cannot be told",
]  # fmt: skip
Bound = Literal["input", "step", "cannot be told"]

ALIKE: Final = 0.05
"""Relative difference up to which two lengths count as one: the rounds of one measurement spread by about as much."""

FEWEST_ROUNDS: Final = 3
"""Of one or two rounds the range is that of chance: below, neither order nor bound is told."""


@dataclass(frozen=True)
class Spread:
    """Median and range of what was seen, round by round."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value at least."""
        return cls(statistics.median(values), min(values), max(values))

    def is_alike(self, value: float) -> bool:
        """Whether the range, a little widened, holds a value."""
        return self.low * (1 - ALIKE) <= value <= self.high * (1 + ALIKE)


@dataclass(frozen=True)
class Clocked:
    """One part of the work, clocked in every round.

    Attributes:
        pipeline: Whose batches they were.
        part: What was done with them.
        images: A round.
        seconds: Of each round.
    """

    pipeline: Pipeline
    part: Part
    images: int
    seconds: tuple[float, ...]

    __pydantic_config__ = STRICT

    @property
    def image_seconds(self) -> tuple[float, ...]:
        """Seconds an image, of each round."""
        return tuple(each / self.images for each in self.seconds)

    @property
    def rate(self) -> Spread:
        """Images a second."""
        return Spread.of([1 / each for each in self.image_seconds])


@dataclass(frozen=True)
class Attribution:
    """The three lengths of one pipeline, round by round: what is compared was measured within moments."""

    input: Clocked
    step: Clocked
    together: Clocked

    @property
    def pipeline(self) -> Pipeline:
        """Whose it is."""
        return self.together.pipeline

    @property
    def input_share(self) -> Spread:
        """The input alone over both together."""
        return _ratios(self.input.image_seconds, self.together.image_seconds)

    @property
    def step_share(self) -> Spread:
        """The step alone over both together."""
        return _ratios(self.step.image_seconds, self.together.image_seconds)

    @property
    def to_sum(self) -> Spread:
        """Both together over the sum of both alone: 1 where one waits for the other."""
        return _ratios(self.together.image_seconds, list(map(sum, self._alone())))

    @property
    def to_longer(self) -> Spread:
        """Both together over the longer of both alone: 1 where the shorter hides behind it."""
        return _ratios(self.together.image_seconds, list(map(max, self._alone())))

    @property
    def order(self) -> Order:
        """Whether input and step go on at the same time, as far as the rounds tell it."""
        if self._has_few_rounds:
            return "cannot be told"
        as_sum, as_longer = self.to_sum.is_alike(1), self.to_longer.is_alike(1)
        if as_sum and as_longer:  # the shorter is less than what the rounds differ by
            return "cannot be told"
        if as_sum:
            return "one after the other"
        if as_longer:
            return "at the same time"
        if self.to_sum.median > 1:
            return "slower than their sum"
        return "partly at the same time" if self.to_longer.median > 1 else "faster than either"

    @property
    def bound(self) -> Bound:
        """Which of both is the longer in every round."""
        if self._has_few_rounds:
            return "cannot be told"
        ratio = _ratios(self.input.image_seconds, self.step.image_seconds)
        if ratio.low > 1:
            return "input"
        return "step" if ratio.high < 1 else "cannot be told"

    @property
    def _has_few_rounds(self) -> bool:
        return len(self.together.seconds) < FEWEST_ROUNDS

    def _alone(self) -> list[tuple[float, float]]:
        return list(zip(self.input.image_seconds, self.step.image_seconds, strict=True))


@dataclass(frozen=True)
class PictureRate:
    """The paper's generator on one core, for network input of one size.

    Attributes:
        input_size: In pixels.
        input_channels: 1 or 3.
        augmented: With the augmentation of the variants of that size, as training asks for pictures.
        plain: Without, as evaluation does.
    """

    input_size: int
    input_channels: int
    augmented: Clocked
    plain: Clocked

    __pydantic_config__ = STRICT

    @property
    def clocked_pictures(self) -> int:
        """Behind either rate, over all rounds: the fewer of both."""
        return min(each.images * len(each.seconds) for each in (self.augmented, self.plain))


@dataclass(frozen=True)
class Measured:
    """What one framework's process found.

    Attributes:
        implementation: `keras3` or `pytorch`.
        variant: What was trained; its batch size is the one of these measurements.
        trainable: What of it.
        clocked: Every part of every pipeline.
        pictures: The paper's generator; empty where another process measured it.
        step_flops: Floating-point operations of the step alone an image.
        product: Of the machine's own matrix products, one a round.
        versions: Of the framework.
        gpu: Its name, None on the CPU.
    """

    implementation: str
    variant: Variant
    trainable: str
    clocked: tuple[Clocked, ...]
    pictures: tuple[PictureRate, ...]
    step_flops: int
    product: Speed
    versions: Mapping[str, str]
    gpu: str | None

    __pydantic_config__ = STRICT

    @property
    def rounds(self) -> int:
        """How often everything was clocked."""
        return len(self.product.seconds)

    def find(self, pipeline: Pipeline, part: Part) -> Clocked | None:
        """One part, None where it was not measured.

        The step on pixels that the host made is the same, whichever pipeline made them: it is measured once.
        """
        made_on_host: tuple[Pipeline, ...] = ("generator", "manual")
        owners = made_on_host if part == "step" and pipeline in made_on_host else (pipeline,)
        return next((each for each in self.clocked if each.pipeline in owners and each.part == part), None)

    def attributions(self) -> Iterator[Attribution]:
        """Of every pipeline, in the order measured."""
        for pipeline in dict.fromkeys(each.pipeline for each in self.clocked):
            parts = [self.find(pipeline, part) for part in ("input", "step", "together")]
            if all(parts):
                yield Attribution(*(each for each in parts if each is not None))

    @property
    def step_rate(self) -> Spread:
        """Of the fastest kind of step, GFLOP/s."""
        steps = [each for each in self.clocked if each.part == "step"]
        fastest = max(steps, key=lambda each: each.rate.median)
        return Spread.of([self.step_flops / each / 1e9 for each in fastest.image_seconds])

    @property
    def product_rate(self) -> Spread:
        """Of the machine's matrix products, GFLOP/s."""
        return Spread.of([each / 1e9 for each in self.product.rates])


def _ratios(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    return Spread.of([one / other for one, other in zip(numerators, denominators, strict=True)])
