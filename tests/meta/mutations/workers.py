"""Processes that run checks under mutations, beside the suite."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.plugin.base import require_implementation
from tests.meta.mutations.table import Mutation
from tests.support import repository
from tests.support.repository import ROOT

SECONDS = 900
"""Ten times what a worker takes on two idle cores; one that hangs is killed then."""

Outcomes = Mapping[str, Mapping[str, str]]


class Workers:
    """A process for each framework and one for what they share, all at once: patches end with their process."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self.folder = folder
        backend = config.getoption("keras_backend")
        self.options = [f"--keras-backend={backend}"] if backend else []
        self.options += ["--search"] if config.getoption("ferbench_slow") else []
        self.running: dict[str, subprocess.Popen[str]] = {}

    def start(self, where: str) -> None:
        variables = repository.environment()
        variables.pop("PYTEST_ADDOPTS", None)  # they are for the tests that somebody asked for
        command = [sys.executable, "-m", "tests.meta.mutations.worker", where, str(self.folder / where), *self.options]
        with (self.folder / f"{where}.log").open("w") as log:
            self.running[where] = subprocess.Popen(
                command, cwd=ROOT, env=variables, stdout=log, stderr=subprocess.STDOUT, text=True
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

    def stop(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


def where_is_missing(config: pytest.Config, where: str) -> bool:
    try:
        if where != "harness":
            require_implementation(config, where)
    except pytest.skip.Exception:
        return True
    return False
