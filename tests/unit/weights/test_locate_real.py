"""Keras' own file for VGG16, where it is given."""

from __future__ import annotations

import numpy as np
import pytest

from harness.architectures import VGG16_BLOCKS
from harness.plugin.base import run_options
from harness.weights.catalogue import catalogue
from harness.weights.locate import BaseWeights, load_base_weights
from tests.support.papers import PAPER

DIGEST = "0920bc14be9c8d166b7198404b185bcc22ee8e5eb32f106560d4ab31a7260176"
"""Of the 26 arrays in a copy whose bytes were not the published ones (another h5py had written its texts anew)."""

PROBES = {
    ("block1_conv1.kernel", (0, 0, 0, 0)): 0.42947057,
    ("block1_conv1.bias", (25,)): 0.7446502,
    ("block1_conv2.kernel", (2, 2, 63, 63)): 0.016082443,
    ("block2_conv1.bias", (1,)): 0.06440781,
    ("block5_conv1.kernel", (1, 0, 63, 269)): -0.011236359,
    ("block5_conv2.bias", (510,)): 0.23517226,
    ("block5_conv3.kernel", (0, 2, 0, 400)): -0.008714244,
}
"""Numbers that others found in Keras' weights, as they printed them in public, from the first layer to the last."""


@pytest.fixture(scope="module")
def base(request: pytest.FixtureRequest) -> BaseWeights:
    folder = run_options(request.config).weights_dir
    file = catalogue()["keras-vgg16"].file
    if folder is None or not (folder / file).is_file():
        pytest.skip(f"needs {file}: give --weights-dir or set FERBENCH_WEIGHTS to its folder")
    return load_base_weights("imagenet", PAPER.find_variant("vgg16-transfer"), weights_dir=folder, download=False)


def test_it_is_the_known_checkpoint(base: BaseWeights) -> None:
    assert (base.source, base.digest) == ("keras-vgg16", DIGEST)
    found = {place: base.weights[place[0]][place[1]] for place in PROBES}
    assert found == {place: np.float32(value) for place, value in PROBES.items()}


def test_its_kernels_have_the_shapes_of_vgg16(base: BaseWeights) -> None:
    assert len(base.weights) == 26
    kernels = [array.shape for name, array in base.weights.items() if name.endswith(".kernel")]
    filters = [count for count, convolutions in VGG16_BLOCKS for _ in range(convolutions)]
    assert kernels == [(3, 3, before, after) for before, after in zip([3, *filters], filters, strict=False)]
    assert sum(array.size for array in base.weights.values()) == 14_714_688


def test_its_numbers_are_those_of_a_trained_network(base: BaseWeights) -> None:
    # Glorot's draw has a mean of 0, zero biases and no tails; a trained kernel has tails (kurtosis of a normal: 3).
    for name, array in base.weights.items():
        assert np.isfinite(array).all(), name
        assert array.std() > 0, name
    last = base.weights["block5_conv3.kernel"].astype(np.float64)
    assert ((last - last.mean()) ** 4).mean() / last.var() ** 2 > 4
