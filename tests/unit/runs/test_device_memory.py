"""That a run's process collects what steps leave behind, however many objects frameworks brought."""

from __future__ import annotations

import subprocess
import sys

WORKER = """
import gc
from collections import deque
from harness.runs.device_memory import settle

brought = [[] for _ in range(300_000)]
gc.collect()


def collections():
    before, held = gc.get_stats()[2]["collections"], deque(maxlen=2_000)
    for _ in range(200_000):  # each outlives two collections and is garbage then
        cycle = []
        cycle.append(cycle)
        held.append(cycle)
    return gc.get_stats()[2]["collections"] - before


print(collections())
settle()
print(collections())
"""


def test_the_oldest_generation_is_collected_in_a_run_that_settled() -> None:
    done = subprocess.run([sys.executable, "-c", WORKER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert before == 0 < after
