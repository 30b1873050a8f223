"""The page of what is known: EXPECTED.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.console import show
from harness.commands.exit_codes import FAILED
from harness.report.expected import (
    EVIDENCE,
    FILE,
    ExpectedError,
    counts,
    material,
    render,
    stale_blocks,
)

app = typer.Typer()


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
