"""The command `ferbench variants`."""

from __future__ import annotations

from tests.support.command_line import FerBench
from tests.support.papers import PAPER


def test_variants_are_listed(ferbench: FerBench) -> None:
    outcome = ferbench("variants")
    assert outcome.code == 0
    for name in PAPER.variants:
        assert name in outcome.out


def test_a_variant_has_its_sources(ferbench: FerBench) -> None:
    outcome = ferbench("variants", "vgg16-scratch")
    assert outcome.code == 0
    for part in ("learning_rate", "ASSUMED", "Table", "readings", "five-blocks"):
        assert part in outcome.out
