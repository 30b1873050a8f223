"""The usual download: a zip of JPEG files, read in place."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Final

from harness.data.dataset import DatasetError
from harness.data.pictures import (
    MAX_PICTURE_BYTES,
    PictureError,
    is_harmless,
    read_pictures,
)
from harness.data.reading import Reading, shown

_ENCRYPTED: Final = 0x1
"""Bit 0 of an entry's flags (APPNOTE.TXT, section 4.4.4)."""

_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def read_zip(path: Path) -> Reading:
    """Read the pictures of a zip without unpacking it.

    Args:
        path: A file that begins as a zip does.

    Returns:
        The usable pictures in the order of split, class and number; what was left out is in its deviations.

    Raises:
        DatasetError: If the archive is damaged or cut off, holds no picture of the layout, or holds an entry
            that is encrypted, would unpack outside of its folder, or unpacks to more than
            `MAX_PICTURE_BYTES`.
    """
    try:
        archive = zipfile.ZipFile(path)
    # The list is what zipfile lets through from a damaged directory: a name in no encoding is a ValueError,
    # an unknown version a NotImplementedError.
    except (zipfile.BadZipFile, OSError, ValueError, OverflowError, NotImplementedError) as error:
        raise DatasetError(
            f"{path}: a damaged zip, or one cut off in the middle ({error}); fetch it again, expected is a "
            "file of some 61.6 million bytes"
        ) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        names = [entry.filename.replace("\\", "/") for entry in entries]
        for entry, name in zip(entries, names, strict=True):
            _check(path, entry, name)
        wanted = [index for index, name in enumerate(names) if not is_harmless(name)]
        if not wanted:
            raise DatasetError(f"{path}: an empty zip; expected the 35,887 pictures of FER-2013")
        try:
            return read_pictures(
                [names[index] for index in wanted],
                lambda index: _content(archive, entries[wanted[index]]),
                "zip",
            )
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from error


def _check(path: Path, entry: zipfile.ZipInfo, name: str) -> None:
    """Refuse what no honest copy of the data set holds, before a byte of it is read."""
    what = f"{path}: entry {shown(name, 120)}"
    # A colon in second place is a drive of Windows.
    if ".." in name.split("/") or name.startswith("/") or name[1:2] == ":":
        raise DatasetError(f"{what} points outside of its folder; this is no honest copy of FER-2013")
    if entry.flag_bits & _ENCRYPTED:
        raise DatasetError(f"{what} is encrypted; expected the plain download: decrypt it first")
    if entry.file_size > MAX_PICTURE_BYTES:
        is_csv = name.lower().endswith(".csv")
        advice = "unpack the zip and give the csv itself" if is_csv else "fetch the usual download"
        raise DatasetError(
            f"{what} unpacks to {entry.file_size:,} bytes, expected pictures of at most {MAX_PICTURE_BYTES:,}; {advice}"
        )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The unpacked bytes of an entry; `_check` has bounded the size that it declares."""
    if entry.compress_type not in _METHODS:
        raise PictureError(f"packed by method {entry.compress_type}, expected stored or deflated")
    try:
        with archive.open(entry) as handle:
            # A bound, for without one zipfile inflates all there is before it cuts to the declared size.
            return handle.read(MAX_PICTURE_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise PictureError(f"damaged entry ({error})") from error
