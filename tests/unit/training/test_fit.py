"""The epoch loop, held against a model that does as it is told."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from harness.data.pipelines import DevicePipeline
from harness.training.budget import Budget
from harness.training.fit import (
    FIRST_SLICE_STEPS,
    SLICE_SECONDS,
    Fit,
    Interrupted,
    TrainingDiverged,
)
from harness.training.rows import ProtocolName, make_plan
from harness.training.stop_reason import StopReason
from harness.variant import PlateauRule, StopRule
from tests.support.fake_model import (
    CONFIDENCE,
    FakeModel,
    FakeObserver,
    fake_variant,
    numbered_dataset,
)
from tests.support.fit_run import (
    CLOCK_ERROR,
    STEPS,
    UNLIMITED,
    Run,
)


@pytest.fixture
def make_run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    return lambda *arguments, **options: Run(monkeypatch, *arguments, **options)


# Slices and history


def test_an_epoch_takes_every_example_once_over_slices(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.run()
    calls = run.calls("train")
    # 4 steps took 4 s, so 5 s are 5 steps, of which 3 are left
    assert [len(call.rows) for call in calls] == [FIRST_SLICE_STEPS, 3] * 3
    assert math.ceil(SLICE_SECONDS) == 5
    epochs = [calls[index].all_rows + calls[index + 1].all_rows for index in (0, 2, 4)]
    for rows in epochs:
        assert sorted(rows) == run.dataset.rows("training").tolist()
    assert epochs[0] != epochs[1] != epochs[2], "the order is drawn anew for each epoch"
    assert [len(batch) for batch in calls[1].rows] == [8, 8, 2]


def test_the_history_holds_the_figures_of_each_epoch(make_run: Callable[..., Run]) -> None:
    run = make_run(skill=lambda steps: 55 + steps / STEPS)
    result = run.run()
    sizes = [8] * 6 + [2]
    share_of_first_class = 8 / 50  # labels go round seven classes: rows 0, 7, …, 49
    right, wrong = (math.log(math.exp(CONFIDENCE) + 6) - CONFIDENCE, math.log(math.exp(CONFIDENCE) + 6))
    for epoch, record in enumerate(result.history):
        losses = [1 / (1 + step) for step in range(STEPS * epoch, STEPS * (epoch + 1))]
        assert record.epoch == epoch
        assert record.training_loss == pytest.approx(sum(map(math.prod, zip(losses, sizes, strict=True))) / 50)
        assert record.training_accuracy == pytest.approx(share_of_first_class)
        # tests are rows 50..89; after epoch e those below 55 + e + 1 are answered rightly
        accuracy = (6 + epoch) / 40
        assert record.watched_accuracy == pytest.approx(accuracy)
        assert record.watched_loss == pytest.approx(accuracy * right + (1 - accuracy) * wrong)
        assert record.training_seconds == pytest.approx(STEPS, abs=CLOCK_ERROR)
        assert record.evaluation_seconds == pytest.approx(0.01, abs=CLOCK_ERROR)
    assert result.stop_reason == StopReason("all-epochs", len(result.history))
    assert len(result.history) == 3


def test_the_observer_hears_of_slices_and_epochs(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.run()
    assert run.observer.begun == [(3, 50)]
    assert [(epoch, done) for epoch, done, _ in run.observer.slices[:4]] == [(0, 32), (0, 50), (1, 32), (1, 50)]
    assert [seconds for *_, seconds in run.observer.slices[:2]] == pytest.approx([4, 7], abs=CLOCK_ERROR)
    assert run.observer.epochs == run.result.history


def test_the_device_is_waited_for_within_the_clock(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.run()
    methods = [call.method for call in run.calls("train", "wait")]
    assert methods[0] == "wait", "the warm-up has ended before the clock starts"
    assert methods[1:] == ["train", "wait"] * 6


# Protocols


def evaluations(run: Run) -> list[tuple[str, list[int]]]:
    """What was evaluated after the warm-up, in order, and when training happened between."""
    found: list[tuple[str, list[int]]] = []
    for call in run.calls("train", "logits"):
        kind = call.method
        if found and found[-1][0] == kind:
            found[-1][1].extend(call.all_rows)
        else:
            found.append((kind, list(call.all_rows)))
    return found


def test_the_papers_protocol_watches_the_tests(make_run: Callable[..., Run]) -> None:
    run = make_run()
    result = run.run()
    tests = list(range(50, 90))
    observed = evaluations(run)
    assert [kind for kind, _ in observed] == ["train", "logits"] * 3
    assert all(rows[:40] == tests for kind, rows in observed if kind == "logits")
    assert result.test_logits is not None
    assert result.test_logits.shape == (40, 7)


def test_the_honest_protocol_scores_the_tests_once_at_the_end(make_run: Callable[..., Run]) -> None:
    dataset = numbered_dataset(training=140)
    run = make_run(protocol="honest", dataset=dataset)
    result = run.run()
    watched = run.plan.watched_rows.tolist()
    *during, (last_kind, last_rows) = evaluations(run)
    assert set(watched) < set(dataset.rows("training").tolist())
    assert set(watched).isdisjoint(run.plan.training_rows.tolist())
    assert last_kind == "logits"
    for kind, rows in during:
        assert set(rows) == set(watched if kind == "logits" else run.plan.training_rows.tolist())
    # the last evaluation of the watched is followed by that of the tests, without training between
    assert last_rows[: len(watched)] == watched
    assert last_rows[128 : 128 + 40] == list(range(140, 180))
    assert set(last_rows[128:]) == set(range(140, 180))
    assert result.test_logits is not None
    assert result.test_logits.shape == (40, 7)


# Rules


def test_the_stop_rule_ends_training_and_says_why(make_run: Callable[..., Run]) -> None:
    variant = fake_variant(epochs=9, stop_rule=StopRule("accuracy-above", threshold=0.25))
    # rows 50..89 are the tests: skills of 58, 60, 62 per cent answer 8, 10, 12 of 40
    run = make_run(variant, skill=lambda steps: 56 + 2 * steps / STEPS)
    result = run.run()
    assert [record.watched_accuracy for record in result.history] == pytest.approx([0.2, 0.25, 0.3])
    assert result.stop_reason == StopReason("accuracy-above", 3, threshold=0.25)
    assert result.test_logits is not None


def test_patience_ends_training(make_run: Callable[..., Run]) -> None:
    run = make_run(fake_variant(epochs=9, stop_rule=StopRule("no-improvement", patience=2)))
    assert len(run.run().history) == 3
    assert run.result.stop_reason == StopReason("no-improvement", 3, patience=2)


def test_the_plateau_rule_changes_the_learning_rate(make_run: Callable[..., Run]) -> None:
    rule = PlateauRule(factor=0.5, patience=2, minimum_change=1e-4, minimum_learning_rate=0.0)
    run = make_run(fake_variant(epochs=6, plateau_rule=rule, learning_rate=0.8))
    expected = [0.8, 0.8, 0.8, 0.4, 0.4, 0.2]
    assert [record.learning_rate for record in run.run().history] == expected
    assert [call.learning_rate for call in run.calls("train")[::2]] == expected


def test_the_budget_ends_after_whole_epochs(make_run: Callable[..., Run]) -> None:
    # an epoch takes 7.01 s: after three, 21.03 s are spent and a fourth would end at 28.04
    run = make_run(fake_variant(epochs=9), budget=Budget("custom", seconds=28))
    result = run.run()
    assert len(result.history) == 3
    assert result.stop_reason == StopReason("budget-seconds", len(result.history), seconds=28)
    assert result.test_logits is not None


def test_the_first_epoch_is_run_whatever_the_budget(make_run: Callable[..., Run]) -> None:
    assert len(make_run(budget=Budget("custom", seconds=0.5)).run().history) == 1


def test_a_budget_that_lasts_changes_nothing(make_run: Callable[..., Run]) -> None:
    result = make_run(budget=Budget("custom", seconds=22)).run()
    assert (len(result.history), result.stop_reason) == (3, StopReason("all-epochs", 3))


def test_no_budget_is_named_after_the_last_epoch(make_run: Callable[..., Run]) -> None:
    result = make_run(fake_variant(epochs=1), budget=Budget("custom", seconds=1)).run()
    assert result.stop_reason == StopReason("all-epochs", 1)


# What goes wrong


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("bad_step", "epoch", "step"),
    [(0, 1, 1), (3, 1, 4), (4, 1, 5), (6, 1, 7), (7, 2, 1), (12, 2, 6)],
)
def test_divergence_names_epoch_and_step(
    make_run: Callable[..., Run], value: float, bad_step: int, epoch: int, step: int
) -> None:
    run = make_run(loss=lambda steps: value if steps >= bad_step else 1.0)
    with pytest.raises(TrainingDiverged, match=rf"loss = {value} in epoch {epoch}, step {step} "):
        run.run()
    assert len(run.result.history) == epoch - 1
    assert run.result.test_logits is None
    assert run.result.initial_logits is not None


@pytest.mark.parametrize("protocol", ["paper", "honest"])
def test_weights_spoilt_by_the_last_step_are_noticed(make_run: Callable[..., Run], protocol: ProtocolName) -> None:
    run = make_run(protocol=protocol, skill=lambda steps: -1 if steps > STEPS else 50)
    with pytest.raises(TrainingDiverged, match=r"logits of \d+ of \d+ images are not finite after epoch 2 "):
        run.run()
    assert [record.epoch for record in run.result.history] == [0]
    assert run.result.test_logits is None


@pytest.mark.parametrize(
    ("train_calls", "epochs", "seconds"),
    [(0, 0, 0), (1, 0, 4), (3, 1, 11)],
    ids=["before the first slice", "in the first epoch", "in the second epoch"],
)
def test_an_interruption_keeps_complete_epochs(
    make_run: Callable[..., Run], train_calls: int, epochs: int, seconds: float
) -> None:
    def is_interrupted(model: FakeModel) -> bool:
        methods = [call.method for call in model.calls]
        return "set_state" in methods and methods[methods.index("set_state") :].count("train") >= train_calls

    run = make_run(is_interrupted=is_interrupted)
    with pytest.raises(Interrupted):
        run.run()
    assert len(run.calls("train")) == train_calls
    assert [record.epoch for record in run.result.history] == list(range(epochs))
    assert run.result.test_logits is None
    assert run.result.clocks.training == pytest.approx(seconds, abs=CLOCK_ERROR)


def test_an_interruption_is_noticed_within_an_evaluation(make_run: Callable[..., Run]) -> None:
    def is_interrupted(model: FakeModel) -> bool:
        return model.steps == STEPS and model.calls[-1].method == "logits"

    # 300 tests are three batches, of which the first is a slice of its own
    run = make_run(dataset=numbered_dataset(public_test=300), is_interrupted=is_interrupted)
    with pytest.raises(Interrupted):
        run.run()
    assert [len(call.rows) for call in run.calls("logits")] == [1]
    assert run.result.history == []


# Warm-up and phases


def test_the_warm_up_leaves_no_trace(make_run: Callable[..., Run]) -> None:
    run = make_run()
    result = run.run()
    methods = [call.method for call in run.warm_up_calls()]
    assert methods == ["logits", "get_state", "train", "train"]
    assert [[len(batch) for batch in call.rows] for call in run.warm_up_calls()[2:]] == [[8], [2]]
    assert run.model.steps == 3 * STEPS
    assert result.clocks.warm_up == pytest.approx(2.01, abs=CLOCK_ERROR)
    assert result.clocks.training == pytest.approx(3 * STEPS, abs=CLOCK_ERROR)


def test_one_size_of_batch_is_warmed_once(make_run: Callable[..., Run]) -> None:
    run = make_run(dataset=numbered_dataset(training=48))
    run.run()
    assert [call.method for call in run.warm_up_calls()].count("train") == 1


def test_the_untrained_network_is_kept(make_run: Callable[..., Run]) -> None:
    run = make_run(skill=lambda steps: 0 if steps else 100)
    initial = run.run().initial_logits
    assert initial is not None
    np.testing.assert_array_equal(initial.argmax(axis=1), run.dataset.labels[50:90])


# Evaluation


def test_evaluation_fills_the_last_batch_and_cuts_it_off(make_run: Callable[..., Run]) -> None:
    run = make_run(dataset=numbered_dataset(public_test=100, private_test=50), skill=lambda steps: 100)
    result = run.run()
    sizes = {len(batch) for call in run.calls("logits") for batch in call.rows}
    assert sizes == {128}
    assert run.calls("logits")[-1].all_rows[-128:] == [*range(178, 200), *[199] * 106]
    assert result.test_logits is not None
    np.testing.assert_array_equal(result.test_logits.argmax(axis=1), run.dataset.labels[50:])


@pytest.mark.parametrize(("input_size", "expected"), [(48, 128), (96, 32), (224, 8)])
def test_batches_of_evaluation_shrink_as_pictures_grow(
    make_run: Callable[..., Run], input_size: int, expected: int
) -> None:
    run = make_run(fake_variant(epochs=1, input_size=input_size))
    run.run()
    assert {len(batch) for call in run.calls("logits") for batch in call.rows} == {expected}


def test_clocks_of_a_real_run_fit_into_each_other() -> None:
    dataset = numbered_dataset()
    plan = make_plan(dataset, "paper", UNLIMITED, seed=0)
    pipeline = DevicePipeline.of(dataset, plan.training_rows, fake_variant(), seed=0)
    fit = Fit(FakeModel(fake_variant()), dataset, plan, pipeline=pipeline, budget=UNLIMITED, observer=FakeObserver())
    clocks = fit.run().clocks
    assert min(clocks.warm_up, clocks.training, clocks.input, clocks.evaluation) > 0
    assert clocks.input <= clocks.training
    for record in fit.result.history:
        assert 0 < record.input_seconds <= record.training_seconds
        assert record.evaluation_seconds > 0
    history = fit.result.history
    assert sum(record.training_seconds for record in history) == pytest.approx(clocks.training)
    assert sum(record.evaluation_seconds for record in history) == pytest.approx(clocks.evaluation)
