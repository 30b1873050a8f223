"""Folders into which several versions of ferbench have written: what reads records reads all of them together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.forged_records import SMALL, edit_json, stored
from tests.support.old_records import as_schema_4


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two machines, the second twice as fast; on each a seed by schema 4 and one by that of today."""
    for folder, seconds in (("slow", 10.0), ("fast", 5.0)):
        for seed in (0, 1):
            name = f"vgg16-scratch-pytorch-seed{seed}-{folder}"
            path = stored(tmp_path / folder, 0.68, budget=SMALL, run=name, seed=seed, epoch_seconds=seconds)
            if seed == 0:
                edit_json(path, lambda values: values.update(as_schema_4(values)))
    return tmp_path / "slow", tmp_path / "fast"


def test_they_are_read_together(folders: tuple[Path, Path], run_ferbench: Callable[..., tuple[int, str, str]]) -> None:
    slow, fast = folders
    paths = sorted(slow.glob("*.json"))
    code, out, _ = run_ferbench("compare", slow, fast, width=200)
    assert (code, "(2 seeds, paired)" in out) == (0, True)
    code, out, _ = run_ferbench("runs", "list", slow, width=200)
    assert (code, [path.stem in out for path in paths]) == (0, [True] * 2)
    code, out, _ = run_ferbench("runs", "show", *paths, width=200)
    assert (code, "n = 2" in out) == (0, True)
    code, out, _ = run_ferbench("judge", slow, width=200)
    assert (code, "2 sound, 0 refused" in out) == (0, True)
