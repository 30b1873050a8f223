"""Of the pytest plugin, what belongs to a suite of runs: its options, the estimate before it, a line after each run.

What a suite is stands in `harness.runs.planned_suite`, how it looks in `harness.report.planned_suite`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.plugin.base import (
    SUITE,
    chosen_paper,
    render,
    run_options,
)
from harness.records.options import RunOptions, suite_flag
from harness.registry import IMPLEMENTATIONS

if TYPE_CHECKING:
    from harness.records.spec import RunSpec
    from harness.runs.planned_suite import PlannedSuite


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
        "--ferbench-seed",
        action="append",
        metavar="S",
        help="of gpu tests: a number, or a range with both ends as 0..4; may be given several times [0]",
    )
    group.addoption("--ferbench-seeds", type=int, metavar="N", help="of gpu tests: 0 to N-1, a test for each")
    group.addoption(
        "--reuse-runs",
        action="store_true",
        help="a complete record in --results-dir of the same spec, data, commit, versions and machine is judged again "
        "instead of trained again",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that contradict each other."""
    options = run_options(config)
    for name in ("fer2013", "budget", "device") if config.getoption("rehearse") else ():
        given = config.getoption(suite_flag(name))
        if given not in (None, getattr(options, name)):
            raise pytest.UsageError(f"{given} does not go with --rehearse: toyfaces, the CPU, a budget of its own")
    _check_batch_size(options)
    chosen_seeds(config)


def _check_batch_size(options: RunOptions) -> None:
    from harness.training.budget import BUDGETS

    size, most = options.batch_size, BUDGETS[options.budget or "paper"].batch_size
    if size is not None and most is not None and size > most:
        told = f"{suite_flag('batch_size')} {size}; the budget {options.budget} has at most {most}"
        raise pytest.UsageError(told)


def chosen_seeds(config: pytest.Config) -> tuple[int, ...]:
    """From --seed and --seeds, in order, each once.

    Raises:
        pytest.UsageError: If both are given, or one is no seed.
    """
    given, count = config.getoption("--ferbench-seed"), config.getoption("--ferbench-seeds")
    if given and count is not None:
        raise pytest.UsageError("--ferbench-seed and --ferbench-seeds are two ways to say the same; give one of them")
    if count is not None and count < 1:
        raise pytest.UsageError(f"--ferbench-seeds {count}; expected at least 1")
    if not given:
        return tuple(range(count or 1))
    from harness.runs.planned_suite import parse_seeds

    try:
        return tuple(dict.fromkeys(seed for text in given for seed in parse_seeds(text)))
    except ValueError as error:
        raise pytest.UsageError(f"--ferbench-seed {error}") from error


def results_dir(config: pytest.Config) -> Path:
    """Where records go; those of a rehearsal to a folder of their own, for they are no results."""
    default = Path("results", "rehearsal") if config.getoption("rehearse") else Path("results")
    return run_options(config).results_dir or default


def suite_spec(config: pytest.Config, variant: str, implementation: Any, seed: int) -> RunSpec:
    """What a gpu test runs, by the options.

    Raises:
        UserError: As `harness.runs.specification.make_spec`.
    """
    from harness.runs.specification import lacks_weights, make_spec

    options, found = run_options(config), chosen_paper(config).find_variant(variant)
    is_stand_in = config.getoption("rehearse") and lacks_weights(found, options.weights_dir)
    options = replace(options, seed=seed, stand_in_weights=options.stand_in_weights or is_stand_in)
    return make_spec(variant, implementation, options)


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

    chosen = config.getoption("--ferbench-implementation") or IMPLEMENTATIONS
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

    def __init__(self, reporter: pytest.TerminalReporter, suite: PlannedSuite) -> None:
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
