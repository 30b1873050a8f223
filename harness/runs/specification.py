"""From what people ask for to a run's spec."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from harness.data.dataset import DatasetError
from harness.data.pipelines import check_views
from harness.interface import ImplementationError
from harness.papers import load_paper
from harness.records.options import OPTIONS, RunOptions
from harness.records.spec import RunSpec
from harness.registry import (
    ImplementationName,
    choose_keras_backend,
    missing_framework,
)
from harness.training.budget import BUDGETS, Budget, limit_variant
from harness.training.features import check_cacheable
from harness.variant import Variant, VariantError
from harness.weights.catalogue import WeightsError, find_checkpoint
from harness.weights.locate import check_folder, find_file

DEFAULT_OPTIONS: Final = RunOptions()
AS_GIVEN: Final = sorted({each.name for each in fields(RunSpec)} & set(OPTIONS))
"""Options that a spec has under the same name."""


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


def make_spec(variant: str, implementation: ImplementationName, options: RunOptions = DEFAULT_OPTIONS) -> RunSpec:
    """Resolve names and defaults, and refuse at once what could not run.

    Args:
        variant: Name, with readings behind an at-sign.
        implementation: `keras3` or `pytorch`.
        options: What else is asked for. `keras_backend` is left aside for PyTorch.

    Raises:
        PaperError: If there is no such paper, or its folder is broken.
        VariantError: If the variant is unknown, has no such views or features to be kept, or the batch size is below 1.
        ImplementationError: If its framework is not installed.
        DatasetError: If nothing lies at the data set's path.
        WeightsError: If the folder of weights is none, or the weights are those of another network.
    """
    paper = load_paper(options.paper)
    found = paper.find_variant(variant)
    views = _views(found, options)
    check_folder(options.weights_dir)
    if found.weights_source != "random":
        find_checkpoint(found.weights_source, found.architecture)
    backend = choose_keras_backend(options.keras_backend) if implementation == "keras3" else None
    missing = missing_framework(implementation, backend)
    if missing is not None:
        raise ImplementationError(
            f"{implementation} needs {missing!r}, which is not installed; "
            f"`pip install 'ferbench[{'tensorflow' if missing == 'tensorflow' else 'cpu'}]'` brings it"
        )
    fer2013, weights_dir, budget = options.fer2013, options.weights_dir, _budget(options)
    if fer2013 is not None and not fer2013.exists():
        raise DatasetError(f"{fer2013}: nothing is there; expected FER-2013 as zip, folder or csv")
    values = {name: getattr(options, name) for name in AS_GIVEN} | {
        "paper": paper.name,
        "keras_backend": backend,
        "fer2013": str(fer2013.resolve()) if fer2013 else None,
        "budget": budget,
        "batch_size": _chosen_batch_size(found, budget, options.batch_size),
        "weights_dir": str(weights_dir.resolve()) if weights_dir else None,
        "stand_in_weights": options.stand_in_weights and found.weights_source != "random",
        "views": None if found.augmentation is None else views,
        "cached_features": options.cached_features is not None,
    }
    return RunSpec(found, implementation, **values)


def _views(variant: Variant, options: RunOptions) -> int | None:
    """How many views are shown in turn; None for a new one in every epoch."""
    views, cached = options.views, options.cached_features
    if None not in (views, cached) and views != cached:
        raise VariantError(
            f"--views {views} and --cached-features {cached}: features are kept of the views that are shown; "
            "give one of the two, or the same number twice"
        )
    views = cached if views is None else views
    check_views(variant, views, options.pipeline)
    if cached is not None:
        check_cacheable(variant, views)
    return views


def _budget(options: RunOptions) -> Budget:
    """The budget by its name, with the caps that were given by hand."""
    caps = BUDGETS[options.budget or ("smoke" if options.fer2013 is None else "hour")]
    by_hand = {"seconds": options.budget_seconds, "epochs": options.epochs, "examples": options.examples}
    given = {name: cap for name, cap in by_hand.items() if cap is not None}
    if not given:
        return caps
    return replace(caps if options.budget else BUDGETS["paper"], name="custom", **given)  # type: ignore[arg-type]


def _chosen_batch_size(variant: Variant, budget: Budget, batch_size: int | None) -> int | None:
    """A batch size within the budget; None if it is what the run would have anyway."""
    if batch_size is None:
        return None
    if batch_size < 1:
        raise VariantError(f"batch size {batch_size}; expected at least 1")
    capped = min(batch_size, budget.batch_size or batch_size)
    return capped if capped != limit_variant(variant, budget).batch_size else None
