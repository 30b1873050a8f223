"""The parity ladder for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.parity.ladder import PEAK, RATIO, Ladder
from harness.runs.environment import read_environment
from harness.variant import Variant

ABOUT = (
    "Errors: root mean square of the difference from the arbiter, PyTorch in float64, in units of the tensor's own "
    f"root mean square; 1/{PEAK:g} of its largest element where that is more (25 steps in float32: upper quartile). "
    f"A rung holds if no error is above {RATIO:g} times the other's or the rung's floor, nor above its cap. "
    "Shown is the tensor nearest to its limit."
)


def ladder_page(ladder: Ladder) -> RenderableType:
    """One row a rung, from the lowest; then where it breaks first, if it does."""
    table = Table(title=_title(ladder), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("rung", no_wrap=True)
    table.add_column("tensors", justify="right")
    table.add_column("nearest to its limit", overflow="fold")
    for heading in ("Keras", "PyTorch", "allowed", "cap"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for name, worst in ladder.worst().items():
        on_rung = [each for each in ladder.comparisons if each.rung == name]
        failed = sum(not each.passed for each in on_rung)
        table.add_row(
            name,
            str(len(on_rung)),
            worst.tensor,
            _number(worst.keras3),
            _number(worst.pytorch),
            _number(worst.allowed),
            _number(worst.cap),
            Text(f"FAILS ({failed})", "red") if failed else Text("holds", "green"),
        )
    failure = ladder.first_failure
    return Group(table, Text(f"parts at {failure}", "red")) if failure else table


def conditions(variant: Variant, versions: Mapping[str, str], *, gpu: str | None, seed: int) -> RenderableType:
    """On what this was measured, and what the numbers are."""
    environment = read_environment(versions, gpu=gpu)
    where = gpu or f"{environment.cpu}, {environment.cpu_cores} cores"
    frameworks = ", ".join(f"{name} {version}" for name, version in versions.items())
    width = f"width ÷ {variant.width_divisor}" if variant.width_divisor != 1 else "full width"
    sizes = f"{width}, {variant.input_size}×{variant.input_size} pixels, batches of {variant.batch_size}"
    return Text(f"{ABOUT}\nconditions: {where}; {frameworks}; {sizes}; no dropout; seed {seed}")


def _title(ladder: Ladder) -> str:
    trained = {"all": "all layers", "head": "the head"}.get(
        ladder.phase.trainable, f"{ladder.phase.trainable} and what follows"
    )
    return f"{ladder.variant.name}, training {trained}: {'FAILED' if ladder.first_failure else 'every rung holds'}"


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"
