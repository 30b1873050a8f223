from __future__ import annotations

import io
import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.data import reading
from harness.data.dataset import Dataset, DatasetError, identity
from harness.data.fer2013 import load_fer2013
from harness.data.pictures import MAX_PICTURE_BYTES
from tests.support.tiny_fer2013 import (
    EVERY_PLACE,
    decoded,
    file_name,
    jpeg,
    random_images,
    tiny_files,
    write_folder,
    write_zip,
)

PLACES = st.lists(st.sampled_from(EVERY_PLACE), min_size=1, max_size=12)


def load(path: Path) -> Dataset:
    return load_fer2013(path, allow_deviating_data=True, cache=False)


def load_or_message(path: Path) -> Dataset | str:
    try:
        return load(path)
    except DatasetError as error:
        return str(error)


def refusal(path: Path, *, allow_deviating_data: bool = True) -> str:
    with pytest.raises(DatasetError) as caught:
        load_fer2013(path, allow_deviating_data=allow_deviating_data, cache=False)
    return str(caught.value)


def known_as(monkeypatch: pytest.MonkeyPatch, per_place: int = 1) -> None:
    """Make the tiny data set, with so many pictures in each place, the known one."""
    counts = dict.fromkeys(reading.KNOWN_COUNTS, (per_place,) * 7)
    monkeypatch.setattr(reading, "KNOWN_COUNTS", counts)


@given(PLACES, st.integers(0, 2**32 - 1), st.sampled_from(["", "fer2013/"]), st.booleans())
def test_zip_and_folder_give_what_pillow_decodes_in_canonical_order(
    tmp_path_factory: pytest.TempPathFactory,
    places: list[tuple[int, int]],
    seed: int,
    top: str,
    is_deflated: bool,
) -> None:
    files = tiny_files(sorted(places), seed)
    expected = np.stack([decoded(content) for content in files.values()])
    shuffled = [(top + name, content) for name, content in files.items()]
    random.Random(seed).shuffle(shuffled)  # noqa: S311 -- an order, not a secret
    folder = tmp_path_factory.mktemp("doors")
    method = zipfile.ZIP_DEFLATED if is_deflated else zipfile.ZIP_STORED
    by_zip = load(write_zip(folder / "a.zip", dict(shuffled), method=method))
    by_folder = load(write_folder(folder / "a", dict(shuffled)))
    for dataset in (by_zip, by_folder):
        np.testing.assert_array_equal(dataset.images, expected)
        assert list(zip(dataset.splits.tolist(), dataset.labels.tolist(), strict=True)) == sorted(places)
        assert dataset.digest == identity(dataset.images, dataset.labels, dataset.splits, dataset.door)
    assert (by_zip.door, by_folder.door) == ("zip", "folder")
    assert by_zip.digest != by_folder.digest


def test_numbers_order_as_numbers(tmp_path: Path) -> None:
    images = random_images(3)
    files = {file_name((0, 3), number): jpeg(image) for number, image in zip((10, 9, 100), images, strict=True)}
    dataset = load(write_zip(tmp_path / "a.zip", files))
    np.testing.assert_array_equal(dataset.images[1], decoded(files["train/happy/Training_10.jpg"]))
    np.testing.assert_array_equal(dataset.images[0], decoded(files["train/happy/Training_9.jpg"]))


def test_the_known_data_set_is_accepted_and_has_no_deviations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known_as(monkeypatch)
    dataset = load_fer2013(write_zip(tmp_path / "a.zip", tiny_files()), cache=False)
    assert dataset.deviations == ()
    assert len(dataset) == 21
    assert not dataset.images.flags.writeable


def test_other_counts_are_refused_and_the_message_says_how_to_accept_them(tmp_path: Path) -> None:
    message = refusal(write_zip(tmp_path / "a.zip", tiny_files()), allow_deviating_data=False)
    assert "training/angry: 1 pictures, expected 3,995" in message
    assert "… and 11 more" in message
    assert "--allow-deviating-data" in message


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_litter_of_operating_systems_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    known_as(monkeypatch)
    litter = {
        "__MACOSX/train/happy/._Training_1.jpg": b"",
        "train/.DS_Store": b"x",
        "test/sad/Thumbs.db": b"x",
    }
    files = {**litter, **tiny_files()}
    path = tmp_path / "a"
    path = write_zip(path, {"train/happy/": b"", **files}) if form == "zip" else write_folder(path, files)
    assert len(load_fer2013(path, cache=False)) == 21


