"""Stored runs that never took place but are sound: every figure follows from their logits. Tests then forge one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from harness.architectures import initial_weights
from harness.papers import Paper
from harness.records.record import (
    DatasetIdentity,
    RunRecord,
    Timings,
    WeightsIdentity,
)
from harness.records.store import write_run
from harness.training.budget import BUDGETS, Budget
from harness.training.fit import EpochRecord, evaluation_batch_size
from harness.training.metrics import score
from harness.training.schedule import Schedule
from harness.training.stop_reason import StopReason
from harness.variant import Variant
from harness.verification.flaws import StoredRun
from harness.verification.known_data import Layout, known_layout
from harness.weights.canonical import digest
from harness.weights.catalogue import find_checkpoint
from tests.support.fake_records import FER2013, fake_record
from tests.support.papers import PAPER

Arrays = dict[str, NDArray[Any]]
Answer = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.integer]]

SMALL = Budget("custom", test_examples=350)
"""Quick to score; never comparable, which verification does not mind."""


def layout() -> Layout:
    """Of the usual download."""
    found = known_layout(identity())
    assert found is not None
    return found


def identity(budget: Budget = BUDGETS["paper"]) -> DatasetIdentity:
    """Of FER-2013 from its zip."""
    tests = budget.test_examples or 7178
    digest_of_zip = "8669c3a3826b5b54062126ba0ae1b16925257783607d0599dc0d62a1a9775419"
    return replace(FER2013, digest=digest_of_zip, watched_examples=tests, test_examples=tests)


@cache
def first_weights(variant: Variant, seed: int) -> WeightsIdentity:
    """As a run begins: drawn, or published."""
    if variant.weights_source == "random":
        return WeightsIdentity("random", None, digest(initial_weights(variant, seed)))
    name, checkpoint = find_checkpoint(variant.weights_source, variant.architecture)
    return WeightsIdentity(name, checkpoint.file, checkpoint.digest or "ab" * 32)


def rightly(fraction: float) -> Answer:
    """Answers of which this fraction is right, the others one class too high."""

    def answer(labels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.integer]:
        wrong = random.permutation(len(labels)) >= round(fraction * len(labels))
        return np.where(wrong, (labels + 1) % 7, labels)

    return answer


def recognising(*recalls: float) -> Answer:
    """Answers with these recalls, in the order of the classes; the others are one class too high."""

    def answer(labels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.integer]:
        return np.where(random.random(len(labels)) < np.array(recalls)[labels], labels, (labels + 1) % 7)

    return answer


def sound_run(
    answer: Answer | float = 0.6723,
    *,
    variant: str = "vgg16-scratch",
    implementation: str = "pytorch",
    seed: int = 0,
    budget: Budget = BUDGETS["paper"],
    epochs: int | None = None,
    training_accuracy: float = 0.7,
    epoch_seconds: float = 10.0,
    paper: Paper = PAPER,
    **fields: Any,
) -> tuple[RunRecord, Arrays]:
    """A run in which nothing contradicts anything, and its arrays.

    Args:
        answer: How it answers, or how often it is right.
        variant: Name with readings.
        implementation: Who ran it.
        seed: Of everything.
        budget: Whose `test_examples` are drawn evenly.
        epochs: How many there are; None for three where the stop rule fires at the end, else all.
        training_accuracy: Of the last epoch, to the next count of images.
        epoch_seconds: Of training.
        paper: Whose variant it is.
        **fields: Of the record, which may contradict anything.
    """
    chosen, data = paper.find_variant(variant), identity(budget)
    tests = layout().rows("public_test", "private_test")
    rows = (
        tests if budget.test_examples is None else tests[:: len(tests) // budget.test_examples][: budget.test_examples]
    )
    known = layout().labels
    assert known is not None
    labels = known[rows]
    random = np.random.default_rng([seed, len(variant), sum(map(ord, variant + implementation))])
    answers = (answer if callable(answer) else rightly(answer))(labels, random)
    logits = (random.normal(size=(len(rows), 7)) * 0.1 + 3 * np.eye(7)[answers]).astype(np.float32)
    first = evaluation_batch_size(chosen)
    arrays: Arrays = {
        "initial_logits": logits[:first] * np.float32(0.01),
        "initial_rows": rows[:first].astype(np.int64),
        "test_logits": logits,
        "test_rows": rows.astype(np.int64),
        "test_labels": labels,
    }
    history, reason = _history(
        chosen, arrays, epochs=epochs, training_accuracy=training_accuracy, seconds=epoch_seconds
    )
    seconds = epoch_seconds * len(history)
    values: dict[str, Any] = {
        "paper": paper,
        "variant": chosen,
        "implementation": implementation,
        "seed": seed,
        "budget": budget,
        "dataset": data,
        "weights": first_weights(chosen, seed),
        "history": history,
        "stop_reason": reason,
        "scores": scores_of(arrays),
        "timings": Timings(
            1.0, 0.0, seconds, float(len(history)), 2.0 * len(history), 2 + seconds * 2, 28709 * len(history) / seconds
        ),
    }
    return fake_record(0.5, **(values | fields)), arrays


def scores_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What a run would have stored."""
    rows, labels, logits = (arrays[f"test_{name}"] for name in ("rows", "labels", "logits"))
    sets = {
        "public_test": np.isin(rows, layout().rows("public_test")),
        "private_test": np.isin(rows, layout().rows("private_test")),
        "paper_test": np.ones(len(rows), np.bool_),
        "clean_test": ~np.isin(rows, layout().leaked),
    }
    return {name: score(logits[mask], labels[mask]) for name, mask in sets.items()}


