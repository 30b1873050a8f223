"""Features of augmented views: the same run with and without them, and what is computed when."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.architectures import feature_shape, weight_shapes
from harness.data.dataset import DatasetError
from harness.data.pipelines import DevicePipeline
from harness.interface import (
    Batch,
    Features,
    Logits,
    Totals,
)
from harness.training import features
from harness.training.budget import Budget
from harness.training.fit import Fit, FitResult, Interrupted
from harness.training.kept_features import KeptFeatures
from harness.training.rows import make_plan
from harness.variant import (
    Phase,
    StopRule,
    Variant,
    VariantError,
)
from tests.support.fake_model import (
    FakeModel,
    FakeObserver,
    fake_variant,
    numbered_dataset,
    numbers,
)

DATASET = numbered_dataset()
PLAN = make_plan(DATASET, "paper", Budget("paper"), seed=0)
TRAINING, TESTS = 50, 40
"""Images of `DATASET`."""


def augmenting(phases: tuple[Phase, ...] = (Phase(3, "head"),), **changes: Any) -> Variant:
    """A narrow variant whose base is frozen in some phases."""
    return fake_variant(epochs=sum(phase.epochs for phase in phases), phases=phases, width_divisor=64, **changes)


class SeeingModel(FakeModel):
    """Makes features of rows, maps and one weight of its base, and answers by the features that it sees or makes."""

    def __init__(self, variant: Variant) -> None:
        weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(variant).items()}
        super().__init__(variant, weights=weights, skill=lambda steps: 100)
        self.computed = 0

    def start_phase(self, phase: Phase) -> None:
        """A phase that trains more than the head changes the base."""
        super().start_phase(phase)
        if phase.trainable != "head":
            weight = self.weights["block1_conv1.bias"]
            self.weights = {**self.weights, "block1_conv1.bias": weight + np.float32(1)}

    def train(self, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        losses = np.array([self._seen(batch).mean() for batch in batches], np.float64)
        totals = super().train(batches, learning_rate=learning_rate)
        return replace(totals, loss_sum=float(losses @ [len(batch) for batch in batches]), step_losses=losses)

    def logits(self, batches: Sequence[Batch]) -> Logits:
        seen = np.concatenate([self._seen(batch)[:, 0, 0, :1] for batch in batches])
        return super().logits(batches) + seen * np.float32(1e-3)

    def features(self, batches: Sequence[Batch]) -> Features:
        self.computed += sum(len(set(numbers(batch))) for batch in batches)
        super().features(batches)
        return np.concatenate([self._made(batch) for batch in batches])

    def _seen(self, batch: Batch) -> Features:
        return self._made(batch) if batch.features is None else batch.features

    def _made(self, batch: Batch) -> Features:
        weight = self.weights["block1_conv1.bias"][0]
        values = np.array(numbers(batch), np.float32) + batch.maps[:, 0, 2] + np.float32(100) * weight
        return np.ascontiguousarray(
            np.broadcast_to(values[:, None, None, None], (len(batch), *feature_shape(self.variant))), np.float32
        )


def kept_by(
    model: SeeingModel, *, views: int | None, seed: int = 0, is_interrupted: Callable[[], bool] = lambda: False
) -> KeptFeatures:
    pipeline = DevicePipeline.of(DATASET, PLAN.training_rows, model.variant, seed=seed, views=views)
    rows = np.concatenate([PLAN.watched_rows, PLAN.test_rows])
    return KeptFeatures(model, pipeline, rows, {"torch": "2.0"}, lambda text: None, is_interrupted)


def fit(variant: Variant, *, views: int | None, is_kept: bool) -> tuple[FitResult, SeeingModel, KeptFeatures]:
    model = SeeingModel(variant)
    kept = kept_by(model, views=views)
    run = Fit(
        model,
        DATASET,
        PLAN,
        pipeline=kept.pipeline,
        budget=Budget("paper"),
        observer=FakeObserver(),
        keep_features=kept.of_epoch if is_kept else None,
    )
    return run.run(), model, kept


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path))
    return tmp_path / "features"


# The same run

Figures = list[tuple[float, float, float, float]]


def figures(result: FitResult) -> Figures:
    """What the epochs of a fit say, but for their seconds."""
    return [
        (each.training_loss, each.training_accuracy, each.watched_loss, each.watched_accuracy)
        for each in result.history
    ]


UNFROZEN_BETWEEN = (Phase(2, "head"), Phase(1, "block4"), Phase(2, "head"))


@pytest.mark.parametrize("views", [1, 2, 3, 7])
@pytest.mark.parametrize("phases", [(Phase(3, "head"),), UNFROZEN_BETWEEN], ids=["frozen", "unfrozen between"])
def test_kept_views_change_no_result(views: int, phases: tuple[Phase, ...]) -> None:
    """To the bit: what a batch brings is what the base, as it was in that phase, would have made of it."""
    anew, without, _ = fit(augmenting(phases), views=views, is_kept=False)
    once, model, kept = fit(augmenting(phases), views=views, is_kept=True)
    assert figures(once) == figures(anew)
    assert np.array_equal(once.test_logits, anew.test_logits)  # type: ignore[arg-type]
    order = [[call.all_rows for call in each.calls if call.method == "train"] for each in (model, without)]
    assert order[0] == order[1]
    assert model.computed == kept.images > without.computed == 0
    assert once.clocks.features >= kept.seconds > 0


def test_views_are_what_epochs_show_in_turn() -> None:
    """With a view for each epoch it is the run without a number; with fewer it is another."""
    found = {views: figures(fit(augmenting(), views=views, is_kept=False)[0]) for views in (None, 1, 2, 3, 7)}
    assert found[3] == found[7] == found[None]
    assert found[1] != found[2] != found[3]
    assert [each[:1] for each in found.values()] == [found[None][:1]] * 5, "the first epoch shows the first view"


# What is computed, and when


def test_a_view_is_computed_when_an_epoch_shows_it() -> None:
    model = SeeingModel(augmenting())
    kept = kept_by(model, views=2)
    counts = []
    for epoch in (0, 0, 1, 2):
        kept.of_epoch(epoch)
        counts.append(kept.images)
    assert counts == [TESTS + TRAINING, TESTS + TRAINING, TESTS + 2 * TRAINING, TESTS + 2 * TRAINING]
    assert model.computed == kept.images


def test_a_run_that_stops_early_computes_no_view_that_it_does_not_show() -> None:
    variant = augmenting(stop_rule=StopRule("accuracy-above", threshold=0.01))
    result, _, kept = fit(variant, views=3, is_kept=True)
    assert (len(result.history), kept.images) == (1, TESTS + TRAINING)


def test_unaugmented_pictures_have_one_view(cache: Path) -> None:
    kept = kept_by(SeeingModel(augmenting(augmentation=None)), views=None)
    for epoch in range(3):
        kept.of_epoch(epoch)
    assert kept.images == TESTS + TRAINING
    assert len(list(cache.glob("*/features.npy"))) == 1


def test_the_next_run_reads_what_this_one_computed(cache: Path) -> None:
    first, *_ = fit(augmenting(), views=2, is_kept=True)
    again, model, kept = fit(augmenting(), views=2, is_kept=True)
    assert (model.computed, kept.images, kept.seconds) == (0, 0, 0)
    assert figures(again) == figures(first)
    assert len(list(cache.glob("*/features.npy"))) == 3, "one folder a view, one for plain pictures"
    other_seed = kept_by(SeeingModel(augmenting()), views=2, seed=1)
    other_seed.of_epoch(0)
    assert other_seed.images == TRAINING, "plain pictures are those of every seed"


def test_two_runs_side_by_side_share_their_views() -> None:
    one, other = (kept_by(SeeingModel(augmenting()), views=2) for _ in range(2))
    one.of_epoch(0)
    other.of_epoch(0)
    other.of_epoch(1)
    pipeline = one.of_epoch(1)
    assert (one.images, other.images) == (TESTS + TRAINING, TRAINING)
    assert pipeline.features is not None
    rows = PLAN.training_rows
    shift = pipeline.training_batches(1).maps[rows, 0, 2]  # type: ignore[index]
    assert np.array_equal(pipeline.features[1][rows][:, 0, 0, 0], rows.astype(np.float32) + shift)


def test_an_interruption_in_a_later_view_loses_nothing() -> None:
    model = SeeingModel(augmenting())
    kept = kept_by(model, views=2, is_interrupted=lambda: model.computed > TESTS + TRAINING)
    kept.of_epoch(0)
    model.computed += 1
    with pytest.raises(Interrupted):
        kept.of_epoch(1)
    resumed = kept_by(SeeingModel(augmenting()), views=2)
    resumed.of_epoch(0)
    assert resumed.images == 0
    resumed.of_epoch(1)
    assert resumed.images == TRAINING


def test_a_fit_that_is_interrupted_between_views_keeps_its_epochs() -> None:
    model = SeeingModel(augmenting())
    kept = kept_by(model, views=2)

    def stop_in_second_epoch(epoch: int) -> DevicePipeline:
        if epoch == 1:
            raise Interrupted
        return kept.of_epoch(epoch)

    observer = FakeObserver()
    run = Fit(
        model, DATASET, PLAN, pipeline=kept.pipeline, budget=Budget("paper"), observer=observer,
        keep_features=stop_in_second_epoch,
    )  # fmt: skip
    with pytest.raises(Interrupted):
        run.run()
    assert len(run.result.history) == len(observer.epochs) == 1


# What is refused


@pytest.mark.parametrize(("views", "shown"), [(1, 1), (2, 2), (9, 3)])
def test_room_for_all_views_is_looked_for_before_the_first(
    monkeypatch: pytest.MonkeyPatch, views: int, shown: int
) -> None:
    """Of views that the phase is too short for, none is counted."""
    model = SeeingModel(augmenting())
    kept = kept_by(model, views=views)
    images = TESTS + shown * TRAINING
    needed = images * int(np.prod(feature_shape(model.variant))) * 4 + features.SPARE_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=needed - 1))
    with pytest.raises(DatasetError, match=rf"the features of {images} images, each view counted, .* fewer views"):
        kept.of_epoch(0)
    assert model.computed == 0
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=needed))
    kept.of_epoch(0)


def test_what_is_on_the_disk_needs_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    fit(augmenting(), views=2, is_kept=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    fit(augmenting(), views=2, is_kept=True)
    with pytest.raises(DatasetError, match=rf"the features of {TRAINING} images"):
        fit(augmenting(), views=3, is_kept=True)


def test_a_new_picture_in_every_epoch_cannot_be_kept() -> None:
    with pytest.raises(VariantError, match="without a number of views its features differ from epoch to epoch"):
        kept_by(SeeingModel(augmenting()), views=None).of_epoch(0)


def test_a_view_that_was_not_computed_is_no_other_one() -> None:
    pipeline = replace(kept_by(SeeingModel(augmenting()), views=2).of_epoch(0))
    assert pipeline.training_batches(2)[0].features is not None
    with pytest.raises(KeyError):
        pipeline.training_batches(1)
