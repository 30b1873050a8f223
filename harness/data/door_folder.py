"""The unpacked download: a folder of JPEG files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from harness.data.dataset import DatasetError
from harness.data.pictures import (
    LAYOUT,
    MAX_PICTURE_BYTES,
    PictureError,
    is_harmless,
    read_pictures,
)
from harness.data.reading import Reading

MAX_FILES: Final = 200_000
"""Most files that are looked at before the folder is taken for another one (a home, a disk)."""

_DEPTH: Final = 4
"""Levels that are looked into: one common top folder, train or test, the emotion, the files."""


def list_files(path: Path) -> dict[str, os.stat_result]:
    """All files below a folder, sorted by name, with what the system knows of each; litter left out.

    Args:
        path: A folder.

    Returns:
        From relative name with forward slashes to the result of `stat`. What lies deeper than the layout
        goes is listed by its folder only.

    Raises:
        DatasetError: If it cannot be listed, or holds more than `MAX_FILES` files.
    """
    files: dict[str, os.stat_result] = {}
    waiting = [("", 1)]
    try:
        while waiting:
            folder, depth = waiting.pop()
            with os.scandir(path / folder) as entries:
                for entry in entries:
                    name = f"{folder}/{entry.name}" if folder else entry.name
                    if is_harmless(name):
                        continue
                    if entry.is_dir() and depth < _DEPTH:
                        waiting.append((name, depth + 1))
                        continue
                    # A link that leads nowhere is listed too: it is named when it is read.
                    files[name] = entry.stat(follow_symlinks=not _is_dangling(entry))
                    if len(files) > MAX_FILES:
                        raise DatasetError(
                            f"{path}: more than {MAX_FILES:,} files, expected 35,887: is it the right folder?"
                        )
    except OSError as error:
        raise DatasetError(f"{path}: cannot be listed ({error})") from error
    return dict(sorted(files.items()))


def read_folder(path: Path) -> Reading:
    """Read the pictures of a folder.

    Args:
        path: The folder that holds `train` and `test`, or the one above it.

    Returns:
        The usable pictures in the order of split, class and number; what was left out is in its deviations.

    Raises:
        DatasetError: If there is no picture of the layout in it.
    """
    names = list(list_files(path))
    if not names:
        raise DatasetError(f"{path}: nothing is in this folder; expected {LAYOUT}")
    doors = [name for name in names if "/" not in name and name.lower().endswith((".csv", ".zip"))]
    try:
        return read_pictures(names, lambda index: _content(path / names[index]), "folder")
    except DatasetError as error:
        hint = f"; it holds {doors[0]}: give that file instead" if doors else ""
        raise DatasetError(f"{path}: {error}{hint}") from error


def _is_dangling(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not Path(entry.path).exists()


def _content(path: Path) -> bytes:
    """The bytes of a file."""
    try:
        # A pipe of that name would block for ever.
        if not path.is_file():
            raise PictureError("no regular file")
        with path.open("rb") as handle:
            content = handle.read(MAX_PICTURE_BYTES + 1)
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror})") from error
    if len(content) > MAX_PICTURE_BYTES:
        raise PictureError(f"more than {MAX_PICTURE_BYTES:,} bytes")
    return content
