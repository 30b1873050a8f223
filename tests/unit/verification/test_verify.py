"""A sound record stands, and every way to forge or damage one is named. Each check is seen to fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.dataset import Dataset
from harness.data.fer2013 import load_fer2013
from harness.data.splits import leaked_rows
from harness.judging.results import judge_results
from harness.records.store import write_run
from harness.training.budget import Budget
from harness.training.rows import make_plan
from harness.verification.flaws import Flaw, StoredRun, read_stored
from harness.verification.known_data import known_layout
from harness.verification.verify import verify
from tests.support.forged_records import (
    SMALL,
    Arrays,
    edit_arrays,
    edit_json,
    identity,
    layout,
    make_better,
    scores_of,
    setting,
    sound_run,
    stored,
)
from tests.support.papers import PAPER

Json = dict[str, Any]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound record of few images; copy it before it is changed."""
    return stored(tmp_path_factory.mktemp("sound"), 0.68, budget=SMALL)


@pytest.fixture
def record(small: Path, tmp_path: Path) -> Path:
    shutil.copytree(small.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / small.name


def flaws_of(path: Path, data: Dataset | None = None) -> tuple[Flaw, ...]:
    """Of a record on the disk, by either way."""
    run = read_stored(path)
    return (run,) if isinstance(run, Flaw) else verify(run, data)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"variant": "resnet50-scratch", "answer": 0.54},
        {"variant": "vgg16-transfer", "answer": 0.66, "implementation": "keras3"},
        {"variant": "vgg16-scratch@balanced"},
    ],
    ids=str,
)
def test_a_sound_record_has_no_flaw(tmp_path: Path, options: dict[str, Any]) -> None:
    if "balanced" in options.get("variant", ""):
        training = np.array([3995, 436, 4097, 7215, 4965, 4830, 3171])
        weights = tuple(28709 / (7 * training))
        options = options | {"dataset": replace(identity(), class_weights=weights)}
    assert flaws_of(stored(tmp_path, **options)) == ()


def test_a_small_sound_record_has_no_flaw(small: Path) -> None:
    assert flaws_of(small) == ()


# --- forged records: each mutation of the JSON, the check that names it, and the words


def score_of(values: Json) -> Json:
    found: Json = values["scores"]["paper_test"]
    return found


def forge_accuracy(values: Json) -> None:
    """As one would who wants another figure everywhere, the last epoch too."""
    score_of(values)["accuracy"] = values["history"][-1]["watched_accuracy"] = 245 / 350


def move_answer(values: Json) -> None:
    score_of(values)["confusion"][0][0] -= 1
    score_of(values)["confusion"][0][1] += 1


def repeat_last_epoch(values: Json) -> None:
    values["history"].append(values["history"][-1] | {"epoch": 3})
    for name, seconds in (("training_seconds", 10), ("input_seconds", 1), ("evaluation_seconds", 2)):
        values["timings"][name] += seconds


def below_threshold(values: Json) -> None:
    """The watched accuracy never exceeds the threshold, yet the rule is said to have fired."""
    values["history"][-1]["watched_accuracy"] = 234 / 350


