"""Fault injection: every known error is noticed, by the check that the table names, in either framework."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from mutations.matrix import lines, page
from mutations.table import MUTATIONS, Mutation

from harness.plugin import require_implementation

ROOT = Path(__file__).parents[2]
SECONDS = 900
"""Ten times what a worker takes on two idle cores; one that hangs is killed then."""
CASES = [(where, mutation) for where, chosen in MUTATIONS.items() for mutation in chosen]

Outcomes = Mapping[str, Mapping[str, str]]


class Workers:
    """A process for each framework and one for what they share, all at once: patches end with their process."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self.folder = folder
        backend = config.getoption("keras_backend")
        self.options = [f"--keras-backend={backend}"] if backend else []
        self.options += ["--search"] if config.getoption("slow") else []
        self.running: dict[str, subprocess.Popen[str]] = {}

    def start(self, where: str) -> None:
        paths = [str(ROOT / "tests" / "meta"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        environment.pop("PYTEST_ADDOPTS", None)  # they are for the tests that somebody asked for
        command = [sys.executable, "-m", "mutations.worker", where, str(self.folder / where), *self.options]
        with (self.folder / f"{where}.log").open("w") as log:
            self.running[where] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True
            )

    def outcomes(self, where: str) -> Outcomes:
        """What a worker wrote, once it has ended."""
        code = self.running[where].wait(SECONDS)
        log = (self.folder / f"{where}.log").read_text()
        assert code == 0, f"the worker for {where} ended with {code}:\n{log[-3000:]}"
        found: Outcomes = json.loads((self.folder / where).read_text())
        return found

    def passed(self, where: str) -> set[str]:
        """Checks that pass on the code as it is."""
        return {check for check, outcome in self.outcomes(where)[""].items() if outcome == "passed"}

    def of(self, where: str, mutation: Mutation, size: float | None) -> Mapping[str, str]:
        """Outcome of the check under a mutation; empty where nothing was run."""
        return self.outcomes(where).get(mutation.key(size), {})


@pytest.fixture(scope="module")
def workers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Started for what the chosen tests ask for, before the first of them waits."""
    found = Workers(request.config, tmp_path_factory.mktemp("mutations"))
    for where in dict.fromkeys(item.callspec.params["where"] for item in _cases(request)):
        if not where_is_missing(request.config, where):
            found.start(where)
    yield found
    for process in found.running.values():
        process.kill()
        process.wait()


def _cases(request: pytest.FixtureRequest) -> list[pytest.Function]:
    return [
        item
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    ]


def where_is_missing(config: pytest.Config, where: str) -> bool:
    try:
        if where != "harness":
            require_implementation(config, where)
    except pytest.skip.Exception:
        return True
    return False


@pytest.mark.parametrize(("where", "mutation"), CASES, ids=lambda each: getattr(each, "name", each))
def test_an_error_is_noticed(where: str, mutation: Mutation, workers: Workers, request: pytest.FixtureRequest) -> None:
    if where != "harness":
        require_implementation(request.config, where)
    check = {f"tests/{mutation.check.format(where)}"}
    assert check <= workers.passed(where), "on the code as it is"
    for size in mutation.sizes_or_none:
        assert workers.of(where, mutation, size) == dict.fromkeys(check, "noticed")
    if request.config.getoption("slow") and mutation.unnoticed is not None:
        smaller = workers.of(where, mutation, mutation.unnoticed)
        assert smaller == dict.fromkeys(check, "passed"), "smaller than the table says"


def test_the_matrix_is_printed(workers: Workers, request: pytest.FixtureRequest) -> None:
    """In the output, with what was seen in this run."""

    def mark(where: str, mutation: Mutation) -> str:
        if where not in workers.running:
            return "not run"
        seen = {outcome for size in mutation.sizes_or_none for outcome in workers.of(where, mutation, size).values()}
        return "✓" if seen == {"noticed"} else "MISSED"

    table = ["", *lines(mark)]
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(*table, sep="\n")
    assert "MISSED" not in "".join(table)


def test_the_page_is_the_table() -> None:
    observed = (ROOT / "docs" / "detection.md").read_text(encoding="utf-8")
    assert observed == page(), "PYTHONPATH=tests/meta:. python -m mutations.matrix > docs/detection.md"


def test_names_and_sizes_make_sense() -> None:
    for where, chosen in MUTATIONS.items():
        assert len({mutation.name for mutation in chosen}) == len(chosen) >= (24 if where != "harness" else 1)
        for mutation in chosen:
            assert ("{}" in mutation.what) == bool(mutation.sizes), mutation.name
            assert ("{}" in mutation.check) == (where != "harness"), mutation.name
