"""The command line: parse, call, print."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from harness import options
from harness.data.dataset import DatasetError
from harness.data.fer2013 import inspect_fer2013
from harness.data.inspection import format_inspection
from harness.data.open import open_dataset
from harness.interface import ImplementationError
from harness.judging.audit import audit as audit_facts
from harness.judging.equivalence import DECLARED_MARGIN
from harness.judging.pairs import judge_agreement, read_side
from harness.judging.results import judge_results
from harness.options import EXIT_CODES, FAILED, INTERRUPTED, NOT_REPRODUCED, USAGE
from harness.paper.facts import facts
from harness.parity.command import choose_size, climb_variant, gpu_name, versions
from harness.registry import (
    IMPLEMENTATIONS,
    ImplementationName,
    choose_keras_backend,
    missing_framework,
)
from harness.report.agreement import agreement_page
from harness.report.audit import audit_page
from harness.report.expected import EVIDENCE, FILE, ExpectedError, counts, material, render, stale_blocks
from harness.report.judgement import judgement_json, judgement_page
from harness.report.parity import conditions, ladder_page
from harness.report.records import record_page
from harness.report.tables import Runs, judge_groups, result_table, run_list, small_print
from harness.report.variants import variant_list, variant_page
from harness.report.weights import weights_table
from harness.runs.execute import RunFailed, execute
from harness.runs.plan import lacks_weights, make_spec
from harness.runs.record import RunRecord
from harness.runs.store import RecordError, list_runs, read_run
from harness.variants import VARIANTS, VariantError, find_variant
from harness.weights.canonical import save_canonical
from harness.weights.catalogue import WeightsError
from harness.weights.locate import load_checkpoint

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Does a published FER-2013 result hold? Train its variants in Keras 3 and PyTorch and compare.",
    epilog=EXIT_CODES,
)
data = typer.Typer(no_args_is_help=True, help="Look at data sets.")
weights = typer.Typer(no_args_is_help=True, help="Look at ImageNet weights, and write them for other programs.")
runs = typer.Typer(no_args_is_help=True, help="Look at records of runs.")
app.add_typer(data, name="data")
app.add_typer(weights, name="weights")
app.add_typer(runs, name="runs")

out = Console() if sys.stdout.isatty() else Console(width=int(os.environ.get("COLUMNS") or 150))


@data.command("inspect")
def data_inspect(path: Annotated[Path, typer.Argument(help="Zip, folder or csv.")]) -> None:
    """Say what a data set holds, and in what it differs from FER-2013 as it is known."""
    inspection = inspect_fer2013(path)
    out.print(format_inspection(inspection))
    if inspection.deviations:
        raise typer.Exit(FAILED)


@app.command()
def variants(name: Annotated[str | None, typer.Argument(help="Show one with all sources.")] = None) -> None:
    """List the six variants and their readings."""
    out.print(variant_page(find_variant(name)) if name else variant_list())


@weights.command("list")
def weights_list(weights_dir: options.WeightsDir = None) -> None:
    """List the published files, which of them lie on this machine, and what the weights in those are."""
    out.print(weights_table(weights_dir))


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
    out.print(f"{path}: {len(read.weights)} arrays of {name}, digest {read.digest}", soft_wrap=True)


@app.command(epilog=EXIT_CODES)
def train(
    variant: Annotated[str, typer.Argument(help="Such as vgg16-scratch or vgg16-scratch@five-blocks.")],
    implementation: Annotated[ImplementationName, typer.Option(help="The framework.")],
    *,
    fer2013: options.Fer2013 = None,
    allow_deviating_data: options.Deviating = False,
    budget: options.Budget = None,
    budget_seconds: options.BudgetSeconds = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most so many; without --budget, no other cap holds.")
    ] = None,
    examples: Annotated[int | None, typer.Option(min=7, help="Train on so many images, by class; likewise.")] = None,
    protocol: options.Protocol = "paper",
    seed: options.Seed = 0,
    device: options.DeviceOption = "cpu",
    threads: options.Threads = None,
    keras_backend: options.Backend = None,
    weights_dir: options.WeightsDir = None,
    stand_in_weights: options.StandIn = False,
    cached_features: Annotated[
        bool, typer.Option("--cached-features", help="Compute a frozen base once and keep what it gives on disk.")
    ] = False,
    pipeline: options.PipelineOption = "device",
    results_dir: options.Results = Path("results"),
) -> None:
    """Train one variant in one framework and keep the record."""
    spec = make_spec(
        variant,
        implementation,
        keras_backend=keras_backend,
        fer2013=fer2013,
        allow_deviating_data=allow_deviating_data,
        budget=budget,
        seconds=budget_seconds,
        epochs=epochs,
        examples=examples,
        protocol=protocol,
        seed=seed,
        device=device,
        threads=threads,
        weights_dir=weights_dir,
        stand_in_weights=stand_in_weights,
        cached_features=cached_features,
        pipeline=pipeline,
    )
    _conclude([execute(spec, results_dir)])


@app.command(epilog=EXIT_CODES)
def reproduce(
    *,
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
    results_dir: options.Results = Path("results"),
) -> None:
    """Train all variants in every framework that is installed, and compare with the paper."""
    # where nothing can be compared with the paper anyway, nothing is fetched either
    stand_ins = [
        name for name in VARIANTS if stand_in_weights or (fer2013 is None and lacks_weights(name, weights_dir))
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
        )
        for name in VARIANTS
        for implementation in installed
    ]
    for missing in set(IMPLEMENTATIONS) - set(installed):
        out.print(f"[yellow]{missing} is not installed: half of the table will be missing[/]")
    out.print(f"{len(specs)} runs, budget {specs[0].budget.name}")
    pretended = [spec.label for spec in specs if spec.stand_in_weights]
    if pretended:
        out.print(
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
        out.print(f"[red]{escape(failure)}[/]")
    _conclude(finished, failed=bool(failures))


@runs.command("list")
def runs_list(
    results_dir: Annotated[Path, typer.Argument(help="Folder of records.")] = Path("results"),
) -> None:
    """List the records of a folder."""
    found, errors = list_runs(results_dir)
    out.print(run_list(found))
    for error in errors:
        out.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
    if errors:
        raise typer.Exit(USAGE)


@runs.command("show")
def runs_show(paths: Annotated[list[Path], typer.Argument(help="Records: results/….json.")]) -> None:
    """Show records and judge them together: several seeds of a variant get one verdict."""
    found = [(path, read_run(path)) for path in paths]
    if len(found) == 1:
        out.print(record_page(found[0][1]))
    _print_results(found)


@app.command(epilog="Exit codes: 0 done; 2 wrong usage or data; 3 the accuracies of a variant are DIFFERENT.")
def agreement(
    runs_a: Annotated[Path, typer.Argument(help="Folder of records, or one record, of implementation A.")],
    runs_b: Annotated[Path, typer.Argument(help="Of B. May be the same folder, with --a and --b.")],
    *,
    a: Annotated[str | None, typer.Option("--a", help="A's name: keras3, keras3-jax, pytorch, …")] = None,
    b: Annotated[str | None, typer.Option("--b", help="B's name.")] = None,
    variant: Annotated[str | None, typer.Option(help="This one alone. [default: all]")] = None,
    margin: Annotated[
        float,
        typer.Option(min=0.01, max=100, help="Points of accuracy that do not matter; declare it before the runs."),
    ] = 100 * DECLARED_MARGIN,
) -> None:
    """Do two implementations agree after training? TOST over paired seeds, McNemar's test image by image."""
    name = find_variant(variant).name if variant else None
    first = read_side(runs_a, implementation=a, variant=name, option="a")
    second = read_side(runs_b, implementation=b, variant=name, option="b")
    agreements, left_out = judge_agreement(first, second, margin=margin / 100)
    out.print(agreement_page(agreements, left_out, first=first, second=second, margin=margin / 100))
    for line in dict.fromkeys([*first.damaged, *second.damaged]):
        out.print(f"[red]{escape(line)}[/]", soft_wrap=True)
    if first.damaged or second.damaged:
        raise typer.Exit(USAGE)
    if any(each.equivalence.kind == "DIFFERENT" for each in agreements):
        raise typer.Exit(NOT_REPRODUCED)


