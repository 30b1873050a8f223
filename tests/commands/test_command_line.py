"""The command `ferbench` as a whole: help, and wrong usage."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from inspect import cleandoc
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from harness import commands
from harness.__main__ import SUMMARIES, Commands, app
from tests.support.command_line import FerBench, words


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


def test_help_says_of_each_command_what_the_command_says() -> None:
    """The summaries are written down a second time, so that `--help` imports no command."""
    group = get_command(app)
    context = typer.Context(group)
    assert isinstance(group, Commands)
    for name, summary in SUMMARIES.items():
        command = group.get_command(context, name)
        assert " ".join(cleandoc(command.help).split("\n\n")[0].split()) == summary
    written = {
        path.stem for path in Path(commands.__file__).parent.glob("*.py") if "app = typer.Typer(" in path.read_text()
    }
    assert written == set(SUMMARIES)


def test_version(ferbench: FerBench) -> None:
    outcome = ferbench("--version")
    assert (outcome.code, outcome.err) == (0, "")
    own, *others = outcome.out.splitlines()
    assert own == f"ferbench {importlib.metadata.version('ferbench')}"
    assert [line.split()[0] for line in others] == ["keras", "jax", "torch", "tensorflow"]


def test_the_module_is_the_command() -> None:
    """`python -m harness`, in a process of its own."""
    command = [sys.executable, "-m", "harness", "variants", "alexnet"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("error: unknown variant 'alexnet'; the variants are vgg16-scratch, ")
    assert "Traceback" not in outcome.stderr


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
            "vgg16-scratch never trains the head alone, so its features change and cannot be kept; choose a",
        ),
        (
            ["train", "vgg16-transfer@frozen", "--implementation", "pytorch", "--cached-features", "0"],
            "'--cached-features' (env var: 'FERBENCH_CACHED_FEATURES'): Input should be greater than or equal to 1",
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
            "'--epochs' (env var: 'FERBENCH_EPOCHS'): Input should be greater than or equal to 1",
        ),
        (
            ["train", "vgg16-scratch", "--implementation", "pytorch", "--seed", "-1"],
            "'--seed' (env var: 'FERBENCH_SEED'): Input should be greater than or equal to 0",
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
