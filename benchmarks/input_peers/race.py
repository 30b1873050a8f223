"""Contenders side by side: a process each, stopped while another one races, lap after lap."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.measuring.turns import Pairs
from input_peers import Contender

_ROOT: Final = Path(__file__).resolve().parents[2]
_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")


class Runner:
    """A contender's process; it runs only while it is asked something."""

    def __init__(self, contender: Contender, task: dict[str, Any], log: Path) -> None:
        self.contender = contender
        self.speeds: list[float] = []  # images/s of each lap
        self._log = log
        cores = str(len(task["cores"]))
        environment = os.environ | dict.fromkeys(_THREADS, cores)
        environment |= {"PYTHONPATH": os.pathsep.join([str(_ROOT / "benchmarks"), str(_ROOT)])}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "2", "NO_ALBUMENTATIONS_UPDATE": "1", "CUDA_VISIBLE_DEVICES": ""}
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "input_peers", contender.name, json.dumps(task)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
                start_new_session=True,  # its workers are stopped with it
            )
        self.first = self._answer()

    def lap(self, seconds: float) -> None:
        """Race once and keep the speed."""
        answer = self.ask(f"lap {seconds}")
        self.speeds.append(answer["images"] / answer["seconds"])

    def ask(self, question: str) -> dict[str, Any]:
        """Wake the process, ask, and stop it again: else it filled its queues while another one races."""
        os.killpg(self._process.pid, signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process and its workers."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            last = "\n".join(self._log.read_text(errors="replace").splitlines()[-30:])
            raise RuntimeError(f"{self.contender.name}: its process ended with {self._process.wait()}:\n{last}")
        os.killpg(self._process.pid, signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(frozen=True)
class Interval:
    """A median, and what encloses the true one with 95 % confidence at least."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g}–{self.high:.3g})"


def ratio(runner: Runner, other: Runner) -> Interval:
    """How much faster the first is, lap by lap: what slows the machine down for a while slows both."""
    seconds, its_seconds = ([1 / speed for speed in each.speeds] for each in (runner, other))  # an image's
    pairs = Pairs(ours=its_seconds, theirs=seconds)
    return Interval(pairs.median, *pairs.interval)
