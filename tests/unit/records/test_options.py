"""Options of a run: where they come from, what comes first, and what is refused."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from harness.records.options import (
    DEFAULTS,
    OPTIONS,
    OptionError,
    RunOptions,
    flag,
    kinds,
    resolve,
    suite_flag,
    variable,
)
from harness.records.spec import RunSpec

NONE_GIVEN: dict[str, Any] = dict.fromkeys(OPTIONS)


def pyproject(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_the_command_line_comes_before_the_environment_before_the_file_before_the_default(tmp_path: Path) -> None:
    folder = pyproject(tmp_path, '[tool.ferbench]\nbatch-size = 8\nprecision = "tf32"\npipeline = "manual"\n')
    environment = {"FERBENCH_BATCH_SIZE": "16", "FERBENCH_PRECISION": "mixed"}
    found = resolve(NONE_GIVEN | {"batch_size": 32}, environment=environment, folder=folder)
    assert found == RunOptions(batch_size=32, precision="mixed", pipeline="manual")


def test_flags_can_be_taken_back(tmp_path: Path) -> None:
    folder = pyproject(tmp_path, "[tool.ferbench]\ndeterministic = true\ncheckpointing = true\n")
    environment = {"FERBENCH_CHECKPOINTING": "0"}
    found = resolve(NONE_GIVEN | {"deterministic": False}, environment=environment, folder=folder)
    assert found == RunOptions()


def test_nothing_said_is_the_default(tmp_path: Path) -> None:
    assert resolve(NONE_GIVEN, environment={"FERBENCH_BUDGET": ""}, folder=tmp_path) == RunOptions()
    assert resolve(NONE_GIVEN, defaults={"device": "gpu"}, environment={}, folder=tmp_path).device == "gpu"


def test_what_a_command_does_not_offer_is_not_looked_for(tmp_path: Path) -> None:
    folder = pyproject(tmp_path, "[tool.ferbench]\nviews = 3\n")
    given = {name: None for name in OPTIONS if name not in ("views", "epochs")}
    assert resolve(given, environment={"FERBENCH_EPOCHS": "3"}, folder=folder) == RunOptions()


def test_paths_and_numbers_are_read(tmp_path: Path) -> None:
    folder = pyproject(tmp_path, '[tool.ferbench]\nresults-dir = "out"\nbudget-seconds = 60\n')
    found = resolve(NONE_GIVEN, environment={"FERBENCH_WEIGHTS": "w", "FERBENCH_SEED": "7"}, folder=folder)
    assert (found.results_dir, found.weights_dir) == (Path("out"), Path("w"))
    assert (found.budget_seconds, found.seed) == (60, 7)


@pytest.mark.parametrize(
    ("environment", "text", "message"),
    [
        ({"FERBENCH_BUDGET": "week"}, "", "FERBENCH_BUDGET=week; expected one of smoke, times, hour, paper, rehearsal"),
        ({"FERBENCH_SEED": "x"}, "", "FERBENCH_SEED=x; expected a whole number from 0 to 4,294,967,295"),
        ({"FERBENCH_EPOCHS": "0"}, "", "FERBENCH_EPOCHS=0; expected a whole number from 1"),
        ({"FERBENCH_DETERMINISTIC": "maybe"}, "", "FERBENCH_DETERMINISTIC=maybe; expected true or false"),
        ({"FERBENCH_BUDGET_SECONDS": "nan"}, "", "FERBENCH_BUDGET_SECONDS=nan; expected a number from 1 to"),
        (
            {},
            "batch-size = 0",
            r"batch-size = 0 in \[tool.ferbench\] of .*pyproject.toml; expected a whole number from 1",
        ),
        ({}, "batch-size = true", "batch-size = True in .*; expected a whole number"),
        ({}, 'deterministic = "true"', "deterministic = 'true' in .*; expected true or false"),
        ({}, "fer2013 = 3", "fer2013 = 3 in .*; expected a path"),
        ({}, "batch_size = 3", "has batch_size; the options are .*fer2013, .*, batch-size, "),
        ({}, "batch-size 3", "pyproject.toml cannot be read: Expected '='"),
    ],
)
def test_what_no_option_can_have_is_refused(
    tmp_path: Path, environment: dict[str, str], text: str, message: str
) -> None:
    folder = pyproject(tmp_path, f"[tool.ferbench]\n{text}\n")
    with pytest.raises(OptionError, match=message):
        resolve(NONE_GIVEN, environment=environment, folder=folder)


def test_the_error_calls_an_option_as_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--ferbench-batch-size 0; expected a whole number from 1"):
        resolve({"batch_size": 0}, environment={}, folder=tmp_path, called=suite_flag)


def test_a_pyproject_without_the_table_says_nothing(tmp_path: Path) -> None:
    assert resolve(NONE_GIVEN, environment={}, folder=pyproject(tmp_path, "[project]\n")) == RunOptions()


def test_names_follow_one_rule() -> None:
    assert {name: variable(name) for name in OPTIONS if OPTIONS[name].variable} == {"weights_dir": "FERBENCH_WEIGHTS"}
    assert (flag("batch_size"), suite_flag("batch_size")) == ("--batch-size", "--ferbench-batch-size")
    assert (suite_flag("fer2013"), variable("batch_size")) == ("--fer2013", "FERBENCH_BATCH_SIZE")
    assert set(kinds()) == set(OPTIONS) == set(DEFAULTS)


def test_a_spec_has_the_defaults_of_the_options() -> None:
    defaults = {each.name: each.default for each in fields(RunSpec)}
    resolved = {"budget", "cached_features"}  # a name becomes a budget, a number of views a yes
    for name in OPTIONS.keys() & defaults.keys() - resolved:
        assert defaults[name] == DEFAULTS[name]


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OPTIONS:
        monkeypatch.delenv(variable(name), raising=False)
    assert not any(os.environ.get(variable(name)) for name in OPTIONS)


@pytest.mark.parametrize("text", ["tool = 3\n", "[tool]\nferbench = 3\n", "[[tool.ferbench]]\nviews = 3\n"])
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OptionError, match=r"\[tool.ferbench\] of .*pyproject.toml is .*; expected a table of options"):
        resolve(NONE_GIVEN, environment={}, folder=pyproject(tmp_path, text))
