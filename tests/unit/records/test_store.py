"""Records on disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.records import store
from harness.records.conversion import CONVERTERS
from harness.records.record import SCHEMA_VERSION
from harness.records.store import (
    RecordError,
    check_directory,
    list_runs,
    new_run_name,
    read_arrays,
    read_run,
    write_run,
)
from tests.support.fake_records import fake_arrays, fake_record
from tests.support.old_records import as_schema_4
from tests.support.repository import ROOT

EVIDENCE = ROOT / "benchmarks" / "evidence"


def edit(path: Path, **changes: object) -> None:
    """Change fields of a record's JSON in place."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_record_and_its_arrays_are_read_back(tmp_path: Path) -> None:
    record, arrays = fake_record(), fake_arrays()
    path = write_run(tmp_path / "new" / "folder", record, arrays)
    found = read_run(path)
    content = path.with_suffix(".safetensors").read_bytes()
    assert found == replace(record, arrays_sha256=hashlib.sha256(content).hexdigest())
    observed = read_arrays(path, found)
    assert observed.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(observed[name], array)
        assert observed[name].dtype == array.dtype
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, f"{path.stem}.safetensors"]


def test_a_record_without_arrays(tmp_path: Path) -> None:
    path = write_run(tmp_path, fake_record(), {})
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert read_run(path).arrays_sha256 is None
    assert read_arrays(path, read_run(path)) == {}


def test_a_record_is_readable_by_others(tmp_path: Path) -> None:
    """As any new file is; the files of `tempfile` are not."""
    path = write_run(tmp_path, fake_record(), fake_arrays())
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_record_of_an_earlier_schema_is_converted(tmp_path: Path) -> None:
    path = write_run(tmp_path, fake_record(), {})
    path.write_text(json.dumps(as_schema_4(json.loads(path.read_text()))))
    assert read_run(path) == fake_record()


def test_the_records_that_are_shown_are_of_the_schema_of_today() -> None:
    paths = list(EVIDENCE.glob("*.json"))
    assert [json.loads(path.read_text())["schema_version"] for path in paths] == [SCHEMA_VERSION] * 3
    assert [read_run(path).run for path in paths] == [path.stem for path in paths]


@pytest.mark.parametrize("version", [0, 1, 2, 3, SCHEMA_VERSION + 1, None, str(SCHEMA_VERSION)])
def test_another_schema_version_is_refused_by_name(tmp_path: Path, version: object) -> None:
    path = write_run(tmp_path, fake_record(), {})
    edit(path, schema_version=version)
    readable = ", ".join(map(str, (*CONVERTERS, SCHEMA_VERSION)))
    with pytest.raises(
        RecordError, match=rf"{path.name} has schema_version {version!r}; this ferbench reads {readable}"
    ):
        read_run(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no JSON"),
        (b'{"schema_version": 1', "no JSON"),
        (b"\xff\xfe\xfa", "no JSON"),
        (b"[]", "schema_version None"),
        (b'{"schema_version": 5}', r"run: Field required \(13 in all\)"),
        (b'{"schema_version": 4}', "schema 4 cannot be converted: KeyError 'spec'"),
        (b'{"schema_version": 4, "spec": {"variant": {}, "budget": {}}}', "schema 4 cannot be converted: VariantError"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=message) as caught:
        read_run(path)
    assert str(path) in str(caught.value)


def test_a_damaged_field_is_named(tmp_path: Path) -> None:
    path = write_run(tmp_path, fake_record(), {})
    values = json.loads(path.read_text())
    values["spec"]["budget"]["epochs"] = "many"
    path.write_text(json.dumps(values))
    with pytest.raises(RecordError, match=r"damaged: spec\.budget\.epochs: Input should be a valid integer"):
        read_run(path)


def test_an_unknown_field_is_named(tmp_path: Path) -> None:
    path = write_run(tmp_path, fake_record(), {})
    edit(path, surprise=1)
    with pytest.raises(RecordError, match="damaged: surprise: Unexpected"):
        read_run(path)


def test_a_missing_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"a\.json cannot be read: No such file"):
        read_run(tmp_path / "a.json")


def test_missing_arrays_are_refused(tmp_path: Path) -> None:
    path = write_run(tmp_path, fake_record(), fake_arrays())
    path.with_suffix(".safetensors").unlink()
    with pytest.raises(RecordError, match=rf"\.safetensors, which belongs to {path.name}, cannot be read"):
        read_run(path)


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content[:-1] + b"\x01"])
def test_changed_arrays_are_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = write_run(tmp_path, fake_record(), fake_arrays())
    arrays = path.with_suffix(".safetensors")
    arrays.write_bytes(change(arrays.read_bytes()))
    with pytest.raises(RecordError, match=r"\.safetensors is damaged: SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}"):
        read_run(path)


