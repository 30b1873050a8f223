"""Train one variant in one framework."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.conclusion import conclude
from harness.commands.exit_codes import EXIT_CODES
from harness.commands.options import EVERY, RESULTS, takes_run_options
from harness.papers import load_paper
from harness.records.options import RunOptions
from harness.registry import ImplementationName
from harness.runs.process import execute
from harness.runs.specification import make_spec

app = typer.Typer()


@app.command(epilog=EXIT_CODES)
@takes_run_options(*EVERY)
def train(
    variant: Annotated[
        str, typer.Argument(help="One that `ferbench variants` lists, with readings behind an at-sign.")
    ],
    implementation: Annotated[ImplementationName, typer.Option(help="The framework.")],
    options: RunOptions,
) -> None:
    """Train one variant in one framework and keep the record."""
    spec = make_spec(variant, implementation, options)
    conclude([execute(spec, options.results_dir or RESULTS)], load_paper(options.paper))
