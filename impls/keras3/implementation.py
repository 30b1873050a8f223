"""The protocol of `harness.interface`, in Keras 3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from harness.architectures import (
    HEAD_BATCH_NORM_EPSILON,
    check_features,
    head_names,
    require_equal_shapes,
    trainable_layers,
)
from harness.interface import (
    CLASSES,
    IMAGE_SIZE,
    Batch,
    CalibrationInputs,
    CalibrationWork,
    Features,
    Images,
    Logits,
    PictureReader,
    Runtime,
    State,
    Totals,
    Weights,
)
from harness.variant import Phase, Variant
from impls.keras3.calibration import calibration_work
from impls.keras3.checkpointing import checkpointed
from impls.keras3.generator import picture_reader
from impls.keras3.pixels import Pixels
from impls.keras3.resnet50 import resnet50
from impls.keras3.runtime import gpu_name, is_out_of_memory, peak_memory, prepare, uses_xla, versions
from impls.keras3.vgg16 import vgg16
from impls.keras3.weights import UNSET, export_weights, import_weights, variables

Tensor = Any  # symbolic, or a backend's tensor
Inputs = Any  # of a network: pictures and maps by name; of a head: features
STEPS_A_CALL: Final = 1024
"""Most steps of one call of `fit`: the length of the vector that keeps their losses."""


class SliceTotals(keras.metrics.Metric):
    """Loss of every step and number of right answers, kept on the device until the slice is over."""

    def __init__(self) -> None:
        super().__init__(name="slice_totals", dtype=keras.config.floatx())
        self.step_losses = self.add_weight(shape=(STEPS_A_CALL,), initializer="zeros", name="step_losses")
        self.steps = self.add_weight(shape=(), initializer="zeros", dtype="int32", name="steps")
        self.correct = self.add_weight(shape=(), initializer="zeros", dtype="int32", name="correct")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Take a batch's labels (n,), logits (n, 7) and sample weights (n,)."""
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        losses = keras.losses.sparse_categorical_crossentropy(labels, y_pred, from_logits=True)
        loss = ops.mean(losses * ops.reshape(sample_weight, (-1,)))
        here = ops.equal(ops.arange(STEPS_A_CALL, dtype="int32"), self.steps.value)
        self.step_losses.assign(ops.where(here, loss, self.step_losses.value))
        self.steps.assign_add(1)
        right = ops.equal(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), labels)
        self.correct.assign_add(ops.sum(ops.cast(right, "int32")))

    def result(self) -> Tensor:
        """Right answers so far; what is read are the variables."""
        return self.correct.value


def build_head(x: Tensor, variant: Variant, seed: int) -> Tensor:
    """Build the head from its description; it ends in the logits."""
    for name, layer in zip(head_names(variant), variant.head, strict=True):
        match layer.kind:
            case "flatten":
                x = keras.layers.Flatten(name=name)(x)
            case "global-average-pooling":
                x = keras.layers.GlobalAveragePooling2D(name=name)(x)
            case "batch-norm":
                x = keras.layers.BatchNormalization(
                    momentum=variant.batch_norm_momentum, epsilon=HEAD_BATCH_NORM_EPSILON, name=name
                )(x)
            case "dropout":
                x = keras.layers.Dropout(variant.dropout, seed=seed, name=name)(x)
            case "dense":
                x = keras.layers.Dense(layer.units, kernel_initializer=UNSET, name=name)(x)
                x = keras.layers.ReLU(name=f"{name}_relu")(x)
    # not in bfloat16, whatever the others are computed in: losses and answers are made of these
    return keras.layers.Dense(len(CLASSES), kernel_initializer=UNSET, name="logits", dtype=keras.config.floatx())(x)


