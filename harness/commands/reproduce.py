"""Show what is known and reproduce a small paper; or train a paper's variants and compare with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from harness.commands.conclusion import conclude
from harness.commands.console import show
from harness.commands.demonstration import demonstrate
from harness.commands.exit_codes import EXIT_CODES
from harness.commands.options import OF_ALL_VARIANTS, RESULTS, takes_run_options
from harness.interface import ImplementationError
from harness.measuring.forecast import forecast, machine_of_cpu
from harness.papers import load_paper
from harness.papers.paper import Paper
from harness.records.options import RunOptions
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.registry import IMPLEMENTATIONS, ImplementationName, choose_keras_backend, missing_framework
from harness.report.on_this_cpu import cpu_page
from harness.runs.environment import cpu_name
from harness.runs.process import RunFailed, execute
from harness.runs.specification import lacks_weights, make_spec
from harness.statistics.seeds import SEEDS_NEEDED
from harness.weights.catalogue import WeightsError

app = typer.Typer()

FREE: Final = ("seed", "device", "threads", "keras_backend", "deterministic", "results_dir", "weights_dir")
"""Options that leave the demonstration what it is."""


@app.command(epilog=EXIT_CODES)
@takes_run_options(*OF_ALL_VARIANTS)
def reproduce(
    *,
    variant: Annotated[
        str | None, typer.Option(help="This one alone, with readings behind an at-sign.", show_default="all")
    ] = None,
    implementation: Annotated[
        ImplementationName | None, typer.Option(help="This framework alone.", show_default="all installed")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, help="Runs of each, with seeds from --seed on.", show_default="1; 3 where that gives a verdict"
        ),
    ] = None,
    options: RunOptions,
) -> None:
    """Show what is known and reproduce a small paper; with a data set, train and judge all variants.

    Without a data set the small paper takes minutes, in every framework that is installed. With --fer2013 or --budget,
    the paper's own variants are trained; on a CPU without --budget, only what that settles in reasonable time.
    """
    paper, installed = load_paper(options.paper), _installed(options, implementation)
    results = options.results_dir or RESULTS
    if variant is None and _asks_for_nothing(options):
        demonstrate(options, installed, results, seeds or SEEDS_NEEDED)
        return
    if variant is None and paper.first_on_cpu is not None and _is_on_cpu_without_budget(options):
        _say_what_a_cpu_settles(paper, options, installed[0])
        options = replace(options, budget="paper", cached_features=1)
        names: Sequence[str] = (paper.first_on_cpu,)
        seeds = seeds or SEEDS_NEEDED
    else:
        names = (variant,) if variant else tuple(paper.variants)
    specs = _specs(paper, names, installed, options, seeds or 1)
    _announce(specs, installed, implementation)
    finished, failures = _run_all(specs, results)
    for failure in failures:
        show(f"[red]{escape(failure)}[/]")
    conclude(finished, paper, failed=bool(failures))


def _installed(options: RunOptions, wanted: ImplementationName | None) -> tuple[ImplementationName, ...]:
    backend = choose_keras_backend(options.keras_backend)
    found = tuple(each for each in IMPLEMENTATIONS if missing_framework(each, backend) is None)
    if not found:
        raise ImplementationError("neither Keras nor PyTorch is installed; `pip install 'ferbench[cpu]'` brings both")
    return (wanted,) if wanted else found


def _asks_for_nothing(options: RunOptions) -> bool:
    """Return whether nothing is asked that the demonstration leaves aside."""
    default = RunOptions()
    return replace(options, **{name: getattr(default, name) for name in FREE}) == default


def _is_on_cpu_without_budget(options: RunOptions) -> bool:
    caps = (options.budget, options.budget_seconds)
    return options.fer2013 is not None and options.device == "cpu" and caps == (None, None)


def _say_what_a_cpu_settles(paper: Paper, options: RunOptions, implementation: ImplementationName) -> None:
    """Print how long runs of the paper's length take here, before any begins."""
    machine, whole = machine_of_cpu(cpu_name()), replace(options, budget="paper")
    asked = {name: make_spec(name, implementation, whole) for name in paper.variants}
    first = paper.first_on_cpu
    of_first = make_spec(first, implementation, replace(whole, cached_features=1)) if first else None
    show(
        cpu_page(
            machine,
            {name: forecast(spec, machine, []) for name, spec in asked.items()},
            first,
            forecast(of_first, machine, []) if of_first else None,
        )
    )


def _specs(
    paper: Paper,
    names: Sequence[str],
    installed: Sequence[ImplementationName],
    options: RunOptions,
    seeds: int,
) -> list[RunSpec]:
    """Every run that is asked for, the seeds of one variant and framework after each other."""
    # where nothing can be compared with the paper anyway, nothing is fetched either
    stand_ins = {
        name
        for name in names
        if options.stand_in_weights
        or (options.fer2013 is None and lacks_weights(paper.find_variant(name), options.weights_dir))
    }
    return [
        make_spec(name, each, replace(options, stand_in_weights=name in stand_ins, seed=options.seed + seed))
        for name in names
        for each in installed
        for seed in range(seeds)
    ]


def _announce(
    specs: Sequence[RunSpec], installed: Sequence[ImplementationName], wanted: ImplementationName | None
) -> None:
    for missing in set() if wanted else set(IMPLEMENTATIONS) - set(installed):
        show(f"[yellow]{missing} is not installed: half of the table will be missing[/]")
    show(f"{len(specs)} runs, budget {specs[0].budget.name}")
    pretended = [spec.label for spec in specs if spec.stand_in_weights]
    if pretended:
        show(
            f"[yellow]drawn weights stand in for ImageNet's (--weights-dir names those on this machine):[/] "
            f"{', '.join(pretended)}"
        )


def _run_all(specs: Sequence[RunSpec], results: Path) -> tuple[list[tuple[Path, RunRecord]], list[str]]:
    """The runs that left a record, and why others left none."""
    finished: list[tuple[Path, RunRecord]] = []
    failures: list[str] = []
    for spec in specs:
        try:
            finished.append(execute(spec, results))
        except (RunFailed, WeightsError) as error:  # one failing run does not stop the others
            failures.append(str(error))
            continue
        if finished[-1][1].status == "interrupted":
            break
    return finished, failures
