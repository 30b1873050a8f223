"""The page of what is known: EXPECTED.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.commands.exit_codes import FAILED
from harness.papers import load_paper
from harness.records.options import DEFAULT_PAPER
from harness.report.expected.pages import FIRST, ExpectedError, counts, pages, stale_pages, write_pages
from harness.report.known import what_is_known

app = typer.Typer()


@app.command(epilog="Exit codes: 0 done; 1 with --check: a page is out of step; 2 wrong usage or data.")
def expected(
    *,
    paper: options.PaperName = DEFAULT_PAPER,
    write: Annotated[bool, typer.Option("--write", help="Make the pages anew, in place.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say which pages are out of step.")] = False,
    root: Annotated[Path, typer.Option(help="Folder of EXPECTED.md; its appendices lie in docs/paper.")] = Path(),
    evidence: Annotated[Path, typer.Option(help="Folder of the records worth showing.")] = Path("benchmarks/evidence"),
) -> None:
    """Render EXPECTED.md and its appendices: what is known of the paper, by its own pages and by runs."""
    if write and check:
        raise ExpectedError("--write and --check together; expected one of them, or neither to print the first page")
    known = what_is_known(load_paper(paper), evidence)
    if check:
        stale = stale_pages(root, known)
        show(f"{'out of step: ' + ', '.join(stale) if stale else 'up to date'}; {counts(known)}")
        if stale:
            raise typer.Exit(FAILED)
    elif write:
        write_pages(root, known)
        show(f"written: {', '.join(pages(root, known))}; {counts(known)}")
    else:
        typer.echo(pages(root, known)[FIRST])
