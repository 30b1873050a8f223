"""The paper that most tests are about."""

from __future__ import annotations

from typing import Final

from harness.papers import Paper, load_paper

PAPER: Final[Paper] = load_paper("jahangir2024")
