"""What a race found, as people read it."""

from __future__ import annotations

import io
import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from input_peers.race import Interval, Runner, ratio


def verdict(found: Interval, aim: float) -> str:
    """Whether an aim is reached: by the whole interval, by the median alone, or not."""
    if found.low >= aim:
        return "met"
    return "median only" if found.median >= aim else "not met"


def fastest_peer(runners: Sequence[Runner]) -> Runner:
    """Of those that are not ours, the one with the highest median."""
    peers = [runner for runner in runners if runner.contender.kind != "ours"]
    return max(peers, key=lambda each: statistics.median(each.speeds))


def speed_table(
    runners: Sequence[Runner],
    ratios: Mapping[str, Interval],
    absent: Mapping[str, str],
    *,
    variant: str,
    cores: int,
    is_headline: bool,
) -> str:
    """Images/s, ratio to the paper's pipeline and, where aims are asked of it, what became of them."""
    laps = len(runners[0].speeds)
    fastest = fastest_peer(runners)
    table = Table(title=f"{variant}: batches of 32, {cores} core{'s' * (cores > 1)}, {laps} laps")
    for heading in ("contender", "images/s: median (range)", "× paper's: median (95 %)", "aim", "× fastest peer"):
        table.add_column(heading, justify="left" if heading == "contender" else "right", no_wrap=True)
    for runner in sorted(runners, key=lambda each: statistics.median(each.speeds)):
        contender, speeds = runner.contender, runner.speeds
        aim = dict(contender.aims).get(variant) if is_headline else None
        table.add_row(
            contender.name,
            f"{statistics.median(speeds):,.0f} ({min(speeds):,.0f}–{max(speeds):,.0f})",
            str(ratios[contender.name]),
            "" if aim is None else f"{aim:g}: {verdict(ratios[contender.name], aim)}",
            str(ratio(runner, fastest)) if contender.kind == "ours" else "",
        )
    for name, reason in absent.items():
        table.add_row(name, f"left out: {reason}", "", "", "", style="dim")
    console = Console(file=io.StringIO(), width=140)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
