"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.plugin import base as plugin
from harness.plugin.base import MARKERS

pytestmark = pytest.mark.rehearsed

STRICT = """
[pytest]
addopts = -p harness.plugin --strict-markers --strict-config
filterwarnings = error
"""


@pytest.fixture(autouse=True)
def plain_surroundings(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set, no GPU, no backend from outside; the strictness of the project."""
    for variable in ("FERBENCH_FER2013", "KERAS_BACKEND", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(plugin, "_is_gpu_present", lambda: False)
    pytester.makeini(STRICT)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run in this process, with the plugin named as the project names it."""
    return pytester.runpytest_inprocess("-rs", "-p", "no:cacheprovider", *arguments)


MARKED = """
import pytest

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.timing
def test_timing(): pass

@pytest.mark.gpu
def test_gpu(): pass

@pytest.mark.dataset
def test_dataset(): pass

def test_plain(): pass
"""


def test_options_are_in_the_help(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--help")
    output = result.stdout.str()
    assert result.ret == 0
    assert "does a published FER-2013 result hold" in output
    for option in (
        "--fer2013",
        "--ferbench-implementation",
        "--keras-backend",
        "--ferbench-budget",
        "--ferbench-device",
        "--ferbench-seed",
        "--ferbench-seeds",
        "--ferbench-pipeline",
        "--rehearse",
        "--reuse-runs",
        "--ferbench-results-dir",
        "--require-implementations",
        "--ferbench-slow",
        "--ferbench-timing",
    ):
        assert f"  {option}" in output


def test_markers_are_registered(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--markers")
    for marker in MARKERS:
        result.stdout.fnmatch_lines([f"@pytest.mark.{marker.partition(':')[0]}:*"])


def test_the_installed_entry_point_is_enough(pytester: pytest.Pytester) -> None:
    """In a process of its own, without this suite's conftest."""
    pytester.makepyfile(MARKED)
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "--ferbench-slow", "--ferbench-timing", "--ferbench-device=cpu"
    )
    result.assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("arguments", "passed", "skipped", "deselected"),
    [
        ([], 2, 3, 0),
        (["--ferbench-slow"], 3, 2, 0),
        (["--ferbench-timing"], 3, 2, 0),
        (["--ferbench-slow", "--ferbench-timing"], 4, 1, 0),
        (["-m", "not gpu"], 2, 2, 1),
        (["-m", "not gpu", "--ferbench-slow"], 3, 1, 1),
        (["-m", "slow"], 0, 1, 4),
        (["-m", "slow", "--ferbench-slow"], 1, 0, 4),
        (["--ferbench-device=cpu"], 3, 2, 0),
        (["--ferbench-device=gpu"], 3, 2, 0),
        (["--rehearse"], 3, 2, 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_was_not_asked_for_is_skipped(
    pytester: pytest.Pytester, arguments: list[str], passed: int, skipped: int, deselected: int
) -> None:
    pytester.makepyfile(MARKED)
    run(pytester, *arguments).assert_outcomes(passed=passed, skipped=skipped, deselected=deselected)


def test_skips_say_how_to_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MARKED)
    run(pytester).stdout.fnmatch_lines_random(
        [
            "SKIPPED*marked slow; runs with --ferbench-slow",
            "SKIPPED*marked timing; runs with --ferbench-timing",
            "SKIPPED*no NVIDIA driver answers here*rehearse with --rehearse*",
        ]
    )


def test_gpu_tests_run_where_a_gpu_is_seen(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_is_gpu_present", lambda: True)
    pytester.makepyfile(MARKED)
    run(pytester, "-m", "gpu").assert_outcomes(passed=1, deselected=4)


@pytest.mark.parametrize(
    "option", ["--ferbench-implementation=abacus", "--keras-backend=abacus", "--ferbench-budget=abacus"]
)
def test_wrong_choices_are_usage_errors(pytester: pytest.Pytester, option: str) -> None:
    result = run(pytester, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*invalid choice: 'abacus'*"])


# Frameworks

WITH_IMPLEMENTATIONS = """
import pytest
from harness.plugin.base import require_implementation
from harness.registry import IMPLEMENTATIONS

@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_it(name, request):
    require_implementation(request.config, name)
"""

WITHOUT_KERAS = """
import pytest
from harness.plugin import base as plugin

@pytest.fixture(autouse=True)
def without_keras(monkeypatch):
    monkeypatch.setattr(plugin, "missing_framework", lambda name, backend: "keras" if name == "keras3" else None)
"""


@pytest.fixture
def without_keras(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(WITHOUT_KERAS)
    pytester.makepyfile(WITH_IMPLEMENTATIONS)


@pytest.mark.usefixtures("without_keras")
def test_a_missing_framework_skips(pytester: pytest.Pytester) -> None:
    result = run(pytester)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*keras3 needs 'keras', which is not installed: pip install*ferbench?cpu?*"])


@pytest.mark.usefixtures("without_keras")
def test_a_missing_framework_fails_where_it_is_required(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--require-implementations")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*keras3 needs 'keras'*(--require-implementations)"])


@pytest.mark.usefixtures("without_keras")
@pytest.mark.parametrize("chosen", ["keras3", "pytorch"])
def test_what_was_not_chosen_skips_even_where_all_are_required(pytester: pytest.Pytester, chosen: str) -> None:
    result = run(pytester, "--require-implementations", f"--ferbench-implementation={chosen}")
    result.assert_outcomes(**({"failed": 1} if chosen == "keras3" else {"passed": 1}), skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED*--ferbench-implementation chose {chosen}"])


# Data

WITH_DATA = """
def test_it(fer2013_path):
    print(f"path: {fer2013_path}")
"""


def test_without_data_tests_of_it_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WITH_DATA)
    result = run(pytester)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*needs the real FER-2013: give --fer2013 PATH or set FERBENCH_FER2013"])


@pytest.mark.parametrize(
    ("option", "variable", "expected"),
    [("a.zip", None, "a.zip"), (None, "b.zip", "b.zip"), ("a.zip", "b.zip", "a.zip"), (None, "", None)],
)
def test_data_come_from_the_option_or_the_variable(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    option: str | None,
    variable: str | None,
    expected: str | None,
) -> None:
    if variable is not None:
        monkeypatch.setenv("FERBENCH_FER2013", variable)
    pytester.makepyfile(WITH_DATA)
    result = run(pytester, "-s", *([f"--fer2013={option}"] if option else []))
    if expected is None:
        result.assert_outcomes(skipped=1)
    else:
        result.stdout.fnmatch_lines([f"*path: {expected}*"])


# The table at the end

WITH_RECORD = """
from pathlib import Path
from tests.support.fake_records import fake_record
from harness.plugin.base import FINISHED_RUNS

def test_it(request):
    records = [fake_record(0.66), fake_record(None, variant="resnet50-scratch", status="failed", error="NaN [here]")]
    request.config.stash[FINISHED_RUNS] += [(Path(f"{record.run}.json"), record) for record in records]
"""


def test_the_table_stands_at_the_end(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WITH_RECORD)
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*= ferbench: paper · ours · verdict =*",
            "*vgg16-scratch*pytorch*67.23 %*66.00 %*INCONCLUSIVE*",
            "*resnet50-scratch*54.69 %*NOT_COMPARABLE: run failed*",
            "vgg16-scratch-pytorch-seed0: the training loss fell*",
            "resnet50-scratch-pytorch-seed0: failed: NaN ?here?",
            "conditions: a processor, 2 cores*",
        ]
    )


def test_without_runs_there_is_no_table(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MARKED)
    assert "ferbench: paper" not in run(pytester).stdout.str()


@pytest.mark.parametrize(
    ("script", "is_seen"),
    [("echo 'GPU 0: NVIDIA GeForce RTX 4080'", True), ("exit 0", False), ("echo 'no driver'; exit 9", False)],
)
def test_the_driver_is_asked_for_gpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, is_seen: bool
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not plugin._is_gpu_present()
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert plugin._is_gpu_present() == is_seen


def test_nothing_was_left_in_the_environment() -> None:
    assert "FERBENCH_FER2013" not in os.environ
