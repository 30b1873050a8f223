"""The pytest plugin: options, markers, fixtures, and the table at the end. Loaded by `-p harness.plugin`."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from rich.console import Console

from harness.records.options import (
    DEFAULTS,
    OPTIONS,
    OptionError,
    RunOptions,
    choices,
    kinds,
    resolve,
    suite_flag,
    variable,
)
from harness.registry import (
    IMPLEMENTATIONS,
    choose_keras_backend,
    missing_framework,
)

if TYPE_CHECKING:
    from harness.papers import Paper
    from harness.runs.planned_suite import PlannedSuite

MARKERS: Final = (
    "gpu: trains for real; skipped where no GPU is seen, unless --rehearse says to rehearse it on the CPU",
    "dataset: needs the real FER-2013 (--fer2013 or FERBENCH_FER2013)",
    "slow: takes longer than the default suite may; runs with --ferbench-slow",
    "timing: measures time, which a busy machine spoils; runs with --ferbench-timing",
)
OF_SUITE: Final = tuple(name for name, option in OPTIONS.items() if option.of_suite)
"""Options of a run that gpu tests have."""
FINISHED_RUNS: Final = pytest.StashKey[list[tuple[Path, Any]]]()
"""Where tests leave (path, record) of each run for the summary."""
SUITE: Final[pytest.StashKey[PlannedSuite | None]] = pytest.StashKey()
"""The runs that were planned, where any were."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of `ferbench`."""
    group = parser.getgroup("ferbench", "ferbench: does a published FER-2013 result hold?")
    for name in OF_SUITE:
        _add_run_option(group, name)
    group.addoption(
        "--ferbench-implementation",
        action="append",
        choices=IMPLEMENTATIONS,
        help="only this framework (may be given twice) [both]",
    )
    group.addoption(
        "--require-implementations",
        action="store_true",
        help="a missing framework fails instead of skipping (for CI)",
    )
    group.addoption("--ferbench-slow", action="store_true", help="run tests marked slow")
    group.addoption("--ferbench-timing", action="store_true", help="run tests marked timing")


def _add_run_option(group: pytest.OptionGroup, name: str) -> None:
    """One that `harness.records.options` declares."""
    option, kind = OPTIONS[name], kinds()[name]
    default = option.suite_default or option.shown_default or DEFAULTS[name]
    told = f"{option.help}{f' [{default}]' if default else ''} [{variable(name)}]".replace("%", "%%")
    if kind is bool:
        group.addoption(suite_flag(name), action="store_true", default=None, help=told)
        return
    values: dict[str, Any] = {"choices": choices(name)} if choices(name) else {"type": kind, "metavar": option.metavar}
    group.addoption(suite_flag(name), help=told, **values)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[FINISHED_RUNS] = []
    config.stash[SUITE] = None


@pytest.hookimpl(trylast=True)  # after -m and -k: the driver is asked for tests that will run alone
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what was not asked for: slow and timing tests, and gpu tests where none is seen."""
    for name in ("slow", "timing"):
        if not config.getoption(f"--ferbench-{name}"):
            _skip(items, name, f"marked {name}; runs with --ferbench-{name}")
    device = "cpu" if run_options(config).device == "cpu" else config.getoption(suite_flag("device"))
    if any(item.get_closest_marker("gpu") for item in items) and device is None and not _is_gpu_present():
        _skip(
            items,
            "gpu",
            "no NVIDIA driver answers here, so there is no GPU to train on; "
            "rehearse with --rehearse, or force it with --ferbench-device=gpu",
        )


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=reason))


def _is_gpu_present() -> bool:
    """Whether NVIDIA's driver lists a GPU. Asks no framework: importing one takes seconds and GPU memory."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    answer = subprocess.run([program, "--list-gpus"], capture_output=True, check=False)
    return answer.returncode == 0 and bool(answer.stdout.strip())


@pytest.fixture(scope="session")
def fer2013_path(request: pytest.FixtureRequest) -> Path:
    """Path of the real FER-2013; skips where it is not given."""
    path = run_options(request.config).fer2013
    if path is None:
        pytest.skip("needs the real FER-2013: give --fer2013 PATH or set FERBENCH_FER2013")
    return path


def run_options(config: pytest.Config) -> RunOptions:
    """What gpu tests ask of a run, by pytest's options, the environment and pyproject.toml.

    Raises:
        pytest.UsageError: If a value is none that its option can have.
    """
    given = {name: config.getoption(suite_flag(name)) for name in OF_SUITE}
    defaults = {name: OPTIONS[name].suite_default for name in OF_SUITE if OPTIONS[name].suite_default}
    try:
        options = resolve(given, defaults=defaults, called=suite_flag)
    except OptionError as error:
        raise pytest.UsageError(str(error)) from error
    if config.getoption("rehearse"):
        return replace(options, fer2013=None, budget="rehearsal", device="cpu")
    return options


def chosen_paper(config: pytest.Config) -> Paper:
    """Return the paper that gpu tests are about.

    Raises:
        pytest.UsageError: If there is no such paper, or its folder is broken.
    """
    from harness.papers import PaperError, load_paper

    try:
        return load_paper(run_options(config).paper)
    except PaperError as error:
        raise pytest.UsageError(str(error)) from error


def require_implementation(config: pytest.Config, name: Any) -> None:
    """Skip, or fail under --require-implementations, where a framework is not installed or not chosen."""
    chosen = config.getoption("--ferbench-implementation")
    if chosen and name not in chosen:
        pytest.skip(f"--ferbench-implementation chose {', '.join(chosen)}")
    backend = choose_keras_backend(run_options(config).keras_backend)
    missing = missing_framework(name, backend)
    if missing is None:
        return
    reason = f"{name} needs {missing!r}, which is not installed: pip install 'ferbench[cpu]'"
    if config.getoption("require_implementations"):
        pytest.fail(f"{reason} (--require-implementations)")
    pytest.skip(reason)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print paper, ours and verdict of the runs of this session."""
    found = config.stash[FINISHED_RUNS]
    if not found:
        return
    from harness.report.calibration import time_table
    from harness.report.planned_suite import seed_lines
    from harness.report.tables import result_table, small_print

    is_rehearsal = config.getoption("rehearse")
    terminalreporter.section(f"ferbench{' rehearsal' if is_rehearsal else ''}: paper · ours · verdict")
    paper = chosen_paper(config)
    lines = seed_lines(found, paper)
    for line in render(result_table(found, paper), small_print(found), time_table(found), *lines):
        terminalreporter.write_line(line)
    suite = config.stash[SUITE]
    for planned in suite.runs.values() if suite else ():
        if planned.earlier:
            terminalreporter.write_line(f"{planned.earlier[1].run}: reused, not trained again")
    if is_rehearsal:
        terminalreporter.write_line("rehearsal: all of it ran on the CPU, on toyfaces; none of it speaks of the paper")


def render(*parts: Any) -> Iterator[str]:
    """Lines of what rich can print."""
    console = Console(file=io.StringIO(), width=150)
    for part in parts:
        console.print(part, soft_wrap=True)
    text = console.file
    assert isinstance(text, io.StringIO)  # noqa: S101 - set two lines above
    yield from text.getvalue().splitlines()
