"""How far two implementations agree after training, for the terminal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.agreement.agreement import Agreement, Side
from harness.records.record import RunRecord
from harness.statistics.equivalence import EquivalenceKind

_STYLES: dict[EquivalenceKind, str] = {"EQUIVALENT": "green", "DIFFERENT": "red", "UNDECIDED": "yellow"}
_ABOUT_TOST = (
    "TOST: the larger p of two one-sided t tests over the pairs; s: standard deviation of their differences. "
    "EQUIVALENT: the interval lies within the margin; DIFFERENT: wholly outside; else UNDECIDED."
)
_ABOUT_MCNEMAR = (
    "McNemar's exact test is about two trained networks, not two implementations: two seeds of one implementation "
    "differ as well. Holm: corrected for the number of pairs in the table."
)


def agreement_page(
    agreements: Sequence[Agreement], left_out: Sequence[str], *, first: Side, second: Side, margin: float
) -> RenderableType:
    """Verdicts, pairs, what was measured on what, and what was left out; `margin` is a fraction."""
    parts: list[RenderableType] = [
        Text(f"A = {first.implementation}; B = {second.implementation}"),
        _verdicts(agreements, margin),
        *map(_reason, agreements),
        Text(_ABOUT_TOST),
        Text(),
        *(part for each in agreements for part in _pairs(each)),
        Text(_ABOUT_MCNEMAR),
        *map(Text, _where_each_ran(agreements)),
    ]
    if left_out:
        parts += [Text(f"left out ({len(left_out)}):"), *(Text(f"  {line}") for line in left_out)]
    return Group(*parts)


def _table(title: str | None, *headings: str) -> Table:
    # narrow and folded: in 80 columns a figure that ends in … says nothing
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column(headings[0], overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _what(agreement: Agreement) -> str:
    """Variant, data and budget: alike after smoke runs on drawn faces is not alike on FER-2013."""
    record = agreement.pairs[0].first
    data = record.dataset.name if record.dataset else "no data"
    return f"{record.spec.variant.name} on {data}, budget {record.spec.budget.name}"


def _reason(agreement: Agreement) -> Text:
    text = Text(f"{_what(agreement)}: {agreement.equivalence.kind}, {agreement.equivalence.reason}")
    if agreement.stopped_alike:
        text.append(
            f"; {agreement.stopped_alike} of {len(agreement.pairs)} pairs ended on reaching the stop rule's accuracy, "
            "so theirs agree by construction: the reading @unstopped says more",
            "yellow",
        )
    return text


def _verdicts(agreements: Sequence[Agreement], margin: float) -> Table:
    table = _table(
        f"accuracy on paper_test in %; differences in points, margin ±{100 * margin:g}",
        "variant", "pairs", "A", "B", "A − B", "s", "90 % interval", "TOST p", "verdict",
    )  # fmt: skip
    for each in agreements:
        test = each.equivalence
        table.add_row(
            _what(each),
            str(len(each.pairs)),
            _mean([pair.first for pair in each.pairs]),
            _mean([pair.second for pair in each.pairs]),
            _points(test.mean),
            "–" if test.spread is None else f"{100 * test.spread:.2f}",
            "–" if test.interval is None else " to ".join(map(_points, test.interval)),
            "–" if test.p_values is None else _p(max(test.p_values)),
            Text(test.kind, _STYLES[test.kind]),
        )
    return table


def _pairs(agreement: Agreement) -> list[RenderableType]:
    table = _table(
        None,
        "seed", "A", "B", "A − B", "only A right", "only B right", "McNemar p", "Holm p", "alike", "kappa",
    )  # fmt: skip
    for pair, corrected in zip(agreement.pairs, agreement.holm_p_values, strict=True):
        answers = pair.answers
        table.add_row(
            str(pair.first.spec.seed),
            _mean([pair.first]),
            _mean([pair.second]),
            _points(pair.difference),
            f"{answers.first_alone:,}",
            f"{answers.second_alone:,}",
            _p(answers.p_value),
            _p(corrected),
            f"{100 * answers.alike:.1f} %",
            "–" if answers.kappa is None else f"{answers.kappa:.3f}",
        )
    title = Text(f"{_what(agreement)}: image by image, from the stored logits", "italic")
    return [title, Text(_measured_on(agreement)), table]


def _mean(records: Sequence[RunRecord]) -> str:
    return f"{100 * statistics.fmean(record.scores['paper_test'].accuracy for record in records):.2f}"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.2f}".replace("-", "−")


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"


def _measured_on(agreement: Agreement) -> str:
    record = agreement.pairs[0].first
    data, variant = record.dataset, record.spec.variant
    images = f"{data.training_examples:,} + {data.test_examples:,} images" if data else "no images"
    width = f", width ÷ {variant.width_divisor}" if variant.width_divisor != 1 else ""
    return (
        f"measured on {images} of {variant.input_size} pixels{width}, at most {variant.epochs} epochs, "
        f"protocol {record.spec.protocol}"
    )


def _where_each_ran(agreements: Sequence[Agreement]) -> list[str]:
    """Every condition once, A's before B's."""
    pairs = [pair for each in agreements for pair in each.pairs]
    lines = [f"A: {_where(pair.first)}" for pair in pairs] + [f"B: {_where(pair.second)}" for pair in pairs]
    return list(dict.fromkeys(lines))


def _where(record: RunRecord) -> str:
    environment = record.environment
    device = environment.gpu or f"{environment.cpu}, {environment.cpu_cores} cores"
    frameworks = ", ".join(
        f"{name} {version}"
        for name, version in environment.versions.items()
        if name in {"ferbench", "torch", "keras", "jax", "tensorflow", "tensorflow-cpu"}
    )
    commit = f", commit {environment.git_commit:.9}" if environment.git_commit else ""
    return f"{device}; {frameworks}{commit}"
