"""`ferbench weights`: what lies here, and how it is written for others."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from harness import __main__ as command_line
from harness.architectures import initial_weights
from harness.report.weights import weights_table
from harness.variant import narrow
from harness.weights.canonical import load_canonical
from harness.weights.catalogue import catalogue
from tests.support.checks import check_same_bits
from tests.support.keras_files import write_keras_h5
from tests.support.papers import PAPER

FILE = catalogue()["keras-vgg16"].file
NARROW = narrow(PAPER.find_variant("vgg16-transfer"), width_divisor=16)
BASE = {name: array for name, array in initial_weights(NARROW, seed=3).items() if name.startswith("block")}


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("KERAS_HOME", "TORCH_HOME", "FERBENCH_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path / "nothing"))
    monkeypatch.delenv("FERBENCH_WEIGHTS", raising=False)
    monkeypatch.setenv("COLUMNS", "250")


def ferbench(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["ferbench", *map(str, arguments)])
    try:
        command_line.main()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if f" {name} " in line)


def test_the_list_says_what_is_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_keras_h5(tmp_path / FILE, BASE)
    (tmp_path / catalogue()["keras-resnet50"].file).write_bytes(b"no HDF5")
    assert ferbench(monkeypatch, "weights", "list", "--weights-dir", tmp_path) == 0
    text = capsys.readouterr().out
    assert "yes: 26 arrays" in row(text, "keras-vgg16")
    assert "damaged" in row(text, "keras-resnet50")
    assert " no " in row(text, "torchvision-vgg16")
    assert all(name in text for name in catalogue())


def test_the_list_takes_no_other_weights_for_the_published_ones(tmp_path: Path) -> None:
    def states() -> dict[str, str]:
        names, *_, found, _licence = (list(column.cells) for column in weights_table(tmp_path).columns)
        return dict(zip(map(str, names), map(str, found), strict=True))

    write_keras_h5(tmp_path / FILE, BASE)
    write_keras_h5(tmp_path / catalogue()["keras-resnet50"].file, BASE)
    assert states()["keras-vgg16"].endswith(", not as published"), "they are narrow, and drawn"
    assert "holds weights of another network, block1_conv1.bias" in states()["keras-resnet50"]
    write_keras_h5(tmp_path / FILE, {name: array for name, array in BASE.items() if not name.startswith("block5")})
    assert "lacks 6 weights of vgg16, block5_conv1.kernel first" in states()["keras-vgg16"]


def test_the_list_of_no_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ferbench(monkeypatch, "weights", "list", "--weights-dir", tmp_path / "nowhere") == 2
    assert "nowhere is no folder" in " ".join(capsys.readouterr().err.split())


def test_weights_are_exported_to_the_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_keras_h5(tmp_path / FILE, BASE)
    path = tmp_path / "out.safetensors"
    assert ferbench(monkeypatch, "weights", "export", "keras-vgg16", path, "--weights-dir", tmp_path) == 0
    weights, metadata = load_canonical(path)
    check_same_bits(weights, BASE, what="exported weights")
    assert (metadata["source"], metadata["file"]) == ("keras-vgg16", FILE)


def test_weights_that_cannot_be_used_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.safetensors"
    assert ferbench(monkeypatch, "weights", "export", "keras-alexnet", path) == 2
    assert "no checkpoint 'keras-alexnet' is known; known are keras-vgg16" in capsys.readouterr().err
    write_keras_h5(tmp_path / FILE, BASE | {"block1_conv1.bias": np.full(4, np.nan, np.float32)})
    assert ferbench(monkeypatch, "weights", "export", "keras-vgg16", path, "--weights-dir", tmp_path) == 2
    assert "4 of 4 values of block1_conv1.bias are NaN" in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("there.safetensors", "nothing is written over"),
        ("weights.h5", "expected the name of a new file that ends in .safetensors"),
        ("nowhere/weights.safetensors", "cannot be written: No such file or directory"),
    ],
)
def test_nothing_is_lost_by_an_export(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    write_keras_h5(tmp_path / FILE, BASE)
    (tmp_path / "there.safetensors").write_bytes(b"mine")
    assert ferbench(monkeypatch, "weights", "export", "keras-vgg16", tmp_path / name, "--weights-dir", tmp_path) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "there.safetensors").read_bytes() == b"mine"
