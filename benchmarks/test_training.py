"""Train the variants for real and judge them: `pytest -m gpu --fer2013 PATH`; `pytest -m gpu --rehearse` on the CPU."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.judging.bands import judge, judge_all
from harness.judging.comparability import disturbances
from harness.judging.timing import seconds_per_epoch
from harness.measuring.shares import calibrated_shares, epoch_split
from harness.papers import Paper
from harness.plugin.base import FINISHED_RUNS, SUITE, chosen_paper, require_implementation
from harness.plugin.suite import chosen_seeds, results_dir, suite_spec
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.registry import IMPLEMENTATIONS, ImplementationName
from harness.report.differences import reason_text
from harness.runs.process import execute


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed that was asked for; all variants with the first one come before those with the next."""
    metafunc.parametrize("seed", chosen_seeds(metafunc.config), ids="seed{}".format)
    metafunc.parametrize("variant", chosen_paper(metafunc.config).variants)


@pytest.mark.gpu
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_accuracy_is_the_papers(
    variant: Any,
    implementation: ImplementationName,
    seed: Any,
    benchmark: BenchmarkFixture,
    request: pytest.FixtureRequest,
) -> None:
    config = request.config
    require_implementation(config, implementation)
    paper = chosen_paper(config)
    spec, suite = suite_spec(config, variant, implementation, seed), config.stash[SUITE]
    earlier = suite.runs[request.node.nodeid].earlier if suite else None
    benchmark.extra_info.update(question(spec), reused=earlier is not None)
    # the statistic is the wall-clock of the whole process; what is judged stands in extra_info. Of a run that is reused
    # it is nothing, and extra_info has the wall-clock of then
    calibration = suite.calibration_of(spec) if suite else None
    run = partial(execute, spec, results_dir(config), calibration) if earlier is None else lambda: earlier
    path, record = benchmark.pedantic(run, rounds=1, iterations=1)
    config.stash[FINISHED_RUNS].append((path, record))
    benchmark.extra_info.update(evidence(path, record, paper))
    assert record.status == "complete", f"{spec.label}: {record.status}: {record.error} (record {path})"
    verdict = judge([record], paper)
    assert verdict.kind != "NOT_REPRODUCED", f"{spec.label}: {reason_text(verdict)} (record {path})"


def question(spec: RunSpec) -> dict[str, object]:
    """What was asked; known before anything can fail."""
    return {
        "variant": spec.variant.name,
        "phases": len(spec.variant.phases),
        "implementation": spec.implementation,
        "backend": spec.keras_backend,
        "pipeline": spec.pipeline,
        "precision": spec.precision,
        "deterministic": spec.deterministic,
        "checkpointing": spec.checkpointing,
        "batch_size": spec.variant.batch_size,
        "seed": spec.seed,
        "budget": spec.budget.name,
        "stand_in_weights": spec.stand_in_weights,
    }


def evidence(path: Path, record: RunRecord, paper: Paper) -> dict[str, object]:
    """What a saved benchmark says of a run; set before any assertion, so that no evidence is lost."""
    timings, scores, verdict = record.timings, record.scores, judge([record], paper)
    shares = calibrated_shares(record)
    times = [each.verdict for each in judge_all([record], paper) if each.band.quantity == "seconds"]
    return {
        "record": path.name,
        "record_sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None,
        "arrays_sha256": record.arrays_sha256,
        "status": record.status,
        "stop_reason": asdict(record.stop_reason) if record.stop_reason else None,
        "device": record.environment.gpu or record.environment.cpu,
        "disturbances": disturbances(record, paper),
        "versions": record.environment.versions,
        "weights": record.weights.source,
        "accuracy": scores["paper_test"].accuracy if scores else None,
        "epochs": len(record.history),
        "training_seconds": timings.training_seconds if timings else None,
        "wall_clock_seconds": timings.total_seconds if timings else None,
        "warm_up_seconds": timings.warm_up_seconds if timings else None,
        "images_per_second": timings.training_images_per_second if timings else None,
        "epoch_seconds": epoch_split(record),
        "share_of_calibrated_rate": asdict(shares) if shares else None,
        "memory": asdict(record.memory) if record.memory else None,
        "mean_epoch_seconds": seconds_per_epoch(record),
        "verdict": verdict.kind,
        "verdict_reason": reason_text(verdict),
        "time_verdicts": [f"{each.kind}: {reason_text(each)}" for each in times],
    }
