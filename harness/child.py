"""A process of its own for a task: its memory is given back, and no framework takes another's threads or settings.

The parent calls `ask`, or `command` if it waits in a way of its own; `main` of the module that it names calls `answer`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from harness.errors import UserError

Answer = TypeVar("Answer")


class ChildFailed(UserError, RuntimeError):
    """A child process ended without an answer.

    Attributes:
        code: Its exit code.
        printed: What it wrote to standard error; empty if that went to the terminal.
    """

    def __init__(self, message: str, *, code: int, printed: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.printed = printed
        self.exit_code = 2 if code == 2 else 1  # whatever the child left with, the command leaves with one of its own


def command(module: str, task: bytes, answer: Path) -> list[str]:
    """Return the command line of a child process.

    Args:
        module: Its dotted name; run as a program.
        task: JSON.
        answer: File that the child writes.
    """
    # -P: a folder `harness` where the command happens to be given is not ours
    return [sys.executable, "-P", "-m", module, task.decode(), str(answer)]


def ask(
    module: str,
    task: bytes,
    read: Callable[[Path], Answer],
    *,
    keeps_errors: bool = False,
    timeout_seconds: float | None = None,
) -> Answer:
    """Run a child process to its end and read the answer that it left. What it writes to standard output is dropped.

    Args:
        module: Its dotted name.
        task: JSON.
        read: Reads the file that the child wrote.
        keeps_errors: Whether standard error is kept for `ChildFailed.printed`; else it goes to the terminal.
        timeout_seconds: The child is killed after so long; None if it may take any time.

    Raises:
        ChildFailed: If it ended with another code than 0, left no answer or took too long.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answer"
        try:
            done = subprocess.run(
                command(module, task, path),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE if keeps_errors else None,
                text=True,
                errors="replace",
                check=False,
                timeout=timeout_seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise ChildFailed(f"not over after {error.timeout:.0f} s", code=-9) from error
        if done.returncode or not path.exists():
            message = f"its process ended with code {done.returncode}"
            raise ChildFailed(message, code=done.returncode, printed=done.stderr or "")
        return read(path)


def asked() -> tuple[str, Path]:
    """Return, in a child process, its task as JSON and the file to write the answer to."""
    task, answer_path = sys.argv[1:]
    return task, Path(answer_path)


def answer(work: Callable[[str, Path], object], *, expected: tuple[type[Exception], ...] = ()) -> int:
    """Do a child process's task.

    Args:
        work: Takes the task as JSON and the file to write.
        expected: Errors whose message is enough; every other one is raised.

    Returns:
        Exit code: 2 after an expected error, 130 after an interruption, else 0.
    """
    try:
        work(*asked())
    except expected as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
