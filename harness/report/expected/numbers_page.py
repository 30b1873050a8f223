"""Appendix: every number that the paper reports of its runs, what speaks against it, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.judging.error_budget import Band
from harness.judging.expectations import bands
from harness.papers.facts import Fact
from harness.papers.finding import Finding
from harness.report.expected.bands_page import verdicts_text
from harness.report.expected.markdown import link, page, table
from harness.report.known import Known

REPORTED: Final = ("accuracy", "training-accuracy", "loss", "training-loss", "seconds", "epochs", "epochs-run")
"""Quantities that a paper reports of its runs, in the order of the tables."""
BANDED: Final = {"epochs-run": "epochs", "epochs": "none"}
"""Bands of another name than the quantity: planned epochs are no result."""
MOST_DOUBTS: Final = 3
UNITS: Final = {"percent": " %", "fraction": "", "seconds": " s"}
"""Others are written out."""
_ABOUT: Final = """\
Accuracies are on both tests together, which the paper calls "validation". The first line of a quantity is its headline,
the others are what the paper says of the same thing elsewhere. *Can it be true?* names the [findings](findings.md) that
rest on this number, gravest first; a grade is about the statement, not about intent. *Found* is empty where no
comparable run says anything. The [bands](bands.md) say how wide each band is, and why."""


def numbers_page(known: Known) -> str:
    """Render the page."""
    return page("Number by number", _ABOUT, *(_section(known, each.name) for each in known.variants))


def _section(known: Known, name: str) -> str:
    headings = ("what", "the paper", "where", "can it be true?", "our band around it", "found")
    rows = [row for quantity in REPORTED for row in _rows(known, name, quantity)]
    return f"## {name}\n\n{table(headings, rows)}"


def _rows(known: Known, name: str, quantity: str) -> Iterator[tuple[str, ...]]:
    facts = known.paper.facts
    for index, fact in enumerate(facts.mentions(name, quantity)):
        band = bands(known.paper).get(f"{name}.{BANDED.get(quantity, quantity)}") if not index else None
        expected = (_limits(band), verdicts_text(band, known.evidence)) if band else ("", "")
        what = quantity.replace("-", " ") if not index else ""
        doubts = _doubts(fact, facts.headline(name, quantity), known.findings)
        yield what, _printed(fact), fact.place, doubts, *expected


def _limits(band: Band) -> str:
    if band.unjudged:
        return f"not judged, see [bands](bands.md#{band.variant})"
    return f"{band.few_text} (one or two seeds); {band.many_text} (three or more)"


def _printed(fact: Fact) -> str:
    digits = fact.printed if fact.read_as is None else f"{fact.printed} ({fact.read_as})"
    return digits + UNITS.get(fact.unit, f" {fact.unit}")


def _doubts(fact: Fact, headline: Fact, findings: Sequence[Finding]) -> str:
    """What the review has against it, gravest first; more than three are counted. The same number again is the same."""
    against = [
        f"{each.grade}: {link('findings', each.name)}"
        for each in findings
        if fact.name in each.facts and each.grade != "unsaid"
    ]
    more = [f"and {len(against) - MOST_DOUBTS} more"] if len(against) > MOST_DOUBTS else []
    is_again = fact is not headline and abs(fact.value - headline.value) <= fact.resolution
    return "; ".join(against[:MOST_DOUBTS] + more) or ("as the first" if is_again else "nothing found against it")
