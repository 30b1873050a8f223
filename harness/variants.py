"""The six variants of the paper as frozen values, and the rival readings of what it leaves open.

Values and their sources stand side by side in `variants.toml`, so that neither can drift from
the other: each field has a short quote and its place in the paper, or `assumed` and a reason, or both
where the paper says only part of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

_STRICT = ConfigDict(extra="forbid")  # a misspelt key is an error, in `variants.toml` as in a record

Architecture = Literal["vgg16", "resnet50"]
Strategy = Literal["scratch", "transfer", "fine-tune"]
InputConvention = Literal["unit-range", "caffe", "imagenet"]
Pipeline = Literal["device", "generator", "manual"]
ClassWeights = Literal["none", "balanced"]
Trainable = Literal["all", "head"] | str


class VariantError(ValueError):
    """A variant or reading that does not exist. The message lists those that do."""


@dataclass(frozen=True)
class HeadLayer:
    """One layer between the convolutional base and the logits.

    `units` belongs to `dense` (a ReLU follows it), no other kind has it. The rate of `dropout`
    is the variant's.
    """

    kind: Literal["flatten", "global-average-pooling", "batch-norm", "dense", "dropout"]
    units: int | None = None

    __pydantic_config__ = _STRICT

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

    __pydantic_config__ = _STRICT


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

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class StopRule:
    """When training ends early.

    `accuracy-above` ends once the monitored accuracy exceeds `threshold`; `no-improvement` once
    it has not risen for `patience` epochs; `never` runs all epochs.
    """

    kind: Literal["accuracy-above", "no-improvement", "never"]
    threshold: float | None = None
    patience: int | None = None

    __pydantic_config__ = _STRICT

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

    __pydantic_config__ = _STRICT


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

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Variant:
    """One row of the paper's Table 6: all that defines a training run except data, seed and device."""

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
    width_divisor: int = 1  # for tests and rehearsals alone: recorded, never comparable

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        if sum(phase.epochs for phase in self.phases) != self.epochs:
            raise ValueError(f"{self.name}: the phases' epochs do not add up to epochs = {self.epochs}")

    @property
    def base_name(self) -> str:
        """The name without readings: `vgg16-scratch`."""
        return self.name.partition("@")[0]


NOT_FROM_THE_PAPER: Final = frozenset({"name", "width_divisor"})
"""Fields of `Variant` that carry no claim about the paper, hence no source."""


@dataclass(frozen=True)
class Source:
    """Where a field's value comes from: a quote with its place, an assumption with its reason, or both.

    Attributes:
        quote: Words of the paper, at most 20, as they stand there up to white space.
        place: The section, table or figure where they stand.
        assumed: Why we chose what the paper does not say. Beside a quote: what the quote leaves open, so
            the value is cited in part only.
    """

    quote: str | None = None
    place: str | None = None
    assumed: str | None = None

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        if (self.quote is None) != (self.place is None):
            raise ValueError(f"a source with quote={self.quote!r}, place={self.place!r}: they go together")
        if not (self.quote or self.assumed):
            raise ValueError("a source needs a quote with its place, or `assumed` with a reason, or both")


@dataclass(frozen=True)
class Reading:
    """One answer to a question that the paper leaves open.

    Attributes:
        name: What stands behind the at-sign.
        question: What is open; the readings of one question exclude each other.
        is_default: Whether the plain variant already answers so.
        reason: Why this answer is possible, and for the default why it is preferred.
        changes: Fields of `Variant` that it sets.
        unsets: Fields that it sets to None.
    """

    name: str
    question: str
    reason: str
    changes: Mapping[str, Any]
    unsets: tuple[str, ...] = ()
    is_default: bool = False

    __pydantic_config__ = _STRICT

    @property
    def values(self) -> dict[str, Any]:
        """All fields that it sets (TOML has no word for None)."""
        return {**self.changes, **dict.fromkeys(self.unsets)}


@cache
def _tables() -> Mapping[str, Any]:
    text = (files("harness") / "variants.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


_VARIANT: Final = TypeAdapter(Variant)


def _coerce(values: Mapping[str, Any]) -> Variant:
    return _VARIANT.validate_python(dict(values))


def _load_variant(name: str) -> Variant:
    entries = _tables()["variants"][name]
    values = {field: entry.get("value") for field, entry in entries.items()}
    return _coerce(values | {"name": name})


@cache
def sources(base_name: str) -> Mapping[str, Source]:
    """The source of each field of a variant without readings, by field name."""
    entries = _tables()["variants"][base_name]
    adapter = TypeAdapter(Source)
    return {
        field: adapter.validate_python({key: text for key, text in entry.items() if key != "value"})
        for field, entry in entries.items()
    }


@cache
def readings(base_name: str) -> tuple[Reading, ...]:
    """The readings of a variant, in the order of `variants.toml`."""
    entries = _tables().get("readings", {}).get(base_name, {})
    adapter = TypeAdapter(Reading)
    return tuple(adapter.validate_python(entry | {"name": name}) for name, entry in entries.items())


VARIANTS: Final[Mapping[str, Variant]] = {name: _load_variant(name) for name in _tables()["variants"]}
"""The six variants in their default readings, by name."""


def find_variant(name: str) -> Variant:
    """Return a variant by name, with any readings behind an at-sign: `vgg16-scratch@five-blocks,unstopped`.

    The name of the result lists the readings that differ from the default, in canonical order.

    Raises:
        VariantError: If the variant or a reading does not exist, or two readings answer one question.
    """
    base_name, _, suffix = name.partition("@")
    if base_name not in VARIANTS:
        raise VariantError(f"unknown variant {base_name!r}; the variants are {', '.join(VARIANTS)}")
    known = {reading.name: reading for reading in readings(base_name)}
    chosen: dict[str, Reading] = {}
    for word in filter(None, suffix.split(",")):
        if word not in known:
            raise VariantError(
                f"unknown reading {word!r} of {base_name}; its readings are {', '.join(known) or 'none'}"
            )
        reading = known[word]
        if reading.question in chosen:
            other = chosen[reading.question].name
            raise VariantError(f"{name}: {other!r} and {word!r} answer the same question: {reading.question}")
        chosen[reading.question] = reading
    applied = [reading for reading in known.values() if reading in chosen.values() and not reading.is_default]
    if not applied:
        return VARIANTS[base_name]
    values = asdict(VARIANTS[base_name])
    for reading in applied:
        values |= reading.values
    return _coerce(values | {"name": f"{base_name}@{','.join(reading.name for reading in applied)}"})


def narrow(variant: Variant, *, width_divisor: int, input_size: int | None = None) -> Variant:
    """A cheap copy for tests and rehearsals: channels divided, picture shrunk. Never comparable."""
    return replace(variant, width_divisor=width_divisor, input_size=input_size or variant.input_size)


def paper_fields() -> tuple[str, ...]:
    """Names of the fields that carry a claim about the paper, in order."""
    return tuple(field.name for field in fields(Variant) if field.name not in NOT_FROM_THE_PAPER)


def parse_variant(values: Mapping[str, Any]) -> Variant:
    """Read a variant back from a record.

    Raises:
        VariantError: If a field is missing, unknown or of the wrong type.
    """
    try:
        return _coerce(values)
    except ValidationError as error:
        raise VariantError(f"not a variant: {error}") from error
