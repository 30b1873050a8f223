"""What the paper leaves out although its results depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.interface import CLASSES
from harness.papers.facts import CONFUSIONS, Facts
from harness.papers.jahangir2024.review.claims_refuted import SEED_SOURCE, SEED_SPREAD
from harness.papers.review import Finding, Predicate
from harness.papers.throughput import images
from harness.papers.variants import VARIANTS, paper_fields, sources
from harness.papers.wording import (
    Quote,
    called,
    capitalised,
    decimals,
    listed,
    mention,
    percent,
    points,
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


def _says(paper: Facts, *quantities: str) -> bool:
    """Whether the paper prints a number of any of these quantities."""
    return any(fact.quantity in quantities for fact in paper.values())


def open_fields(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Fields of a variant that rest on an assumption wholly, and in part, each with its reason."""
    wholly: dict[str, str] = {}
    partly: dict[str, str] = {}
    for field in paper_fields():
        source = sources(name)[field]
        if source.assumed:
            (partly if source.quote else wholly)[field] = " ".join(source.assumed.split())
    return wholly, partly


def _words(fields: Mapping[str, str]) -> str:
    return listed(field.replace("_", " ") for field in fields)


def fields_left_open(paper: Facts) -> Iterator[Finding]:
    """One finding a variant: every hyper-parameter that the paper leaves unsaid."""
    for name in VARIANTS:
        wholly, partly = open_fields(name)
        accuracy = paper.headline(name, "accuracy")
        if not wholly:
            continue
        half = f"; in part {_words(partly)}" if partly else ""
        yield Finding(
            name=f"{name}-leaves-open",
            grade="unsaid",
            weight=2,
            statement=f"{capitalised(called(name))} and its {percent(accuracy)} cannot be repeated from the text: it "
            f"leaves open {_words(wholly)}{half}.",
            arithmetic="\n".join(
                [
                    *(f"{field}: {reason}" for field, reason in wholly.items()),
                    *(f"{field}, in part: {reason}" for field, reason in partly.items()),
                ]
            ),
            facts=(accuracy.name,),
            source=VARIANTS_SOURCE,
        )


def class_weights(paper: Facts) -> Iterator[Finding]:
    """Claimed once, specified nowhere; the matrices look as if there were none."""
    if _says(paper, "class-weight", "class-weights"):
        return
    index = CLASSES.index("disgust")
    disgust = paper["dataset.training-disgust.table-2"]
    balanced = images(paper, "training") / (len(CLASSES) * disgust.value)
    answered = {name: int(paper.confusion(name)[:, index].sum()) for name in CONFUSIONS}
    real = int(paper.confusion(CONFUSIONS[0])[index].sum())
    rare = [name for name, count in answered.items() if count < real]
    if len(rare) < len(CONFUSIONS):
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
                for fact in paper.values()
                if fact.subject in CONFUSIONS and fact.quantity.startswith("confusion-")
            ),
        ),
        source="the usual balanced weights, n / (classes × images of the class)",
    )


AUGMENTATION_QUANTITIES: Final = ("rotation", "width-shift", "height-shift", "shear", "zoom")


def augmentation_magnitudes(paper: Facts) -> Iterator[Finding]:
    """Kinds are named, how much is not."""
    missing = [each for each in AUGMENTATION_QUANTITIES if not _says(paper, each)]
    if not missing:
        return
    without = [called(name) for name in VARIANTS if not sources(name)["augmentation"].quote]
    yield Finding(
        name="augmentation-without-magnitudes",
        grade="unsaid",
        weight=2,
        statement=f"All that is said of augmentation is its kinds. No number is given for {listed(missing)}, and "
        f"{listed(without)} get no kind either.",
        arithmetic="\n".join(
            f"{name}: {' '.join((sources(name)['augmentation'].assumed or '').split())}" for name in VARIANTS
        ),
        facts=(),
        source=VARIANTS_SOURCE,
    )


def runs_and_seeds(paper: Facts) -> Iterator[Finding]:
    """One number a model, with four digits and without a spread."""
    if _says(paper, "runs", "seeds", "spread"):
        return
    printed = [paper.headline(name, "accuracy") for name in VARIANTS]
    finest = min(printed, key=lambda fact: fact.resolution)
    tested = images(paper, "test")
    unit, moved = finest.resolution * tested, SEED_SPREAD * tested
    yield Finding(
        name="one-run-without-a-spread",
        grade="unsaid",
        weight=3,
        statement=f"Six models, one run each as far as is said: no seed, no repetition, no spread. The accuracies have "
        f"{decimals(finest)} decimals of a per cent, {unit:.1f} images; another seed typically "
        f"moves them by about {moved:.0f}.",
        arithmetic=f"{points(SEED_SPREAD)} of {tested:,} = {moved:.0f} images\n"
        f"one digit of {percent(finest)}: {finest.resolution} × {tested:,} = {unit:.2f} images\n"
        + "\n".join(f"{fact.subject}: {percent(fact)}" for fact in printed),
        facts=tuple(fact.name for fact in printed),
        source=SEED_SOURCE,
    )


