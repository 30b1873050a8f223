"""The fingerprint of a machine: enough to compare by, nothing to be known by."""

from __future__ import annotations

import getpass
import json
import platform
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.records.record import Environment
from harness.runs import environment
from harness.runs.environment import read_environment


@pytest.fixture(scope="module")
def observed() -> Environment:
    return read_environment({"framework": "1.2.3"}, gpu=None)


def test_fields(observed: Environment) -> None:
    assert observed.cpu
    assert observed.cpu_cores >= 1
    assert observed.memory_gigabytes > 0
    assert (observed.gpu, observed.gpu_driver) == (None, None)
    assert observed.operating_system.startswith(platform.system())
    assert observed.python == ".".join(map(str, sys.version_info[:3]))
    assert observed.versions["framework"] == "1.2.3"
    assert {"ferbench", "numpy", "scikit-learn", "pillow"} < set(observed.versions)
    assert all(count >= 1 for count in observed.threads.values())


def test_nothing_personal(observed: Environment) -> None:
    text = json.dumps(asdict(observed))
    assert str(Path.home()) not in text.replace('"/"', "")
    assert str(Path.cwd()) not in text
    strings = [*observed.versions.values(), observed.cpu, observed.operating_system, observed.python]
    for personal in (socket.gethostname(), getpass.getuser()):
        assert personal not in strings
        assert f'"{personal}"' not in text


def test_the_commit_is_of_the_harness(observed: Environment) -> None:
    if observed.git_commit is None:
        pytest.skip("not a git checkout, or git is missing")
    commit, _, changes = observed.git_commit.partition("+")
    assert len(commit) == 40
    assert changes in {"", "changes"}


def test_a_gpu_is_named_with_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_ask", lambda program, *_: "555.42" if program == "nvidia-smi" else None)
    observed = read_environment({}, gpu="a graphics card")
    assert (observed.gpu, observed.gpu_driver, observed.git_commit) == ("a graphics card", "555.42", None)


@pytest.mark.parametrize("error", [subprocess.TimeoutExpired("git", 30), PermissionError("no")])
def test_programs_that_hang_or_fail_say_nothing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert environment._ask(sys.executable, "-V") is None


@pytest.mark.parametrize(
    ("program", "arguments", "expected"),
    [
        (sys.executable, ("-c", "print(' a '); print('b')"), "a"),
        (sys.executable, ("-c", "raise SystemExit('broken')"), None),
        (sys.executable, ("-c", ""), None),
        ("no-such-program", (), None),
    ],
)
def test_what_programs_say(program: str, arguments: tuple[str, ...], expected: str | None) -> None:
    assert environment._ask(program, *arguments) == expected
