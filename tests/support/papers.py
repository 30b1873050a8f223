"""The paper that most tests are about, and differences from it as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from harness.judging.differences import Difference
from harness.papers import Paper, load_paper
from harness.papers.hardware import Hardware

PAPER: Final[Paper] = load_paper("jahangir2024")
assert PAPER.hardware is not None
HARDWARE: Final[Hardware] = PAPER.hardware


def told(differences: Iterable[Difference]) -> list[str]:
    """Each difference in words."""
    from harness.report.differences import difference_text

    return [difference_text(each) for each in differences]
