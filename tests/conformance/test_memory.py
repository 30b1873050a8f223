"""What PyTorch really keeps for the backward pass, and really needs at once, against what was predicted.

Both are counted on the CPU, where they are the same tensors as on a GPU; workspaces of kernels are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from models import BATCH_SIZE, build, faces, narrow_variant, pretrained_variant

from harness.architectures import initial_weights
from harness.interface import Implementation, Runtime
from harness.measuring.memory import predict_memory
from harness.plugin import require_implementation
from harness.registry import load_implementation
from harness.variants import Phase, Variant, find_variant


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


@pytest.mark.parametrize(
    ("variant", "phase"),
    [pytest.param(v, p, id=f"{v.name}-{v.dropout}-{p.trainable}") for v in NARROW for p in v.phases],
)
def test_autograd_keeps_what_was_predicted_to_the_byte(pytorch: Implementation, variant: Variant, phase: Phase) -> None:
    model, batch = build(pytorch, variant), faces(variant)[0]
    model.start_phase(phase)
    assert len(batch) == BATCH_SIZE
    assert bytes_kept(lambda: model.gradients(batch)) == predict_memory(variant, phase).kept


@pytest.mark.slow
def test_autograd_keeps_what_was_predicted_at_full_width(pytorch: Implementation) -> None:
    variant = find_variant("vgg16-scratch")
    model = pytorch.build(variant, weights=initial_weights(variant, 0), seed=0, runtime=Runtime())
    batch = faces(variant)[0]
    assert len(batch) == variant.batch_size
    assert bytes_kept(lambda: model.gradients(batch)) == predict_memory(variant, variant.phases[0]).kept
