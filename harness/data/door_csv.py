"""The two csv files: `fer2013.csv` and `icml_face_data.csv`."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import SPLITS, DatasetError, Door
from harness.data.reading import Reading, count_deviations, shown
from harness.interface import CLASSES, IMAGE_SIZE

CSV_CLASSES: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Class names in the order of the csv's own labels 0..6, which is not that of `CLASSES`.

Source: the challenge's data page, "0=Angry, 1=Disgust, 2=Fear, 3=Happy, 4=Sad, 5=Surprise, 6=Neutral".
"""

MAX_LINE_BYTES: Final = 1 << 16
"""Most bytes of one line. The longest that is valid has some 9,300."""

_DOORS: Final[dict[tuple[str, ...], Door]] = {
    ("emotion", "pixels", "usage"): "fer2013.csv",
    ("emotion", "usage", "pixels"): "icml_face_data.csv",
}
_LABELS: Final = {str(code).encode(): CLASSES.index(name) for code, name in enumerate(CSV_CLASSES)}
_USAGES: Final = {
    b"Training": SPLITS.index("training"),
    b"PublicTest": SPLITS.index("public_test"),
    b"PrivateTest": SPLITS.index("private_test"),
}
_PIXELS: Final = IMAGE_SIZE * IMAGE_SIZE


def csv_door(path: Path, line: bytes) -> Door:
    """Which of the two csv files begins with this line.

    Args:
        path: The file, for messages.
        line: Its first line.

    Returns:
        The door.

    Raises:
        DatasetError: If it is in another encoding, or other columns are named.
    """
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in line:
        raise DatasetError(
            f"{path}: neither a zip nor a csv in ASCII: begins with {shown(line[:16])}; a csv saved as "
            "UTF-16 must be saved again as UTF-8"
        )
    names = tuple(
        name.strip(' \r\n"').lower()
        for name in line.removeprefix(codecs.BOM_UTF8).decode("ascii", "backslashreplace").split(",")
    )
    door = _DOORS.get(names)
    if door is None:
        missing = [name for name in ("emotion", "pixels", "usage") if name not in names]
        seen = f"columns missing: {', '.join(missing)}; " if missing else ""
        raise DatasetError(
            f"{path}: neither a zip nor one of the two csv files: {seen}begins with {shown(line, 60)}; "
            "expected the columns emotion,pixels,Usage (fer2013.csv) or emotion, Usage, pixels "
            "(icml_face_data.csv)"
        )
    return door


def read_csv(path: Path) -> Reading:
    """Read one of the two csv files.

    Args:
        path: The file; which of the two it is, its first line says.

    Returns:
        All rows: by split, within it in the order of the file. Only counts can deviate.

    Raises:
        DatasetError: If a row is broken: it names the line and the value. A csv with a broken row was edited
            or cut off, and nothing says that its other rows are right, so it is always refused.
    """
    images: list[list[NDArray[np.uint8]]] = [[] for _ in SPLITS]
    labels: list[list[int]] = [[] for _ in SPLITS]
    try:
        with path.open("rb") as handle:
            door = csv_door(path, handle.readline(MAX_LINE_BYTES))
            usage_column = 2 if door == "fer2013.csv" else 1
            for where, line in _lines(path, handle):
                fields = [field.strip(b' "') for field in line.split(b",")]
                if len(fields) != 3:
                    raise DatasetError(f"{where}: {len(fields)} fields, expected 3; begins with {shown(line)}")
                emotion, pixels, usage = fields[0], fields[3 - usage_column], fields[usage_column]
                if emotion not in _LABELS:
                    raise DatasetError(f"{where}: emotion {shown(emotion)}, expected 0..6")
                if usage not in _USAGES:
                    known = ", ".join(name.decode() for name in _USAGES)
                    raise DatasetError(f"{where}: Usage {shown(usage)}, expected {known}")
                image = _parse(pixels)
                if image is None:
                    raise DatasetError(f"{where}: {_complaint(pixels)}")
                images[_USAGES[usage]].append(image)
                labels[_USAGES[usage]].append(_LABELS[emotion])
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from error
    counts = [len(rows) for rows in labels]
    if not sum(counts):
        raise DatasetError(f"{path}: no row after the names of the columns; expected 35,887")
    flat_labels = np.array([label for rows in labels for label in rows], dtype=np.uint8)
    splits = np.repeat(np.arange(len(SPLITS), dtype=np.uint8), counts)
    stacked = np.concatenate([image for rows in images for image in rows])
    return Reading(
        stacked.reshape(-1, IMAGE_SIZE, IMAGE_SIZE),
        flat_labels,
        splits,
        door,
        tuple(count_deviations(flat_labels, splits)),
    )


def _lines(path: Path, handle: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The lines after the first, without their ends, each with its place for messages; no empty ones."""
    number = 1
    while line := handle.readline(MAX_LINE_BYTES):
        number += 1
        where = f"{path}: line {number}"
        if len(line) == MAX_LINE_BYTES:
            raise DatasetError(f"{where}: longer than {MAX_LINE_BYTES:,} bytes; a row of FER-2013 has 9,300 at most")
        line = line.rstrip(b"\r\n")
        if line:
            yield where, line


def _parse(pixels: bytes) -> NDArray[np.uint8] | None:
    """2,304 numbers of at most three digits, each 0..255, single blanks between; None if it is anything else.

    Each byte is given the value of the number that would end there, from itself and the two bytes before it;
    then those bytes are taken at which a number does end. That is some twenty passes over 9 kB, without a
    Python object a pixel.
    """
    text = np.frombuffer(b"   " + pixels + b" ", dtype=np.uint8)
    digit = text - np.uint8(ord("0"))
    is_digit = digit < 10
    digit *= is_digit
    # Views of the same length, each shifted by one byte: what stands at a place, before it, and so on.
    ones, tens, hundreds = is_digit[3:-1], is_digit[2:-2], is_digit[1:-3]
    value = digit[1:-3] * tens * np.uint16(100)
    value += digit[2:-2] * np.uint8(10)
    value += digit[3:-1]
    # By index, for a boolean mask costs twice as much.
    numbers = value.take(np.flatnonzero(ones & ~is_digit[4:]))
    blanks = np.count_nonzero(text == ord(" ")) - 4
    well_formed = (
        len(numbers) == _PIXELS
        and blanks == _PIXELS - 1
        and np.count_nonzero(is_digit) + blanks == len(pixels)
        and not (ones & tens & hundreds & is_digit[:-4]).any()
        and numbers.max() <= 255
    )
    return numbers.astype(np.uint8) if well_formed else None


def _complaint(pixels: bytes) -> str:
    """Why `_parse` refused: the first number that is none, or how many there are."""
    numbers = pixels.split(b" ")
    for position, number in enumerate(numbers, start=1):
        if not number.isdigit() or len(number) > 3 or int(number) > 255:
            return f"pixel {position} is {shown(number)}, expected a number 0..255 and single blanks between"
    return f"{len(numbers):,} pixels, expected {_PIXELS:,} ({IMAGE_SIZE}×{IMAGE_SIZE})"
