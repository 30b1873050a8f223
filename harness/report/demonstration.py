"""What came out of a paper that was made to be reproduced, beside what was put into it; for 80 columns."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.agreement.agreement import Agreement
from harness.judging.bands import Judgement
from harness.judging.results import Group as JudgedGroup
from harness.judging.results import Judged, Refused
from harness.papers.finding import Finding
from harness.papers.outcome import Outcome
from harness.papers.paper import Paper
from harness.records.record import RunRecord
from harness.report.known import FRAMEWORKS


@dataclass(frozen=True)
class Check:
    """One thing that was put into the paper, and whether it came out.

    Attributes:
        kind: What sort of thing it is: a heading for those that follow each other.
        what: What was looked at.
        observed: What came out, in words.
        expected: What should have come out, in words.
        holds: Whether it did.
    """

    kind: str
    what: str
    observed: str
    expected: str
    holds: bool


def check_outcome(outcome: Outcome, paper: Paper, judged: Judged, findings: Sequence[Finding]) -> tuple[Check, ...]:
    """Hold what runs and the review say of a paper against what was put into it."""
    return (
        *(_refused(each) for each in judged.refused),
        *(check for group in judged.groups for check in _checks_of_runs(outcome, group)),
        *_checks_of_claims(outcome, judged),
        *_checks_of_review(paper, findings),
    )


def _refused(refused: Refused) -> Check:
    flaws = "; ".join(map(str, refused.flaws))
    return Check("Records that do not hold together", refused.path.name, flaws, "a sound record", False)


def _checks_of_runs(outcome: Outcome, group: JudgedGroup) -> Iterator[Check]:
    judgement = next(each for each in group.judgements if each.band.quantity == "accuracy")
    what = f"{group.variant} by {FRAMEWORKS.get(group.implementation, group.implementation)}"
    yield Check(
        "The networks learn",
        what,
        _accuracies(judgement),
        f"above {100 * outcome.learned:.0f} %",
        bool(judgement.observed) and statistics.fmean(judgement.observed) > outcome.learned,
    )
    expected = outcome.verdicts[group.variant]
    yield Check(
        f"The paper says {judgement.band.expected_text} of {group.variant}",
        what,
        f"{judgement.verdict.kind}: {judgement.verdict.reason}",
        expected,
        judgement.verdict.kind == expected,
    )


def _accuracies(judgement: Judgement) -> str:
    if not judgement.observed:
        return "no comparable run"
    mean, count = statistics.fmean(judgement.observed), len(judgement.observed)
    ends = f"{100 * min(judgement.observed):.1f} to {100 * max(judgement.observed):.1f}"
    return f"{100 * mean:.1f} % of the test faces ({count} seeds, {ends})"


def _checks_of_claims(outcome: Outcome, judged: Judged) -> Iterator[Check]:
    for answer in judged.answers:
        yield Check(
            "What it claims in words",
            f"“{answer.claim.quote}”",
            f"{answer.kind}: {answer.reason}",
            outcome.claims[answer.claim.name],
            answer.kind == outcome.claims[answer.claim.name],
        )


def _checks_of_review(paper: Paper, findings: Sequence[Finding]) -> Iterator[Check]:
    """Every finding of its review is one that was put there."""
    found = {finding.name: finding for finding in findings}
    for name in paper.review.findings:
        seen = f"found: {found[name].statement}" if name in found else "not found"
        yield Check("Where it contradicts itself", name.replace("-", " "), seen, "found", name in found)


def demonstration_page(checks: Sequence[Check], agreements: Sequence[Agreement]) -> RenderableType:
    """Every check under its heading, what the frameworks say of each other, and the sum of it."""
    parts: list[RenderableType] = []
    for kind in dict.fromkeys(check.kind for check in checks):
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for check in checks:
            if check.kind == kind:
                table.add_row(*_row(check))
        parts += [Text(kind, "bold"), table, Text()]
    if agreements:
        parts += [Text("The frameworks agree with each other", "bold"), *map(_agreement, agreements), Text()]
    failed = [check for check in checks if not check.holds]
    if failed:
        what = ", ".join(f"{check.what} (expected: {check.expected})" for check in failed)
        parts.append(Text(f"{len(failed)} of {len(checks)} did not come out as put into it: {what}", "bold red"))
    else:
        parts.append(Text(f"All {len(checks)} came out as they were put into the exercise.", "bold green"))
    return Group(*parts)


def _row(check: Check) -> tuple[Text, Text]:
    mark = Text("as made ", "green") if check.holds else Text("NOT SO  ", "bold red")
    return mark, Text(f"{check.what}: {check.observed}")


def _agreement(agreement: Agreement) -> Text:
    variant = agreement.pairs[0].first.spec.asked.name
    return Text(f"{variant}: {agreement.equivalence.kind}, {agreement.equivalence.reason}")


def run_line(place: int, count: int, record: RunRecord) -> str:
    """A run that has ended, in one line."""
    spec = record.spec
    name = "-".join(filter(None, (spec.implementation, spec.keras_backend)))
    start = f"{place:2}/{count}  {spec.asked.name} by {FRAMEWORKS.get(name, name)}, seed {spec.seed}: "
    if record.status != "complete" or record.timings is None:
        return f"{start}{record.status}"
    accuracy = record.scores["paper_test"].accuracy
    return f"{start}{100 * accuracy:.1f} %, {record.timings.total_seconds:.0f} s"
