"""How much processor time the commands take that train nothing: `pytest --timing benchmarks/test_start.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

EVIDENCE = Path(__file__).parent / "evidence"
ROUNDS = 5


def children_seconds() -> float:
    """Processor time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.timing
@pytest.mark.benchmark(timer=children_seconds)
@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [(["--help"], 0.3), (["--version"], 0.3), (["judge", str(EVIDENCE)], 1.0), (["audit"], 1.0)],
    ids=["help", "version", "judge", "audit"],
)
def test_a_command_starts_quickly(benchmark: BenchmarkFixture, arguments: list[str], seconds: float) -> None:
    """The bounds are for a fast core at rest; on one half as fast expect double."""
    command = [sys.executable, "-m", "harness", *arguments]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    benchmark.extra_info["aimed_seconds"] = seconds
    benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    if benchmark.stats is not None:  # None with --benchmark-disable
        assert benchmark.stats.stats.median < 3 * seconds, f"aim: {seconds} s"
