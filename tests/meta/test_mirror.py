"""Tests lie where one looks for them: `tests/unit` mirrors `harness`, and a file is named after what it tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repository import ROOT

UNIT = ROOT / "tests" / "unit"
COMMANDS = ROOT / "tests" / "commands"
WHOLE = Path("commands") / "test_command_line.py"
"""Of all commands together."""
FILES = sorted(
    {path.relative_to(UNIT) for path in UNIT.rglob("test_*.py")}
    | {path.relative_to(COMMANDS.parent) for path in COMMANDS.rglob("test_*.py")} - {WHOLE}
)


def subject(path: Path) -> str | None:
    """What a test file is named after, in the mirrored folder: `test_X.py` and `test_X_more.py` after `X`.

    X is a module, a folder, or a file of data (`review.toml`); None if there is no such thing.
    """
    name = path.stem.removeprefix("test_")
    folder = ROOT / "harness" / path.parent
    names = {each.stem for each in folder.iterdir() if not each.name.startswith("_")} if folder.is_dir() else set()
    return max((each for each in names if f"{name}_".startswith(f"{each}_")), key=len, default=None)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_is_named_after_what_it_tests(path: Path) -> None:
    assert subject(path), f"harness/{path.parent} holds nothing that {path.name} is named after"


def test_the_check_sees_a_stray_file() -> None:
    assert subject(Path("data/test_pixels.py")) == "pixels"
    assert subject(Path("data/test_pixels_properties.py")) == "pixels"
    assert subject(Path("data/test_pixelation.py")) is None
    assert subject(Path("nowhere/test_pixels.py")) is None
