"""A folder of records judged: what cannot be read, what clashes, and what the rest says, without any framework."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.judging import results
from harness.judging.bands import Judgement
from harness.judging.comparability import Compared
from harness.judging.results import Judged, _are_alike, judge_results
from harness.papers.paper import Paper
from harness.records.store import RecordError, write_run
from harness.training.budget import BUDGETS
from harness.training.stop_reason import StopReason
from harness.verification.flaws import Flaw, StoredRun
from tests.support.forged_records import (
    SMALL,
    edit_arrays,
    edit_json,
    first_weights,
    identity,
    make_better,
    scores_of,
    setting,
    sound_run,
    stored,
)
from tests.support.papers import PAPER, told


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound record of few images; copy it before it is changed."""
    return stored(tmp_path_factory.mktemp("sound"), 0.68, budget=SMALL)


@pytest.fixture
def record(small: Path, tmp_path: Path) -> Path:
    shutil.copytree(small.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / small.name


def truncate(path: Path) -> None:
    beside = path.with_suffix(".safetensors")
    beside.write_bytes(beside.read_bytes()[:-8])


def truncate_with_its_hash(path: Path) -> None:
    truncate(path)
    content = path.with_suffix(".safetensors").read_bytes()
    edit_json(path, setting("arrays_sha256", to=hashlib.sha256(content).hexdigest()))


def enlarge(path: Path, size: int) -> None:
    """Without filling the disk."""
    with path.open("r+b") as file:
        file.truncate(size)


def write_numbers(path: Path, *, kind: str, size: int) -> None:
    """Two numbers of a kind that NumPy may not have, with their hash."""
    header = json.dumps({"test_logits": {"dtype": kind, "shape": [2], "data_offsets": [0, 2 * size]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(2 * size)
    path.with_suffix(".safetensors").write_bytes(content)
    edit_json(path, setting("arrays_sha256", to=hashlib.sha256(content).hexdigest()))


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "arrays-changed": (lambda path: edit_arrays(path, make_better, fix_hash=False), "is damaged: SHA-256"),
    "arrays-truncated": (truncate, "is damaged: SHA-256"),
    "arrays-truncated-with-their-hash": (truncate_with_its_hash, ".safetensors is damaged: "),
    "arrays-missing": (lambda path: path.with_suffix(".safetensors").unlink(), "cannot be read: No such file"),
    "other-schema": (
        lambda path: edit_json(path, setting("schema_version", to=1)),
        "has schema_version 1; this ferbench reads 4, 5; expected a record that ferbench wrote, with its "
        "arrays beside it; use the version that wrote it, or run again",
    ),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "is a folder, not a file"),
    "link-to-nowhere": (
        lambda path: (path.unlink(), path.symlink_to("nowhere")), "its link leads nowhere: remove it, or bring back",
    ),
    "link-to-itself": (lambda path: (path.unlink(), path.symlink_to(path.name)), "cannot be read: Too many levels"),
    "pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "is no regular file"),
    "pipe-of-arrays": (
        lambda path: (path.with_suffix(".safetensors").unlink(), os.mkfifo(path.with_suffix(".safetensors"))),
        ".safetensors is no regular file",
    ),
    "large": (lambda path: enlarge(path, 2**24 + 1), "has 16,777,217 bytes, a run's at most 16,777,216"),
    "large-arrays": (
        lambda path: enlarge(path.with_suffix(".safetensors"), 2**26 + 1), "has 67,108,865 bytes, a run's at most",
    ),
    "byte-order-mark": (
        lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()), "an editor saved it anew",
    ),
    "utf-16": (lambda path: path.write_text(path.read_text(), encoding="utf-16"), "begins with a byte order mark"),
    **{
        f"arrays-of-{kind}": (partial(write_numbers, kind=kind, size=size), ".safetensors is damaged: ")
        for kind, size in (("BF16", 2), ("F8_E4M3", 1))
    },
    "foreign": (lambda path: path.write_text('{"name": "something", "version": "1.0"}'), "has schema_version None"),
    "no-json": (lambda path: path.write_text("{"), "is damaged: no JSON"),
    "field-missing": (lambda path: edit_json(path, lambda values: values.pop("weights")), "weights: Field required"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_named_and_the_others_are_judged(record: Path, case: str) -> None:
    good = stored(record.parent, 0.6, budget=SMALL, seed=4, implementation="keras3", epochs=100)
    change, words = UNREADABLE[case]
    change(record)
    judged = judge_results(record.parent, PAPER)
    (refused,) = judged.refused
    assert (refused.path, refused.flaws[0].check) == (record, "readable")
    assert words in str(refused.flaws[0])
    assert [run.path for run in judged.sound] == [good]
    assert judged.exit_code == 2


def judged_pair(folder: Path, first: dict[str, Any], second: dict[str, Any]) -> tuple[Judged, list[Path]]:
    paths = []
    for name, options in (("a", first), ("b", second)):
        run, arrays = sound_run(**options)
        run = replace(run, run=f"{run.spec.label}-{name}")
        paths.append(write_run(folder, run, arrays))
    return judge_results(folder, PAPER), paths


def test_one_seed_with_two_results_does_not_count(tmp_path: Path) -> None:
    judged, paths = judged_pair(tmp_path, {"answer": 0.675}, {"answer": 0.680})
    assert [refused.path for refused in judged.refused] == paths
    for refused, other in zip(judged.refused, reversed(paths), strict=True):
        assert str(refused.flaws[0]) == (
            f"seed 0 of vgg16-scratch is in {other.name} too, with other results; expected one run a seed; "
            "leave one of them in the folder, or run again"
        )
    assert judged.sound == ()


def test_a_copy_counts_once(tmp_path: Path) -> None:
    judged, paths = judged_pair(tmp_path, {}, {"epoch_seconds": 11.0})
    assert judged.refused == ()
    assert list(judged.copies) == paths[1:]
    assert [run.path for run in judged.sound] == paths[:1]


def test_the_same_logits_are_no_second_seed(tmp_path: Path) -> None:
    run, arrays = sound_run(variant="vgg16-transfer", answer=0.66)
    paths = []
    for seed in (0, 1):  # published weights do not tell the seed
        spec = replace(run.spec, seed=seed)
        paths.append(write_run(tmp_path, replace(run, spec=spec, run=spec.label), arrays))
    judged = judge_results(tmp_path, PAPER)
    assert [refused.path for refused in judged.refused] == paths
    assert "the same logits as in" in str(judged.refused[0].flaws[0])


def swap(first: Path, second: Path) -> None:
    """Exchange two records, and what belongs to them."""
    for suffix in (".json", ".safetensors"):
        one, two = first.with_suffix(suffix), second.with_suffix(suffix)
        before = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(before)


def test_swapped_seeds_are_named(tmp_path: Path) -> None:
    paths = [stored(tmp_path, 0.675 + seed / 100, seed=seed, budget=SMALL) for seed in (0, 1)]
    for path, seed in zip(paths, (1, 0), strict=True):
        edit_json(path, setting("spec", "seed", to=seed))
        edit_json(path, setting("run", to=f"vgg16-scratch-pytorch-seed{seed}"))
    swap(*paths)
    judged = judge_results(tmp_path, PAPER)
    assert [[flaw.check for flaw in refused.flaws] for refused in judged.refused] == [["seed"], ["seed"]]


OTHERWISE: dict[str, tuple[dict[str, Any], Callable[[Any], object]]] = {
    "budget": ({"budget": BUDGETS["hour"]}, lambda values: None),
    "deviating-data-allowed": ({}, setting("spec", "allow_deviating_data", to=True)),
    "door": ({"dataset": replace(identity(), door="fer2013.csv", digest="34" * 32)}, lambda values: None),
    "device": ({}, lambda values: (setting("spec", "device", to="gpu")(values),
                                   setting("environment", "gpu", to="A100")(values))),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERWISE)
def test_one_seed_asked_otherwise_is_the_same_seed(tmp_path: Path, case: str) -> None:
    options, change = OTHERWISE[case]
    _, paths = judged_pair(tmp_path, {"answer": 0.675}, {"answer": 0.680} | options)
    edit_json(paths[1], change)
    judged = judge_results(tmp_path, PAPER)
    assert [(refused.path, refused.flaws[0].check) for refused in judged.refused] == [
        (path, "same-seed") for path in paths
    ]


def test_a_copy_by_another_budget_counts_once(tmp_path: Path) -> None:
    judged, paths = judged_pair(tmp_path, {}, {"budget": BUDGETS["hour"]})
    assert (list(judged.copies), [run.path for run in judged.sound]) == (paths[1:], paths[:1])


def written_as_seed_1(folder: Path, change: Callable[[dict[str, Any]], object]) -> Judged:
    """A run, and beside it the same one under another seed, whose digest a forger has computed, with changed arrays."""
    run, arrays = sound_run()
    write_run(folder, run, arrays)
    spec = replace(run.spec, seed=1)
    change(arrays)
    weights, scores = first_weights(spec.variant, 1), scores_of(arrays)
    last = replace(
        run.history[-1],
        watched_accuracy=scores["paper_test"].accuracy,
        watched_loss=scores["paper_test"].loss,
    )
    forged = replace(run, spec=spec, run=spec.label, weights=weights, scores=scores, history=(*run.history[:-1], last))
    write_run(folder, forged, arrays)
    return judge_results(folder, PAPER)


def nudge(arrays: dict[str, Any]) -> None:
    arrays["test_logits"] = np.nextafter(arrays["test_logits"], np.float32(99))


def draw_again(arrays: dict[str, Any]) -> None:
    """Other answers, with the first logits of the other seed."""
    noise = np.random.default_rng(0).normal(size=arrays["test_logits"].shape)
    arrays["test_logits"] = (arrays["test_logits"] + 0.1 * noise).astype(np.float32)


def test_logits_that_differ_by_rounding_are_no_second_seed(tmp_path: Path) -> None:
    judged = written_as_seed_1(tmp_path, nudge)
    assert [flaw.check for refused in judged.refused for flaw in refused.flaws] == ["same-logits"] * 2
    assert "the same logits as in vgg16-scratch-pytorch-seed" in str(judged.refused[0].flaws[0])


def test_two_seeds_do_not_begin_with_the_same_logits(tmp_path: Path) -> None:
    judged = written_as_seed_1(tmp_path, draw_again)
    assert [flaw.check for refused in judged.refused for flaw in refused.flaws] == ["same-logits"] * 2
    assert "the same first logits as in" in str(judged.refused[0].flaws[0])


def test_two_networks_that_say_one_thing_of_every_image_are_two(tmp_path: Path) -> None:
    """Both know nothing but how common each class is, so their logits are close, and still their own."""
    common = np.log(np.array([0.14, 0.015, 0.14, 0.25, 0.17, 0.17, 0.115]))

    def collapse(arrays: dict[str, Any]) -> None:
        arrays["test_logits"] = np.tile((common + 1e-4).astype(np.float32), (len(arrays["test_logits"]), 1))
        arrays["initial_logits"] = arrays["initial_logits"][::-1].copy()

    one, other = sound_run()[1], sound_run()[1]
    collapse(one)
    other["test_logits"] = np.tile(common.astype(np.float32), (len(one["test_logits"]), 1))
    assert not _are_alike(one, other, "test")
    assert _are_alike(other, dict(other), "test")


def test_a_record_of_the_same_name_takes_no_run_away(tmp_path: Path) -> None:
    """A rehearsal that calls itself as a run does: it is refused by its file's name, the run counts."""
    good = stored(tmp_path, seed=0)
    beside = stored(tmp_path / "other", 0.68, budget=SMALL)
    for suffix in (".json", ".safetensors"):
        shutil.move(beside.with_suffix(suffix), tmp_path / f"zz{suffix}")
    judged = judge_results(tmp_path, PAPER)
    assert [run.path for run in judged.sound] == [good]
    assert judged.not_comparable == ()
    assert [(refused.path.name, refused.flaws[0].check) for refused in judged.refused] == [("zz.json", "name")]


def test_what_breaks_a_check_is_refused_and_the_others_are_judged(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = stored(record.parent, 0.6, budget=SMALL, seed=4, implementation="keras3", epochs=100)

    def broken(run: StoredRun, data: object) -> tuple[Flaw, ...]:
        if run.path == record:
            raise MemoryError("9" * 1000)
        return ()

    monkeypatch.setattr(results, "verify", broken)
    judged = judge_results(record.parent, PAPER)
    assert [run.path for run in judged.sound] == [good]
    ((flaw,),) = (refused.flaws for refused in judged.refused)
    assert flaw.check == "unverifiable"
    assert str(flaw).startswith("MemoryError while it was checked: 99999999… (1000 digits); expected a record")


def test_what_breaks_a_verdict_is_refused_and_the_others_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [stored(tmp_path, 0.6 + seed / 100, budget=SMALL, seed=seed) for seed in range(3)]
    judge_compared = results.judge_compared

    def broken(compared: Sequence[Compared], paper: Paper) -> tuple[Judgement, ...]:
        if any(each.record.spec.seed == 1 for each in compared):
            raise OverflowError("too large")
        return judge_compared(compared, paper)

    monkeypatch.setattr(results, "judge_compared", broken)
    judged = judge_results(tmp_path, PAPER)
    assert [(each.path, each.flaws[0].check) for each in judged.refused] == [(paths[1], "unverifiable")]
    assert [run.path for run in judged.sound] == [paths[0], paths[2]]
    assert [group.runs for group in judged.groups] == [(paths[0].stem, paths[2].stem)]


def test_runs_that_count_for_nothing_may_share_a_seed(tmp_path: Path) -> None:
    judged, paths = judged_pair(tmp_path, {"answer": 0.68, "budget": SMALL}, {"answer": 0.69, "budget": SMALL})
    assert [run.path for run in judged.sound] == paths
    assert [told(reasons) for _, reasons in judged.not_comparable] == [["budget custom"]] * 2


def test_three_seeds_are_judged_and_asked(tmp_path: Path) -> None:
    for seed in range(3):
        stored(tmp_path, 0.675 + seed / 1000, seed=seed)
    judged = judge_results(tmp_path, PAPER)
    assert (len(judged.sound), judged.refused, judged.not_comparable, judged.unchecked) == (3, (), (), ())
    ((name, count, kinds),) = (
        (group.variant, len(group.runs), {each.band.quantity: each.verdict.kind for each in group.judgements})
        for group in judged.groups
    )
    assert (name, count) == ("vgg16-scratch", 3)
    assert (kinds["reached"], kinds["epochs"]) == ("REPRODUCED", "NOT_REPRODUCED")  # 67 % after 3 epochs, not 78
    assert judged.exit_code == 3
    answers = {answer.claim.name: answer.kind for answer in judged.answers}
    assert answers["surpasses-benchmarks"] == "supported"


def test_an_unfinished_run_is_sound_and_not_comparable(tmp_path: Path) -> None:
    run, _ = sound_run(0.68, budget=SMALL, status="interrupted", stop_reason=StopReason("interrupted", 3), scores={})
    write_run(tmp_path, run, {})
    judged = judge_results(tmp_path, PAPER)
    assert judged.exit_code == 0
    assert told(judged.not_comparable[0][1]) == ["run interrupted", "budget custom"]


@pytest.mark.parametrize("kind", ["empty", "missing"])
def test_a_folder_without_records_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path if kind == "empty" else tmp_path / "nowhere"
    words = "holds no record" if kind == "empty" else "is neither a folder nor a record"
    with pytest.raises(RecordError, match=words):
        judge_results(folder, PAPER)


def test_a_record_alone_can_be_judged(small: Path) -> None:
    judged = judge_results(small, PAPER)
    assert [run.path for run in judged.sound] == [small]


BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("torch", "keras", "jax", "tensorflow"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from pathlib import Path
from harness.judging.results import judge_results
from harness.papers import load_paper
from harness.report.judgement import judgement_json
print(judgement_json(judge_results(Path(sys.argv[1]), load_paper("jahangir2024"))))
"""


def test_no_framework_is_needed(small: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(small.parent)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sound"] == [small.name]
