"""Keras' own ways: the generator that the paper used, and preprocessing layers on `tf.data`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from harness.data.batches import training_order
from harness.data.fer2013 import load_fer2013
from harness.papers import load_paper
from input_peers import BATCH_SIZE, Source, Task

PAPER = load_paper("jahangir2024")


def generator(task: Task) -> Source:
    """The paper's at 224×224: `flow_from_directory`, as a run with `--pipeline generator` reads it."""
    from impls.keras3.generator import picture_reader

    read = picture_reader(task.pictures, PAPER.variants[task.variant], seed=0)
    dataset = load_fer2013(task.fer2013)
    rows = dataset.rows("training")

    def batches() -> Iterator[Any]:
        for epoch in count():
            order = training_order(rows, seed=0, epoch=epoch)
            for start in range(0, len(order) - BATCH_SIZE, BATCH_SIZE):
                yield read(order[start : start + BATCH_SIZE], epoch=epoch)

    return Source(batches())


def generator_processes(task: Task) -> Source:
    """The same, made by as many processes as there are cores: Keras' `workers` and `use_multiprocessing`."""
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

    from impls.keras3.generator import directory_iterator

    flow = directory_iterator(task.pictures, PAPER.variants[task.variant], augmented=True)
    flow.workers, flow.use_multiprocessing = task.cores, True
    adapter = PyDatasetAdapter(flow, class_weight=None, shuffle=False)

    def batches() -> Iterator[Any]:
        while True:
            adapter.on_epoch_begin()
            yield from (batch[0] for batch in adapter.get_numpy_iterator())
            adapter.on_epoch_end()

    return Source(batches())


def generator_from_memory(task: Task) -> Source:
    """`ImageDataGenerator.flow` over an array of grey levels in memory."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    from impls.keras3.generator import augmentation_options

    dataset = load_fer2013(task.fer2013)
    images = dataset.images[dataset.rows("training")][..., None]
    generator = ImageDataGenerator(rescale=1 / 255, **augmentation_options(PAPER.variants[task.variant]))
    return Source(generator.flow(images, batch_size=BATCH_SIZE))


def preprocessing_layers(task: Task) -> Source:
    """`image_dataset_from_directory`, layers in `map` on all cores, `prefetch`: as keras.io's guide has it for CPUs."""
    import keras
    import tensorflow as tf
    from keras import layers

    variant = PAPER.variants[task.variant]
    augmentation = variant.augmentation
    assert augmentation is not None
    tf.config.threading.set_intra_op_parallelism_threads(task.cores)
    tf.config.threading.set_inter_op_parallelism_threads(task.cores)
    dataset = keras.utils.image_dataset_from_directory(
        task.pictures, label_mode="categorical", batch_size=BATCH_SIZE, image_size=2 * (variant.input_size,)
    )
    shear = math.sin(math.radians(augmentation.shear_degrees))
    edges: dict[str, Any] = {"fill_mode": "nearest"}
    augment = keras.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(augmentation.rotation_degrees / 360, **edges),
            layers.RandomTranslation(augmentation.height_shift, augmentation.width_shift, **edges),
            layers.RandomShear(shear, **edges),
            layers.RandomZoom(augmentation.zoom, augmentation.zoom, **edges),
            layers.Rescaling(1 / 255),
        ]
    )
    batches = dataset.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
    batches = batches.repeat().prefetch(tf.data.AUTOTUNE)
    return Source(np.asarray(memoryview(images)) for images, _ in batches)