@pytest.mark.parametrize("form", ["zip", "folder"])
@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        (
            "train/happy/Training_1.jpg",
            jpeg(random_images(1)[0][:47]),
            "48×47 grey picture, expected 48×48 grey",
        ),
        (
            "train/happy/Training_1.jpg",
            jpeg(np.zeros((100, 100, 3), np.uint8)),
            "100×100 colour (YCbCr) picture, expected 48×48 grey",
        ),
        ("train/happy/Training_1.jpg", jpeg(np.zeros((48, 48, 3), np.uint8)), "48×48 colour (YCbCr) picture"),
        ("train/happy/Training_1.jpg", b"\x89PNG\r\n\x1a\n", "no JPEG file: begins with '\\\\x89PNG"),
        ("train/happy/Training_1.jpg", b"", "empty file"),
        ("train/happy/Training_1.jpg", jpeg(random_images(1)[0])[:-300], "damaged JPEG file"),
        ("train/happy/Training_1.jpg", jpeg(random_images(1)[0])[:30], "damaged JPEG file"),
        ("train/happy/Training_1.png", b"", "unknown file"),
        ("train/happy/PublicTest_1.jpg", b"", "unknown file"),
        ("test/happy/Training_1.jpg", b"", "unknown file"),
        ("train/contempt/Training_1.jpg", b"", "unknown folder 'train/contempt' (1 files)"),
        ("readme.txt", b"", "'readme.txt': unknown file"),
        ("train/happy/Training_000189.jpg", jpeg(random_images(1)[0]), "a second file of this number"),
    ],
)
def test_a_deviation_is_refused_or_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, name: str, content: bytes, complaint: str
) -> None:
    known_as(monkeypatch)
    files = {**tiny_files(), name: content}
    path = tmp_path / "a"
    path = write_zip(path, files) if form == "zip" else write_folder(path, files)
    assert complaint in refusal(path, allow_deviating_data=False)
    dataset = load(path)
    assert len(dataset) == 21
    assert any(complaint in deviation for deviation in dataset.deviations)


def test_a_header_that_declares_a_giant_picture_is_never_decoded(tmp_path: Path) -> None:
    content = jpeg(random_images(1)[0])
    place = content.index(b"\xff\xc0") + 5
    giant = content[:place] + struct.pack(">HH", 65500, 65500) + content[place + 4 :]
    dataset = load(write_zip(tmp_path / "a.zip", {**tiny_files(), "train/happy/Training_1.jpg": giant}))
    assert any("65500×65500 grey picture" in deviation for deviation in dataset.deviations)


def test_a_damaged_entry_is_left_out(tmp_path: Path) -> None:
    files = tiny_files()
    path = write_zip(tmp_path / "a.zip", files)
    content = next(iter(files.values()))
    path.write_bytes(path.read_bytes().replace(content[-60:-20], bytes(40)))
    dataset = load(path)
    assert len(dataset) == 20
    assert "damaged entry (Bad CRC-32" in dataset.deviations[0]


@pytest.mark.parametrize("name", ["../x.jpg", "train/../../x.jpg", "/etc/x.jpg", "C:/x.jpg", "..\\x.jpg"])
def test_an_entry_that_escapes_is_refused(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "a.zip", {**tiny_files(), name: b""})
    assert "points outside of its folder" in refusal(path)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    files = {**tiny_files(), "train/happy/Training_1.jpg": bytes(MAX_PICTURE_BYTES + 1)}
    path = write_zip(tmp_path / "a.zip", files, method=zipfile.ZIP_DEFLATED)
    assert "unpacks to 1,048,577 bytes, expected pictures of at most 1,048,576" in refusal(path)


def test_a_bomb_that_lies_about_its_size_unpacks_no_further_than_it_says(tmp_path: Path) -> None:
    size = 8 * MAX_PICTURE_BYTES
    files = {**tiny_files(), "train/happy/Training_1.jpg": bytes(size)}
    path = write_zip(tmp_path / "a.zip", files, method=zipfile.ZIP_DEFLATED)
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", size), struct.pack("<L", 2000)))
    assert any("damaged entry" in deviation for deviation in load(path).deviations)


def test_the_bytes_of_all_pictures_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.data.pictures.MAX_TOTAL_BYTES", 10_000)
    assert "hold more than 10,000 bytes" in refusal(write_zip(tmp_path / "a.zip", tiny_files()))


@pytest.mark.parametrize(("flag", "method", "complaint"), [(0x40, 0, "damaged entry"), (0, 14, "method 14")])
def test_an_entry_packed_in_another_way_is_left_out(tmp_path: Path, flag: int, method: int, complaint: str) -> None:
    path = write_zip(tmp_path / "a.zip", tiny_files())
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 8] |= flag
    content[place + 10] = method
    path.write_bytes(content)
    assert complaint in load(path).deviations[0]


