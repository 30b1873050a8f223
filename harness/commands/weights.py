"""Look at ImageNet weights, and write them for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.report.weights import weights_table
from harness.weights.canonical import save_canonical
from harness.weights.catalogue import WeightsError
from harness.weights.locate import load_checkpoint

app = typer.Typer(no_args_is_help=True, help="Look at ImageNet weights, and write them for other programs.")


@app.command("list")
def weights_list(weights_dir: options.WeightsDir = None) -> None:
    """List the published files, which of them lie on this machine, and what the weights in those are."""
    show(weights_table(weights_dir))


@app.command("export")
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
