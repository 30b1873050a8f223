"""The command `ferbench`: what it prints, and with which code it leaves."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness import __main__ as command_line
from harness.commands import train
from harness.papers.variants import VARIANTS
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.records.store import write_run
from harness.registry import IMPLEMENTATIONS
from harness.runs.execute import RunFailed
from harness.training.budget import BUDGETS
from tests.support.fake_records import TOYFACES, fake_arrays, fake_record


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """What went to standard error, on one line and without a frame."""
        return " ".join(self.err.replace("│", " ").split())


def words(value: object) -> str:
    """The id of a list of arguments; what is expected of them says nothing in an id."""
    return " ".join(value) if isinstance(value, list) else ""


FerBench = Callable[..., Outcome]


@pytest.fixture
def ferbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> FerBench:
    """Runs the command in this process, in an empty folder."""
    for variable in ("FERBENCH_FER2013", "FERBENCH_WEIGHTS", "KERAS_BACKEND", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    folder = tmp_path / "working"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["ferbench", *map(str, arguments)])
        try:
            command_line.main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        output = capsys.readouterr()
        assert "Traceback" not in output.out + output.err
        return Outcome(code, output.out, output.err)

    return run


@pytest.fixture
def framework_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if both were; nothing here trains."""
    monkeypatch.setattr("harness.runs.asking.missing_framework", lambda *_: None)
    monkeypatch.setattr(train, "missing_framework", lambda *_: None)


# Help and variants


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ([], ["data", "variants", "train", "reproduce", "runs", "Exit codes"]),
        (["data"], ["inspect"]),
        (["data", "inspect"], ["Zip, folder or csv"]),
        (["variants"], ["Show one with all sources"]),
        (["train"], ["--implementation", "--fer2013", "--budget", "--results-dir", "Exit codes"]),
        (["reproduce"], ["--fer2013", "--budget", "--protocol", "Exit codes"]),
        (["runs"], ["list", "show"]),
        (["runs", "list"], ["Folder of records"]),
        (["runs", "show"], ["Records"]),
    ],
    ids=words,
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(ferbench: FerBench, command: list[str], parts: list[str], option: str) -> None:
    outcome = ferbench(*command, option)
    assert outcome.code == 0
    for part in parts:
        assert part in outcome.out


def test_the_module_is_the_command() -> None:
    """`python -m harness`, in a process of its own."""
    command = [sys.executable, "-m", "harness", "variants", "alexnet"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("error: unknown variant 'alexnet'; the variants are vgg16-scratch, ")
    assert "Traceback" not in outcome.stderr


def test_variants_are_listed(ferbench: FerBench) -> None:
    outcome = ferbench("variants")
    assert outcome.code == 0
    for name in VARIANTS:
        assert name in outcome.out


def test_a_variant_has_its_sources(ferbench: FerBench) -> None:
    outcome = ferbench("variants", "vgg16-scratch")
    assert outcome.code == 0
    for part in ("learning_rate", "ASSUMED", "Table", "readings", "five-blocks"):
        assert part in outcome.out


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["variants", "alexnet"], "unknown variant 'alexnet'; the variants are vgg16-scratch, vgg16-transfer"),
        (["variants", "vgg16-scratch@[red]"], "unknown reading '[red]' of vgg16-scratch; its readings are "),
        (["train", "alexnet", "--implementation", "pytorch"], "unknown variant 'alexnet'"),
        (
            ["train", "vgg16-transfer@frozen,unaugmented", "--implementation", "pytorch", "--cached-features", "2"],
            "vgg16-transfer@frozen,unaugmented does not augment, so there is 1 view of each picture, not 2",
        ),
        (
            ["train", "vgg16-scratch", "--implementation", "keras3", "--cached-features", "2"],
            "vgg16-scratch never trains the head alone, so its features change and cannot be kept; leave",
        ),
        (
            ["train", "vgg16-transfer@frozen", "--implementation", "pytorch", "--cached-features", "0"],
            "'--cached-features': Input should be greater than or equal to 1",
        ),
        (
            ["train", "vgg16-transfer@frozen", "--implementation", "pytorch", "--views", "3", "--cached-features", "2"],
            "--views 3 and --cached-features 2: features are kept of the views that are shown; give one of the two",
        ),
        (
            ["train", "vgg16-transfer", "--implementation", "pytorch", "--weights-dir", "nowhere"],
            "nowhere is no folder; --weights-dir and FERBENCH_WEIGHTS name the folder",
        ),
        (["reproduce", "--weights-dir", "nowhere"], "nowhere is no folder"),
        (
            ["train", "resnet50-transfer@torchvision-weights", "--implementation", "pytorch"],
            "torchvision-resnet50 are weights of resnet50 v1.5, whose stride stands on the 3×3 convolution",
        ),
        (["train", "vgg16-scratch"], "Missing option '--implementation'"),
        (["train", "vgg16-scratch", "--implementation", "abacus"], "'abacus' is not one of 'keras3', 'pytorch'"),
        (
            ["train", "vgg16-scratch", "--implementation", "pytorch", "--epochs", "0"],
            "'--epochs': Input should be greater than or equal to 1",
        ),
        (
            ["train", "vgg16-scratch", "--implementation", "pytorch", "--seed", "-1"],
            "'--seed': Input should be greater than or equal to 0",
        ),
        (["data", "inspect", "missing.zip"], "missing.zip: nothing is there; expected fer2013.zip"),
        (["runs", "list"], "results is no folder; runs are written there by `ferbench train` or `reproduce`"),
        (["runs", "show", "missing.json"], "missing.json cannot be read: No such file or directory"),
        (["dance"], "No such command 'dance'"),
    ],
    ids=words,
)
def test_wrong_usage(ferbench: FerBench, arguments: list[str], message: str) -> None:
    outcome = ferbench(*arguments)
    assert outcome.code == 2
    assert message in outcome.error
    assert outcome.out == ""


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_missing_framework_is_refused(
    ferbench: FerBench, monkeypatch: pytest.MonkeyPatch, implementation: str
) -> None:
    monkeypatch.setattr("harness.runs.asking.missing_framework", lambda *_: "a-framework")
    outcome = ferbench("train", "vgg16-scratch", "--implementation", implementation)
    assert outcome.code == 2
    assert (
        f"{implementation} needs 'a-framework', which is not installed; `pip install 'ferbench[cpu]'`" in outcome.error
    )


