"""Appendix: the paper against itself, finding by finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.papers.finding import GRADES, Finding
from harness.report.audit import MEANINGS, WEIGHTS, counted
from harness.report.expected.markdown import escaped, page
from harness.report.known import Known

_ABOUT: Final = (
    "`ferbench audit` prints the same with its arithmetic. A grade is about the statement, not about intent."
)


def findings_page(known: Known) -> str:
    """Render the page."""
    sections = []
    for grade in GRADES:
        found = [each for each in known.findings if each.grade == grade]
        if found:
            sections.append(f"## {grade.capitalize()}\n\n{MEANINGS[grade].capitalize()}.")
            sections += ["\n\n".join(_lines(each, known)) for each in found]
    return page("The paper against itself", _ABOUT, f"{counted(known.findings)} ({WEIGHTS}).", *sections)


def _lines(finding: Finding, known: Known) -> Iterator[str]:
    yield f"### {finding.name}"
    yield escaped(finding.statement)
    places = ", ".join(dict.fromkeys(known.paper.facts[name].place for name in finding.facts))
    beside = f" Beside it: {escaped(finding.source)}." if finding.source else ""
    yield f"Weight {finding.weight}. {f'In the paper: {escaped(places)}.' if places else ''}{beside}".strip()
