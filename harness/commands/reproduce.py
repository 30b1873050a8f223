"""Train all variants in every framework."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape

from harness.commands import options
from harness.commands.conclusion import conclude
from harness.commands.console import show
from harness.commands.exit_codes import EXIT_CODES
from harness.interface import ImplementationError
from harness.papers import load_paper
from harness.records.record import RunRecord
from harness.records.spec import DEFAULT_PAPER
from harness.registry import IMPLEMENTATIONS, choose_keras_backend, missing_framework
from harness.runs.asking import lacks_weights, make_spec
from harness.runs.execute import RunFailed, execute
from harness.weights.catalogue import WeightsError

app = typer.Typer()


@app.command(epilog=EXIT_CODES)
def reproduce(
    *,
    paper: options.PaperName = DEFAULT_PAPER,
    fer2013: options.Fer2013 = None,
    allow_deviating_data: options.Deviating = False,
    budget: options.Budget = None,
    budget_seconds: options.BudgetSeconds = None,
    protocol: options.Protocol = "paper",
    seed: options.Seed = 0,
    device: options.DeviceOption = "cpu",
    threads: options.Threads = None,
    keras_backend: options.Backend = None,
    weights_dir: options.WeightsDir = None,
    stand_in_weights: options.StandIn = False,
    pipeline: options.PipelineOption = "device",
    precision: options.PrecisionOption = "float32",
    deterministic: options.Deterministic = False,
    checkpointing: options.Checkpointing = False,
    results_dir: options.Results = Path("results"),
) -> None:
    """Train all variants in every framework that is installed, and compare with the paper."""
    # where nothing can be compared with the paper anyway, nothing is fetched either
    about = load_paper(paper)
    stand_ins = [
        name
        for name, variant in about.variants.items()
        if stand_in_weights or (fer2013 is None and lacks_weights(variant, weights_dir))
    ]
    installed = [
        each for each in IMPLEMENTATIONS if missing_framework(each, choose_keras_backend(keras_backend)) is None
    ]
    if not installed:
        raise ImplementationError("neither Keras nor PyTorch is installed; `pip install 'ferbench[cpu]'` brings both")
    specs = [
        make_spec(
            name,
            implementation,
            paper=about,
            keras_backend=keras_backend,
            fer2013=fer2013,
            allow_deviating_data=allow_deviating_data,
            budget=budget,
            seconds=budget_seconds,
            protocol=protocol,
            seed=seed,
            device=device,
            threads=threads,
            weights_dir=weights_dir,
            stand_in_weights=name in stand_ins,
            pipeline=pipeline,
            precision=precision,
            deterministic=deterministic,
            checkpointing=checkpointing,
        )
        for name in about.variants
        for implementation in installed
    ]
    for missing in set(IMPLEMENTATIONS) - set(installed):
        show(f"[yellow]{missing} is not installed: half of the table will be missing[/]")
    show(f"{len(specs)} runs, budget {specs[0].budget.name}")
    pretended = [spec.label for spec in specs if spec.stand_in_weights]
    if pretended:
        show(
            f"[yellow]drawn weights stand in for ImageNet's (--weights-dir names those on this machine):[/] "
            f"{', '.join(pretended)}"
        )
    finished: list[tuple[Path, RunRecord]] = []
    failures: list[str] = []
    for spec in specs:
        try:
            finished.append(execute(spec, results_dir))
        except (RunFailed, WeightsError) as error:  # one failing run does not stop the others
            failures.append(str(error))
            continue
        if finished[-1][1].status == "interrupted":
            break
    for failure in failures:
        show(f"[red]{escape(failure)}[/]")
    conclude(finished, about, failed=bool(failures))
