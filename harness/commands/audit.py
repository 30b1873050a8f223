"""A paper against itself."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.papers import load_paper
from harness.papers.review import audit as audit_paper
from harness.records.options import DEFAULT_PAPER
from harness.report.audit import audit_page

app = typer.Typer()


@app.command()
def audit(
    *,
    paper: options.PaperName = DEFAULT_PAPER,
    brief: Annotated[bool, typer.Option("--brief", help="Without the arithmetic and the places.")] = False,
) -> None:
    """Hold a paper against itself: findings by gravity, each with its numbers, places and arithmetic."""
    about = load_paper(paper)
    show(audit_page(audit_paper(about), about.facts, details=not brief))
