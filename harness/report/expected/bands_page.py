"""Appendix: every band, how wide it is, why, and what was found."""

from __future__ import annotations

from typing import Final

from harness.judging.error_budget import Band
from harness.judging.expectations import bands
from harness.judging.results import Judged
from harness.report.differences import reason_text
from harness.report.expected.markdown import page, table
from harness.report.known import Known

_ABOUT: Final = """\
A result is REPRODUCED within its band and NOT_REPRODUCED outside it, on either side: too good fails as well, which is
how a leak shows. It is INCONCLUSIVE where too few seeds or too wide a spread leave it open; then the number of further
seeds that would settle it is said. It is NOT_COMPARABLE where data, budget, protocol, pipeline or device are not those
of the number.

With k ≥ 3 seeds the question is whether the paper's one number could be one more seed of ours:
|mean − paper| ≤ allowance + t(.975, k−1)·s·√(1+1/k). With one or two seeds nothing is called REPRODUCED: the spread
over seeds is not known, and a declared bound stands in for it. The allowance is a sum of parts: what the paper leaves
*unsaid* (declared before any run of its length, never widened after one), half the spread of its own *contradictory*
figures, on whose middle the band is centred, and their *rounding*. [How often a true result is
refused](../explanation/judging.md#how-often-a-true-result-is-refused) is known by simulation. No correction is made for
the number of bands, and `gap` follows from two others.

Where a stop rule on accuracy ended the paper's run, its accuracy is the threshold and some luck, and so would ours be.
Two other things are judged there: whether the threshold is reached within the planned epochs, and the epoch in which it
is first passed (plan five seeds or more). A reading without the rule shows what the network can do. Recalls need about
ten seeds. Seconds are judged on the paper's own input pipelines and on its class of GPU alone."""


def bands_page(known: Known) -> str:
    """Render the page."""
    sections = []
    for variant in known.variants:
        rows = [_row(band, known.evidence) for band in bands(known.paper).values() if band.variant == variant.name]
        if rows:
            headings = ("band", "expected", "where", "one or two seeds", "three or more", "made of", "why", "found")
            sections.append(f"## {variant.name}\n\n{table(headings, rows)}")
    return page("Bands", _ABOUT, *sections)


def _row(band: Band, evidence: Judged) -> tuple[str, ...]:
    return (
        f"`{band.name}`",
        band.expected_text,
        band.place,
        band.few_text,
        band.many_text,
        band.parts_text if band.parts else "–",
        band.reason,
        verdicts_text(band, evidence),
    )


def verdicts_text(band: Band, evidence: Judged) -> str:
    """Verdicts of comparable runs of the band's variant, in all its readings; empty where there are none."""
    return "; ".join(
        f"`{group.variant}`, {group.implementation}: {each.verdict.kind}, {reason_text(each.verdict)}"
        for group in evidence.groups
        for each in group.judgements
        if each.band.name == band.name and each.verdict.kind != "NOT_COMPARABLE"
    )
