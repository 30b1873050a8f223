"""How much of the paper's protocol a run may use. Anything less than `paper` is never comparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from harness.strictness import STRICT
from harness.variant import Phase, Variant

BudgetName = Literal["smoke", "times", "hour", "paper", "rehearsal"]


@dataclass(frozen=True)
class Budget:
    """Caps on a run; None is no cap.

    Attributes:
        name: `paper`, `hour`, `smoke`, `rehearsal`, or `custom` where a cap was given by hand.
        seconds: Of the run's loop (training and evaluation): no epoch but the first is begun that would probably
            exceed them.
        epochs: Whole epochs.
        examples: Training images, drawn by seed in the proportions of the classes.
        test_examples: Test images, likewise.
        input_size: Edge of the network input, in pixels.
        batch_size: Images a step.
    """

    name: str
    seconds: float | None = None
    epochs: int | None = None
    examples: int | None = None
    test_examples: int | None = None
    input_size: int | None = None
    batch_size: int | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        bad = {name: cap for name, cap in vars(self).items() if name != "name" and cap is not None and not cap > 0}
        if bad:
            told = ", ".join(f"{name}={cap}" for name, cap in bad.items())
            raise ValueError(f"budget {self.name!r} with {told}; expected caps above 0")


BUDGETS: Final[Mapping[BudgetName, Budget]] = {
    "smoke": Budget("smoke", epochs=2, examples=960, test_examples=512, input_size=48),
    # enough to time an epoch of each phase (no variant has more than two) beside its first one, which may hold what is
    # done once
    "times": Budget("times", epochs=4),
    "hour": Budget("hour", seconds=3600.0),
    "paper": Budget("paper"),
    # as little as passes through all that a run does: two batches an epoch, and an epoch on either side of a new phase
    "rehearsal": Budget("rehearsal", epochs=2, examples=16, test_examples=16, input_size=48, batch_size=8),
}


def limit_variant(variant: Variant, budget: Budget) -> Variant:
    """The variant with input, batch and epochs capped; phases keep two epochs each, or one, while there are enough."""
    size = min(variant.input_size, budget.input_size or variant.input_size)
    batch = min(variant.batch_size, budget.batch_size or variant.batch_size)
    epochs = left = min(variant.epochs, budget.epochs or variant.epochs)
    least = 2 if epochs >= 2 * len(variant.phases) else 1  # a phase's first epoch may hold what is done once
    phases: list[Phase] = []
    for place, phase in enumerate(variant.phases[:epochs], start=1):
        later = sum(min(each.epochs, least) for each in variant.phases[place:epochs])
        phases.append(replace(phase, epochs=min(phase.epochs, left - later)))
        left -= phases[-1].epochs
    return replace(variant, input_size=size, batch_size=batch, epochs=epochs, phases=tuple(phases))
