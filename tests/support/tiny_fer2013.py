"""Builds small data sets of FER-2013's four forms from random pictures."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.data.dataset import SPLITS
from harness.interface import CLASSES

USAGES = ("Training", "PublicTest", "PrivateTest")
CSV_LABELS = {"angry": 0, "disgust": 1, "fear": 2, "happy": 3, "sad": 4, "surprise": 5, "neutral": 6}
"""The csv's own labels, written out a second time so that a test does not quote what it tests."""

Place = tuple[int, int]
"""Split and label."""

EVERY_PLACE: tuple[Place, ...] = tuple((split, label) for split in range(len(SPLITS)) for label in range(len(CLASSES)))


def random_images(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Grey noise, shape (count, 48, 48)."""
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """A grey or colour array as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def decoded(content: bytes) -> NDArray[np.uint8]:
    """The pixels of a JPEG file as Pillow decodes them."""
    return np.asarray(Image.open(io.BytesIO(content)))


def file_name(place: Place, number: int) -> str:
    """Where the usual download has the picture of this number."""
    split, label = place
    return f"{'test' if split else 'train'}/{CLASSES[label]}/{USAGES[split]}_{number}.jpg"


def tiny_files(places: Sequence[Place] = EVERY_PLACE, seed: int = 0) -> dict[str, bytes]:
    """A JPEG file for each place, in canonical order if `places` are; numbers grow in length."""
    images = random_images(len(places), seed)
    return {
        file_name(place, 7 * 3**row): jpeg(image) for row, (place, image) in enumerate(zip(places, images, strict=True))
    }


def write_zip(path: Path, files: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def csv_row(place: Place, pixels: str, *, original: bool = True) -> str:
    """A row of `fer2013.csv`, or of `icml_face_data.csv` if not `original`."""
    split, label = place
    emotion = str(CSV_LABELS[CLASSES[label]])
    return ",".join((emotion, pixels, USAGES[split]) if original else (emotion, USAGES[split], pixels))


def csv_text(places: Sequence[Place], images: NDArray[np.uint8], *, original: bool = True, end: str = "\n") -> str:
    """The whole csv file."""
    header = "emotion,pixels,Usage" if original else "emotion, Usage, pixels"
    rows = [
        csv_row(place, " ".join(map(str, image.ravel().tolist())), original=original)
        for place, image in zip(places, images, strict=True)
    ]
    return end.join([header, *rows, ""])
