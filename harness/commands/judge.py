"""Are stored runs sound, and do they bear the paper out?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.data.open import open_dataset
from harness.judging.results import judge_results
from harness.papers import load_paper
from harness.records.options import DEFAULT_PAPER
from harness.report.judgement import judgement_json, judgement_page

app = typer.Typer()


@app.command(epilog="Exit codes: 0 done; 2 a record was refused, or there is none; 3 some band is NOT_REPRODUCED.")
def judge(
    results: Annotated[Path, typer.Argument(help="A folder of records, or one record.")] = Path("results"),
    *,
    paper: options.PaperName = DEFAULT_PAPER,
    fer2013: options.DataAtHand = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Judge stored runs again, by anyone and anywhere: are they sound, and do they bear the paper out?

    Needs no framework and no GPU; with the data set at hand it checks more.
    """
    data = open_dataset(str(fer2013), allow_deviating_data=True) if fer2013 else None
    judged = judge_results(results, load_paper(paper), data)
    if as_json:
        typer.echo(judgement_json(judged))
    else:
        show(judgement_page(judged))
    if judged.exit_code:
        raise typer.Exit(judged.exit_code)
