"""Two suites of runs against each other, for the terminal and for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.suites.comparison import (
    Compared,
    Estimate,
    RunPair,
    SuiteComparison,
)
from harness.suites.saved import SavedSuite

_ABOUT_TIMES = (
    "Ratios are B / A of the seconds of an epoch: below 1 where B is faster. Over seeds, the 95 % t interval is of the "
    "mean of their logarithms: it holds for further runs on these machines, and with one seed there is none. The first "
    "epoch is left out where the records are at hand: what a machine does once is in it."
)
_ABOUT_EPOCHS = (
    "Epochs that follow each other are alike, so the 95 % interval is of three batches of them (t, 2 degrees of "
    "freedom). It holds for these two runs, not for others on other days."
)
_ABOUT_ACCURACY = (
    "Of one seed, or where 0 lies in the interval, nothing follows: that accuracies are equivalent is shown by "
    "`ferbench agreement`, against a margin."
)


def comparison_page(comparison: SuiteComparison, first: SavedSuite, second: SavedSuite) -> RenderableType:
    """Conditions, times, accuracies, then run by run, then what was left out."""
    parts: list[RenderableType] = [Text(f"A = {first.path}\nB = {second.path}")]
    parts += _listed("different on the two sides", comparison.differences)
    if comparison.alike:
        parts.append(Text(f"the same: {'; '.join(comparison.alike)}"))
    parts += [Text(), _times(comparison.compared), Text(_ABOUT_TIMES), Text(), _accuracies(comparison.compared)]
    parts.append(Text(_ABOUT_ACCURACY))
    if pairs := [(each, pair) for each in comparison.compared for pair in each.pairs]:
        parts += [Text(), _runs(pairs), Text(_ABOUT_EPOCHS)]
    parts += _listed("by the run's sums, as no epochs are at hand", comparison.by_totals)
    parts += _listed("left out", [*comparison.left_out, *first.damaged, *second.damaged])
    return Group(*parts)


def comparison_json(comparison: SuiteComparison, first: SavedSuite, second: SavedSuite) -> str:
    """The same for programs, indented; what is not known is null."""
    return json.dumps(
        {
            "a": str(first.path),
            "b": str(second.path),
            "differences": comparison.differences,
            "alike": comparison.alike,
            "compared": [_compared_json(each) for each in comparison.compared],
            "by_totals": comparison.by_totals,
            "left_out": comparison.left_out,
            "damaged": [*first.damaged, *second.damaged],
        },
        indent=1,
        allow_nan=False,
    )


def _compared_json(compared: Compared) -> dict[str, object]:
    return {
        "variant": compared.first[0].variant,
        "implementation": compared.first[0].implementation,
        "labels": [compared.first[0].labels, compared.second[0].labels],
        "seeds": [[run.seed for run in side] for side in (compared.first, compared.second)],
        "basis": compared.basis,
        "epoch_seconds": compared.seconds,
        "ratio": _estimate_json(compared.ratio),
        "images_per_second": compared.images_per_second,
        "accuracies": compared.accuracies,
        "accuracy_difference": _estimate_json(compared.accuracy),
        "runs": [
            {
                "records": [pair.first.name, pair.second.name],
                "seeds": [pair.first.seed, pair.second.seed],
                "epoch_seconds": pair.seconds,
                "ratio_over_epochs": _estimate_json(pair.ratio),
            }
            for pair in compared.pairs
        ],
    }


def _estimate_json(estimate: Estimate) -> dict[str, object]:
    value = None if math.isnan(estimate.value) else estimate.value
    return {"value": value, "interval": estimate.interval, "method": estimate.method}


def _table(title: str, *headings: str) -> Table:
    # narrow and folded: in 80 columns a figure that ends in … says nothing
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(headings[0], overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _times(compared: Sequence[Compared]) -> Table:
    table = _table(
        "seconds an epoch, and images/s that train", "runs", "A", "B", "B / A", "95 % over seeds", "A img/s", "B img/s"
    )
    for each in compared:
        table.add_row(
            Text.assemble(each.name, (f"\n{each.basis}", "dim")),
            *map(_seconds, each.seconds),
            _ratio(each.ratio.value),
            _interval(each.ratio, _ratio),
            *("–" if rate is None else f"{rate:,.1f}" for rate in each.images_per_second),
        )
    return table


def _accuracies(compared: Sequence[Compared]) -> Table:
    table = _table("accuracy on paper_test in %; difference in points", "runs", "A", "B", "B − A", "95 % over seeds")
    for each in compared:
        is_known = not math.isnan(each.accuracy.value)
        table.add_row(
            Text(each.name),
            *(f"{100 * value:.2f}" for value in each.accuracies),
            _points(each.accuracy.value) if is_known else "–",
            _interval(each.accuracy, _points),
        )
    return table


def _runs(pairs: Sequence[tuple[Compared, RunPair]]) -> Table:
    table = _table("run by run: seconds an epoch", "runs", "seed", "A", "B", "B / A", "95 % over epochs")
    for compared, pair in pairs:
        seeds = dict.fromkeys([str(pair.first.seed), str(pair.second.seed)])
        table.add_row(
            Text(compared.name),
            " / ".join(seeds),
            *map(_seconds, pair.seconds),
            _ratio(pair.ratio.value),
            _interval(pair.ratio, _ratio),
        )
    return table


def _interval(estimate: Estimate, shown: Callable[[float], str]) -> str:
    if estimate.interval is None:
        return estimate.method
    return f"{' to '.join(map(shown, estimate.interval))} ({estimate.method})"


def _seconds(value: float) -> str:
    return f"{value:,.1f}" if value >= 100 else f"{value:#.3g}"


def _ratio(value: float) -> str:
    return f"{value:.3f}" if 0.01 <= value < 1000 else f"{value:.2e}"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.2f}".replace("-", "−")


def _listed(title: str, lines: Sequence[str]) -> list[RenderableType]:
    return [Text(f"{title} ({len(lines)}):"), *(Text(f"  {line}") for line in lines)] if lines else []
