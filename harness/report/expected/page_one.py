"""The blocks of EXPECTED.md: the answer, each variant, and the claims in two columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from harness.interval import Interval
from harness.judging.claims.answers import Answer, AnswerKind
from harness.judging.claims.by_figures import WordKind
from harness.papers.finding import GRADES
from harness.papers.wording import listed
from harness.report.expected.markdown import APPENDICES, escaped, link, table
from harness.report.known import BestRuns, Known, KnownVariant, Settling

FINDINGS_NAMED: Final = 2
MOST_CLAIMS_ALONE: Final = 30
"""Claims that get a row of their own, so that the page keeps to 80 lines; the others are grouped."""
WORDS: Final[tuple[WordKind, ...]] = ("contradicts", "agrees", "agrees in part", "not given")
ANSWERS: Final[tuple[AnswerKind, ...]] = ("supported", "refuted", "undecided")
COUNTED: Final = "no run needed"
_VERBS: Final[Mapping[WordKind, str]] = {
    "contradicts": "contradict",
    "agrees": "agree with",
    "agrees in part": "agree in part with",
    "not given": "say nothing of",
}
"""Of the paper's figures; a number of claims follows."""


def answer(known: Known) -> str:
    """What can be said today, in a few sentences."""
    words = Counter(each.by_figures.kind for each in known.claims)
    grades = Counter(each.grade for each in known.findings)
    told = listed(f"{grades[grade]} {grade}" for grade in GRADES if grades[grade])
    by_runs = len([each for each in known.claims if each.evidence and each.claim.needs])
    told_of = listed(f"{verb} {words[word]}" for word, verb in _VERBS.items() if words[word])
    spoken_of = f"{by_runs} of them" if by_runs else "none of them yet"
    return " ".join([
        f"**In short.** {_of_runs(known)}",
        f"Its own pages say more: the review of the paper against itself has {len(known.findings)} findings ({told}).",
        f"Of its {len(known.claims)} claims in words, its own figures {told_of}; comparable runs speak of {spoken_of}.",
    ])  # fmt: skip


def _of_runs(known: Known) -> str:
    comparable = known.comparable
    if not comparable:
        return (
            "No run under the paper's conditions has been made yet: training has neither confirmed nor refuted any of "
            "its numbers."
        )
    kinds = Counter(each.best.verdict.kind for each in comparable if each.best)
    told = listed(f"{count} {kind}" for kind, count in kinds.items())
    return f"Of {len(known.variants)} variants {len(comparable)} have runs under the paper's conditions: {told}."


def variant_table(known: Known) -> str:
    """One row a variant: the paper, what its own pages say against it, the best runs, the verdict, what settles it."""
    headings = ("variant", "the paper", "findings against its figures", "best evidence by runs", "verdict",
                "what would settle it")  # fmt: skip
    rows = [
        (link("numbers", each.name, folder=APPENDICES), each.reported or "not reported", _against(each),
         best_text(each.best, f"{APPENDICES}/evidence.md#{each.name}"), verdict_text(each.best),
         settling_text(each.settling))
        for each in known.variants
    ]  # fmt: skip
    return f"{table(headings, rows)}\n\n{_about_hours(known)}"


def _against(known: KnownVariant) -> str:
    named = [link("findings", each.name, folder=APPENDICES) for each in known.findings[:FINDINGS_NAMED]]
    more = len(known.findings) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "") or "none"


def best_text(best: BestRuns | None, page: str = "") -> str:
    """Accuracy, number of seeds, reading and conditions of the best runs; with a page, the accuracy links there."""
    if best is None:
        return "–"
    accuracy = f"{100 * best.accuracy:.2f} %"
    reading = f"read `@{best.reading}`, " if best.reading else ""
    return f"{f'[{accuracy}]({page})' if page else accuracy} (n = {best.seeds}): {reading}{best.conditions}"


def verdict_text(best: BestRuns | None) -> str:
    """The verdict in one word; `docs/paper/evidence.md` has its reason."""
    if best is None:
        return "no run yet"
    return f"{best.verdict.kind}{' in this reading' if best.reading and best.verdict.kind != 'NOT_COMPARABLE' else ''}"


def settling_text(settling: Settling) -> str:
    """Seeds and hours: `3 seeds, 7.6 to 25.9 h; its seconds: 1 run, 2.5 to 14.4 h`."""
    if settling.seeds == 0:
        accuracy = "settled"
    elif settling.seeds is None:
        accuracy = "no number of seeds"
    else:
        accuracy = f"{settling.seeds} seed{'s' if settling.seeds > 1 else ''}{_hours(settling.hours)}"
    return accuracy + (f"; its seconds: 1 run{_hours(settling.seconds_hours)}" if settling.seconds_hours else "")


def _hours(hours: Interval | None) -> str:
    return f", {hours} h" if hours else ""


def _about_hours(known: Known) -> str:
    hardware = known.paper.hardware
    needing = [each.name for each in known.variants if each.settling.needs_weights]
    weights = f" {listed(f'`{name}`' for name in needing)} begin with published weights." if needing else ""
    hours = ""
    if hardware:
        hours = (
            f"Hours: as forecast for one {hardware.gpu.name}, the paper's card, for all of these seeds together; "
            "[GPU.md](GPU.md#how-long) says how."
        )
    return f"{hours}{weights}".strip()


def claim_table(known: Known) -> str:
    """How often each column says what, then the claims that either of them speaks against, then the others."""
    counted = Counter((each.by_figures.kind, _by_runs(each)) for each in known.claims)
    words = [word for word in WORDS if any(each.by_figures.kind == word for each in known.claims)]
    counts = table(
        ("by the paper’s own figures", *(f"{kind} by runs" for kind in ANSWERS), COUNTED),
        [(word, *(str(counted[word, kind]) for kind in (*ANSWERS, COUNTED))) for word in words],
    )
    told = [each for each in known.claims if each.by_figures.kind == "contradicts" or each.kind != "undecided"]
    alone = told[:MOST_CLAIMS_ALONE]
    rows = [(_claim(each), _word(each), _answer(each)) for each in alone]
    others: dict[tuple[WordKind, AnswerKind], list[str]] = {}
    for each in known.claims:
        if each not in alone:
            name = link("claims", each.claim.name, folder=APPENDICES)
            others.setdefault((each.by_figures.kind, each.kind), []).append(name)
    rows += [(", ".join(others[key]), *key) for key in sorted(others, key=lambda key: WORDS.index(key[0]))]
    return f"{counts}\n\n{table(('claim', 'by the paper’s own figures', 'by runs'), rows)}"


def _by_runs(answer: Answer) -> str:
    """The column in which a claim is counted."""
    return answer.kind if answer.claim.needs else COUNTED


def _answer(answer: Answer) -> str:
    return answer.kind if answer.claim.needs else f"{answer.kind} by counting, {COUNTED}"


def _claim(answer: Answer) -> str:
    return f"{link('claims', answer.claim.name, folder=APPENDICES)} “{escaped(answer.claim.quote)}”"


def _word(answer: Answer) -> str:
    """What the paper's figures say, with the first of them; the appendix has all."""
    kind, seen = answer.by_figures.kind, answer.by_figures.seen
    more = f", and {len(seen) - 1} more" if len(seen) > 1 else ""
    return f"{kind}: {escaped(str(seen[0]))}{more}" if seen else kind


BLOCKS: Final[Mapping[str, Callable[[Known], str]]] = {
    "answer": answer,
    "variants": variant_table,
    "claims": claim_table,
}
"""By the name in `<!-- begin NAME -->` and `<!-- end NAME -->`."""
