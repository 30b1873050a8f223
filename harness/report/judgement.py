"""What a folder of stored runs says, for the terminal and for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from unicodedata import category

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.judging.bands import Judgement
from harness.judging.claims.answers import Answer, AnswerKind
from harness.judging.differences import Difference
from harness.judging.results import Group as JudgedGroup
from harness.judging.results import Judged, Refused
from harness.judging.verdicts import VerdictKind
from harness.report.differences import difference_text, reason_text

_VERDICTS: dict[VerdictKind, str] = {
    "REPRODUCED": "green",
    "NOT_REPRODUCED": "red",
    "INCONCLUSIVE": "yellow",
    "NOT_COMPARABLE": "dim",
}
_ANSWERS: dict[AnswerKind, str] = {"supported": "green", "refuted": "red", "undecided": "yellow"}


def judgement_page(judged: Judged) -> RenderableType:
    """Damaged records, verdicts, claims, then why runs cannot be compared."""
    parts: list[RenderableType] = [_text(_summary(judged))]
    parts += [line for refused in judged.refused for line in _refused(refused)]
    if judged.groups:
        parts.append(_verdicts(judged))
    parts += _listed("the device pipeline beside the paper's times, no verdict", _speed_ups(judged))
    parts += [*_claims(judged.answers), Text(_about_claims(judged.answers))]
    parts += _listed("not comparable, so neither bands nor claims take them", _reasons(judged.not_comparable))
    parts += _listed("not comparable but for its time, which the band of seconds takes", _reasons(judged.times_alone))
    parts += _listed("copies of runs above, counted once", [path.name for path in judged.copies])
    parts += _listed("could not be checked without the data", judged.unchecked)
    return Group(*parts)


def judgement_json(judged: Judged) -> str:
    """The same for programs, indented; keys stay as they are."""
    text = json.dumps(
        {
            "folder": str(judged.folder),
            "sound": [run.path.name for run in judged.sound],
            "copies": [path.name for path in judged.copies],
            "refused": [
                {"file": each.path.name, "flaws": [vars(flaw) for flaw in each.flaws]} for each in judged.refused
            ],
            "verdicts": [_verdict_json(group, each) for group in judged.groups for each in group.judgements],
            "speed_ups": [
                {"variant": each.variant, "implementation": each.implementation, "text": each.speed_up}
                for each in judged.groups
                if each.speed_up
            ],
            "claims": [_claim_json(answer) for answer in judged.answers],
            "not_comparable": _differences_json(judged.not_comparable),
            "times_alone": _differences_json(judged.times_alone),
            "unchecked": list(judged.unchecked),
            "exit_code": judged.exit_code,
        },
        indent=1,
        ensure_ascii=False,
    )
    return text.encode("utf-8", "backslashreplace").decode()  # the name of a file need not be text


def _verdict_json(group: JudgedGroup, judgement: Judgement) -> dict[str, object]:
    band, verdict = judgement.band, judgement.verdict
    return {
        "variant": group.variant,
        "implementation": group.implementation,
        "quantity": band.quantity,
        "expected": band.expected_text,
        "place": band.place,
        "kind": verdict.kind,
        "reason": reason_text(verdict),
        "differences": [asdict(each) for each in verdict.differences],
        "further_seeds": verdict.further_seeds,
        "observed": [value if math.isfinite(value) else None for value in judgement.observed],
        "runs": list(group.runs),
    }


def _claim_json(answer: Answer) -> dict[str, object]:
    return {
        "claim": answer.claim.name,
        "quote": answer.claim.quote,
        "place": answer.claim.place,
        "means": answer.claim.means,
        "by_figures": answer.by_figures.kind,
        "figures": [str(each) for each in answer.by_figures.seen],
        "kind": answer.kind,
        "reason": answer.reason,
        "wanted": list(answer.wanted),
        "caution": answer.claim.caution,
        "evidence": [
            {
                "implementation": each.implementation,
                "kind": each.kind,
                "comparisons": [
                    {
                        "what": one.what,
                        "observed": one.observed,
                        "kind": one.kind,
                        "p_holds": one.p_holds,
                        "p_fails": one.p_fails,
                        "wanted": one.wanted,
                    }
                    for one in each.comparisons
                ],
            }
            for each in answer.evidence
        ],
    }


def _summary(judged: Judged) -> str:
    counted = [f"{len(judged.sound)} sound", f"{len(judged.refused)} refused"]
    if judged.copies:
        counted.append(f"{len(judged.copies)} copies")
    told = f"{judged.folder}: {', '.join(counted)}"
    if not judged.sound:
        return told
    but = ", but for what is named below" if judged.unchecked else ""
    return f"{told}; every score of a sound run is recomputed from its stored logits{but}"


def _refused(refused: Refused) -> list[Text]:
    lines = [_text(f"{refused.path.name} does not count:", "red")]
    return lines + [_text(f"  {flaw.check}: {flaw}") for flaw in refused.flaws]


def _text(content: str, style: str = "") -> Text:
    """Words as they are: names in a record are no markup, and none of their letters moves the cursor."""
    is_letter = [each == "\n" or category(each)[0] != "C" for each in content]
    shown = (each if is_one else "\N{REPLACEMENT CHARACTER}" for each, is_one in zip(content, is_letter, strict=True))
    return Text("".join(shown), style)


def _table(title: str, *headings: str) -> Table:
    # folded: in 80 columns a verdict that ends in … says nothing
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _verdicts(judged: Judged) -> Table:
    table = _table("verdicts, band by band", "variant", "by", "runs", "quantity", "paper", "verdict")
    for group in judged.groups:
        start = [_text(group.variant), _text(group.implementation), _text(str(len(group.runs)))]
        verdicts = {each.verdict for each in group.judgements}
        if not verdicts:
            table.add_row(*start, _text("–"), _text("–"), _text("no band is declared for this variant"))
        for each in group.judgements:
            band, verdict = each.band, each.verdict
            text = Text.assemble((verdict.kind, _VERDICTS[verdict.kind]), _text(f": {reason_text(verdict)}"))
            if len(verdicts) == 1:  # such as NOT_COMPARABLE: one row says it
                table.add_row(*start, _text("all"), _text(""), text)
                break
            table.add_row(*start, _text(band.quantity), _text(f"{band.expected_text} ({band.place})"), text)
            start = [_text("")] * 3
    return table


def _claims(answers: Sequence[Answer]) -> list[RenderableType]:
    """A row for each claim that some run says something of; the others in one line."""
    table = _table("the paper's claims", "claim", "answer", "why, and what would decide it")
    for answer in answers:
        if not answer.evidence:
            continue
        why = _text(answer.reason)
        if answer.wanted:
            why.append(f"\nwould decide it: {'; '.join(answer.wanted)}")
        if answer.claim.needs and answer.by_figures.seen:
            why.append(f"\nthe paper's own figures: {answer.by_figures.kind} ({answer.by_figures.seen[0]})")
        if answer.claim.caution:
            why.append(f"\nmind: {answer.claim.caution}", "dim")
        table.add_row(_text(answer.claim.name), Text(answer.kind, _ANSWERS[answer.kind]), why)
    silent = [answer.claim.name for answer in answers if not answer.evidence]
    refuted = [answer.claim.name for answer in answers if answer.by_figures.kind == "contradicts"]
    parts: list[RenderableType] = [table]
    if silent:
        parts.append(_text(f"undecided, no comparable run says anything of them ({len(silent)}): {', '.join(silent)}"))
    if refuted:
        parts.append(_text(f"contradicted by the paper's own figures ({len(refuted)}): {', '.join(refuted)}"))
    return parts


def _about_claims(answers: Sequence[Answer]) -> str:
    counts = {kind: sum(answer.kind == kind for answer in answers) for kind in _ANSWERS}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return (
        f"{len(answers)} claims: {told}. A claim holds if all it says does: 95 % t intervals of differences paired by "
        "seed, within one implementation; refutations are corrected for their number (Holm)."
    )


def _reasons(runs: Sequence[tuple[str, tuple[Difference, ...]]]) -> list[str]:
    return [f"{name}: {', '.join(map(difference_text, why))}" for name, why in runs]


def _differences_json(runs: Sequence[tuple[str, tuple[Difference, ...]]]) -> list[dict[str, object]]:
    return [
        {"run": name, "reasons": list(map(difference_text, why)), "differences": list(map(asdict, why))}
        for name, why in runs
    ]


def _speed_ups(judged: Judged) -> list[str]:
    return [f"{each.variant} {each.implementation}: {each.speed_up}" for each in judged.groups if each.speed_up]


def _listed(title: str, lines: Sequence[str]) -> list[RenderableType]:
    return [_text(f"{title} ({len(lines)}):"), *(_text(f"  {line}") for line in lines)] if lines else []
