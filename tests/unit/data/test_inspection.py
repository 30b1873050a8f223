from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from harness.data.dataset import DatasetError
from harness.data.fer2013 import inspect_fer2013
from harness.data.inspection import format_inspection
from tests.support.tiny_fer2013 import (
    EVERY_PLACE,
    csv_text,
    random_images,
    tiny_files,
    write_folder,
    write_zip,
)


def printed(path: Path) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(format_inspection(inspect_fer2013(path)))
    return capture.get()


def test_flaws_are_counted(tmp_path: Path) -> None:
    # Splits and labels of ten pictures, and which of five pictures each is; the last is blank.
    rows = [
        ((0, 0), 0),
        ((0, 0), 0),
        ((0, 1), 1),
        ((0, 2), 4),
        ((0, 3), 4),
        ((1, 0), 0),
        ((1, 2), 1),
        ((1, 5), 2),
        ((2, 3), 4),
        ((2, 5), 3),
    ]
    pictures = random_images(5)
    pictures[4] = 128
    path = tmp_path / "a.csv"
    path.write_text(csv_text([place for place, _ in rows], pictures[[picture for _, picture in rows]]))
    inspection = inspect_fer2013(path)
    assert inspection.door == "fer2013.csv"
    assert inspection.totals == {"training": 5, "public_test": 3, "private_test": 2}
    assert inspection.counts["training"]["angry"] == 2
    assert inspection.unique == 5
    assert inspection.duplicates == {"training": 2, "public_test": 0, "private_test": 0}
    # The groups of pictures 1 (disgust, fear) and 4 (fear, happy, happy).
    assert inspection.conflicting_groups == 2
    assert inspection.leaked == 3
    assert inspection.leaked_same_label == 2
    assert inspection.blank == 3
    assert inspection.blank_labels == ("fear", "happy")


def test_deviations_are_listed_and_not_raised(tmp_path: Path) -> None:
    files = {
        **tiny_files(),
        "train/contempt/Training_1.jpg": b"",
        "train/happy/[red].jpg": b"",
        "train/happy/Training_2.jpg": b"no picture",
    }
    text = printed(write_zip(tmp_path / "a.zip", files))
    for part in (
        "read as zip",
        "1 (not 3,995)",
        "unknown folder 'train/contempt' (1 files)",
        "'train/happy/[red].jpg': unknown file",
        "no JPEG file: begins with 'no pictu'",
        "unique pictures: 21 of 21",
        "blank pictures: 0",
        "deviations from the known data set: 24",
    ):
        assert part in text


def test_no_deviation_is_said_too(tmp_path: Path) -> None:
    inspection = inspect_fer2013(write_folder(tmp_path, tiny_files()))
    console = Console(width=200)
    with console.capture() as capture:
        console.print(format_inspection(replace(inspection, deviations=())))
    assert "no deviation from the known data set" in capture.get()


def test_a_common_top_folder_is_noted(tmp_path: Path) -> None:
    files = {f"fer2013/{name}": content for name, content in tiny_files().items()}
    assert "note: read below its top folder 'fer2013/'" in printed(write_folder(tmp_path / "a", files))


def test_one_split_is_enough(tmp_path: Path) -> None:
    inspection = inspect_fer2013(write_folder(tmp_path, tiny_files(EVERY_PLACE[:7])))
    assert inspection.leaked == inspection.leaked_same_label == inspection.totals["public_test"] == 0


def test_what_cannot_be_read_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nothing is there"):
        inspect_fer2013(tmp_path / "missing")


def test_blank_means_one_grey_level(tmp_path: Path) -> None:
    images = np.full((3, 48, 48), 255, np.uint8)
    images[1] = 0
    images[2, 47, 47] = 254
    (tmp_path / "a.csv").write_text(csv_text([(0, 0)] * 3, images))
    assert inspect_fer2013(tmp_path / "a.csv").blank == 2
