"""The protocol of `harness.interface`, in PyTorch."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from harness.architectures import (
    HEAD_BATCH_NORM_EPSILON,
    check_features,
    head_names,
    layers,
    require_equal_shapes,
    trainable_layers,
)
from harness.interface import (
    CLASSES,
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
from impls.pytorch.calibration import calibration_work
from impls.pytorch.checkpointing import Checkpointed
from impls.pytorch.generator import picture_reader
from impls.pytorch.pixels import Pixels
from impls.pytorch.resnet50 import BatchNorm, Bottleneck, resnet50
from impls.pytorch.runtime import PRECISIONS, gpu_name, is_out_of_memory, peak_memory, prepare, versions
from impls.pytorch.vgg16 import vgg16
from impls.pytorch.weights import (
    export_weights,
    from_canonical,
    import_weights,
    layer_name,
    to_canonical,
    variables,
)


class Flatten(nn.Module):
    """Flatten in the order of channels last, as Keras does."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, height · width · channels) from (n, channels, height, width)."""
        return x.permute(0, 2, 3, 1).flatten(1)


class GlobalAveragePooling(nn.Module):
    """Mean over positions."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, channels) from (n, channels, height, width)."""
        return x.mean((2, 3))


class Dropout(nn.Module):
    """Dropout with a random stream of its own, so that nothing else in the process moves its masks."""

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate = rate
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share of `rate` and scale the rest up, in training mode alone."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


def build_head(variant: Variant, generator: torch.Generator) -> nn.Module:
    """Build the head from its description; it ends in the logits."""
    (features,) = next(layer.output_shape for layer in layers(variant) if layer.part == "head")
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for name, layer in zip(head_names(variant), variant.head, strict=True):
        match layer.kind:
            case "flatten":
                modules[name] = Flatten()
            case "global-average-pooling":
                modules[name] = GlobalAveragePooling()
            case "batch-norm":
                modules[name] = BatchNorm(features, variant.batch_norm_momentum, HEAD_BATCH_NORM_EPSILON)
            case "dropout":
                modules[name] = Dropout(variant.dropout, generator)
            case "dense":
                assert layer.units is not None  # noqa: S101 - HeadLayer checks it
                modules[name] = nn.Linear(features, layer.units)
                modules[f"{name}_relu"] = nn.ReLU()
                features = layer.units
    modules["logits"] = nn.Linear(features, len(CLASSES))
    return nn.Sequential(modules)


class Network(nn.Module):
    """Pixels, base, head."""

    def __init__(
        self, variant: Variant, generator: torch.Generator, dtype: torch.dtype, *, checkpointing: bool
    ) -> None:
        super().__init__()
        self.pixels = Pixels(variant, dtype)
        base = {"vgg16": vgg16, "resnet50": resnet50}[variant.architecture](variant)
        self.base = Checkpointed(base, variant) if checkpointing else base
        self.head = build_head(variant, generator)

    def features(self, images: Tensor, maps: Tensor) -> Tensor:
        """Output of the base, (n, channels, height, width)."""
        features: Tensor = self.base(self.pixels(images, maps))
        return features

    def of_pixels(self, pixels: Tensor) -> Tensor:
        """Logits, (n, 7), of network input that the host made, (n, channels, size, size)."""
        logits: Tensor = self.head(self.base(pixels))
        return logits

    def forward(self, images: Tensor, maps: Tensor) -> Tensor:
        """Logits, (n, 7)."""
        logits: Tensor = self.head(self.features(images, maps))
        return logits


