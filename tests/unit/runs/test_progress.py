"""What a run says while it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from harness.interface import Totals
from harness.runs.progress import LOG_SECONDS, _duration, make_observer
from harness.training.fit import Observer
from tests.support.fake_model import FakeClock
from tests.support.fake_records import epoch_record

TOTALS = Totals(loss_sum=150.0, correct=25, examples=100, step_losses=np.array([1.5]))
FORCING = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    for name in FORCING:
        monkeypatch.delenv(name, raising=False)
    clock = FakeClock()
    monkeypatch.setattr("harness.runs.progress.time", clock)
    return clock


@contextmanager
def observing(label: str = "a [run]", *, epochs: int = 4, examples: int = 1000) -> Iterator[Observer]:
    with make_observer(label) as observer:
        observer.begin(epochs=epochs, examples=examples)
        yield observer


def test_lines_are_plain(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    with observing() as observer:
        observer.say("warm-up 1.0 s [bold]as it stands[/]")
        clock.now += LOG_SECONDS
        observer.slice_done(0, TOTALS, 100, 10.0)
        observer.epoch_done(epoch_record(0))
    output = capfd.readouterr()
    assert output.out == "", "what is for people goes to standard error"
    assert output.err.splitlines() == [
        "a [run]: 4 epochs of 1,000 images",
        "a [run]: warm-up 1.0 s [bold]as it stands[/]",
        "a [run]: epoch 1/4 100/1,000 loss 1.5000 accuracy 0.2500 10.0 images/s, 6 min 30 s of training left at most",
        "a [run]: epoch 1/4: training loss 1.9000 accuracy 0.3000 | watched loss 1.8000 accuracy 0.3500 | "
        "100.0 images/s, 10 s + 2 s evaluation",
    ]
    assert "\x1b" not in output.err


def test_lines_within_an_epoch_keep_their_distance(clock: FakeClock, capfd: pytest.CaptureFixture[str]) -> None:
    with observing() as observer:
        for _ in range(10):
            clock.now += LOG_SECONDS / 4
            observer.slice_done(0, TOTALS, 100, 10.0)
    assert capfd.readouterr().err.count("images/s") == 2


@pytest.mark.parametrize(
    ("epoch", "done", "seconds", "expected"),
    [
        (0, 100, 10.0, "6 min 30 s"),  # 3,900 of 4,000 images at 10 a second
        (3, 500, 50.0, "0 min 50 s"),
        (3, 1000, 100.0, "0 min 00 s"),
        (0, 100, 1000.0, "10 h 50 min"),
    ],
)
def test_the_time_left(
    clock: FakeClock, capfd: pytest.CaptureFixture[str], epoch: int, done: int, seconds: float, expected: str
) -> None:
    with observing() as observer:
        clock.now += LOG_SECONDS
        observer.slice_done(epoch, TOTALS, done, seconds)
    assert f"images/s, {expected} of training left at most" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 min 00 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (3599.7, "1 h 00 min"), (7260, "2 h 01 min")],
)
def test_durations(seconds: float, expected: str) -> None:
    assert _duration(seconds) == expected


def test_a_terminal_has_a_bar(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with observing() as observer:
        observer.slice_done(1, TOTALS, 100, 10.0)
        observer.epoch_done(epoch_record(1))
        observer.say("the end")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capfd.readouterr().err)
    assert "epoch 2/4: training loss 1.9000" in text
    assert "a [run]: the end" in text
    assert "100/1,000 loss 1.5000 accuracy 0.2500" in text
