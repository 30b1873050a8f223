"""Suites of runs that never took place: folders of records, and files of pytest-benchmark that name them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.records.record import RunRecord, Timings
from harness.records.store import write_run
from tests.support.fake_records import MACHINE, fake_record, history_of


def timed_record(name: str, seconds: Sequence[float], accuracy: float = 0.67, *, gpu: str, **fields: Any) -> RunRecord:
    """A run of so many epochs, which took so many seconds to train and 2 to evaluate."""
    history = tuple(
        replace(each, training_seconds=value)
        for each, value in zip(history_of([accuracy] * len(seconds)), seconds, strict=True)
    )
    timings = Timings(1.0, 0.0, sum(seconds), 2.0, 4.0, sum(seconds) + 30, 96.0)
    values: dict[str, Any] = {
        "run": name,
        "history": history,
        "timings": timings,
        "environment": replace(MACHINE, gpu=gpu),
    }
    return fake_record(accuracy, **(values | fields))


def epochs(mean: float, count: int = 10) -> list[float]:
    """Seconds of a slow first epoch and of others that are not all alike."""
    return [5 * mean, *(mean * (1 + 0.01 * (epoch % 4 - 1.5)) for epoch in range(count - 1))]


def entry(record: RunRecord, /, **extra: Any) -> dict[str, Any]:
    """What pytest-benchmark saves of a run, as `benchmarks/test_training.py` tells it."""
    assert record.timings
    name = f"test_accuracy_is_the_papers[{record.spec.variant.name}-{record.spec.implementation}]"
    told = {
        "record": f"{record.run}.json",
        "arrays_sha256": record.arrays_sha256,
        "device": record.environment.gpu,
        "training_seconds": record.timings.training_seconds,
        "accuracy": record.scores["paper_test"].accuracy if record.scores else None,
        "epochs": len(record.history),
        "verdict": "NOT_COMPARABLE",
    }
    params = {"variant": record.spec.variant.name, "implementation": record.spec.implementation}
    return {"name": name, "params": params, "stats": {"mean": 30.0}, "extra_info": told | extra}


def save_benchmarks(path: Path, *entries: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine_info": {"python_version": "3.11.9", "cpu": {"brand_raw": "a processor"}},
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "benchmarks": list(entries),
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def save_records(folder: Path, *records: RunRecord) -> Path:
    for record in records:
        write_run(folder, record, {})
    return folder
