"""Train one variant in one framework."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.conclusion import conclude
from harness.commands.exit_codes import EXIT_CODES
from harness.papers import load_paper
from harness.records.spec import DEFAULT_PAPER
from harness.registry import ImplementationName
from harness.runs.asking import make_spec
from harness.runs.execute import execute

app = typer.Typer()


@app.command(epilog=EXIT_CODES)
def train(
    variant: Annotated[str, typer.Argument(help="Such as vgg16-scratch or vgg16-scratch@five-blocks.")],
    implementation: Annotated[ImplementationName, typer.Option(help="The framework.")],
    *,
    paper: options.PaperName = DEFAULT_PAPER,
    fer2013: options.Fer2013 = None,
    allow_deviating_data: options.Deviating = False,
    budget: options.Budget = None,
    budget_seconds: options.BudgetSeconds = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most so many; without --budget, no other cap holds.")
    ] = None,
    examples: Annotated[int | None, typer.Option(min=7, help="Train on so many images, by class; likewise.")] = None,
    batch_size: options.BatchSize = None,
    protocol: options.Protocol = "paper",
    seed: options.Seed = 0,
    device: options.DeviceOption = "cpu",
    threads: options.Threads = None,
    keras_backend: options.Backend = None,
    weights_dir: options.WeightsDir = None,
    stand_in_weights: options.StandIn = False,
    views: Annotated[
        int | None,
        typer.Option(min=1, help="Show so many augmented views of each image in turn. [default: a new one an epoch]"),
    ] = None,
    cached_features: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="VIEWS",
            help="Compute a frozen base once for so many augmented views of each image (1: as it is, where none is "
            "augmented) and keep what it gives on disk; implies --views.",
        ),
    ] = None,
    pipeline: options.PipelineOption = "device",
    precision: options.PrecisionOption = "float32",
    deterministic: options.Deterministic = False,
    checkpointing: options.Checkpointing = False,
    results_dir: options.Results = Path("results"),
) -> None:
    """Train one variant in one framework and keep the record."""
    about = load_paper(paper)
    spec = make_spec(
        variant,
        implementation,
        paper=about,
        keras_backend=keras_backend,
        fer2013=fer2013,
        allow_deviating_data=allow_deviating_data,
        budget=budget,
        seconds=budget_seconds,
        epochs=epochs,
        examples=examples,
        batch_size=batch_size,
        protocol=protocol,
        seed=seed,
        device=device,
        threads=threads,
        weights_dir=weights_dir,
        stand_in_weights=stand_in_weights,
        views=views,
        cached_features=cached_features,
        pipeline=pipeline,
        precision=precision,
        deterministic=deterministic,
        checkpointing=checkpointing,
    )
    conclude([execute(spec, results_dir)], about)
