"""The published checkpoints that a base can start from, as frozen values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from harness.errors import UserError
from harness.strictness import STRICT
from harness.variant import Architecture, InputConvention

Graph = Literal["d", "v1", "v1.5"]
Layout = Literal["keras-h5", "torch"]

OUR_GRAPHS: Final[Mapping[Architecture, Graph]] = {"vgg16": "d", "resnet50": "v1"}
"""Which network of that name `harness.architectures` holds. VGG16: column D of Simonyan & Zisserman's table 1;
ResNet50: version 1, stride on the first 1×1 convolution, as keras.applications has it."""


class WeightsError(UserError, ValueError):
    """Weights that cannot be had or used. The message is for people: seen, expected, what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """One published file of weights.

    Attributes:
        weights_source: What it is asked for by, as in `Variant.weights_source`.
        architecture: Whose weights they are.
        graph: Which network of that name (`OUR_GRAPHS`).
        file: Its usual name, in the frameworks' caches too.
        url: Where it is published.
        size: In bytes.
        checksum: `md5:` or `sha256:` and the first hex digits, as many as are published. For downloads.
        layout: How it is written.
        input_convention: The pixels it was trained on.
        digest: SHA-256 (hex) of its tensors, from `harness.weights.canonical.digest`; None where not known here.
        licence: Of the weights.
        source: Where the values above come from.
    """

    weights_source: str
    architecture: Architecture
    graph: Graph
    file: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    url: Annotated[str, Field(pattern=r"^https://")]
    size: int
    checksum: Annotated[str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{8,64})$")]
    layout: Layout
    input_convention: InputConvention
    licence: str
    source: str
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    __pydantic_config__ = STRICT


@cache
def catalogue() -> Mapping[str, Checkpoint]:
    """All published checkpoints by id: `keras-vgg16`."""
    text = (files("harness.weights") / "catalogue.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Checkpoint]).validate_python(tomllib.loads(text))


def find_checkpoint(weights_source: str, architecture: Architecture) -> tuple[str, Checkpoint]:
    """The checkpoint, and its id before it, that a source has for an architecture.

    Raises:
        WeightsError: If there is none, or its network is not the one built here.
    """
    of_architecture = {
        checkpoint.weights_source: (name, checkpoint)
        for name, checkpoint in catalogue().items()
        if checkpoint.architecture == architecture
    }
    if weights_source not in of_architecture:
        raise WeightsError(
            f"no weights {weights_source!r} are known for {architecture}; known are {', '.join(of_architecture)}"
        )
    name, checkpoint = of_architecture[weights_source]
    if checkpoint.graph != OUR_GRAPHS[architecture]:
        raise WeightsError(
            f"{name} are weights of {architecture} {checkpoint.graph}, whose stride stands on the 3×3 convolution; "
            f"the network here is {OUR_GRAPHS[architecture]}, with the stride on the first 1×1: the shapes would fit, "
            "the features would be wrong. Use the source 'imagenet'"
        )
    return name, checkpoint
