"""How long a run should take, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.architectures import layers
from harness.interval import Interval
from harness.measuring import forecast as module
from harness.measuring.assumptions import STEP_OVERHEAD
from harness.measuring.forecast import (
    START_SECONDS,
    Machine,
    count_operations,
    forecast,
    machine_of_cpu,
    machine_of_gpu,
)
from harness.operations import epoch_flops
from harness.records.machine import Speed
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.training.budget import BUDGETS
from tests.support.fake_records import (
    MACHINE,
    SECONDS,
    fake_calibration,
    fake_record,
)
from tests.support.papers import HARDWARE, PAPER

GPU = HARDWARE.gpu
CARD = "NVIDIA GeForce RTX 4080 SUPER"
TEN = Machine(MACHINE.cpu, Interval(1e12, 1e13), "ten times apart")
UNKNOWN = Machine("a card", None, "nobody knows")
SPEC = RunSpec(PAPER.variants["vgg16-scratch"], "pytorch", fer2013="fer2013.zip")


def test_operations_are_those_of_every_phase() -> None:
    variant = PAPER.variants["resnet50-fine-tune"]
    head, top = (epoch_flops(variant, phase, training_images=28_709, watched_images=7_178) for phase in variant.phases)
    spec = RunSpec(variant, "pytorch", fer2013="fer2013.zip")
    assert count_operations(spec) == 10 * head + 20 * top


@pytest.mark.parametrize(("views", "shown"), [(None, 1), (3, 3), (50, 10)])
def test_features_that_are_kept_are_computed_once(views: int | None, shown: int) -> None:
    """Ten epochs train the head alone: each shows a view of 28,709 images, and evaluates 7,178 as they are."""
    variant = PAPER.variants["resnet50-fine-tune"]
    spec = RunSpec(variant, "pytorch", fer2013="fer2013.zip", cached_features=True, views=views)
    images = {"training_images": 28_709, "watched_images": 7_178}
    head = epoch_flops(variant, variant.phases[0], **images, kept_features=True)
    top = epoch_flops(variant, variant.phases[1], **images)
    base = sum(layer.flops for layer in layers(variant) if layer.part == "base")
    assert base == pytest.approx(7.7e9, rel=0.01)
    assert count_operations(spec) == 10 * head + 20 * top + (28_709 * shown + 7_178) * base


def test_a_budget_takes_operations_away() -> None:
    budget = BUDGETS["rehearsal"]
    spec = RunSpec(PAPER.variants["vgg16-scratch"], "pytorch", budget=budget)
    phase = spec.variant.phases[0]
    assert count_operations(spec) == 2 * epoch_flops(spec.variant, phase, training_images=16, watched_images=16)
    smaller_set = replace(SPEC, fer2013=None)  # a tenth of FER-2013
    assert count_operations(smaller_set) == pytest.approx(count_operations(SPEC) / 10, rel=1e-3)


def test_seconds_are_operations_over_the_rate_and_a_start() -> None:
    found = forecast(SPEC, TEN, [])
    assert found.seconds is not None
    assert found.seconds.low == pytest.approx(count_operations(SPEC) / 1e13 + START_SECONDS.low)
    assert found.seconds.high == pytest.approx(count_operations(SPEC) / 1e12 + START_SECONDS.high)
    assert found.middle == pytest.approx((found.seconds.low + found.seconds.high) / 2)
    assert found.basis == "ten times apart"


def test_the_papers_generator_sets_a_least_time() -> None:
    """At 224: 28,709 augmented ones at 178/s and 7,178 plain ones at 1,809/s are 165 s an epoch of one core here."""
    spec = RunSpec(PAPER.variants["vgg16-transfer"], "pytorch", fer2013="fer2013.zip", pipeline="generator")
    fast = Machine("fast", Interval(1e18, 1e18), "fast")
    found = forecast(spec, fast, [])
    assert found.seconds is not None
    assert found.seconds.low == pytest.approx(165.25 * 100 / 2 + 5, rel=1e-3)
    assert found.seconds.high == pytest.approx(165.25 * 100 / 0.8 + 60, rel=1e-3)
    assert "docs/explanation/attribution.md" in found.basis
    small = forecast(replace(SPEC, pipeline="generator"), fast, [])
    assert small.seconds is not None
    assert small.seconds.low == pytest.approx((28_709 / 3_035 + 7_178 / 8_926) * 100 / 2 + 5, rel=1e-3)
    unaugmented = replace(spec, asked=PAPER.find_variant("vgg16-transfer@unaugmented"))
    plain = forecast(unaugmented, fast, [])
    assert plain.seconds is not None
    assert plain.seconds.low == pytest.approx(35_887 / 1_809 * 100 / 2 + 5, rel=1e-3)


def test_a_step_takes_time_besides_its_operations() -> None:
    """898 training steps of 32 and 57 of watching by 128, a hundred times, at 20 ms each."""
    found = forecast(SPEC, Machine("fast", Interval(1e18, 1e18), "fast", Interval(0.01, 0.02)), [])
    assert found.seconds is not None
    steps = 100 * (898 + 57)
    assert found.seconds.high == pytest.approx(steps * 0.02 + 60, rel=1e-3)
    assert found.seconds.low == pytest.approx(steps * 0.01 + 5, rel=1e-3)


def test_a_budget_of_seconds_ends_it() -> None:
    found = forecast(replace(SPEC, budget=BUDGETS["hour"]), Machine("slow", Interval(1e9, 1e9), "slow"), [])
    assert found.seconds == Interval(3660, 3660)


def test_of_an_unknown_card_nothing_is_said() -> None:
    found = forecast(SPEC, UNKNOWN, [])
    assert (found.seconds, found.middle, found.basis) == (None, None, "nobody knows")


def test_the_last_record_of_the_same_work_comes_before_any_rate() -> None:
    first = fake_record(run="first")
    last = fake_record(seed=7, run="last", timings=replace(SECONDS, total_seconds=77.0))
    found = forecast(SPEC, TEN, [first, last])
    assert (found.seconds, found.basis) == (Interval(77, 77), "as last")


@pytest.mark.parametrize(
    "record",
    [
        fake_record(variant="vgg16-transfer"),
        fake_record(implementation="keras3"),
        fake_record(budget=BUDGETS["hour"]),
        fake_record(None, status="interrupted"),
        fake_record(environment=replace(MACHINE, gpu="a card")),
        fake_record(environment=replace(MACHINE, cpu="another processor")),
        replace(fake_record(), spec=replace(fake_record().spec, fer2013=None)),
    ],
    ids=["variant", "implementation", "budget", "status", "gpu", "cpu", "data"],
)
def test_other_work_or_another_machine_says_nothing(record: RunRecord) -> None:
    assert forecast(SPEC, TEN, [record]).basis == "ten times apart"


def test_the_papers_card_is_known_by_its_name() -> None:
    """52.2 TFLOP/s; of that 20 to 60 %."""
    found = machine_of_gpu(CARD, known=GPU)
    assert found.rate is not None
    assert (found.rate.low / 1e12, found.rate.high / 1e12) == pytest.approx((10.4, 31.3), abs=0.05)
    assert "52.2 TFLOP/s" in found.basis


@pytest.mark.parametrize("name", [None, "NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 40800", "RTX 4080 Laptop GPU"])
def test_another_card_is_not(name: str | None) -> None:
    assert machine_of_gpu(name, known=GPU).rate is None


def test_another_card_is_known_by_its_calibrated_convolution() -> None:
    """20 TFLOP/s; of that 15 to 90 %, and what a step takes besides."""
    calibration = fake_calibration(40e12, gpu="NVIDIA H100")
    found = machine_of_gpu("NVIDIA H100", calibration, known=GPU)
    assert found.rate is not None
    assert (found.rate.low / 1e12, found.rate.high / 1e12) == pytest.approx((3, 18))
    assert found.basis == (
        "operations ÷ (15% to 90% of 20.0 TFLOP/s, the convolution calibrated now), 20 ms a step at most besides"
    )
    assert found.step_overhead == STEP_OVERHEAD
    assert machine_of_gpu(CARD, calibration, known=GPU) == machine_of_gpu(CARD, known=GPU), (
        "its own figures hold for any card of the name"
    )


def test_a_cpu_is_clocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product of 2·2048³ operations in a tenth of a second is 172 GFLOP/s."""
    monkeypatch.setattr(module, "measure_speed", lambda _, name, amount, device: Speed(name, amount, (0.1,)))
    found = machine_of_cpu("a processor")
    assert found.rate is not None
    assert (found.rate.low / 1e9, found.rate.high / 1e9) == pytest.approx((0.15 * 171.8, 0.9 * 171.8), rel=1e-3)
    assert "172 GFLOP/s" in found.basis
