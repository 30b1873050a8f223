"""A data set as the folder of picture files that the paper's pipeline reads, written once into the cache."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from harness.data.cache import CACHE_VARIABLE, cache_folder
from harness.data.dataset import Dataset, DatasetError
from harness.interface import CLASSES

_FORMAT: Final = 1
"""Part of every key: raise it when files are written differently than before."""


def picture_name(row: int, label: int) -> str:
    """Where the picture of a row lies below the root: `happy/000123.png`."""
    return f"{CLASSES[label]}/{row:06}.png"


def picture_row(name: str) -> int:
    """The row whose picture a file is, by its name."""
    return int(Path(name).stem)


def write_pictures(dataset: Dataset, rows: NDArray[np.intp]) -> Path:
    """The folder with the pictures of these rows, made where it is missing or has lost or gained a file.

    PNG, not the JPEG of the distributed folders: it keeps the pixels of every door as they are.

    Args:
        dataset: Where pictures and labels come from.
        rows: Ascending, each once.

    Returns:
        Its root: a folder for each class.

    Raises:
        DatasetError: If it cannot be written.
    """
    key = hashlib.sha256(f"{_FORMAT}\0{dataset.digest}\0".encode() + rows.astype("<i8").tobytes()).hexdigest()
    root = cache_folder() / "pictures" / key
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_suffix(".lock")):
            # by name alone: pictures that cannot be read are refused when they are read
            if {path.relative_to(root).as_posix() for path in root.glob("*/*")} != set(_names(dataset, rows)):
                _write(dataset, rows, root)
    except OSError as error:
        raise DatasetError(
            f"{root} cannot hold {len(rows):,} picture files: {error.strerror or error}; set {CACHE_VARIABLE} to "
            "another folder, or take --pipeline device"
        ) from error
    return root


@contextmanager
def reading(root: Path) -> Iterator[None]:
    """Say which folder to remove where a picture below it cannot be read.

    Raises:
        DatasetError: Instead of what Pillow raises for a file that is missing, cut off or another kind of file.
    """
    try:
        yield
    except (OSError, SyntaxError) as error:  # the second for chunks of a PNG that are none
        raise DatasetError(f"{root} holds a picture that cannot be read ({error}); remove that folder") from error


def _names(dataset: Dataset, rows: NDArray[np.intp]) -> list[str]:
    return [picture_name(int(row), int(dataset.labels[row])) for row in rows]


def _write(dataset: Dataset, rows: NDArray[np.intp], root: Path) -> None:
    """Write beside the place, then rename: a reader sees a whole folder or none. A damaged one is moved away."""
    with tempfile.TemporaryDirectory(dir=root.parent, prefix="writing-", ignore_cleanup_errors=True) as scratch:
        written = Path(scratch) / "pictures"
        for name in CLASSES:
            (written / name).mkdir(parents=True)
        for row, name in zip(rows, _names(dataset, rows), strict=True):
            Image.fromarray(dataset.images[row]).save(written / name, compress_level=1)
        if root.exists():
            root.replace(Path(scratch) / "damaged")
        written.replace(root)
