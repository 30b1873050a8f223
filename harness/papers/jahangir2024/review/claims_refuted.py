"""Conclusions that the paper's own numbers do not bear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from harness.architectures import count_parameters, forward_flops
from harness.interface import CLASSES
from harness.papers.facts import CONFUSIONS, Fact, Facts
from harness.papers.jahangir2024.review.matrices import constant_networks
from harness.papers.review import Finding, Predicate
from harness.papers.throughput import images
from harness.papers.variants import VARIANTS
from harness.papers.wording import (
    Quote,
    called,
    listed,
    percent,
    points,
    share,
    signed_points,
)
from harness.variant import Architecture

ARCHITECTURES: Final[tuple[Architecture, ...]] = ("vgg16", "resnet50")
SEED_SPREAD: Final = 0.004
"""Fraction: the least that accuracies of such networks differ by seed alone (standard deviation)."""
SEED_SOURCE: Final = (
    "spread over seeds that is usual for such networks, standard deviation 0.4 to 0.7 points; declared, not yet "
    "measured here"
)
HISTORY_SOURCE: Final = (
    "Keras reports training accuracy on augmented pictures, with dropout on and weights still moving: a gap to the "
    "test accuracy is no measure of generalisation by itself"
)

COMPARISON: Final = "Comparison of VGG16 and Res Net 50"
SCRATCH_BEST: Final = Quote("training from scratch may still be necessary for specialized feature learning", "Abstract")
TRANSFER_BEST: Final = Quote("VGG16 results prove that transfer learning is the best approach", COMPARISON)
IMPROVES: Final = Quote("improves the training accuracy as well as the validation accuracy", COMPARISON)
BENEFITED: Final = Quote("Emotion categorization benefited most from this method", "Materials and Methods")
BETTER_THAN_ALL: Final = Quote("was better than the models used in this study", "VGG16 Trained from Scratch")
IMPROVED: Final = Quote(
    "used pre-trained weights to refine the ResNet50 model, which improved the accuracy", "Pre-Trained Models"
)
OVERFITTING: Final = Quote("This decline may have been caused by overfitting", COMPARISON)
ITSELF_OVERFITTING: Final = Quote("This could mean it is overfitting", "Figure 11")
WITHOUT: Final = Quote("without overfitting as would be the case if training from scratch", COMPARISON)
GENERALISES: Final = Quote("ResNet50 might have a slightly better generalization", COMPARISON)
BECAUSE: Final = Quote("because of the use of pre-trained weights, VGG16 outperforms", COMPARISON)
CONSUMING: Final = Quote("this approach was time-consuming", "Materials and Methods")
SIMPLER: Final = Quote("simpler architectures can navigate it effectively", "Conclusion and Future Work")
REASONABLE: Final = Quote("fairly reasonable performances in emotions such as happy and neutral", COMPARISON)
STRONG: Final = Quote('strong performance in recognizing "happy" and "neutral" emotions', "Figure 20")
QUOTES: Final = (
    SCRATCH_BEST, TRANSFER_BEST, BETTER_THAN_ALL, IMPROVED, IMPROVES, BENEFITED, OVERFITTING, ITSELF_OVERFITTING,
    WITHOUT, GENERALISES, BECAUSE, CONSUMING, SIMPLER, REASONABLE, STRONG,
)  # fmt: skip


def _accuracy(paper: Facts, name: str, where: str = "table-6") -> Fact:
    return paper[f"{name}.accuracy.{where}"]


def _gap(paper: Facts, name: str) -> float:
    """Training less test accuracy by Table 6, a fraction."""
    return paper[f"{name}.training-accuracy.table-6"].value - _accuracy(paper, name).value


def _gap_line(paper: Facts, name: str) -> str:
    training, tested = paper[f"{name}.training-accuracy.table-6"], _accuracy(paper, name)
    return f"{name}: {percent(training)} − {percent(tested)} = {signed_points(_gap(paper, name))}"


def _both(name: str) -> tuple[str, str]:
    return f"{name}.training-accuracy.table-6", f"{name}.accuracy.table-6"


def two_winners(paper: Facts) -> Iterator[Finding]:
    """Table 6 and the sections rank scratch and transfer differently, and so do the conclusions."""
    pairs = {
        where: (_accuracy(paper, "vgg16-scratch", where), _accuracy(paper, "vgg16-transfer", where))
        for where in ("table-6", "text")
    }
    lines = [
        f"{scratch.place} and {transfer.place}: scratch {percent(scratch)}, transfer {percent(transfer)}, "
        f"{signed_points(scratch.value - transfer.value)}"
        for scratch, transfer in pairs.values()
    ]
    signs = {
        (scratch.value > transfer.value) - (scratch.value < transfer.value) for scratch, transfer in pairs.values()
    }
    if len(signs) > 1:
        (table_scratch, table_transfer), (scratch, transfer) = pairs.values()
        yield Finding(
            name="scratch-wins-and-transfer-wins",
            grade="contradictory",
            weight=3,
            statement=f"Table 6 has scratch ahead of transfer, {percent(table_scratch)} to {percent(table_transfer)}; "
            f"the sections on the two models have transfer ahead, {percent(transfer)} to {percent(scratch)}, where "
            f"scratch {BETTER_THAN_ALL}. The paper concludes both: its title and {SCRATCH_BEST}, and {TRANSFER_BEST}.",
            arithmetic="\n".join(lines),
            facts=tuple(fact.name for pair in pairs.values() for fact in pair),
        )


def ranking_by_few_images(paper: Facts) -> Iterator[Finding]:
    """Two runs ranked by less than what another seed, or another page of the paper, would change."""
    scratch, transfer = _accuracy(paper, "vgg16-scratch"), _accuracy(paper, "vgg16-transfer")
    difference = abs(scratch.value - transfer.value)
    if difference >= SEED_SPREAD:
        return
    tested = images(paper, "test")
    text = _accuracy(paper, "vgg16-scratch", "text")
    own = abs(scratch.value - text.value)
    yield Finding(
        name="ranked-by-less-than-a-seed",
        grade="unsupported",
        weight=3,
        statement=f"VGG16 from scratch is ranked above transfer by {points(difference)}, {difference * tested:.0f} of "
        f"{tested:,} images, from one run each. Another seed typically moves such a network by {points(SEED_SPREAD)} "
        f"or more, and the paper's own figures for the scratch run differ by {points(own)}.",
        arithmetic=f"{percent(scratch)} − {percent(transfer)} = {points(difference)}\n"
        f"{points(difference)} of {tested:,} = {difference * tested:.1f} images\n"
        f"{percent(scratch)} ({scratch.place}) − {percent(text)} ({text.place}) = {points(own)}",
        facts=(scratch.name, transfer.name, text.name),
        source=SEED_SOURCE,
    )


def transfer_improves(paper: Facts) -> Iterator[Finding]:
    """The same section gives both figures, and the second is lower."""
    scratch = _accuracy(paper, "vgg16-scratch", "comparison")
    transfer = _accuracy(paper, "vgg16-transfer", "comparison")
    if transfer.value < scratch.value:
        yield Finding(
            name="transfer-improves-to-less",
            grade="contradictory",
            weight=2,
            statement=f"Transfer {IMPROVES}: from {percent(scratch)} to {percent(transfer)}, by the same section.",
            arithmetic=f"{percent(transfer)} − {percent(scratch)} = {signed_points(transfer.value - scratch.value)}",
            facts=(scratch.name, transfer.name),
        )


def fine_tuning_benefited(paper: Facts) -> Iterator[Finding]:
    """The strategy that is said to help most is the worst of both networks."""
    worst = [
        architecture
        for architecture in ARCHITECTURES
        if _accuracy(paper, f"{architecture}-fine-tune").value
        == min(_accuracy(paper, f"{architecture}-{each}").value for each in ("scratch", "transfer", "fine-tune"))
    ]
    if len(worst) == len(ARCHITECTURES):
        tuned = [_accuracy(paper, f"{each}-fine-tune") for each in ARCHITECTURES]
        rows = [_accuracy(paper, name) for name in VARIANTS]
        yield Finding(
            name="fine-tuning-benefited-most",
            grade="contradictory",
            weight=3,
            statement=f"{BENEFITED}, fine-tuning: it is the worst of the three strategies for both networks, "
            f"{listed(percent(fact) for fact in tuned)}.",
            arithmetic="\n".join(f"{fact.subject}: {percent(fact)}" for fact in rows),
            facts=tuple(fact.name for fact in rows),
        )


def resnet50_improved(paper: Facts) -> Iterator[Finding]:
    """Pre-trained weights that are said to have improved ResNet50's accuracy."""
    scratch, transfer = _accuracy(paper, "resnet50-scratch"), _accuracy(paper, "resnet50-transfer")
    if transfer.value < scratch.value:
        yield Finding(
            name="resnet50-improved-to-less",
            grade="contradictory",
            weight=3,
            statement=f"The paper {IMPROVED}: with them it reports {percent(transfer)}, from scratch "
            f"{percent(scratch)}.",
            arithmetic=f"{percent(transfer)} − {percent(scratch)} = {signed_points(transfer.value - scratch.value)}",
            facts=(scratch.name, transfer.name),
        )


