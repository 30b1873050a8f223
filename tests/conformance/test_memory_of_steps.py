"""What PyTorch really keeps for the backward pass, and really needs at once, against what was predicted.

Both are counted on the CPU, where they are the same tensors as on a GPU; workspaces of kernels are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.architectures import initial_weights, layers
from harness.interface import Implementation, Runtime
from harness.measuring.memory import predict_memory
from harness.plugin.base import require_implementation
from harness.registry import load_implementation
from harness.variant import Phase, Variant
from tests.support.models import (
    BATCH_SIZE,
    RUNTIMES,
    faces,
    narrow_variant,
    pretrained_variant,
)
from tests.support.papers import PAPER


@pytest.fixture(scope="session")
def pytorch(request: pytest.FixtureRequest) -> Implementation:
    require_implementation(request.config, "pytorch")
    return load_implementation("pytorch")


def bytes_kept(work: Callable[[], object]) -> int:
    """Bytes of the memory that autograd keeps while something is computed, shared memory once, parameters excluded."""
    import torch

    found = {}

    def keep(tensor: Any) -> Any:
        if not isinstance(tensor if tensor._base is None else tensor._base, torch.nn.Parameter):
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        work()
    return sum(found.values())


def peak_bytes(work: Callable[[], object]) -> int:
    """Most bytes that PyTorch has allocated at once for what is computed, beyond what it had before."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    events, found = list(profile.profiler.kineto_results.experimental_event_tree()), []
    while events:
        event = events.pop()
        events += event.children
        if event.tag == torch._C._profiler._EventType.Allocation:
            found.append((event.start_time_ns, event.extra_fields.ptr, event.extra_fields.alloc_size))
    live: dict[int, int] = {}
    peak = 0
    for _, pointer, size in sorted(found, key=lambda each: each[0]):
        if size > 0:
            live[pointer] = size
        else:  # what was there before is told as well when it goes
            live.pop(pointer, None)
        peak = max(peak, sum(live.values()))
    return peak


NARROW = (
    narrow_variant("vgg16-scratch"),
    narrow_variant("vgg16-scratch", dropout=0.5),
    narrow_variant("resnet50-scratch", dropout=0.5),
    pretrained_variant("vgg16-transfer"),
    pretrained_variant("vgg16-transfer", phases=(Phase(100, "head"),)),
    pretrained_variant("vgg16-fine-tune"),
    pretrained_variant("resnet50-transfer"),
    pretrained_variant("resnet50-fine-tune"),
    pretrained_variant("resnet50-fine-tune", phases=(Phase(30, "conv4_block2"),)),
)


@pytest.mark.parametrize("checkpointing", [False, True], ids=["plain", "checkpointing"])
@pytest.mark.parametrize(
    ("variant", "phase"),
    [pytest.param(v, p, id=f"{v.name}-{v.dropout}-{p.trainable}") for v in NARROW for p in v.phases],
)
def test_autograd_keeps_what_was_predicted_to_the_byte(
    pytorch: Implementation, variant: Variant, phase: Phase, checkpointing: bool
) -> None:
    runtime = replace(RUNTIMES["pytorch"], checkpointing=checkpointing)
    model = pytorch.build(variant, weights=initial_weights(variant, 0), seed=0, runtime=runtime)
    batch = faces(variant)[0]
    model.start_phase(phase)
    assert len(batch) == BATCH_SIZE
    predicted = predict_memory(variant, phase, checkpointing=checkpointing).kept
    assert bytes_kept(lambda: model.gradients(batch)) == predicted


@pytest.mark.slow
def test_autograd_keeps_what_was_predicted_at_full_width(pytorch: Implementation) -> None:
    variant = PAPER.find_variant("vgg16-scratch")
    model = pytorch.build(variant, weights=initial_weights(variant, 0), seed=0, runtime=Runtime())
    batch = faces(variant)[0]
    assert len(batch) == variant.batch_size
    assert bytes_kept(lambda: model.gradients(batch)) == predict_memory(variant, variant.phases[0]).kept


@pytest.mark.slow
@pytest.mark.parametrize("checkpointing", [False, True], ids=["plain", "checkpointing"])
@pytest.mark.parametrize(
    ("variant", "phase"),
    [
        pytest.param(v, p, id=f"{v.name}-{p.trainable}-{v.batch_size}")
        for v in (
            PAPER.find_variant("vgg16-scratch"),
            PAPER.find_variant("resnet50-scratch"),
            *(replace(PAPER.find_variant(f"{name}-fine-tune"), batch_size=4) for name in ("vgg16", "resnet50")),
            replace(PAPER.find_variant("vgg16-transfer"), batch_size=4),
        )
        for p in v.phases
    ],
)
def test_a_step_needs_what_was_predicted(
    pytorch: Implementation, variant: Variant, phase: Phase, checkpointing: bool
) -> None:
    """On the CPU it needs more, up to the largest kernel twice: blocks of that size stand beside the predicted ones."""
    runtime = Runtime(checkpointing=checkpointing)
    model = pytorch.build(variant, weights=initial_weights(variant, 0), seed=0, runtime=runtime)
    model.start_phase(phase)
    batch, found = faces(variant)[0], predict_memory(variant, phase, checkpointing=checkpointing)
    measured = found.weights + found.moments + peak_bytes(lambda: model.gradients(batch))
    print(f"{measured / 2**20:.1f} MiB, predicted {found.training / 2**20:.1f}: {measured / found.training:.3f}")
    kernel = max(4 * math.prod(layer.weights["kernel"]) for layer in layers(variant) if layer.kind == "convolution")
    assert 0 <= measured - found.training <= 2 * kernel, f"{measured:,} bytes, predicted {found.training:,}"
