"""Shared fixtures: frameworks as parameters, the paper's text, profiles of Hypothesis."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from harness.plugin.base import require_implementation
from harness.registry import IMPLEMENTATIONS, load_implementation
from tests.support.mirror import is_counted

pytest_plugins = ["pytester"]

REHEARSED = "rehearsed"

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{REHEARSED}: the rehearsal of the GPU suite runs it too, for what it covers")


@pytest.hookimpl(tryfirst=True)  # before -m leaves any out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the modules whose coverage is counted (`[tool.coverage.run]`); other files mark their own."""
    counted = {path: is_counted(path) for path in {item.path for item in items}}
    for item in items:
        if counted[item.path]:
            item.add_marker(REHEARSED)


@pytest.fixture(scope="session", params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> Any:
    """Each framework in turn; a failing id ends in [keras3] or [pytorch]."""
    require_implementation(request.config, request.param)
    return load_implementation(request.param, keras_backend=request.config.getoption("keras_backend"))


@pytest.fixture(scope="session")
def both_implementations(request: pytest.FixtureRequest) -> Any:
    """Keras and PyTorch by name, for tests that hold one against the other."""
    for name in IMPLEMENTATIONS:
        require_implementation(request.config, name)
    backend = request.config.getoption("keras_backend")
    return {name: load_implementation(name, keras_backend=backend) for name in IMPLEMENTATIONS}


@pytest.fixture(scope="session")
def paper_text() -> Any:
    """The paper as text with white space collapsed; skips where FERBENCH_PAPER_TEXT is not set."""
    path = os.environ.get("FERBENCH_PAPER_TEXT")
    if not path:
        pytest.skip("needs the paper's text: set FERBENCH_PAPER_TEXT to its path")
    return " ".join(Path(path).read_text(encoding="utf-8").split())