def overfitting_lowers_training(paper: Facts) -> Iterator[Finding]:
    """Overfitting raises training accuracy; here it fell farther than the accuracy in question."""
    transfer, tuned = (paper[f"vgg16-{each}.training-accuracy.table-6"] for each in ("transfer", "fine-tune"))
    if tuned.value < transfer.value:
        yield Finding(
            name="overfitting-lowers-training-accuracy",
            grade="unsupported",
            weight=2,
            statement=f"{OVERFITTING}, it says of VGG16's fine-tuning. Overfitting does not lower training accuracy, "
            f"which fell from {percent(transfer)} by transfer to {percent(tuned)}.",
            arithmetic=f"{percent(tuned)} − {percent(transfer)} = {signed_points(tuned.value - transfer.value)}",
            facts=(transfer.name, tuned.name),
        )


def transfer_without_overfitting(paper: Facts) -> Iterator[Finding]:
    """Transfer is said to avoid overfitting; its gap is the larger one, and its own section says that it overfits."""
    scratch, transfer = _gap(paper, "vgg16-scratch"), _gap(paper, "vgg16-transfer")
    if transfer > scratch > 0:
        yield Finding(
            name="transfer-avoids-overfitting",
            grade="contradictory",
            weight=3,
            statement=f"Transfer is said to learn {WITHOUT}, and of its curves {ITSELF_OVERFITTING}. Its gap between "
            f"training and validation is {points(transfer)}, that of scratch {points(scratch)}: "
            f"{transfer / scratch:.1f} times as wide.",
            arithmetic=f"{_gap_line(paper, 'vgg16-scratch')}\n{_gap_line(paper, 'vgg16-transfer')}",
            facts=(*_both("vgg16-scratch"), *_both("vgg16-transfer")),
            source=HISTORY_SOURCE,
        )


