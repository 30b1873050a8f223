"""Look at data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.console import show
from harness.commands.exit_codes import FAILED
from harness.data.fer2013 import inspect_fer2013
from harness.data.inspection import format_inspection

app = typer.Typer(no_args_is_help=True, help="Look at data sets.")


@app.command("inspect")
def data_inspect(path: Annotated[Path, typer.Argument(help="Zip, folder or csv.")]) -> None:
    """Say what a data set holds, and in what it differs from FER-2013 as it is known."""
    inspection = inspect_fer2013(path)
    show(format_inspection(inspection))
    if inspection.deviations:
        raise typer.Exit(FAILED)
