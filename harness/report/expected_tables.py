"""The tables of EXPECTED.md, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

from harness.judging.bands import judge
from harness.judging.error_budget import Band
from harness.judging.expectations import bands
from harness.judging.results import Judged
from harness.papers import load_paper
from harness.papers.facts import Fact, Facts
from harness.papers.finding import Finding
from harness.papers.variants import VARIANTS, paper_fields, sources
from harness.records.record import RunRecord
from harness.report.differences import reason_text
from harness.report.variants import field_text
from harness.verification.flaws import implementation_name

REPORTED: Final = ("accuracy", "training-accuracy", "loss", "training-loss", "seconds", "epochs", "epochs-run")
"""Quantities that the paper reports of its runs, in the order of the tables."""
BANDED: Final = {"epochs-run": "epochs", "epochs": "none"}
"""Bands of another name than the quantity: planned epochs are no result."""
MOST_DOUBTS: Final = 3
UNITS: Final = {"percent": " %", "fraction": "", "seconds": " s"}
"""Others are written out."""


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars and line breaks within cells are taken out of its way."""
    lines = [headings, ["---"] * len(headings), *rows]
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def number_tables(paper: Facts, findings: Sequence[Finding], evidence: Judged) -> str:
    """For each variant: every number that the paper reports of its run, what speaks against it, and what we found."""
    headings = ("what", "the paper", "where", "can it be true?", "our band around it", "found")
    parts = []
    for name in VARIANTS:
        rows = []
        for quantity in REPORTED:
            for index, fact in enumerate(paper.mentions(name, quantity)):
                band = (
                    bands(load_paper("jahangir2024")).get(f"{name}.{BANDED.get(quantity, quantity)}")
                    if not index
                    else None
                )
                expected = (_limits(band), _found(band, evidence)) if band else ("", "")
                what = quantity.replace("-", " ") if not index else ""
                doubts = _doubts(fact, paper.headline(name, quantity), findings)
                rows.append((what, _printed(fact), fact.place, doubts, *expected))
        parts.append(f"### {name}\n\n{markdown(headings, rows)}")
    return "\n\n".join(parts)


def _limits(band: Band) -> str:
    if band.unjudged:
        return "not judged, see *Bands*"
    return f"{band.few_text} (one or two seeds); {band.many_text} (three or more)"


def _found(band: Band, evidence: Judged) -> str:
    """Verdicts of comparable runs of the variant, in all its readings."""
    verdicts = [
        f"`{group.variant}`, {group.implementation}: {each.verdict.kind}, {reason_text(each.verdict)}"
        for group in evidence.groups
        for each in group.judgements
        if each.band.name == band.name and each.verdict.kind != "NOT_COMPARABLE"
    ]
    return "; ".join(verdicts) or "no comparable run yet"


def _printed(fact: Fact) -> str:
    digits = fact.printed if fact.read_as is None else f"{fact.printed} ({fact.read_as})"
    return digits + UNITS.get(fact.unit, f" {fact.unit}")


def _doubts(fact: Fact, headline: Fact, findings: Sequence[Finding]) -> str:
    """What the audit has against it, gravest first; more than three are counted. The same number again is the same."""
    against = [f"{each.grade}: {each.name}" for each in findings if fact.name in each.facts and each.grade != "unsaid"]
    more = [f"and {len(against) - MOST_DOUBTS} more"] if len(against) > MOST_DOUBTS else []
    is_again = fact is not headline and abs(fact.value - headline.value) <= fact.resolution
    return "; ".join(against[:MOST_DOUBTS] + more) or ("as the first" if is_again else "nothing found against it")


def band_table(evidence: Judged) -> str:
    """Every band: what is expected, how wide it is and why, and what was found."""
    headings = ("band", "expected", "where", "one or two seeds", "three or more", "made of", "why", "found")
    rows = [
        (f"`{band.name}`", band.expected_text, band.place, band.few_text, band.many_text,
         band.parts_text if band.parts else "–", band.reason, _found(band, evidence))
        for band in bands(load_paper("jahangir2024")).values()
    ]  # fmt: skip
    return markdown(headings, rows)


def claim_table(evidence: Judged) -> str:
    """Every claim of the paper in words, and what the records answer."""
    rows = [
        (f"`{each.claim.name}`", f"“{each.claim.quote}” ({each.claim.place})", each.claim.means,
         f"{each.kind}: {each.reason}")
        for each in evidence.answers
    ]  # fmt: skip
    return markdown(("claim", "the paper's words", "runs would have to show", "answer"), rows)


