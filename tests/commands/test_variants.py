"""The command `ferbench variants`."""

from __future__ import annotations

from harness.papers.variants import VARIANTS
from tests.support.command_line import FerBench


def test_variants_are_listed(ferbench: FerBench) -> None:
    outcome = ferbench("variants")
    assert outcome.code == 0
    for name in VARIANTS:
        assert name in outcome.out


def test_a_variant_has_its_sources(ferbench: FerBench) -> None:
    outcome = ferbench("variants", "vgg16-scratch")
    assert outcome.code == 0
    for part in ("learning_rate", "ASSUMED", "Table", "readings", "five-blocks"):
        assert part in outcome.out
