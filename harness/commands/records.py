"""Look at records of runs, and at two sets of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from harness.agreement.agreement import judge_agreement, read_side
from harness.commands.console import show
from harness.commands.options import NOT_REPRODUCED, USAGE
from harness.commands.train import print_results
from harness.papers.variants import find_variant
from harness.records.store import list_runs, read_run
from harness.report.agreement import agreement_page
from harness.report.records import record_page
from harness.report.tables import run_list
from harness.statistics import DECLARED_MARGIN

app = typer.Typer()
runs = typer.Typer(no_args_is_help=True, help="Look at records of runs.")
app.add_typer(runs, name="runs")


@runs.command("list")
def runs_list(
    results_dir: Annotated[Path, typer.Argument(help="Folder of records.")] = Path("results"),
) -> None:
    """List the records of a folder."""
    found, errors = list_runs(results_dir)
    show(run_list(found))
    for error in errors:
        show(f"[red]{escape(str(error))}[/]", soft_wrap=True)
    if errors:
        raise typer.Exit(USAGE)


@runs.command("show")
def runs_show(paths: Annotated[list[Path], typer.Argument(help="Records: results/….json.")]) -> None:
    """Show records and judge them together: several seeds of a variant get one verdict."""
    found = [(path, read_run(path)) for path in paths]
    if len(found) == 1:
        show(record_page(found[0][1]))
    print_results(found)


@app.command(epilog="Exit codes: 0 done; 2 wrong usage or data; 3 the accuracies of a variant are DIFFERENT.")
def agreement(
    runs_a: Annotated[Path, typer.Argument(help="Folder of records, or one record, of implementation A.")],
    runs_b: Annotated[Path, typer.Argument(help="Of B. May be the same folder, with --a and --b.")],
    *,
    a: Annotated[str | None, typer.Option("--a", help="A's name: keras3, keras3-jax, pytorch, …")] = None,
    b: Annotated[str | None, typer.Option("--b", help="B's name.")] = None,
    variant: Annotated[str | None, typer.Option(help="This one alone. [default: all]")] = None,
    margin: Annotated[
        float,
        typer.Option(min=0.01, max=100, help="Points of accuracy that do not matter; declare it before the runs."),
    ] = 100 * DECLARED_MARGIN,
) -> None:
    """Do two implementations agree after training? TOST over paired seeds, McNemar's test image by image."""
    name = find_variant(variant).name if variant else None
    first = read_side(runs_a, implementation=a, variant=name, option="a")
    second = read_side(runs_b, implementation=b, variant=name, option="b")
    agreements, left_out = judge_agreement(first, second, margin=margin / 100)
    show(agreement_page(agreements, left_out, first=first, second=second, margin=margin / 100))
    for line in dict.fromkeys([*first.damaged, *second.damaged]):
        show(f"[red]{escape(line)}[/]", soft_wrap=True)
    if first.damaged or second.damaged:
        raise typer.Exit(USAGE)
    if any(each.equivalence.kind == "DIFFERENT" for each in agreements):
        raise typer.Exit(NOT_REPRODUCED)