def evidence_table(evidence: Judged) -> str:
    """One row a record that lies in `benchmarks/evidence`."""
    rows = []
    for run in evidence.sound:
        record, verdict = run.record, judge([run.record], load_paper("jahangir2024"))
        rows.append((
            f"`{record.spec.variant.name}`", implementation_name(run), *_work(record), *_results(record),
            f"{verdict.kind}: {reason_text(verdict)}", f"[record](benchmarks/evidence/{run.path.name})",
        ))  # fmt: skip
    headings = ("variant", "implementation", "training", "conditions", "all 7,178", "clean 6,610", "loss on the tests",
                "training accuracy", "verdict on the accuracy", "record")  # fmt: skip
    return markdown(headings, rows)


def _work(record: RunRecord) -> tuple[str, str]:
    """What was done and where."""
    data, machine = record.dataset, record.environment
    images = f"{data.training_examples:,} images" if data else "no data"
    epochs = len(record.history)
    versions = ", ".join(f"{name} {machine.versions[name]}" for name in ("torch", "keras", "jax", "tensorflow")
                         if name in machine.versions)  # fmt: skip
    where = machine.gpu or f"{machine.cpu}, {machine.cpu_cores} cores"
    return (
        f"{images}, {epochs} epoch{'s' if epochs > 1 else ''}, seed {record.spec.seed}",
        f"{where}; {versions}; weights {record.weights.source}; protocol {record.spec.protocol}; "
        f"commit {record.environment.git_commit or 'unknown'}",
    )


def _results(record: RunRecord) -> tuple[str, str, str, str]:
    if "paper_test" not in record.scores:
        return ("–",) * 4
    clean, test = record.scores.get("clean_test"), record.scores["paper_test"]
    return (
        f"{100 * test.accuracy:.2f} %",
        f"{100 * clean.accuracy:.2f} %" if clean else "–",
        f"{test.loss:.4f}",
        f"{100 * record.history[-1].training_accuracy:.2f} %",
    )


def effect_table(evidence: Judged) -> str:
    """What changing one field did, wherever two records differ in nothing else."""
    records = [run.record for run in evidence.sound]
    rows = [row for first, second in combinations(records, 2) for row in _effect(first, second)]
    if not rows:
        return "No two records differ in one assumption alone."
    return markdown(("field", "from", "to", "accuracy on all 7,178", "of", "n"), rows)


def _effect(first: RunRecord, second: RunRecord) -> list[tuple[str, ...]]:
    one, other = first.spec, second.spec
    if one.variant.base_name != other.variant.base_name or not (first.scores and second.scores):
        return []
    same_conditions = replace(one, asked=other.asked, weights_dir=None) == replace(other, weights_dir=None)
    changed = [name for name in paper_fields() if getattr(one.variant, name) != getattr(other.variant, name)]
    if not same_conditions or len(changed) != 1 or first.dataset != _reweighted(second, first, changed[0]):
        return []
    (field,) = changed
    before, after = (record.scores["paper_test"].accuracy for record in (first, second))
    return [(
        field, field_text(getattr(one.variant, field)), field_text(getattr(other.variant, field)),
        f"{100 * before:.2f} % → {100 * after:.2f} % ({100 * (after - before):+.2f} points)",
        f"`{one.variant.name}`, {one.implementation}", "1 seed",
    )]  # fmt: skip


def _reweighted(record: RunRecord, other: RunRecord, field: str) -> object:
    """The data of a record, with the other's class weights where these are what changed."""
    if record.dataset is None or other.dataset is None or field != "class_weights":
        return record.dataset
    return replace(record.dataset, class_weights=other.dataset.class_weights)


def assumed_table() -> str:
    """Every field of a variant that rests on an assumption, wholly or in part, with its reason."""
    rows = []
    for name, variant in VARIANTS.items():
        for field in paper_fields():
            source = sources(name)[field]
            if source.assumed:
                said = f"“{source.quote}” ({source.place})" if source.quote else "nothing"
                rows.append((f"`{name}`", field, field_text(getattr(variant, field)), said, source.assumed))
    return markdown(("variant", "field", "value", "the paper says", "assumed, because"), rows)
