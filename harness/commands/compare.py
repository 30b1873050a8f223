"""Two suites of runs, made on two machines perhaps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.console import show
from harness.commands.exit_codes import USAGE
from harness.report.comparison import comparison_json, comparison_page
from harness.suites.comparison import compare_suites
from harness.suites.saved import read_suite

app = typer.Typer()


@app.command(epilog="Exit codes: 0 done; 2 wrong usage or data, such as a damaged record.")
def compare(
    suite_a: Annotated[
        Path, typer.Argument(help="A file that --benchmark-save left (.benchmarks/…), or a folder of records.")
    ],
    suite_b: Annotated[Path, typer.Argument(help="The same of the other machine, commit or setting.")],
    *,
    results_a: Annotated[
        Path | None,
        typer.Option(help="Records that A's file names, for their epochs. [default: a folder `results` near it]"),
    ] = None,
    results_b: Annotated[Path | None, typer.Option(help="The same for B's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Hold two suites of runs against each other: ratios of seconds over epochs and seeds, differences in accuracy."""
    first = read_suite(suite_a, results_a, option="results-a")
    second = read_suite(suite_b, results_b, option="results-b")
    comparison = compare_suites(first, second)
    if as_json:
        typer.echo(comparison_json(comparison, first, second))
    else:
        show(comparison_page(comparison, first, second))
    if first.damaged or second.damaged:
        raise typer.Exit(USAGE)