def test_reproduce_needs_a_framework(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "missing_framework", lambda *_: "a-framework")
    outcome = ferbench("reproduce")
    assert outcome.code == 2
    assert "neither Keras nor PyTorch is installed; `pip install 'ferbench[cpu]'` brings both" in outcome.error


def test_an_unknown_backend_is_refused(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    outcome = ferbench("train", "vgg16-scratch", "--implementation", "keras3")
    assert outcome.code == 2
    assert "unknown Keras backend 'abacus'; the backends are jax, torch, tensorflow" in outcome.error


# Data and records


def tiny_zip(path: Path) -> Path:
    """A zip of FER-2013's form with one picture, which is far too few."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((48, 48), 99, np.uint8)).save(buffer, "JPEG")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train/happy/Training_1.jpg", buffer.getvalue())
    return path


def test_deviations_are_listed(ferbench: FerBench, tmp_path: Path) -> None:
    outcome = ferbench("data", "inspect", tiny_zip(tmp_path / "tiny [1].zip"))
    assert outcome.code == 1
    for part in ("read as zip", "deviations from the known data set:", "1 (not 7,215)"):
        assert part in outcome.out


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


# Training, with the run itself left out


class FakeExecute:
    """Hands out what it is given, one a run; an exception is raised."""

    def __init__(self, *outcomes: RunRecord | BaseException) -> None:
        self.outcomes = list(outcomes)
        self.specs: list[RunSpec] = []

    def __call__(self, spec: RunSpec, results: Path) -> tuple[Path, RunRecord]:
        self.specs.append(spec)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return results / "a.json", outcome


TRAIN = ("train", "vgg16-scratch", "--implementation", "pytorch")
COMPLETE = fake_record(0.66, dataset=TOYFACES, budget=BUDGETS["smoke"])
INTERRUPTED = fake_record(None, status="interrupted", history=())
FAILED = fake_record(None, status="failed", error="training loss = nan in epoch 1, step 2")


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


@pytest.fixture
def no_weights_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "lacks_weights", lambda name, _: "scratch" not in name)


@pytest.mark.usefixtures("framework_installed", "no_weights_here")
def test_reproduce_runs_all_variants_in_both_frameworks(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = FakeExecute(*[COMPLETE] * 12)
    monkeypatch.setattr(train, "execute", execute)
    outcome = ferbench("reproduce", "--seed", 4)
    assert outcome.code == 0
    assert [spec.label for spec in execute.specs] == [
        f"{name}-{implementation}-seed4" for name in VARIANTS for implementation in ("keras3-jax", "pytorch")
    ]
    assert "12 runs, budget smoke" in outcome.out


@pytest.mark.usefixtures("framework_installed", "no_weights_here")
def test_weights_are_drawn_where_nothing_can_be_compared(
    ferbench: FerBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    execute = FakeExecute(*[COMPLETE] * 24)
    monkeypatch.setattr(train, "execute", execute)
    assert "drawn weights stand in for ImageNet's" in ferbench("reproduce").out
    assert [spec.stand_in_weights for spec in execute.specs] == [
        "scratch" not in name for name in VARIANTS for _ in "12"
    ]
    (tmp_path / "fer2013.zip").touch()
    assert "stand in" not in ferbench("reproduce", "--fer2013", tmp_path / "fer2013.zip").out
    assert not any(spec.stand_in_weights for spec in execute.specs[12:])


@pytest.mark.usefixtures("framework_installed")
def test_one_failing_run_does_not_stop_the_others(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = FakeExecute(COMPLETE, RunFailed("out of [memory]", code=-9), *[COMPLETE] * 10)
    monkeypatch.setattr(train, "execute", execute)
    outcome = ferbench("reproduce")
    assert (outcome.code, len(execute.specs)) == (1, 12)
    assert "out of [memory]" in outcome.out


@pytest.mark.usefixtures("framework_installed")
def test_an_interruption_stops_the_others(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = FakeExecute(COMPLETE, INTERRUPTED, COMPLETE, COMPLETE)
    monkeypatch.setattr(train, "execute", execute)
    assert ferbench("reproduce").code == 130
    assert len(execute.specs) == 2


def test_half_a_table_is_said_to_be_half(ferbench: FerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = lambda name, _: "keras" if name == "keras3" else None  # noqa: E731
    monkeypatch.setattr("harness.runs.asking.missing_framework", missing)
    monkeypatch.setattr(train, "missing_framework", missing)
    monkeypatch.setattr(train, "execute", FakeExecute(*[COMPLETE] * 6))
    assert "keras3 is not installed: half of the table will be missing" in ferbench("reproduce").out
