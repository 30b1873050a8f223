"""The paper against itself."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.console import show
from harness.papers import load_paper
from harness.papers.review import audit as audit_paper
from harness.report.audit import audit_page

app = typer.Typer()


@app.command()
def audit(
    *, brief: Annotated[bool, typer.Option("--brief", help="Without the arithmetic and the places.")] = False
) -> None:
    """Hold the paper against itself: findings by gravity, each with its numbers, places and arithmetic."""
    paper = load_paper("jahangir2024")
    show(audit_page(audit_paper(paper), paper.facts, details=not brief))
