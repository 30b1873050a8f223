"""The command `ferbench data`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.command_line import FerBench


def tiny_zip(path: Path) -> Path:
    """A zip of FER-2013's form with one picture, which is far too few."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((48, 48), 99, np.uint8)).save(buffer, "JPEG")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train/happy/Training_1.jpg", buffer.getvalue())
    return path


def test_deviations_are_listed(ferbench: FerBench, tmp_path: Path) -> None:
    outcome = ferbench("data", "inspect", tiny_zip(tmp_path / "tiny [1].zip"))
    assert outcome.code == 1
    for part in ("read as zip", "deviations from the known data set:", "1 (not 7,215)"):
        assert part in outcome.out
