"""What a record says of its machine: the GPU by its driver, and the rates that were calibrated before a suite."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness.strictness import STRICT


@dataclass(frozen=True)
class GpuIdentity:
    """Which GPU, by its driver. None where the driver does not say."""

    name: str
    driver: str
    cuda: str
    memory_bytes: int
    power_limit_watts: float | None
    default_power_limit_watts: float | None
    highest_clock_megahertz: int | None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class GpuUse:
    """What was seen of a GPU during a run, one look a second.

    Attributes:
        looks: How many.
        clock_megahertz: Median clock of its processors; None where the driver does not say.
        power_watts: Median.
        temperature_celsius: Highest.
        memory_bytes: Most that was in use, by whomever.
        held_back: Share of the looks at which a reason of `REASONS` lowered the clocks.
        strangers: Most other processes that computed on it at once; None where the driver does not say.
    """

    looks: int
    clock_megahertz: float | None
    power_watts: float | None
    temperature_celsius: float | None
    memory_bytes: int | None
    held_back: dict[str, float]
    strangers: int | None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Speed:
    """How fast one kind of work was done, alone.

    Attributes:
        work: What it was, with its sizes.
        amount: Operations, bytes or images of a repeat.
        seconds: Of each repeat, in order.
    """

    work: str
    amount: float
    seconds: tuple[float, ...]

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if not self.seconds or not min(self.amount, *self.seconds) > 0:
            raise ValueError(f"{self.amount:g} in {self.seconds} s; expected numbers above 0")

    @property
    def rates(self) -> tuple[float, ...]:
        """Of each repeat, in operations, bytes or images a second."""
        return tuple(self.amount / each for each in self.seconds)

    @property
    def rate(self) -> float:
        """Median of them."""
        return statistics.median(self.rates)


@dataclass(frozen=True)
class DeviceCalibration:
    """What one framework made of a machine before a suite: the rates by which its times are judged.

    Attributes:
        implementation: `keras3` or `pytorch`.
        keras_backend: Of `keras3`.
        gpu: Its name as the framework has it; None on the CPU.
        precision: Of product and convolution, as the runs have it.
        pipeline: Whose pictures were clocked.
        product: Of two square matrices, operations.
        convolution: Of 3×3, as VGG16 has it, forward; operations as direct convolution needs them.
        bandwidth: Of the device's memory: bytes read and written by a copy. On a CPU frameworks may take new memory for
            each one, which the system clears first: less than the memory's own.
        pictures: Of the input pipeline alone, one for each size of network input; for `device` it is the host's part.
        doubts: What the GPU's driver saw meanwhile that makes these rates no property of the card.
    """

    implementation: str
    keras_backend: str | None
    gpu: str | None
    precision: str
    pipeline: str
    product: Speed
    convolution: Speed
    bandwidth: Speed
    pictures: tuple[Speed, ...]
    doubts: tuple[str, ...] = ()

    __pydantic_config__ = STRICT
