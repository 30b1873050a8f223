"""The two implementations against the arbiter: where they part, the lowest failing rung and layer say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from climbing import LADDERS, climb_small, small_variant

from harness.interface import Implementation

Implementations = Mapping[str, Implementation]


@pytest.mark.parametrize("chosen", LADDERS)
def test_every_rung_holds(both_implementations: Implementations, chosen: tuple[str, int]) -> None:
    name, phase = chosen
    ladder = climb_small(both_implementations, small_variant(name), phase=phase)
    assert ladder.first_failure is None, ladder.first_failure