class GradientKeeper(keras.optimizers.Optimizer):
    """Keeps the gradients that a step brings and leaves the weights alone."""

    def build(self, variables: Sequence[Any]) -> None:
        """Make a slot for each variable."""
        super().build(variables)
        self.slots = [self.add_variable_from_reference(each, name="gradient") for each in variables]

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Keep a gradient."""
        self.assign(self.slots[self._get_variable_index(variable)], gradient)


def build_network(variant: Variant, seed: int) -> tuple[keras.Model, keras.Model]:
    """Pixels, base, head; and the same without the head, which gives features."""
    inputs = {
        "images": keras.Input((IMAGE_SIZE, IMAGE_SIZE), dtype="uint8", name="images"),
        "maps": keras.Input((2, 3), dtype="float32", name="maps"),
    }
    x = Pixels(variant, keras.config.floatx())(inputs)
    features = {"vgg16": vgg16, "resnet50": resnet50}[variant.architecture](x, variant)
    return keras.Model(inputs, build_head(features, variant, seed)), keras.Model(inputs, features)


@final
class KerasModel:
    """A `harness.interface.Model`."""

    def __init__(self, variant: Variant, *, weights: Weights, seed: int, checkpointing: bool) -> None:
        self.variant = variant
        self._jit_compile = uses_xla()
        self._dtype = keras.config.floatx()
        self._network, self._base = build_network(variant, seed)
        # before the head is called again, which makes `layer.output` ambiguous
        self._outputs = {
            layer.name: layer.output
            for layer in self._network.layers
            if not isinstance(layer, Pixels | keras.layers.InputLayer)
        }
        self._activations: keras.Model | None = None
        self._head = keras.Model(self._base.output, self._network.output)
        pixels = self._network.get_layer("pixels").output
        self._trained, self._behind_pixels = self._network, keras.Model(pixels, self._network.output)
        if checkpointing:  # the same layers, called again
            logits = self._head(checkpointed(pixels, self._outputs, variant))
            self._trained, self._behind_pixels = (keras.Model(each, logits) for each in (self._network.input, pixels))
        self._base.jit_compile = self._jit_compile
        import_weights(self._network, weights)
        self.start_phase(variant.phases[0])

    def start_phase(self, phase: Phase) -> None:
        """Set what is trainable and start a new optimizer."""
        trainable = trainable_layers(self.variant, phase)
        for layer in self._network.layers:
            layer.trainable = layer.name in trainable
        self._phase = phase
        self._trainable = {name: variable for name, variable in variables(self._network).items() if variable.trainable}
        self._keeper: keras.Model | None = None
        optimizer = self.variant.optimizer
        self._totals = SliceTotals()
        self._optimizer = keras.optimizers.Adam(
            beta_1=optimizer.beta_1, beta_2=optimizer.beta_2, epsilon=optimizer.epsilon
        )
        self._optimizer.build(self._trained.trainable_variables)
        whole = (self._trained, self._behind_pixels)
        for network in (*whole, self._head) if phase.trainable == "head" else whole:
            network.compile(
                optimizer=self._optimizer,
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                weighted_metrics=[self._totals],
                jit_compile=self._jit_compile,
            )

    def train(self, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        """Take one optimizer step for each batch of a slice of an epoch."""
        self._optimizer.learning_rate = learning_rate
        losses, correct, sizes = [], 0, []

        def feed(part: Iterable[Batch]) -> Iterator[tuple[Inputs, Any, Any]]:
            for batch in part:
                sizes.append(len(batch))
                yield self._inputs(batch), batch.labels, batch.weights

        for start in range(0, len(batches), STEPS_A_CALL):
            part = batches[start : start + STEPS_A_CALL]
            first = part[0]
            network = self._network_for(first)
            network.fit(feed(chain([first], part[1:])), steps_per_epoch=len(part), shuffle=False, verbose=0)
            losses.append(ops.convert_to_numpy(self._totals.step_losses.value)[: len(part)])
            correct += int(ops.convert_to_numpy(self._totals.correct.value))
        step_losses = np.concatenate(losses).astype(np.float64)
        return Totals(
            loss_sum=float(step_losses @ np.array(sizes)),
            correct=correct,
            examples=sum(sizes),
            step_losses=step_losses,
        )

    def logits(self, batches: Sequence[Batch]) -> Logits:
        """Return logits in inference mode, shape (n, 7)."""
        first = batches[0]
        network = self._network_for(first)
        feed = ((self._inputs(batch),) for batch in chain([first], batches[1:]))
        return np.asarray(network.predict(feed, steps=len(batches), verbose=0))

    def features(self, batches: Sequence[Batch]) -> Features:
        """Return the output of the base in inference mode, shape (n, height, width, channels)."""
        feed = ((_pictures(batch),) for batch in batches)
        return np.asarray(self._base.predict(feed, steps=len(batches), verbose=0), self._dtype)

    def pixels(self, batch: Batch) -> Images:
        """Return the network input of a batch, shape (n, size, size, channels)."""
        return np.asarray(ops.convert_to_numpy(self._network.get_layer("pixels")(_pictures(batch))))

    def activations(self, batch: Batch, *, training: bool) -> dict[str, NDArray[np.float32]]:
        """Return the output of each layer by its canonical name, channels last. Changes no state."""
        if self._activations is None:
            self._activations = keras.Model(self._network.input, self._outputs)
        state = self.get_state()
        try:
            outputs = self._activations(_pictures(batch), training=training)
        finally:
            self.set_state(state)
        return {name: np.array(ops.convert_to_numpy(output), self._dtype) for name, output in outputs.items()}

    def gradients(self, batch: Batch) -> dict[str, NDArray[np.float32]]:
        """Return the gradient of a batch's loss in training mode for each trainable weight. Changes no state."""
        if self._keeper is None:
            self._keeper = keras.Model(self._trained.input, self._trained.output)
            self._keeper.compile(
                optimizer=GradientKeeper(0.0),
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                jit_compile=self._jit_compile,
            )
        state = self.get_state()
        feed = ((_pictures(batch), batch.labels, batch.weights) for _ in range(1))
        self._keeper.fit(feed, steps_per_epoch=1, shuffle=False, verbose=0)
        self.set_state(state)
        found = dict(zip(self._names(self._keeper), self._keeper.optimizer.slots, strict=True))
        return {name: np.array(ops.convert_to_numpy(found[name].value)) for name in self._trainable}

    def apply_gradients(self, gradients: Weights, *, learning_rate: float) -> None:
        """Take one optimizer step with given gradients of all trainable weights."""
        require_equal_shapes(
            {name: array.shape for name, array in gradients.items()},
            {name: tuple(variable.shape) for name, variable in self._trainable.items()},
        )
        self._optimizer.learning_rate = learning_rate
        named = self._names(self._trained)
        self._optimizer.apply(
            [ops.convert_to_tensor(np.array(gradients[name])) for name in named], self._trained.trainable_variables
        )

    def get_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of all weights, running statistics included."""
        return export_weights(self._network)

    def set_weights(self, weights: Weights) -> None:
        """Replace all weights; names and shapes must match exactly."""
        import_weights(self._network, weights)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return copies of everything that training depends on."""
        return {name: np.array(ops.convert_to_numpy(each.value)) for name, each in self._state().items()}

    def set_state(self, state: State) -> None:
        """Go back to a state of the same variant, implementation and phase."""
        for name, variable in self._state().items():
            variable.assign(np.array(state[name]))

    def wait(self) -> None:
        """Return when the device has nothing left to do."""
        ops.convert_to_numpy(self._network.variables[0].value)

    def _names(self, network: keras.Model) -> list[str]:
        """Canonical names of a network's trainable variables, in its order."""
        names = {id(variable): name for name, variable in self._trainable.items()}
        return [names[id(variable)] for variable in network.trainable_variables]

    def _network_for(self, batch: Batch) -> keras.Model:
        """The whole network, or the part of it behind what a batch brings: pixels or features."""
        self._inputs(batch)  # refuses features before `fit` asks whether the head is compiled
        if batch.pixels is not None:
            return self._behind_pixels
        return self._trained if batch.features is None else self._head

    def _inputs(self, batch: Batch) -> Inputs:
        if batch.pixels is not None:
            return batch.pixels
        if batch.features is None:
            return _pictures(batch)
        check_features(batch.features.shape, self.variant, self._phase)
        return batch.features

    def _state(self) -> dict[str, Any]:
        # paths are not unique over all layers, positions are
        network, optimizer = self._network.variables, self._optimizer.variables
        named = {f"network.{index}": variable for index, variable in enumerate(network)}
        return named | {f"optimizer.{index}": variable for index, variable in enumerate(optimizer)}


