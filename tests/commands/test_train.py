"""The command `ferbench train`, with the run itself left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.commands import train
from harness.registry import IMPLEMENTATIONS
from harness.runs.process import RunFailed
from harness.training.budget import BUDGETS
from tests.support.command_line import COMPLETE, FAILED, INTERRUPTED, FakeExecute, FerBench, words
from tests.support.fake_records import fake_record

TRAIN = ("train", "vgg16-scratch", "--implementation", "pytorch")


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_missing_framework_is_refused(
    ferbench: FerBench, monkeypatch: pytest.MonkeyPatch, implementation: str
) -> None:
    monkeypatch.setattr("harness.runs.specification.missing_framework", lambda *_: "a-framework")
    outcome = ferbench("train", "vgg16-scratch", "--implementation", implementation)
    assert outcome.code == 2
    assert (
        f"{implementation} needs 'a-framework', which is not installed; `pip install 'ferbench[cpu]'`" in outcome.error
    )


def test_an_unknown_backend_is_refused(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    outcome = ferbench("train", "vgg16-scratch", "--implementation", "keras3")
    assert outcome.code == 2
    assert "unknown Keras backend 'abacus'; the backends are jax, torch, tensorflow" in outcome.error


@pytest.mark.usefixtures("framework_installed")
@pytest.mark.parametrize(
    ("outcome", "code", "part"),
    [
        (COMPLETE, 0, "NOT_COMPARABLE"),
        (fake_record(0.66), 0, "INCONCLUSIVE"),
        (fake_record(0.2), 3, "NOT_REPRODUCED"),
        (FAILED, 1, "training loss = nan in epoch 1, step 2"),
        (INTERRUPTED, 130, "interrupted"),
        (RunFailed("it ended [somehow]", code=-9), 1, "error: it ended [somehow]"),
        (RunFailed("no data", code=2), 2, "error: no data"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=["complete", "inconclusive", "not reproduced", "failed", "interrupted", "crashed", "no data", "nothing yet"],
)
def test_exit_codes_of_train(
    ferbench: FerBench, monkeypatch: pytest.MonkeyPatch, outcome: Any, code: int, part: str
) -> None:
    monkeypatch.setattr(train, "execute", FakeExecute(outcome))
    observed = ferbench(*TRAIN)
    assert observed.code == code
    assert part in observed.out + observed.err


@pytest.mark.usefixtures("framework_installed")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], BUDGETS["smoke"]),
        (["--fer2013", "fer2013.zip"], BUDGETS["hour"]),
        (["--budget", "paper"], BUDGETS["paper"]),
        (["--epochs", "3"], replace(BUDGETS["paper"], name="custom", epochs=3)),
        (["--budget", "smoke", "--examples", "70"], replace(BUDGETS["smoke"], name="custom", examples=70)),
        (["--budget-seconds", "60"], replace(BUDGETS["paper"], name="custom", seconds=60.0)),
    ],
    ids=words,
)
def test_budgets_of_train(
    ferbench: FerBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], expected: object
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fer2013.zip").touch()
    execute = FakeExecute(COMPLETE)
    monkeypatch.setattr(train, "execute", execute)
    assert ferbench(*TRAIN, *options).code == 0
    assert execute.specs[0].budget == expected
