"""Who takes part in `test_input_pipeline.py`: ferbench and its peers, what each needs and where it is written."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

Kind = Literal["ours", "paper", "peer"]
BATCH_SIZE: Final = 32


@dataclass(frozen=True)
class Task:
    """What a contender shall make batches of.

    Attributes:
        fer2013: The real data set, as ferbench reads it.
        pictures: The same training pictures as files, one folder a class.
        variant: Whose size, channels and augmentation are wanted.
        cores: How many cores this process may use.
    """

    fer2013: Path
    pictures: Path
    variant: str
    cores: int


@dataclass
class Source:
    """An endless stream of batches, each computed and waited for when it is handed out.

    Attributes:
        batches: The stream.
        epoch_images: Images between two preparations of an epoch.
        epoch_seconds: What each preparation took so far; grows as the stream goes on.
    """

    batches: Iterator[Any]
    epoch_images: int = 1
    epoch_seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Contender:
    """One way to make batches.

    Attributes:
        name: As tables show it.
        kind: Ours, the paper's own pipeline, or another peer.
        variants: What it can make: `vgg16-transfer` is RGB at 224×224, `vgg16-scratch` grey at 48×48 from memory.
        packages: What must be installed beside ferbench's base.
        keras_backend: Of its process.
        make: Module of this package, and its function from a `Task` to a `Source`.
        cores: On how many cores it takes part; None for any number.
        aims: Wanted ratio to the paper's pipeline on one core, by variant (issue "Pixels and batches").
    """

    name: str
    kind: Kind
    variants: tuple[str, ...]
    packages: tuple[str, ...]
    make: tuple[str, str]
    keras_backend: str = "jax"
    cores: int | None = None
    aims: tuple[tuple[str, float], ...] = ()

    def missing(self) -> str | None:
        """Why it cannot take part here; None if it can."""
        absent = [name for name in self.packages if importlib.util.find_spec(name) is None]
        if absent:
            return f"needs {', '.join(absent)}, not installed"
        if "compiled" in self.name and not any(map(shutil.which, ("c++", "g++", "clang++"))):
            return "needs a C++ compiler"
        return None


LARGE, SMALL = "vgg16-transfer", "vgg16-scratch"
_BOTH = (LARGE, SMALL)
_COMPILED, _EAGER = ((LARGE, 25.0), (SMALL, 5.0)), ((LARGE, 12.0), (SMALL, 5.0))
GENERATOR: Final = "ImageDataGenerator"

CONTENDERS: Final = (
    Contender(GENERATOR, "paper", (LARGE,), ("keras", "jax", "scipy"), ("keras_peers", "generator")),
    Contender(GENERATOR, "paper", (SMALL,), ("keras", "jax", "scipy"), ("keras_peers", "generator_from_memory")),
    Contender(
        f"{GENERATOR}, 2 processes", "peer", (LARGE,), ("keras", "jax", "scipy"),
        ("keras_peers", "generator_processes"), cores=2,
    ),
    Contender(
        "image_dataset_from_directory", "peer", (LARGE,), ("keras", "tensorflow"),
        ("keras_peers", "preprocessing_layers"), "tensorflow",
    ),
    Contender("torchvision v2, DataLoader", "peer", (LARGE,), ("torch", "torchvision"), ("torch_peers", "torchvision")),
    Contender(
        "albumentations, DataLoader", "peer", (LARGE,), ("torch", "albumentations", "cv2"),
        ("torch_peers", "albumentations"),
    ),
    Contender("Kornia, from memory", "peer", (LARGE,), ("torch", "kornia"), ("torch_peers", "kornia")),
    Contender("ours, PyTorch eager", "ours", _BOTH, ("torch",), ("ours", "pytorch_eager"), aims=_EAGER),
    Contender("ours, PyTorch compiled", "ours", _BOTH, ("torch",), ("ours", "pytorch_compiled"), aims=_COMPILED),
    Contender("ours, Keras on JAX", "ours", _BOTH, ("keras", "jax"), ("ours", "keras3"), aims=_COMPILED),
    Contender(
        "ours, Keras on TensorFlow", "ours", _BOTH, ("keras", "tensorflow"), ("ours", "keras3"), "tensorflow",
        aims=_COMPILED,
    ),
    Contender("ours, Keras on torch", "ours", _BOTH, ("keras", "torch"), ("ours", "keras3"), "torch", aims=_EAGER),
)  # fmt: skip
