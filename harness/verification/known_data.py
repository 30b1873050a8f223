"""What is known of a run's data where the data are not at hand: splits, labels and twins, row by row."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import SPLITS, Dataset
from harness.data.reading import KNOWN_COUNTS
from harness.data.splits import leaked_rows
from harness.data.toyfaces import toyfaces
from harness.interface import CLASSES
from harness.records.record import DatasetIdentity

TEST_SPLITS: Final = ("public_test", "private_test")
_SORTED_DOORS: Final = ("zip", "folder")
"""Within a split their rows stand by class, so each row's label is known; those of a csv stand as its file has them."""

CLEAN_IMAGES: Final = 6610
"""Of the 7,178 to test on, those without a twin in training, by the pixels of the zip."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A data set without its pictures.

    Attributes:
        splits: Index into `SPLITS` of each row, uint8, shape (n,), ascending.
        labels: Index into `CLASSES` of each row, uint8, shape (n,); None where only their counts are known.
        leaked: Rows of tests whose pixels lie in training too, shape (k,); None where they are not known.
        digest: Of the data set, as `harness.data.dataset.identity` has it; None where it is not known.
        dataset: The data set itself, where it is at hand.
    """

    splits: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None
    leaked: NDArray[np.intp] | None = None
    digest: str | None = None
    dataset: Dataset | None = None

    def rows(self, *names: str) -> NDArray[np.intp]:
        """Rows of splits, ascending."""
        return np.flatnonzero(np.isin(self.splits, [SPLITS.index(name) for name in names]))

    @property
    def unknown(self) -> str | None:
        """What cannot be checked by it, in words; None where all can."""
        missing = [
            text
            for text, value in (
                ("which label a row has (only how many of each)", self.labels),
                ("which images are in clean_test", self.leaked),
                ("the data's digest", self.digest),
            )
            if value is None
        ]
        return ", ".join(missing) or None


def known_layout(identity: DatasetIdentity) -> Layout | None:
    """The layout that an identity claims to have; None for a data set that deviates, of which nothing is known."""
    if identity.name == "toyfaces":
        return _toyfaces()
    return None if identity.deviations else _fer2013(identity.door)


@cache
def layout_of(dataset: Dataset) -> Layout:
    """The layout of a data set that is at hand."""
    return Layout(dataset.splits, dataset.labels, leaked_rows(dataset), dataset.digest, dataset)


@cache
def _toyfaces() -> Layout:
    return layout_of(toyfaces())


@cache
def _fer2013(door: str) -> Layout:
    counts = KNOWN_COUNTS.values()
    splits = np.repeat(np.arange(len(SPLITS), dtype=np.uint8), [sum(each) for each in counts])
    if door not in _SORTED_DOORS:
        return Layout(splits)
    classes = np.arange(len(CLASSES), dtype=np.uint8)
    labels = np.concatenate([np.repeat(classes, each) for each in counts])
    known = _known()
    return Layout(splits, labels, np.array(known["leaked"], dtype=np.intp), known["digests"][door])


@cache
def _known() -> dict[str, Any]:
    text = (files("harness.verification") / "known_data.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
