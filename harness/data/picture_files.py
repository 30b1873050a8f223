"""A data set as the folder of picture files that the paper's pipeline reads, written once into the cache."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from harness.data.cache import CACHE_VARIABLE, cache_folder
from harness.data.dataset import CLASSES, Dataset, DatasetError

_FORMAT: Final = 1
"""Part of every key: raise it when files are written differently than before."""


def picture_name(row: int, label: int) -> str:
    """Where the picture of a row lies below the root: `happy/000123.png`."""
    return f"{CLASSES[label]}/{row:06}.png"


def picture_row(name: str) -> int:
    """The row whose picture a file is, by its name."""
    return int(Path(name).stem)


def write_pictures(dataset: Dataset, rows: NDArray[np.intp]) -> Path:
    """The folder with the pictures of these rows, made where it is missing.

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
            if not root.exists():
                _write(dataset, rows, root)
    except OSError as error:
        raise DatasetError(
            f"{root} cannot hold {len(rows):,} picture files: {error.strerror or error}; set {CACHE_VARIABLE} to "
            "another folder, or take --pipeline device"
        ) from error
    return root


def _write(dataset: Dataset, rows: NDArray[np.intp], root: Path) -> None:
    """Write beside the place, then rename: a reader sees a whole folder or none."""
    with tempfile.TemporaryDirectory(dir=root.parent, prefix="writing-", ignore_cleanup_errors=True) as scratch:
        written = Path(scratch) / "pictures"
        for name in CLASSES:
            (written / name).mkdir(parents=True)
        for row in rows:
            Image.fromarray(dataset.images[row]).save(
                written / picture_name(int(row), int(dataset.labels[row])), compress_level=1
            )
        written.replace(root)
