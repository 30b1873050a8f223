"""Sentences for what keeps a run from being compared, and for what a verdict says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.judging.differences import Difference, Kind
from harness.judging.verdicts import Verdict

_TEXTS: Final[Mapping[Kind, str]] = {
    "status": "run {observed}",
    "paper": "made for the paper {observed}, not for {expected}",
    "unknown-variant": "the paper has no variant {observed}",
    "declared-otherwise": "not the variant that the paper's folder declares, by its {observed}",
    "dataset": "data {observed}",
    "deviating-data": "deviating data",
    "data-digest": "data digest {observed:.12}, expected {expected:.12}",
    "budget": "budget {observed}",
    "protocol": "protocol {observed}",
    "unaugmented-pipeline": "pipeline {observed}, which augments nothing",
    "precision": "precision {observed}",
    "batch-size": "batch size {observed}, the paper's is {expected}",
    "stand-in-weights": "stand-in weights",
    "weights": "weights {observed}, the variant's are {expected}",
    "weights-digest": "weights unlike the published ones",
    "history-not-finite": "history not finite",
    "hardware": "nothing is known of the machine that the paper's times were taken on",
    "pipeline": "pipeline {observed}, the paper's are {expected}",
    "gpu": "device {observed}, the paper's is an {expected}",
    "kept-features": "features of the frozen base kept",
    "checkpointing": "activation checkpointing, which computes blocks twice",
    "deterministic": "deterministic operations, which may take more time",
    "unequal-epochs": "epochs of unequal work, and none of some phase",
}
_MISSING: Final[Mapping[Kind, tuple[str, str]]] = {"dataset": ("missing", ""), "weights": ("", "none that fit")}
"""What stands for an observed and an expected value that there is not."""


def difference_text(difference: Difference) -> str:
    """Return a difference as people read it: `batch size 64, the paper's is 32`."""
    if difference.kind == "repeated-views":
        return f"{difference.observed} augmented view{'' if difference.observed == 1 else 's'} repeated"
    if difference.kind == "product-rate":
        return _product_rate(difference)
    observed, expected = _MISSING.get(difference.kind, ("", ""))
    return _TEXTS[difference.kind].format(
        observed=_text(difference.observed, observed, ", "), expected=_text(difference.expected, expected, " and ")
    )


def _text(value: object, missing: str, joint: str) -> str:
    if value is None:
        return missing
    return joint.join(map(str, value)) if isinstance(value, tuple) else str(value)


def _product_rate(difference: Difference) -> str:
    given = dict(difference.details)
    rate, low, high, peak = (f"{float(str(given[name])) / 1e12:.1f}" for name in ("rate", "lowest", "highest", "peak"))
    return (
        f"device {difference.observed} by its name, but its product of {given['work']} ran at {rate} TFLOP/s "
        f"({low} to {high}, n = {given['count']}), {given['share']:.0%} of an {difference.expected}'s nominal {peak}, "
        f"expected {given['least_share']:.0%} to {given['most_share']:.0%}"
    )


def reason_text(verdict: Verdict) -> str:
    """Return why a verdict is what it is, in one sentence."""
    return verdict.reason or ", ".join(map(difference_text, verdict.differences))
