"""What is known of a paper: its figures, what speaks against them, the best runs, and what would settle each variant.

A frozen model, from which the first page (`harness.report.expected.page_one`) and the terminal
(`harness.report.known_terminal`) are made.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import UserError
from harness.interval import Interval
from harness.judging.bands import judge
from harness.judging.claims.answers import Answer, answer_claims
from harness.judging.comparability import differences
from harness.judging.expectations import bands
from harness.judging.results import Judged, judge_results
from harness.judging.verdicts import Verdict
from harness.measuring.forecast import FER2013_IMAGES, forecast, machine_of_gpu
from harness.papers.finding import GRADES, Finding
from harness.papers.paper import Paper
from harness.papers.review import audit
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.statistics.seeds import SEEDS_NEEDED
from harness.variant import Pipeline
from harness.verification.flaws import StoredRun, implementation_name

EVIDENCE: Final = Path(__file__).parents[2] / "benchmarks" / "evidence"
"""Records worth showing, in a clone of the repository."""
SEEDS_OF_A_THRESHOLD: Final = 5
"""Seeds to plan where the epoch is judged in which the threshold of a stop rule is passed (docs/paper/bands.md)."""
FRAMEWORKS: Final = {"pytorch": "PyTorch", "keras3-jax": "Keras on JAX", "keras3-tensorflow": "Keras on TensorFlow"}
"""As people call them; others go by the name in the record."""


class EvidenceError(UserError, ValueError):
    """A record that is shown as evidence and does not hold together."""


@dataclass(frozen=True)
class BestRuns:
    """The runs that say most of a variant: comparable ones first, then those with more seeds and the least changed.

    Attributes:
        variant: With its readings.
        implementation: Such as `pytorch` or `keras3-jax`.
        seeds: How many runs.
        accuracy: Mean over the seeds, on both tests together; a fraction.
        conditions: What was done, in one line.
        verdict: On the accuracy, or on reaching the stop rule's threshold where the paper's accuracy is that.
        paths: Of the records.
    """

    variant: str
    implementation: str
    seeds: int
    accuracy: float
    conditions: str
    verdict: Verdict
    paths: tuple[Path, ...]

    @property
    def reading(self) -> str:
        """What stands behind the at-sign; empty for the default reading."""
        return self.variant.partition("@")[2]


@dataclass(frozen=True)
class Settling:
    """What would settle a variant: runs, and hours of one card of the paper's class, for all of them together.

    Attributes:
        seeds: For the accuracy; 0 where it is settled, None where no number of seeds settles it.
        hours: Of these seeds on the fastest pipeline; None where the paper's card is not known.
        seconds_hours: Of one run on the paper's own pipeline, for its seconds; None likewise.
        needs_weights: Whether published weights have to be at hand.
    """

    seeds: int | None
    hours: Interval | None
    seconds_hours: Interval | None
    needs_weights: bool


@dataclass(frozen=True)
class KnownVariant:
    """What is known of one variant.

    Attributes:
        name: Without readings.
        reported: The accuracy that the paper reports first, with its place; None where it reports none.
        findings: Of the review, that rest on its figures, the most telling first; not what is only left unsaid.
        best: Its best runs; None where there are none.
        settling: What would settle it.
    """

    name: str
    reported: str | None
    findings: tuple[Finding, ...]
    best: BestRuns | None
    settling: Settling


@dataclass(frozen=True)
class Known:
    """What is known of a paper today.

    Attributes:
        paper: The paper.
        findings: All that its review found, gravest first.
        evidence: The records worth showing, judged, with the answers to the claims.
        variants: In the paper's order.
    """

    paper: Paper
    findings: tuple[Finding, ...]
    evidence: Judged
    variants: tuple[KnownVariant, ...]

    @property
    def claims(self) -> tuple[Answer, ...]:
        """The claims in words, in the order of `claims.toml`."""
        return self.evidence.answers

    @property
    def comparable(self) -> tuple[KnownVariant, ...]:
        """Variants with runs under the paper's conditions."""
        return tuple(each for each in self.variants if each.best and each.best.verdict.kind != "NOT_COMPARABLE")


def what_is_known(paper: Paper, folder: Path | None = None) -> Known:
    """Review a paper and judge the records worth showing.

    Args:
        paper: The paper.
        folder: Of the records; None for those of the repository, where this is a clone of it.

    Raises:
        EvidenceError: If a record does not hold together.
        RecordError: If the folder has none.
    """
    if folder is None and not EVIDENCE.is_dir():
        judged = Judged(EVIDENCE, (), (), (), (), answer_claims([], paper), (), ())
    else:
        judged = judge_results(folder or EVIDENCE, paper)
    if judged.refused:
        first = judged.refused[0]
        raise EvidenceError(f"{first.path} is no evidence: {first.flaws[0]}; `ferbench judge {judged.folder}` says all")
    findings = audit(paper)
    return Known(
        paper=paper,
        findings=findings,
        evidence=judged,
        variants=tuple(_known_variant(name, paper, findings, judged.sound) for name in paper.variants),
    )


