"""Where did the paper's time go?"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, get_args

import typer

from harness.attribution.alike import close
from harness.attribution.feeding import Task, measure_apart, sizes_of_pictures
from harness.attribution.prediction import Assumptions, predict_all
from harness.commands import options
from harness.commands.console import show
from harness.data.generator_speed import CORE_RATIO
from harness.interface import IMAGE_SIZE, ImplementationError
from harness.interval import Interval
from harness.measuring.assumptions import UTILISATION
from harness.papers import PaperError, load_paper
from harness.records.options import DEFAULT_PAPER, RunOptions
from harness.records.spec import RunSpec
from harness.registry import (
    IMPLEMENTATIONS,
    ImplementationName,
    choose_keras_backend,
    missing_framework,
)
from harness.report.attribution import AttributionReport, attribution_json, attribution_page
from harness.runs.specification import make_spec
from harness.variant import Pipeline

app = typer.Typer()

LARGE_BATCH, LARGE_ROUNDS, ROUNDS = 4, 3, 5
"""Where pictures are enlarged a step on a CPU takes seconds: fewer images a step, and fewer rounds."""


@app.command(epilog="Exit codes: 0 done; 1 a measurement failed; 2 wrong usage or data.")
def attribute(
    variant: Annotated[str, typer.Argument(help="One that `ferbench variants` lists.")],
    *,
    implementation: Annotated[
        ImplementationName | None, typer.Option(help="This one alone; all that are installed if left out.")
    ] = None,
    keras_backend: options.Backend = None,
    fer2013: options.Fer2013 = None,
    allow_deviating_data: options.Deviating = False,
    pipeline: Annotated[Pipeline | None, typer.Option(help="This one alone; all three if left out.")] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Images a batch; if left out the variant's, but 4 at 224×224 on a CPU."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.01, max=600, help="About so long for each part of a round.")] = 1.0,
    batches: Annotated[int | None, typer.Option(min=1, help="So many for each part of a round, not by time.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, max=100, help="How often; 5 if left out, 3 at 224×224.")] = None,
    paper: options.PaperName = DEFAULT_PAPER,
    device: options.DeviceOption = "cpu",
    threads: options.Threads = None,
    utilisation: Annotated[
        tuple[float, float], typer.Option(min=0.001, max=1, help="Share of its peak that the paper's card reaches.")
    ] = (UTILISATION.low, UTILISATION.high),
    core_ratio: Annotated[
        tuple[float, float], typer.Option(min=0.01, max=100, help="A core of the paper's CPU over one of this machine.")
    ] = (CORE_RATIO.low, CORE_RATIO.high),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Input alone, step alone, both together: what limits training here, and what does it say of the paper's times?

    Measures each framework in a process of its own, then predicts an epoch of all variants on the paper's machine
    from its card's peak and from the rate of the paper's generator, measured here. Minutes on a CPU.
    """
    about = load_paper(paper)
    if about.hardware is None:
        raise PaperError(
            f"{about.name} has no hardware.toml, so nothing is known of the machine that its times were taken on; "
            "add that file to the folder"
        )
    gpu = about.hardware.gpu
    assumptions = Assumptions(
        gpu.peak,
        peak_source=gpu.source,
        utilisation=_interval("--utilisation", utilisation),
        core_ratio=_interval("--core-ratio", core_ratio),
    )
    specs = [
        make_spec(
            variant,
            name,
            RunOptions(
                paper=paper,
                keras_backend=keras_backend,
                fer2013=fer2013,
                allow_deviating_data=allow_deviating_data,
                budget="paper",
                device=device,
                threads=threads,
                stand_in_weights=True,
            ),
        )
        for name in ([implementation] if implementation else _installed(keras_backend))
    ]
    measured = []
    for spec in specs:
        is_large = spec.variant.input_size > IMAGE_SIZE
        task = Task(
            _with_batches_of(spec, batch_size or (LARGE_BATCH if is_large and device == "cpu" else None)),
            pipelines=(pipeline,) if pipeline else get_args(Pipeline),
            pictures=sizes_of_pictures(about.variants.values()) if spec is specs[0] else (),
            seconds=seconds,
            rounds=rounds or (LARGE_ROUNDS if is_large else ROUNDS),
            batches=batches,
        )
        typer.echo(f"measuring {spec.label}", err=True)
        measured.append(measure_apart(task))
    predictions = list(predict_all(about, measured[0].pictures, assumptions))
    closing = close(predictions, about.hardware.alike) if about.hardware.alike else None
    report = AttributionReport(measured, assumptions, predictions, closing)
    if as_json:
        typer.echo(attribution_json(report))
    else:
        show(attribution_page(report))


def _installed(keras_backend: options.Backend) -> list[ImplementationName]:
    """Keras first: its generator is the paper's own."""
    backend = choose_keras_backend(keras_backend)
    found = [name for name in IMPLEMENTATIONS if missing_framework(name, backend) is None]
    if not found:
        raise ImplementationError("neither Keras nor PyTorch is installed; `pip install 'ferbench[cpu]'` brings both")
    return found


def _with_batches_of(spec: RunSpec, batch_size: int | None) -> RunSpec:
    return replace(spec, batch_size=batch_size if batch_size != spec.asked.batch_size else None)


def _interval(option: str, given: tuple[float, float]) -> Interval:
    try:
        return Interval(*given)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
