"""An interruption reaches every run that goes on at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from harness.runs.signals import wait_for

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_termination_ends_all_runs(capfd: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(SLEEP) as one, subprocess.Popen(SLEEP) as two:
        killer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
        killer.start()
        assert wait_for([one, two])
    assert (one.returncode, two.returncode) == (-signal.SIGTERM, -signal.SIGTERM)
    assert "stopping; the run writes its record first" in capfd.readouterr().err


def test_without_an_interruption_all_have_ended() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", ""]) as one,
        subprocess.Popen([sys.executable, "-c", "exit(3)"]) as two,
    ):
        assert not wait_for([one, two])
    assert (one.returncode, two.returncode) == (0, 3)