@app.command(epilog="Exit codes: 0 done; 2 a record was refused, or there is none; 3 some band is NOT_REPRODUCED.")
def judge(
    results: Annotated[Path, typer.Argument(help="A folder of records, or one record.")] = Path("results"),
    *,
    fer2013: options.DataAtHand = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Judge stored runs again, by anyone and anywhere: are they sound, and do they bear the paper out?

    Needs no framework and no GPU; with the data set at hand it checks more.
    """
    judged = judge_results(results, open_dataset(str(fer2013), allow_deviating_data=True) if fer2013 else None)
    if as_json:
        typer.echo(judgement_json(judged))
    else:
        out.print(judgement_page(judged))
    if judged.exit_code:
        raise typer.Exit(judged.exit_code)


@app.command()
def audit(
    *, brief: Annotated[bool, typer.Option("--brief", help="Without the arithmetic and the places.")] = False
) -> None:
    """Hold the paper against itself: findings by gravity, each with its numbers, places and arithmetic."""
    out.print(audit_page(audit_facts(facts()), facts(), details=not brief))


@app.command(epilog="Exit codes: 0 done; 1 with --check: a table is out of step; 2 wrong usage or data.")
def expected(
    *,
    write: Annotated[bool, typer.Option("--write", help="Make the tables anew, in place.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say which tables are out of step.")] = False,
    file: Annotated[Path, typer.Option(help="The page: tables between markers, prose around them.")] = FILE,
    evidence: Annotated[Path, typer.Option(help="Folder of the records worth showing.")] = EVIDENCE,
) -> None:
    """Render EXPECTED.md: what the paper says, whether it can be true, what we expect and what we found."""
    if write and check:
        raise ExpectedError("--write and --check together; expected one of them, or neither to print the page")
    if not file.is_file():
        raise ExpectedError(f"{file} is not here; the command runs where the repository lies, or with --file")
    given, text = material(evidence), file.read_text(encoding="utf-8")
    if check:
        stale = stale_blocks(text, given)
        out.print(f"{file}: {'out of step: ' + ', '.join(stale) if stale else 'up to date'}; {counts(given)}")
        if stale:
            raise typer.Exit(FAILED)
    elif write:
        file.write_text(render(text, given), encoding="utf-8")
        out.print(f"{file} written; {counts(given)}")
    else:
        typer.echo(render(text, given))


@app.command(epilog="Exit codes: 0 every rung holds; 1 a rung fails; 2 wrong usage.")
def parity(
    variant: Annotated[str, typer.Argument(help="Such as vgg16-scratch.")],
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
) -> None:
    """Do Keras and PyTorch compute the same? From pixels to training, each against PyTorch in float64."""
    chosen = choose_size(
        find_variant(variant), full=full, width_divisor=width_divisor, input_size=input_size, batch_size=batch_size
    )
    backend = choose_keras_backend(keras_backend)
    failed = False
    for ladder in climb_variant(chosen, keras_backend=backend, device=device, seed=seed):
        out.print(ladder_page(ladder))
        failed |= ladder.first_failure is not None
    out.print(conditions(chosen, versions(backend), gpu=gpu_name(backend, device), seed=seed))
    if failed:
        raise typer.Exit(FAILED)


def _print_results(found: Runs) -> None:
    out.print(result_table(found))
    out.print(small_print(found), soft_wrap=True)


def _conclude(found: Runs, *, failed: bool = False) -> None:
    """Print the table and leave with the code that it asks for."""
    if found:
        _print_results(found)
    statuses = {record.status for _, record in found}
    kinds = {verdict.kind for verdict in judge_groups(found).values()}
    if "interrupted" in statuses:
        raise typer.Exit(INTERRUPTED)
    if failed or "failed" in statuses:
        raise typer.Exit(FAILED)
    if "NOT_REPRODUCED" in kinds:
        raise typer.Exit(NOT_REPRODUCED)


def _refuse(error: Exception, code: int) -> NoReturn:
    # escaped: [cpu] is an extra and [old] a folder, not a colour
    Console(stderr=True).print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
    sys.exit(code)


def main() -> None:
    """Entry of the command `ferbench`."""
    try:
        app()
    except (DatasetError, ExpectedError, ImplementationError, RecordError, VariantError, WeightsError) as error:
        _refuse(error, USAGE)
    except RunFailed as error:
        _refuse(error, USAGE if error.code == USAGE else FAILED)


if __name__ == "__main__":
    main()
