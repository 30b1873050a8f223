"""What the paper leaves out although its results depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.interface import CLASSES
from harness.papers.finding import Finding
from harness.papers.paper import Paper, Predicate
from harness.papers.throughput import images
from harness.papers.variants import paper_fields
from harness.papers.wording import (
    Quote,
    capitalised,
    listed,
    percent,
)

WEIGHTING: Final = Quote(
    "addressed through data augmentation, class weighting, and finetuning techniques", "Novelty and Objectives of Study"
)
REAL_TIME: Final = Quote(
    "maintaining practical applicability for real-time applications", "Novelty and Objectives of Study"
)
AUC: Final = Quote(
    "The ROC curves and the AUC values of every class provided information", "VGG16 Trained from Scratch"
)
KERAS: Final = Quote("which is part of the Keras package", "Data Preprocessing")
NUMPY: Final = Quote("creates NumPy arrays for training", "Training Data Preparation")
MATPLOTLIB: Final = Quote("generated with matplotlib", "Figure 2")
QUOTES: Final = (WEIGHTING, REAL_TIME, AUC, KERAS, NUMPY, MATPLOTLIB)
FACTS_SOURCE: Final = "harness/papers/jahangir2024/facts.toml: every number that the paper prints"
MACHINE: Final = ("cpu", "gpu", "gpu-memory", "memory")
VARIANTS_SOURCE: Final = (
    "harness/papers/jahangir2024/variants.toml: each field with its quote or the reason for what we assume"
)


def _says(paper: Paper, *quantities: str) -> bool:
    """Whether the paper prints a number of any of these quantities."""
    return any(fact.quantity in quantities for fact in paper.facts.values())


def open_fields(paper: Paper, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Fields of a variant that rest on an assumption wholly, and in part, each with its reason."""
    wholly: dict[str, str] = {}
    partly: dict[str, str] = {}
    for field in paper_fields():
        source = paper.sources[name][field]
        if source.assumed:
            (partly if source.quote else wholly)[field] = " ".join(source.assumed.split())
    return wholly, partly


def _words(fields: Mapping[str, str]) -> str:
    return listed(field.replace("_", " ") for field in fields)


def fields_left_open(paper: Paper) -> Iterator[Finding]:
    """One finding a variant: every hyper-parameter that the paper leaves unsaid."""
    for name in paper.reported:
        wholly, partly = open_fields(paper, name)
        accuracy = paper.facts.headline(name, "accuracy")
        if not wholly:
            continue
        half = f"; in part {_words(partly)}" if partly else ""
        yield Finding(
            name=f"{name}-leaves-open",
            grade="unsaid",
            weight=2,
            statement=f"{capitalised(paper.called(name))} and its {percent(accuracy)} cannot be repeated from the "
            f"text: it leaves open {_words(wholly)}{half}.",
            arithmetic="\n".join(
                [
                    *(f"{field}: {reason}" for field, reason in wholly.items()),
                    *(f"{field}, in part: {reason}" for field, reason in partly.items()),
                ]
            ),
            facts=(accuracy.name,),
            source=VARIANTS_SOURCE,
        )


def class_weights(paper: Paper) -> Iterator[Finding]:
    """Claimed once, specified nowhere; the matrices look as if there were none."""
    if _says(paper, "class-weight", "class-weights"):
        return
    index = CLASSES.index("disgust")
    disgust = paper.facts["dataset.training-disgust.table-2"]
    balanced = images(paper, "training") / (len(CLASSES) * disgust.value)
    answered = {name: int(paper.facts.confusion(name)[:, index].sum()) for name in paper.confusions}
    real = int(paper.facts.confusion(paper.confusions[0])[index].sum())
    rare = [name for name, count in answered.items() if count < real]
    if len(rare) < len(paper.confusions):
        return
    yield Finding(
        name="class-weights-without-weights",
        grade="unsaid",
        weight=2,
        statement=f"{WEIGHTING}: no weight is given, for no model. Balanced weights would count disgust {balanced:.1f} "
        f"times and make it a more frequent answer; the four legible matrices give it "
        f"{listed(str(count) for count in answered.values())} times, for {real} such images.",
        arithmetic="\n".join(
            [
                f"{images(paper, 'training'):,} / ({len(CLASSES)} × {disgust.printed}) = {balanced:.2f}",
                *(f"{name}: disgust answered {count} times" for name, count in answered.items()),
            ]
        ),
        facts=(
            disgust.name,
            *(
                fact.name
                for fact in paper.facts.values()
                if fact.subject in paper.confusions and fact.quantity.startswith("confusion-")
            ),
        ),
        source="the usual balanced weights, n / (classes × images of the class)",
    )


AUGMENTATION_QUANTITIES: Final = ("rotation", "width-shift", "height-shift", "shear", "zoom")


def augmentation_magnitudes(paper: Paper) -> Iterator[Finding]:
    """Kinds are named, how much is not."""
    missing = [each for each in AUGMENTATION_QUANTITIES if not _says(paper, each)]
    if not missing:
        return
    without = [paper.called(name) for name in paper.reported if not paper.sources[name]["augmentation"].quote]
    yield Finding(
        name="augmentation-without-magnitudes",
        grade="unsaid",
        weight=2,
        statement=f"All that is said of augmentation is its kinds. No number is given for {listed(missing)}, and "
        f"{listed(without)} get no kind either.",
        arithmetic="\n".join(
            f"{name}: {' '.join((paper.sources[name]['augmentation'].assumed or '').split())}"
            for name in paper.reported
        ),
        facts=(),
        source=VARIANTS_SOURCE,
    )


PREDICATES: tuple[Predicate, ...] = (
    fields_left_open,
    class_weights,
    augmentation_magnitudes,
)
