"""What was looked at while training, and what a reported accuracy can mean after that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from harness.data.reading import KNOWN_COUNTS
from harness.interface import CLASSES
from harness.papers.facts import Fact
from harness.papers.finding import Finding
from harness.papers.jahangir2024.review.granularity import matrix_names, rounded_counts
from harness.papers.paper import Paper, Predicate
from harness.papers.throughput import images as images_of
from harness.papers.wording import (
    Quote,
    listed,
    mention,
    percent,
    points,
)

LEAKED: Final = 568
"""Test images whose pixels also lie in training. Source: `harness.data.inspection`, of the usual download."""
LEAKED_SAME_LABEL: Final = 552
"""Those of them whose label one of their twins in training has."""
FROM_VALIDATION: Final = Quote(
    "the confusion matrix, which was constructed from the validation predictions", "VGG16 with Pre-Trained Weights"
)
PREDICTING: Final = Quote("Along with predicting results from the validation set", "Pre-Trained Models")
AFTER_TRAINING: Final = Quote("The model was tested on a validation set after training", "VGG16 with Fine-Tuning")
HALTING: Final = Quote(
    "halting the training process when validation accuracy did not show significant improvement",
    "Res Net50 with Fine-Tuning",
)
CONSTANT: Final = Quote("the validation accuracy remains constant", "Figure 13")
NEAR_THRESHOLD: Final = 0.01
"""Fraction. An accuracy that ended training lies within a step of one epoch above the threshold."""


def _test_column(paper: Paper) -> list[Fact]:
    return [paper.facts[f"dataset.test-{label}.table-2"] for label in CLASSES]


def validation_is_the_test_set(paper: Paper) -> Iterator[Finding]:
    """Matrices of the "validation" set, which is described nowhere, whose rows sum to Table 2's testing column."""
    column = [int(fact.value) for fact in _test_column(paper)]
    alike = [name for name in paper.confusions if np.array_equal(paper.facts.confusion(name).sum(axis=1), column)]
    if not alike:
        return
    total = sum(column)
    yield Finding(
        "validation-is-the-test-set",
        "unsupported",
        3,
        f"What the paper calls validation, and describes nowhere, is the test set: the rows of {len(alike)} confusion "
        f"matrices sum to Table 2's testing column, class by class, {total:,} images, and the text has "
        f"{FROM_VALIDATION}; for {len(paper.reported) - len(alike)} of {len(paper.reported)} models it is inferred. "
        "Stop rules, learning rates and the choice of a strategy looked at it: no reported accuracy is of unseen "
        "images.",
        "\n".join(
            [
                f"Table 2: {', '.join(f'{label} {count:,}' for label, count in zip(CLASSES, column, strict=True))}",
                f"shown, by the same row sums: {listed(alike)}",
                f"inferred: {listed(name for name in paper.reported if name not in alike)}",
                f"what the matrices are of: {FROM_VALIDATION}; {PREDICTING}; {AFTER_TRAINING}",
                f"all images of the data set's two tests: {sum(KNOWN_COUNTS['public_test']):,} + "
                f"{sum(KNOWN_COUNTS['private_test']):,}; none are left for a validation set outside training",
            ]
        ),
        (*(fact.name for fact in _test_column(paper)), *matrix_names(paper, *alike)),
        "Goodfellow et al. 2013: FER-2013 has 28,709 training, 3,589 public and 3,589 private test images",
    )


def accuracy_is_the_threshold(paper: Paper) -> Iterator[Finding]:
    """An accuracy at which training was stopped because the same images passed a threshold."""
    images = images_of(paper, "test")
    for name in paper.reported:
        for rule in paper.facts.mentions(name, "stop-threshold")[:1]:
            headline = paper.facts.headline(name, "accuracy")
            above: dict[str, list[Fact]] = {}
            for fact in paper.facts.mentions(name, "accuracy"):
                if fact.resolution <= headline.resolution * 1.01 and 0 <= fact.value - rule.value < NEAR_THRESHOLD:
                    above.setdefault(percent(fact), []).append(fact)
            if percent(headline) not in above:
                continue
            run = paper.facts.mentions(name, "epochs-run")[:1]
            after = f" after {run[0].printed} epochs" if run else ""
            first = math.floor(rule.value * images) + 1
            lines = [f"more than {percent(rule)} of {images:,} is {first:,} right or more"]
            lines += [
                f"{mention(found[0])}, said {len(found)} times: {k:,} right, {k - first:,} more than it takes"
                for found in above.values()
                for k in sorted(rounded_counts(found[0], images))
            ]
            yield Finding(
                f"{name}-accuracy-is-the-threshold",
                "unsupported",
                3,
                f"The run of {paper.called(name)} was stopped{after} at the first epoch above {percent(rule)}, so "
                f"{mention(headline)}, {points(headline.value - rule.value)} above, says when it stopped, not how good "
                "the network is.",
                "\n".join(lines),
                (*(fact.name for found in above.values() for fact in found), rule.name, *(fact.name for fact in run)),
            )


def leaked_images(paper: Paper) -> Iterator[Finding]:
    """What images that are in training too can have added to the headline."""
    images = images_of(paper, "test")
    if images != sum(KNOWN_COUNTS["public_test"]) + sum(KNOWN_COUNTS["private_test"]):
        return
    headline, training = (paper.facts.headline("vgg16-scratch", each) for each in ("accuracy", "training-accuracy"))
    human = paper.facts.headline("literature", "human")
    right = round(headline.value * images)
    remembered = round(training.value * LEAKED)
    clean = images - LEAKED
    lowest, same_label, likely = ((right - each) / clean for each in (LEAKED, LEAKED_SAME_LABEL, remembered))
    yield Finding(
        "leaked-test-images",
        "unsupported",
        2,
        f"{LEAKED} of the {images:,} test images ({100 * LEAKED / images:.2f} %) also lie in training, pixel by pixel. "
        f"That adds at most {points(headline.value - lowest)} to {mention(headline)}, which would be "
        f"{100 * lowest:.2f} % on the {clean:,} others; at the training accuracy, {percent(training)}, about "
        f"{100 * (headline.value - likely):.1f} ({100 * likely:.1f} %).",
        "\n".join(
            [
                f"{percent(headline)} of {images:,} = {right:,} right",
                f"all from memory: ({right:,} − {LEAKED}) / ({images:,} − {LEAKED}) = {100 * lowest:.2f} %",
                f"the {LEAKED_SAME_LABEL} whose label is that of a twin: "
                f"({right:,} − {LEAKED_SAME_LABEL}) / {clean:,} = {100 * same_label:.2f} %",
                f"{percent(training)} of {LEAKED} = {remembered}: ({right:,} − {remembered}) / {clean:,} = "
                f"{100 * likely:.2f} %",
                f"for people it gives {percent(human)}: {100 * (lowest - human.value):+.2f} points from the lowest, "
                f"{100 * (likely - human.value):+.2f} from the last",
            ]
        ),
        (headline.name, training.name, human.name, *(fact.name for fact in _test_column(paper))),
        "counted by `ferbench data inspect` in the usual download of FER-2013",
    )


PREDICATES: tuple[Predicate, ...] = (
    validation_is_the_test_set,
    accuracy_is_the_threshold,
    leaked_images,
)
