"""What people and programs read of a judged folder."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.judging.bands import judge_all
from harness.judging.claims.answers import answer_claims
from harness.judging.differences import Difference
from harness.judging.results import Group, Judged, Refused
from harness.report.judgement import judgement_json, judgement_page
from harness.verification.flaws import Flaw
from tests.support.forged_records import SMALL, in_memory
from tests.support.papers import PAPER


@pytest.fixture(scope="module")
def judged() -> Judged:
    """One run of a variant, one rehearsal, one refused file."""
    run, small = in_memory(), in_memory(0.68, budget=SMALL, implementation="keras3")
    groups = [("pytorch", run, "device pipeline: 1 s"), ("keras3-jax", small, None)]
    return Judged(
        folder=Path("results"),
        sound=(run, small),
        copies=(Path("results/copy.json"),),
        refused=(Refused(Path("results/bad.json"), (Flaw("accuracy", "much", "less", "run again"),)),),
        groups=tuple(
            Group("vgg16-scratch", name, (each.record.run,), judge_all([each.record], PAPER), faster)
            for name, each, faster in groups
        ),
        answers=answer_claims([run], PAPER),
        not_comparable=((small.record.run, (Difference("budget", "custom"),)),),
        unchecked=("fer2013 (fer2013.csv): the data's digest; --fer2013 with that very data checks it",),
    )


def shown(judged: Judged, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), no_color=True)
    console.print(judgement_page(judged))
    return console.export_text()


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [80, 150])
def test_the_page_fits(judged: Judged, width: int) -> None:
    text = shown(judged, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_the_page_says_all(judged: Judged) -> None:
    text = flat(shown(judged, 150))
    for part in (
        "results: 2 sound, 1 refused, 1 copies; every score of a sound run is recomputed from its stored logits, but",
        "bad.json does not count: accuracy: much; expected less; run again",
        "vgg16-scratch pytorch 1 accuracy 67.23 % (Table 6)",
        "vgg16-scratch keras3-jax 1 all NOT_COMPARABLE: budget custom",
        "the device pipeline beside the paper's times, no verdict (1): vgg16-scratch pytorch: device pipeline: 1 s",
        "better-than-human undecided pytorch: accuracy on clean_test, vgg16-scratch − human estimate (65.50 %)",
        "would decide it: pytorch: 2 more seeds of vgg16-scratch",
        "mind: The human figure is an estimate itself",
        "undecided, no comparable run says anything of them (",
        "contradicted by the paper's own figures (14): transfer-is-best-for-vgg16, ",
        f"{len(PAPER.claims)} claims: 0 supported, ",
        "not comparable, so neither bands nor claims take them (1): vgg16-scratch-keras3-jax-seed0: budget custom",
        "copies of runs above, counted once (1): copy.json",
        "could not be checked without the data (1): fer2013 (fer2013.csv): the data's digest",
    ):
        assert part in text, part


def test_every_claim_is_named_on_the_page(judged: Judged) -> None:
    text = flat(shown(judged, 150))
    assert [name for name in PAPER.claims if name not in text] == []


def test_a_page_without_faults_has_no_list_of_them(judged: Judged) -> None:
    bare = Judged(judged.folder, judged.sound, (), (), judged.groups, judged.answers, (), ())
    text = shown(bare, 150)
    for part in ("does not count", "copies", "not comparable, so", "could not be checked"):
        assert part not in text


def test_nothing_is_recomputed_of_nothing(judged: Judged) -> None:
    text = shown(Judged(judged.folder, (), (), judged.refused, (), (), (), ()), 150)
    assert "results: 0 sound, 1 refused\n" in text
    assert "recomputed" not in text


def test_names_are_no_markup_and_no_control(judged: Judged) -> None:
    """Whoever writes a record chooses them."""
    name = "vgg16-scratch@[/x]\x1b[2J\udcff"
    group = Group(name, "[bold]", judged.groups[0].runs, judged.groups[0].judgements)
    refused = Refused(Path("\udcff.json"), (Flaw("name", name, "[/y]", "no"),))
    forged = Judged(Path("[/z]"), judged.sound, (), (refused,), (group,), judged.answers, ((name, ()),), ())
    text = shown(forged, 150)
    text.encode()
    for part in ("[/z]", "[/x]", "[bold]", "[/y]"):
        assert part in text
    assert "\x1b[2J" not in text
    assert json.loads(judgement_json(forged).encode())["verdicts"][0]["variant"] == name


def test_json_for_programs(judged: Judged) -> None:
    found: dict[str, Any] = json.loads(judgement_json(judged))
    assert list(found) == [
        "folder", "sound", "copies", "refused", "verdicts", "speed_ups", "claims", "not_comparable",
        "times_alone", "unchecked", "exit_code",
    ]  # fmt: skip
    assert found["exit_code"] == 2
    assert found["speed_ups"] == [
        {"variant": "vgg16-scratch", "implementation": "pytorch", "text": "device pipeline: 1 s"}
    ]
    assert found["refused"] == [
        {
            "file": "bad.json",
            "flaws": [{"check": "accuracy", "seen": "much", "expected": "less", "advice": "run again"}],
        }
    ]
    verdict = found["verdicts"][0]
    assert list(verdict) == [
        "variant", "implementation", "quantity", "expected", "place", "kind", "reason", "differences",
        "further_seeds", "observed",
        "runs",
    ]  # fmt: skip
    assert (verdict["variant"], verdict["quantity"]) == ("vgg16-scratch", "accuracy")
    claim = next(each for each in found["claims"] if each["claim"] == "better-than-human")
    assert list(claim) == [
        "claim", "quote", "place", "means", "by_figures", "figures", "kind", "reason", "wanted", "caution", "evidence",
    ]  # fmt: skip
    assert claim["by_figures"] == "agrees"
    assert claim["figures"] == ["accuracy, vgg16-scratch − human estimate: 67.23 % against 65.50 %"]
    assert claim["evidence"][0]["comparisons"][0]["kind"] == "open"
    assert len(found["claims"]) == len(PAPER.claims)


def test_what_never_happened_is_null_in_json() -> None:
    """JSON has no infinity: an accuracy that is never passed has no epoch."""
    run = in_memory(0.66, epochs=100)
    group = Group("vgg16-scratch", "pytorch", (run.record.run,), judge_all([run.record], PAPER))
    text = judgement_json(Judged(Path("results"), (run,), (), (), (group,), (), (), ()))
    assert "Infinity" not in text
    crossing = next(each for each in json.loads(text)["verdicts"] if each["quantity"] == "epochs")
    assert crossing["observed"] == [None]


@pytest.mark.parametrize(
    ("has_refused", "accuracy", "code"), [(True, 0.3, 2), (False, 0.3, 3), (False, 0.54, 0)], ids=str
)
def test_the_exit_code(judged: Judged, has_refused: bool, accuracy: float, code: int) -> None:
    record = in_memory(accuracy, variant="resnet50-scratch").record
    (judgement,) = (each for each in judge_all([record], PAPER) if each.band.quantity == "accuracy")
    group = Group("resnet50-scratch", "pytorch", (record.run,), (judgement,))
    refused = judged.refused if has_refused else ()
    assert Judged(Path("results"), (), (), refused, (group,), (), (), ()).exit_code == code
