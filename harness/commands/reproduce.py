"""Train all variants in every framework."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer
from rich.markup import escape

from harness.commands.conclusion import conclude
from harness.commands.console import show
from harness.commands.exit_codes import EXIT_CODES
from harness.commands.options import OF_ALL_VARIANTS, RESULTS, takes_run_options
from harness.interface import ImplementationError
from harness.papers import load_paper
from harness.records.options import RunOptions
from harness.records.record import RunRecord
from harness.registry import IMPLEMENTATIONS, choose_keras_backend, missing_framework
from harness.runs.process import RunFailed, execute
from harness.runs.specification import lacks_weights, make_spec
from harness.weights.catalogue import WeightsError

app = typer.Typer()


@app.command(epilog=EXIT_CODES)
@takes_run_options(*OF_ALL_VARIANTS)
def reproduce(
    *,
    options: RunOptions,
) -> None:
    """Train all variants in every framework that is installed, and compare with the paper."""
    # where nothing can be compared with the paper anyway, nothing is fetched either
    paper = load_paper(options.paper)
    stand_ins = [
        name
        for name, variant in paper.variants.items()
        if options.stand_in_weights or (options.fer2013 is None and lacks_weights(variant, options.weights_dir))
    ]
    backend = choose_keras_backend(options.keras_backend)
    installed = [each for each in IMPLEMENTATIONS if missing_framework(each, backend) is None]
    if not installed:
        raise ImplementationError("neither Keras nor PyTorch is installed; `pip install 'ferbench[cpu]'` brings both")
    specs = [
        make_spec(name, implementation, replace(options, stand_in_weights=name in stand_ins))
        for name in paper.variants
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
            finished.append(execute(spec, options.results_dir or RESULTS))
        except (RunFailed, WeightsError) as error:  # one failing run does not stop the others
            failures.append(str(error))
            continue
        if finished[-1][1].status == "interrupted":
            break
    for failure in failures:
        show(f"[red]{escape(failure)}[/]")
    conclude(finished, paper, failed=bool(failures))
