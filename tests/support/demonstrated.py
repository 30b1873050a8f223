"""Runs of the exercise `toyfaces_demo` that never took place but are sound: every figure follows from their logits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.toyfaces import toyfaces
from harness.records.record import DatasetIdentity, RunRecord, Timings
from harness.records.spec import RunSpec
from harness.records.store import new_run_name, write_run
from harness.training.fit import EpochRecord, evaluation_batch_size
from harness.training.metrics import score
from harness.training.schedule import Schedule
from harness.verification.known_data import Layout, layout_of
from tests.support.fake_records import fake_record
from tests.support.forged_records import first_weights, rightly

_FACES = toyfaces()
TRAINING = len(_FACES.rows("training"))
TESTS = len(_FACES.rows("public_test")) + len(_FACES.rows("private_test"))
SECONDS = 2.0
"""Of an epoch."""


@cache
def _faces() -> Layout:
    return layout_of(toyfaces())


def demonstrated_run(spec: RunSpec, accuracy: float, folder: Path) -> tuple[Path, RunRecord]:
    """Write the run that a spec asks for, with this accuracy on the tests."""
    faces = _faces()
    rows, labels = faces.rows("public_test", "private_test"), faces.labels
    assert labels is not None
    random = np.random.default_rng([spec.seed, *map(ord, spec.label)])
    answers = rightly(accuracy)(labels[rows], random)
    logits = (random.normal(size=(TESTS, 7)) * 0.1 + 3 * np.eye(7)[answers]).astype(np.float32)
    first = evaluation_batch_size(spec.variant)
    arrays: dict[str, NDArray[Any]] = {
        "initial_logits": logits[:first] * np.float32(0.01),
        "initial_rows": rows[:first].astype(np.int64),
        "test_logits": logits,
        "test_rows": rows.astype(np.int64),
        "test_labels": labels[rows],
    }
    history, count = _history(spec, arrays), spec.variant.epochs
    record = fake_record(
        run=new_run_name(spec, folder),
        spec=spec,
        dataset=DatasetIdentity("toyfaces", "toyfaces", _faces().digest, (), TRAINING, TESTS, TESTS, (1.0,) * 7),
        weights=first_weights(spec.variant, spec.seed),
        history=history,
        scores=_scores(arrays),
        timings=Timings(1.0, 0.0, SECONDS * count, 0.1 * count, 0.5 * count, 40.0, TRAINING / SECONDS),
    )
    return write_run(folder, record, arrays), record


def _scores(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    faces = _faces()
    rows, labels, logits = (arrays[f"test_{name}"] for name in ("rows", "labels", "logits"))
    assert faces.leaked is not None
    sets = {
        "public_test": np.isin(rows, faces.rows("public_test")),
        "private_test": np.isin(rows, faces.rows("private_test")),
        "paper_test": np.ones(len(rows), np.bool_),
        "clean_test": ~np.isin(rows, faces.leaked),
    }
    return {name: score(logits[mask], labels[mask]) for name, mask in sets.items()}


def _history(spec: RunSpec, arrays: Mapping[str, NDArray[Any]]) -> tuple[EpochRecord, ...]:
    """Figures that rise to those of the logits."""
    final, schedule = score(arrays["test_logits"], arrays["test_labels"]), Schedule(spec.variant)
    history = []
    for epoch in range(spec.variant.epochs):
        share = (epoch + 1) / spec.variant.epochs
        is_last = share == 1
        watched = final.accuracy if is_last else int(TESTS * final.accuracy * share) / TESTS
        loss = final.loss + (1 - share)
        history.append(
            EpochRecord(
                epoch=epoch,
                learning_rate=schedule.learning_rate,
                training_loss=2 - share,
                training_accuracy=round(TRAINING * 0.9 * share) / TRAINING,
                watched_loss=loss,
                watched_accuracy=watched,
                training_seconds=SECONDS,
                input_seconds=0.1,
                evaluation_seconds=0.5,
            )
        )
        schedule.observe(accuracy=watched, loss=loss)
    return tuple(history)
