"""From what people ask for to a run's spec."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from harness.data.dataset import DatasetError
from harness.data.pipelines import check_views
from harness.interface import ImplementationError
from harness.papers.paper import Paper
from harness.records.spec import Device, RunSpec, TrainingPrecision
from harness.registry import (
    ImplementationName,
    KerasBackend,
    choose_keras_backend,
    missing_framework,
)
from harness.training.budget import BUDGETS, Budget, BudgetName, limit_variant
from harness.training.features import check_cacheable
from harness.training.rows import ProtocolName
from harness.variant import Pipeline, Variant, VariantError
from harness.weights.catalogue import WeightsError, find_checkpoint
from harness.weights.locate import check_folder, find_file


def lacks_weights(variant: Variant, weights_dir: Path | None) -> bool:
    """Return whether a variant wants ImageNet weights that do not lie on this machine; fetches nothing.

    Raises:
        WeightsError: If `weights_dir` is no folder.
    """
    if variant.weights_source == "random":
        return False
    try:
        find_file(
            *find_checkpoint(variant.weights_source, variant.architecture), weights_dir=weights_dir, download=False
        )
    except WeightsError:
        return True
    return False


def make_spec(
    variant: str,
    implementation: ImplementationName,
    *,
    paper: Paper,
    keras_backend: KerasBackend | None = None,
    fer2013: Path | None = None,
    allow_deviating_data: bool = False,
    budget: BudgetName | None = None,
    seconds: float | None = None,
    epochs: int | None = None,
    examples: int | None = None,
    batch_size: int | None = None,
    protocol: ProtocolName = "paper",
    seed: int = 0,
    device: Device = "cpu",
    threads: int | None = None,
    weights_dir: Path | None = None,
    stand_in_weights: bool = False,
    views: int | None = None,
    cached_features: int | None = None,
    pipeline: Pipeline = "device",
    precision: TrainingPrecision = "float32",
    deterministic: bool = False,
    checkpointing: bool = False,
) -> RunSpec:
    """Resolve names and defaults, and refuse at once what could not run.

    Args:
        variant: Name, with readings behind an at-sign.
        implementation: `keras3` or `pytorch`.
        paper: Whose variant it is.
        keras_backend: See `choose_keras_backend`; left aside for PyTorch.
        fer2013: Path of the data set; None for toyfaces.
        allow_deviating_data: See `load_fer2013`.
        budget: Name; None is `smoke` on toyfaces and `hour` on FER-2013.
        seconds: Cap by hand, as `epochs` and `examples` are; any makes the budget `custom`.
        epochs: Cap by hand.
        examples: Cap by hand.
        batch_size: Images a step, in place of the variant's; a budget may cap them.
        protocol: `paper` or `honest`.
        seed: Of the run.
        device: `cpu` or `gpu`.
        threads: CPU threads.
        weights_dir: Folder of ImageNet weights; None leaves the frameworks' caches, then a download.
        stand_in_weights: Draw weights in place of ImageNet's.
        views: Augmented views of each image, shown in turn; None draws a new one in every epoch.
        cached_features: Compute the features of a frozen base once, for so many views; it implies `views`.
        pipeline: Where pixels are computed.
        precision: `float32`, `tf32` or `mixed`.
        deterministic: Only operations that give the same bits again.
        checkpointing: Compute blocks again in the backward pass, which needs less memory.

    Raises:
        VariantError: If the variant is unknown, has no such views or features to be kept, or the batch size is below 1.
        ImplementationError: If its framework is not installed.
        DatasetError: If nothing lies at the data set's path.
        WeightsError: If the folder of weights is none, or the weights are those of another network.
    """
    found = paper.find_variant(variant)
    if batch_size is not None and batch_size < 1:
        raise VariantError(f"batch size {batch_size}; expected at least 1")
    if None not in (views, cached_features) and views != cached_features:
        raise VariantError(
            f"--views {views} and --cached-features {cached_features}: features are kept of the views that are shown; "
            "give one of the two, or the same number twice"
        )
    views = cached_features if views is None else views
    check_views(found, views, pipeline)
    if cached_features is not None:
        check_cacheable(found, views)
    check_folder(weights_dir)
    if found.weights_source != "random":
        find_checkpoint(found.weights_source, found.architecture)
    backend = choose_keras_backend(keras_backend) if implementation == "keras3" else None
    missing = missing_framework(implementation, backend)
    if missing is not None:
        raise ImplementationError(
            f"{implementation} needs {missing!r}, which is not installed; "
            f"`pip install 'ferbench[{'tensorflow' if missing == 'tensorflow' else 'cpu'}]'` brings it"
        )
    if fer2013 is not None and not fer2013.exists():
        raise DatasetError(f"{fer2013}: nothing is there; expected FER-2013 as zip, folder or csv")
    caps = BUDGETS[budget or ("smoke" if fer2013 is None else "hour")]
    if seconds or epochs or examples:
        base = caps if budget else BUDGETS["paper"]
        caps = dataclasses.replace(
            base,
            name="custom",
            seconds=seconds or base.seconds,
            epochs=epochs or base.epochs,
            examples=examples or base.examples,
        )
    return RunSpec(
        asked=found,
        paper=paper.name,
        implementation=implementation,
        keras_backend=backend,
        fer2013=str(fer2013.resolve()) if fer2013 else None,
        allow_deviating_data=allow_deviating_data,
        protocol=protocol,
        budget=caps,
        batch_size=_chosen_batch_size(found, caps, batch_size),
        seed=seed,
        device=device,
        threads=threads,
        weights_dir=str(weights_dir.resolve()) if weights_dir else None,
        stand_in_weights=stand_in_weights and found.weights_source != "random",
        views=None if found.augmentation is None else views,
        cached_features=cached_features is not None,
        pipeline=pipeline,
        precision=precision,
        deterministic=deterministic,
        checkpointing=checkpointing,
    )


def _chosen_batch_size(variant: Variant, budget: Budget, batch_size: int | None) -> int | None:
    """A batch size within the budget; None if it is what the run would have anyway."""
    if batch_size is None:
        return None
    capped = min(batch_size, budget.batch_size or batch_size)
    return capped if capped != limit_variant(variant, budget).batch_size else None
