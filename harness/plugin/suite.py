"""Of the pytest plugin, what belongs to a suite of runs: its options, the estimate before it, a line after each run.

What a suite is stands in `harness.runs.planned_suite`, how it looks in `harness.report.planned_suite`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.plugin.base import (
    SUITE,
    chosen_paper,
    find_fer2013,
    find_weights_dir,
    render,
)
from harness.registry import IMPLEMENTATIONS

if TYPE_CHECKING:
    from harness.records.spec import RunSpec
    from harness.runs.planned_suite import Suite
    from harness.training.budget import BudgetName


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of gpu tests."""
    group = parser.getgroup("ferbench")
    group.addoption(
        "--rehearse",
        action="store_true",
        help="gpu tests run on the CPU, on toyfaces, with the budget `rehearsal`: shows that all runs, says nothing of "
        "the paper",
    )
    group.addoption(
        "--budget",
        choices=("smoke", "times", "hour", "paper", "rehearsal"),
        help="of gpu tests; `times` is 4 epochs, whose seconds are judged and nothing else [paper; rehearsal with "
        "--rehearse]",
    )
    group.addoption("--ferbench-device", choices=("cpu", "gpu"), help="of gpu tests [gpu; cpu with --rehearse]")
    group.addoption(
        "--pipeline",
        choices=("device", "generator", "manual"),
        default="device",
        help="input of gpu tests; the paper's seconds are judged on its own two, generator and manual [device]",
    )
    group.addoption(
        "--precision", choices=("float32", "tf32", "mixed"), default="float32", help="of gpu tests [float32, TF32 off]"
    )
    group.addoption(
        "--batch-size", type=int, metavar="N", help="of gpu tests: images a step, not comparable [32, the paper's]"
    )
    group.addoption("--deterministic", action="store_true", help="gpu tests give the same bits again, on a GPU too")
    group.addoption(
        "--checkpointing",
        action="store_true",
        help="gpu tests keep the inputs of blocks alone and compute the rest again: less memory, more time",
    )
    group.addoption(
        "--seed",
        action="append",
        metavar="S",
        help="of gpu tests: a number, or a range with both ends as 0..4; may be given several times [0]",
    )
    group.addoption("--seeds", type=int, metavar="N", help="of gpu tests: 0 to N-1, a test for each")
    group.addoption(
        "--reuse-runs",
        action="store_true",
        help="a complete record in --results-dir of the same spec, data, commit, versions and machine is judged again "
        "instead of trained again",
    )
    group.addoption(
        "--results-dir", type=Path, help="where gpu tests leave records [results; results/rehearsal with --rehearse]"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that contradict each other."""
    for option in ("fer2013", "budget", "ferbench_device") if config.getoption("rehearse") else ():
        given = config.getoption(option)
        if given not in (None, "rehearsal", "cpu"):
            raise pytest.UsageError(f"{given} does not go with --rehearse: toyfaces, the CPU, a budget of its own")
    batch_size = config.getoption("batch_size")
    if batch_size is not None:
        _check_batch_size(batch_size, _budget(config))
    chosen_seeds(config)


def _check_batch_size(batch_size: int, budget: BudgetName) -> None:
    from harness.training.budget import BUDGETS

    if batch_size < 1:
        raise pytest.UsageError(f"--batch-size {batch_size}; expected at least 1")
    most = BUDGETS[budget].batch_size
    if most is not None and batch_size > most:
        raise pytest.UsageError(f"--batch-size {batch_size}; the budget {budget} has at most {most}")


def _budget(config: pytest.Config) -> BudgetName:
    return config.getoption("budget") or ("rehearsal" if config.getoption("rehearse") else "paper")


def _device(config: pytest.Config) -> str | None:
    return "cpu" if config.getoption("rehearse") else config.getoption("ferbench_device")


def chosen_seeds(config: pytest.Config) -> tuple[int, ...]:
    """From --seed and --seeds, in order, each once.

    Raises:
        pytest.UsageError: If both are given, or one is no seed.
    """
    given, count = config.getoption("seed"), config.getoption("seeds")
    if given and count is not None:
        raise pytest.UsageError("--seed and --seeds are two ways to say the same; give one of them")
    if count is not None and count < 1:
        raise pytest.UsageError(f"--seeds {count}; expected at least 1")
    if not given:
        return tuple(range(count or 1))
    from harness.runs.planned_suite import parse_seeds

    try:
        return tuple(dict.fromkeys(seed for text in given for seed in parse_seeds(text)))
    except ValueError as error:
        raise pytest.UsageError(f"--seed {error}") from error


def results_dir(config: pytest.Config) -> Path:
    """Where records go; those of a rehearsal to a folder of their own, for they are no results."""
    default = Path("results", "rehearsal") if config.getoption("rehearse") else Path("results")
    return config.getoption("results_dir") or default


def suite_spec(config: pytest.Config, variant: str, implementation: Any, seed: int) -> RunSpec:
    """What a gpu test runs, by the options.

    Raises:
        ValueError: As `harness.runs.asking.make_spec`: DatasetError, WeightsError, VariantError, ImplementationError.
    """
    from harness.runs.asking import lacks_weights, make_spec

    is_rehearsal, weights_dir, paper = config.getoption("rehearse"), find_weights_dir(config), chosen_paper(config)
    lacks = is_rehearsal and lacks_weights(paper.find_variant(variant), weights_dir)
    return make_spec(
        variant,
        implementation,
        paper=paper,
        keras_backend=config.getoption("keras_backend"),
        fer2013=None if is_rehearsal else find_fer2013(config),
        batch_size=config.getoption("batch_size"),
        budget=_budget(config),
        seed=seed,
        device="cpu" if _device(config) == "cpu" else "gpu",
        weights_dir=weights_dir,
        stand_in_weights=config.getoption("stand_in_weights") or lacks,
        pipeline=config.getoption("pipeline"),
        precision=config.getoption("precision"),
        deterministic=config.getoption("deterministic"),
        checkpointing=config.getoption("checkpointing"),
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan the runs that were chosen, and say how long they will take."""
    config = session.config
    specs = {} if config.option.collectonly else dict(_specs(config, session.items))
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not specs or reporter is None:
        return
    from harness.data.dataset import DatasetError
    from harness.report.calibration import calibration_lines, calibration_table
    from harness.report.planned_suite import forecast_table
    from harness.runs.planned_suite import plan_suite

    reporter.ensure_newline()
    try:
        hardware = chosen_paper(config).hardware
        suite = plan_suite(
            specs,
            results_dir(config),
            reuse=config.getoption("reuse_runs"),
            known=hardware.gpu if hardware else None,
            say=reporter.write_line,
        )
    except DatasetError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[SUITE] = suite
    config.pluginmanager.register(_Progress(reporter, suite))
    calibrations = list(suite.calibrations.values())
    tables = [calibration_table(calibrations)] if calibrations else []
    for line in render(*tables, *calibration_lines(calibrations), *suite.uncalibrated, forecast_table(suite)):
        reporter.write_line(line)
    for line in [*suite.warnings, *suite.refused]:
        reporter.write_line(line)


def _specs(config: pytest.Config, items: list[pytest.Item]) -> Iterator[tuple[str, RunSpec]]:
    """Of the tests that train one variant in one framework with one seed, and will not be skipped."""
    from harness.data.dataset import DatasetError
    from harness.interface import ImplementationError
    from harness.weights.catalogue import WeightsError

    chosen = config.getoption("implementation") or IMPLEMENTATIONS
    for item in items:
        given = getattr(getattr(item, "callspec", None), "params", {})
        if not {"variant", "implementation", "seed"} <= set(given) or not item.get_closest_marker("gpu"):
            continue
        if item.get_closest_marker("skip") or given["implementation"] not in chosen:
            continue
        try:
            yield item.nodeid, suite_spec(config, given["variant"], given["implementation"], given["seed"])
        except DatasetError as error:
            raise pytest.UsageError(str(error)) from error
        except (ImplementationError, WeightsError):  # its test says so, or skips
            continue


class _Progress:
    """A line after each run."""

    def __init__(self, reporter: pytest.TerminalReporter, suite: Suite) -> None:
        self._reporter = reporter
        self._suite = suite
        self._seconds: dict[str, float] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """After the last phase of a test, whatever became of it."""
        if report.nodeid not in self._suite.runs:
            return
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.when == "teardown":
            from harness.report.planned_suite import progress_line

            self._suite.runs[report.nodeid].seconds = self._seconds[report.nodeid]
            self._reporter.ensure_newline()
            self._reporter.write_line(progress_line(self._suite))


@pytest.hookimpl(optionalhook=True)  # there is no such hook under -p no:benchmark
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add the GPU and the versions of frameworks, which pytest-benchmark does not know."""
    from harness.runs.planned_suite import machine_facts

    machine_info["ferbench"] = machine_facts()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Add the calibrations: not to the machine, for --benchmark-compare warns where two of those differ in a digit."""
    suite = config.stash[SUITE]
    output_json["ferbench"] = {"calibrations": [asdict(each) for each in suite.calibrations.values()] if suite else []}
