"""Look at records of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from harness.commands import options
from harness.commands.conclusion import print_results
from harness.commands.console import show
from harness.commands.exit_codes import USAGE
from harness.papers import load_paper
from harness.records.options import DEFAULT_PAPER
from harness.records.store import convert_run, list_runs, read_run
from harness.report.records import record_page
from harness.report.tables import run_list

app = typer.Typer(no_args_is_help=True, help="Look at records of runs.")


@app.command("list")
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


@app.command("convert")
def runs_convert(paths: Annotated[list[Path], typer.Argument(help="Records: results/….json.")]) -> None:
    """Write records of an earlier schema anew in that of today. All commands read them as they are, too."""
    for path in paths:
        show(f"{path}: {'converted' if convert_run(path) else 'is of the schema of today'}", soft_wrap=True)


@app.command("show")
def runs_show(
    paths: Annotated[list[Path], typer.Argument(help="Records: results/….json.")],
    *,
    paper: options.PaperName = DEFAULT_PAPER,
) -> None:
    """Show records and judge them together: several seeds of a variant get one verdict."""
    found = [(path, read_run(path)) for path in paths]
    if len(found) == 1:
        show(record_page(found[0][1]))
    print_results(found, load_paper(paper))
