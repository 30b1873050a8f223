"""What a run makes of errors that its framework raises."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fake_records import fake_record

from harness.runs.execute import _kept_features, _run

SPEC = fake_record(variant="vgg16-transfer").spec
IMPLEMENTATION = SimpleNamespace(is_out_of_memory=lambda error: isinstance(error, MemoryError))


def failing(error):
    def run():
        raise error

    return SimpleNamespace(run=run)


def test_a_device_without_memory_fails_the_run_with_the_figure_and_two_ways_out() -> None:
    status, error, _ = _run(failing(MemoryError()), SPEC, IMPLEMENTATION)
    assert status == "failed"
    assert error.startswith(
        "the device ran out of memory: vgg16-transfer, phase 'all', batch 32, float32 was predicted to"
    )
    assert "activation checkpointing" in error
    assert "NOT_COMPARABLE" in error


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        _run(failing(ZeroDivisionError()), SPEC, IMPLEMENTATION)


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_features_are_kept_apart_by_precision(precision) -> None:
    kept = _kept_features(
        replace(SPEC, precision=precision),
        None,
        None,
        SimpleNamespace(watched_rows=np.arange(2), test_rows=np.arange(2)),
        SimpleNamespace(versions=lambda: {"torch": "2.0"}),
        SimpleNamespace(say=print),
        SimpleNamespace(asked=False),
    )
    assert kept.versions == {"torch": "2.0", "device": "cpu", "precision": precision}
