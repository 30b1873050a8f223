"""The paper against itself."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.console import show
from harness.papers.facts import facts
from harness.papers.review import audit as audit_facts
from harness.report.audit import audit_page

app = typer.Typer()


@app.command()
def audit(
    *, brief: Annotated[bool, typer.Option("--brief", help="Without the arithmetic and the places.")] = False
) -> None:
    """Hold the paper against itself: findings by gravity, each with its numbers, places and arithmetic."""
    show(audit_page(audit_facts(facts()), facts(), details=not brief))
