"""The command `ferbench parity`: what it climbs with, what it prints, and with which code it leaves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness import __main__ as command_line
from harness.commands import parity
from harness.interface import Implementation
from harness.parity.ladder import Ladder, TensorComparison
from harness.registry import choose_keras_backend
from harness.variant import Variant

HOLDS = TensorComparison("pixels", "pixels", 2e-7, 1e-7, 2e-6, 1e-4)
FAILS = TensorComparison("gradients", "block3_conv2.kernel", 3e-2, 1e-7, 2e-4, 1e-2)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


FerBench = Callable[..., Outcome]


@pytest.fixture
def ferbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> FerBench:
    """Runs the command in this process."""
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["ferbench", "parity", *map(str, arguments)])
        try:
            command_line.main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        output = capsys.readouterr()
        assert "Traceback" not in output.out + output.err
        return Outcome(code, output.out, " ".join(output.err.replace("│", " ").split()))

    return run


@pytest.fixture
def climbed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of the climbers; nothing is built. Every ladder holds, but for `vgg16-fine-tune`."""
    asked: list[Any] = []

    def climb_variant(variant: Variant, **settings: Any) -> Iterator[Ladder]:
        asked.append((variant, settings))
        for phase in variant.phases:
            yield Ladder(variant, phase, (HOLDS, FAILS) if variant.name == "vgg16-fine-tune" else (HOLDS,))

    monkeypatch.setattr(parity, "climb_variant", climb_variant)
    monkeypatch.setattr(parity, "versions", lambda _: {"keras": "3.0", "torch": "2.0"})
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return asked


def test_ladders_that_hold_leave_with_0(ferbench: FerBench, climbed: list[Any]) -> None:
    done = ferbench("resnet50-fine-tune")
    assert done.code == 0
    assert "resnet50-fine-tune, training the head: every rung holds" in done.out
    assert "resnet50-fine-tune, training conv5_block1 and what follows: every rung holds" in done.out
    assert "conditions: " in done.out
    assert "keras 3.0, torch 2.0; width ÷ 8, 32×32 pixels, batches of 8; no dropout; seed 0" in done.out


def test_a_rung_that_fails_is_named_and_leaves_with_1(ferbench: FerBench, climbed: list[Any]) -> None:
    done = ferbench("vgg16-fine-tune")
    assert done.code == 1
    assert "vgg16-fine-tune, training block5 and what follows: FAILED" in done.out
    assert "FAILS (1)" in done.out
    assert (
        "parts at gradients, block3_conv2.kernel: Keras is off by 3.0e-02 of its scale, PyTorch by 1.0e-07" in done.out
    )


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ((), (8, 32, 8)),
        (("--width-divisor", 4, "--input-size", 48, "--batch-size", 3), (4, 48, 3)),
        (("--full",), (1, 224, 2)),
        (("--full", "--batch-size", 4), (1, 224, 4)),
    ],
    ids=["narrow", "given", "full", "full-but-for-one"],
)
def test_sizes(ferbench: FerBench, climbed: list[Any], options: tuple[object, ...], sizes: tuple[int, ...]) -> None:
    assert ferbench("vgg16-transfer", *options).code == 0
    ((variant, settings),) = climbed
    assert (variant.width_divisor, variant.input_size, variant.batch_size) == sizes
    assert variant.dropout == 0
    assert settings == {"keras_backend": "jax", "device": "cpu", "seed": 0}


def test_backend_and_seed_are_handed_on(ferbench: FerBench, climbed: list[Any]) -> None:
    assert ferbench("vgg16-scratch", "--keras-backend", "tensorflow", "--seed", 3).code == 0
    assert climbed[0][1] == {"keras_backend": "tensorflow", "device": "cpu", "seed": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgg17",), "unknown variant 'vgg17'"),
        (("vgg16-scratch", "--keras-backend", "numpy"), "'numpy' is not one of"),
        (("vgg16-scratch", "--input-size", "16"), "greater than or equal to 32"),
        (("vgg16-scratch", "--batch-size", "1"), "greater than or equal to 2"),
    ],
    ids=["variant", "backend", "input-size", "batch-size"],
)
def test_wrong_usage_leaves_with_2(
    ferbench: FerBench, climbed: list[Any], arguments: tuple[str, ...], message: str
) -> None:
    done = ferbench(*arguments)
    assert done.code == 2
    assert message in done.err


@pytest.mark.slow  # each rung is climbed by tests/parity; here they are printed
def test_it_climbs_in_earnest(
    ferbench: FerBench, both_implementations: dict[str, Implementation], request: pytest.FixtureRequest
) -> None:
    backend = choose_keras_backend(request.config.getoption("keras_backend"))
    small = ("--width-divisor", 32, "--batch-size", 4, "--keras-backend", backend)
    done = ferbench("vgg16-scratch@three-blocks", *small)
    assert done.code == 0, done.out
    for rung in ("pixels", "activations", "gradients", "optimizer step", "25 steps", "25 steps in float64"):
        assert rung in done.out
    assert f"backend {backend}" in done.out
