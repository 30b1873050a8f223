"""Which module a test file is named after."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from tests.support.repository import ROOT

UNIT = ROOT / "tests" / "unit"


def subject(path: Path) -> str | None:
    """What a test file is named after, in the mirrored folder: `test_X.py` and `test_X_more.py` after `X`.

    X is a module, a folder, or a file of data (`review.toml`); None if there is no such thing.

    Args:
        path: From `tests/unit`, or as if it lay there.
    """
    name = path.stem.removeprefix("test_")
    folder = ROOT / "harness" / path.parent
    names = {each.stem for each in folder.iterdir() if not each.name.startswith("_")} if folder.is_dir() else set()
    return max((each for each in names if f"{name}_".startswith(f"{each}_")), key=len, default=None)


def is_counted(path: Path) -> bool:
    """Whether the coverage of the module that a unit test is named after is counted."""
    if not path.is_relative_to(UNIT):
        return False
    mirrored = path.relative_to(UNIT)
    module = f"harness/{(mirrored.parent / (subject(mirrored) or '')).as_posix()}.py"
    return any(fnmatch(module, pattern) for pattern in _counted())


@cache
def _counted() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns: list[str] = settings["tool"]["coverage"]["run"]["include"]
    return patterns
