"""`ferbench reproduce` without a data set: what is known of the real paper, and a small one made to be reproduced."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import typer
from rich.markup import escape

from harness.agreement.agreement import Agreement, judge_agreement, read_side
from harness.commands.console import show
from harness.commands.exit_codes import FAILED, INTERRUPTED
from harness.judging.results import judge_results
from harness.papers import load_paper
from harness.papers.outcome import made_paper, read_outcome
from harness.papers.paper import Paper
from harness.papers.review import audit
from harness.records.options import DEFAULT_PAPER, RunOptions
from harness.records.spec import RunSpec
from harness.records.store import RecordError
from harness.registry import ImplementationName
from harness.report.demonstration import check_outcome, demonstration_page, run_line
from harness.report.known import what_is_known
from harness.report.known_terminal import known_page
from harness.runs.process import execute_together
from harness.runs.specification import make_spec
from harness.statistics.equivalence import DECLARED_MARGIN

MINUTES: Final = 6
"""About how long its runs take on two cores of an AMD EPYC with AVX2 alone."""

_NEXT: Final = """\
[bold]How to go on[/]
The paper's own networks on its own data set, FER-2013, which may not be
shipped with this program (`ferbench data --help` says where it is from):

  ferbench reproduce --fer2013 PATH

It says before it starts what this machine can settle, and in what time. To
see all six networks pass through both frameworks on drawn faces, untrained
and not comparable: `ferbench reproduce --budget smoke`."""


def demonstrate(options: RunOptions, installed: Sequence[ImplementationName], results: Path, seeds: int) -> None:
    """Show what is known of the real paper, reproduce the small one, and leave with 0 if it came out as it was made."""
    paper = load_paper(made_paper())
    together = _specs(paper, options, installed, seeds)  # what cannot run is refused before anything is printed
    show_known()
    folder = results / f"{paper.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    show(f"\n[bold]2. A paper that was made to be reproduced[/]\n{escape(paper.title)}: {escape(paper.citation)}")
    show(
        f"{len(paper.variants)} small networks, {len(installed)} frameworks, {seeds} seeds; each run is a process "
        f"of its own.\nAbout {MINUTES} minutes on two slow cores. Records: {escape(str(folder))}\n",
        soft_wrap=True,
    )
    _train(together, folder)
    show("\n[bold]3. What came out, and what was put into it[/]\n")
    checks = check_outcome(read_outcome(paper.name), paper, judge_results(folder, paper), audit(paper))
    show(demonstration_page(checks, _agreements(folder, installed)))
    show(f"\n{_NEXT}")
    if not all(check.holds for check in checks):
        raise typer.Exit(FAILED)


def show_known() -> None:
    """Print what is known of the real paper."""
    show("[bold]1. What is known of the paper today[/]\n")
    show(known_page(what_is_known(load_paper(DEFAULT_PAPER))))


def _specs(
    paper: Paper, options: RunOptions, installed: Sequence[ImplementationName], seeds: int
) -> list[list[RunSpec]]:
    """Each variant with each seed in all frameworks, which train at the same time."""
    asked = replace(options, paper=paper.name, budget="paper")
    # Keras has no such option; PyTorch's threads would wait for each other's cores
    threads = {"pytorch": options.threads or max(1, (os.cpu_count() or 1) // len(installed))}
    return [
        [
            make_spec(name, each, replace(asked, seed=options.seed + seed, threads=threads.get(each, options.threads)))
            for each in installed
        ]
        for name in paper.variants
        for seed in range(seeds)
    ]


def _train(together: Sequence[Sequence[RunSpec]], folder: Path) -> None:
    """Train, with a line a run."""
    place, runs = 0, sum(map(len, together))
    for specs in together:
        for _, record in execute_together(specs, folder, is_quiet=True):
            place += 1
            show(run_line(place, runs, record), soft_wrap=True)
            if record.status == "interrupted":
                raise typer.Exit(INTERRUPTED)


def _agreements(folder: Path, installed: Sequence[ImplementationName]) -> list[Agreement]:
    """Of both frameworks; none where only one is installed, or no two runs pair."""
    if len(installed) < 2:
        return []
    sides = [read_side(folder, implementation=each, variant=None, option="a") for each in installed]
    try:
        return judge_agreement(sides[0], sides[1], margin=DECLARED_MARGIN)[0]
    except RecordError:
        return []
