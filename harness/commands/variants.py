"""Look at variants."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.console import show
from harness.papers.variants import find_variant
from harness.report.variants import variant_list, variant_page

app = typer.Typer()


@app.command()
def variants(name: Annotated[str | None, typer.Argument(help="Show one with all sources.")] = None) -> None:
    """List the six variants and their readings."""
    show(variant_page(find_variant(name)) if name else variant_list())
