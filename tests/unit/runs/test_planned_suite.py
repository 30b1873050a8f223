"""A suite's seeds, its progress, and its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from harness.interval import Interval
from harness.measuring.forecast import Forecast
from harness.records.spec import RunSpec
from harness.report.planned_suite import duration_text, forecast_table, progress_line
from harness.runs.planned_suite import (
    Planned,
    PlannedSuite,
    installed_version,
    parse_seeds,
)
from tests.support.fake_records import fake_record
from tests.support.papers import PAPER

SPEC = RunSpec(PAPER.variants["vgg16-scratch"], "pytorch")


def planned(seconds: float | None, operations: int = 10**12, *, took: float | None = None) -> Planned:
    interval = None if seconds is None else Interval(seconds, seconds)
    return Planned(SPEC, Forecast(operations, interval, "by hand"), seconds=took)


def suite_of(runs: Sequence[Planned]) -> PlannedSuite:
    return PlannedSuite({str(number): each for number, each in enumerate(runs)})


@pytest.mark.parametrize(("text", "seeds"), [("0", (0,)), ("7", (7,)), ("0..4", (0, 1, 2, 3, 4)), ("5..5", (5,))])
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "..", "1..", "..3", "2..1", "-1", "1.5", "0...3", "0..1000", "4294967296"])
def test_what_is_no_seed(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_seeds(text)


def test_time_left_is_stretched_as_the_finished_runs_were() -> None:
    """100 s were forecast and took 150; 60 and 40 s are left to be."""
    suite = suite_of([planned(100, took=150), planned(60), planned(40)])
    assert suite.seconds_left() == pytest.approx(150)
    assert suite.finished == 1


def test_before_the_first_run_the_forecast_holds() -> None:
    assert suite_of([planned(60), planned(40)]).seconds_left() == pytest.approx(100)


def test_without_a_rate_operations_tell_once_a_run_is_over() -> None:
    assert suite_of([planned(None), planned(None, 3 * 10**12)]).seconds_left() is None
    suite = suite_of([planned(None, took=20), planned(None, 3 * 10**12), planned(5, 10**12)])
    assert suite.seconds_left() == pytest.approx(80), "a forecast of one run alone is no common measure"


def test_what_is_reused_takes_no_time_and_stretches_nothing() -> None:
    reused = planned(100, took=0.01)
    reused.earlier = Path("a.json"), fake_record()
    assert suite_of([reused, planned(40)]).seconds_left() == pytest.approx(40)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2.0 h"), (172_800, "2.0 days")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_the_table_sums_up() -> None:
    suite = suite_of([planned(60), planned(None)])
    console = Console(width=150)
    with console.capture() as capture:
        console.print(forecast_table(suite_of([planned(60), planned(3600)])), forecast_table(suite))
    first, second = capture.get().split("estimate before the start")[1:]
    assert "2 runs" in first
    assert first.count("61 min") == 2, "of the group and of all"
    assert second.count("unknown") == 2


def test_the_line_says_how_far_it_is() -> None:
    line = progress_line(suite_of([planned(10, took=10), planned(50)]))
    assert re.fullmatch(r"ferbench: 1 of 2 runs in 0 s, about 50 s left", line)
    assert progress_line(suite_of([planned(None)])).endswith("time left not known yet")
    assert progress_line(suite_of([planned(10, took=10)])) == "ferbench: 1 of 1 runs in 0 s"


def test_versions_are_of_what_is_installed() -> None:
    assert installed_version("numpy")
    assert installed_version("no-such-distribution-anywhere") is None
