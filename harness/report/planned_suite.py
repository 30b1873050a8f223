"""A suite of runs for the terminal: what it will take, how far it is, and what its seeds say together."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from rich.table import Table

from harness.interval import Interval
from harness.judging.bands import judge_compared
from harness.judging.comparability import compare_with
from harness.judging.speed_up import speed_up
from harness.judging.timing import seconds_per_epoch
from harness.papers.paper import Paper
from harness.report.differences import reason_text
from harness.report.tables import Runs, group_runs
from harness.runs.planned_suite import Planned, PlannedSuite


def duration_text(seconds: float) -> str:
    """`95 s`, `12 min`, `7.4 h`, `3.1 days`."""
    for most, size, unit in ((120, 1, "s"), (7200, 60, "min")):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def interval_text(interval: Interval | None) -> str:
    """`7.4 h to 2.1 days`; `unknown` without one."""
    if interval is None:
        return "unknown"
    low, high = duration_text(interval.low), duration_text(interval.high)
    return low if low == high else f"{low} to {high}"


def _together(runs: Sequence[Planned]) -> Interval | None:
    """One after the other, those left aside that need not be trained; None where one is not known."""
    found = [each.forecast.seconds for each in runs if each.earlier is None]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    return Interval(sum(each.low for each in known), sum(each.high for each in known))


def forecast_table(suite: PlannedSuite) -> Table:
    """One row a variant and implementation, and the sum."""
    table = Table(title=f"estimate before the start, {len(suite.runs)} runs", title_justify="left")
    table.add_column("variant", overflow="fold")
    table.add_column("implementation", overflow="fold")
    for heading in ("runs", "TFLOP a run", "estimate"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("from", overflow="fold")
    groups: dict[tuple[str, str], list[Planned]] = {}
    for each in suite.runs.values():
        backend = f" ({each.spec.keras_backend})" if each.spec.keras_backend else ""
        groups.setdefault((each.spec.variant.name, each.spec.implementation + backend), []).append(each)
    for (variant, implementation), group in groups.items():
        reused = sum(each.earlier is not None for each in group)
        bases = dict.fromkeys(each.forecast.basis for each in group if each.earlier is None)
        table.add_row(
            variant,
            implementation,
            f"{len(group)}" + (f", {reused} reused" if reused else ""),
            f"{group[0].forecast.operations / 1e12:,.1f}",
            interval_text(_together(group)),
            "; ".join(bases) or "records that are there",
        )
    table.add_section()
    table.add_row("all", "", str(len(suite.runs)), "", interval_text(_together(list(suite.runs.values()))), "")
    return table


def progress_line(suite: PlannedSuite) -> str:
    """How far the whole suite is."""
    left = suite.seconds_left()
    rest = "time left not known yet" if left is None else f"about {duration_text(left)} left"
    line = f"ferbench: {suite.finished} of {len(suite.runs)} runs in {duration_text(suite.elapsed)}"
    return f"{line}, {rest}" if suite.pending else line


def seed_lines(runs: Runs, paper: Paper) -> Iterator[str]:
    """Mean, spread, speed-up and the verdict on the time of each variant and implementation, over all its seeds."""
    for (variant, implementation), group in group_runs(runs).items():
        records = [record for _, record in group if record.status == "complete"]
        if not records:
            continue
        label, count = f"{variant} {implementation}", len({record.spec.seed for record in records})
        accuracies = [record.scores["paper_test"].accuracy for record in records]
        seconds = [each for each in map(seconds_per_epoch, records) if each is not None]
        parts = [f"accuracy {_mean_text([100 * each for each in accuracies], '%')}"]
        parts += [f"epoch {_mean_text(seconds, 's')}"] if seconds else []
        yield f"{label}: {count} seed{'' if count == 1 else 's'}; {', '.join(parts)}"
        compared = [compare_with(paper, record) for record in records]
        faster = speed_up(compared, paper)
        if faster:
            yield f"{label}: {faster}"
        if compared[-1].differences and all(each.time_differences for each in compared):  # the table says it already
            continue
        times = [each.verdict for each in judge_compared(compared, paper) if each.band.quantity == "seconds"]
        yield from dict.fromkeys(f"{label}: time {verdict.kind}: {reason_text(verdict)}" for verdict in times)


def _mean_text(values: Sequence[float], unit: str) -> str:
    mean = f"{statistics.fmean(values):.2f}"
    return f"{mean} {unit}" if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.2f} {unit}"