def reported_epoch(paper: Facts) -> Iterator[Finding]:
    """Models with several accuracies: which epoch does each belong to?"""
    if _says(paper, "reported-epoch", "best-epoch"):
        return
    several = {}
    for name in VARIANTS:
        fine = [fact for fact in paper.mentions(name, "accuracy") if fact.resolution <= 0.0001]
        values = dict.fromkeys(percent(fact) for fact in fine)
        if len(values) > 1:
            several[name] = fine
    if not several:
        return
    yield Finding(
        name="which-epoch-is-reported",
        grade="unsaid",
        weight=2,
        statement="The paper does not say whether it prints the last or the best epoch. "
        + listed(
            f"{called(name)} has {listed(dict.fromkeys(percent(fact) for fact in fine))}"
            for name, fine in several.items()
        )
        + ". A best epoch picked on the test images is no test.",
        arithmetic="\n".join(mention(fact) + f": {name}" for name, fine in several.items() for fact in fine),
        facts=tuple(fact.name for fine in several.values() for fact in fine),
    )


def software(paper: Facts) -> Iterator[Finding]:
    """The machine is named, the software by three names."""
    if _says(paper, "version", "versions"):
        return
    machine = [paper[f"hardware.{each}.setup"] for each in MACHINE]
    yield Finding(
        name="software-without-versions",
        grade="unsaid",
        weight=1,
        statement=f"CPU, GPU and {paper['hardware.memory.setup'].printed} GB of memory are named; of software Keras, "
        "NumPy and matplotlib by name, no version, no backend, no precision. Times and default values depend on all "
        "three.",
        arithmetic="\n".join(
            [f"{KERAS}; {NUMPY}; {MATPLOTLIB}", *(f"{fact.name}: {fact.printed}" for fact in machine)]
        ),
        facts=tuple(fact.name for fact in machine),
    )


def illegible_matrices(paper: Facts) -> Iterator[Finding]:
    """Models whose confusion matrix did not come through as numbers, which tells of the text, not of the paper."""
    missing = [
        name
        for name in VARIANTS
        if not any(fact.quantity.startswith("confusion-") for fact in paper.values() if fact.subject == name)
    ]
    if not missing:
        return
    accuracies = [paper.headline(name, "accuracy") for name in missing]
    yield Finding(
        name="matrices-that-cannot-be-read",
        grade="unsaid",
        weight=1,
        statement=f"In the text we work from, Figures 12 and 18 came through as pictures: the matrices of "
        f"{listed(map(called, missing))} are not among its numbers, so {listed(mention(fact) for fact in accuracies)} "
        "could not be recomputed.",
        arithmetic="\n".join(f"{name}: no row of a matrix" for name in missing),
        facts=tuple(fact.name for fact in accuracies),
    )


def areas_under_curves(paper: Facts) -> Iterator[Finding]:
    """Values that are said to inform, and that are printed nowhere."""
    if _says(paper, "auc"):
        return
    yield Finding(
        name="auc-values-not-printed",
        grade="unsaid",
        weight=1,
        statement=f"{AUC}: not one of the {len(CLASSES)} values is printed.",
        arithmetic=f"numbers in the paper: {len(paper)}; areas under a curve among them: none",
        facts=(),
        source=FACTS_SOURCE,
    )


def real_time(paper: Facts) -> Iterator[Finding]:
    """A goal that is not measured."""
    if _says(paper, "latency", "frames-per-second"):
        return
    seconds = [fact for fact in paper.values() if fact.quantity == "seconds" and fact.where == "table-6"]
    yield Finding(
        name="real-time-unmeasured",
        grade="unsaid",
        weight=1,
        statement=f"{REAL_TIME} is an objective; not one time of a prediction is given, only "
        f"{len(seconds)} of training, {min(seconds, key=lambda fact: fact.value).printed} s and more.",
        arithmetic="\n".join(f"{fact.subject}: {fact.printed} s of training" for fact in seconds),
        facts=tuple(fact.name for fact in seconds),
    )


PREDICATES: tuple[Predicate, ...] = (
    fields_left_open,
    class_weights,
    augmentation_magnitudes,
    runs_and_seeds,
    reported_epoch,
    software,
    illegible_matrices,
    areas_under_curves,
    real_time,
)
