"""Keras against PyTorch, before any training."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.commands.exit_codes import FAILED
from harness.papers import load_paper
from harness.parity.command import (
    choose_size,
    climb_variant,
    gpu_name,
    versions,
)
from harness.records.options import DEFAULT_PAPER
from harness.registry import choose_keras_backend
from harness.report.parity import conditions, ladder_page

app = typer.Typer()


@app.command(epilog="Exit codes: 0 every rung holds; 1 a rung fails; 2 wrong usage.")
def parity(
    variant: Annotated[str, typer.Argument(help="One that `ferbench variants` lists.")],
    *,
    keras_backend: options.Backend = None,
    width_divisor: Annotated[int | None, typer.Option(min=1, max=64, help="Of all channels. [default: 8]")] = None,
    input_size: Annotated[int | None, typer.Option(min=32, max=512, help="In pixels. [default: 32]")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, max=256, help="Images a batch. [default: 8]")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of weights, faces and gradients.")] = 0,
    device: options.DeviceOption = "cpu",
    full: Annotated[
        bool, typer.Option("--full", help="Full width, the paper's pixels, batches of 2: up to an hour on a CPU.")
    ] = False,
    paper: options.PaperName = DEFAULT_PAPER,
) -> None:
    """Do Keras and PyTorch compute the same? From pixels to training, each against PyTorch in float64."""
    chosen = choose_size(
        load_paper(paper).find_variant(variant),
        full=full,
        width_divisor=width_divisor,
        input_size=input_size,
        batch_size=batch_size,
    )
    backend = choose_keras_backend(keras_backend)
    failed = False
    for ladder in climb_variant(chosen, keras_backend=backend, device=device, seed=seed):
        show(ladder_page(ladder))
        failed |= ladder.first_failure is not None
    show(conditions(chosen, versions(backend), gpu=gpu_name(backend, device), seed=seed))
    if failed:
        raise typer.Exit(FAILED)
