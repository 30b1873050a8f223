"""FER-2013 by any of its four doors: find, verify, read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.data.cache import keep, recall, source_key
from harness.data.dataset import Dataset, DatasetError, identity
from harness.data.door_csv import MAX_LINE_BYTES, csv_door, read_csv
from harness.data.door_folder import read_folder
from harness.data.door_zip import read_zip
from harness.data.inspection import Inspection, inspect_reading
from harness.data.reading import KNOWN_TOTAL, Reading, listed

_ZIP_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def load_fer2013(path: Path, *, allow_deviating_data: bool = False, cache: bool = True) -> Dataset:
    """Load FER-2013 from the zip, its unpacked folder, `fer2013.csv` or `icml_face_data.csv`.

    Which of them it is, the content says and not the name.

    Args:
        path: The zip, folder or csv.
        allow_deviating_data: Accept a data set that is not the known one. What is unusable in it is left out;
            `Dataset.deviations` says how it differs and what was left out.
        cache: Look into the cache first, and write what was read into it (see `harness.data.cache`).

    Returns:
        The data set, read-only. Order: by split; within it by class and number in the file name (zip,
        folder), or as the rows stand (csv).

    Raises:
        DatasetError: If it is none of the four, is damaged or hostile, or deviates and that was not allowed.
    """
    read = _door(path)
    key = source_key(path) if cache else ""
    dataset = recall(key) if cache else None
    if dataset is None:
        dataset = _dataset(read(path))
        # A source that was written to in between may be half the one and half the other.
        if cache and source_key(path) == key:
            keep(key, dataset)
    if dataset.deviations and not allow_deviating_data:
        raise DatasetError(
            f"{path}: not FER-2013 as it is known; deviations: {len(dataset.deviations):,}\n"
            f"{listed(dataset.deviations)}\n"
            f"  expected: {KNOWN_TOTAL:,} grey 48×48 pictures, 28,709 of training and 3,589 in each test\n"
            "  to use it as it is: --allow-deviating-data (allow_deviating_data=True)"
        )
    return dataset


def inspect_fer2013(path: Path) -> Inspection:
    """Look at a data set as `load_fer2013` would see it, without the cache, and count what is in it.

    Args:
        path: The zip, folder or csv.

    Returns:
        Counts, deviations, and the known flaws: blank pictures, duplicates, conflicting labels, leaks.

    Raises:
        DatasetError: If there is nothing to inspect: none of the four doors, damaged as a whole, or hostile.
    """
    return inspect_reading(_door(path)(path))


def _door(path: Path) -> Callable[[Path], Reading]:
    """How to read what lies at a path, from its first bytes."""
    try:
        if path.is_dir():
            return read_folder
        if not path.exists():
            raise DatasetError(
                f"{path}: nothing is there; expected fer2013.zip, its unpacked folder, fer2013.csv or "
                "icml_face_data.csv"
            )
        if not path.is_file():
            raise DatasetError(f"{path}: no regular file; expected a zip, a folder or a csv")
        with path.open("rb") as handle:
            line = handle.readline(MAX_LINE_BYTES)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from error
    if not line:
        raise DatasetError(f"{path}: an empty file; expected a zip or a csv of FER-2013")
    if line.startswith(_ZIP_BEGINNINGS):
        return read_zip
    csv_door(path, line)
    return read_csv


def _dataset(reading: Reading) -> Dataset:
    """A reading with its identity, read-only as its mapped twin from the cache is."""
    arrays = (reading.images, reading.labels, reading.splits)
    for array in arrays:
        array.setflags(write=False)
    return Dataset(
        *arrays,
        name="fer2013",
        door=reading.door,
        digest=identity(*arrays, reading.door),
        deviations=reading.deviations,
    )
