"""Records on disk: written whole or not at all, refused by name when damaged."""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from harness.errors import UserError
from harness.interface import Weights
from harness.records.conversion import CONVERTERS, convert
from harness.records.record import (
    SCHEMA_VERSION,
    RunRecord,
    from_json,
    to_json,
)
from harness.records.spec import RunSpec

MOST_BYTES: Final = 2**24
"""Of a record: ten thousand epochs fit. A larger file is none, and need not be read to know it."""
MOST_ARRAY_BYTES: Final = 2**26
"""Of the arrays beside it, which are 0.3 MB for all tests."""
MOST_WEIGHT_BYTES: Final = 2**28
"""Of the weights, which are 0.12 GB for the largest variant."""
_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class RecordError(UserError, ValueError):
    """A record that cannot be used. The message names the file and what is wrong with it.

    Attributes:
        what: The message without the advice.
        advice: What to do, where there is more to say than to run again.
    """

    def __init__(self, what: str, advice: str | None = None) -> None:
        super().__init__(f"{what}: {advice}" if advice else what)
        self.what, self.advice = what, advice


def new_run_name(spec: RunSpec, directory: Path) -> str:
    """A name that no record in the directory has: label and time of the start, in UTC, to the microsecond."""
    stem = f"{spec.label}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    name, count = stem, 1
    while (directory / f"{name}.json").exists():
        count += 1
        name = f"{stem}-{count}"
    return name


