"""The paper's claims in words, and whether runs bear them out: supported, refuted or undecided, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from harness.judging.claims.by_figures import PapersWord, papers_word
from harness.judging.claims.by_runs import compare
from harness.judging.claims.comparisons import Comparison, decide
from harness.judging.claims.samples import Sample
from harness.papers.claims import Claim
from harness.papers.paper import Paper
from harness.statistics.seeds import SEEDS_NEEDED
from harness.verification.flaws import StoredRun, implementation_name

AnswerKind = Literal["supported", "refuted", "undecided"]
COUNTED: Final = "counted"
"""In place of an implementation, where a claim needs no run."""


@dataclass(frozen=True)
class Evidence:
    """What the runs of one implementation say of a claim."""

    implementation: str
    kind: AnswerKind
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Answer:
    """What is said to a claim, in two columns: by the paper's own figures, and by all runs together.

    Attributes:
        claim: The claim.
        by_figures: What the paper's own figures say to it.
        kind: Undecided also where two implementations contradict each other.
        reason: Why, in one sentence.
        wanted: What would decide it, one line each; empty where it is decided.
        evidence: One an implementation that has runs.
    """

    claim: Claim
    by_figures: PapersWord
    kind: AnswerKind
    reason: str
    wanted: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def answer_claims(runs: Sequence[StoredRun], paper: Paper, asked: Iterable[Claim] | None = None) -> tuple[Answer, ...]:
    """Answer claims.

    Args:
        runs: Sound runs that `harness.judging.bands.differences` has nothing against, one a seed.
        paper: Whose claims they are.
        asked: Claims; None for all.
    """
    found: dict[str, dict[str, dict[int, StoredRun]]] = {}
    for run in runs:
        by_variant = found.setdefault(implementation_name(run), {})
        by_variant.setdefault(run.record.spec.variant.name, {})[run.record.spec.seed] = run
    pipelines = paper.hardware.pipelines if paper.hardware else ()
    samples = {name: Sample(by_variant, pipelines) for name, by_variant in found.items()}
    return tuple(_answer(claim, samples, paper) for claim in (paper.claims.values() if asked is None else asked))


def _answer(claim: Claim, samples: Mapping[str, Sample], paper: Paper) -> Answer:
    word = papers_word(claim, paper.facts)
    if not claim.needs:
        samples = {COUNTED: Sample({})}
    asked = {
        name: sample for name, sample in samples.items() if not claim.needs or sample.runs.keys() & set(claim.needs)
    }
    findings = tuple(_finding(claim, name, sample, paper) for name, sample in asked.items())
    if not findings:
        seeds = tuple(f"{SEEDS_NEEDED} seeds of {name}" for name in claim.needs)
        return Answer(claim, word, "undecided", f"no comparable run of {', '.join(claim.needs)}", seeds, ())
    kinds = {finding.kind for finding in findings}
    if {"supported", "refuted"} <= kinds:
        told = ", ".join(f"{finding.kind} by {finding.implementation}" for finding in findings)
        return Answer(
            claim, word, "undecided", f"implementations contradict each other: {told}", ("why they differ",), findings
        )
    kind: AnswerKind = next((each for each in ("refuted", "supported") if each in kinds), "undecided")
    deciding = [finding for finding in findings if finding.kind == kind]
    reason = "; ".join(f"{finding.implementation}: {_why(finding)}" for finding in deciding)
    wanted = tuple(_wanted(deciding)) if kind == "undecided" else ()
    return Answer(claim, word, kind, reason, wanted, findings)


def _finding(claim: Claim, implementation: str, sample: Sample, paper: Paper) -> Evidence:
    found = [each for stated in claim.holds_if for each in compare(stated, sample, paper)]
    comparisons = decide(found)
    kinds = {each.kind for each in comparisons}
    kind: AnswerKind = "refuted" if "fails" in kinds else "supported" if kinds == {"holds"} else "undecided"
    return Evidence(implementation, kind, comparisons)


def _why(finding: Evidence) -> str:
    """The comparisons that decided, or that leave it open; those without any run in one phrase."""
    wanted_kind = {"refuted": "fails", "supported": "holds", "undecided": "open"}[finding.kind]
    chosen = [each for each in finding.comparisons if each.kind == wanted_kind]
    missing = list(dict.fromkeys(name for each in chosen for name in each.missing))
    told = [str(each) for each in chosen if not each.missing]
    return "; ".join([*told, f"no comparable run of {', '.join(missing)}"] if missing else told)


def _wanted(findings: Sequence[Evidence]) -> list[str]:
    lines = [
        f"{finding.implementation}: {each.wanted}"
        for finding in findings
        for each in finding.comparisons
        if each.kind == "open"
    ]
    return list(dict.fromkeys(lines))
