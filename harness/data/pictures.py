"""JPEG files by their names: what the zip and the folder have in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from harness.data.dataset import SPLITS, DatasetError, Door
from harness.data.reading import Reading, count_deviations, shown
from harness.interface import CLASSES, IMAGE_SIZE

MAX_PICTURE_BYTES: Final = 1 << 20
"""Most bytes of one picture, unpacked. The largest of the known ones has 2,483."""

MAX_TOTAL_BYTES: Final = 1 << 30
"""Most bytes of all pictures together, unpacked. The known ones have 58 million."""

LAYOUT: Final = "train/<emotion>/Training_N.jpg, test/<emotion>/PublicTest_N.jpg and PrivateTest_N.jpg"
"""The layout in words, for messages."""

_NAME: Final = re.compile(
    r"(?P<folder>train|test)/(?P<emotion>[a-z]+)/(?P<split>[A-Za-z]+)_(?P<number>[0-9]{1,18})\.jpg"
)
_PLACES: Final = {
    ("train", "Training"): SPLITS.index("training"),
    ("test", "PublicTest"): SPLITS.index("public_test"),
    ("test", "PrivateTest"): SPLITS.index("private_test"),
}
_FOLDERS: Final = frozenset(f"{folder}/{emotion}" for folder in ("train", "test") for emotion in CLASSES)
_HARMLESS: Final = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini"})


class PictureError(ValueError):
    """One picture cannot be used; the others can. The message says why, without the picture's name."""


class _Place(NamedTuple):
    """Where a picture stands in the canonical order: tuples sort by split, class, number."""

    split: int
    label: int
    number: int


def is_harmless(name: str) -> bool:
    """Whether a relative name belongs to litter that operating systems leave, as `__MACOSX/` does."""
    return any(part.lower() in _HARMLESS or part.startswith("._") for part in name.split("/"))


def decode(content: bytes) -> NDArray[np.uint8]:
    """Decode one grey 48×48 JPEG file.

    libjpeg-turbo by simplejpeg: the same pixels as Pillow's, to the bit, in a quarter of the time.

    Args:
        content: The file's bytes.

    Returns:
        Grey levels, shape (48, 48).

    Raises:
        PictureError: If it is no JPEG, is damaged, coloured, or of another size. The size is taken from
            the header, before memory for pixels is asked for.
    """
    if not content.startswith(b"\xff\xd8"):
        raise PictureError(f"no JPEG file: begins with {shown(content[:8])}" if content else "empty file")
    try:
        height, width, colour, _ = simplejpeg.decode_jpeg_header(content, strict=True)
        if (height, width) != (IMAGE_SIZE, IMAGE_SIZE) or colour != "Gray":
            kind = "grey" if colour == "Gray" else f"colour ({colour})"
            raise PictureError(f"{width}×{height} {kind} picture, expected {IMAGE_SIZE}×{IMAGE_SIZE} grey")
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, colorspace="GRAY", strict=True)
    except PictureError:
        raise
    except ValueError as error:
        raise PictureError(f"damaged JPEG file ({error})") from error
    return image[:, :, 0]


def read_pictures(names: Sequence[str], read: Callable[[int], bytes], door: Door) -> Reading:
    """Read all pictures of the known layout, in the order of split, class and number.

    Args:
        names: Relative names with forward slashes, none of them litter. All may lie in one top folder.
        read: From an index into `names` to the file's bytes, at most `MAX_PICTURE_BYTES` of them; raises
            `PictureError` for a file that cannot be read.
        door: What to write into the reading.

    Returns:
        The usable pictures. Files that are left out are named in its deviations.

    Raises:
        DatasetError: If no file fits the layout, or together they exceed `MAX_TOTAL_BYTES`.
    """
    prefix = _common_folder(names)
    places, deviations = _sort_out([name.removeprefix(prefix) for name in names])
    images = np.empty((len(places), IMAGE_SIZE, IMAGE_SIZE), dtype=np.uint8)
    kept: list[_Place] = []
    total_bytes = 0
    for place, index in sorted(places.items()):
        try:
            content = read(index)
            total_bytes += len(content)
            if total_bytes > MAX_TOTAL_BYTES:
                raise DatasetError(
                    f"the pictures hold more than {MAX_TOTAL_BYTES:,} bytes, unpacked; those of FER-2013 "
                    "hold 58 million: this is another file, or one made to fill the memory"
                )
            images[len(kept)] = decode(content)
        except PictureError as error:
            deviations.append(f"{shown(names[index], 120)}: {error}; left out")
        else:
            kept.append(place)
    if not kept:
        seen = f"; the first: {deviations[0]}" if deviations else ""
        raise DatasetError(f"no usable picture among {len(names):,} files{seen}; expected {LAYOUT}")
    order = np.array([(place.split, place.label) for place in kept], dtype=np.uint8)
    labels, splits = order[:, 1].copy(), order[:, 0].copy()
    deviations += count_deviations(labels, splits)
    notes = (f"read below its top folder {shown(prefix)}",) if prefix else ()
    return Reading(images[: len(kept)], labels, splits, door, tuple(deviations), notes)


def _common_folder(names: Sequence[str]) -> str:
    """The one top folder, with its slash, in which all files lie; empty if it is part of the layout."""
    tops = {name.partition("/")[0] for name in names if "/" in name}
    if len(tops) != 1 or any("/" not in name for name in names) or tops <= {"train", "test"}:
        return ""
    return tops.pop() + "/"


def _sort_out(names: Sequence[str]) -> tuple[dict[_Place, int], list[str]]:
    """Place each name, and say of the others why they have none."""
    places: dict[_Place, int] = {}
    deviations: list[str] = []
    unknown_folders: Counter[str] = Counter()
    for index, name in enumerate(names):
        folder = name.rpartition("/")[0]
        match = _NAME.fullmatch(name)
        split = _PLACES.get((match["folder"], match["split"])) if match else None
        if folder and folder not in _FOLDERS:
            # One sentence a folder: thousands of files may lie in it.
            unknown_folders[folder] += 1
        elif match is None or split is None:
            deviations.append(f"{shown(name, 120)}: unknown file; expected {LAYOUT}")
        else:
            place = _Place(split, CLASSES.index(match["emotion"]), int(match["number"]))
            if place in places:
                deviations.append(f"{shown(name, 120)}: a second file of this number; left out")
            else:
                places[place] = index
    deviations += [
        f"unknown folder {shown(folder, 120)} ({count:,} files); left out"
        for folder, count in sorted(unknown_folders.items())
    ]
    return places, deviations
