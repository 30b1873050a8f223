"""Appendix: what we assume where the paper says nothing or only a part, the other readings, and what they change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

from harness.papers.variants import paper_fields
from harness.records.record import RunRecord
from harness.report.expected.markdown import escaped, page, table
from harness.report.known import Known
from harness.report.variants import field_text

_ABOUT: Final = """\
Each field of a variant has a short quote with its place, or a reason why we chose what the paper does not say. Listed
are those that rest on an assumption, wholly or in part. A *reading* is another answer to an open question; it stands
behind an at-sign, such as `NAME@READING`, and `ferbench variants NAME` shows all of a variant."""


def assumptions_page(known: Known) -> str:
    """Render the page."""
    effects = f"## Measured effects\n\nWhere two records differ in nothing else.\n\n{effect_table(known)}"
    return page("Assumptions and readings", _ABOUT, effects, *(_section(known, each.name) for each in known.variants))


def _section(known: Known, name: str) -> str:
    fields = table(("field", "value", "the paper says", "assumed, because"), _assumed(known, name))
    readings = [
        (f"`{each.name}`" + (" (default)" if each.is_default else ""), escaped(each.question), escaped(each.reason))
        for each in known.paper.readings[name]
    ]
    told = f"\n\n{table(('reading', 'question', 'why it is possible'), readings)}" if readings else ""
    return f"## {name}\n\n{fields}{told}"


def _assumed(known: Known, name: str) -> Iterator[tuple[str, ...]]:
    variant, sources = known.paper.variants[name], known.paper.sources[name]
    for field in paper_fields():
        source = sources[field]
        if source.assumed:
            said = f"“{escaped(source.quote)}” ({escaped(source.place or '')})" if source.quote else "nothing"
            yield field, field_text(getattr(variant, field)), said, escaped(source.assumed)


def effect_table(known: Known) -> str:
    """What changing one field did, wherever two records differ in nothing else."""
    rows = list(_effects([run.record for run in known.evidence.sound]))
    if not rows:
        return "No two records differ in one assumption alone."
    return table(("field", "from", "to", "accuracy on both tests", "of", "n"), rows)


def _effects(records: Sequence[RunRecord]) -> Iterator[tuple[str, ...]]:
    for first, second in combinations(records, 2):
        one, other = first.spec, second.spec
        if one.variant.base_name != other.variant.base_name or not (first.scores and second.scores):
            continue
        same_conditions = replace(one, asked=other.asked, weights_dir=None) == replace(other, weights_dir=None)
        changed = [name for name in paper_fields() if getattr(one.variant, name) != getattr(other.variant, name)]
        if not same_conditions or len(changed) != 1 or first.dataset != _reweighted(second, first, changed[0]):
            continue
        (field,) = changed
        before, after = (record.scores["paper_test"].accuracy for record in (first, second))
        change = f"{100 * before:.2f} % → {100 * after:.2f} % ({100 * (after - before):+.2f} points)"
        values = (field_text(getattr(one.variant, field)), field_text(getattr(other.variant, field)))
        yield field, *values, change, f"`{one.variant.name}`, {one.implementation}", "1 seed"


def _reweighted(record: RunRecord, other: RunRecord, field: str) -> object:
    """The data of a record, with the other's class weights where these are what changed."""
    if record.dataset is None or other.dataset is None or field != "class_weights":
        return record.dataset
    return replace(record.dataset, class_weights=other.dataset.class_weights)
