"""What is imported when: one framework never brings another, and the harness brings none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.plugin.base import require_implementation
from tests.support.repository import ROOT

FRAMEWORKS = ("jax", "keras", "tensorflow", "torch")
SLOW = (*FRAMEWORKS, "scipy", "sklearn")
"""Packages that take longer to import than a command that only reads takes for its work."""

HARNESS = sorted(
    ".".join(path.relative_to(Path(harness.__file__).parents[1]).with_suffix("").parts)
    for path in Path(harness.__file__).parent.rglob("*.py")
    if path.name != "__init__.py"
)


def frameworks_after(statements: str) -> set[str]:
    """Frameworks that a fresh interpreter has imported after running some statements."""
    return imported_after(statements, FRAMEWORKS)


def imported_after(statements: str, names: tuple[str, ...]) -> set[str]:
    """Those of the packages that a fresh interpreter has imported after running some statements."""
    code = f"import sys\n{statements}\nprint()\nprint(*(name for name in {names} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_the_check_sees_an_import() -> None:
    name = next((each for each in FRAMEWORKS if importlib.util.find_spec(each)), None)
    if name is None:
        pytest.skip("no framework is installed")
    assert name in frameworks_after(f"import {name}")


def test_the_whole_harness_imports_no_framework() -> None:
    assert "harness.plugin.base" in HARNESS
    assert "harness.__main__" in HARNESS
    assert frameworks_after("\n".join(f"import {name}" for name in HARNESS)) == set()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--help"], (*SLOW, "numpy", "pydantic")),
        (["--version"], (*SLOW, "numpy", "pydantic", "rich")),
        (["judge", str(ROOT / "benchmarks" / "evidence")], SLOW),
        (["audit"], SLOW),
        (["expected", "--help"], SLOW),
        (["variants"], SLOW),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_imports_what_it_needs(arguments: list[str], names: tuple[str, ...]) -> None:
    run = f"""
sys.argv = ["ferbench", *{arguments}]
from harness.__main__ import main
try:
    main()
except SystemExit as leaving:
    assert not leaving.code, leaving.code
"""
    assert imported_after(run, names) == set()


def test_the_plugin_imports_nothing_slow() -> None:
    assert imported_after("import harness.plugin.base, harness.plugin.suite", SLOW) == set()


def test_pytest_with_the_plugin_imports_no_framework() -> None:
    assert frameworks_after("import harness.plugin.base, pytest\npytest.main(['--version'])") == set()


def test_pytorch_imports_torch_alone(request: pytest.FixtureRequest) -> None:
    require_implementation(request.config, "pytorch")
    found = frameworks_after("from harness.registry import load_implementation\nload_implementation('pytorch')")
    assert found == {"torch"}


def test_keras_on_jax_imports_neither_torch_nor_tensorflow(request: pytest.FixtureRequest) -> None:
    require_implementation(request.config, "keras3")
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs 'jax', which is not installed")
    load = "from harness.registry import load_implementation\nload_implementation('keras3', keras_backend='jax')"
    assert frameworks_after(load) == {"jax", "keras"}
