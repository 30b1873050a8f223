"""What is in a data set: counts, deviations, and the flaws that FER-2013 is known for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.data.dataset import SPLITS, Door
from harness.data.reading import (
    KNOWN_COUNTS,
    Reading,
    counts_of,
    listed,
)
from harness.data.splits import hash_groups
from harness.interface import CLASSES


@dataclass(frozen=True)
class Inspection:
    """Figures of a data set. "The same" means: the same pixels.

    Attributes:
        door: The form it was read from.
        counts: Pictures by split and class.
        totals: Pictures by split.
        deviations: One sentence for each way in which it is not the known data set.
        notes: One sentence for each thing worth knowing that is no deviation.
        blank: Pictures whose pixels are all of one grey level.
        blank_labels: Classes that blank pictures carry, in the order of `CLASSES`.
        unique: Pictures without their duplicates: the number of groups of the same.
        duplicates: Pictures beyond the first of their group, by split, counted within the split alone.
        conflicting_groups: Groups of the same picture with more than one label.
        leaked: Test pictures that also lie in training.
        leaked_same_label: Those of them whose label one of their twins in training has.
    """

    door: Door
    counts: Mapping[str, Mapping[str, int]]
    totals: Mapping[str, int]
    deviations: tuple[str, ...]
    notes: tuple[str, ...]
    blank: int
    blank_labels: tuple[str, ...]
    unique: int
    duplicates: Mapping[str, int]
    conflicting_groups: int
    leaked: int
    leaked_same_label: int


def inspect_reading(reading: Reading) -> Inspection:
    """Count what is in a reading.

    Args:
        reading: What a door handed on.

    Returns:
        All figures; an empty split has zeros.
    """
    images, labels, splits = reading.images, reading.labels, reading.splits
    counts = {split: dict(zip(CLASSES, by_class, strict=True)) for split, by_class in counts_of(labels, splits).items()}
    totals = {split: sum(by_class.values()) for split, by_class in counts.items()}
    groups = hash_groups(images)
    # One number for a picture with its label: equal only if both are.
    labelled = groups * len(CLASSES) + labels
    in_training = splits == SPLITS.index("training")
    is_blank = (images == images[:, :1, :1]).all(axis=(1, 2))
    return Inspection(
        door=reading.door,
        counts=counts,
        totals=totals,
        deviations=reading.deviations,
        notes=reading.notes,
        blank=int(np.count_nonzero(is_blank)),
        blank_labels=tuple(CLASSES[label] for label in np.unique(labels[is_blank])),
        unique=len(np.unique(groups)),
        duplicates={split: totals[split] - len(np.unique(groups[splits == code])) for code, split in enumerate(SPLITS)},
        conflicting_groups=_conflicting(labelled),
        leaked=_shared(groups, in_training),
        leaked_same_label=_shared(labelled, in_training),
    )


def format_inspection(inspection: Inspection) -> RenderableType:
    """Lay an inspection out for the terminal: a table of counts, the flaws, notes and deviations."""
    table = Table(title=f"FER-2013, read as {inspection.door}", title_justify="left")
    table.add_column("split")
    for name in (*CLASSES, "total"):
        table.add_column(name, justify="right")
    for split in SPLITS:
        counts = [*inspection.counts[split].values(), inspection.totals[split]]
        known = [*KNOWN_COUNTS[split], sum(KNOWN_COUNTS[split])]
        cells = [
            f"{count:,}" if count == expected else f"{count:,} (not {expected:,})"
            for count, expected in zip(counts, known, strict=True)
        ]
        table.add_row(split, *cells)
    total = sum(inspection.totals.values())
    inside = ", ".join(f"{split} {count:,}" for split, count in inspection.duplicates.items())
    on_blank = f" (labelled {', '.join(inspection.blank_labels)})" if inspection.blank else ""
    lines = [
        f"unique pictures: {inspection.unique:,} of {total:,}; duplicates within a split: {inside}",
        f"test pictures that also lie in training: {inspection.leaked:,}, "
        f"{inspection.leaked_same_label:,} of them with the same label",
        f"groups of one picture with conflicting labels: {inspection.conflicting_groups:,}",
        f"blank pictures: {inspection.blank:,}{on_blank}",
        *(f"note: {note}" for note in inspection.notes),
    ]
    if inspection.deviations:
        deviations = listed(inspection.deviations, limit=50)
        lines.append(f"deviations from the known data set: {len(inspection.deviations):,}\n{deviations}")
    else:
        lines.append("no deviation from the known data set")
    # As plain text: names of files may hold what rich would take for its own markup.
    return Group(table, Text("\n".join(lines)))


def _conflicting(labelled: NDArray[np.int64]) -> int:
    """Groups that occur with more than one label."""
    labels_each = np.unique_counts(np.unique(labelled) // len(CLASSES)).counts
    return int(np.count_nonzero(labels_each > 1))


def _shared(values: NDArray[np.int64], in_training: NDArray[np.bool_]) -> int:
    """Rows outside of training whose value also occurs in it."""
    return int(np.count_nonzero(np.isin(values[~in_training], values[in_training])))
