"""Ctrl-C and termination signals: the run stops at its next slice and writes its record, the parent waits for it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

SAME_INTERRUPTION_SECONDS: Final = 2.0
"""Signals so close together are one interruption."""


@dataclass(eq=False)
class Stop:
    """Set by Ctrl-C or a termination signal; looked at between two slices."""

    asked: bool = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        self.asked = True

    def listen(self) -> None:
        """Handle signals from now on."""
        signal.signal(signal.SIGINT, self.ask)
        signal.signal(signal.SIGTERM, self.ask)


def wait_for(processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Wait for the processes of runs; return whether this process was interrupted meanwhile."""
    with _termination_as_interrupt():
        try:
            return _wait(processes, was_interrupted=False)
        except KeyboardInterrupt:
            print("stopping; the run writes its record first (Ctrl-C again to wait no longer)", file=sys.stderr)
            for process in processes:
                process.terminate()  # a terminal's Ctrl-C has reached it already; one sent to this process has not
        interrupted = time.monotonic()
        while True:
            try:
                return _wait(processes, was_interrupted=True)
            except KeyboardInterrupt:
                # tox hands Ctrl-C on to a process that the terminal has told already: one wish, not two
                if time.monotonic() - interrupted > SAME_INTERRUPTION_SECONDS:
                    for process in processes:
                        process.kill()


def _wait(processes: Sequence[subprocess.Popen[bytes]], *, was_interrupted: bool) -> bool:
    for process in processes:
        process.wait()
    return was_interrupted


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Treat a termination signal as Ctrl-C, so that no run goes on without its parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
