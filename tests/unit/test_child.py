"""Child processes with a task, in processes of their own that import nothing of the harness but this module."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.child import ChildFailed, answer, ask, command

CHILD = """
import sys, time
from harness.child import answer

def work(task, path):
    if task == '"wait"':
        time.sleep(60)
    if task == '"refuse"':
        raise ValueError("no such thing")
    print("dropped")
    if task != '"nothing"':
        path.write_text(task)

sys.exit(answer(work, expected=(ValueError,)))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_child.py").write_text(CHILD)
    path = [str(tmp_path), *sys.path]
    monkeypatch.setenv("PYTHONPATH", ":".join(path))
    return "a_child"


def test_the_answer_of_a_child_is_read(module: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask(module, b'"echo"', Path.read_text) == '"echo"'
    assert capfd.readouterr() == ("", "")


def test_what_a_child_prints_is_kept_where_it_is_asked_for(module: str, capfd: pytest.CaptureFixture[str]) -> None:
    for keeps, kept, seen in ((True, "error: no such thing\n", ""), (False, "", "error: no such thing\n")):
        with pytest.raises(ChildFailed, match=r"^its process ended with code 2$") as caught:
            ask(module, b'"refuse"', Path.read_text, keeps_errors=keeps)
        assert (caught.value.code, caught.value.printed) == (2, kept)
        assert capfd.readouterr().err == seen


def test_a_child_without_an_answer_has_failed(module: str) -> None:
    with pytest.raises(ChildFailed, match="ended with code 0"):
        ask(module, b'"nothing"', Path.read_text)


def test_a_child_that_takes_too_long_is_killed(module: str) -> None:
    with pytest.raises(ChildFailed, match="not over after 1 s"):
        ask(module, b'"wait"', Path.read_text, timeout_seconds=1)


def test_unexpected_errors_are_raised_and_interruptions_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", command("a_child", b"{}", tmp_path / "answer")[3:])

    def fail(error: BaseException) -> None:
        raise error

    assert answer(lambda *_: fail(KeyboardInterrupt())) == 130
    with pytest.raises(KeyError):
        answer(lambda *_: fail(KeyError()), expected=(ValueError,))
