"""The epoch loop in phases, and on kept features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.training.budget import Budget
from harness.variant import Phase, PlateauRule, StopRule
from tests.support.fake_model import Call, fake_variant, numbered_dataset
from tests.support.fit_run import CLOCK_ERROR, STEPS, Run


@pytest.fixture
def make_run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    return lambda *arguments, **options: Run(monkeypatch, *arguments, **options)


PHASES = (Phase(2, "head"), Phase(1, "block4"), Phase(1, "head"))


def phases_of(run: Run) -> list[list[Call]]:
    """What the model was asked in each phase, its warm-up included."""
    parts: list[list[Call]] = [[]]
    for call in run.model.calls:
        if call.method == "start_phase":
            parts.append([])
        parts[-1].append(call)
    return parts


def test_later_phases_are_started_once_and_the_first_is_not(make_run: Callable[..., Run]) -> None:
    run = make_run(fake_variant(epochs=4, phases=PHASES))
    run.run()
    first, *later = phases_of(run)
    assert [part[0].phase for part in later] == [*PHASES[1:]]
    warm_up, epoch = ["logits", "get_state", "train", "train", "set_state", "wait"], ["train", "wait"] * 2 + ["logits"]
    assert [call.method for call in first] == warm_up + 2 * epoch
    for part in later:
        assert [call.method for call in part] == ["start_phase", *warm_up, *epoch]


def test_the_warm_up_of_a_later_phase_leaves_no_trace(make_run: Callable[..., Run]) -> None:
    run = make_run(fake_variant(epochs=4, phases=PHASES), loss=lambda steps: 1 + steps)
    result = run.run()
    assert run.model.steps == 4 * STEPS
    assert result.clocks.warm_up == pytest.approx(3 * 2.01, abs=CLOCK_ERROR)
    assert result.clocks.training == pytest.approx(4 * STEPS, abs=CLOCK_ERROR)
    assert result.clocks.evaluation == pytest.approx(4 * 0.01, abs=CLOCK_ERROR)
    # the mean loss is 1 + steps taken: those of the warm-up count for nothing, nor does it change what comes first
    expected = [np.average(1 + STEPS * epoch + np.arange(STEPS), weights=[8] * 6 + [2]) for epoch in range(4)]
    assert [record.training_loss for record in result.history] == pytest.approx(expected)
    assert [record.epoch for record in result.history] == [0, 1, 2, 3]
    assert run.observer.said == ["warm-up 2.0 s (compilation included)"] * 3


def test_a_later_phase_goes_on_in_the_order_of_epochs(make_run: Callable[..., Run]) -> None:
    in_phases, at_once = make_run(fake_variant(epochs=4, phases=PHASES)), make_run(fake_variant(epochs=4))
    in_phases.run()
    at_once.run()
    found = [call.all_rows for part in phases_of(in_phases) for call in part if call.method == "train"]
    assert [*found[2:6], *found[8:10], *found[12:14]] == [call.all_rows for call in at_once.calls("train")]


def test_a_rule_that_stops_the_first_phase_starts_no_other(make_run: Callable[..., Run]) -> None:
    rule = StopRule("accuracy-above", threshold=0.01)
    run = make_run(fake_variant(epochs=4, phases=PHASES, stop_rule=rule), skill=lambda steps: 100)
    assert len(run.run().history) == 1
    assert len(phases_of(run)) == 1


def test_the_untrained_network_is_that_of_the_first_phase(make_run: Callable[..., Run]) -> None:
    run = make_run(fake_variant(epochs=4, phases=PHASES), skill=lambda steps: 0 if steps else 100)
    initial = run.run().initial_logits
    assert initial is not None
    np.testing.assert_array_equal(initial.argmax(axis=1), run.dataset.labels[50:90])


# Features


def test_features_serve_the_phases_that_train_the_head_alone(make_run: Callable[..., Run]) -> None:
    run = make_run(fake_variant(epochs=4, phases=PHASES), feature_seconds=100)
    run.run()
    for phase, part in zip(PHASES, phases_of(run), strict=True):
        asked = [call for call in part if call.method in ("train", "logits")]
        assert len(asked) == 3 + 3 * phase.epochs, "warm-up and evaluation are among them"
        if phase.trainable == "head":
            assert [call.features for call in asked] == [call.rows for call in asked], "each row has its own"
        else:
            assert [call.features for call in asked] == [(None,) * len(call.rows) for call in asked]
    methods = [[call.method for call in part] for part in phases_of(run)]
    assert [part.count("keep_features") for part in methods] == [1 + 2, 0, 1 + 1], "for the warm-up and each epoch"
    assert methods[0][0] == "keep_features", "before anything is compiled"
    assert methods[2][:2] == ["start_phase", "keep_features"]


def test_features_have_a_clock_of_their_own(make_run: Callable[..., Run]) -> None:
    """Also those of a view that an epoch in the middle of a phase is the first to show."""
    options = {"views": 2}
    result = make_run(fake_variant(epochs=4, phases=PHASES), feature_seconds=100, **options).run()
    without = make_run(fake_variant(epochs=4, phases=PHASES), **options).run()
    expected = pytest.approx(300, abs=CLOCK_ERROR)  # plain pictures, and two views of them
    assert (result.clocks.features, without.clocks.features) == (expected, 0)
    for name in ("warm_up", "training", "input", "evaluation"):
        assert getattr(result.clocks, name) == pytest.approx(getattr(without.clocks, name), abs=CLOCK_ERROR)
    for one, other in zip(result.history, without.history, strict=True):
        for name in ("training_seconds", "input_seconds", "evaluation_seconds"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=CLOCK_ERROR)


def test_features_are_no_part_of_the_budget(make_run: Callable[..., Run]) -> None:
    run = make_run(
        fake_variant(epochs=4, phases=PHASES),
        feature_seconds=1e6,
        views=2,
        budget=Budget("custom", seconds=4 * STEPS + 1),
    )
    assert len(run.run().history) == 4


def test_the_tests_of_the_honest_protocol_get_features_too(make_run: Callable[..., Run]) -> None:
    variant = fake_variant(epochs=1, phases=(Phase(1, "head"),))
    run = make_run(variant, protocol="honest", dataset=numbered_dataset(training=140), feature_seconds=1)
    run.run()
    watched, tests = run.calls("logits")
    assert (watched.features, tests.features) == (watched.rows, tests.rows)
    assert tests.all_rows[:40] == list(range(140, 180))


def test_a_dearer_phase_is_not_begun_without_the_time_for_it(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an epoch of the head took says nothing of one that trains the base: 7 steps, here of 101 s each."""
    run = make_run(fake_variant(epochs=4, phases=PHASES), budget=Budget("custom", seconds=500))
    train, start = run.model.train, run.model.start_phase

    def start_dearer(phase: Phase) -> None:
        start(phase)
        monkeypatch.setattr(run.model, "train", dear)

    def dear(batches: Any, *, learning_rate: float) -> Any:
        run.model.clock.now += 100 * len(batches)
        return train(batches, learning_rate=learning_rate)

    monkeypatch.setattr(run.model, "start_phase", start_dearer)
    result = run.run()
    assert len(result.history) == PHASES[0].epochs
    assert (result.stop_reason and result.stop_reason.kind) == "budget-seconds"
    assert result.test_logits is not None


def test_the_plateau_rule_goes_on_from_phase_to_phase(make_run: Callable[..., Run]) -> None:
    rule = PlateauRule(factor=0.5, patience=2, minimum_change=1e-4, minimum_learning_rate=0.0)
    run = make_run(fake_variant(epochs=4, phases=PHASES, plateau_rule=rule, learning_rate=0.8))
    assert [record.learning_rate for record in run.run().history] == [0.8, 0.8, 0.8, 0.4]
