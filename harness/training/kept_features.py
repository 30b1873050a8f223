"""The features of a run, view by view: those of an epoch are computed when it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.data.pipelines import DevicePipeline
from harness.interface import Features, Model
from harness.training.features import check_cacheable, compute_features, require_room
from harness.variant import Variant

_Wanted = dict[int | None, tuple[NDArray[np.float32] | None, NDArray[np.intp]]]
"""By view, None being the picture as it is: maps of the whole data set, and the rows that are looked at."""


@dataclass(eq=False)
class KeptFeatures:
    """Gives the epochs that train the head alone a pipeline whose batches bring features.

    A stop rule may end a run before all views are needed, so none is computed before an epoch shows it.

    Attributes:
        model: Its base is frozen for as long as a phase lasts.
        pipeline: The run's, without features.
        evaluated_rows: Rows that are looked at as they are, in any order.
        versions: Of the implementation, and all else of the machine that its numbers depend on.
        say: Told how far it is.
        is_interrupted: Asked between two slices.
        images: Images whose features were computed so far, each view counted; what lay on the disk is not.
        seconds: What that took.
    """

    model: Model
    pipeline: DevicePipeline
    evaluated_rows: NDArray[np.intp]
    versions: Mapping[str, str]
    say: Callable[[str], None]
    is_interrupted: Callable[[], bool] = lambda: False
    images: int = 0
    seconds: float = 0.0
    _phase: range = range(0)
    _features: dict[int | None, Features] = field(default_factory=dict)

    def of_epoch(self, epoch: int) -> DevicePipeline:
        """The pipeline for an epoch that trains the head alone, and for evaluation.

        Raises:
            VariantError: If the variant's features cannot be kept.
            DatasetError: If the disk has no room for all views that the epoch's phase may show.
            Interrupted: If `is_interrupted` says so; what is computed stays.
        """
        phase = _phase_of(self.model.variant, epoch)
        if phase != self._phase:  # another one may have trained the base in between
            check_cacheable(self.model.variant, self.pipeline.views)
            require_room(self.model, self.pipeline.dataset, self.versions, [*self._wanted(phase).values()])
            self._phase, self._features = phase, {}
        for view, (maps, rows) in self._wanted([epoch]).items():
            if view not in self._features:
                self._features[view] = self._compute(view, maps, rows)
        return replace(self.pipeline, features=self._features)

    def _wanted(self, epochs: Iterable[int]) -> _Wanted:
        pipeline = self.pipeline
        if pipeline.variant.augmentation is None:
            return {None: (None, np.concatenate([pipeline.rows, self.evaluated_rows]))}
        first = {pipeline.view(epoch): epoch for epoch in epochs}
        shown = {view: (pipeline.training_batches(epoch).maps, pipeline.rows) for view, epoch in first.items()}
        return {None: (None, self.evaluated_rows), **shown}

    def _compute(self, view: int | None, maps: NDArray[np.float32] | None, rows: NDArray[np.intp]) -> Features:
        found = compute_features(
            self.model,
            self.pipeline.dataset,
            rows,
            maps=maps,
            what="images" if view is None else f"images in view {view + 1}",
            versions=self.versions,
            say=self.say,
            is_interrupted=self.is_interrupted,
        )
        self.images += found.images
        self.seconds += found.seconds
        return found.features


def _phase_of(variant: Variant, epoch: int) -> range:
    """Epochs of the phase that an epoch belongs to."""
    begin = 0
    for phase in variant.phases:
        end = begin + phase.epochs
        if epoch < end:
            return range(begin, end)
        begin = end
    raise ValueError(f"epoch {epoch} of {variant.name}, which has {begin}")
