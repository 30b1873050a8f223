"""What is wrong with a stored run, in words, and the run itself as it lies on the disk."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from harness.records.record import RunRecord
from harness.records.store import RecordError, read_arrays, read_run

CHANGED: Final = (
    "the record or its arrays were changed after the run: take them from where they were made, or run again"
)
ROUNDING: Final = 1e-9
"""Relative. The same sums of float64 in another order."""
MOST_LETTERS: Final = 400
"""Of what is told of a flaw: a foreign file may hold a number of a thousand digits, or a name as long as a book."""


@dataclass(frozen=True)
class Flaw:
    """What was seen, what was expected, and what to do; `check` names the check for programs."""

    check: str
    seen: str
    expected: str
    advice: str = CHANGED

    def __post_init__(self) -> None:
        for part in ("seen", "expected"):
            object.__setattr__(self, part, _shortened(getattr(self, part)))

    def __str__(self) -> str:
        return f"{self.seen}; expected {self.expected}; {self.advice}"


def _shortened(text: str) -> str:
    text = re.sub(r"\d[\d,]{40,}", lambda digits: f"{digits[0][:8]}… ({len(digits[0])} digits)", text)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}… ({len(text):,} letters)"


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A run with its arrays (see `RunRecord.arrays_sha256`); no arrays where it did not end."""

    path: Path
    record: RunRecord
    arrays: Mapping[str, NDArray[Any]]


def read_stored(path: Path) -> StoredRun | Flaw:
    """Read a run, or say why it cannot be read: no JSON, another schema, arrays missing or unlike their hash."""
    try:
        record = read_run(path)
        return StoredRun(path, record, read_arrays(path, record))
    except RecordError as error:
        expected = "a record that ferbench wrote, with its arrays beside it"
        return Flaw("readable", error.what, expected, error.advice or CHANGED)


def implementation_name(run: StoredRun) -> str:
    """With its backend: `keras3-jax`."""
    spec = run.record.spec
    return "-".join(filter(None, (spec.implementation, spec.keras_backend)))


def are_close(observed: float, expected: float, tolerance: float = ROUNDING) -> bool:
    """Whether two finite numbers agree up to rounding."""
    return math.isfinite(observed) and math.isclose(observed, expected, rel_tol=tolerance, abs_tol=1e-12)


def is_count(fraction: float, total: int) -> bool:
    """Whether a fraction is k/n for a whole k in 0..n."""
    return math.isfinite(fraction) and 0 <= fraction <= 1 and are_close(fraction * total, round(fraction * total), 1e-6)
