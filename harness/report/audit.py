"""The audit as people see it in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from harness.papers.facts import Fact, Facts
from harness.papers.finding import GRADES, Finding, Grade
from harness.papers.wording import listed

_STYLES: dict[Grade, str] = {
    "impossible": "bold red",
    "contradictory": "red",
    "implausible": "magenta",
    "unsupported": "yellow",
    "unsaid": "cyan",
}
MEANINGS: dict[Grade, str] = {
    "impossible": "no experiment gives this",
    "contradictory": "two statements, of the paper or of a source named beside it, not both true",
    "implausible": "could be, but would surprise",
    "unsupported": "stated without what it takes to know it",
    "unsaid": "left out, though the result depends on it",
}
WEIGHTS = "weight 3: a conclusion falls; 2: a reported number falls; 1: a detail"
_UNITS = {"percent": " %", "seconds": " s", "minutes": " min", "epochs": " epochs"}
_INDENT = 4


def audit_page(findings: Sequence[Finding], paper: Facts, *, details: bool = True) -> RenderableType:
    """All findings under a heading for each grade, and how many there are.

    Args:
        findings: As `audit` sorts them.
        paper: The facts they were found in.
        details: Whether to print how each follows, and on which numbers of the paper it rests.
    """
    parts: list[RenderableType] = []
    for grade in GRADES:
        found = [each for each in findings if each.grade == grade]
        if found:
            parts.append(Rule(Text(grade, _STYLES[grade]), align="left", style="dim"))
            parts.append(Text(f"{MEANINGS[grade]}\n", "dim"))
            parts += [_finding(each, paper, details=details) for each in found]
    return Group(*parts, Rule(style="dim"), Text(counted(findings)), Text(WEIGHTS, "dim"))


def _finding(finding: Finding, paper: Facts, *, details: bool) -> RenderableType:
    heading = Text.assemble((f"{finding.weight}  ", "bold"), (finding.name, _STYLES[finding.grade]))
    parts: list[RenderableType] = [heading, Padding(Text(finding.statement), (0, 0, 0, _INDENT))]
    if details:
        lines = [f"in the paper: {numbers_of(finding, paper)}"] if finding.facts else []
        lines += [f"beside it: {finding.source}"] if finding.source else []
        parts += [Padding(Text(line, "dim"), (0, 0, 0, 2 * _INDENT)) for line in finding.arithmetic.splitlines()]
        parts += [Padding(Text(line, "dim italic"), (0, 0, 0, _INDENT)) for line in lines]
    return Group(*parts, Text())


def numbers_of(finding: Finding, paper: Facts) -> str:
    """The numbers a finding rests on, as they are printed, by the place where they stand."""
    places: dict[str, list[str]] = {}
    for name in finding.facts:
        places.setdefault(paper[name].place, []).append(_printed(paper[name]))
    return "; ".join(f"{place}: {', '.join(dict.fromkeys(found))}" for place, found in places.items())


def _printed(fact: Fact) -> str:
    """Digits and unit, without the gaps that the text of the paper tore; a matrix of 49 numbers is only named."""
    if fact.quantity.startswith("confusion-"):
        return "matrix"
    digits = fact.read_as or (fact.printed if fact.row else fact.printed.replace(" ", ""))
    return f"{digits}{_UNITS.get(fact.unit, '')}"


def counted(findings: Sequence[Finding]) -> str:
    """`3 findings: 1 contradictory and 2 unsaid; 1 of weight 3`."""
    counts = Counter(each.grade for each in findings)
    heavy = sum(each.weight == 3 for each in findings)
    grades = listed(f"{counts[grade]} {grade}" for grade in GRADES if counts[grade]) if findings else "nothing"
    return f"{len(findings)} findings: {grades}; {heavy} of weight 3"
