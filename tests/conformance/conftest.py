"""What compiles a network of its own is slow on Keras."""

from __future__ import annotations

import pytest

from harness.interface import Implementation


@pytest.fixture
def quick(implementation: Implementation, request: pytest.FixtureRequest) -> None:
    """Leaves a model of its own on Keras, which takes ten seconds to compile, to --ferbench-slow."""
    if implementation.name == "keras3" and not request.config.getoption("ferbench_slow"):
        pytest.skip("compiles another network; runs with --ferbench-slow")