def resnet50_generalises(paper: Facts) -> Iterator[Finding]:
    """By the measure used, the models that learned least generalise best."""
    gaps = {name: _gap(paper, name) for name in VARIANTS}
    if gaps["resnet50-scratch"] >= gaps["vgg16-scratch"]:
        return
    better = [name for name, gap in gaps.items() if gap < gaps["resnet50-scratch"]]
    weaker = [name for name in better if _accuracy(paper, name).value < _accuracy(paper, "resnet50-scratch").value]
    if weaker:
        yield Finding(
            name="generalises-by-learning-less",
            grade="unsupported",
            weight=1,
            statement=f"{GENERALISES}, for its gap of {points(gaps['resnet50-scratch'])} against "
            f"{points(gaps['vgg16-scratch'])}. By that measure {_better_still(paper, weaker)}.",
            arithmetic="\n".join(_gap_line(paper, name) for name in VARIANTS),
            facts=tuple(fact for name in VARIANTS for fact in _both(name)),
            source=HISTORY_SOURCE,
        )


def _better_still(paper: Facts, weaker: Sequence[str]) -> str:
    """The model of one answer where there is one among them, which says it best."""
    for name in constant_networks(paper):
        if name in weaker:
            answer = CLASSES[int(paper.confusion(name).sum(axis=0).argmax())]
            gap = f"{100 * _gap(paper, name):.2f}"
            return f"the model that answers {answer} to everything generalises better still (gap {gap})"
    return f"{listed(map(called, weaker))} generalise better still"


def because_of_pretraining(paper: Facts) -> Iterator[Finding]:
    """VGG16 leads without the weights that are said to be why it leads."""
    lead = {
        each: _accuracy(paper, f"vgg16-{each}").value - _accuracy(paper, f"resnet50-{each}").value
        for each in ("scratch", "transfer")
    }
    gain = _accuracy(paper, "vgg16-transfer").value - _accuracy(paper, "vgg16-scratch").value
    if lead["scratch"] > SEED_SPREAD and gain < SEED_SPREAD:
        names = [f"{architecture}-{each}" for each in lead for architecture in ARCHITECTURES]
        yield Finding(
            name="outperforms-without-pretraining",
            grade="unsupported",
            weight=2,
            statement=f"{BECAUSE}, it says. Without them VGG16 leads ResNet50 by {points(lead['scratch'])}, and they "
            f"change its own accuracy by {signed_points(gain)}.",
            arithmetic="\n".join(f"{name}: {percent(_accuracy(paper, name))}" for name in names),
            facts=tuple(_accuracy(paper, name).name for name in names),
        )


