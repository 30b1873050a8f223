"""What the real loop leaves is sound, whatever ended it: verification and loop agree on what a record is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.interface import Runtime, Weights
from harness.judging.results import judge_results
from harness.records.spec import RunSpec
from harness.records.store import write_run
from harness.runs import composition
from harness.runs.signals import Stop
from harness.training.budget import Budget
from harness.training.stop_reason import StopReason
from harness.variant import Variant
from harness.verification.flaws import StoredRun, read_stored
from harness.verification.verify import verify
from tests.support.fake_model import FakeModel, FakeObserver, numbered_dataset
from tests.support.papers import PAPER

DATA = numbered_dataset(60, 35, 35)
THREE_EPOCHS = Budget("custom", epochs=3)


@dataclass(frozen=True)
class FakeImplementation:
    """Builds models that are right on as many per cent of the images as they have taken steps."""

    skill_a_step: float

    def build(self, variant: Variant, *, weights: Weights, seed: int, runtime: Runtime) -> FakeModel:
        return FakeModel(variant, skill=lambda steps: min(steps * self.skill_a_step, 100))

    def versions(self) -> dict[str, str]:
        return {"fake": "1"}


def trained(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, skill_a_step: float = 5.0, stop: bool = False, **fields: Any
) -> StoredRun:
    """A run by the real loop, written and read back."""
    values: dict[str, Any] = {"variant": "vgg16-scratch", "budget": THREE_EPOCHS, "seed": 3} | fields
    spec = RunSpec(PAPER.find_variant(values.pop("variant")), implementation="pytorch", **values)
    monkeypatch.setattr(composition, "open_dataset", lambda *_, **__: DATA)
    monkeypatch.setattr(composition, "load_implementation", lambda *_, **__: FakeImplementation(skill_a_step))
    outcome = composition.train(spec, f"{spec.label}-1", FakeObserver(), Stop(stop))
    found = read_stored(write_run(folder, outcome.record, outcome.arrays))
    assert isinstance(found, StoredRun)
    return found


@pytest.mark.parametrize(
    ("options", "ended"),
    [
        ({}, "all-epochs"),
        ({"skill_a_step": 30}, "accuracy-above"),
        ({"budget": Budget("custom", seconds=1e-6)}, "budget-seconds"),
        ({"budget": Budget("custom", epochs=3, examples=28, test_examples=21)}, "all-epochs"),
        ({"protocol": "honest"}, "all-epochs"),
        ({"variant": "vgg16-scratch@balanced"}, "all-epochs"),
        # the plateau rule halves the rate twice: the loss of these models does not fall
        ({"variant": "vgg16-transfer", "stand_in_weights": True, "budget": Budget("custom", epochs=6),
          "skill_a_step": 0}, "all-epochs"),
        # two phases
        ({"variant": "resnet50-fine-tune", "stand_in_weights": True}, "all-epochs"),
        # a rule without a threshold, of patience 10
        ({"variant": "resnet50-scratch", "budget": Budget("custom", epochs=14), "skill_a_step": 0},
         "no-improvement"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_the_loop_leaves_is_sound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, Any], ended: str
) -> None:
    run = trained(monkeypatch, tmp_path, **options)
    assert run.record.status == "complete"
    assert run.record.stop_reason is not None
    assert (run.record.stop_reason.kind, run.record.stop_reason.epoch) == (ended, len(run.record.history))
    assert verify(run, DATA) == ()


def test_another_seed_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = trained(monkeypatch, tmp_path)
    record = replace(run.record, spec=replace(run.record.spec, seed=4), run="vgg16-scratch-pytorch-seed4")
    other = replace(run, record=record, path=run.path.with_stem(record.run))
    assert {flaw.check for flaw in verify(other, DATA)} == {"seed"}


def test_an_interrupted_run_is_sound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = trained(monkeypatch, tmp_path, stop=True)  # Ctrl-C before the first step
    assert (run.record.status, run.record.stop_reason) == ("interrupted", StopReason("interrupted", 0))
    assert verify(run, DATA) == ()
    assert judge_results(run.path, PAPER, DATA).exit_code == 0
