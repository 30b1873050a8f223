"""The paper's pipeline in each framework: picture files, read one by one on the host, and training on their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.dataset import DatasetError
from harness.data.pipelines import DevicePipeline, open_pipeline
from harness.data.pixels import scaling
from harness.data.toyfaces import toyfaces
from harness.interface import Implementation
from tests.support.models import narrow_variant, pretrained_variant, shared_model

SAME = 2e-6
"""Pixels in [0, 1], in float32."""
SAME_BY_CONVENTION = {"unit-range": SAME, "imagenet": SAME, "caffe": 3e-5}
"""Pixels of the same bytes. Caffe's are grey levels less a mean, up to 151: two steps of float32 there, 1.5e-5 each."""
GREY_LEVEL = 1e-4
"""Grey levels that went through float32 pixels and back: near 255 a step of float32 is 1.5e-5, and a few are made."""
LOSS = 2e-5
"""Relative, of a step's loss on the same pixels from the host and from the device."""
LOGITS = 1e-4
"""After an epoch on the same pixels from the host and from the device, which moves logits by 0.03."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FERBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def open_generator(implementation: Implementation, variant: Any, seed: Any = 3) -> Any:
    dataset = toyfaces(training=28, public_test=7, private_test=7)
    device = DevicePipeline.of(dataset, dataset.rows("training"), variant, seed=seed)
    return device, open_pipeline("generator", device, np.arange(len(dataset)), implementation)


def grey() -> Any:
    return narrow_variant("vgg16-scratch")


def test_unaugmented_pixels_are_those_of_the_device(implementation: Implementation, cache: None) -> None:
    device, generator = open_generator(implementation, grey())
    rows = device.dataset.rows("private_test")[::-1]
    (ours,), (theirs,) = device.plain_batches(rows, 8), generator.plain_batches(rows, 8)
    np.testing.assert_array_equal(theirs.labels, ours.labels)
    expected = shared_model(implementation, device.variant).pixels(ours)
    assert theirs.pixels.dtype == np.float32
    np.testing.assert_allclose(theirs.pixels, expected, atol=SAME)


@pytest.mark.parametrize("convention", ["unit-range", "caffe", "imagenet"])
def test_enlarged_pixels_are_those_of_manual(implementation: Implementation, cache: None, convention: Any) -> None:
    variant = pretrained_variant("vgg16-transfer", input_size=224, input_convention=convention)
    device, generator = open_generator(implementation, variant)
    rows = device.dataset.rows("public_test")[:3]
    (theirs,) = generator.plain_batches(rows, 8)
    (manual,) = open_pipeline("manual", device, rows, implementation).plain_batches(rows, 8)
    np.testing.assert_allclose(theirs.pixels, manual.pixels, rtol=0, atol=SAME_BY_CONVENTION[convention])
    assert theirs.pixels.shape == (3, 224, 224, 3)


def test_augmented_batches_are_a_function_of_seed_epoch_and_rows(implementation: Implementation, cache: None) -> None:
    variant = replace(grey(), batch_size=10)
    _, generator = open_generator(implementation, variant)
    _, again = open_generator(implementation, variant)
    _, other = open_generator(implementation, variant, seed=4)
    first = [batch.pixels for batch in generator.training_batches(1)]
    backwards = [again.training_batches(1)[index].pixels for index in (2, 1, 0)]
    for one, two in zip(first, reversed(backwards), strict=True):
        np.testing.assert_array_equal(one, two)
    for changed in (generator.training_batches(2), other.training_batches(1)):
        assert not np.array_equal(changed[0].pixels, first[0])
    plain = generator.plain_batches(generator.training_batches(1).rows[:10], 10)[0].pixels
    assert np.abs(first[0] - plain).mean() > 0.02, "augmented"
    assert first[0].min() >= 0
    assert first[0].max() <= 1 + 1e-6


def test_training_on_the_hosts_pixels_is_training_on_the_devices(
    implementation: Implementation, quick: None, cache: None
) -> None:
    variant = replace(grey(), augmentation=None)
    device, generator = open_generator(implementation, variant)
    model = shared_model(implementation, grey())
    state = model.get_state()
    ours = model.train(device.training_batches(0), learning_rate=1e-3)
    expected = model.logits(device.plain_batches(device.rows, 8))
    model.set_state(state)
    theirs = model.train(generator.training_batches(0), learning_rate=1e-3)
    np.testing.assert_allclose(theirs.step_losses, ours.step_losses, rtol=LOSS)
    assert theirs.examples == ours.examples
    observed = model.logits(generator.plain_batches(device.rows, 8))
    np.testing.assert_allclose(observed, expected, atol=LOGITS)


def test_files_of_all_rows_are_read_by_row(implementation: Implementation, cache: None, tmp_path: Path) -> None:
    device, generator = open_generator(implementation, grey())
    rows = np.array([41, 0, 17])
    (batch,) = generator.plain_batches(rows, 3)
    np.testing.assert_allclose(255 * batch.pixels[..., 0], device.dataset.images[rows], atol=GREY_LEVEL)


@pytest.mark.parametrize("convention", ["caffe", "imagenet"])
def test_augmented_channels_are_one_picture_in_every_convention(
    implementation: Implementation, cache: None, convention: Any
) -> None:
    """Augmentation comes before preprocessing: what it fills in at the edges are grey levels like all others."""
    levels = []
    for each in ("unit-range", convention):
        variant = pretrained_variant("vgg16-transfer", input_size=48, input_convention=each)
        _, generator = open_generator(implementation, variant)
        offset, divisor = scaling(each, 3)
        levels.append(generator.training_batches(1)[0].pixels * divisor + offset)
    np.testing.assert_allclose(levels[1], levels[0], rtol=0, atol=GREY_LEVEL)
    assert np.ptp(levels[0], axis=-1).max() < GREY_LEVEL, "the channels are alike"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, empty, Path.unlink])
def test_a_picture_that_cannot_be_read_is_refused_with_its_folder(
    implementation: Implementation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Any
) -> None:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path))
    _, generator = open_generator(implementation, grey())
    (path,) = tmp_path.glob("pictures/*/*/000002.png")
    damage(path)
    with pytest.raises(DatasetError, match=rf"{path.parents[1]} holds a picture that cannot be read .*; remove that"):
        generator.plain_batches(np.arange(4), 4)[0]