def time_consuming_scratch(paper: Facts) -> Iterator[Finding]:
    """Scratch is said to take time, as the others do not; no table has one of them take less."""
    lines: list[str] = []
    named: list[str] = []
    ratios: dict[str, list[float]] = {"table-5": [], "table-6": []}
    for where, found in ratios.items():
        for architecture in ARCHITECTURES:
            scratch = paper[f"{architecture}-scratch.seconds.{where}"]
            for strategy in ("transfer", "fine-tune"):
                other = paper[f"{architecture}-{strategy}.seconds.{where}"]
                found.append(other.value / scratch.value)
                lines.append(f"{scratch.place}, {other.subject}: {other.printed} / {scratch.printed} = {found[-1]:.2f}")
                named += [scratch.name, other.name]
    if min(map(min, ratios.values())) < 1:
        return
    spans = {where: f"{min(found):.2f} to {max(found):.2f}" for where, found in ratios.items()}
    yield Finding(
        name="scratch-is-time-consuming-and-takes-least",
        grade="contradictory",
        weight=2,
        statement=f"Of training from scratch it says that {CONSUMING}. For both networks it took the least time of the "
        f"three: transfer and fine-tuning took {spans['table-5']} times as long in Table 5, {spans['table-6']} in "
        "Table 6.",
        arithmetic="\n".join(lines),
        facts=tuple(dict.fromkeys(named)),
    )


def simpler_architecture(paper: Facts) -> Iterator[Finding]:
    """Simpler by which measure?"""
    vgg16, resnet50 = (VARIANTS[f"{each}-scratch"] for each in ARCHITECTURES)
    accuracies = [_accuracy(paper, variant.name) for variant in (vgg16, resnet50)]
    ratio = forward_flops(vgg16) / forward_flops(resnet50)
    if accuracies[0].value > accuracies[1].value and ratio > 1:
        yield Finding(
            name="simpler-means-more-operations",
            grade="unsupported",
            weight=1,
            statement=f"{SIMPLER}, for {percent(accuracies[0])} against {percent(accuracies[1])}. As we read them "
            f"VGG16 is simpler by parameters ({share(count_parameters(vgg16) / count_parameters(resnet50))}), not by "
            f"operations ({ratio:.1f} times as many).",
            arithmetic="\n".join(
                f"{variant.name}: {forward_flops(variant) / 1e9:.2f} GFLOP forward, "
                f"{count_parameters(variant):,} parameters"
                for variant in (vgg16, resnet50)
            ),
            facts=tuple(fact.name for fact in accuracies),
            source="harness.architectures, default readings",
        )


def _recalls(paper: Facts, name: str) -> Mapping[str, float]:
    matrix = paper.confusion(name)
    return {each: matrix[index, index] / matrix[index].sum() for index, each in enumerate(CLASSES)}


def _confusion_facts(paper: Facts, name: str, *classes: str) -> tuple[str, ...]:
    return tuple(
        fact.name
        for fact in paper.values()
        if fact.subject == name and fact.quantity.removeprefix("confusion-") in classes
    )


def reasonable_in_neutral(paper: Facts) -> Iterator[Finding]:
    """Both networks are said to do fairly well on neutral."""
    names = [name for name in CONFUSIONS if VARIANTS[name].architecture == "resnet50"]
    recalls = {name: _recalls(paper, name)["neutral"] for name in names}
    if max(recalls.values()) >= 1 / len(CLASSES):
        return
    index = CLASSES.index("neutral")
    told = [
        f"{called(name)} gets {paper.confusion(name)[index, index]} of {paper.confusion(name)[index].sum():,} right"
        for name in names
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


def strong_and_weak_classes(paper: Facts) -> Iterator[Finding]:
    """A class that the best model finds better than one that is praised, or worse than one that is lamented."""
    matrix = paper.confusion("vgg16-scratch")
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
    two_winners,
    ranking_by_few_images,
    resnet50_improved,
    transfer_improves,
    fine_tuning_benefited,
    overfitting_lowers_training,
    transfer_without_overfitting,
    resnet50_generalises,
    because_of_pretraining,
    time_consuming_scratch,
    simpler_architecture,
    reasonable_in_neutral,
    strong_and_weak_classes,
)
