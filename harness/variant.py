"""What a variant of a network and its training is: typed, frozen values; no variant of any paper is defined here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from harness.errors import UserError
from harness.strictness import STRICT

Architecture = Literal["vgg16", "resnet50"]
Strategy = Literal["scratch", "transfer", "fine-tune"]
InputConvention = Literal["unit-range", "caffe", "imagenet"]
Pipeline = Literal["device", "generator", "manual"]
ClassWeights = Literal["none", "balanced"]
Trainable = Literal["all", "head"] | str


class VariantError(UserError, ValueError):
    """A variant or reading that does not exist. The message lists those that do."""


@dataclass(frozen=True)
class HeadLayer:
    """One layer between the convolutional base and the logits.

    `units` belongs to `dense` (a ReLU follows it), no other kind has it. The rate of `dropout`
    is the variant's.
    """

    kind: Literal["flatten", "global-average-pooling", "batch-norm", "dense", "dropout"]
    units: int | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if (self.kind == "dense") != (self.units is not None):
            raise ValueError(f"head layer {self.kind!r} with units={self.units}: units go with dense alone")


@dataclass(frozen=True)
class Optimizer:
    """Adam as Keras defines it: epsilon stands outside the bias correction (`ε-hat` of the Adam paper)."""

    name: Literal["adam"]
    beta_1: float
    beta_2: float
    epsilon: float

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one set of trainable layers and one optimizer.

    Attributes:
        epochs: Length, in epochs.
        trainable: `all`, `head`, or the first trainable block of the base by the beginning of its layers'
            names, `block5` or `conv5_block1`: its layers, all after them, and the head.
    """

    epochs: int
    trainable: Trainable

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class StopRule:
    """When training ends early.

    `accuracy-above` ends once the monitored accuracy exceeds `threshold`; `no-improvement` once
    it has not risen for `patience` epochs; `never` runs all epochs.
    """

    kind: Literal["accuracy-above", "no-improvement", "never"]
    threshold: float | None = None
    patience: int | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        observed = f"stop rule {self.kind!r} with threshold={self.threshold}, patience={self.patience}"
        if (self.kind == "accuracy-above") != (self.threshold is not None):
            raise ValueError(f"{observed}: a threshold goes with accuracy-above alone")
        if (self.kind == "no-improvement") != (self.patience is not None):
            raise ValueError(f"{observed}: a patience goes with no-improvement alone")


@dataclass(frozen=True)
class PlateauRule:
    """Multiply the learning rate by `factor` when the monitored loss has not fallen for `patience` epochs.

    As Keras' ReduceLROnPlateau: an absolute `minimum_change`, firing when the wait reaches `patience`.
    """

    factor: float
    patience: int
    minimum_change: float
    minimum_learning_rate: float

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random affine maps, named as Keras' ImageDataGenerator names them.

    Each value is drawn uniformly from [-x, x]; zoom from [1-x, 1+x] on each axis.

    Attributes:
        rotation_degrees: In degrees.
        width_shift: Sideways, as a fraction of the width.
        height_shift: Up and down, as a fraction of the height.
        shear_degrees: In degrees.
        zoom: As a fraction.
        horizontal_flip: Whether half of the pictures are mirrored.
    """

    rotation_degrees: float
    width_shift: float
    height_shift: float
    shear_degrees: float
    zoom: float
    horizontal_flip: bool

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Variant:
    """All that defines a training run except data, seed and device."""

    name: str
    architecture: Architecture
    strategy: Strategy
    blocks: int  # convolutional blocks (VGG16: of 5) or stages (ResNet50: 4) that are kept
    head: tuple[HeadLayer, ...]  # then the seven logits
    dropout: float
    input_size: int  # pixels
    input_channels: Literal[1, 3]
    input_convention: InputConvention
    interpolation: Literal["bilinear"]
    pipeline: Pipeline
    augmentation: Augmentation | None
    loss: Literal["categorical-cross-entropy"]
    class_weights: ClassWeights
    optimizer: Optimizer
    learning_rate: float
    batch_size: int
    epochs: int
    phases: tuple[Phase, ...]
    stop_rule: StopRule
    plateau_rule: PlateauRule | None
    monitored_split: Literal["paper_test"]
    weights_source: Literal["random", "imagenet", "imagenet-torchvision"]
    width_divisor: int = 1  # recorded; comparable only where the paper itself divides the width
    batch_norm_momentum: float = 0.99  # share of the old running statistic that is kept; Keras' default

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if sum(phase.epochs for phase in self.phases) != self.epochs:
            raise ValueError(f"{self.name}: the phases' epochs do not add up to epochs = {self.epochs}")

    @property
    def base_name(self) -> str:
        """The name without readings: what stands before the at-sign."""
        return self.name.partition("@")[0]


_VARIANT: Final = TypeAdapter(Variant)


def coerce_variant(values: Mapping[str, Any]) -> Variant:
    """Make a variant from plain values; raises pydantic's ValidationError."""
    return _VARIANT.validate_python(dict(values))


def narrow(variant: Variant, *, width_divisor: int, input_size: int | None = None) -> Variant:
    """Return a cheap copy for tests and rehearsals: channels divided, picture shrunk. Never comparable."""
    return replace(variant, width_divisor=width_divisor, input_size=input_size or variant.input_size)


def parse_variant(values: Mapping[str, Any]) -> Variant:
    """Read a variant back from a record.

    Raises:
        VariantError: If a field is missing, unknown or of the wrong type.
    """
    try:
        return coerce_variant(values)
    except ValidationError as error:
        raise VariantError(f"not a variant: {error}") from error
