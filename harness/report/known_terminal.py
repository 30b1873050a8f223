"""What is known of a paper, for the terminal: the table of page one at 80 columns."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.report.expected.page_one import answer, best_text, settling_text, verdict_text
from harness.report.known import Known

_STYLES = {"REPRODUCED": "green", "NOT_REPRODUCED": "red", "INCONCLUSIVE": "yellow"}


def known_page(known: Known) -> RenderableType:
    """The answer in short, then each variant."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("variant", no_wrap=True)
    for heading in ("the paper", "findings against it", "best evidence by runs", "verdict, and what would settle it"):
        table.add_column(heading, overflow="fold")
    for each in known.variants:
        verdict = verdict_text(each.best)
        table.add_row(
            Text(each.name),
            Text((each.reported or "not reported").partition(" (")[0]),
            Text(str(len(each.findings))),
            Text(best_text(each.best).replace("`", "")),
            Text.assemble(
                (verdict, _STYLES.get(verdict.partition(" ")[0], "dim")), f"; {settling_text(each.settling)}"
            ),
        )
    title = Text(f"{known.paper.title} ({known.paper.citation})")
    return Group(title, Text(), Text(answer(known).replace("**", "")), table, Text(_about(known), "dim"))


def _about(known: Known) -> str:
    hours = f"Hours: as forecast for one {known.paper.hardware.gpu.name}. " if known.paper.hardware else ""
    return f"{hours}EXPECTED.md has the claims in words, and links to every number, finding and record."
