"""`docs/architecture.md` has the rooms in their order, each with its package's docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.meta.test_layers import ORDER
from tests.support.repository import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.partition("Beside the harness")[0], re.MULTILINE))
PACKAGES = sorted((ROOT / "harness").rglob("__init__.py"))


def docstring(path: Path) -> str:
    """First paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def test_the_page_has_the_rooms_in_their_order() -> None:
    assert tuple(ROWS) == ORDER


@pytest.mark.parametrize("room", [room for room in ORDER if (ROOT / "harness" / room).is_dir()])
def test_a_row_is_the_packages_docstring(room: str) -> None:
    assert ROWS[room] == docstring(ROOT / "harness" / room / "__init__.py"), "copy the docstring into the page"


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.parent.name)
def test_every_package_says_in_a_sentence_what_belongs_there(path: Path) -> None:
    said = docstring(path)
    assert said.endswith(".")
    assert said.count(". ") == 0, "one sentence"
