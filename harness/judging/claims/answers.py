"""The paper's claims in words, and whether runs bear them out: supported, refuted or undecided, and why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from pydantic import ConfigDict, TypeAdapter

from harness.judging.claims.comparisons import Comparison, decide
from harness.judging.claims.predicates import PREDICATES
from harness.judging.claims.samples import Sample
from harness.papers.variants import find_variant
from harness.statistics.seeds import SEEDS_NEEDED
from harness.variant import VariantError
from harness.verification.flaws import StoredRun, implementation_name

AnswerKind = Literal["supported", "refuted", "undecided"]
MAXIMUM_QUOTED_WORDS: Final = 20
COUNTED: Final = "counted"
"""In place of an implementation, where a claim needs no run."""


@dataclass(frozen=True)
class Claim:
    """What the paper says in words, and what would have to be seen.

    Attributes:
        name: Key in claims.toml.
        quote: At most 20 words, as they stand in the paper up to white space.
        place: Section where they stand.
        means: What runs would have to show, in one sentence.
        needs: Variants, with readings, of which runs are asked; empty where it is counted.
        predicate: Name in `harness.judging.claims.predicates.PREDICATES`.
        caution: What keeps a comparison from being only about what it names.
    """

    name: str
    quote: str
    place: str
    means: str
    needs: tuple[str, ...]
    predicate: str
    caution: str | None = None

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        words = len(self.quote.split())
        if not 0 < words <= MAXIMUM_QUOTED_WORDS:
            raise ValueError(f"claim {self.name}: a quote of {words} words; expected 1 to {MAXIMUM_QUOTED_WORDS}")
        if self.predicate not in PREDICATES:
            raise ValueError(f"claim {self.name}: no predicate {self.predicate!r} in harness/judging/predicates")
        for variant in self.needs:
            try:
                found = find_variant(variant).name
            except VariantError as error:
                raise ValueError(f"claim {self.name}: {error}") from error
            if found != variant:
                raise ValueError(f"claim {self.name} needs {variant!r}, which is called {found!r}")


@dataclass(frozen=True)
class Evidence:
    """What the runs of one implementation say of a claim."""

    implementation: str
    kind: AnswerKind
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Answer:
    """What all runs together say of a claim.

    Attributes:
        claim: The claim.
        kind: Undecided also where two implementations contradict each other.
        reason: Why, in one sentence.
        wanted: What would decide it, one line each; empty where it is decided.
        evidence: One an implementation that has runs.
    """

    claim: Claim
    kind: AnswerKind
    reason: str
    wanted: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@cache
def claims() -> Mapping[str, Claim]:
    """All claims by name, in the order of claims.toml."""
    text = (files("harness.papers") / "jahangir2024" / "claims.toml").read_text(encoding="utf-8")
    entries = {name: {"name": name} | entry for name, entry in tomllib.loads(text).items()}
    return TypeAdapter(dict[str, Claim]).validate_python(entries)


def answer_claims(runs: Sequence[StoredRun], asked: Iterable[Claim] | None = None) -> tuple[Answer, ...]:
    """Answer claims.

    Args:
        runs: Sound runs that `harness.judging.bands.differences` has nothing against, one a seed.
        asked: Claims; None for all.
    """
    found: dict[str, dict[str, dict[int, StoredRun]]] = {}
    for run in runs:
        by_variant = found.setdefault(implementation_name(run), {})
        by_variant.setdefault(run.record.spec.variant.name, {})[run.record.spec.seed] = run
    samples = {name: Sample(by_variant) for name, by_variant in found.items()}
    return tuple(_answer(claim, samples) for claim in (claims().values() if asked is None else asked))


def _answer(claim: Claim, samples: Mapping[str, Sample]) -> Answer:
    if not claim.needs:
        samples = {COUNTED: Sample({})}
    asked = {
        name: sample for name, sample in samples.items() if not claim.needs or sample.runs.keys() & set(claim.needs)
    }
    findings = tuple(_finding(claim, name, sample) for name, sample in asked.items())
    if not findings:
        seeds = tuple(f"{SEEDS_NEEDED} seeds of {name}" for name in claim.needs)
        return Answer(claim, "undecided", f"no comparable run of {', '.join(claim.needs)}", seeds, ())
    kinds = {finding.kind for finding in findings}
    if {"supported", "refuted"} <= kinds:
        told = ", ".join(f"{finding.kind} by {finding.implementation}" for finding in findings)
        return Answer(
            claim, "undecided", f"implementations contradict each other: {told}", ("why they differ",), findings
        )
    kind: AnswerKind = next((each for each in ("refuted", "supported") if each in kinds), "undecided")
    deciding = [finding for finding in findings if finding.kind == kind]
    reason = "; ".join(f"{finding.implementation}: {_why(finding)}" for finding in deciding)
    wanted = tuple(_wanted(deciding)) if kind == "undecided" else ()
    return Answer(claim, kind, reason, wanted, findings)


def _finding(claim: Claim, implementation: str, sample: Sample) -> Evidence:
    comparisons = decide(tuple(PREDICATES[claim.predicate](sample)))
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
