"""How far a run is: a moving line in a terminal, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from harness.interface import Totals
from harness.training.fit import EpochRecord, Observer

LOG_SECONDS: Final = 30.0
"""At least so long between two lines within an epoch, where the output is no terminal."""


@contextmanager
def make_observer(label: str) -> Iterator[Observer]:
    """An observer for standard error: a progress bar in a terminal, lines elsewhere."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Lines(label, console)
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"), console=console
    ) as progress:
        yield _Bar(label, console, progress)


class _Lines:
    """One line an epoch, and one now and then within it."""

    def __init__(self, label: str, console: Console) -> None:
        self._label = label
        self._console = console
        self._epochs = self._examples = 0
        self._last_line = time.monotonic()

    def begin(self, *, epochs: int, examples: int) -> None:
        self._epochs, self._examples = epochs, examples
        self.say(f"{epochs} epochs of {examples:,} images")

    def slice_done(self, epoch: int, totals: Totals, examples_done: int, seconds: float) -> None:
        if time.monotonic() - self._last_line >= LOG_SECONDS:
            self.say(f"epoch {epoch + 1}/{self._epochs} " + self._figures(epoch, totals, examples_done, seconds))

    def epoch_done(self, record: EpochRecord) -> None:
        rate = self._examples / record.training_seconds
        self.say(
            f"epoch {record.epoch + 1}/{self._epochs}: "
            f"training loss {record.training_loss:.4f} accuracy {record.training_accuracy:.4f} | "
            f"watched loss {record.watched_loss:.4f} accuracy {record.watched_accuracy:.4f} | "
            f"{rate:.1f} images/s, {record.training_seconds:.0f} s + {record.evaluation_seconds:.0f} s evaluation"
        )

    def say(self, text: str) -> None:
        self._last_line = time.monotonic()
        self._console.print(f"{self._label}: {text}", markup=False, soft_wrap=True)

    def _figures(self, epoch: int, totals: Totals, examples_done: int, seconds: float) -> str:
        rate = examples_done / seconds
        left = ((self._epochs - epoch) * self._examples - examples_done) / rate
        return (
            f"{examples_done:,}/{self._examples:,} loss {totals.loss_sum / totals.examples:.4f} "
            f"accuracy {totals.correct / totals.examples:.4f} {rate:.1f} images/s, "
            f"{_duration(left)} of training left at most"
        )


class _Bar(_Lines):
    """The same figures on one moving line."""

    def __init__(self, label: str, console: Console, progress: Progress) -> None:
        super().__init__(label, console)
        self._progress = progress
        self._task = progress.add_task(label, total=None, figures="warming up")

    def slice_done(self, epoch: int, totals: Totals, examples_done: int, seconds: float) -> None:
        self._progress.update(
            self._task,
            total=self._epochs * self._examples,
            completed=epoch * self._examples + examples_done,
            description=f"epoch {epoch + 1}/{self._epochs}",
            figures=self._figures(epoch, totals, examples_done, seconds),
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