def _pictures(batch: Batch) -> Inputs:
    return {"images": batch.images, "maps": batch.maps}


@final
class Keras3:
    """A `harness.interface.Implementation`."""

    name = "keras3"

    def build(self, variant: Variant, *, weights: Weights, seed: int, runtime: Runtime) -> KerasModel:
        """Build a model with these weights; `seed` drives dropout."""
        prepare(runtime, variant)
        return KerasModel(variant, weights=weights, seed=seed, checkpointing=runtime.checkpointing)

    def picture_reader(self, root: Path, variant: Variant, *, seed: int) -> PictureReader:
        """Return the reader of the paper's pipeline."""
        return picture_reader(root, variant, seed=seed)

    def calibration_work(self, variant: Variant, inputs: CalibrationInputs, *, runtime: Runtime) -> CalibrationWork:
        """Return the operations that are clocked before a suite."""
        prepare(runtime, variant)
        return calibration_work(inputs, runtime)

    def versions(self) -> Mapping[str, str]:
        """Return versions of the framework, the backend and the libraries of kernels, by name."""
        return versions()

    def gpu_name(self) -> str | None:
        """Return the name of the GPU that the backend would use; None if it sees none."""
        return gpu_name()

    def is_out_of_memory(self, error: Exception) -> bool:
        """Return whether this error means that the device ran out of memory."""
        return is_out_of_memory(error)

    def peak_memory(self) -> int | None:
        """Return the peak of bytes that the framework's allocator held on the GPU; None if it does not count them."""
        return peak_memory()


IMPLEMENTATION = Keras3()
