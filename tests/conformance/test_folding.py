"""The first convolution of grey pictures reads one channel while it is frozen: the same sums, grouped otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.interface import Implementation, Model, Runtime
from harness.plugin.base import require_implementation
from harness.registry import load_implementation
from harness.variant import Phase, Variant
from tests.support.checks import check_all_close_to_scale, check_same_bits
from tests.support.models import (
    SEED,
    build,
    faces,
    lively_weights,
    pretrained_variant,
)

HEAD, ALL = Phase(40, "head"), Phase(60, "all")
TOLERANCE = 1e-5
"""Of a layer's largest value, for sums of at most a few thousand float32 products. Seen: 6e-7 in PyTorch."""
TOLERANCE_FLOAT64 = 1e-13
"""The same in float64. Seen: 1.3e-15."""


def variant(name: str, **changes: Any) -> Variant:
    """One block or stage, frozen first and trained later; no dropout."""
    return pretrained_variant(name, blocks=1, phases=(HEAD, ALL), epochs=100, dropout=0.0, **changes)


def check_folding(model: Model, *, tolerance: float) -> None:
    """Hold every layer while the base is frozen against the same while it trains; the kernel keeps its channels."""
    batch, weights = faces(model.variant)[0], lively_weights(model.variant)
    model.set_weights(weights)
    folded = model.activations(batch, training=False)
    exported = {each: array.astype(np.float32) for each, array in model.get_weights().items()}
    check_same_bits(exported, weights, what="weights")
    model.start_phase(ALL)
    check_all_close_to_scale(folded, model.activations(batch, training=False), tolerance=tolerance, what="activations")


@pytest.mark.parametrize("name", ["vgg16-transfer", "resnet50-transfer"])
def test_folded_or_not_every_layer_computes_the_same(implementation: Implementation, name: str) -> None:
    check_folding(build(implementation, variant(name)), tolerance=TOLERANCE)


@pytest.mark.parametrize("name", ["vgg16-transfer", "resnet50-transfer"])
def test_in_float64_only_the_grouping_of_sums_is_left(request: pytest.FixtureRequest, name: str) -> None:
    require_implementation(request.config, "pytorch")
    narrow, runtime = variant(name), Runtime(threads=1, precision="float64")
    model = load_implementation("pytorch").build(narrow, weights=lively_weights(narrow), seed=SEED, runtime=runtime)
    check_folding(model, tolerance=TOLERANCE_FLOAT64)


@pytest.mark.parametrize(
    ("convention", "phase", "reads_all"),
    [
        pytest.param("unit-range", HEAD, False, id="frozen"),
        pytest.param("unit-range", ALL, True, id="trained"),
        pytest.param("caffe", HEAD, True, id="other-convention"),
    ],
)
def test_one_channel_is_read_only_where_all_are_equal_and_frozen(
    implementation: Implementation, convention: str, phase: Phase, reads_all: bool
) -> None:
    narrow = variant("vgg16-transfer", input_convention=convention)
    model, batch = build(implementation, narrow), faces(narrow)[0]
    model.start_phase(phase)
    pixels = model.pixels(batch)
    blank = np.concatenate([pixels[..., :1], np.zeros_like(pixels[..., 1:])], axis=-1)
    logits = [model.logits([replace(batch, pixels=each)]) for each in (pixels, blank)]
    assert (logits[0].tobytes() != logits[1].tobytes()) == reads_all
