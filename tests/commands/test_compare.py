"""What `ferbench compare` prints of two suites, and with which code it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.saved_suites import (
    entry,
    epochs,
    save_benchmarks,
    save_records,
    timed_record,
)

Compare = Callable[..., tuple[int, str, str]]


@pytest.fixture
def compare(run_ferbench: Compare) -> Compare:
    return partial(run_ferbench, "compare")


def flat(text: str) -> str:
    return " ".join(text.split())


def save(folder: Path, gpu: str, *means: float, variant: str = "vgg16-scratch") -> Path:
    """A file of benchmarks, one run a seed, and beside its folder the records."""
    runs = [
        timed_record(
            f"{gpu[:3]}-{variant}-{seed}", epochs(mean), 0.67 + seed / 1e3, gpu=gpu, seed=seed, variant=variant
        )
        for seed, mean in enumerate(means)
    ]
    save_records(folder / "results", *runs)
    return save_benchmarks(folder / ".benchmarks" / "Linux" / "0001_new.json", *(entry(each) for each in runs))


@pytest.mark.parametrize("width", [80, 150])
def test_the_page(compare: Compare, tmp_path: Path, width: int) -> None:
    first = save(tmp_path / "a", "RTX 4080", 10.0, 10.1, 10.3)
    second = save(tmp_path / "b", "H100", 5.0, 5.2, 5.1)
    code, out, _ = compare(first, second, width=width)
    assert code == 0
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= width
    for part in (
        "different on the two sides (1): device: A RTX 4080; B H100",
        "the same: pipeline device; precision float32; processor a processor, 2 cores; system Linux 6.1; "
        "python 3.11.9; torch 2.0",
        "(3 seeds, paired)" if width == 150 else "paired)",
        "67.10",
        "`ferbench agreement`",
        "run by run: seconds an epoch",
        "(9 epochs)",
    ):
        assert part in flat(out)


def test_one_seed_without_records(compare: Compare, tmp_path: Path) -> None:
    first, second = save(tmp_path / "a", "RTX 4080", 10.0), save(tmp_path / "b", "H100", 5.0)
    told = json.loads(second.read_text())
    told["benchmarks"][0]["extra_info"]["seed"] = 0
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "h100.json").write_text(json.dumps(told))
    code, out, _ = compare(first, tmp_path / "alone" / "h100.json")
    assert (code, "0.500 no test: one seed each" in flat(out)) == (0, True)
    assert "by the run's sums, as no epochs are at hand (1): B, H10-vgg16-scratch-0: no folder `results` lies" in flat(
        out
    )
    code, out, _ = compare(first, tmp_path / "alone" / "h100.json", "--results-b", tmp_path / "b" / "results")
    assert (code, "by the run's sums" in out, "epochs 2 to 10" in flat(out)) == (0, False, True)


def test_for_programs(compare: Compare, tmp_path: Path) -> None:
    first = save(tmp_path / "a", "RTX 4080", 10.0, 10.1)
    save(tmp_path / "b", "H100", 5.0, 5.2)
    code, out, _ = compare(first, tmp_path / "b" / "results", "--json")
    (compared,) = json.loads(out)["compared"]
    assert (code, compared["variant"], compared["seeds"]) == (0, "vgg16-scratch", [[0, 1], [0, 1]])
    low, high = compared["ratio"]["interval"]
    assert low < compared["ratio"]["value"] < high
    assert compared["accuracy_difference"]["value"] == 0
    assert [each["ratio_over_epochs"]["method"] for each in compared["runs"]] == ["9 epochs", "9 epochs"]


def test_a_damaged_record_is_named_and_leaves_with_2(compare: Compare, tmp_path: Path) -> None:
    first, _ = save(tmp_path / "a", "RTX 4080", 10.0), save(tmp_path / "b", "H100", 5.0)
    (tmp_path / "b" / "results" / "[a].json").write_text("{")
    code, out, _ = compare(first, tmp_path / "b" / "results")
    assert code == 2
    assert "[a].json is damaged: no JSON" in flat(out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'suite_a'"),
        (["a/results", "none"], "none does not exist"),
        (["a/results", "a/results"], "is on both sides; expected other runs on each"),
        (["a/results", "b/results"], "nothing in both suites can be compared"),
        (["a/results", "b/results", "--results-a", "a"], "--results-a a: it goes with a file of benchmarks"),
        (["a/results", "b/results", "--results-b", "none"], "--results-b none is no folder"),
    ],
)
def test_wrong_usage(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a", "RTX 4080", 10.0)
    save(tmp_path / "b", "H100", 5.0, variant="resnet50-scratch")
    code, out, error = compare(*arguments)
    assert (code, out) == (2, "")
    assert message in error
