"""ferbench's own batches: drawn, looked up and sent as a training does it, through the pixel layer of a step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np

from harness.data.fer2013 import load_fer2013
from harness.data.pipelines import DevicePipeline
from harness.interface import Batch
from harness.papers import load_paper
from harness.registry import load_implementation
from input_peers import Source, Task

PAPER = load_paper("jahangir2024")


def epochs(task: Task, seconds: list[float]) -> Iterator[Batch]:
    """Batches of epoch after epoch without end; what preparing each epoch took goes to `seconds`."""
    dataset = load_fer2013(task.fer2013)
    pipeline = DevicePipeline.of(dataset, dataset.rows("training"), PAPER.variants[task.variant], seed=0)
    for epoch in count():
        start = time.perf_counter()
        batches = pipeline.training_batches(epoch)
        seconds.append(time.perf_counter() - start)
        for index in range(len(batches) - 1):  # the last is smaller: another shape
            yield batches[index]


def _source(task: Task, pixels: Callable[[Batch], Any]) -> Source:
    seconds: list[float] = []
    images = len(load_fer2013(task.fer2013).rows("training"))
    return Source((pixels(batch) for batch in epochs(task, seconds)), epoch_images=images, epoch_seconds=seconds)


def pytorch_eager(task: Task) -> Source:
    """PyTorch's pixel layer as it stands."""
    return _pytorch(task, is_compiled=False)


def pytorch_compiled(task: Task) -> Source:
    """PyTorch's pixel layer through `torch.compile`."""
    return _pytorch(task, is_compiled=True)


def _pytorch(task: Task, *, is_compiled: bool) -> Source:
    import torch

    from impls.pytorch.pixels import Pixels

    torch.set_num_threads(task.cores)
    layer: Callable[..., torch.Tensor] = Pixels(PAPER.variants[task.variant], torch.float32)
    if is_compiled:
        layer = torch.compile(layer, dynamic=False)
    return _source(task, lambda batch: layer(torch.from_numpy(batch.images), torch.from_numpy(batch.maps)))


def keras3(task: Task) -> Source:
    """Keras' pixel layer in a model of its own, compiled as a step on that backend and a CPU is."""
    import os

    load_implementation("keras3", keras_backend=os.environ["KERAS_BACKEND"])
    import keras

    from harness.interface import IMAGE_SIZE
    from impls.keras3.pixels import Pixels

    inputs = {
        "images": keras.Input((IMAGE_SIZE, IMAGE_SIZE), dtype="uint8", name="images"),
        "maps": keras.Input((2, 3), dtype="float32", name="maps"),
    }
    call = _compile(keras.Model(inputs, Pixels(PAPER.variants[task.variant], "float32")(inputs)), task)
    return _source(task, lambda batch: call({"images": batch.images, "maps": batch.maps}))


def _compile(model: Any, task: Task) -> Callable[[dict[str, np.ndarray]], Any]:
    import keras

    match keras.backend.backend():
        case "jax":
            import jax

            compiled = jax.jit(lambda inputs: model.stateless_call([], [], inputs)[0])
            return lambda inputs: jax.block_until_ready(compiled(inputs))
        case "tensorflow":
            import tensorflow as tf

            traced = tf.function(model, jit_compile=False)  # on a CPU a step leaves XLA out as well
            # the buffer is the tensor's own; asking for it waits
            return lambda inputs: np.asarray(memoryview(traced({k: tf.constant(v) for k, v in inputs.items()})))
        case _:  # torch, where a step is compiled by nothing
            import torch

            torch.set_num_threads(task.cores)
            return lambda inputs: model({k: torch.from_numpy(v) for k, v in inputs.items()})