@final
class TorchModel:
    """A `harness.interface.Model`."""

    def __init__(self, variant: Variant, *, weights: Weights, seed: int, runtime: Runtime) -> None:
        self.variant = variant
        self._device = torch.device("cuda" if runtime.device == "gpu" else "cpu")
        self._is_mixed = runtime.precision == "mixed"
        self._generator = torch.Generator(self._device).manual_seed(seed)
        self._dtype = PRECISIONS[runtime.precision]
        network = Network(variant, self._generator, self._dtype, checkpointing=runtime.checkpointing).to(self._dtype)
        import_weights(network, weights)
        self._network = network.to(self._device).to(memory_format=torch.channels_last)
        self.start_phase(variant.phases[0])

    def start_phase(self, phase: Phase) -> None:
        """Set what is trainable and start a new optimizer."""
        trainable = trainable_layers(self.variant, phase)
        self._frozen_norms = []
        for path, module in self._network.named_modules():
            is_trainable = layer_name(path) in trainable
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(is_trainable)
            if isinstance(module, BatchNorm) and not is_trainable:
                self._frozen_norms.append(module)
        self._phase = phase
        self._trainable = {name: tensor for name, tensor in variables(self._network).items() if tensor.requires_grad}
        optimizer = self.variant.optimizer
        self._steps = 0
        self._optimizer = torch.optim.Adam(
            self._trainable.values(), betas=(optimizer.beta_1, optimizer.beta_2), fused=True
        )

    def train(self, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        """Take one optimizer step for each batch of a slice of an epoch."""
        self._set_training(True)
        losses, corrects, sizes = [], [], []
        for batch in batches:
            self._optimizer.zero_grad(set_to_none=True)
            logits, labels = self._forward(batch), self._send(batch.labels).long()
            loss = self._loss(logits, batch)
            torch.autograd.backward(loss)
            self._set_step(learning_rate)
            self._optimizer.step()
            losses.append(loss.detach())
            corrects.append((logits.detach().argmax(1) == labels).sum())
            sizes.append(len(batch))
        step_losses = torch.stack(losses).double().cpu().numpy()
        return Totals(
            loss_sum=float(step_losses @ np.array(sizes)),
            correct=int(torch.stack(corrects).sum()),
            examples=sum(sizes),
            step_losses=step_losses,
        )

    def logits(self, batches: Sequence[Batch]) -> Logits:
        """Return logits in inference mode, shape (n, 7)."""
        self._set_training(False)
        with torch.inference_mode():
            results = [self._forward(batch) for batch in batches]
            return torch.cat(results).cpu().numpy()

    def features(self, batches: Sequence[Batch]) -> Features:
        """Return the output of the base in inference mode, shape (n, height, width, channels)."""
        self._set_training(False)
        with torch.inference_mode(), self._precision():
            results = [self._network.features(*self._inputs(batch)).to(self._dtype).cpu() for batch in batches]
            return np.ascontiguousarray(torch.cat(results).permute(0, 2, 3, 1).numpy())

    def pixels(self, batch: Batch) -> Images:
        """Return the network input of a batch, shape (n, size, size, channels)."""
        with torch.inference_mode():
            pixels = self._network.pixels(*self._inputs(batch))
            return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy())

    def activations(self, batch: Batch, *, training: bool) -> dict[str, NDArray[np.float32]]:
        """Return the output of each layer by its canonical name, channels last. Changes no state."""
        outputs: dict[str, NDArray[np.float32]] = {}

        def keep(name: str, output: Tensor) -> None:
            last = output.permute(0, 2, 3, 1) if output.ndim == 4 else output
            outputs[name] = np.array(last.detach().to(self._dtype).cpu().numpy(), order="C")

        leaves = [
            (layer_name(path), module)
            for path, module in self._network.named_modules()
            if layer_name(path) not in ("", "pixels") and not isinstance(module, nn.Sequential | Bottleneck)
        ]
        hooks = [
            module.register_forward_hook(lambda _module, _inputs, output, name=name: keep(name, output))
            for name, module in leaves
        ]
        state = self.get_state()
        self._set_training(training)
        try:
            with torch.no_grad(), self._precision():
                self._network(*self._inputs(batch))
        finally:
            for hook in hooks:
                hook.remove()
            self.set_state(state)
        return outputs

    def gradients(self, batch: Batch) -> dict[str, NDArray[np.float32]]:
        """Return the gradient of a batch's loss in training mode for each trainable weight. Changes no state."""
        state = self.get_state()
        self._set_training(True)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self._loss(self._forward(batch), batch))
        found = {name: _copy(to_canonical(_gradient(tensor))) for name, tensor in self._trainable.items()}
        self._optimizer.zero_grad(set_to_none=True)
        self.set_state(state)
        return found

    def apply_gradients(self, gradients: Weights, *, learning_rate: float) -> None:
        """Take one optimizer step with given gradients of all trainable weights."""
        require_equal_shapes(
            {name: array.shape for name, array in gradients.items()},
            {name: tuple(to_canonical(tensor).shape) for name, tensor in self._trainable.items()},
        )
        for name, tensor in self._trainable.items():
            gradient = from_canonical(self._send(np.array(gradients[name])))
            tensor.grad = torch.empty_like(tensor).copy_(gradient)
        self._set_step(learning_rate)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def get_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of all weights, running statistics included."""
        return export_weights(self._network)

    def set_weights(self, weights: Weights) -> None:
        """Replace all weights; names and shapes must match exactly."""
        import_weights(self._network, weights)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return copies of everything that training depends on."""
        state = {f"weights.{name}": array for name, array in self.get_weights().items()}
        for index, slots in self._optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{index}.{name}": _copy(slot) for name, slot in slots.items()}
        state["steps"] = np.array(self._steps)
        state["generator"] = _copy(self._generator.get_state())
        return state

    def set_state(self, state: State) -> None:
        """Go back to a state of the same variant, implementation and phase."""
        prefix = "weights."
        self.set_weights({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        slots: dict[int, dict[str, Tensor]] = {}
        parameters = list(self._trainable.values())
        for name, array in state.items():
            if name.startswith("optimizer."):
                _, index, slot = name.split(".")
                value = torch.from_numpy(np.array(array))
                if value.ndim:  # the fused optimizer walks memory: moments must lie as their weights do
                    value = torch.empty_like(parameters[int(index)]).copy_(value)
                slots.setdefault(int(index), {})[slot] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": slots, "param_groups": groups})
        self._steps = int(state["steps"])
        self._generator.set_state(torch.from_numpy(np.array(state["generator"])))

    def wait(self) -> None:
        """Return when the device has nothing left to do."""
        if self._device.type == "cuda":  # only on a GPU
            torch.cuda.synchronize(self._device)

    def _set_training(self, training: bool) -> None:
        self._network.train(training)
        for norm in self._frozen_norms:
            norm.eval()  # as Keras does; requires_grad alone would let the statistics move

    def _forward(self, batch: Batch) -> Tensor:
        """Logits, (n, 7), from the pictures, from the host's pixels, or from features that were kept."""
        with self._precision():
            if batch.pixels is not None:
                logits = self._network.of_pixels(self._send(batch.pixels).permute(0, 3, 1, 2))
            elif batch.features is None:
                logits = self._network(*self._inputs(batch))
            else:
                check_features(batch.features.shape, self.variant, self._phase)
                logits = self._network.head(self._send(batch.features).permute(0, 3, 1, 2))
        return logits.to(self._dtype)

    def _precision(self) -> torch.autocast:
        """In `mixed`, compute in bfloat16 what is computed here; weights stay in float32."""
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._is_mixed)

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Keras' sum_over_batch_size: weighted losses over the number of examples, not over Σw."""
        labels, weights = self._send(batch.labels).long(), self._send(batch.weights)
        return (functional.cross_entropy(logits, labels, reduction="none") * weights).mean()

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self._send(batch.images), self._send(batch.maps)

    def _send(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def _set_step(self, learning_rate: float) -> None:
        """Put Keras' ε where Keras has it: outside the bias correction of the second moment."""
        self._steps += 1
        optimizer = self.variant.optimizer
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
            group["eps"] = optimizer.epsilon / math.sqrt(1 - optimizer.beta_2**self._steps)


def _copy(tensor: Tensor) -> NDArray[Any]:
    return np.array(tensor.detach().cpu().numpy(), order="C")


def _gradient(tensor: Tensor) -> Tensor:
    """Zero where the loss does not depend on a weight at all."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


@final
class PyTorch:
    """A `harness.interface.Implementation`."""

    name = "pytorch"

    def build(self, variant: Variant, *, weights: Weights, seed: int, runtime: Runtime) -> TorchModel:
        """Build a model with these weights; `seed` drives dropout."""
        prepare(runtime, variant)
        return TorchModel(variant, weights=weights, seed=seed, runtime=runtime)

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
        """Return the name of the GPU that PyTorch would use; None if it sees none."""
        return gpu_name()

    def is_out_of_memory(self, error: Exception) -> bool:
        """Return whether this error means that the device ran out of memory."""
        return is_out_of_memory(error)

    def peak_memory(self) -> int | None:
        """Return the peak of bytes that the framework's allocator held on the GPU; None if it does not count them."""
        return peak_memory()


IMPLEMENTATION = PyTorch()