def _known_variant(name: str, paper: Paper, findings: Sequence[Finding], runs: Sequence[StoredRun]) -> KnownVariant:
    mentions = paper.facts.mentions(name, "accuracy")
    reported = f"{100 * mentions[0].value:.2f} % ({mentions[0].place})" if mentions else None
    best = max(_groups(name, paper, runs), key=_weight, default=None)
    return KnownVariant(name, reported, _against(name, findings), best, _settling(name, paper, best))


def _against(name: str, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings that rest on a variant's figures: by weight, then those of few subjects, which are most about it."""

    def subjects(finding: Finding) -> set[str]:
        return {fact.partition(".")[0] for fact in finding.facts}

    found = [each for each in findings if each.grade != "unsaid" and name in subjects(each)]
    return tuple(sorted(found, key=lambda each: (-each.weight, len(subjects(each)), GRADES.index(each.grade))))


def _groups(name: str, paper: Paper, runs: Sequence[StoredRun]) -> Iterator[BestRuns]:
    """Runs of a variant, by reading and implementation; the comparable ones alone where there are any."""
    grouped: dict[tuple[str, str], list[StoredRun]] = {}
    for run in runs:
        variant = run.record.spec.variant
        if variant.base_name == name and "paper_test" in run.record.scores:
            grouped.setdefault((variant.name, implementation_name(run)), []).append(run)
    for (variant_name, implementation), runs_of_it in grouped.items():
        group = [run for run in runs_of_it if not differences(run.record, paper)] or runs_of_it
        accuracies = [run.record.scores["paper_test"].accuracy for run in group]
        yield BestRuns(
            variant=variant_name,
            implementation=implementation,
            seeds=len({run.record.spec.seed for run in group}),
            accuracy=statistics.fmean(accuracies),
            conditions=conditions(group[-1].record, paper),
            verdict=judge([run.record for run in group], paper),
            paths=tuple(run.path for run in group),
        )


def _weight(best: BestRuns) -> tuple[bool, int, int]:
    readings = len([word for word in best.reading.split(",") if word])
    return best.verdict.kind != "NOT_COMPARABLE", best.seeds, -readings


def conditions(record: RunRecord, paper: Paper) -> str:
    """What a run was trained on, for how long, and by what: `10,000 of 28,709 images, 100 epochs, PyTorch on a CPU`."""
    data, spec = record.dataset, record.spec
    images = "no data"
    if data is not None:
        of_all = f" of {FER2013_IMAGES[0]:,}" if data.name == "fer2013" else ""
        is_cut = data.training_examples != FER2013_IMAGES[0]
        images = f"{data.training_examples:,}{of_all if is_cut else ''} images"
        images += "" if data.name == paper.dataset else f" of {data.name}"
    name = "-".join(filter(None, (spec.implementation, spec.keras_backend)))
    epochs = len(record.history)
    parts = [images, f"{epochs} epoch{'s' if epochs > 1 else ''}"]
    parts += [f"protocol {spec.protocol}"] if spec.protocol != "paper" else []
    parts += [f"precision {spec.precision}"] if spec.precision != "float32" else []
    parts += [f"{record.weights.source} weights"] if record.weights.source == "stand-in" else []
    return ", ".join([*parts, f"{FRAMEWORKS.get(name, name)} on {record.environment.gpu or 'a CPU'}"])


def _settling(name: str, paper: Paper, best: BestRuns | None) -> Settling:
    band = bands(paper).get(f"{name}.accuracy")
    seeds: int | None = SEEDS_NEEDED if band is None or band.unjudged is None else SEEDS_OF_A_THRESHOLD
    if best and best.reading:
        pass  # another reading settles nothing of the default one
    elif best and best.verdict.kind in ("REPRODUCED", "NOT_REPRODUCED"):
        seeds = 0
    elif best and best.verdict.kind == "INCONCLUSIVE":
        seeds = best.verdict.further_seeds
    hours = hours_of_a_run(name, paper, "device")
    papers_pipelines = paper.hardware.pipelines if paper.hardware else ()
    return Settling(
        seeds=seeds,
        hours=Interval(hours.low * seeds, hours.high * seeds) if hours and seeds else None,
        seconds_hours=hours_of_a_run(name, paper, papers_pipelines[0]) if papers_pipelines else None,
        needs_weights=paper.variants[name].weights_source != "random",
    )


def hours_of_a_run(name: str, paper: Paper, pipeline: Pipeline) -> Interval | None:
    """Hours that one run takes on a card of the paper's class, as it is forecast; None where that is not known."""
    if paper.hardware is None:
        return None
    data = "fer2013.zip" if paper.dataset == "fer2013" else None
    spec = RunSpec(paper.variants[name], "pytorch", fer2013=data, pipeline=pipeline)
    gpu = paper.hardware.gpu
    seconds = forecast(spec, machine_of_gpu(gpu.name, known=gpu), []).seconds
    return None if seconds is None else Interval(seconds.low / 3600, seconds.high / 3600)
