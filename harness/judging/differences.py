"""In what a run differs from what bands are for: kinds with values. Sentences are made in `harness.report`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "status", "paper", "unknown-variant", "dataset", "deviating-data", "data-digest", "budget", "protocol",
    "unaugmented-pipeline", "precision", "batch-size", "repeated-views", "stand-in-weights", "weights",
    "weights-digest", "history-not-finite", "declared-otherwise", "hardware", "pipeline", "gpu", "product-rate",
    "kept-features", "checkpointing", "deterministic", "unequal-epochs",
]  # fmt: skip
"""`declared-otherwise`: the variant is not what its paper says under that name; `hardware`: the paper names none."""

Value = str | int | float | tuple[str, ...] | None


@dataclass(frozen=True)
class Difference:
    """One thing in which a run differs from what it would be compared with.

    Attributes:
        kind: What it is.
        observed: What the run has.
        expected: What the paper has.
        details: More values, of a kind that needs them.
    """

    kind: Kind
    observed: Value = None
    expected: Value = None
    details: tuple[tuple[str, Value], ...] = ()
