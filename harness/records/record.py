"""What a run leaves: everything needed to judge it again, without the framework that made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from harness.records.machine import DeviceCalibration, GpuIdentity, GpuUse
from harness.records.spec import RunSpec
from harness.strictness import STRICT
from harness.training.fit import EpochRecord
from harness.training.metrics import Score
from harness.training.stop_reason import StopReason

SCHEMA_VERSION: Final = 5
"""Raised with every change of the record's fields, which comes with a converter in `harness.records.conversion`."""


Status = Literal["complete", "interrupted", "failed"]


@dataclass(frozen=True)
class DatasetIdentity:
    """Which data a run saw.

    `digest` is over the whole data set (see `harness.data.dataset.identity`); the counts are of
    the rows that were used, after any cap.
    """

    name: str
    door: str
    digest: str
    deviations: tuple[str, ...]
    training_examples: int
    watched_examples: int
    test_examples: int
    class_weights: tuple[float, ...]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class WeightsIdentity:
    """What training began with.

    Attributes:
        source: `random`, an entry of `harness/weights/catalogue.toml`, or `stand-in`: drawn in place of ImageNet's.
        file: Name of the file that the base was read from; None where it was drawn.
        digest: SHA-256 over names, shapes and bytes of what came from that source (see
            `harness.weights.canonical.digest`): the base, or where all was drawn the whole network.
    """

    source: str
    file: str | None
    digest: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Environment:
    """Where a run ran. `git_commit` is of the harness, with `+changes` where files differ from it."""

    cpu: str
    cpu_cores: int
    memory_gigabytes: float
    gpu: str | None
    gpu_driver: str | None
    operating_system: str
    python: str
    versions: dict[str, str]
    threads: dict[str, int]
    git_commit: str | None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Timings:
    """Seconds. `training` and `input`, which it contains, are sums over complete epochs; warm-up holds compilation,
    `features` the single pass of a frozen base over all images and views, near zero where they lay on the disk already.

    `features_images_per_second` is the rate of that pass, its compilation and writing included; None where nothing was
    computed.
    """

    warm_up_seconds: float
    features_seconds: float
    training_seconds: float
    input_seconds: float
    evaluation_seconds: float
    total_seconds: float
    training_images_per_second: float | None
    features_images_per_second: float | None = None

    __pydantic_config__ = STRICT

    @property
    def features_speed_up(self) -> float | None:
        """How many times as long a training step takes that computes the base's pass as well, by the two rates.

        Each image then takes the seconds of both. Only of a run that trained the head alone; None where a rate lacks.
        """
        head, base = self.training_images_per_second, self.features_images_per_second
        return 1 + head / base if head and base else None


@dataclass(frozen=True)
class Gpu:
    """What NVIDIA's driver said of the GPU, from the building of the network to the last evaluation."""

    identity: GpuIdentity
    use: GpuUse

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Memory:
    """Bytes of the device in the phase that needs most.

    Attributes:
        predicted_bytes: Of all, a framework's own share of a GPU included; see `harness.measuring.memory`.
        predicted_tensor_bytes: Of tensors alone.
        measured_bytes: Most that the framework's own allocator had given out at once; None on a CPU, where nobody
            counts, and from an allocator that does not say.
    """

    predicted_bytes: int
    predicted_tensor_bytes: int
    measured_bytes: int | None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class RunRecord:
    """One run, whole.

    Attributes:
        schema_version: `SCHEMA_VERSION` of the harness that wrote it.
        run: Name of the record, without a suffix.
        status: `complete`, `interrupted` (somebody stopped it) or `failed`.
        error: Why it failed.
        stop_reason: Why training ended, where it did.
        started: UTC, ISO 8601.
        spec: What was asked for.
        dataset: What it was done on; None if the data could not be read.
        weights: What it began with.
        environment: Where it was done.
        history: Complete epochs.
        scores: By set: `public_test`, `private_test`, `paper_test`, `clean_test`. Empty unless complete.
        timings: Seconds.
        arrays_sha256: Of the safetensors file beside the record (`initial_logits`, `initial_rows`,
            `test_logits`, `test_rows`, `test_labels`; rows are rows of the data set); None where there is none.
        weights_sha256: Of `<run>.weights.safetensors` beside the record, the weights after training by canonical names;
            None where they were not asked for.
        gpu: Which GPU, how it was clocked, and who shared it; None on the CPU, and where `nvidia-ml-py` is missing.
        memory: What the device's memory was predicted to have to hold, and held; None in older ones that lack it.
        calibration: The machine's own rates before the suite that the run belongs to; None where it belongs to none,
            and where they could not be had.
    """

    schema_version: int
    run: str
    status: Status
    error: str | None
    stop_reason: StopReason | None
    started: str
    spec: RunSpec
    dataset: DatasetIdentity | None
    weights: WeightsIdentity
    environment: Environment
    history: tuple[EpochRecord, ...]
    scores: dict[str, Score]
    timings: Timings | None
    arrays_sha256: str | None
    weights_sha256: str | None = None
    gpu: Gpu | None = None
    memory: Memory | None = None
    calibration: DeviceCalibration | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if self.status == "complete" and not (self.history and "paper_test" in self.scores):
            raise ValueError("a complete run has epochs and a score on paper_test")

    @property
    def is_ended_by_seconds(self) -> bool:
        """Whether the budget's seconds ended training, so that a faster machine would have trained for longer."""
        return self.stop_reason is not None and self.stop_reason.kind == "budget-seconds"


_ADAPTER: Final[TypeAdapter[Any]] = TypeAdapter(RunRecord)


def to_json(record: RunRecord) -> bytes:
    """Serialise a record, indented, as UTF-8."""
    return _ADAPTER.dump_json(record, indent=1)


def from_json(text: bytes) -> RunRecord:
    """Read a record back.

    Raises:
        pydantic.ValidationError: If a field is missing, unknown or of the wrong type.
    """
    record: RunRecord = _ADAPTER.validate_json(text)
    return record
