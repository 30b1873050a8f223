"""Look at data sets, variants and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.commands.options import FAILED
from harness.data.fer2013 import inspect_fer2013
from harness.data.inspection import format_inspection
from harness.papers.variants import find_variant
from harness.report.variants import variant_list, variant_page
from harness.report.weights import weights_table
from harness.weights.canonical import save_canonical
from harness.weights.catalogue import WeightsError
from harness.weights.locate import load_checkpoint

app = typer.Typer()
data = typer.Typer(no_args_is_help=True, help="Look at data sets.")
weights = typer.Typer(no_args_is_help=True, help="Look at ImageNet weights, and write them for other programs.")
app.add_typer(data, name="data")
app.add_typer(weights, name="weights")


@data.command("inspect")
def data_inspect(path: Annotated[Path, typer.Argument(help="Zip, folder or csv.")]) -> None:
    """Say what a data set holds, and in what it differs from FER-2013 as it is known."""
    inspection = inspect_fer2013(path)
    show(format_inspection(inspection))
    if inspection.deviations:
        raise typer.Exit(FAILED)


@app.command()
def variants(name: Annotated[str | None, typer.Argument(help="Show one with all sources.")] = None) -> None:
    """List the six variants and their readings."""
    show(variant_page(find_variant(name)) if name else variant_list())


@weights.command("list")
def weights_list(weights_dir: options.WeightsDir = None) -> None:
    """List the published files, which of them lie on this machine, and what the weights in those are."""
    show(weights_table(weights_dir))


@weights.command("export")
def weights_export(
    name: Annotated[str, typer.Argument(help="Such as keras-vgg16.")],
    path: Annotated[Path, typer.Argument(help="The safetensors file to write.")],
    weights_dir: options.WeightsDir = None,
) -> None:
    """Write published weights under canonical names, exact to the bit; they are fetched where they are missing."""
    if path.suffix != ".safetensors" or path.exists():
        raise WeightsError(
            f"{path}: expected the name of a new file that ends in .safetensors; nothing is written over"
        )
    read = load_checkpoint(name, weights_dir=weights_dir)
    save_canonical(path, read.weights, {"source": read.source, "file": read.file_name})
    show(f"{path}: {len(read.weights)} arrays of {name}, digest {read.digest}", soft_wrap=True)
