"""Folders into which several versions of ferbench have written: what reads records reads all of them together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.records.record import READABLE_VERSIONS
from tests.support.forged_records import SMALL, edit_json, stored

ADDED = {
    3: {
        (): ("gpu",),
        ("spec",): ("views", "precision", "deterministic"),
        ("spec", "budget"): ("batch_size",),
        ("timings",): ("features_images_per_second",),
    },
    4: {(): ("memory", "calibration"), ("spec",): ("checkpointing",)},
}
"""Fields by the version that brought them, and by where they stand: older records lack them."""
OLDEST = 2


def write_as(version: int, folder: Path, *, seed: int, epoch_seconds: float) -> None:
    """A sound run as that version would have left it."""
    name = f"vgg16-scratch-pytorch-seed{seed}-{folder.name}"
    path = stored(folder, 0.68, budget=SMALL, run=name, seed=seed, epoch_seconds=epoch_seconds)

    def change(values: dict[str, Any]) -> None:
        values["schema_version"] = version
        for places in (fields for later, fields in ADDED.items() if later > version):
            for keys, names in places.items():
                target = values
                for key in keys:
                    target = target[key]
                for name in names:
                    del target[name]

    edit_json(path, change)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two machines, the second twice as fast; on each a seed by each version."""
    for name, seconds in (("slow", 10.0), ("fast", 5.0)):
        for seed, version in enumerate(READABLE_VERSIONS):
            write_as(version, tmp_path / name, seed=seed, epoch_seconds=seconds)
    return tmp_path / "slow", tmp_path / "fast"


def test_each_version_is_told_what_it_brought() -> None:
    assert {OLDEST, *ADDED} == set(READABLE_VERSIONS)


def test_they_are_read_together(folders: tuple[Path, Path], run_ferbench: Callable[..., tuple[int, str, str]]) -> None:
    slow, fast = folders
    count, paths = len(READABLE_VERSIONS), sorted(slow.glob("*.json"))
    code, out, _ = run_ferbench("compare", slow, fast, width=200)
    assert (code, f"({count} seeds, paired)" in out) == (0, True)
    code, out, _ = run_ferbench("runs", "list", slow, width=200)
    assert (code, [path.stem in out for path in paths]) == (0, [True] * count)
    code, out, _ = run_ferbench("runs", "show", *paths, width=200)
    assert (code, f"n = {count}" in out) == (0, True)
    code, out, _ = run_ferbench("judge", slow, width=200)
    assert (code, f"{count} sound, 0 refused" in out) == (0, True)
