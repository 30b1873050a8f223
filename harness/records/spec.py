"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict

from harness.papers.variants import VARIANTS
from harness.registry import ImplementationName, KerasBackend
from harness.training.budget import BUDGETS, Budget, limit_variant
from harness.training.rows import ProtocolName
from harness.variant import Pipeline, Variant

Device = Literal["cpu", "gpu"]
TrainingPrecision = Literal["float32", "tf32", "mixed"]


@dataclass(frozen=True)
class RunSpec:
    """One training run.

    Attributes:
        variant: Already limited by the budget.
        implementation: `keras3` or `pytorch`.
        keras_backend: For `keras3`; None otherwise.
        fer2013: Path of the data set; None for the drawn one. A record keeps its last part alone.
        allow_deviating_data: Accept a data set that differs from the known one.
        protocol: Which images the rules watch.
        budget: Caps.
        seed: Of weights, order, maps and dropout.
        device: Where to compute.
        threads: CPU threads; None leaves the framework's choice.
        weights_dir: Folder in which ImageNet weights are looked for first. A record keeps its last part alone.
        stand_in_weights: Take drawn weights for ImageNet's, where those cannot be had; never comparable.
        views: Augmented views of each image, which epochs show in turn; None draws a new one in every epoch.
        cached_features: Compute what a frozen base makes of each view of an image once, and keep it on disk.
        pipeline: Where pixels are computed. The variant names the paper's pipeline, this is the run's.
        precision: `float32`, `tf32` or `mixed`; see `harness.interface.Runtime`.
        deterministic: Only operations that give the same bits again.
        checkpointing: Compute blocks again in the backward pass; see `harness.interface.Runtime`.
    """

    variant: Variant
    implementation: ImplementationName
    keras_backend: KerasBackend | None = None
    fer2013: str | None = None
    allow_deviating_data: bool = False
    protocol: ProtocolName = "paper"
    budget: Budget = BUDGETS["paper"]
    seed: int = 0
    device: Device = "cpu"
    threads: int | None = None
    weights_dir: str | None = None
    stand_in_weights: bool = False
    cached_features: bool = False
    pipeline: Pipeline = "device"
    views: int | None = None
    precision: TrainingPrecision = "float32"
    deterministic: bool = False
    checkpointing: bool = False

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        if (self.implementation == "keras3") != (self.keras_backend is not None):
            raise ValueError(
                f"implementation {self.implementation!r} with keras_backend={self.keras_backend!r}: "
                "a backend goes with keras3 alone"
            )

    @property
    def chosen_batch_size(self) -> int | None:
        """Images a step, if they are neither the variant's own nor what its budget leaves of them."""
        declared = VARIANTS.get(self.variant.base_name)  # no reading changes it
        own = limit_variant(declared, self.budget).batch_size if declared else None
        return self.variant.batch_size if own not in (None, self.variant.batch_size) else None

    @property
    def label(self) -> str:
        """Variant, implementation, backend, seed; and what is unusual. One word."""
        backend = f"-{self.keras_backend}" if self.keras_backend else ""
        pipeline = "" if self.pipeline == "device" else f"-{self.pipeline}"
        views = f"-{self.views}views" if self.views else ""
        precision = "" if self.precision == "float32" else f"-{self.precision}"
        batch = f"-batch{self.chosen_batch_size}" if self.chosen_batch_size else ""
        checkpointing = "-checkpointing" if self.checkpointing else ""
        deterministic = "-deterministic" if self.deterministic else ""
        unusual = f"{pipeline}{views}{precision}{batch}{checkpointing}{deterministic}"
        return f"{self.variant.name}-{self.implementation}{backend}{unusual}-seed{self.seed}"
