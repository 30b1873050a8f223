"""The command `ferbench judge`: what it prints, and with which code it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.forged_records import SMALL, edit_json, stored

Judge = Callable[..., tuple[int, str, str]]


@pytest.fixture
def judge(run_ferbench: Judge) -> Judge:
    return partial(run_ferbench, "judge")


def test_sound_rehearsals_leave_with_0(judge: Judge, tmp_path: Path) -> None:
    stored(tmp_path, 0.68, budget=SMALL)
    code, out, _ = judge(tmp_path)
    assert code == 0
    assert "1 sound, 0 refused" in out
    assert "NOT_COMPARABLE: budget custom" in out


def test_a_forged_figure_leaves_with_2_and_the_others_are_judged(judge: Judge, tmp_path: Path) -> None:
    good = stored(tmp_path, 0.68, budget=SMALL)
    bad = stored(tmp_path, 0.69, budget=SMALL, seed=1)
    edit_json(bad, lambda values: values["scores"]["paper_test"].update(accuracy=0.9))
    code, out, _ = judge(tmp_path)
    assert code == 2
    assert f"{bad.name} does not count" in out
    assert "paper_test accuracy 90.0000 %; expected" in out
    assert good.stem in out


def test_a_result_that_is_not_the_papers_leaves_with_3(judge: Judge, tmp_path: Path) -> None:
    stored(tmp_path, 0.30, variant="resnet50-scratch")
    code, out, _ = judge(tmp_path, width=80)
    assert code == 3
    assert "NOT_REPRODUCED" in out


@pytest.mark.parametrize("width", [80, 150])
def test_nothing_is_cut_off(judge: Judge, tmp_path: Path, width: int) -> None:
    stored(tmp_path, 0.68, budget=SMALL)
    _, out, _ = judge(tmp_path, width=width)
    assert "…" not in out


def test_json_is_all_that_is_printed(judge: Judge, tmp_path: Path) -> None:
    path = stored(tmp_path, 0.68, budget=SMALL)
    code, out, _ = judge(tmp_path, "--json", width=80)
    assert code == 0
    assert json.loads(out)["sound"] == [path.name]


def test_an_empty_folder_is_an_error_for_people(judge: Judge, tmp_path: Path) -> None:
    code, out, errors = judge(tmp_path)
    assert (code, out) == (2, "")
    assert "holds no record (*.json); runs are written by `ferbench train`" in errors


def test_a_foreign_json_is_named(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "something"}')
    code, out, _ = judge(tmp_path)
    assert code == 2
    assert "package.json does not count" in out
    assert "has schema_version None" in out


BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("torch", "keras", "jax", "tensorflow"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from harness.__main__ import main
main()
"""


@pytest.mark.usefixtures("run_ferbench")  # without the variables that name real data
def test_the_command_needs_no_framework(tmp_path: Path) -> None:
    path = stored(tmp_path, 0.68, budget=SMALL)
    arguments = [sys.executable, "-c", BLOCKED, "judge", str(tmp_path), "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sound"] == [path.name]
