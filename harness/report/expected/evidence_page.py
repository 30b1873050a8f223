"""Appendix: the records worth showing, with their conditions and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.data.reading import KNOWN_COUNTS
from harness.interface import CLASSES
from harness.judging.bands import judge
from harness.papers.paper import Paper
from harness.records.record import RunRecord
from harness.report.differences import reason_text
from harness.report.expected.markdown import escaped, page, table
from harness.report.known import Known, conditions
from harness.verification.flaws import StoredRun, implementation_name

_FOLDER: Final = "../../benchmarks/evidence"
_ABOUT: Final = """\
The records lie in `benchmarks/evidence`. `ferbench judge benchmarks/evidence` recomputes every score from the stored
logits. [What is particular about these runs](../../benchmarks/evidence/README.md) stands beside them."""


def evidence_page(known: Known) -> str:
    """Render the page."""
    tests = [sum(counts) for counts in zip(KNOWN_COUNTS["public_test"], KNOWN_COUNTS["private_test"], strict=True)]
    guess = CLASSES[tests.index(max(tests))]
    baseline = f"Always answering *{guess}* scores {100 * max(tests) / sum(tests):.2f} %."
    parts = [_ABOUT] + ([baseline] if known.paper.dataset == "fer2013" else [])
    for each in known.variants:
        runs = [run for run in known.evidence.sound if run.record.spec.variant.base_name == each.name]
        if runs:
            parts.append(f"## {each.name}\n\n{_table(runs, known)}")
    silent = [f"`{each.name}`" for each in known.variants if each.best is None]
    return page("Evidence by runs", *parts, f"There is no record of {', '.join(silent)} yet." if silent else "")


def _table(runs: Sequence[StoredRun], known: Known) -> str:
    headings = ("variant", "by", "seed", "conditions", "both tests", "clean test", "loss on the tests",
                "training accuracy", "verdict on the accuracy", "record")  # fmt: skip
    rows = [
        (f"`{run.record.spec.variant.name}`", implementation_name(run), str(run.record.spec.seed),
         _conditions(run.record, known), *_results(run.record), _verdict(run.record, known.paper),
         f"[record]({_FOLDER}/{run.path.name})")
        for run in runs
    ]  # fmt: skip
    return table(headings, rows)


def _verdict(record: RunRecord, paper: Paper) -> str:
    verdict = judge([record], paper)
    return f"{verdict.kind}: {escaped(reason_text(verdict))}"


def _conditions(record: RunRecord, known: Known) -> str:
    """What was done, where, and with which versions."""
    machine, names = record.environment, ("torch", "keras", "jax", "tensorflow")
    versions = ", ".join(f"{name} {machine.versions[name]}" for name in names if name in machine.versions)
    where = machine.gpu or f"{machine.cpu}, {machine.cpu_cores} cores"
    commit = (machine.git_commit or "unknown")[:12]
    weights = record.weights.source
    return f"{conditions(record, known.paper)} ({where}); {versions}; weights {weights}; commit {commit}"


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
