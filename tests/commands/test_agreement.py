"""The command `ferbench agreement`: what it prints, and with which code it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.records.store import write_run
from harness.training.budget import BUDGETS
from harness.training.stop_reason import StopReason
from tests.support.fake_records import (
    MACHINE,
    TOYFACES,
    fake_record,
    scored,
)

IMAGES = 512
VERSIONS = {"keras3": {"keras": "3.99", "jax": "0.99"}, "pytorch": {"torch": "2.99"}}

Agreement = Callable[..., tuple[int, str, str]]


@pytest.fixture
def agreement(run_ferbench: Agreement) -> Agreement:
    return partial(run_ferbench, "agreement")


def flat(text: str) -> str:
    """On one line, with single spaces: where a line breaks is no matter."""
    return " ".join(text.split())


def write(folder: Path, implementation: str, right: int, *, seed: int = 0, **fields: Any) -> Path:
    """A smoke run on toyfaces that answers so many of the images rightly."""
    labels = (np.arange(IMAGES) % 7).astype(np.uint8)
    answers = np.where(np.arange(IMAGES) < right, labels, (labels + 1) % 7)
    arrays: dict[str, Any] = {
        "test_logits": np.eye(7, dtype=np.float32)[answers],
        "test_rows": np.arange(IMAGES),
        "test_labels": labels,
    }
    values: dict[str, Any] = {
        "scores": {"paper_test": scored(arrays)},
        "dataset": TOYFACES,
        "budget": BUDGETS["smoke"],
        "environment": replace(MACHINE, versions=VERSIONS[implementation], git_commit="0123456789abcdef"),
        "run": f"run{len(list(folder.glob('*.json')))}",
    }
    return write_run(folder, fake_record(implementation=implementation, seed=seed, **(values | fields)), arrays)


def write_pairs(folder: Path, *right: tuple[int, int], **fields: Any) -> None:
    for seed, (keras, torch) in enumerate(right):
        write(folder, "keras3", keras, seed=seed, **fields)
        write(folder, "pytorch", torch, seed=seed, **fields)


BOTH = ("--a", "keras3", "--b", "pytorch")


@pytest.mark.parametrize("width", [80, 150])
def test_the_page(agreement: Agreement, tmp_path: Path, width: int) -> None:
    write_pairs(tmp_path, (300, 300), (301, 300), (299, 300))
    incomplete = write(tmp_path, "pytorch", 300, seed=3, status="interrupted", scores={})
    code, out, _ = agreement(tmp_path, tmp_path, *BOTH, width=width)
    assert code == 0
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= width
    text = flat(out)
    for part in (
        "A = keras3-jax; B = pytorch",
        "differences in points, margin ±1",
        # s = one image of 512; 2.920 · 0.1953 / √3 = 0.33
        "3 58.59 58.59 +0.00 0.20 −0.33 to +0.33 0.006 EQUIVALENT",
        "vgg16-scratch on toyfaces, budget smoke: EQUIVALENT, the 90 % interval lies within the margin",
        "measured on 960 + 512 images of 48 pixels, at most 2 epochs, protocol paper",
        "1 58.79 58.59 +0.20 1 0 1.000 1.000 99.8 % 0.998",
        "Holm: corrected for the number of pairs",
        "A: a processor, 2 cores; keras 3.99, jax 0.99, commit 012345678 B: a processor, 2 cores; torch 2.99",
        "left out (1):",
        "run interrupted",
    ):
        assert part in text
    assert str(incomplete) in "".join(line.strip() if width == 80 else line for line in out.splitlines())


@pytest.mark.parametrize(
    ("right", "options", "code", "part"),
    [
        ([(300, 300)] * 3, [], 0, "EQUIVALENT"),
        ([(300, 300), (310, 300)], [], 0, "UNDECIDED, the 90 % interval reaches across the margin; even 100 pairs"),
        ([(300, 300), (304, 300), (296, 300)], [], 0, "about 1 more may settle it"),
        ([(300, 100)], [], 0, "UNDECIDED, one pair: no test"),
        ([(320, 300), (321, 300), (322, 300)], [], 3, "DIFFERENT, the 90 % interval lies wholly outside the margin"),
        ([(320, 300), (321, 300), (322, 300)], ["--margin", "5"], 0, "EQUIVALENT"),
    ],
    ids=["equivalent", "undecided", "nearly", "one pair", "different", "wide margin"],
)
def test_verdicts_and_exit_codes(
    agreement: Agreement, tmp_path: Path, right: list[tuple[int, int]], options: list[str], code: int, part: str
) -> None:
    write_pairs(tmp_path, *right)
    observed, out, _ = agreement(tmp_path, tmp_path, *BOTH, *options)
    assert observed == code
    assert part in flat(out)


def test_folders_and_records_need_no_names(agreement: Agreement, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    one, other = write(tmp_path / "a", "keras3", 300), write(tmp_path, "pytorch", 290)
    for first, second in [(tmp_path / "a", tmp_path), (one, other), (one, tmp_path)]:
        code, out, _ = agreement(first, second)
        assert (code, "one pair: no test" in flat(out), "+1.95" in out) == (0, True, True)


def test_two_backends_are_two_implementations(agreement: Agreement, tmp_path: Path) -> None:
    spec = fake_record(implementation="keras3", budget=BUDGETS["smoke"]).spec
    write(tmp_path, "keras3", 300)
    write(tmp_path, "keras3", 301, spec=replace(spec, keras_backend="torch"))
    code, _, error = agreement(tmp_path, tmp_path, "--a", "keras3", "--b", "keras3-torch")
    assert code == 2
    assert "runs by keras3-jax, keras3-torch (--a keras3 leaves keras3-jax, keras3-torch); expected one" in error
    code, out, _ = agreement(tmp_path, tmp_path, "--a", "keras3-jax", "--b", "keras3-torch")
    assert (code, "A = keras3-jax; B = keras3-torch" in out) == (0, True)


def test_one_row_a_variant_or_one_variant_alone(agreement: Agreement, tmp_path: Path) -> None:
    for variant in ("vgg16-scratch", "resnet50-scratch"):
        write_pairs(tmp_path, (300, 300), (301, 300), variant=variant)
    _, both, _ = agreement(tmp_path, tmp_path, *BOTH)
    assert ("vgg16-scratch on" in both, "resnet50-scratch on" in both) == (True, True)
    _, alone, _ = agreement(tmp_path, tmp_path, *BOTH, "--variant", "vgg16-scratch")
    assert ("vgg16-scratch on" in alone, "resnet50-scratch" in alone) == (True, False)


def test_accuracies_that_agree_by_construction_are_marked(agreement: Agreement, tmp_path: Path) -> None:
    write_pairs(tmp_path, (345, 345), (346, 345), stop_reason=StopReason("accuracy-above", 2, threshold=0.67))
    _, out, _ = agreement(tmp_path, tmp_path, *BOTH)
    assert "2 of 2 pairs ended on reaching the stop rule's accuracy" in flat(out)


def test_a_folder_of_nothing_but_damage_says_so(agreement: Agreement, tmp_path: Path) -> None:
    (tmp_path / "run0.json").write_text('{"schema_version": 1}')
    code, _, errors = agreement(tmp_path, tmp_path, *BOTH)
    assert code == 2
    assert "1 files there are no sound records:" in errors
    assert "run0.json has schema_version 1" in errors


def test_a_damaged_record_is_named_and_refused(agreement: Agreement, tmp_path: Path) -> None:
    write_pairs(tmp_path, (300, 300), (301, 300))
    (tmp_path / "[a].json").write_text("{")
    code, out, _ = agreement(tmp_path, tmp_path, *BOTH)
    assert code == 2
    assert out.count(f"{tmp_path / '[a].json'} is damaged: no JSON") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results"], "Missing argument 'runs_b'"),
        (["missing", "results"], "missing cannot be read: No such file or directory"),
        (["results", "results"], "results holds runs by keras3-jax, pytorch; expected one: choose it with --a NAME"),
        (["results", "results", "--a", "keras3"], "expected one: choose it with --b NAME"),
        (["results", "results", "--a", "abacus"], "(--a abacus leaves none); expected one"),
        (["results", "results", "--a", "pytorch", "--b", "pytorch"], "is on both sides; expected two runs"),
        (["results", "results", *BOTH, "--variant", "alexnet"], "unknown variant 'alexnet'"),
        (["results", "results", *BOTH, "--variant", "vgg16-transfer"], "holds runs of vgg16-transfer by no implement"),
        (["results", "results", *BOTH, "--margin", "0"], "'--margin': Input should be greater than or equal to 0.01"),
        (["results", "results", *BOTH, "--margin", "nan"], "'--margin': Input should be"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(
    agreement: Agreement, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs(tmp_path / "results", (300, 300))
    code, out, error = agreement(*arguments)
    assert (code, out) == (2, "")
    assert message in error


def test_help(agreement: Agreement) -> None:
    code, out, _ = agreement("--help")
    assert code == 0
    for part in ("--margin", "--variant", "--a", "--b", "3 the accuracies of a variant are DIFFERENT"):
        assert part in flat(out)
