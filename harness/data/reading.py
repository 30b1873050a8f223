"""What a door hands on, and how it is held against what is known of FER-2013."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import SPLITS, Door
from harness.interface import CLASSES

KNOWN_COUNTS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "training": (3995, 436, 4097, 7215, 4965, 4830, 3171),
        "public_test": (467, 56, 496, 895, 607, 653, 415),
        "private_test": (491, 55, 528, 879, 626, 594, 416),
    }
)
"""Pictures per split, in the order of `CLASSES`: 28,709 + 3,589 + 3,589 = 35,887.

Source: counted in the usual download; the sums are those of the challenge's own page (Goodfellow
et al. 2013, "Challenges in Representation Learning", section 2.1). Both csv files agree.
"""

KNOWN_TOTAL: Final = sum(sum(counts) for counts in KNOWN_COUNTS.values())
"""Pictures in all: 35,887."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Everything usable behind a door, in canonical order, and what was not as known.

    Attributes:
        images: Grey levels, uint8, shape (n, 48, 48).
        labels: Index into `CLASSES`, uint8, shape (n,).
        splits: Index into `SPLITS`, uint8, shape (n,), ascending.
        door: The form it was read from.
        deviations: One sentence each: what was left out and why, and counts that are off.
        notes: What is worth knowing but no deviation (a file was read through its common top folder).
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    door: Door
    deviations: tuple[str, ...]
    notes: tuple[str, ...] = ()


def counts_of(labels: NDArray[np.uint8], splits: NDArray[np.uint8]) -> dict[str, tuple[int, ...]]:
    """Pictures per split, in the order of `CLASSES`, from labels and splits of shape (n,)."""
    return {
        split: tuple(np.bincount(labels[splits == code], minlength=len(CLASSES)).tolist())
        for code, split in enumerate(SPLITS)
    }


def count_deviations(labels: NDArray[np.uint8], splits: NDArray[np.uint8]) -> list[str]:
    """One sentence for each split and class whose count is not that of `KNOWN_COUNTS`."""
    counts = counts_of(labels, splits)
    return [
        f"{split}/{name}: {observed:,} pictures, expected {known:,}"
        for split, known_counts in KNOWN_COUNTS.items()
        for name, observed, known in zip(CLASSES, counts[split], known_counts, strict=True)
        if observed != known
    ]


def shown(value: bytes | str, limit: int = 40) -> str:
    """Foreign text for a message: quoted, control characters escaped, at most `limit` characters of it."""
    text = value.decode("ascii", "backslashreplace") if isinstance(value, bytes) else value
    return repr(text) if len(text) <= limit else repr(text[:limit]) + "…"


def listed(sentences: Iterable[str], limit: int = 10) -> str:
    """Sentences one a line, indented; after `limit` of them only how many more there are."""
    lines = list(sentences)
    more = [f"… and {len(lines) - limit:,} more"] if len(lines) > limit else []
    return "\n".join(f"  - {line}" for line in [*lines[:limit], *more])
