"""Keeps what a door has read, so that the next start maps it into memory instead of reading it again.

Two kinds of files in the cache folder. `index/<key>.json` leads from a source (its path and what the
system knows of it: size, times, inode) to the digest of what was read from it and to its deviations.
`datasets/<digest>/` holds the arrays as `.npy` files; two copies of one zip share it. Both are written
beside their place and renamed, so a reader sees a whole entry or none, and needs no lock.

Nothing here may stop a run: a cache that cannot be read is rebuilt, one that cannot be written is done
without, and both are logged. All pixels are compared with the digest when they are written. When they are
read, only sizes, headers, all labels and splits and every 64th picture are: hashing 83 MB each time would
cost what the cache saves.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock, Timeout
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict

from harness.data.dataset import (
    Dataset,
    DatasetError,
    Door,
    identity,
)
from harness.data.door_folder import list_files
from harness.interface import IMAGE_SIZE

CACHE_VARIABLE: Final = "FERBENCH_CACHE"
"""Environment variable that names another cache folder."""

_FORMAT: Final = 1
"""Part of every key: raise it when a door reads anything differently than before."""

_LOCK_SECONDS: Final = 60.0
_SAMPLE_STEP: Final = 64
_LOGGER: Final = logging.getLogger(__name__)


class _Record(BaseModel):
    """What the index says of a source; `sample` is what its arrays are checked by."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    digest: str
    door: Door
    deviations: tuple[str, ...]
    sample: str


def cache_folder() -> Path:
    """The folder of the cache: `FERBENCH_CACHE` if set, else the user's own cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else user_cache_path("ferbench")


def source_key(path: Path) -> str:
    """What tells an unchanged source from a changed one, without reading it.

    Args:
        path: A file, or a folder of files.

    Returns:
        SHA-256 (hex) of the resolved path and of size, times and inode of the file, or of every file of the
        folder and its name.

    Raises:
        DatasetError: If it cannot be looked at.
    """
    try:
        files = list_files(path) if path.is_dir() else {"": path.stat()}
        resolved = path.resolve()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be looked at ({error})") from error
    digest = hashlib.sha256(f"{_FORMAT}\0{resolved}".encode(errors="surrogateescape"))
    for name, known in files.items():
        # The time of change of the inode is there for an edit that puts the other time back.
        line = f"\0{name}\0{known.st_size} {known.st_mtime_ns} {known.st_ctime_ns} {known.st_ino}"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def recall(key: str) -> Dataset | None:
    """The data set that was read from the source of this key, its images mapped read-only.

    Args:
        key: From `source_key`.

    Returns:
        The data set; None if there is none, or it is damaged.
    """
    try:
        record = _Record.model_validate_json(_index_file(key).read_bytes())
        images, labels, splits = _load(_entry_folder(record.digest), record)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _LOGGER.warning("damaged cache entry, read again: %s", error)
        return None
    return Dataset(images, labels, splits, "fer2013", record.door, record.digest, record.deviations)


def keep(key: str, dataset: Dataset) -> None:
    """Write a data set for the source of this key; logged, and nothing more, where that is not possible.

    Args:
        key: From `source_key`, before the source was read.
        dataset: What was read from it.
    """
    record = _Record(
        digest=dataset.digest,
        door=dataset.door,
        deviations=dataset.deviations,
        sample=_sample(dataset.images, dataset.labels, dataset.splits),
    )
    try:
        _keep(key, dataset, record)
    except (OSError, ValueError, Timeout) as error:
        _LOGGER.warning("not cached in %s: %s", cache_folder(), error)


def _index_file(key: str) -> Path:
    return cache_folder() / "index" / f"{key}.json"


def _entry_folder(digest: str) -> Path:
    return cache_folder() / "datasets" / digest


def _sample(images: NDArray[np.uint8], labels: NDArray[np.uint8], splits: NDArray[np.uint8]) -> str:
    """SHA-256 (hex) over all labels and splits and every 64th picture."""
    digest = hashlib.sha256()
    for array in (images[::_SAMPLE_STEP], labels, splits):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _load(folder: Path, record: _Record) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """The arrays of an entry, read-only; ValueError if they are not those of the record."""
    # Not np.load: this one takes nothing but a plain array, never a pickle or an archive.
    images, labels, splits = (
        np.asarray(open_memmap(folder / f"{name}.npy", mode="r")) for name in ("images", "labels", "splits")
    )
    rows = len(labels)
    whole = (
        images.shape == (rows, IMAGE_SIZE, IMAGE_SIZE)
        and labels.shape == splits.shape == (rows,)
        and images.dtype == labels.dtype == splits.dtype == np.uint8
        and images.flags.c_contiguous
        and _sample(images, labels, splits) == record.sample
    )
    if not whole:
        raise ValueError(f"{folder} is not what was written there")
    return images, labels, splits


def _keep(key: str, dataset: Dataset, record: _Record) -> None:
    root = cache_folder()
    entry = _entry_folder(dataset.digest)
    index_file = _index_file(key)
    for folder in (entry.parent, index_file.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        FileLock(root / "lock", timeout=_LOCK_SECONDS),
        tempfile.TemporaryDirectory(dir=root, prefix="writing-", ignore_cleanup_errors=True) as scratch,
    ):
        if not _is_whole(entry, record):
            written = Path(scratch) / "entry"
            written.mkdir()
            for name in ("images", "labels", "splits"):
                np.save(written / f"{name}.npy", getattr(dataset, name), allow_pickle=False)
            if identity(*_load(written, record), dataset.door) != dataset.digest:
                raise ValueError(f"{written} reads back as something else; the disk may be failing")
            if entry.exists():
                # A damaged one: a folder cannot be renamed over another. It goes with the scratch folder.
                shutil.move(entry, Path(scratch) / "damaged")
            written.replace(entry)
        new_index = Path(scratch) / "index.json"
        new_index.write_text(record.model_dump_json(), encoding="utf-8")
        new_index.replace(index_file)


def _is_whole(entry: Path, record: _Record) -> bool:
    try:
        _load(entry, record)
    except (OSError, ValueError):
        return False
    return True
