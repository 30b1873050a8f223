"""The paper against runs and against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.commands.options import FAILED
from harness.data.open import open_dataset
from harness.judging.results import judge_results
from harness.papers.facts import facts
from harness.papers.review import audit as audit_facts
from harness.report.audit import audit_page
from harness.report.expected import (
    EVIDENCE,
    FILE,
    ExpectedError,
    counts,
    material,
    render,
    stale_blocks,
)
from harness.report.judgement import judgement_json, judgement_page

app = typer.Typer()


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
        show(judgement_page(judged))
    if judged.exit_code:
        raise typer.Exit(judged.exit_code)


@app.command()
def audit(
    *, brief: Annotated[bool, typer.Option("--brief", help="Without the arithmetic and the places.")] = False
) -> None:
    """Hold the paper against itself: findings by gravity, each with its numbers, places and arithmetic."""
    show(audit_page(audit_facts(facts()), facts(), details=not brief))


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
        show(f"{file}: {'out of step: ' + ', '.join(stale) if stale else 'up to date'}; {counts(given)}")
        if stale:
            raise typer.Exit(FAILED)
    elif write:
        file.write_text(render(text, given), encoding="utf-8")
        show(f"{file} written; {counts(given)}")
    else:
        typer.echo(render(text, given))
