"""The command `ferbench runs`."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records.store import write_run
from tests.support.command_line import FerBench
from tests.support.fake_records import fake_arrays, fake_record
from tests.support.forged_records import edit_json
from tests.support.old_records import as_schema_4


def test_an_empty_folder_has_no_runs(ferbench: FerBench, tmp_path: Path) -> None:
    outcome = ferbench("runs", "list", tmp_path / "working")
    assert (outcome.code, outcome.err) == (0, "")
    assert "runs, oldest first" in outcome.out


def test_runs_are_listed_beside_damaged_ones(ferbench: FerBench, tmp_path: Path) -> None:
    folder = tmp_path / "results [old]"
    write_run(folder, fake_record(0.66), {})
    (folder / "broken.json").write_text("{")
    outcome = ferbench("runs", "list", folder)
    assert outcome.code == 2
    assert "66.00 %" in outcome.out
    assert f"{folder / 'broken.json'} is damaged: no JSON" in outcome.out


def test_a_run_is_shown(ferbench: FerBench, tmp_path: Path) -> None:
    outcome = ferbench("runs", "show", write_run(tmp_path, fake_record(0.66), fake_arrays()))
    assert outcome.code == 0
    for part in ("67.23 %", "66.00 %", "INCONCLUSIVE", "the training loss fell", "conditions: "):
        assert part in outcome.out


@pytest.mark.parametrize("content", ["{", "{}", '{"schema_version": 1}'])
def test_a_damaged_record_is_refused(ferbench: FerBench, tmp_path: Path, content: str) -> None:
    path = tmp_path / "[a].json"
    path.write_text(content)
    outcome = ferbench("runs", "show", path)
    assert outcome.code == 2
    assert f"error: {path} " in outcome.error


def test_records_of_an_earlier_schema_are_written_anew(ferbench: FerBench, tmp_path: Path) -> None:
    path = write_run(tmp_path / "results", fake_record(0.66), fake_arrays())
    today = path.read_bytes()
    edit_json(path, lambda values: values.update(as_schema_4(values)))
    outcome = ferbench("runs", "convert", path)
    assert (outcome.code, path.read_bytes()) == (0, today)
    assert f"{path}: converted" in outcome.out
    assert f"{path}: is of the schema of today" in ferbench("runs", "convert", path).out
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, f"{path.stem}.safetensors"]