RAN_OUT = {"kind": "budget-seconds", "epoch": 3, "seconds": 9.0}
FORGED: dict[str, tuple[Callable[[Json], None], str, str]] = {
    "accuracy": (forge_accuracy, "accuracy", "paper_test accuracy 70.0000 %; expected 68.0000 %, from"),
    "accuracy-of-a-part": (
        setting("scores", "clean_test", "accuracy", to=0.9), "accuracy", "clean_test accuracy 90.0000 %",
    ),
    "loss": (setting("scores", "public_test", "loss", to=0.5), "loss", "public_test loss 0.500000"),
    "confusion": (move_answer, "confusion", "confusion differs in 2 cells, the first angry taken for angry"),
    "area": (
        lambda values: score_of(values)["areas"].update(happy=0.99), "areas", "area of happy 0.99; expected 0.",
    ),
    "area-left-out": (lambda values: score_of(values)["areas"].update(happy=None), "areas", "area of happy None"),
    "examples": (
        lambda values: score_of(values).update(examples=7178), "scores", "paper_test of 7,178 images; expected 350",
    ),
    "set-left-out": (lambda values: values["scores"].pop("clean_test"), "scores", "no score of clean_test"),
    "set-invented": (
        lambda values: values["scores"].update(best_test=score_of(values)), "scores", "a set named 'best_test'",
    ),
    "last-epoch": (
        setting("history", -1, "watched_accuracy", to=245 / 350), "last-epoch",
        "watched accuracy 0.700000 after the last epoch; expected 0.680000, from the logits",
    ),
    "last-loss": (setting("history", -1, "watched_loss", to=0.1), "last-epoch", "watched loss 0.100000"),
    "no-count": (
        setting("history", 0, "watched_accuracy", to=0.2345), "granularity",
        "epoch 1: watched accuracy 0.2345 is no count of 350 images; expected k/350",
    ),
    "no-count-in-training": (
        setting("history", 1, "training_accuracy", to=0.5), "granularity", "accuracy 0.5 is no count of 28,709",
    ),
    "epoch-after-the-end": (repeat_last_epoch, "stop-rule", "epoch 4 follows one after which the rule ends training"),
    "rule-that-never-fired": (
        below_threshold, "stop-rule", "3 epochs, ended by accuracy-above with epoch=3, threshold=0.67",
    ),
    "reason": (
        setting("stop_reason", to={"kind": "all-epochs", "epoch": 3}), "stop-rule",
        "expected accuracy-above with epoch=3, threshold=0.67",
    ),
    "budget-without-seconds": (
        lambda values: (below_threshold(values), values.update(stop_reason=RAN_OUT)),
        "stop-rule", "ended by budget-seconds with epoch=3, seconds=9",
    ),
    "epoch-missing": (lambda values: values["history"].pop(1), "history", "2 epochs, numbered 1, 3"),
    "loss-not-finite": (setting("history", 1, "training_loss", to=float("nan")), "history", "training_loss = nan"),
    "loss-negative": (setting("history", 1, "watched_loss", to=-1.0), "history", "watched_loss = -1.0"),
    "learning-rate": (setting("history", 1, "learning_rate", to=0.01), "learning-rate", "epoch 2: learning rate 0.01"),
    "faster-epoch": (
        setting("history", 1, "training_seconds", to=5.0), "timings", "seconds 30.000; expected 25.000, the sum",
    ),
    "sum": (setting("timings", "training_seconds", to=3.0), "timings", "training_seconds 3.000; expected 30.000"),
    "input-beyond-training": (
        setting("history", 1, "input_seconds", to=11.0), "timings", "10.000 s of training, 11.000 s of it input",
    ),
    "no-time": (setting("history", 1, "training_seconds", to=0.0), "timings", "0.000 s of training"),
    "evaluation": (setting("timings", "evaluation_seconds", to=1.0), "timings", "seconds 1.000; expected at least 6"),
    "total": (setting("timings", "total_seconds", to=30.0), "timings", "seconds 30.000; expected at least 37.000"),
    "rate": (setting("timings", "training_images_per_second", to=9e9), "timings", "training_images_per_second 9"),
    "rate-left-out": (setting("timings", "training_images_per_second", to=None), "timings", "per_second None"),
    "time-not-finite": (setting("timings", "warm_up_seconds", to=float("inf")), "timings", "warm_up_seconds = inf"),
    "time-left-out": (setting("timings", to=None), "timings", "no timings; expected those of a complete run"),
    "seed": (setting("spec", "seed", to=1), "seed", "of the first weights; expected"),
    "first-weights": (setting("weights", "digest", to="00" * 32), "seed", "digest 000000000000… of the first weights"),
    "source-of-weights": (setting("weights", "source", to="keras-vgg16"), "weights", "first weights 'keras-vgg16'"),
    "digest": (
        setting("dataset", "digest", to="12" * 32), "digest", "data digest 121212121212… of fer2013 from its zip",
    ),
    "training-images": (
        setting("dataset", "training_examples", to=30000), "sizes", "30,000 images to train on; expected 28,709",
    ),
    "test-images": (setting("dataset", "test_examples", to=349), "sizes", "349 images to test on; expected 350"),
    "watched-images": (setting("dataset", "watched_examples", to=3589), "sizes", "3,589 images to watch; expected 350"),
    "class-weights": (
        setting("dataset", "class_weights", to=[2.0] + [1.0] * 6), "class-weights", "class weights 2.000, 1.000",
    ),
    "scores-of-an-interrupted-run": (
        lambda values: values.update(status="interrupted", stop_reason={"kind": "interrupted", "epoch": 3}), "scores",
        "a run that was interrupted has scores; expected none",
    ),
    "no-logits": (setting("arrays_sha256", to=None), "arrays", "a complete run without stored logits"),
    "file-renamed": (
        setting("run", to="vgg16-scratch-pytorch-seed0-2"), "name",
        "calls itself vgg16-scratch-pytorch-seed0-2; expected vgg16-scratch-pytorch-seed0, as its file is named",
    ),
    "started": (setting("started", to="zzz"), "started", "started 'zzz'; expected a moment with its zone"),
    "started-without-a-zone": (setting("started", to="2024-01-01T00:00:00"), "started", "started '2024-01-01T00:"),
    "budget-exceeded": (setting("spec", "budget", "epochs", to=1), "history", "3 epochs, numbered 1, 2, 3"),
    "network-too-large": (
        setting("spec", "asked", "head", 1, to={"kind": "dense", "units": 10**13}), "reach",
        "parameters; expected at most 100,000,000",
    ),
    "data-set-left-out": (setting("dataset", to=None), "data", "a complete run without a data set"),
    "rate-negative": (
        setting("timings", "features_images_per_second", to=-1.0), "timings", "features_images_per_second = -1.0",
    ),
    "loss-huge": (setting("history", 0, "training_loss", to=1e308), "history", "epoch 1: training_loss = 1e+308"),
    "time-huge": (setting("timings", "total_seconds", to=1e300), "timings", "total_seconds = 1e+300"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_record_is_named(record: Path, case: str) -> None:
    change, check, words = FORGED[case]
    edit_json(record, change)
    found = [flaw for flaw in flaws_of(record) if flaw.check == check]
    assert any(words in str(flaw) for flaw in found), [str(flaw) for flaw in flaws_of(record)]
    for flaw in found:
        assert str(flaw).count("; ") >= 2, "what was seen, what was expected, what to do"


# --- changed arrays, with the hash put right as a forger would


def swap_two_images(arrays: Arrays) -> None:
    logits = arrays["test_logits"]
    labels = arrays["test_labels"]
    other = int(np.flatnonzero(labels != labels[0])[0])
    logits[[0, other]] = logits[[other, 0]]


def relabel(arrays: Arrays) -> None:
    arrays["test_labels"] = arrays["test_logits"].argmax(axis=1).astype(np.uint8)


def replace_first(name: str, value: Any) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name][0] = value

    return change


CHANGED: dict[str, tuple[Callable[[Arrays], object], str, str]] = {
    "better-logits": (make_better, "accuracy", "expected 100.0000 %, from the stored logits"),
    "swapped-logits": (swap_two_images, "confusion", "paper_test confusion differs"),
    "labels-to-fit": (relabel, "labels", "112 labels are not the data set's, the first at row"),
    "impossible-label": (replace_first("test_labels", 7), "labels", "label 7; expected 0 to 6"),
    "nan": (replace_first("test_logits", np.nan), "arrays", "logits of 1 of 350 images are NaN or infinite"),
    "infinite": (replace_first("test_logits", np.inf), "arrays", "logits of 1 of 350 images are NaN or infinite"),
    "initial-nan": (replace_first("initial_logits", np.nan), "arrays", "first logits that are NaN"),
    "initial-rows": (replace_first("initial_rows", 1), "arrays", "of rows 1, "),
    "training-row": (
        lambda arrays: (arrays["test_rows"].put(0, 5), arrays["initial_rows"].put(0, 5)), "rows",
        "rows that are in no test: 5; expected rows 28709 to 35886",
    ),
    "row-twice": (
        lambda arrays: arrays["test_rows"].put(1, arrays["test_rows"][0]), "rows", "1 rows of the data set stand twice",
    ),
    "rows-out-of-order": (
        lambda arrays: arrays["test_rows"].put([200, 201], arrays["test_rows"][[201, 200]]), "rows",
        "rows out of the data set's order",
    ),
    "fewer-images": (
        lambda arrays: arrays.update({n: a[:-1] for n, a in arrays.items() if n.startswith("test")}), "arrays",
        "logits (349, 7) of float32, labels (349,) of uint8, rows (349,) of int64; expected (350, 7) of float32",
    ),
    "row-of-another-type": (
        lambda arrays: arrays.update(test_rows=arrays["test_rows"].astype(np.int32)), "arrays", "rows (350,) of int32",
    ),
    "initial-rows-a-number": (
        lambda arrays: arrays.update(initial_rows=np.array(3)), "arrays", "of rows 3 as int64; expected (128, 7) of fl",
    ),
    "initial-logits-whole": (
        lambda arrays: arrays.update(initial_logits=arrays["initial_logits"].astype(np.int64)), "arrays",
        "first logits (128, 7) of int64",
    ),
    "array-added": (lambda arrays: arrays.update(evil=np.zeros(3)), "arrays", "arrays that no run leaves: evil"),
    "array-missing": (lambda arrays: arrays.pop("test_rows"), "arrays", "no array test_rows"),
    "wide-labels": (
        lambda arrays: arrays.update(test_labels=arrays["test_labels"].astype(np.int64)), "arrays",
        "labels (350,) of int64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_changed_arrays_are_named(record: Path, case: str) -> None:
    change, check, words = CHANGED[case]
    edit_arrays(record, change)
    found = [flaw for flaw in flaws_of(record) if flaw.check == check]
    assert any(words in str(flaw) for flaw in found), [str(flaw) for flaw in flaws_of(record)]


def test_of_a_row_that_stands_twice_the_rows_are_told(record: Path) -> None:
    """Not the first rows, which are wrong only since these are."""
    edit_arrays(record, lambda arrays: arrays["test_rows"].put(1, arrays["test_rows"][0]))
    assert [flaw.check for flaw in flaws_of(record)] == ["rows"]


# --- what is known of the data


def test_the_known_layout_adds_up() -> None:
    known = layout()
    assert known.labels is not None
    assert known.leaked is not None
    assert known.unknown is None
    assert [len(known.rows(name)) for name in ("training", "public_test", "private_test")] == [28709, 3589, 3589]
    assert len(known.rows("public_test", "private_test")) - len(known.leaked) == 6610
    assert np.isin(known.leaked, known.rows("public_test", "private_test")).all()
    assert (np.diff(known.leaked) > 0).all()


def test_of_a_csv_less_is_known(tmp_path: Path) -> None:
    """Rows of a csv stand in its own order: how many of each class, but not which."""
    run, arrays = sound_run(dataset=replace(identity(), door="fer2013.csv", digest="34" * 32))
    order = np.concatenate([np.random.default_rng(0).permutation(3589) + start for start in (0, 3589)])
    for name in ("test_logits", "test_labels"):
        arrays[name] = np.ascontiguousarray(arrays[name][order])
    arrays["initial_logits"] = arrays["test_logits"][: len(arrays["initial_logits"])]
    path = write_run(tmp_path, replace(run, scores=scores_of(arrays)), arrays)
    assert flaws_of(path) == ()
    judged = judge_results(tmp_path, PAPER)
    assert judged.unchecked == (
        "fer2013 (fer2013.csv): which label a row has (only how many of each), which images are in clean_test, "
        "the data's digest; --fer2013 with that very data checks it",
    )
    edit_arrays(path, replace_first("test_labels", (arrays["test_labels"][0] + 1) % 7))
    found = [flaw for flaw in flaws_of(path) if flaw.check == "labels"]
    assert len(found) == 1
    assert "in public_test" in str(found[0])
    edit_json(path, lambda values: values["scores"].pop("clean_test"))
    assert "no score of clean_test; expected one of each set" in " ".join(map(str, flaws_of(path)))


def on_a_csv(folder: Path) -> Path:
    """A sound run on a csv whose rows happen to stand as in the zip."""
    return stored(folder, dataset=replace(identity(), door="fer2013.csv", digest="34" * 32))


def clean_of(values: Json) -> Json:
    found: Json = values["scores"]["clean_test"]
    return found


def drop_from_clean(values: Json) -> None:
    """One right answer fewer, with all that follows from it."""
    clean = clean_of(values)
    clean["confusion"][0][0] -= 1
    clean["examples"] -= 1
    clean["accuracy"] = sum(clean["confusion"][code][code] for code in range(7)) / clean["examples"]


CLEAN: dict[str, tuple[Callable[[Json], object], str, str]] = {
    "examples": (lambda values: clean_of(values).update(examples=10**9), "scores", "1,000,000,000 images; expected"),
    "accuracy": (lambda values: clean_of(values).update(accuracy=0.99), "accuracy", "clean_test accuracy 99.0000 %"),
    "not-a-number": (lambda values: clean_of(values).update(loss=float("nan")), "loss", "clean_test loss nan"),
    "loss-negative": (lambda values: clean_of(values).update(loss=-5.0), "loss", "clean_test loss -5.0; expected"),
    "loss-beyond-the-whole": (lambda values: clean_of(values).update(loss=9.0), "loss", "losses that sum to 59490 in"),
    "area": (lambda values: clean_of(values)["areas"].update(sad=1.5), "areas", "area of sad 1.5; expected a number"),
    "area-left-out": (lambda values: clean_of(values)["areas"].update(sad=None), "areas", "area of sad None"),
    "negative": (
        lambda values: clean_of(values).update(confusion=[[-5] * 7] * 7), "confusion", "clean_test with -5 answers",
    ),
    "empty": (
        lambda values: clean_of(values).update(confusion=[[0] * 7] * 7, examples=0), "scores", "clean_test of 0 images",
    ),
    "one-image-fewer": (drop_from_clean, "scores", "6,609 images; expected 6,610 at least, those without a twin"),
}  # fmt: skip


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return on_a_csv(tmp_path_factory.mktemp("csv"))


def test_a_sound_record_on_a_csv_has_no_flaw(csv: Path) -> None:
    assert flaws_of(csv) == ()


@pytest.mark.parametrize("case", CLEAN)
def test_a_set_whose_images_are_not_known_is_held_against_itself(csv: Path, tmp_path: Path, case: str) -> None:
    change, check, words = CLEAN[case]
    shutil.copytree(csv.parent, tmp_path, dirs_exist_ok=True)
    edit_json(tmp_path / csv.name, change)
    found = [flaw for flaw in flaws_of(tmp_path / csv.name) if flaw.check == check]
    assert any(words in str(flaw) for flaw in found), [str(flaw) for flaw in flaws_of(tmp_path / csv.name)]


def test_of_data_that_deviates_nothing_is_known(tmp_path: Path) -> None:
    deviating = replace(identity(SMALL), digest="34" * 32, deviations=("one image is missing",))
    path = stored(tmp_path, 0.68, budget=SMALL, dataset=deviating)
    edit_json(path, setting("spec", "allow_deviating_data", to=True))
    assert flaws_of(path) == ()
    assert "of data that deviates" in judge_results(tmp_path, PAPER).unchecked[0]
    edit_json(path, forge_accuracy)  # the logits are known all the same
    assert "accuracy" in {flaw.check for flaw in flaws_of(path)}
    edit_json(path, lambda values: values["scores"]["clean_test"]["confusion"][0].__setitem__(6, 999))
    assert "more answers in clean_test than in paper_test" in " ".join(map(str, flaws_of(path)))


def tiny_data() -> Dataset:
    """Pictures without a twin: 210 that train, 210 in each test."""
    splits = np.repeat(np.arange(3, dtype=np.uint8), 210)
    labels = np.tile(np.arange(7, dtype=np.uint8), 90)
    images = np.arange(630, dtype=np.uint16)[:, None, None] + np.zeros((630, 48, 48), np.uint16)
    return Dataset((images % 251).astype(np.uint8), labels, splits, "fer2013", "zip", "56" * 32)


def test_rows_that_a_budget_draws_are_checked_where_the_data_are_at_hand() -> None:
    data, budget = tiny_data(), Budget("custom", examples=140, test_examples=70)
    rows = make_plan(data, "paper", budget, seed=0).test_rows
    labels = data.labels[rows]
    arrays = dict(sound_run(0.68, budget=SMALL)[1])
    arrays = {name: array[:70].copy() for name, array in arrays.items()}
    arrays |= {"test_rows": rows, "initial_rows": rows, "test_labels": labels}
    base, _ = sound_run(0.68, budget=SMALL)
    made_on = replace(identity(budget), digest=data.digest, training_examples=140, deviations=("a part of it",))
    record = replace(base, spec=replace(base.spec, budget=budget), dataset=made_on, arrays_sha256="ab" * 32)

    def checks() -> set[str]:
        return {flaw.check for flaw in verify(StoredRun(Path("a.json"), record, arrays), data)}

    assert not checks() & {"rows", "labels", "sizes", "digest", "arrays"}
    others = np.setdiff1d(np.arange(210, 630), rows)[:70]
    arrays |= {"test_rows": others, "initial_rows": others}
    assert "rows" in checks()


@pytest.mark.dataset
def test_the_known_layout_is_that_of_the_data(fer2013_path: Path) -> None:
    data = load_fer2013(fer2013_path)
    known = known_layout(replace(identity(), door=data.door))
    assert known is not None
    np.testing.assert_array_equal(known.splits, data.splits)
    if data.door in ("zip", "folder"):
        assert known.labels is not None
        assert known.leaked is not None
        np.testing.assert_array_equal(known.labels, data.labels)
        np.testing.assert_array_equal(known.leaked, leaked_rows(data))
        assert known.digest == data.digest


@pytest.mark.dataset
def test_with_the_data_at_hand_a_run_stays_sound(fer2013_path: Path, tmp_path: Path) -> None:
    data = load_fer2013(fer2013_path)
    if data.door != "zip":
        pytest.skip("the made-up run is one on the zip")
    path = stored(tmp_path, 0.6723)
    assert flaws_of(path, data) == ()
    edit_json(path, setting("dataset", "digest", to="12" * 32))
    assert {flaw.check for flaw in flaws_of(path, data)} == {"digest"}
