"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.records.options import DEFAULT_PAPER, DEFAULTS, OPTIONS, Device, TrainingPrecision
from harness.registry import ImplementationName, KerasBackend
from harness.strictness import STRICT
from harness.training.budget import BUDGETS, Budget, limit_variant
from harness.training.rows import ProtocolName
from harness.variant import Pipeline, Variant


@dataclass(frozen=True)
class RunSpec:
    """One training run: what was asked for. What follows from it, `variant`, is derived.

    Attributes:
        asked: The variant as the paper or a reading of it declares it, whole: neither budget nor batch size cut it.
        implementation: `keras3` or `pytorch`.
        keras_backend: For `keras3`; None otherwise.
        fer2013: Path of the data set; None for the drawn one. A record keeps its last part alone.
        allow_deviating_data: Accept a data set that differs from the known one.
        protocol: Which images the rules watch.
        budget: Caps.
        batch_size: Images a step in place of the variant's; None where it is the variant's own, or what the budget
            leaves of it.
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
        save_weights: Keep the weights after training beside the record.
        paper: Name of the paper's folder.
    """

    asked: Variant
    implementation: ImplementationName
    keras_backend: KerasBackend | None = None
    fer2013: str | None = None
    allow_deviating_data: bool = False
    protocol: ProtocolName = "paper"
    budget: Budget = BUDGETS["paper"]
    batch_size: int | None = None
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
    save_weights: bool = False
    paper: str = DEFAULT_PAPER

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if (self.implementation == "keras3") != (self.keras_backend is not None):
            raise ValueError(
                f"implementation {self.implementation!r} with keras_backend={self.keras_backend!r}: "
                "a backend goes with keras3 alone"
            )
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch size {self.batch_size}; expected at least 1")

    @property
    def variant(self) -> Variant:
        """The variant that is trained: the one asked for, with this batch size, limited by the budget."""
        return limit_variant(replace(self.asked, batch_size=self.batch_size or self.asked.batch_size), self.budget)

    @property
    def label(self) -> str:
        """Variant, implementation, backend, seed; and what is unusual. One word."""
        backend = f"-{self.keras_backend}" if self.keras_backend else ""
        unusual = (
            f"-{option.label.format(getattr(self, name))}"
            for name, option in OPTIONS.items()
            if option.label and getattr(self, name) != DEFAULTS[name]
        )
        return f"{self.asked.name}-{self.implementation}{backend}{''.join(unusual)}-seed{self.seed}"
