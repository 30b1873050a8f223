"""The paper that most tests are about, and differences from it as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from harness.judging.differences import Difference
from harness.papers import Paper, load_paper
from harness.papers.hardware import Hardware
from harness.papers.loading import BUILT_IN

PAPER: Final[Paper] = load_paper("jahangir2024")
assert PAPER.hardware is not None
HARDWARE: Final[Hardware] = PAPER.hardware


def told(differences: Iterable[Difference]) -> list[str]:
    """Each difference in words."""
    from harness.report.differences import difference_text

    return [difference_text(each) for each in differences]


def with_seventh_variant(folder: Path) -> Path:
    """The data of the paper in a folder of one's own, and a variant of which nothing else is said.

    `a-seventh-one` has the fields of the first variant, and another learning rate.
    """
    folder.mkdir()
    for file in (BUILT_IN / PAPER.name).glob("*.toml"):
        (folder / file.name).write_bytes(file.read_bytes())
    first = next(iter(PAPER.variants))
    own = folder / "variants.toml"
    text = own.read_text(encoding="utf-8")
    entries = text.partition(f"[variants.{first}]\n")[2].partition("\n[variants.")[0]
    other = entries.replace("learning_rate = { value = 1e-4", "learning_rate = { value = 3e-4")
    assert other != entries
    own.write_text(f"{text}\n[variants.a-seventh-one]\n{other}\n", encoding="utf-8")
    return folder
