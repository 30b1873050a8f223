"""What an epoch should take on a paper's machine, by its input pipeline and by its step, beside what it reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.attribution.parts import PictureRate, Spread
from harness.data.generator_speed import CORE_RATIO
from harness.interval import Interval
from harness.measuring.assumptions import STEP_OVERHEAD, UTILISATION
from harness.papers.paper import Paper
from harness.papers.throughput import Rate, rates

Explanation = Literal[
    "explained by the input pipeline", "explained by the step", "explained by neither", "cannot be told"
]


@dataclass(frozen=True)
class Assumptions:
    """What the prediction takes for granted.

    Attributes:
        peak: Of the paper's card, float32 operations a second.
        utilisation: Share of it that a step reaches.
        core_ratio: Of the paper's core to this machine's.
        step_overhead: Seconds a step.
        peak_source: Where the peak is from, in words.
    """

    peak: float
    utilisation: Interval = UTILISATION
    core_ratio: Interval = CORE_RATIO
    step_overhead: Interval = STEP_OVERHEAD
    peak_source: str = ""

    def __post_init__(self) -> None:
        for name in ("utilisation", "core_ratio"):
            if getattr(self, name).low == 0:
                raise ValueError(f"{name.replace('_', ' ')} begins at 0; expected more, or an epoch never ends")


@dataclass(frozen=True)
class Prediction:
    """One reported time under one reading, with what its parts should take; seconds an epoch, watching included.

    Attributes:
        rate: The time, its epochs, and the reading.
        pipeline_here: Of one core of this machine that makes all pictures, by the paper's generator; of medians.
        pipeline: Of one core of the paper's.
        step: Of the card, with its pictures ready.
        peak: Of the card, float32 operations a second.
    """

    rate: Rate
    pipeline_here: float
    pipeline: Interval
    step: Interval
    peak: float

    @property
    def seconds(self) -> float:
        """What the paper reports."""
        return self.rate.epoch_seconds

    @property
    def operations(self) -> float:
        """Floating-point operations an epoch."""
        return self.rate.operations / self.rate.epochs

    @property
    def explanation(self) -> Explanation:
        """Which interval holds the paper's time and is contradicted by no other."""
        return self._judged()[0]

    @property
    def reason(self) -> str:
        """Why, where the intervals do not say it."""
        return self._judged()[1]

    @property
    def utilisation_needed(self) -> float:
        """Share of the peak, if the step alone took the paper's time."""
        return self.rate.operations_per_second / self.peak

    @property
    def core_ratio_needed(self) -> float:
        """How much faster the paper's core was than one of this machine, if the pictures alone took its time."""
        return self.pipeline_here / self.seconds

    def _judged(self) -> tuple[Explanation, str]:
        seconds, pipeline, step = self.seconds, self.pipeline, self.step
        by_pipeline, by_step = seconds in pipeline, seconds in step
        if by_pipeline and by_step:
            return "cannot be told", "either alone may take that long"
        if by_pipeline and seconds >= step.low:
            return "explained by the input pipeline", ""
        if by_step and seconds >= pipeline.low:
            return "explained by the step", ""
        if by_pipeline:
            return "cannot be told", f"the pictures may take that long, but the step takes {step.low:,.1f} s at least"
        if by_step:
            return "cannot be told", "the step may, if pictures came from memory or from several cores"
        if seconds < max(pipeline.low, step.low):
            which = "pictures from one core" if pipeline.low > step.low else "the step"
            return "explained by neither", f"too short for {which}"
        if seconds <= pipeline.high + step.high:
            return "cannot be told", "neither alone, but one after the other may"
        return "explained by neither", f"too long, {pipeline.high + step.high:,.1f} s one after the other"


def predict(rate: Rate, pictures: Sequence[PictureRate], assumptions: Assumptions) -> Prediction | None:
    """An epoch on the paper's machine; None where the generator was not measured at that size."""
    wanted = (rate.variant.input_size, rate.variant.input_channels)
    found = next((each for each in pictures if (each.input_size, each.input_channels) == wanted), None)
    if found is None:
        return None
    training = found.plain if rate.variant.augmentation is None else found.augmented

    def pipeline(core_ratio: float, of_rate: Callable[[Spread], float]) -> float:
        images = ((rate.training_images, training), (rate.watched_images, found.plain))
        return sum(count / (of_rate(clocked.rate) * core_ratio) for count, clocked in images)

    steps = sum(math.ceil(each / rate.variant.batch_size) for each in (rate.training_images, rate.watched_images))
    arithmetic = rate.operations / rate.epochs / assumptions.peak
    return Prediction(
        rate,
        pipeline(1.0, lambda spread: spread.median),
        Interval(
            pipeline(assumptions.core_ratio.high, lambda spread: spread.high),
            pipeline(assumptions.core_ratio.low, lambda spread: spread.low),
        ),
        Interval(
            arithmetic / assumptions.utilisation.high + steps * assumptions.step_overhead.low,
            arithmetic / assumptions.utilisation.low + steps * assumptions.step_overhead.high,
        ),
        assumptions.peak,
    )


def predict_all(paper: Paper, pictures: Sequence[PictureRate], assumptions: Assumptions) -> Iterator[Prediction]:
    """Every reported time of all variants, with every number of epochs, in every reading that takes other work."""
    for rate in rates(paper):
        prediction = predict(rate, pictures, assumptions)
        if prediction is not None:
            yield prediction
