"""What runs of a paper's length would take on the CPU at hand, before any begins; for 80 columns."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.measuring.forecast import Forecast, Machine
from harness.report.planned_suite import interval_text


def cpu_page(
    machine: Machine, whole: Mapping[str, Forecast], first: str | None, of_first: Forecast | None
) -> RenderableType:
    """Forecasts of one run of each variant, and what is worth beginning with.

    Args:
        machine: The CPU.
        whole: Forecast of one run of the paper's length, by variant.
        first: The variant with its readings that is run first; None where the paper names none.
        of_first: Its forecast.
    """
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("one run of the paper's length")
    table.add_column("on this CPU", justify="right")
    for name, each in whole.items():
        table.add_row(name, interval_text(each.seconds))
    parts: list[RenderableType] = [
        Text("What this machine can settle", "bold"),
        Text(f"{machine.name}; {machine.basis}"),
        table,
        Text("Three seeds of each are needed for a verdict. Fewer epochs are never compared."),
    ]
    if first is not None and of_first is not None:
        parts.append(
            Text(
                f"First: {first}, whose base is frozen and computed once for all epochs and seeds: "
                f"{interval_text(of_first.seconds)}, then minutes a seed. It is judged as a reading of the paper. "
                "Its features are kept on disk, so that it goes on where it was interrupted."
            )
        )
    return Group(*parts, Text())
