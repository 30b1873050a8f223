"""Why training ended: a kind with its values. The sentence that people read is made in `harness.report.records`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.strictness import STRICT

StopKind = Literal["all-epochs", "accuracy-above", "no-improvement", "budget-seconds", "interrupted"]


@dataclass(frozen=True)
class StopReason:
    """Why training ended.

    Attributes:
        kind: `accuracy-above` and `no-improvement` are the variant's stop rule; `budget-seconds` is that another epoch
            would have exceeded the budget; `interrupted` is that somebody stopped the run.
        epoch: How many epochs were complete by then.
        threshold: The accuracy that was exceeded, as a fraction.
        patience: For how many epochs the accuracy had not risen.
        seconds: What the budget allowed.
    """

    kind: StopKind
    epoch: int
    threshold: float | None = None
    patience: int | None = None
    seconds: float | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        values = {"accuracy-above": "threshold", "no-improvement": "patience", "budget-seconds": "seconds"}
        for kind, name in values.items():
            if (self.kind == kind) != (getattr(self, name) is not None):
                raise ValueError(f"stop reason {self.kind!r} with {name}={getattr(self, name)}: it goes with {kind}")
