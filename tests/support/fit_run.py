"""A fit of a fake model under a fake clock, and what can be asked of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.data.dataset import Dataset
from harness.data.pipelines import DevicePipeline
from harness.interface import Features, InputPipeline
from harness.training.budget import Budget
from harness.training.fit import Fit, FitResult
from harness.training.rows import ProtocolName, make_plan
from harness.variant import Variant
from tests.support.fake_model import (
    Call,
    FakeClock,
    FakeModel,
    FakeObserver,
    fake_variant,
    numbered_dataset,
    numbered_features,
)

UNLIMITED = Budget("paper")
STEPS = 7
"""An epoch of 50 images in batches of 8: six full ones and one of 2."""
CLOCK_ERROR = 1e-6
"""Seconds that the fake clock moves by being looked at."""


class Run:
    """A fit of a fake model under a fake clock."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        variant: Variant | None = None,
        *,
        protocol: ProtocolName = "paper",
        budget: Budget = UNLIMITED,
        dataset: Dataset | None = None,
        is_interrupted: Callable[[FakeModel], bool] = lambda model: False,
        feature_seconds: float | None = None,
        views: int | None = None,
        **of_model: Any,
    ) -> None:
        clock = FakeClock()
        monkeypatch.setattr("harness.training.fit.time", clock)
        self.model = FakeModel(variant or fake_variant(), clock=clock, **of_model)
        self.dataset = dataset or numbered_dataset()
        self.observer = FakeObserver()
        self.plan = make_plan(self.dataset, protocol, budget, seed=0)
        self.pipeline = DevicePipeline.of(
            self.dataset, self.plan.training_rows, self.model.variant, seed=0, views=views
        )
        self.features: dict[int | None, Features] = {}
        self.fit = Fit(
            self.model,
            self.dataset,
            self.plan,
            pipeline=self.pipeline,
            budget=budget,
            observer=self.observer,
            is_interrupted=lambda: is_interrupted(self.model),
            keep_features=None if feature_seconds is None else lambda epoch: self.keep_features(feature_seconds, epoch),
        )

    def keep_features(self, seconds: float, epoch: int) -> InputPipeline:
        """So many seconds for each set of pictures that is new."""
        self.model.calls.append(Call("keep_features"))
        for view in {None, self.pipeline.view(epoch)} - self.features.keys():
            self.model.clock.now += seconds
            self.features[view] = numbered_features(self.model.variant, range(len(self.dataset)))
        return replace(self.pipeline, features=self.features)

    def run(self) -> FitResult:
        return self.fit.run()

    @property
    def result(self) -> FitResult:
        return self.fit.result

    def calls(self, *methods: str) -> list[Any]:
        """Calls after the warm-up, which ends with the state set back."""
        methods_called = [call.method for call in self.model.calls]
        begin = methods_called.index("set_state") + 1
        return [call for call in self.model.calls[begin:] if call.method in methods]

    def warm_up_calls(self) -> list[Any]:
        end = [call.method for call in self.model.calls].index("set_state")
        return self.model.calls[:end]