def test_an_entry_without_a_name_is_left_out(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {**tiny_files(), "x": b""})
    content = path.read_bytes()
    place = content.rindex(b"PK\x01\x02")
    # The length of its name, which is then taken for what comes after the name.
    content = content[: place + 28] + struct.pack("<HH", 0, 1) + content[place + 32 :]
    path.write_bytes(content)
    assert any(deviation.startswith("'': ") for deviation in load(path).deviations)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", tiny_files())
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 8] |= 1
    path.write_bytes(content)
    assert "is encrypted" in refusal(path)


def test_a_csv_in_a_zip_is_to_be_unpacked(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"fer2013.csv": bytes(MAX_PICTURE_BYTES + 1)})
    assert "unpack the zip and give the csv itself" in refusal(path)


def test_a_folder_with_a_zip_in_it_names_the_zip(tmp_path: Path) -> None:
    write_zip(tmp_path / "fer2013.zip", tiny_files())
    assert "it holds fer2013.zip: give that file instead" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "an empty file"),
        (b"GIF89a" + bytes(100), "neither a zip nor a csv"),
        (b"<!doctype html>\n<title>Sign in</title>", "neither a zip nor one of the two csv files"),
        (b"PK\x05\x06" + bytes(18), "an empty zip"),
        (b"PK\x03\x04" + bytes(100), "a damaged zip, or one cut off in the middle"),
    ],
)
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "fer2013.zip"
    path.write_bytes(content)
    assert complaint in refusal(path)


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    assert "nothing is there" in refusal(tmp_path / "missing.zip")
    assert "nothing is in this folder" in refusal(tmp_path)
    assert "nothing is there" in refusal(Path("a\0b"))
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refusal(tmp_path / "pipe")


def test_a_folder_survives_pipes_and_dangling_links(tmp_path: Path) -> None:
    write_folder(tmp_path, tiny_files())
    os.mkfifo(tmp_path / "train/happy/Training_1.jpg")
    (tmp_path / "train/happy/Training_2.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "train/happy/Training_3.jpg").write_bytes(bytes(MAX_PICTURE_BYTES + 1))
    (tmp_path / "train/again").symlink_to(tmp_path)
    deviations = " ".join(load(tmp_path).deviations)
    assert deviations.count("no regular file") == 2
    assert "more than 1,048,576 bytes" in deviations


def unreadable(path: Path) -> Callable[..., Any]:
    """`Path.open`, but refused for one path: file modes do not stop a superuser."""
    usual = Path.open

    def opened(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return usual(self, *arguments, **options)

    return opened


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", tiny_files())
    monkeypatch.setattr(Path, "open", unreadable(path))
    assert "cannot be read ([Errno 13] Permission denied" in refusal(path)


def test_a_picture_without_permission_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path, tiny_files())
    monkeypatch.setattr(Path, "open", unreadable(tmp_path / "train/happy/Training_189.jpg"))
    deviations = load(tmp_path).deviations
    assert "'train/happy/Training_189.jpg': cannot be read (Permission denied); left out" in deviations


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refused)
    assert "cannot be listed" in refusal(tmp_path)


def test_too_large_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.data.door_folder.MAX_FILES", 20)
    assert "more than 20 files" in refusal(write_folder(tmp_path, tiny_files()))


@given(st.data())
def test_a_damaged_zip_never_fails_but_by_its_own_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write_zip(tmp_path_factory.mktemp("damaged") / "a.zip", tiny_files(EVERY_PLACE[:3]))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    outcome = load_or_message(path)
    assert isinstance(outcome, Dataset) or str(path) in outcome


@given(st.data())
def test_the_directory_of_a_zip_never_fails_but_by_its_own_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write_zip(tmp_path_factory.mktemp("directory") / "a.zip", tiny_files(EVERY_PLACE[:3]))
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(start, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    outcome = load_or_message(path)
    assert isinstance(outcome, Dataset) or str(path) in outcome


def test_every_decoder_of_the_pixels_agrees(tmp_path: Path) -> None:
    # Smooth pictures and several qualities reach other code paths than noise does.
    ramp = np.add.outer(np.arange(48), 2 * np.arange(48)).astype(np.uint8)
    files = {}
    for number, quality in enumerate((1, 25, 50, 75, 92, 100)):
        buffer = io.BytesIO()
        Image.fromarray(ramp).save(buffer, "JPEG", quality=quality, progressive=bool(number % 2))
        files[file_name((0, 0), number)] = buffer.getvalue()
    dataset = load(write_zip(tmp_path / "a.zip", files))
    np.testing.assert_array_equal(dataset.images, np.stack([decoded(content) for content in files.values()]))
