"""A contender's process: `python -m input_peers NAME TASK`; answers each line of its input with a line of JSON."""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.metadata
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import IO, Any, Final

WARM_UP: Final = 2
"""Batches before the clock starts in a lap: what was begun before the process was stopped."""


def main(name: str, words: str) -> None:
    """Prepare, report a first batch, then race a lap for every number of seconds that is asked for."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # frameworks chat on the standard output
    given = json.loads(words)
    os.sched_setaffinity(0, given["cores"])  # before any framework counts them

    import numpy as np

    from input_peers import CONTENDERS, Source, Task

    contender = next(each for each in CONTENDERS if each.name == name and given["variant"] in each.variants)
    os.environ["KERAS_BACKEND"] = contender.keras_backend
    if contender.keras_backend == "tensorflow":
        from harness.registry import load_implementation

        load_implementation("keras3", keras_backend="tensorflow")  # in an order of imports that does not crash
    module, function = contender.make
    make = getattr(importlib.import_module(f"input_peers.{module}"), function)
    task = Task(Path(given["fer2013"]), Path(given["pictures"]), given["variant"], len(given["cores"]))
    source: Source = make(task)
    first = np.asarray(next(source.batches))
    second = np.asarray(next(source.batches))
    tell(
        answers,
        {
            "shape": first.shape,
            "dtype": str(first.dtype),
            "lowest": float(first.min()),
            "highest": float(first.max()),
            "spread": float(first.std()),
            "difference": float(np.abs(first - second).mean()),
            "epoch_seconds": source.epoch_seconds,
            "versions": {package: version(package) for package in ("numpy", *contender.packages)},
        },
    )
    for line in sys.stdin:
        word, amount = line.split()
        tell(answers, lap(source, float(amount)) if word == "lap" else memory(source, int(amount)))


def tell(answers: IO[str], answer: dict[str, Any]) -> None:
    """Write one line."""
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def version(package: str) -> str:
    """Version of an imported name's distribution."""
    names = importlib.metadata.packages_distributions().get(package, [package])
    return importlib.metadata.version(names[0])


def lap(source: Any, seconds: float) -> dict[str, float]:
    """Take batches for so long; preparing an epoch is charged to each image alike, whether it fell into this lap."""
    for _ in range(WARM_UP):
        next(source.batches)
    known, images, start = len(source.epoch_seconds), 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        images += len(next(source.batches))
    spent -= sum(source.epoch_seconds[known:])
    if source.epoch_seconds:
        spent += images / source.epoch_images * statistics.median(source.epoch_seconds)
    return {"images": images, "seconds": spent}


def memory(source: Any, epochs: int) -> dict[str, list[float]]:
    """After each of so many epochs: megabytes that this process needs, and that it had got but not given back.

    The latter are garbage that Python has not collected yet and free memory between blocks that are in use.
    """
    needed: list[float] = []
    held: list[float] = []
    trim = ctypes.CDLL(None).malloc_trim  # glibc's
    while len(needed) < epochs:
        known = len(source.epoch_seconds)
        while len(source.epoch_seconds) == known:
            next(source.batches)
        before = own_megabytes()
        gc.collect()
        trim(0)
        needed.append(own_megabytes())
        held.append(before - needed[-1])
    return {"needed": needed, "held": held}


def own_megabytes() -> float:
    """Not VmRSS, which grows with the pages of the mapped data set that were touched."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
