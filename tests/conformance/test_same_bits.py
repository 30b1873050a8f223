"""One seed, the same bits: on a CPU in every framework and on every backend, with `--deterministic` and without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.plugin.base import require_implementation
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.records.store import read_arrays
from harness.registry import KERAS_BACKENDS, missing_framework
from harness.runs.process import execute
from harness.training.budget import Budget
from harness.variant import narrow
from tests.support.checks import check_same_bits
from tests.support.models import SEED, WIDTH_DIVISOR
from tests.support.papers import PAPER
from tests.support.repository import environment

FRAMEWORKS = ("pytorch", *(f"keras3-{backend}" for backend in KERAS_BACKENDS))
OTHERWISE = ("keras3-tensorflow",)
"""Who computes something in another way where it has to be deterministic, on a CPU too: TensorFlow its cross-entropy
(`tensorflow/python/ops/nn_ops.py`, `_sparse_softmax_cross_entropy_with_rank_2_logits`)."""
TINY = Budget("custom", epochs=2, examples=96, test_examples=64, input_size=48)


@pytest.fixture
def framework(request: pytest.FixtureRequest) -> str:
    """By name, with the backend; skips where it is not installed."""
    name, _, backend = request.param.partition("-")
    if backend and missing_framework("keras3", backend):
        pytest.skip(f"Keras' backend {backend} is not installed")
    require_implementation(request.config, name)
    return request.param


# the others take ten seconds to compile; PyTorch is asked in `test_runtime.py` as well
@pytest.mark.parametrize(
    "framework",
    [each if each == "keras3-torch" else pytest.param(each, marks=pytest.mark.slow) for each in FRAMEWORKS],
    indirect=True,
)
def test_the_same_seed_trains_to_the_same_bits(framework: str) -> None:
    """In two processes, which run at the same time."""
    started = start(framework, "ordinary-5", "ordinary-6", "deterministic-5")
    again, deterministic_again = digests(start(framework, "ordinary-5", "deterministic-5"))
    first, other, deterministic = digests(started)
    assert again == first
    assert other != first, "another dropout is another training"
    assert deterministic_again == deterministic
    assert (deterministic == first) == (framework not in OTHERWISE), "whether anything else is computed"


def start(framework: str, *hows: str) -> subprocess.Popen[str]:
    """A process that trains so often."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.bits_worker", framework, *hows],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def digests(process: subprocess.Popen[str]) -> list[str]:
    """What a process printed, once it is over."""
    printed, errors = process.communicate()
    assert process.returncode == 0, errors
    return printed.split()


@pytest.mark.slow
@pytest.mark.parametrize("deterministic", [False, True], ids=["ordinary", "deterministic"])
@pytest.mark.parametrize("framework", FRAMEWORKS, indirect=True)
def test_two_runs_leave_the_same_bits(framework: str, deterministic: bool, tmp_path: Path) -> None:
    """Each in a process of its own, on as many threads as the framework takes."""
    name, _, backend = framework.partition("-")
    variant = narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=WIDTH_DIVISOR)
    spec = RunSpec(variant, name, backend or None, budget=TINY, seed=SEED, deterministic=deterministic)  # type: ignore[arg-type]
    (path, first), (other, second) = execute(spec, tmp_path), execute(spec, tmp_path)
    assert (first.status, second.status) == ("complete", "complete")
    check_same_bits(read_arrays(other, second), read_arrays(path, first), what=f"second run, {framework}")
    assert second.arrays_sha256 == first.arrays_sha256
    assert learnt(second) == learnt(first)


def learnt(record: RunRecord) -> list[tuple[float, ...]]:
    """What epochs brought: all losses of training are in their sums."""
    return [
        (epoch.training_loss, epoch.training_accuracy, epoch.watched_loss, epoch.watched_accuracy)
        for epoch in record.history
    ]
