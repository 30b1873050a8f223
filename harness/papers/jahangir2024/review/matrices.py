"""What the confusion matrices and the counts of images say that the paper does not, or denies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from harness.interface import CLASSES
from harness.papers.finding import Finding
from harness.papers.jahangir2024.review.granularity import matrix_names, place_of_matrix, state_of_matrix
from harness.papers.paper import Paper, Predicate
from harness.papers.wording import (
    Quote,
    capitalised,
    listed,
    percent,
    points,
    share,
)

PREDOMINANTLY: Final = Quote('the model predominantly predicts the "happy" emotion', "Figure 14")
SUSPECTED: Final = Quote("suggesting potential issues with class imbalance or model training", "Figure 14")
HIGHLIGHT: Final = Quote(
    "These results highlight the challenges in adapting the model for emotion recognition", "Res Net50 with Fine-Tuning"
)
MORE_TUNING: Final = Quote("requires more model tuning or maybe a new architecture", "Pre-Trained Models")
UNSUITABLE: Final = Quote(
    "the initial weights were not very suitable for the given data set", "Comparison of VGG16 and Res Net 50"
)
REASONABLE: Final = Quote(
    "fairly reasonable performances in emotions such as happy and neutral", "Comparison of VGG16 and Res Net 50"
)
STRONG: Final = Quote('strong performance in recognizing "happy" and "neutral" emotions', "Figure 20")
RESCALED: Final = (
    "ImageNet weights of keras.applications expect BGR minus the mean, the paper divides by 255: a likely cause"
)
NEAR_BASELINE: Final = 0.05
"""Fraction above always answering the most frequent class."""


def scores_not_printed(paper: Paper) -> Iterator[Finding]:
    """Precision, recall and F1, which the matrices give and the paper leaves out."""
    lines, f1_scores = [], {}
    for name in paper.confusions:
        confusion = paper.facts.confusion(name)
        right, answered, labelled = np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
        precision, recall, f1 = right / np.maximum(answered, 1), right / labelled, 2 * right / (answered + labelled)
        f1_scores[name] = float(f1.mean())
        lines.append(
            f"{name}: means of precision {precision.mean():.3f}, of recall {recall.mean():.3f}, of F1 {f1.mean():.3f}"
        )
        lines.append(
            "  precision / recall / F1: "
            + ", ".join(
                f"{label} {p:.2f} / {r:.2f} / {f:.2f}"
                for label, p, r, f in zip(CLASSES, precision, recall, f1, strict=True)
            )
        )
    yield Finding(
        "no-scores-by-class",
        "unsaid",
        2,
        "Of classes of very different size the paper prints accuracy alone. From its matrices, macro-F1 is "
        f"{listed(f'{f1:.3f} ({paper.called(name)})' for name, f1 in f1_scores.items())}.",
        "\n".join(lines),
        matrix_names(paper),
    )


def classes_never_answered(paper: Paper) -> Iterator[Finding]:
    """Classes that a network of several answers never gives."""
    missing = {}
    for name in paper.confusions:
        answered = paper.facts.confusion(name).sum(axis=0)
        if np.count_nonzero(answered) > 1 and not answered.all():
            missing[name] = [label for label, count in zip(CLASSES, answered, strict=True) if count == 0]
    if not missing:
        return
    lines = [
        f"{place_of_matrix(paper, name)}: answers "
        + ", ".join(
            f"{label} {count:,}" for label, count in zip(CLASSES, paper.facts.confusion(name).sum(axis=0), strict=True)
        )
        for name in missing
    ]
    yield Finding(
        "classes-never-answered",
        "unsaid",
        2,
        capitalised(
            listed(
                f"{paper.called(name)} never answers {listed(map(repr, labels))}" for name, labels in missing.items()
            )
        )
        + ": not once in all test images. The text speaks of confusion and of struggling.",
        "\n".join(lines),
        matrix_names(paper, *missing),
    )


def constant_answers(paper: Paper) -> Iterator[Finding]:
    """A network that gives one answer whatever the image."""
    for name in constant_networks(paper):
        confusion = paper.facts.confusion(name)
        images, right = state_of_matrix(paper, name)
        answer = CLASSES[int(confusion.sum(axis=0).argmax())]
        recall = np.diag(confusion) / confusion.sum(axis=1)
        tested, training = (paper.facts.headline(name, each) for each in ("accuracy", "training-accuracy"))
        supports = [paper.facts[f"dataset.training-{label}.table-2"] for label in CLASSES]
        same = paper.facts[f"dataset.training-{answer}.table-2"].value
        everything = sum(int(fact.value) for fact in supports)
        apart = max(abs(tested.value - right / images), abs(training.value - same / everything))
        yield Finding(
            f"{name}-answers-one-class",
            "unsupported",
            3,
            f"{place_of_matrix(paper, name)} has {images:,} of {images:,} answers {answer!r}: {paper.called(name)} "
            f"tells nothing apart, and its {percent(tested)} in testing and {percent(training)} in training are within "
            f"{points(apart)} of what that one answer scores. The text says {PREDOMINANTLY}, {SUSPECTED}, and ranks "
            "strategies and networks by it all the same.",
            "\n".join(
                [
                    f"testing: {right:,} / {images:,} = {100 * right / images:.3f} %, as any constant answer "
                    f"{answer!r} has; mean recall {recall.mean():.4f} = 1/{len(CLASSES)}",
                    f"training: {same:,.0f} / {everything:,} = {100 * same / everything:.3f} %",
                    f"{HIGHLIGHT} reads a training that failed as a result",
                ]
            ),
            (tested.name, training.name, *matrix_names(paper, name), *(fact.name for fact in supports)),
            RESCALED,
        )


def constant_networks(paper: Paper) -> list[str]:
    """Variants whose matrix has one answer."""
    return [name for name in paper.confusions if np.count_nonzero(paper.facts.confusion(name).sum(axis=0)) == 1]


def baseline_not_given(paper: Paper) -> Iterator[Finding]:
    """Accuracies that stand near that of the most frequent class, which the paper does not mention."""
    supports = {label: int(paper.facts[f"dataset.test-{label}.table-2"].value) for label in CLASSES}
    answer = max(supports, key=supports.__getitem__)
    baseline = supports[answer] / sum(supports.values())
    near = [
        fact
        for name in paper.reported
        if (fact := paper.facts.headline(name, "accuracy")).value - baseline < NEAR_BASELINE
    ]
    if not near:
        return
    yield Finding(
        "baseline-not-given",
        "unsaid",
        1,
        f"Always answering {answer!r} scores {100 * baseline:.2f} %. The paper does not say so where it reports "
        f"{listed(f'{percent(fact)} ({paper.called(fact.subject)})' for fact in near)}. It finds that the task "
        f"{MORE_TUNING}, and that {UNSUITABLE}; whether anything was learnt it does not ask.",
        "\n".join(
            [
                f"{supports[answer]:,} / {sum(supports.values()):,} = {100 * baseline:.3f} %",
                *(f"{fact.subject}: {100 * (fact.value - baseline):+.2f} points" for fact in near),
            ]
        ),
        (*(fact.name for fact in near), *(f"dataset.test-{label}.table-2" for label in CLASSES)),
    )


def counts_in_text(paper: Paper) -> Iterator[Finding]:
    """Class counts of the text against their own total and against Table 2."""
    for split in ("training", "test"):
        table = {label: paper.facts[f"dataset.{split}-{label}.table-2"] for label in CLASSES}
        text = {
            label: paper.facts[name] for label in CLASSES if (name := f"dataset.{split}-{label}.text") in paper.facts
        }
        total = paper.facts[f"dataset.{split}-total.text"]
        summed = sum(int(fact.value) for fact in text.values())
        of_table = sum(int(fact.value) for fact in table.values())
        unlike = [label for label, fact in text.items() if fact.value != table[label].value]
        missing = [label for label in CLASSES if label not in text]
        if not unlike and total.value == of_table and (missing or summed == of_table):
            continue
        without = f" without {listed(missing)}" if missing else ""
        lines = [
            f"{' + '.join(fact.printed for fact in text.values())} = {summed:,}{without}",
            f"Table 2: {' + '.join(fact.printed for fact in table.values())} = {of_table:,}",
            *(f"{each}: {text[each].printed} in the text, {table[each].printed} in Table 2" for each in unlike),
        ]
        if missing:
            lines.append(
                f"{total.printed} taken for {listed(missing)}: {summed + int(total.value):,} in all; taken for all: "
                f"{int(total.value) - summed:,} for {listed(missing)}, which are {table[missing[0]].printed} in Table 2"
            )
        yield Finding(
            f"{split}-counts-do-not-add-up",
            "contradictory",
            1 if total.value == of_table else 2,
            f"The text's {split} counts sum to {summed:,}{without}; it has {total.printed} in all, Table 2 has "
            f"{of_table:,}. {len(unlike)} of its {len(text)} class counts are not Table 2's.",
            "\n".join(lines),
            (total.name, *(fact.name for fact in text.values()), *(fact.name for fact in table.values())),
        )


def _recalls(paper: Paper, name: str) -> Mapping[str, float]:
    matrix = paper.facts.confusion(name)
    return {each: matrix[index, index] / matrix[index].sum() for index, each in enumerate(CLASSES)}


def _confusion_facts(paper: Paper, name: str, *classes: str) -> tuple[str, ...]:
    return tuple(
        fact.name
        for fact in paper.facts.values()
        if fact.subject == name and fact.quantity.removeprefix("confusion-") in classes
    )


def reasonable_in_neutral(paper: Paper) -> Iterator[Finding]:
    """Both networks are said to do fairly well on neutral."""
    names = [name for name in paper.confusions if paper.variants[name].architecture == "resnet50"]
    recalls = {name: _recalls(paper, name)["neutral"] for name in names}
    if max(recalls.values()) >= 1 / len(CLASSES):
        return
    index = CLASSES.index("neutral")
    told = [
        f"{paper.called(name)} gets {row[index]} of {row.sum():,} right"
        for name, row in ((name, paper.facts.confusion(name)[index]) for name in names)
    ]
    yield Finding(
        name="neutral-is-reasonable-for-both",
        grade="contradictory",
        weight=2,
        statement=f"Both models are said to have {REASONABLE}. Of the neutral images {' and '.join(told)}, less than "
        "guessing; ResNet50's third matrix came to us as a picture.",
        arithmetic="\n".join(f"{name}, neutral: recall {share(recall, 1)}" for name, recall in recalls.items()),
        facts=tuple(fact for name in names for fact in _confusion_facts(paper, name, "neutral")),
    )


def strong_and_weak_classes(paper: Paper) -> Iterator[Finding]:
    """A class that the best model finds better than one that is praised, or worse than one that is lamented."""
    matrix = paper.facts.confusion("vgg16-scratch")
    right = np.diag(matrix)
    recalls = _recalls(paper, "vgg16-scratch")
    f1 = dict(zip(CLASSES, 2 * right / (matrix.sum(axis=0) + matrix.sum(axis=1)), strict=True))
    told = []
    if f1["surprise"] > f1["neutral"]:
        told.append(
            f"surprise (F1 {f1['surprise']:.3f}) is recognised better than neutral ({f1['neutral']:.3f}) and is not "
            "mentioned"
        )
    if recalls["sad"] < recalls["fear"]:
        told.append(f"by recall sad ({share(recalls['sad'], 1)}) is worse than fear ({share(recalls['fear'], 1)})")
    if not told:
        return
    yield Finding(
        name="strong-and-weak-classes-incomplete",
        grade="unsupported",
        weight=1,
        statement=f"Figure 20's model is said to show {STRONG} and to struggle with disgust and fear; "
        f"{'; '.join(told)}.",
        arithmetic="\n".join(f"{each}: F1 {f1[each]:.3f}, recall {share(recalls[each], 1)}" for each in CLASSES),
        facts=_confusion_facts(paper, "vgg16-scratch", *CLASSES),
    )


PREDICATES: tuple[Predicate, ...] = (
    scores_not_printed,
    classes_never_answered,
    constant_answers,
    baseline_not_given,
    counts_in_text,
    reasonable_in_neutral,
    strong_and_weak_classes,
)
