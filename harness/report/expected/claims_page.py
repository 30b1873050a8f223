"""Appendix: every claim of the paper in words, by its own figures and by runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.judging.claims.answers import Answer
from harness.report.expected.markdown import escaped, link, page
from harness.report.known import Known

_ABOUT: Final = """\
A claim holds if all holds that its second line asks. Two columns answer it.

**By the paper's own figures**, its headlines: they *agree*, *contradict*, or are *not given*. They *agree in part*
where the paper prints only some of what the claim needs.

**By runs**: *supported*, *refuted* or *undecided*. Within one implementation, variants are compared seed by seed, by
95 % t intervals of the differences; three seeds of each variant are the least
([how](../explanation/judging.md#claims)).

Where a claim has no line *by runs*, there is no comparable run of its variants yet. Three seeds of each would be the
first step."""


def claims_page(known: Known) -> str:
    """Render the page."""
    return page("Claims in words", _ABOUT, *("\n".join(_lines(each)) for each in known.claims))


def _lines(answer: Answer) -> Iterator[str]:
    claim, word = answer.claim, answer.by_figures
    yield f"## {claim.name}\n\n> “{escaped(claim.quote)}” ({escaped(claim.place)})\n"
    yield f"- It holds if: {escaped(claim.means)}"
    seen = "; ".join(escaped(str(each)) for each in word.seen)
    yield f"- By the paper's own figures: **{word.kind}**{f' ({seen})' if seen else ''}"
    if answer.evidence:
        wanted = f". What would decide it: {escaped('; '.join(answer.wanted))}" if answer.wanted else ""
        yield f"- By runs: **{answer.kind}** ({escaped(answer.reason)}){wanted}"
    else:
        yield f"- It takes runs of: {', '.join(f'`{name}`' for name in claim.needs)}"
    if claim.findings:
        yield f"- Findings: {', '.join(link('findings', name) for name in claim.findings)}"
    if claim.caution:
        yield f"- Mind: {escaped(claim.caution)}"
