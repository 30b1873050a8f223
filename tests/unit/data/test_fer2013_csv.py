from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.data.dataset import Dataset, DatasetError, identity
from harness.data.fer2013 import load_fer2013
from harness.interface import CLASSES
from tests.support.tiny_fer2013 import (
    EVERY_PLACE,
    csv_row,
    csv_text,
    random_images,
)

PIXELS = " ".join(["7"] * 2304)
"""A valid field of pixels."""


def load(path: Path) -> Dataset:
    return load_fer2013(path, allow_deviating_data=True, cache=False)


def load_or_message(path: Path) -> Dataset | str:
    try:
        return load(path)
    except DatasetError as error:
        return str(error)


def refusal(path: Path, text: str | bytes) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(DatasetError) as caught:
        load(path)
    return str(caught.value)


@given(
    st.lists(st.sampled_from(EVERY_PLACE), min_size=1, max_size=6),
    st.data(),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    places: list[tuple[int, int]],
    data: st.DataObject,
    original: bool,
    end: str,
    mark: str,
) -> None:
    images = data.draw(arrays.arrays(np.uint8, (len(places), 48, 48)))
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_bytes((mark + csv_text(places, images, original=original, end=end)).encode())
    dataset = load(path)
    # Python's sort is stable: within a split the rows stay as they are.
    order = sorted(range(len(places)), key=lambda row: places[row][0])
    np.testing.assert_array_equal(dataset.images, images[order])
    assert dataset.splits.tolist() == [places[row][0] for row in order]
    assert dataset.labels.tolist() == [places[row][1] for row in order]
    assert dataset.door == ("fer2013.csv" if original else "icml_face_data.csv")
    assert dataset.digest == identity(dataset.images, dataset.labels, dataset.splits, dataset.door)


def test_every_grey_level_is_read(tmp_path: Path) -> None:
    images = np.resize(np.arange(256), (1, 48, 48)).astype(np.uint8)
    (tmp_path / "a.csv").write_text(csv_text([(0, 0)], images))
    np.testing.assert_array_equal(load(tmp_path / "a.csv").images, images)


def test_labels_are_mapped_by_name(tmp_path: Path) -> None:
    rows = [f"{emotion},{PIXELS},Training" for emotion in range(7)]
    (tmp_path / "a.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    names = [CLASSES[label] for label in load(tmp_path / "a.csv").labels]
    assert names == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def test_blanks_and_quotes_around_a_field_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f'emotion, Usage, pixels\n3, "Training", "{PIXELS}"\n\n')
    assert load(tmp_path / "a.csv").labels.tolist() == [CLASSES.index("happy")]


def test_other_counts_are_a_deviation(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text(EVERY_PLACE, random_images(21)))
    with pytest.raises(DatasetError, match="training/angry: 1 pictures, expected 3,995"):
        load_fer2013(path, cache=False)
    assert len(load(path).deviations) == 21


@pytest.mark.parametrize("original", [True, False], ids=["fer2013", "icml_face_data"])
@pytest.mark.parametrize(
    ("pixels", "complaint"),
    [
        (PIXELS[2:], "2,303 pixels, expected 2,304 (48×48)"),
        (PIXELS + " 7", "2,305 pixels"),
        ("256" + PIXELS[1:], "pixel 1 is '256', expected a number 0..255"),
        (PIXELS[:-1] + "999", "pixel 2304 is '999'"),
        (PIXELS[:-1] + "abc", "pixel 2304 is 'abc'"),
        ("-7" + PIXELS[1:], "pixel 1 is '-7'"),
        ("7.0" + PIXELS[1:], "pixel 1 is '7.0'"),
        ("0007" + PIXELS[1:], "pixel 1 is '0007'"),
        ("1" * 5000 + PIXELS[1:], "pixel 1 is '1111"),
        ("7\t" + PIXELS[2:], "pixel 1 is '7\\\\t7'"),
        ("7  " + PIXELS[2:], "pixel 2 is ''"),
        ("7\0" + PIXELS[1:], "pixel 1 is '7\\\\x00'"),
        ("é" + PIXELS[1:], "pixel 1 is '\\\\\\\\xc3"),
        ("", "pixel 1 is ''"),
    ],
)
def test_broken_pixels_are_named(tmp_path: Path, pixels: str, complaint: str, original: bool) -> None:
    good = csv_text(EVERY_PLACE[:2], random_images(2), original=original)
    message = refusal(tmp_path / "a.csv", good + csv_row((0, 0), pixels, original=original))
    assert "a.csv: line 4: " in message
    assert complaint.replace("\\\\", "\\") in message


@given(st.data())
def test_pixels_are_read_as_int_reads_them_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    few = data.draw(st.lists(st.integers(0, 255).map(str), min_size=1, max_size=10))
    numbers = (few * 2304)[:2304]
    odd = data.draw(st.text("0123456789 -x", max_size=5))
    numbers[data.draw(st.integers(0, 2303))] = odd
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text(f"emotion,pixels,Usage\n0,{' '.join(numbers)},Training\n")
    stripped = " ".join(numbers).strip(" ").split(" ")
    is_valid = len(stripped) == 2304 and all(
        number.isdigit() and len(number) <= 3 and int(number) <= 255 for number in stripped
    )
    outcome = load_or_message(path)
    if is_valid:
        assert isinstance(outcome, Dataset), outcome
        assert outcome.images.ravel().tolist() == [int(number) for number in stripped]
    else:
        assert isinstance(outcome, str)
        assert "line 2: " in outcome


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (f"7,{PIXELS},Training", "emotion '7', expected 0..6"),
        (f"happy,{PIXELS},Training", "emotion 'happy', expected 0..6"),
        (f"0,{PIXELS},Validation", "Usage 'Validation', expected Training, PublicTest, PrivateTest"),
        (f"0,{PIXELS}", "2 fields, expected 3"),
        (f"0,{PIXELS},Training,x", "4 fields, expected 3"),
        ("0," + "7 " * 40_000 + ",Training", "longer than 65,536 bytes"),
        ("\0" * 10, "1 fields, expected 3"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, row: str, complaint: str) -> None:
    message = refusal(tmp_path / "a.csv", csv_text([(0, 0)], random_images(1)) + row)
    assert "line 3: " in message
    assert complaint in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"emotion,pixels\n", "columns missing: usage"),
        (b"a,b,c\n", "columns missing: emotion, pixels, usage"),
        (b"pixels,emotion,Usage\n", "expected the columns emotion,pixels,Usage (fer2013.csv)"),
        (b"emotion,pixels,Usage\n", "no row after the names"),
        ("emotion,pixels,Usage\n".encode("utf-16"), "saved again as UTF-8"),
        (b"emotion,pixels,Usage\0\n", "saved again as UTF-8"),
        ("émotion,pixels,Usage\n".encode("latin-1"), "columns missing: emotion"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: bytes, complaint: str) -> None:
    assert complaint in refusal(tmp_path / "a.csv", text)
