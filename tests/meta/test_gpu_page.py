"""GPU.md: its durations are the forecasts, and its list of what was not run is the code's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from harness.measuring.forecast import forecast, machine_of_gpu
from harness.records.spec import RunSpec
from harness.variant import Pipeline
from tests.support.papers import HARDWARE, PAPER
from tests.support.repository import ROOT

PAGE = (ROOT / "GPU.md").read_text(encoding="utf-8")
MARK = "# only on a GPU"
"""As `exclude_also` of coverage has it in pyproject.toml."""
CARD = "NVIDIA GeForce RTX 4080 SUPER"


def durations() -> Iterator[str]:
    """Rows of the table: PFLOP, and hours from and to, of each variant and of all."""
    machine, sums = machine_of_gpu(CARD, known=HARDWARE.gpu), [[0.0, 0.0], [0.0, 0.0]]
    pipelines: tuple[Pipeline, ...] = ("device", "generator")
    for name, variant in PAPER.variants.items():
        cells, operations = [], 0
        for pipeline, of_pipeline in zip(pipelines, sums, strict=True):
            found = forecast(RunSpec(variant, "pytorch", fer2013="fer2013.zip", pipeline=pipeline), machine, [])
            assert found.seconds is not None
            operations = found.operations
            cells.append(f"{found.seconds.low / 3600:.1f} to {found.seconds.high / 3600:.1f}")
            of_pipeline[0] += found.seconds.low
            of_pipeline[1] += found.seconds.high
        yield f"| {name} | {variant.epochs} | {operations / 1e15:.1f} | {' | '.join(cells)} |"
    totals = (f"{low / 1800:.1f} to {high / 1800:.1f}" for low, high in sums)
    yield f"| all, in both frameworks | | | {' | '.join(totals)} |"


def marked() -> set[tuple[str, str]]:
    """File and function of every place that is marked."""
    found = set()
    for folder in ("harness", "impls", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            numbers = [number for number, line in enumerate(text.splitlines(), 1) if MARK in line]
            functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
            for number in numbers:
                around = [each for each in functions if each.lineno <= number <= (each.end_lineno or 0)]
                found.add((path.relative_to(ROOT).as_posix(), max(around, key=lambda each: each.lineno).name))
    return found


def test_the_durations_are_the_forecasts() -> None:
    for row in durations():
        assert row in PAGE


def test_every_place_that_only_a_gpu_runs_is_listed() -> None:
    listed = set(re.findall(r"^\| `([\w/]+\.py)` \| `(\w+)` \|", PAGE.partition("## Not run")[2], re.MULTILINE))
    assert listed == marked()
    assert listed, "some places only a GPU can run"


def test_the_mark_is_the_one_that_coverage_leaves_out() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'exclude_also = ["{MARK}"]' in settings
