"""The two implementations against the arbiter: where they part, the lowest failing rung and layer say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from climbing import climb_small, small_variant

from harness.interface import Implementation

LADDERS = [
    pytest.param("vgg16-scratch", 0, id="vgg16-scratch"),
    pytest.param("vgg16-transfer", 0, id="vgg16-transfer"),
    pytest.param("vgg16-fine-tune", 0, id="vgg16-fine-tune"),
    pytest.param("resnet50-scratch", 0, id="resnet50-scratch"),
    pytest.param("resnet50-transfer", 0, id="resnet50-transfer"),
    pytest.param("resnet50-fine-tune", 0, id="resnet50-fine-tune-head"),
    pytest.param("resnet50-fine-tune", 1, id="resnet50-fine-tune"),
]
"""Every family, in each of its phases."""

Implementations = Mapping[str, Implementation]


@pytest.mark.parametrize(("name", "phase"), LADDERS)
def test_every_rung_holds(both_implementations: Implementations, name: str, phase: int) -> None:
    ladder = climb_small(both_implementations, small_variant(name), phase=phase)
    assert ladder.first_failure is None, ladder.first_failure
