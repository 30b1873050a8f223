"""A folder with runs of a few epochs: the band of seconds takes them, and settles them as all others."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.judging.differences import Difference
from harness.judging.results import Judged, judge_results
from harness.records.record import RunRecord
from harness.records.store import write_run
from harness.report.judgement import judgement_json, judgement_page
from harness.training.budget import BUDGETS, Budget
from tests.support.fake_records import MACHINE
from tests.support.forged_records import sound_run
from tests.support.papers import PAPER

NAME = "resnet50-transfer"
"""Its published weights do not tell the seed."""


@cache
def trained(answer: float, seed: int, epochs: int | None) -> tuple[RunRecord, dict[str, Any]]:
    return sound_run(answer, variant=NAME, seed=seed, epochs=epochs, epoch_seconds=94.0)


def write(
    folder: Path,
    answer: float = 0.54,
    *,
    seed: int = 0,
    named: int | None = None,
    pipeline: Any = "generator",
    budget: Budget = BUDGETS["times"],
    gpu: str = "NVIDIA GeForce RTX 4080 SUPER",
) -> Path:
    """A run of four epochs on the paper's card; `named` is the seed that it is said to be of."""
    run, arrays = trained(answer, seed, budget.epochs)
    spec = replace(
        run.spec,
        budget=budget,
        seed=seed if named is None else named,
        pipeline=pipeline,
        device="gpu",
    )
    name = f"{spec.label}-{len(list(folder.glob('*.json')))}"
    return write_run(folder, replace(run, spec=spec, run=name, environment=replace(MACHINE, gpu=gpu)), arrays)


def seconds_of(judged: Judged) -> tuple[str, int]:
    (found,) = (each for group in judged.groups for each in group.judgements if each.band.quantity == "seconds")
    return found.verdict.kind, len(found.observed)


def shown(judged: Judged) -> str:
    console = Console(width=150, record=True, file=io.StringIO(), no_color=True)
    console.print(judgement_page(judged))
    return " ".join(console.export_text().split())


def test_what_the_band_of_seconds_takes_is_listed_as_that(tmp_path: Path) -> None:
    write(tmp_path)
    refused = write(tmp_path, seed=1, pipeline="device")
    judged = judge_results(tmp_path, PAPER)
    assert len(judged.sound) == 2
    assert seconds_of(judged)[1] == 1
    budget = (Difference("budget", "times"),)
    assert judged.times_alone == ((f"{NAME}-pytorch-generator-seed0-0", budget),)
    assert judged.not_comparable == ((refused.stem, budget),)
    text = shown(judged)
    assert f"not comparable but for its time, which the band of seconds takes (1): {NAME}-pytorch-generator" in text
    assert f"not comparable, so neither bands nor claims take them (1): {refused.stem}: budget times" in text
    (alone,) = json.loads(judgement_json(judged))["times_alone"]
    assert (alone["run"], alone["reasons"]) == (f"{NAME}-pytorch-generator-seed0-0", ["budget times"])
    assert alone["differences"][0]["kind"] == "budget"


def test_one_run_under_three_seeds_is_no_three_times(tmp_path: Path) -> None:
    for seed in range(3):
        write(tmp_path, named=seed)
    judged = judge_results(tmp_path, PAPER)
    assert judged.groups == ()
    assert {flaw.check for refused in judged.refused for flaw in refused.flaws} == {"same-logits"}


def test_a_copy_counts_once(tmp_path: Path) -> None:
    paths = [write(tmp_path) for _ in range(2)]
    judged = judge_results(tmp_path, PAPER)
    assert (list(judged.copies), judged.refused) == (paths[1:], ())
    assert seconds_of(judged)[1] == 1


def test_three_seeds_are_three_times(tmp_path: Path) -> None:
    for seed in range(3):
        write(tmp_path, seed=seed)
    judged = judge_results(tmp_path, PAPER)
    assert seconds_of(judged) == ("REPRODUCED", 3)
    assert len(judged.times_alone) == 3


def test_a_seed_is_one_of_what_shares_a_band(tmp_path: Path) -> None:
    """The whole run of an H100 has the accuracy, the four epochs on the paper's card have the seconds."""
    for gpu, counts in (("NVIDIA H100", 2), ("NVIDIA GeForce RTX 4080 SUPER", 0)):
        folder = tmp_path / str(counts)
        folder.mkdir()
        write(folder)
        write(folder, 0.55, budget=BUDGETS["paper"], gpu=gpu)
        judged = judge_results(folder, PAPER)
        assert len(judged.sound) == counts
        assert {flaw.check for refused in judged.refused for flaw in refused.flaws} <= {"same-seed"}


def test_one_run_under_two_seeds_is_no_speed_up_of_two(tmp_path: Path) -> None:
    for seed in range(2):
        write(tmp_path, named=seed, pipeline="device")
    assert {flaw.check for refused in judge_results(tmp_path, PAPER).refused for flaw in refused.flaws} == {
        "same-logits"
    }


def test_a_second_speed_up_takes_no_run_away(tmp_path: Path) -> None:
    """Four epochs on the device pipeline, and a whole run of the same seed, which has the accuracy."""
    write(tmp_path, pipeline="device")
    write(tmp_path, 0.55, pipeline="device", budget=BUDGETS["paper"])
    judged = judge_results(tmp_path, PAPER)
    assert (len(judged.sound), judged.refused) == (2, ())
