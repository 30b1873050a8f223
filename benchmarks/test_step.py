"""Training images/s, held against bare loops and the machine's own matrix product: `pytest --ferbench-timing -s`.

Keras runs on every backend that is installed; each case is a process of its own.
Figures stand in docs/explanation/backends.md.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.measuring.turns import Pairs
from harness.papers import load_paper
from harness.plugin.base import require_implementation
from harness.registry import KERAS_BACKENDS, missing_framework

PAPER = load_paper("jahangir2024")

pytestmark = pytest.mark.timing

HARNESS_MAY_COST = 1.03
"""Of the seconds of a bare loop, at the upper end of the 95 % interval."""
OF_THE_PRODUCT = 0.9
"""Of the rate of the machine's own matrix product, for VGG16 in PyTorch on a CPU."""
SCRATCH = ("vgg16-scratch", "resnet50-scratch")
OTHERS = tuple(name for name in PAPER.variants if name not in SCRATCH)

FRAMEWORKS = ("pytorch", *(f"keras3-{backend}" for backend in KERAS_BACKENDS))
every_framework = pytest.mark.parametrize("framework", FRAMEWORKS)


def measure(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, framework: str, variant: str, *options: object
) -> dict:
    """What `step_worker.py` says of a variant in a framework, printed and kept in the benchmark's `extra_info`."""
    name, _, backend = framework.partition("-")
    if backend and missing_framework("keras3", backend):
        pytest.skip(f"Keras' backend {backend} is not installed")
    require_implementation(request.config, name)
    words = [sys.executable, Path(__file__).with_name("step_worker.py"), variant, name, *map(str, options)]
    if backend:
        words += ["--backend", backend]

    def work() -> dict:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    found = benchmark.pedantic(work, rounds=1, iterations=1)
    found |= summary(found)
    benchmark.extra_info.update(found)  # before any assertion, so that no evidence is lost
    print(f"\n{variant} {framework}: {found['line']}")
    return found


def summary(timings: dict) -> dict:
    """Medians, ranges and the interval of what a worker measured."""
    pairs = Pairs(timings["ours"], timings["bare"])
    lowest, highest = pairs.interval
    images = [timings["images"] / each for each in timings["ours"]]
    rate = statistics.median(timings["rates"])
    turns = zip(timings["beside_products"], timings["rates"], strict=True)
    fraction = statistics.median(timings["flops"] / seconds / 1e9 / product for seconds, product in turns)
    line = (
        f"{statistics.median(images):.1f} images/s ({min(images):.1f}-{max(images):.1f}), "
        f"{pairs.median:.3f} of the bare loop's seconds [{lowest:.3f}, {highest:.3f}], "
        f"{fraction:.2f} of the matrix product's {rate:.0f} GFLOP/s, n = {len(images)}"
    )
    return {
        "images_per_second": statistics.median(images),
        "over_bare": pairs.median,
        "interval": [lowest, highest],
        "of_the_product": fraction,
        "line": line,
    }


@every_framework
@pytest.mark.parametrize("variant", SCRATCH)
def test_the_harness_costs_next_to_nothing(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, framework: Any, variant: Any
) -> None:
    """Pictures warped, losses kept, examples weighted: against float arrays that lie ready."""
    found = measure(request, benchmark, framework, variant, "--batches", 2, "--turns", 24)
    assert found["interval"][1] <= HARNESS_MAY_COST, found["line"]


def test_vgg16_in_pytorch_reaches_the_rate_of_the_matrix_product(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture
) -> None:
    found = measure(request, benchmark, "pytorch", "vgg16-scratch", "--batches", 2, "--turns", 8)
    assert found["of_the_product"] >= OF_THE_PRODUCT, found["line"]


@every_framework
@pytest.mark.parametrize("variant", OTHERS)
def test_at_224_pixels(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, framework: Any, variant: Any
) -> None:
    """For information. Convolutions were seen to run at 1.3 times the product's rate, not at twice: work was done."""
    found = measure(request, benchmark, framework, variant, "--ferbench-batch-size", 4, "--batches", 2, "--turns", 6)
    assert 0 < found["of_the_product"] < 2, found["line"]
