from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from harness.data import cache, fer2013
from harness.data.dataset import Dataset, DatasetError, identity
from harness.data.reading import Reading
from tests.support.tiny_fer2013 import tiny_files, write_folder, write_zip

LOAD = """
import sys
from pathlib import Path
from harness.data.fer2013 import load_fer2013
print(load_fer2013(Path(sys.argv[1]), allow_deviating_data=True).digest)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "a.zip", tiny_files())


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that were read, and not recalled."""
    seen: list[Path] = []

    def counted(read: Callable[[Path], Reading]) -> Callable[[Path], Reading]:
        def reading(path: Path) -> Reading:
            seen.append(path)
            return read(path)

        return reading

    for name in ("read_zip", "read_folder", "read_csv"):
        monkeypatch.setattr(fer2013, name, counted(getattr(fer2013, name)))
    return seen


def load(path: Path) -> Dataset:
    return fer2013.load_fer2013(path, allow_deviating_data=True)


def assert_same(one: Dataset, other: Dataset) -> None:
    for name in ("images", "labels", "splits"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    for name in ("name", "door", "digest", "deviations"):
        assert getattr(one, name) == getattr(other, name)


def test_what_is_recalled_is_what_was_read(folder: Path, source: Path, readings: list[Path]) -> None:
    read, recalled = load(source), load(source)
    assert_same(read, recalled)
    assert readings == [source]
    assert not any(getattr(recalled, name).flags.writeable for name in ("images", "labels", "splits"))
    assert identity(recalled.images, recalled.labels, recalled.splits, "zip") == recalled.digest
    assert not list(folder.glob("writing-*"))


def test_a_folder_is_recalled_until_one_of_its_files_changes(
    folder: Path, tmp_path: Path, readings: list[Path]
) -> None:
    source = write_folder(tmp_path / "a", tiny_files())
    assert_same(load(source), load(source))
    assert len(readings) == 1
    changed = source / "train/happy/Training_189.jpg"
    changed.write_bytes(changed.read_bytes() + b"\0")
    load(source)
    assert len(readings) == 2


def test_a_changed_source_is_read_again(folder: Path, source: Path, readings: list[Path]) -> None:
    first = load(source)
    known = source.stat()
    write_zip(source, tiny_files(seed=1))
    os.utime(source, ns=(known.st_atime_ns, known.st_mtime_ns))
    assert load(source).digest != first.digest
    assert len(readings) == 2


def test_two_copies_share_one_entry(folder: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(source.read_bytes())
    assert load(source).digest == load(tmp_path / "b.zip").digest
    assert len(list((folder / "datasets").iterdir())) == 1
    assert len(list((folder / "index").iterdir())) == 2


def test_a_recalled_deviation_is_refused_as_well(folder: Path, source: Path, readings: list[Path]) -> None:
    load(source)
    with pytest.raises(DatasetError, match="expected 3,995"):
        fer2013.load_fer2013(source)
    assert len(readings) == 1


def test_no_cache_means_none(folder: Path, source: Path) -> None:
    fer2013.load_fer2013(source, allow_deviating_data=True, cache=False)
    assert not folder.exists()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_the_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def pickle_it(path: Path) -> None:
    np.save(path.with_suffix(".npy"), np.array([{}], dtype=object), allow_pickle=True)


def make_another_type(path: Path) -> None:
    np.save(path, np.zeros((21, 48, 48)))


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("datasets/*/images.npy", truncate),
        ("datasets/*/images.npy", empty),
        ("datasets/*/images.npy", fill_with_zeros),
        ("datasets/*/images.npy", pickle_it),
        ("datasets/*/images.npy", make_another_type),
        ("datasets/*/images.npy", Path.unlink),
        ("datasets/*/labels.npy", flip_the_last_byte),
        ("datasets/*/labels.npy", truncate),
        ("datasets/*/labels.npy", empty),
        ("datasets/*/splits.npy", flip_the_last_byte),
        ("datasets/*/splits.npy", pickle_it),
        ("index/*.json", truncate),
        ("index/*.json", empty),
        ("index/*.json", fill_with_zeros),
        ("index/*.json", Path.unlink),
    ],
)
def test_a_damaged_entry_is_rebuilt(
    folder: Path, source: Path, readings: list[Path], pattern: str, damage: Callable[[Path], None]
) -> None:
    read = load(source)
    [path] = folder.glob(pattern)
    damage(path)
    assert_same(read, load(source))
    assert len(readings) == 2
    assert_same(read, load(source))
    assert len(readings) == 2


def test_an_index_that_names_another_folder_is_not_followed(folder: Path, source: Path) -> None:
    read = load(source)
    [path] = folder.glob("index/*.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "digest": "../../elsewhere"}))
    assert_same(read, load(source))


def test_a_cache_that_cannot_be_written_is_done_without(
    folder: Path, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file, where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert_same(load(source), load(source))
    assert "not cached in" in caplog.text


def test_a_full_disk_is_done_without(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert len(load(source)) == 21
    assert "No space left on device" in caplog.text
    assert not list(folder.glob("datasets/*"))


def test_a_lock_that_is_never_given_back_is_done_without(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "_LOCK_SECONDS", 0.05)
    folder.mkdir()
    with FileLock(folder / "lock"):
        assert len(load(source)) == 21
    assert "not cached in" in caplog.text


def test_a_source_that_changes_while_it_is_read_is_not_kept(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter(["before", "after"])
    monkeypatch.setattr(fer2013, "source_key", lambda _: next(keys))
    load(source)
    assert not folder.exists()


def test_two_processes_may_write_at_once(folder: Path, source: Path) -> None:
    environment = {**os.environ, cache.CACHE_VARIABLE: str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", LOAD, str(source)], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    digests = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert digests == {load(source).digest}
    assert len(list(folder.glob("datasets/*"))) == 1
    assert not list(folder.glob("writing-*"))


def test_what_reads_back_differently_is_not_kept(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "identity", lambda *_: "another")
    load(source)
    assert "reads back as something else" in caplog.text
    assert not list(folder.glob("datasets/*"))


def test_a_source_that_is_gone_has_no_key(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be looked at"):
        cache.source_key(tmp_path / "gone.zip")


def test_the_folder_is_the_users_own_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.CACHE_VARIABLE, "elsewhere")
    assert cache.cache_folder() == Path("elsewhere")
    monkeypatch.delenv(cache.CACHE_VARIABLE)
    assert cache.cache_folder().name == "ferbench"
