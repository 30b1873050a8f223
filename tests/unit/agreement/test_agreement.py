"""Which runs make a pair, and what their records and arrays say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.agreement.agreement import (
    Agreement,
    Side,
    judge_agreement,
    read_side,
)
from harness.records.store import RecordError, write_run
from harness.statistics.multiplicity import holm
from harness.training.budget import BUDGETS
from harness.training.stop_reason import StopReason
from harness.variant import narrow
from tests.support.fake_records import (
    DRAWN,
    FER2013,
    TOYFACES,
    epoch_record,
    fake_arrays,
    fake_record,
    scored,
)
from tests.support.papers import PAPER

IMAGES = 7178


# Pairs


def write(folder: Path, *, answers: int = 0, arrays: dict[str, Any] | None = None, **fields: Any) -> Path:
    """A run whose logits are drawn from `answers` and whose score is theirs."""
    arrays = fake_arrays(70, answers) if arrays is None else arrays
    scores = fields.pop("scores", None)
    record = fake_record(**fields, scores={"paper_test": scored(arrays)} if scores is None else scores)
    return write_run(folder, replace(record, run=f"{len(list(folder.glob('*.json')))}-{record.run}"), arrays)


def sides(folder: Path) -> tuple[Side, Side]:
    keras = read_side(folder, implementation="keras3", variant=None, option="a")
    return keras, read_side(folder, implementation="pytorch", variant=None, option="b")


def agree(folder: Path) -> tuple[list[Agreement], list[str]]:
    return judge_agreement(*sides(folder), margin=0.01)


def write_pair(folder: Path, seed: int = 0) -> None:
    write(folder, implementation="keras3", seed=seed, answers=seed)
    write(folder, implementation="pytorch", seed=seed, answers=seed + 100)


def test_pairs_are_those_of_a_seed(tmp_path: Path) -> None:
    for seed in (2, 0, 1):
        write_pair(tmp_path, seed)
    (agreement,), left_out = agree(tmp_path)
    assert left_out == []
    assert [(pair.first.spec.seed, pair.second.spec.seed) for pair in agreement.pairs] == [(0, 0), (1, 1), (2, 2)]
    for pair in agreement.pairs:
        accuracies = [record.scores["paper_test"].accuracy for record in (pair.first, pair.second)]
        assert pair.difference == pytest.approx(accuracies[0] - accuracies[1])
    assert agreement.holm_p_values == tuple(holm([pair.answers.p_value for pair in agreement.pairs]))


@pytest.mark.parametrize("source", ["random", "stand-in"])
def test_weights_that_each_seed_draws_anew_are_tested_together(tmp_path: Path, source: str) -> None:
    for seed in (0, 1):
        for implementation in ("keras3", "pytorch"):
            drawn = replace(DRAWN, source=source, digest=f"{seed:02}" * 32)
            write(tmp_path, implementation=implementation, seed=seed, weights=drawn, answers=seed)
    (agreement,), left_out = agree(tmp_path)
    assert left_out == []
    assert [[(run.spec.seed, run.weights.digest) for run in (pair.first, pair.second)] for pair in agreement.pairs] == [
        [(seed, f"{seed:02}" * 32)] * 2 for seed in (0, 1)
    ]
    assert agreement.equivalence.interval is not None
    assert len(agreement.holm_p_values) == 2


def test_published_weights_that_differ_are_tested_apart(tmp_path: Path) -> None:
    for seed in (0, 1):
        for implementation in ("keras3", "pytorch"):
            published = replace(DRAWN, source="imagenet", digest=f"{seed:02}" * 32)
            write(tmp_path, implementation=implementation, seed=seed, weights=published)
    agreements, left_out = agree(tmp_path)
    assert left_out == []
    assert [len(each.pairs) for each in agreements] == [1, 1]


def test_swapping_the_sides_turns_the_sign(tmp_path: Path) -> None:
    for seed in range(3):
        write_pair(tmp_path, seed)
    keras, torch = sides(tmp_path)
    ((one,), _), ((other,), _) = (judge_agreement(*both, margin=0.5) for both in [(keras, torch), (torch, keras)])
    assert [pair.difference for pair in one.pairs] == [-pair.difference for pair in other.pairs]
    assert (one.equivalence.kind, one.holm_p_values) == (other.equivalence.kind, other.holm_p_values)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"seed": 5}, "the nearest has seed 0, not 5"),
        ({"dataset": TOYFACES}, "the nearest has data fer2013, not toyfaces; digest of data 8669"),
        ({"dataset": replace(FER2013, digest="ee" * 32)}, "digest of data 8669"),
        ({"dataset": replace(FER2013, training_examples=9)}, "training images 28709, not 9"),
        ({"budget": BUDGETS["hour"]}, "budget.name paper, not hour; budget.seconds None, not 3600.0"),
        ({"protocol": "honest"}, "protocol paper, not honest"),
        ({"weights": replace(DRAWN, digest="0" * 64)}, "digest of first weights efef"),
        ({"variant": narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=8)}, "width_divisor 1, not 8"),
        ({"variant": replace(PAPER.find_variant("vgg16-scratch"), input_size=64)}, "input_size 48, not 64"),
        ({"variant": "vgg16-scratch@unstopped"}, "keras3-jax has no complete run of vgg16-scratch@unstopped"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_runs_that_were_asked_something_else_do_not_pair(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    write_pair(tmp_path)
    path = write(tmp_path, **fields)
    (agreement,), (line,) = agree(tmp_path)
    assert len(agreement.pairs) == 1
    assert line.startswith(f"{path}: keras3-jax has no ")
    assert reason in line


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"accuracy": None, "scores": {}, "status": "interrupted"}, "run interrupted"),
        ({"accuracy": None, "scores": {}, "status": "failed"}, "run failed"),
        ({"arrays": {}, "scores": fake_record(0.5).scores}, "no logits or no data set are recorded"),
        ({"dataset": None}, "no logits or no data set are recorded"),
        ({"started": "2023-01-01T00:00:00+00:00"}, "a later run was asked the same"),
    ],
    ids=["interrupted", "failed", "no arrays", "no data set", "superseded"],
)
def test_runs_that_do_not_count_are_named(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    write_pair(tmp_path)
    path = write(tmp_path, **fields)
    (agreement,), left_out = agree(tmp_path)
    assert len(agreement.pairs) == 1
    assert left_out == [f"{path}: {reason}"]


def test_where_a_run_ran_does_not_matter(tmp_path: Path) -> None:
    one, other = fake_record(implementation="keras3"), fake_record()
    dataset = replace(FER2013, door="folder")
    write(tmp_path, implementation="keras3", spec=replace(one.spec, device="gpu", threads=2, fer2013="a folder"))
    write(tmp_path, dataset=dataset, spec=replace(other.spec, allow_deviating_data=True))
    (agreement,), left_out = agree(tmp_path)
    assert (len(agreement.pairs), left_out) == (1, [])


def test_other_data_make_another_row(tmp_path: Path) -> None:
    for dataset in (FER2013, TOYFACES):
        for implementation in ("keras3", "pytorch"):
            write(tmp_path, implementation=implementation, dataset=dataset)
    agreements, left_out = agree(tmp_path)
    assert [len(each.pairs) for each in agreements] == [1, 1]
    assert left_out == []


@pytest.mark.parametrize(("epochs", "pairs"), [((3, 3), 1), ((2, 3), 0)])
def test_a_faster_machine_is_no_better_implementation(tmp_path: Path, epochs: Sequence[int], pairs: int) -> None:
    write_pair(tmp_path, seed=1)
    for implementation, count in zip(("keras3", "pytorch"), epochs, strict=True):
        history = tuple(epoch_record(epoch) for epoch in range(count))
        write(
            tmp_path,
            implementation=implementation,
            history=history,
            stop_reason=StopReason("budget-seconds", len(history), seconds=2.0),
        )
    (agreement,), left_out = agree(tmp_path)
    assert len(agreement.pairs) == 1 + pairs
    if not pairs:
        assert "a budget of seconds ended them after 2 and 3 epochs" in left_out[0]


@pytest.mark.parametrize("name", ["test_rows", "test_labels"])
def test_other_test_images_do_not_pair(tmp_path: Path, name: str) -> None:
    write_pair(tmp_path, seed=1)
    arrays = fake_arrays(70)
    write(tmp_path, implementation="keras3", arrays=arrays)
    write(tmp_path, arrays=arrays | {name: arrays[name][::-1].copy()})
    (agreement,), left_out = agree(tmp_path)
    assert len(agreement.pairs) == 1
    assert "they were tested on other images or labels" in left_out[0]


def test_nothing_pairs(tmp_path: Path) -> None:
    write(tmp_path, implementation="keras3", seed=1)
    write(tmp_path, seed=2)
    with pytest.raises(RecordError, match=r"no two runs pair; left out:(.|\n)*seed 2, not 1(.|\n)*seed 1, not 2"):
        agree(tmp_path)


def test_a_run_does_not_pair_with_itself(tmp_path: Path) -> None:
    path = write(tmp_path)
    side = read_side(path, implementation=None, variant=None, option="a")
    with pytest.raises(RecordError, match="is on both sides; expected two runs"):
        judge_agreement(side, side, margin=0.01)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"test_logits": np.eye(7, dtype=np.float32)[np.arange(70) % 7]}, "its logits give 100.0000 % on 70 images"),
        ({"test_logits": np.zeros((70, 6), np.float32)}, "do not fit"),
        ({"test_rows": np.arange(69)}, "do not fit"),
        ({"test_labels": None}, "its arrays have no 'test_labels'"),
    ],
    ids=["other logits", "too few classes", "too few rows", "no labels"],
)
def test_logits_that_contradict_the_record(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    sound = fake_arrays(70)
    write(tmp_path, implementation="keras3", answers=3)
    changed = {name: value for name, value in (sound | arrays).items() if value is not None}
    path = write(tmp_path, arrays=changed, scores={"paper_test": scored(sound)})
    with pytest.raises(RecordError) as caught:
        agree(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_score_of_other_images_contradicts_too(tmp_path: Path) -> None:
    arrays = fake_arrays(70)
    write(tmp_path, implementation="keras3")
    write(tmp_path, arrays=arrays, scores={"paper_test": replace(scored(arrays), examples=71)})
    with pytest.raises(RecordError, match=r"on 70 images, its record says .* on 71"):
        agree(tmp_path)


def test_runs_that_stop_at_the_same_accuracy_are_counted(tmp_path: Path) -> None:
    above, whole = StopReason("accuracy-above", 2, threshold=0.67), StopReason("all-epochs", 2)
    for seed, reasons in enumerate([(above, above), (above, whole)]):
        for implementation, reason in zip(("keras3", "pytorch"), reasons, strict=True):
            write(tmp_path, implementation=implementation, seed=seed, stop_reason=reason)
    (agreement,), _ = agree(tmp_path)
    assert (len(agreement.pairs), agreement.stopped_alike) == (2, 1)
