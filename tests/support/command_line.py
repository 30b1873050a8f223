"""What a command left behind, and runs that cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.training.budget import BUDGETS
from tests.support.fake_records import TOYFACES, fake_record


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """What went to standard error, on one line and without a frame."""
        return " ".join(self.err.replace("│", " ").split())


FerBench = Callable[..., Outcome]


def words(value: object) -> str:
    """The id of a list of arguments; what is expected of them says nothing in an id."""
    return " ".join(value) if isinstance(value, list) else ""


class FakeExecute:
    """Hands out what it is given, one a run; an exception is raised."""

    def __init__(self, *outcomes: RunRecord | BaseException) -> None:
        self.outcomes = list(outcomes)
        self.specs: list[RunSpec] = []

    def __call__(self, spec: RunSpec, results: Path) -> tuple[Path, RunRecord]:
        self.specs.append(spec)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return results / "a.json", outcome


COMPLETE = fake_record(0.66, dataset=TOYFACES, budget=BUDGETS["smoke"])
INTERRUPTED = fake_record(None, status="interrupted", history=())
FAILED = fake_record(None, status="failed", error="training loss = nan in epoch 1, step 2")
