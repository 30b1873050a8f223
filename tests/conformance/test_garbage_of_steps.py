"""What a step of Keras on torch leaves to Python's collector, and that in a run it does not pile up."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.plugin.base import require_implementation
from tests.support.repository import environment

WAITING = 10
"""Activations that nothing refers to and that were not collected. Seen after 180 steps of a process as it comes: 56."""
WORKER = """
import gc
from dataclasses import replace

import torch
from tests.support.models import build, faces

from harness.registry import load_implementation
from harness.runs.device_memory import settle
from harness.papers.variants import narrow

variant = replace(narrow(PAPER.find_variant("resnet50-scratch"), width_divisor=16), batch_size=8)
model = build(load_implementation("keras3", keras_backend="torch"), variant)
batches = list(faces(variant)) * 15


def waiting():
    for _ in range(3):
        model.train(batches, learning_rate=1e-3)
    return sum(type(each) is torch.Tensor and each.grad_fn is not None for each in gc.get_objects())


print(waiting())
settle()
print(waiting())
"""


@pytest.mark.slow
def test_activations_of_earlier_steps_do_not_wait_for_the_collector(request: pytest.FixtureRequest) -> None:
    for name in ("keras3", "pytorch"):
        require_implementation(request.config, name)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORKER],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert after <= WAITING < before