def test_arrays_that_are_none_are_refused(tmp_path: Path) -> None:
    content = b"no tensors at all"
    path = write_run(tmp_path, fake_record(), fake_arrays())
    path.with_suffix(".safetensors").write_bytes(content)
    edit(path, arrays_sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(RecordError, match="is damaged"):
        read_arrays(path, read_run(path))


def test_a_record_is_never_written_over(tmp_path: Path) -> None:
    path = write_run(tmp_path, fake_record(0.5), fake_arrays())
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(RecordError, match="exists; a record is never written over"):
        write_run(tmp_path, fake_record(0.6), fake_arrays(seed=1))
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    assert read_run(path).scores["paper_test"].accuracy == 0.5


class FullDisk:
    """Fails at the nth call of a function."""

    def __init__(self, original: Callable[..., Any], failing_call: int) -> None:
        self.original, self.left = original, failing_call

    def __call__(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, os.strerror(28))
        return self.original(*arguments)


@pytest.mark.parametrize("failing_call", [1, 2], ids=["arrays", "record"])
@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, failing_call: int
) -> None:
    if place == "fsync":
        monkeypatch.setattr(os, "fsync", FullDisk(os.fsync, failing_call))
    else:
        full = FullDisk(Path.replace, failing_call)
        monkeypatch.setattr(Path, "replace", lambda *arguments: full(*arguments))
    with pytest.raises(RecordError, match=r"cannot be written: No space left on device; choose another --results-dir"):
        write_run(tmp_path, fake_record(), fake_arrays())
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert read_run(write_run(tmp_path, fake_record(), fake_arrays()))


@pytest.mark.parametrize("function", [check_directory, lambda folder: write_run(folder, fake_record(), fake_arrays())])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, function: Callable[[Path], object]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match=r"file/results.* cannot .*: Not a directory; choose another --results-dir"):
        function(tmp_path / "file" / "results")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("function", [check_directory, lambda folder: write_run(folder, fake_record(), fake_arrays())])
def test_a_read_only_folder_is_refused(tmp_path: Path, function: Callable[[Path], object]) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RecordError, match="Permission denied; choose another --results-dir"):
        function(tmp_path)


def test_checking_a_folder_leaves_it_empty(tmp_path: Path) -> None:
    check_directory(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_names_of_one_moment_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppedClock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2024, 2, 3, 4, 5, 6, tzinfo=tz)

    monkeypatch.setattr(store, "datetime", StoppedClock)
    spec = fake_record().spec
    names = []
    for _ in range(3):
        names.append(new_run_name(spec, tmp_path))
        write_run(tmp_path, replace(fake_record(), run=names[-1]), {})
    stem = "vgg16-scratch-pytorch-seed0-20240203T040506000000"
    assert names == [stem, f"{stem}-2", f"{stem}-3"]


def test_names_tell_what_was_run(tmp_path: Path) -> None:
    spec = fake_record(implementation="keras3", seed=7).spec
    assert new_run_name(spec, tmp_path).startswith("vgg16-scratch-keras3-jax-seed7-2")


def test_good_records_are_listed_beside_damaged_ones(tmp_path: Path) -> None:
    write_run(tmp_path, fake_record(run="b", started="2024-01-01T00:00:00+00:00"), {})
    write_run(tmp_path, fake_record(run="a", started="2024-01-02T00:00:00+00:00"), fake_arrays())
    write_run(tmp_path, fake_record(run="c"), fake_arrays()).with_suffix(".safetensors").unlink()
    (tmp_path / "d.json").write_text("{")
    (tmp_path / "e.txt").write_text("no record")
    found, errors = list_runs(tmp_path)
    assert [record.run for _, record in found] == ["b", "a"], "oldest first"
    assert [path.name for path, _ in found] == ["b.json", "a.json"]
    assert ["c.safetensors" in str(errors[0]), "d.json" in str(errors[1]), len(errors)] == [True, True, 2]


def test_an_empty_folder_has_no_runs_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == ([], [])
    with pytest.raises(RecordError, match="missing is no folder"):
        list_runs(tmp_path / "missing")


def test_nested_nonsense_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(RecordError, match=r"deep\.json is damaged"):
        read_run(path)
