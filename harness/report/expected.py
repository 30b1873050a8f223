"""EXPECTED.md: tables rendered between markers, prose by hand around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import UserError
from harness.judging.expectations import bands
from harness.judging.results import Judged, judge_results
from harness.papers import load_paper
from harness.papers.facts import Facts, facts
from harness.papers.finding import GRADES, Finding
from harness.papers.review import audit
from harness.report.audit import audit_markdown
from harness.report.expected_tables import (
    assumed_table,
    band_table,
    claim_table,
    effect_table,
    evidence_table,
    number_tables,
)

FILE: Final = Path("EXPECTED.md")
EVIDENCE: Final = Path("benchmarks/evidence")


class ExpectedError(UserError, ValueError):
    """A file that cannot be rendered. The message says what is missing."""


@dataclass(frozen=True)
class Material:
    """What the tables are made from: the paper, the findings on it, and the records worth showing, judged."""

    paper: Facts
    findings: Sequence[Finding]
    evidence: Judged


BLOCKS: Final[Mapping[str, Callable[[Material], str]]] = {
    "numbers": lambda given: number_tables(given.paper, given.findings, given.evidence),
    "bands": lambda given: band_table(given.evidence),
    "findings": lambda given: audit_markdown(given.findings, given.paper),
    "claims": lambda given: claim_table(given.evidence),
    "evidence": lambda given: evidence_table(given.evidence),
    "effects": lambda given: effect_table(given.evidence),
    "assumed": lambda given: assumed_table(),
}
"""By the name in `<!-- begin NAME -->` and `<!-- end NAME -->`."""


def material(evidence: Path) -> Material:
    """Read the paper's facts, audit them, and judge the records of a folder.

    Raises:
        ExpectedError: If a record does not hold together.
        RecordError: If there is none.
    """
    judged = judge_results(evidence, load_paper("jahangir2024"))
    if judged.refused:
        first = judged.refused[0]
        raise ExpectedError(f"{first.path} is no evidence: {first.flaws[0]}; `ferbench judge {evidence}` says all")
    return Material(facts(), audit(load_paper("jahangir2024")), judged)


def render(text: str, given: Material) -> str:
    """The text with every block between markers made anew.

    Raises:
        ExpectedError: If a block is missing, unknown or not closed.
    """
    begun = re.findall(r"<!-- begin (\S+) -->", text)
    if sorted(begun) != sorted(BLOCKS):
        raise ExpectedError(
            f"markers begin {', '.join(begun) or 'nothing'}; expected once each: "
            + ", ".join(f"<!-- begin {name} --> … <!-- end {name} -->" for name in BLOCKS)
        )
    for name, make in BLOCKS.items():
        pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ExpectedError(f"block {name} is not closed: <!-- end {name} --> is missing after its beginning")
        body = f"\n{make(given).strip()}\n\n"
        text = pattern.sub(lambda match, body=body: match[1] + body + match[2], text)  # type: ignore[misc]
    return text


def stale_blocks(text: str, given: Material) -> list[str]:
    """Names of the blocks that say something else than the files they are made from."""
    fresh = render(text, given)
    return [name for name in BLOCKS if _block(text, name) != _block(fresh, name)]


def _block(text: str, name: str) -> str:
    return text.partition(f"<!-- begin {name} -->")[2].partition(f"<!-- end {name} -->")[0]


def counts(given: Material) -> str:
    """How much is held against what, in one line."""
    by_grade = ", ".join(f"{sum(each.grade == grade for each in given.findings)} {grade}" for grade in GRADES)
    count = len(bands(load_paper("jahangir2024")))
    return (
        f"{len(given.paper)} facts, {len(given.findings)} findings ({by_grade}), {count} bands, "
        f"{len(given.evidence.answers)} claims, {len(given.evidence.sound)} records"
    )
