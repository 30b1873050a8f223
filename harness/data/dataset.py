"""The one data set type that every door and the drawn default produce."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError

SPLITS: Final = ("training", "public_test", "private_test")
"""Split names in the order of their codes 0..2."""

DatasetName = Literal["fer2013", "toyfaces"]
Door = Literal["zip", "folder", "fer2013.csv", "icml_face_data.csv", "toyfaces"]


class DatasetError(UserError, ValueError):
    """A data set that cannot be used. The message is for people: seen, expected, what to do."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Grey 48×48 faces with labels and splits, in canonical order (by split; see each door).

    Attributes:
        images: Grey levels, uint8, shape (n, 48, 48); may be a read-only memory map.
        labels: Index into `CLASSES`, uint8, shape (n,).
        splits: Index into `SPLITS`, uint8, shape (n,), ascending.
        name: Which data set this is.
        door: The form it was read from. Part of the identity: the csv holds the original
            pixels, the zip their JPEG-decoded twins.
        digest: SHA-256 (hex) of pixels, labels, splits and door, from `identity`.
        deviations: One sentence for each way in which it differs from the known data set;
            empty for the real one. Never empty for FER-2013 unless all known counts match.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    name: DatasetName
    door: Door
    digest: str
    deviations: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, split: str) -> NDArray[np.intp]:
        """Rows of a split, shape (k,), ascending.

        Raises:
            DatasetError: If `split` is not one of `SPLITS`.
        """
        if split not in SPLITS:
            raise DatasetError(f"unknown split {split!r}; expected one of {', '.join(SPLITS)}")
        return np.flatnonzero(self.splits == SPLITS.index(split))


def identity(images: NDArray[np.uint8], labels: NDArray[np.uint8], splits: NDArray[np.uint8], door: Door) -> str:
    """SHA-256 (hex) over pixels, labels and splits in the order given, then the door."""
    digest = hashlib.sha256()
    for array in (images, labels, splits):
        digest.update(np.ascontiguousarray(array).data)
    digest.update(door.encode())
    return digest.hexdigest()
