"""How a command that trained ends: the table of its runs, and its exit code."""

from __future__ import annotations

import typer

from harness.commands.console import show
from harness.commands.exit_codes import FAILED, INTERRUPTED, NOT_REPRODUCED
from harness.papers import Paper
from harness.report.tables import Runs, judge_groups, result_table, small_print


def print_results(found: Runs, paper: Paper) -> None:
    """Print the table of runs and what stands beneath it."""
    show(result_table(found, paper))
    show(small_print(found), soft_wrap=True)


def conclude(found: Runs, paper: Paper, *, failed: bool = False) -> None:
    """Print the table and leave with the code that it asks for."""
    if found:
        print_results(found, paper)
    statuses = {record.status for _, record in found}
    kinds = {verdict.kind for verdict in judge_groups(found, paper).values()}
    if "interrupted" in statuses:
        raise typer.Exit(INTERRUPTED)
    if failed or "failed" in statuses:
        raise typer.Exit(FAILED)
    if "NOT_REPRODUCED" in kinds:
        raise typer.Exit(NOT_REPRODUCED)
