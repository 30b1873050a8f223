"""Suites of runs on disk: a file of pytest-benchmark and the records that it names, or a folder of records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from harness.records.store import RecordError, list_runs, read_run
from harness.suites.saved_runs import (
    SavedRun,
    Unusable,
    from_benchmark,
    from_record,
    word,
)

MOST_BYTES: Final = 2**26
"""Of a file of benchmarks: sixty runs are far below a megabyte."""
SEARCHED: Final = 3
"""Folders upwards of a file of benchmarks in which `results` is looked for: pytest-benchmark keeps files in
`.benchmarks/<machine>`, beside which `results` lies."""


@dataclass(frozen=True)
class SavedSuite:
    """What lies at a path.

    Attributes:
        path: A file of benchmarks, a record, or a folder of records.
        runs: Complete ones, in the order of the file or of their start.
        left_out: One line a run that does not count, with the reason.
        damaged: One line a file that is no sound record.
    """

    path: Path
    runs: tuple[SavedRun, ...]
    left_out: tuple[str, ...]
    damaged: tuple[str, ...] = ()


def read_suite(path: Path, results: Path | None = None, *, option: str = "results-a") -> SavedSuite:
    """Read what `pytest -m gpu --benchmark-save=NAME` left, or a folder of records.

    Args:
        path: A file of benchmarks (`.benchmarks/<machine>/0001_NAME.json`), a record, or a folder of records.
        results: Folder of the records that a file of benchmarks names; None looks for a `results` near it.
        option: Name of the option that says so, for errors.

    Raises:
        RecordError: If it is none of these, or holds no complete run.
    """
    if results is not None and not results.is_dir():
        raise RecordError(f"--{option} {results} is no folder; expected the one with the records of {path}")
    content = None if path.is_dir() else _read_json(path)
    if isinstance(content, dict) and "benchmarks" in content:
        suite = _of_benchmarks(path, content, results or _nearest_results(path))
    elif results is not None:
        raise RecordError(f"--{option} {results}: it goes with a file of benchmarks, and {path} is none")
    elif content is None or (isinstance(content, dict) and "schema_version" in content):
        suite = _of_records(path)
    else:
        raise RecordError(f"{path} is neither a file of benchmarks (it has no 'benchmarks') nor a record of a run")
    if not suite.runs:
        reasons = "\n  ".join([*suite.left_out, *suite.damaged])
        raise RecordError(
            f"{path} holds no complete run; expected a file of benchmarks, .benchmarks/MACHINE/0001_NAME.json, or a "
            f"folder of records{': ' if reasons else ''}\n  {reasons}".rstrip()
        )
    return suite


def _of_records(path: Path) -> SavedSuite:
    found, errors = list_runs(path) if path.is_dir() else ([(path, read_run(path))], [])
    runs, left_out = _taken((str(where), partial(from_record, record)) for where, record in found)
    return SavedSuite(path, runs, left_out, tuple(map(str, errors)))


def _of_benchmarks(path: Path, content: Mapping[str, Any], results: Path | None) -> SavedSuite:
    entries = content["benchmarks"]
    if not isinstance(entries, list):
        raise RecordError(f"{path} is damaged: 'benchmarks' is {type(entries).__name__}, expected a list")
    machine = _machine(content)
    takes: list[tuple[str, Callable[[], SavedRun]]] = []
    others = 0
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(extra := entry.get("extra_info"), dict):
            raise RecordError(
                f"{path} is damaged: benchmarks[{number}] has no extra_info as pytest-benchmark writes it"
            )
        if "record" not in extra:  # of a step, of a door to the data
            others += 1
            continue
        name = word(entry.get("name"))
        takes.append((f"{path}: {name}", partial(_run, name, entry, machine, results)))
    runs, left_out = _taken(takes)
    if others:
        left_out += (f"{path}: {others} benchmarks that name no record of a run",)
    return SavedSuite(path, runs, left_out)


def _taken(takes: Iterable[tuple[str, Callable[[], SavedRun]]]) -> tuple[tuple[SavedRun, ...], tuple[str, ...]]:
    runs, left_out = [], []
    for name, take in takes:
        try:
            runs.append(take())
        except Unusable as error:
            left_out.append(f"{name}: {error}")
    return tuple(runs), tuple(left_out)


def _run(name: str, entry: Mapping[str, Any], machine: Mapping[str, str], results: Path | None) -> SavedRun:
    """From the record where it is at hand and is the one that was meant, else from the benchmark alone."""
    extra, params = entry["extra_info"], entry.get("params")
    try:
        return _recorded(extra, results)
    except RecordError as error:
        known = params if isinstance(params, dict) else {}
        return from_benchmark(name, extra, known, machine=machine, why=str(error))


def _recorded(extra: Mapping[str, Any], results: Path | None) -> SavedRun:
    name = extra["record"]
    if not isinstance(name, str) or not name.endswith(".json") or not name.isprintable() or set(name) & set("/\\:"):
        raise RecordError(f"record {word(name)} is no name of a file")  # a path could lead anywhere
    if results is None:
        raise RecordError("no folder `results` lies near the file")
    record = read_run(results / name)
    expected = extra.get("arrays_sha256")
    if expected is not None and expected != record.arrays_sha256:
        raise RecordError(f"{results / name} is not the run that was saved: its arrays have another SHA-256")
    return from_record(record)


def _machine(content: Mapping[str, Any]) -> dict[str, str]:
    """Of what pytest-benchmark says of a machine, what records say as well."""
    machine, commit = content.get("machine_info"), content.get("commit_info")
    found = {"python": machine.get("python_version")} if isinstance(machine, dict) else {}
    if isinstance(commit, dict) and isinstance(commit.get("id"), str) and commit["id"] != "unversioned":
        found["commit"] = commit["id"] + ("+changes" if commit.get("dirty") is True else "")
    return {name: word(value) for name, value in found.items() if isinstance(value, str)}


def _nearest_results(path: Path) -> Path | None:
    candidates = [folder / "results" for folder in list(path.absolute().parents)[:SEARCHED]]
    return next((each for each in candidates if each.is_dir()), None)


def _read_json(path: Path) -> Any:
    try:
        if not path.is_file():
            what = "is no regular file" if path.exists() else "does not exist"
            raise RecordError(f"{path} {what}; expected a file of benchmarks, a record, or a folder of records")
        if path.stat().st_size > MOST_BYTES:
            raise RecordError(f"{path} has {path.stat().st_size:,} bytes, expected at most {MOST_BYTES:,}")
        return json.loads(path.read_bytes())
    except (OSError, RecursionError) as error:
        raise RecordError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except RecordError:
        raise
    except ValueError as error:
        raise RecordError(f"{path} is damaged: no JSON ({error})") from error
