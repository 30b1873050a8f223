"""All pages of what is known of a paper: made, compared with what lies there, and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from harness.errors import UserError
from harness.papers.finding import GRADES
from harness.report.expected.assumptions_page import assumptions_page
from harness.report.expected.bands_page import bands_page
from harness.report.expected.claims_page import claims_page
from harness.report.expected.evidence_page import evidence_page
from harness.report.expected.findings_page import findings_page
from harness.report.expected.markdown import APPENDICES
from harness.report.expected.numbers_page import numbers_page
from harness.report.expected.page_one import BLOCKS
from harness.report.known import Known

FIRST: Final = "EXPECTED.md"
PAGES: Final[Mapping[str, Callable[[Known], str]]] = {
    f"{APPENDICES}/numbers.md": numbers_page,
    f"{APPENDICES}/claims.md": claims_page,
    f"{APPENDICES}/findings.md": findings_page,
    f"{APPENDICES}/bands.md": bands_page,
    f"{APPENDICES}/assumptions.md": assumptions_page,
    f"{APPENDICES}/evidence.md": evidence_page,
}
"""Appendices by their path from the root of the repository."""


class ExpectedError(UserError, ValueError):
    """A page that cannot be made. The message says what is missing."""


def pages(root: Path, known: Known) -> dict[str, str]:
    """Make all pages, by their path from the root. Of EXPECTED.md the prose between the blocks stays.

    Raises:
        ExpectedError: If EXPECTED.md is not there, or a block of it is missing, unknown or not closed.
    """
    first = root / FIRST
    if not first.is_file():
        raise ExpectedError(f"{first} is not here; the command runs where the repository lies, or with --root")
    made = {FIRST: fill(first.read_text(encoding="utf-8"), known)}
    return made | {path: make(known) for path, make in PAGES.items()}


def stale_pages(root: Path, known: Known) -> list[str]:
    """Return the paths of pages that say something else than what they are made from, or are missing."""
    return [path for path, text in pages(root, known).items() if _text(root / path) != text]


def write_pages(root: Path, known: Known) -> None:
    """Write all pages below a root."""
    for path, text in pages(root, known).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def fill(text: str, known: Known) -> str:
    """Return a text with every block between markers made anew.

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
        start, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = text.partition(start)
        _, closing, after = rest.partition(end)
        if not closing:
            raise ExpectedError(f"block {name} is not closed: {end} is missing after its beginning")
        text = f"{before}{start}{make(known).strip()}\n\n{end}{after}"
    return text


def counts(known: Known) -> str:
    """How much is compared with what, in one line."""
    by_grade = ", ".join(f"{sum(each.grade == grade for each in known.findings)} {grade}" for grade in GRADES)
    return (
        f"{len(known.paper.facts)} facts, {len(known.findings)} findings ({by_grade}), {len(known.claims)} claims, "
        f"{len(known.evidence.sound)} records"
    )


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
