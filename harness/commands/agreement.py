"""Do two sets of runs agree?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from harness.agreement.agreement import judge_agreement, read_side
from harness.commands import options
from harness.commands.console import show
from harness.commands.exit_codes import NOT_REPRODUCED, USAGE
from harness.papers import load_paper
from harness.records.options import DEFAULT_PAPER
from harness.report.agreement import agreement_page
from harness.statistics.equivalence import DECLARED_MARGIN

app = typer.Typer()


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
    paper: options.PaperName = DEFAULT_PAPER,
) -> None:
    """Do two implementations agree after training? TOST over paired seeds, McNemar's test image by image."""
    name = load_paper(paper).find_variant(variant).name if variant else None
    first = read_side(runs_a, implementation=a, variant=name, option="a")
    second = read_side(runs_b, implementation=b, variant=name, option="b")
    agreements, left_out = judge_agreement(first, second, margin=margin / 100)
    show(agreement_page(agreements, left_out, first=first, second=second, margin=margin / 100))
    for line in dict.fromkeys([*first.damaged, *second.damaged]):
        show(f"[red]{escape(line)}[/]", soft_wrap=True)
    if first.damaged or second.damaged:
        raise typer.Exit(USAGE)
    if any(each.equivalence.kind == "DIFFERENT" for each in agreements):
        raise typer.Exit(NOT_REPRODUCED)