def _history(
    variant: Variant, arrays: Arrays, *, epochs: int | None, training_accuracy: float, seconds: float
) -> tuple[tuple[EpochRecord, ...], StopReason]:
    """Figures that rise to those of the logits, and what the rules make of them."""
    final = score(arrays["test_logits"], arrays["test_labels"])
    threshold = variant.stop_rule.threshold
    fires = threshold is not None and final.accuracy > threshold
    count = epochs or (3 if fires else variant.epochs)
    schedule, history, reason = Schedule(variant), [], StopReason("all-epochs", count)
    for epoch in range(count):
        share = (epoch + 1) / count
        watched = (
            final.accuracy if epoch == count - 1 else int(final.examples * final.accuracy * share) / final.examples
        )
        loss = final.loss if epoch == count - 1 else final.loss + (1 - share)
        history.append(
            EpochRecord(
                epoch=epoch,
                learning_rate=schedule.learning_rate,
                training_loss=2 - share,
                training_accuracy=round(28709 * training_accuracy * share) / 28709,
                watched_loss=loss,
                watched_accuracy=watched,
                training_seconds=seconds,
                input_seconds=1.0,
                evaluation_seconds=2.0,
            )
        )
        reason = schedule.observe(accuracy=watched, loss=loss) or reason
    return tuple(history), reason


def stored(folder: Path, answer: Answer | float = 0.6723, **options: Any) -> Path:
    """A sound run on the disk."""
    record, arrays = sound_run(answer, **options)
    return write_run(folder, record, arrays)


def in_memory(answer: Answer | float = 0.6723, **options: Any) -> StoredRun:
    """A sound run as if it had been read."""
    record, arrays = sound_run(answer, **options)
    return StoredRun(Path(f"{record.run}.json"), replace(record, arrays_sha256="ab" * 32), arrays)


def seeds(answers: Sequence[Answer | float], **options: Any) -> list[StoredRun]:
    """One run a seed."""
    return [in_memory(answer, seed=seed, **options) for seed, answer in enumerate(answers)]


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a record's JSON in place."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def edit_arrays(path: Path, change: Callable[[Arrays], object], *, fix_hash: bool = True) -> None:
    """Change a record's arrays in place, and by default the hash of them, as a forger would."""
    beside = path.with_suffix(".safetensors")
    arrays = {name: array.copy() for name, array in load(beside.read_bytes()).items()}
    change(arrays)
    content = save(arrays)
    beside.write_bytes(content)
    if fix_hash:
        edit_json(path, lambda values: values.update(arrays_sha256=hashlib.sha256(content).hexdigest()))


def setting(*keys: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    """A change of one value of a record's JSON, by the keys that lead to it."""

    def change(values: Any) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = to

    return change


def make_better(arrays: Arrays) -> None:
    """Logits that are right on every image."""
    arrays["test_logits"] = (np.eye(7)[arrays["test_labels"]] * 9).astype(np.float32)
