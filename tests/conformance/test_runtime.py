"""How precisely a model computes, and what becomes of a device that cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.architectures import initial_weights
from harness.interface import Implementation, ImplementationError, Runtime
from tests.support.models import (
    RUNTIMES,
    SEED,
    faces,
    narrow_variant,
    shared_model,
)

pytestmark = pytest.mark.rehearsed

BFLOAT16 = 2**-8
"""Relative rounding of a factor in bfloat16, which keeps 8 bits."""
MIXED = 4 * BFLOAT16
"""Of the largest value: the roundings of the layers partly cancel: 1.8 of them were seen in the logits."""


def build(implementation: Implementation, runtime: Runtime) -> Any:
    variant = narrow_variant("vgg16-scratch")
    return implementation.build(variant, weights=initial_weights(variant, SEED), seed=SEED, runtime=runtime)


@pytest.fixture
def float32_afterwards(implementation: Implementation) -> Iterator[None]:
    """Keras' policy and PyTorch's switches are the process': set them back for the tests that follow."""
    yield
    build(implementation, RUNTIMES[implementation.name])


def test_a_cpu_has_no_tf32(implementation: Implementation, float32_afterwards: None) -> None:
    with pytest.raises(ImplementationError, match="a CPU has no TF32"):
        build(implementation, Runtime(precision="tf32"))


def test_mixed_rounds_layers_and_keeps_weights_and_answers(
    implementation: Implementation, quick: None, float32_afterwards: None
) -> None:
    exact = shared_model(implementation, narrow_variant("vgg16-scratch"))
    batches = faces(exact.variant)[:1]
    expected, activations = exact.logits(batches), exact.activations(batches[0], training=False)
    mixed = build(implementation, replace(RUNTIMES[implementation.name], precision="mixed"))
    assert {array.dtype for array in mixed.get_weights().values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(mixed.pixels(batches[0]), exact.pixels(batches[0]))
    rounded = mixed.activations(batches[0], training=False)["block1_conv1_relu"]
    assert rounded.dtype == np.float32
    error = np.abs(rounded - activations["block1_conv1_relu"]).max() / activations["block1_conv1_relu"].max()
    assert 1e-5 < error < MIXED, "rounded, and to no less than bfloat16"
    observed = mixed.logits(batches)
    assert observed.dtype == np.float32
    np.testing.assert_allclose(observed, expected, atol=MIXED * np.abs(expected).max())


def test_mixed_trains_as_float32_does_but_for_its_rounding(
    implementation: Implementation, quick: None, float32_afterwards: None
) -> None:
    exact = shared_model(implementation, narrow_variant("vgg16-scratch"))
    batches = faces(exact.variant)
    mixed = build(implementation, replace(RUNTIMES[implementation.name], precision="mixed"))
    observed = mixed.train(batches, learning_rate=1e-3).step_losses
    expected = exact.train(batches, learning_rate=1e-3).step_losses
    np.testing.assert_allclose(observed, expected, rtol=MIXED)
    assert not np.array_equal(observed, expected)


def test_deterministic_trains_to_the_same_bits(
    implementation: Implementation, quick: None, float32_afterwards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLA_FLAGS", os.environ.get("XLA_FLAGS", ""))
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""))
    exact = shared_model(implementation, narrow_variant("vgg16-scratch"))
    batches = faces(exact.variant)
    exact.train(batches, learning_rate=1e-3)
    expected = exact.get_weights()
    again = build(implementation, replace(RUNTIMES[implementation.name], deterministic=True))
    again.train(batches, learning_rate=1e-3)
    for name, array in again.get_weights().items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 byte"), {"keras3"}),
        (ValueError(), set()),
    ],
)
def test_who_knows_an_error_of_memory(implementation: Implementation, error: Any, expected: Any) -> None:
    assert implementation.is_out_of_memory(error) == (implementation.name in expected)


def test_without_a_gpu_nobody_counts_its_memory(implementation: Implementation) -> None:
    if implementation.gpu_name() is not None:
        pytest.skip(f"{implementation.name} sees {implementation.gpu_name()}")
    assert implementation.peak_memory() is None


def play_card(monkeypatch: pytest.MonkeyPatch, details: dict[str, str]) -> None:
    """Shows TensorFlow a GPU of which it knows this."""
    import tensorflow

    cards = [SimpleNamespace(name="/physical_device:GPU:0")]
    monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: cards)
    monkeypatch.setattr(tensorflow.config.experimental, "get_device_details", lambda device: details)


@pytest.mark.parametrize(
    ("details", "expected"), [({"device_name": "a card"}, "a card"), ({}, "/physical_device:GPU:0")]
)
def test_tensorflows_gpu_is_called_as_others_call_it(
    implementation: Implementation, monkeypatch: pytest.MonkeyPatch, details: Any, expected: Any
) -> None:
    if implementation.name != "keras3" or implementation.versions()["backend"] != "tensorflow":
        pytest.skip("TensorFlow's alone")
    play_card(monkeypatch, details)
    assert implementation.gpu_name() == expected


def test_the_peak_is_the_allocators_own_count(implementation: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a GPU that is played."""
    backend = {"pytorch": "torch"}.get(implementation.name) or implementation.versions()["backend"]
    if backend == "torch":
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 12345)
    elif backend == "jax":
        import jax

        card = SimpleNamespace(platform="gpu", device_kind="a card", memory_stats=lambda: {"peak_bytes_in_use": 12345})
        monkeypatch.setattr(jax, "devices", lambda *_: [card])
    else:
        import tensorflow

        play_card(monkeypatch, {})
        monkeypatch.setattr(
            tensorflow.config.experimental, "get_memory_info", lambda device: {"current": 1, "peak": 12345}
        )
    assert implementation.peak_memory() == 12345


def test_an_allocator_of_jax_that_does_not_count_says_nothing(
    implementation: Implementation, monkeypatch: pytest.MonkeyPatch
) -> None:
    if implementation.name != "keras3" or implementation.versions()["backend"] != "jax":
        pytest.skip("JAX's alone")
    import jax

    card = SimpleNamespace(platform="gpu", device_kind="a card", memory_stats=lambda: None)
    monkeypatch.setattr(jax, "devices", lambda *_: [card])
    assert implementation.peak_memory() is None
