"""EXPECTED.md says what the harness says."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judging.bands import DECLARED_MARGIN, bands
from harness.paper.facts import facts
from harness.variants import VARIANTS, paper_fields, sources

TEXT = (Path(__file__).parents[2] / "EXPECTED.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VARIANTS)
def test_assumed_fields_are_listed(name):
    found = sources(name)
    assumed = [field for field in paper_fields() if found[field].assumed]
    wholly = ", ".join(field for field in assumed if not found[field].quote)
    partly = ", ".join(field for field in assumed if found[field].quote)
    assert f"| {name} | {wholly} | {partly} |" in TEXT


@pytest.mark.parametrize("name", VARIANTS)
def test_accuracies_are_the_papers_and_bands_are_ours(name):
    paper = f"| {name} | {100 * facts()[name].accuracy.value:.2f} % | {facts()[name].accuracy.place} |"
    band = bands().get(name)
    if band is None:
        assert f"{paper} none yet |" in TEXT
        return
    allowance = 100 * band.allowance
    assert f"{paper} ±{allowance:.1f} points; one or two seeds ±{allowance + 100 * DECLARED_MARGIN:.1f} |" in TEXT
    assert band.reason in TEXT
