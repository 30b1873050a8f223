"""What the harness and an implementation say to each other: arrays, batches, totals, protocols; nothing is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.variant import Phase, Variant

CLASSES: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""Class names in the order of their labels 0..6: alphabetical, as the folders are."""

IMAGE_SIZE: Final = 48
"""Edge of every picture, in pixels."""

Images = NDArray[np.float32]
"""Network input, shape (n, size, size, channels)."""
Logits = NDArray[np.float32]
"""Scores before softmax, shape (n, 7)."""
Features = NDArray[np.float32]
"""Output of the convolutional base in inference mode, channels last, shape (n, height, width, channels)."""
Weights = Mapping[str, NDArray[np.float32]]
"""Canonical name (`block3_conv2.kernel`) to array in canonical layout (Keras': HWIO, (in, out))."""
State = Mapping[str, NDArray[Any]]
"""Flat arrays from which training goes on to the bit: weights, optimizer, random streams."""


Precision = Literal["float32", "tf32", "mixed", "float64"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Examples as they cross to the device: small, before any pixel is computed.

    Attributes:
        images: Original grey levels, uint8, shape (n, 48, 48).
        maps: One affine map an image from output to source, in source pixels, float32, shape (n, 2, 3).
        labels: Index of the class, int32, shape (n,).
        weights: Sample weights, float32, shape (n,).
        features: What a frozen base made of these images and maps, where that has been computed before; the
            model then begins at its head. Only while nothing but the head is trained.
        pixels: Network input that the host made, as the paper's pipelines do, float32, shape (n, size, size,
            channels); the model then begins behind its pixel layer, and `images` and `maps` are left aside.
    """

    images: NDArray[np.uint8]
    maps: NDArray[np.float32]
    labels: NDArray[np.int32]
    weights: NDArray[np.float32]
    features: Features | None = None
    pixels: Images | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over a slice of an epoch, in training mode, with the weights moving as Keras' history has it.

    Attributes:
        loss_sum: Sum over steps of mean batch loss times batch size.
        correct: Examples whose largest logit was the label's.
        examples: Examples seen.
        step_losses: Mean batch loss of each step, float64, shape (steps,).
    """

    loss_sum: float
    correct: int
    examples: int
    step_losses: NDArray[np.float64]


@dataclass(frozen=True)
class Runtime:
    """Where an implementation computes, and how.

    Attributes:
        device: `cpu` or `gpu`. One that cannot be seen is an error, never a fall-back.
        threads: CPU threads; None leaves the framework's own choice.
        precision: `float32`, with TF32 and the like off, is the default. `tf32` lets a GPU's convolutions and products
            round their factors to it; `mixed` computes layers in bfloat16, on weights, pixels and losses in float32.
            In `float64` a model is an arbiter: all that it returns is float64 then. Keras' batch norms stay in float32
            whatever is asked, so a network that has them is refused there.
        deterministic: Only operations that give the same bits again, and an error where there is none. On a CPU all
            are, and it costs up to 4 % of a step on torch; on TensorFlow the bits are others then.
            See docs/explanation/runtime.md.
        checkpointing: A training step keeps the inputs of the base's blocks alone (`harness.architectures.segments`)
            and computes the rest again in its backward pass: less memory, more time, the same mathematics.
    """

    device: Literal["cpu", "gpu"] = "cpu"
    threads: int | None = None
    precision: Precision = "float32"
    deterministic: bool = False
    checkpointing: bool = False


class ImplementationError(UserError, RuntimeError):
    """An implementation cannot do what was asked: framework missing, device not seen, variant not built."""


