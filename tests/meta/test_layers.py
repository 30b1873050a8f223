"""Imports run one way: a room imports from rooms above it in `ORDER` alone, dynamic imports included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.repository import ROOT

ORDER: Final = (
    "errors",
    "strictness",
    "variant",
    "interface",
    "child",
    "interval",
    "statistics",
    "architectures",
    "operations",
    "data",
    "papers",
    "weights",
    "registry",
    "training",
    "records",
    "measuring",
    "runs",
    "verification",
    "judging",
    "agreement",
    "parity",
    "attribution",
    "suites",
    "report",
    "commands",
    "plugin",
    "__main__",
)
"""From the ground up; `docs/architecture.md` says what belongs where."""

_DOTTED: Final = re.compile(r"harness(?:\.[a-z_0-9]+)+")


def modules() -> dict[str, Path]:
    """Of the harness, by dotted name; a package by its own name."""
    found = {}
    for path in sorted((ROOT / "harness").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(source: str) -> Iterator[str]:
    """Dotted names that a module imports from the harness: by statement, or named in a string that some loader gets."""
    docstrings = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError("a relative import: name the room")
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in docstrings
            and _DOTTED.fullmatch(node.value)
        ):
            yield node.value


def room(name: str) -> str:
    """Of a dotted name: `harness.data.pixels` lies in `data`."""
    return name.split(".")[1]


def upward(module: str, source: str) -> list[str]:
    """What a module imports from rooms below its own."""
    targets = [name for name in imported(source) if name.startswith("harness.")]
    return [name for name in targets if ORDER.index(room(name)) > ORDER.index(room(module))]


MODULES: Final = {name: path for name, path in modules().items() if name != "harness"}


def test_every_room_has_its_place() -> None:
    assert {room(name) for name in MODULES} == set(ORDER)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_upward(module: str) -> None:
    assert upward(module, MODULES[module].read_text(encoding="utf-8")) == []


def test_the_check_sees_an_upward_import() -> None:
    assert upward("harness.data.pixels", "from harness.report import tables") == ["harness.report.tables"]
    assert upward("harness.data.pixels", "load('harness.runs.process')") == ["harness.runs.process"]
    assert upward("harness.report.tables", "from harness.data import pixels") == []


def test_no_two_modules_of_a_room_import_each_other() -> None:
    """Cycles between modules: each can be read without the other."""
    edges = {
        name: {target for wanted in imported(path.read_text(encoding="utf-8")) for target in _module_of(wanted)}
        for name, path in MODULES.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in sorted(edges[name] - {name}):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(edges):
        visit(name, ())


def _module_of(wanted: str) -> Iterator[str]:
    for name in (wanted, wanted.rpartition(".")[0]):
        if name in MODULES:
            yield name
            return
