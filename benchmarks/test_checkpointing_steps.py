"""What activation checkpointing costs in time: steps with and without it, in turns.

Figures stand in docs/explanation/memory.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.architectures import initial_weights
from harness.data.batches import training_batches
from harness.data.toyfaces import toyfaces
from harness.interface import Runtime
from harness.measuring.turns import Pairs, take_turns
from harness.operations import recomputed_image_flops, training_image_flops
from harness.papers import load_paper
from harness.plugin.base import require_implementation
from harness.registry import IMPLEMENTATIONS, ImplementationName, load_implementation

PAPER = load_paper("jahangir2024")

pytestmark = pytest.mark.timing

TURNS = 8
SLACK = 1.25
"""Over the operations: norms, poolings and what is fused otherwise are computed again too, and are not counted."""


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@pytest.mark.parametrize(("variant", "batch_size"), [("vgg16-transfer", 2), ("resnet50-scratch", 32)])
def test_a_step_is_not_computed_more_than_once_more(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, name: ImplementationName, variant: Any, batch_size: Any
) -> None:
    require_implementation(request.config, name)
    implementation = load_implementation(name, keras_backend=request.config.getoption("keras_backend"))
    chosen = replace(PAPER.find_variant(variant), batch_size=batch_size)
    faces = toyfaces(training=batch_size + 7, public_test=7, private_test=7)
    rows = faces.rows("training")[:batch_size]
    batches = training_batches(faces, rows, chosen, class_weights=np.ones(7), seed=0, epoch=0)

    def steps(*, checkpointing: bool) -> Any:
        model = implementation.build(
            chosen, weights=initial_weights(chosen, 0), seed=0, runtime=Runtime(checkpointing=checkpointing)
        )

        def step() -> None:
            model.train(batches, learning_rate=0.0)
            model.wait()

        return step

    ways = [steps(checkpointing=each) for each in (True, False)]
    seconds = benchmark.pedantic(lambda: take_turns(*ways, turns=TURNS), rounds=1, iterations=1)
    found = Pairs(*seconds)
    lowest, highest = found.interval
    phase = chosen.phases[0]
    operations = 1 + recomputed_image_flops(chosen, phase) / training_image_flops(chosen, phase)
    benchmark.extra_info.update(ratio=found.median, interval=[lowest, highest], operations=operations)
    line = (
        f"{found.median:.2f} [{lowest:.2f}, {highest:.2f}] times as long, {operations:.2f} by operations, n = {TURNS}"
    )
    print(f"\n{variant} {name}, batch {batch_size}: {line}")
    assert found.median <= SLACK * operations, line
