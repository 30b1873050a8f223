"""Look at variants."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import options
from harness.commands.console import show
from harness.papers import load_paper
from harness.records.options import DEFAULT_PAPER
from harness.report.variants import variant_list, variant_page

app = typer.Typer()


@app.command()
def variants(
    name: Annotated[str | None, typer.Argument(help="Show one with all sources.")] = None,
    *,
    paper: options.PaperName = DEFAULT_PAPER,
) -> None:
    """List the variants of a paper and their readings."""
    about = load_paper(paper)
    show(variant_page(about, about.find_variant(name)) if name else variant_list(about))