def check_directory(directory: Path) -> None:
    """Make the folder where it is missing, and see that files can be written there: before a run, not after.

    Raises:
        RecordError: If it cannot hold records.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise RecordError(
            f"{directory} cannot hold records: {error.strerror or error}; choose another --results-dir"
        ) from error


def write_run(
    directory: Path, record: RunRecord, arrays: Mapping[str, NDArray[Any]], weights: Weights | None = None
) -> Path:
    """Write a record, its arrays and weights; the record comes last, so that one that exists is whole.

    Returns:
        Path of the record; its arrays lie beside it as `<run>.safetensors`, weights as `<run>.weights.safetensors`.

    Raises:
        RecordError: If there already is a record of this name, or nothing can be written there.
    """
    path = directory / f"{record.run}.json"
    if path.exists():
        raise RecordError(f"{path} exists; a record is never written over")
    beside = {_arrays_path(path): dict(arrays), _weights_path(path): dict(weights or {})}
    contents = {each: save(tensors) for each, tensors in beside.items() if tensors}
    digests = {each: hashlib.sha256(content).hexdigest() for each, content in contents.items()}
    record = replace(
        record, arrays_sha256=digests.get(_arrays_path(path)), weights_sha256=digests.get(_weights_path(path))
    )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            for each, content in contents.items():
                _write_atomically(each, content)
            _write_atomically(path, to_json(record) + b"\n")
        except BaseException:
            for each in contents:
                each.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written: {error.strerror or error}; choose another --results-dir"
        ) from error
    return path


def convert_run(path: Path) -> bool:
    """Write a record of an earlier schema anew in that of today, under its name; its arrays stay as they are.

    Returns:
        Whether it was of an earlier schema.

    Raises:
        RecordError: As `read_run`, or if it cannot be written.
    """
    record = read_run(path)
    if json.loads(path.read_bytes())["schema_version"] == SCHEMA_VERSION:
        return False
    try:
        _write_atomically(path, to_json(record) + b"\n")
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror or error}") from error
    return True


def read_run(path: Path) -> RunRecord:
    """Read and check a record and the digest of its arrays.

    Raises:
        RecordError: If the file is missing, damaged or of another version, or its arrays are missing or changed.
    """
    record = _read_record(path)
    if record.arrays_sha256 is not None:
        _read_arrays(path, record.arrays_sha256)
    return record


def read_arrays(path: Path, record: RunRecord) -> dict[str, NDArray[Any]]:
    """Arrays beside a record; empty where it has none.

    Raises:
        RecordError: If they are missing, or not those that the record was written with.
    """
    if record.arrays_sha256 is None:
        return {}
    try:
        arrays: dict[str, NDArray[Any]] = load(_read_arrays(path, record.arrays_sha256))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:  # KeyError: numbers that NumPy has not, BF16
        raise RecordError(f"{_arrays_path(path)} is damaged: {type(error).__name__} {error}") from error
    return arrays


def read_weights(path: Path, record: RunRecord) -> Weights:
    """Weights after training beside a record, by canonical names; empty where none were kept.

    Raises:
        RecordError: If they are missing, or not those that the record was written with.
    """
    if record.weights_sha256 is None:
        return {}
    weights: Weights = load(_read_beside(_weights_path(path), path, record.weights_sha256, MOST_WEIGHT_BYTES))
    return weights


def list_runs(directory: Path) -> tuple[list[tuple[Path, RunRecord]], list[RecordError]]:
    """Records of a directory, oldest first, and the errors of those that cannot be used.

    Raises:
        RecordError: If there is no such directory.
    """
    if not directory.is_dir():
        raise RecordError(f"{directory} is no folder; runs are written there by `ferbench train` or `reproduce`")
    found, errors = [], []
    for path in sorted(directory.glob("*.json")):
        try:
            found.append((path, read_run(path)))
        except RecordError as error:
            errors.append(error)
    found.sort(key=lambda pair: pair[1].started)
    return found, errors


def _read_record(path: Path) -> RunRecord:
    try:
        content = _read(path, MOST_BYTES)
    except OSError as error:
        advice = "its link leads nowhere: remove it, or bring back what it names" if path.is_symlink() else None
        raise RecordError(f"{path} cannot be read: {error.strerror or error}", advice) from error
    if content.startswith(_MARKS):
        raise RecordError(
            f"{path} is damaged: no JSON as records are, it begins with a byte order mark",
            "an editor saved it anew: take it from where it was made, or save it as plain UTF-8",
        )
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} is damaged: no JSON ({error})") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version not in (*CONVERTERS, SCHEMA_VERSION):
        readable = ", ".join(map(str, (*CONVERTERS, SCHEMA_VERSION)))
        raise RecordError(
            f"{path} has schema_version {version!r}; this ferbench reads {readable}",
            "use the version that wrote it, or run again",
        )
    if version != SCHEMA_VERSION:
        content = json.dumps(_converted(path, raw)).encode()
    try:
        return from_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{path} is damaged: {place}: {first['msg']} ({error.error_count()} in all)") from error


def _converted(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """Values of an older schema in that of today."""
    try:
        return convert(raw)
    except (KeyError, TypeError, ValueError) as error:
        first = f"{type(error).__name__} {error}".splitlines()[0]
        raise RecordError(f"{path} is damaged: schema {raw['schema_version']} cannot be converted: {first}") from error


def _read_arrays(path: Path, expected: str) -> bytes:
    return _read_beside(_arrays_path(path), path, expected, MOST_ARRAY_BYTES)


def _read_beside(beside: Path, path: Path, expected: str, most: int) -> bytes:
    try:
        content = _read(beside, most)
    except OSError as error:
        raise RecordError(f"{beside}, which belongs to {path.name}, cannot be read: {error.strerror}") from error
    observed = hashlib.sha256(content).hexdigest()
    if observed != expected:
        raise RecordError(f"{beside} is damaged: SHA-256 {observed}, expected {expected} (from {path.name})")
    return content


def _read(path: Path, most: int) -> bytes:
    """A file's bytes; only of one that is a file, since a pipe would be waited for, and that is not too large."""
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise RecordError(f"{path} is a folder, not a file", "name it otherwise, or move it elsewhere")
    if not stat.S_ISREG(about.st_mode):
        raise RecordError(f"{path} is no regular file", "remove it: records are files")
    if about.st_size > most:
        raise RecordError(
            f"{path} has {about.st_size:,} bytes, a run's at most {most:,}", "remove it: no run left it behind"
        )
    return path.read_bytes()


def _arrays_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.safetensors")


def _weights_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.weights.safetensors")


def _write_atomically(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")  # not mkstemp: its files are for their owner alone
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
