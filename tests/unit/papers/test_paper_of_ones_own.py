"""A paper of one's own with a seventh variant, of which it reports nothing: told beside the others as what it is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from harness.judging.bands import judge, judge_all
from harness.judging.comparability import differences
from harness.judging.results import judge_results
from harness.papers import Paper, load_paper
from harness.papers.review import audit
from harness.report.differences import reason_text
from harness.report.judgement import judgement_json, judgement_page
from harness.report.known import what_is_known
from harness.report.planned_suite import seed_lines
from harness.report.tables import result_table
from harness.report.variants import variant_list, variant_page
from tests.support.fake_records import fake_record
from tests.support.forged_records import sound_run, write_run
from tests.support.papers import PAPER, told, with_seventh_variant

SEVENTH = "a-seventh-one"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_seventh_variant(tmp_path_factory.mktemp("papers") / "mine")


@pytest.fixture(scope="module")
def mine(folder: Path) -> Paper:
    return load_paper(folder)


def shown(*parts: RenderableType) -> str:
    console = Console(width=200, file=io.StringIO(), record=True, no_color=True)
    for part in parts:
        console.print(part)
    return " ".join(console.export_text().split())


def test_it_is_a_variant_like_the_others(mine: Paper) -> None:
    assert list(mine.variants) == [*PAPER.variants, SEVENTH]
    assert mine.find_variant(SEVENTH).learning_rate == 3e-4
    assert SEVENTH in shown(variant_list(mine))
    assert "0.0003" in shown(variant_page(mine, mine.find_variant(SEVENTH)))


def test_a_run_of_it_is_comparable_and_has_no_band(mine: Paper) -> None:
    record = fake_record(variant=SEVENTH, paper=mine)
    assert differences(record, mine) == []
    assert judge([record], mine).kind == "NOT_COMPARABLE"
    assert reason_text(judge([record], mine)) == "no band is declared for the accuracy of this variant"
    assert judge_all([record], mine) == ()


def test_tables_tell_it_beside_the_others(mine: Paper) -> None:
    records = [fake_record(variant=name, paper=mine) for name in (SEVENTH, "vgg16-scratch")]
    runs = [(Path(record.run), record) for record in records]
    text = shown(result_table(runs, mine))
    assert f"{SEVENTH} │ pytorch │ – │ 67.23 %" in text
    assert "no band is declared" in text
    assert f"{SEVENTH} pytorch: 1 seed" in " ".join(seed_lines(runs, mine))


def test_a_record_of_it_is_judged_with_its_paper(mine: Paper, tmp_path: Path) -> None:
    write_run(tmp_path, *sound_run(0.6, variant=SEVENTH, paper=mine))
    judged = judge_results(tmp_path, mine)
    assert [each.flaws for each in judged.refused] == []
    assert judged.not_comparable == ()
    assert "no band is declared for this variant" in shown(judgement_page(judged))
    assert json.loads(judgement_json(judged))["exit_code"] == 0


def test_beside_another_paper_it_is_told_as_what_it_is(mine: Paper, tmp_path: Path) -> None:
    write_run(tmp_path, *sound_run(0.6, variant=SEVENTH, paper=mine))
    judged = judge_results(tmp_path, PAPER)
    ((_, why),) = judged.not_comparable
    assert [each.kind for each in why] == ["paper", "unknown-variant"]
    assert told(why) == [
        "made for the paper mine, not for jahangir2024", f"the paper has no variant {SEVENTH}"
    ]  # fmt: skip
    assert f"the paper has no variant {SEVENTH}" in shown(judgement_page(judged))


def test_a_variant_that_its_paper_declares_otherwise_is_told(mine: Paper) -> None:
    other = replace(mine.find_variant(SEVENTH), learning_rate=1.0, dropout=0.1)
    (found,) = differences(fake_record(variant=other, paper=mine), mine)
    assert (found.kind, found.observed) == ("declared-otherwise", ("dropout", "learning_rate"))


def test_what_is_known_of_the_paper_holds_it(mine: Paper, tmp_path: Path) -> None:
    write_run(tmp_path, *sound_run(0.6, variant=SEVENTH, paper=mine))
    known = {each.name: each for each in what_is_known(mine, tmp_path).variants}
    assert known[SEVENTH].reported is None
    assert known[SEVENTH].best is not None


def test_the_review_of_ones_own_folder_is_its_data_alone(mine: Paper) -> None:
    names = {each.name for each in audit(mine)}
    assert mine.predicates == ()
    assert names < {each.name for each in audit(PAPER)}


@pytest.mark.parametrize("command", ["variants", "audit"])
def test_commands_take_the_folder(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness import __main__ as command_line

    monkeypatch.setattr("sys.argv", ["ferbench", command, "--paper", str(folder)])
    ended: Callable[[], None] = command_line.main
    with pytest.raises(SystemExit) as caught:
        ended()
    assert caught.value.code in (0, None)
    assert (SEVENTH in capsys.readouterr().out) or command == "audit"