class Model(Protocol):
    """A variant's network with its optimizer, on a device."""

    @property
    def variant(self) -> Variant:
        """The variant that was built."""

    def start_phase(self, phase: Phase) -> None:
        """Set what is trainable and start a new optimizer.

        What is frozen costs no backward pass, and its norms stay in inference mode: neither their weights nor
        their statistics change.
        """

    def train(self, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        """Take one optimizer step for each batch of a slice of an epoch."""

    def logits(self, batches: Sequence[Batch]) -> Logits:
        """Return logits in inference mode, shape (n, 7)."""

    def features(self, batches: Sequence[Batch]) -> Features:
        """Return the output of the base in inference mode, shape (n, height, width, channels)."""

    def pixels(self, batch: Batch) -> Images:
        """Return the network input of a batch, shape (n, size, size, channels)."""

    def activations(self, batch: Batch, *, training: bool) -> Mapping[str, NDArray[np.float32]]:
        """Return the output of each layer by its canonical name, channels last. Changes no state."""

    def gradients(self, batch: Batch) -> Weights:
        """Return the gradient of a batch's loss in training mode for each trainable weight. Changes no state."""

    def apply_gradients(self, gradients: Weights, *, learning_rate: float) -> None:
        """Take one optimizer step with given gradients of all trainable weights."""

    def get_weights(self) -> Weights:
        """Return copies of all weights, running statistics included."""

    def set_weights(self, weights: Weights) -> None:
        """Replace all weights; names and shapes must match exactly."""

    def get_state(self) -> State:
        """Return copies of everything that training depends on."""

    def set_state(self, state: State) -> None:
        """Go back to a state of the same variant, implementation and phase."""

    def wait(self) -> None:
        """Return when the device has nothing left to do."""


class InputPipeline(Protocol):
    """From rows of a data set to batches."""

    def training_batches(self, epoch: int) -> Sequence[Batch]:
        """Return shuffled, augmented, weighted batches of an epoch, counted from 0."""

    def plain_batches(self, rows: NDArray[np.intp], batch_size: int) -> Sequence[Batch]:
        """Return batches in the order given, without augmentation, with every weight 1."""


class PictureReader(Protocol):
    """From picture files to network input, one picture after the other on the host, as the paper does it."""

    def __call__(self, rows: NDArray[np.intp], *, epoch: int | None) -> Images:
        """Return the network input of rows of the data set, augmented as in an epoch; plain if `epoch` is None."""


Work = Callable[[int], float]
"""Does a piece of work a number of times, each on the result of the last, and returns the first number of the final
result. When that number is there, the device has done all of the work."""


@dataclass(frozen=True, eq=False)
class CalibrationInputs:
    """What a calibration computes with. Factors are scaled so that no number of repeats grows or fades.

    Attributes:
        factor: Of the matrix product, shape (size, size).
        pictures: Of the convolution, shape (n, height, width, channels).
        kernel: Of the same, 3×3 with as many filters as channels, shape (3, 3, channels, channels).
        array: What is copied, with its sign changed, shape (k,).
    """

    factor: NDArray[np.float32]
    pictures: NDArray[np.float32]
    kernel: NDArray[np.float32]
    array: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CalibrationWork:
    """A framework's own operations, on its device and at its precision, to be clocked by the harness."""

    product: Work
    convolution: Work
    copy: Work


class Implementation(Protocol):
    """A framework."""

    @property
    def name(self) -> str:
        """`keras3` or `pytorch`."""

    def build(self, variant: Variant, *, weights: Weights, seed: int, runtime: Runtime) -> Model:
        """Build a model with these weights; `seed` drives dropout."""

    def picture_reader(self, root: Path, variant: Variant, *, seed: int) -> PictureReader:
        """The framework's customary reader of a folder that `harness.data.picture_files` wrote.

        Keras reads with the `ImageDataGenerator` that the paper names and draws its augmentation itself, from `seed`;
        PyTorch does the same work in a `DataLoader`, with the maps of `harness.data.augment`.
        """

    def calibration_work(self, variant: Variant, inputs: CalibrationInputs, *, runtime: Runtime) -> CalibrationWork:
        """Operations as training would do them: of the precision, the device and the layout of its tensors.

        Raises:
            ImplementationError: If the device cannot be seen, or has no such precision for the variant.
        """

    def versions(self) -> Mapping[str, str]:
        """Return versions of the framework, the backend and the libraries of kernels, by name."""

    def gpu_name(self) -> str | None:
        """Return the name of the GPU that this framework or backend would use; None if it sees none."""

    def is_out_of_memory(self, error: Exception) -> bool:
        """Return whether this error means that the device ran out of memory."""

    def peak_memory(self) -> int | None:
        """Return the peak of bytes that the framework's allocator held on the GPU; None if it does not count them."""
