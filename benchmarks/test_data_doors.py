"""How long the real data set takes to read, and how much memory: `pytest --ferbench-timing --fer2013 ZIP`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.data.fer2013 import load_fer2013
from harness.interface import CLASSES

CSV_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CSV_USAGES = ("Training", "PublicTest", "PrivateTest")

pytestmark = [pytest.mark.timing, pytest.mark.dataset]


@pytest.fixture(scope="module")
def csv_path(fer2013_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The real data set as `fer2013.csv`, in full size."""
    dataset = load_fer2013(fer2013_path, cache=False)
    path = tmp_path_factory.mktemp("csv") / "fer2013.csv"
    words = np.array([str(level) for level in range(256)])
    with path.open("w", encoding="ascii") as file:
        file.write("emotion,pixels,Usage\n")
        for image, label, split in zip(dataset.images, dataset.labels, dataset.splits, strict=True):
            emotion = CSV_CLASSES.index(CLASSES[label])
            file.write(f"{emotion},{' '.join(words[image.ravel()])},{CSV_USAGES[split]}\n")
    return path


@pytest.fixture(params=["zip", "csv"])
def source(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("fer2013_path" if request.param == "zip" else "csv_path")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path))
    return tmp_path


def test_cold(source: Path, cache: Path, benchmark: BenchmarkFixture) -> None:
    def forget() -> None:
        shutil.rmtree(cache)
        cache.mkdir()

    dataset = benchmark.pedantic(load_fer2013, args=(source,), setup=forget, rounds=5, iterations=1)
    assert len(dataset) == 35_887


def test_warm(source: Path, cache: Path, benchmark: BenchmarkFixture) -> None:
    load_fer2013(source)
    dataset = benchmark.pedantic(load_fer2013, args=(source,), rounds=5, iterations=1)
    assert len(dataset) == 35_887


@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
def test_peak_memory(source: Path, cache: Path, benchmark: BenchmarkFixture, is_warm: bool) -> None:
    """The peak of a fresh process that reads the whole set; the benchmark's time is that process' wall-clock."""
    if is_warm:
        load_fer2013(source)
    # VmHWM, not ru_maxrss: the latter starts with what the parent had when it forked
    code = (
        "import sys; from pathlib import Path; from harness.data.fer2013 import load_fer2013\n"
        "load_fer2013(Path(sys.argv[1])).images.sum()\n"
        "print(*[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )

    def read() -> int:
        answer = subprocess.run([sys.executable, "-c", code, source], capture_output=True, text=True, check=True)
        return int(answer.stdout)

    megabytes = benchmark.pedantic(read, rounds=1, iterations=1) / 1024
    benchmark.extra_info["peak_megabytes"] = megabytes
    assert megabytes < 700
