"""Conclusions that the paper's own numbers do not bear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.architectures import count_parameters, forward_flops
from harness.data.dataset import CLASSES
from harness.judging.audit import Finding, Predicate
from harness.judging.throughput import images
from harness.judging.wording import Quote, listed, percent, points, share, signed_points
from harness.paper.facts import CONFUSIONS, Fact, Facts
from harness.variants import VARIANTS, Architecture

ARCHITECTURES: Final[tuple[Architecture, ...]] = ("vgg16", "resnet50")
SEED_SPREAD: Final = 0.004
"""Fraction: the least that accuracies of such networks differ by seed alone (standard deviation)."""
SEED_SOURCE: Final = "spread over seeds that is usual for such networks, standard deviation 0.4 to 0.7 points"
HISTORY_SOURCE: Final = (
    "Keras reports training accuracy on augmented pictures, with dropout on and weights still moving: a gap to the "
    "test accuracy is no measure of generalisation by itself"
)

COMPARISON: Final = "Comparison of VGG16 and Res Net 50"
SCRATCH_BEST: Final = Quote("training from scratch may still be necessary for specialized feature learning", "Abstract")
TRANSFER_BEST: Final = Quote("VGG16 results prove that transfer learning is the best approach", COMPARISON)
IMPROVES: Final = Quote("improves the training accuracy as well as the validation accuracy", COMPARISON)
BENEFITED: Final = Quote("Emotion categorization benefited most from this method", "Materials and Methods")
SLIGHT: Final = Quote("fine-tuning produced a slight reduction in performance", "Abstract")
OVERFITTING: Final = Quote("This decline may have been caused by overfitting", COMPARISON)
WITHOUT: Final = Quote("without overfitting as would be the case if training from scratch", COMPARISON)
GENERALISES: Final = Quote("ResNet50 might have a slightly better generalization", COMPARISON)
BECAUSE: Final = Quote("because of the use of pre-trained weights, VGG16 outperforms", COMPARISON)
RAPID: Final = Quote("transfer learning and fine-tuning offer rapid convergence", "Abstract")
QUICKER: Final = Quote("convergence was quicker, and generalization was better", "Materials and Methods")
SIMPLER: Final = Quote("simpler architectures can navigate it effectively", "Conclusion and Future Work")
REASONABLE: Final = Quote("fairly reasonable performances in emotions such as happy and neutral", COMPARISON)
STRONG: Final = Quote('strong performance in recognizing "happy" and "neutral" emotions', "Figure 20")
CHALLENGING: Final = Quote(
    "These results highlight the challenges in adapting the model for emotion recognition", "Res Net50 with Fine-Tuning"
)
QUOTES: Final = (
    SCRATCH_BEST, TRANSFER_BEST, IMPROVES, BENEFITED, SLIGHT, OVERFITTING, WITHOUT, GENERALISES, BECAUSE, RAPID,
    QUICKER, SIMPLER, REASONABLE, STRONG, CHALLENGING,
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
            f"the sections on the two models have transfer ahead, {percent(transfer)} to {percent(scratch)}. The paper "
            f"concludes both: its title and {SCRATCH_BEST}, and {TRANSFER_BEST}.",
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
        f"{tested:,} images, from one run each. Another seed moves such a network by {points(SEED_SPREAD)} or more, "
        f"and the paper's own figures for the scratch run differ by {points(own)}.",
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


def slight_reduction(paper: Facts) -> Iterator[Finding]:
    """The abstract's loss by fine-tuning against that of Table 6."""
    abstract, table = _accuracy(paper, "vgg16-fine-tune", "abstract"), _accuracy(paper, "vgg16-fine-tune")
    scratch = _accuracy(paper, "vgg16-scratch")
    said, printed = scratch.value - abstract.value, scratch.value - table.value
    if printed > 2 * said:
        yield Finding(
            name="fine-tuning-slight-reduction",
            grade="contradictory",
            weight=3,
            statement=f"{SLIGHT}, to {percent(abstract)}; Table 6 has {percent(table)}. The loss against scratch is "
            f"{points(printed)}, not {points(said)}.",
            arithmetic=f"{percent(scratch)} − {percent(abstract)} = {points(said)}\n"
            f"{percent(scratch)} − {percent(table)} = {points(printed)}",
            facts=(abstract.name, table.name, scratch.name),
        )


def overfitting_without_a_gap(paper: Facts) -> Iterator[Finding]:
    """Overfitting is training accuracy above test accuracy."""
    name = "vgg16-fine-tune"
    if _gap(paper, name) < 0:
        yield Finding(
            name="overfitting-below-validation",
            grade="contradictory",
            weight=2,
            statement=f"{OVERFITTING}, it says of VGG16's fine-tuning. Its training accuracy, "
            f"{percent(paper[_both(name)[0]])}, is lower than its validation accuracy, "
            f"{percent(_accuracy(paper, name))}: the model underfits.",
            arithmetic=_gap_line(paper, name),
            facts=_both(name),
            source=HISTORY_SOURCE,
        )


def transfer_without_overfitting(paper: Facts) -> Iterator[Finding]:
    """Transfer is said to avoid overfitting; its gap is the larger one."""
    scratch, transfer = _gap(paper, "vgg16-scratch"), _gap(paper, "vgg16-transfer")
    if transfer > scratch > 0:
        yield Finding(
            name="transfer-avoids-overfitting",
            grade="contradictory",
            weight=3,
            statement=f"Transfer is said to learn {WITHOUT}. Its gap between training and validation is "
            f"{points(transfer)}, that of scratch {points(scratch)}: {transfer / scratch:.1f} times as wide.",
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
            f"{points(gaps['vgg16-scratch'])}. By that measure {listed(weaker)} generalise better still, at "
            f"{listed(percent(_accuracy(paper, name)) for name in weaker)}: who learns less has a smaller gap.",
            arithmetic="\n".join(_gap_line(paper, name) for name in VARIANTS),
            facts=tuple(fact for name in VARIANTS for fact in _both(name)),
            source=HISTORY_SOURCE,
        )


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
            grade="contradictory",
            weight=2,
            statement=f"{BECAUSE}, it says. Without them VGG16 leads ResNet50 by {points(lead['scratch'])}, and they "
            f"change its own accuracy by {signed_points(gain)}: they explain ResNet50's fall, not VGG16's lead.",
            arithmetic="\n".join(f"{name}: {percent(_accuracy(paper, name))}" for name in names),
            facts=tuple(_accuracy(paper, name).name for name in names),
        )


def rapid_convergence(paper: Facts) -> Iterator[Finding]:
    """No table has a pre-trained run that took less time than its network from scratch."""
    lines: list[str] = []
    named: list[str] = []
    ratios: list[float] = []
    for where in ("table-5", "table-6"):
        for architecture in ARCHITECTURES:
            scratch = paper[f"{architecture}-scratch.seconds.{where}"]
            for strategy in ("transfer", "fine-tune"):
                other = paper[f"{architecture}-{strategy}.seconds.{where}"]
                ratios.append(other.value / scratch.value)
                lines.append(
                    f"{scratch.place}, {other.subject}: {other.printed} / {scratch.printed} = {ratios[-1]:.2f}"
                )
                named += [scratch.name, other.name]
    run, planned = paper["vgg16-scratch.epochs-run.text"], paper["vgg16-transfer.epochs.text"]
    if min(ratios) > 1:
        yield Finding(
            name="rapid-convergence-takes-longer",
            grade="contradictory",
            weight=3,
            statement=f"{RAPID}; {QUICKER}. In Tables 5 and 6 every transfer and fine-tuning run took longer than its "
            f"network from scratch, up to {max(ratios):.1f} times; VGG16 from scratch stopped after {run.printed} "
            f"epochs, its transfer used {planned.printed}. Curves against epochs are not compared.",
            arithmetic="\n".join(lines),
            facts=(*dict.fromkeys(named), run.name, planned.name),
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
            statement=f"{SIMPLER}, for {percent(accuracies[0])} against {percent(accuracies[1])}. The network from "
            f"scratch that won takes {ratio:.1f} times the operations of the one that lost and "
            f"{share(count_parameters(vgg16) / count_parameters(resnet50))} of its parameters; nothing else was tried.",
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
        f"{name} gets {paper.confusion(name)[index, index]} of {paper.confusion(name)[index].sum():,} right"
        for name in names
    ]
    yield Finding(
        name="neutral-is-reasonable-for-both",
        grade="contradictory",
        weight=2,
        statement=f"Both models are said to have {REASONABLE}. Of the neutral images {' and '.join(told)}, less than "
        "guessing; ResNet50's third matrix cannot be read.",
        arithmetic="\n".join(f"{name}, neutral: recall {share(recall, 1)}" for name, recall in recalls.items()),
        facts=tuple(fact for name in names for fact in _confusion_facts(paper, name, "neutral")),
    )


def strong_and_weak_classes(paper: Facts) -> Iterator[Finding]:
    """Which classes the best model really finds, and which it misses."""
    recalls = _recalls(paper, "vgg16-scratch")
    order = sorted(recalls, key=lambda each: -recalls[each])
    if set(order[:2]) == {"happy", "neutral"} and set(order[-2:]) == {"disgust", "fear"}:
        return
    yield Finding(
        name="strong-and-weak-classes-misread",
        grade="contradictory",
        weight=1,
        statement=f"Figure 20's model is said to show {STRONG} and to struggle with disgust and fear. By recall its "
        f"two best classes are {listed(f'{each} ({share(recalls[each], 1)})' for each in order[:2])}, its two worst "
        f"{listed(f'{each} ({share(recalls[each], 1)})' for each in order[-2:])}.",
        arithmetic="\n".join(f"{each}: recall {share(recalls[each], 1)}" for each in order),
        facts=_confusion_facts(paper, "vgg16-scratch", *CLASSES),
    )


def majority_class(paper: Facts) -> Iterator[Finding]:
    """Runs that reach no more than the commonest class does, in training and in testing."""
    happy = {split: paper[f"dataset.{split}-happy.table-2"] for split in ("training", "test")}
    base = {split: fact.value / images(paper, split) for split, fact in happy.items()}
    for name in VARIANTS:
        training, tested = (paper[fact] for fact in _both(name))
        if abs(training.value - base["training"]) < SEED_SPREAD and abs(tested.value - base["test"]) < SEED_SPREAD:
            yield Finding(
                name=f"{name}-learned-nothing",
                grade="unsupported",
                weight=3,
                statement=f"Answering happy always scores {share(base['training'], 2)} in training and "
                f"{share(base['test'], 2)} in testing; {name} reports {percent(training)} and {percent(tested)}. What "
                f"failed to train cannot be compared: {CHALLENGING} reads a fault as a result.",
                arithmetic="\n".join(
                    f"{split}: {fact.value:,.0f} / {images(paper, split):,} = {share(base[split], 2)}"
                    for split, fact in happy.items()
                ),
                facts=(training.name, tested.name, *(fact.name for fact in happy.values())),
                source="ImageNet weights of keras.applications expect BGR minus the mean, the paper divides by 255: "
                "a likely cause",
            )


PREDICATES: tuple[Predicate, ...] = (
    two_winners,
    ranking_by_few_images,
    transfer_improves,
    fine_tuning_benefited,
    slight_reduction,
    overfitting_without_a_gap,
    transfer_without_overfitting,
    resnet50_generalises,
    because_of_pretraining,
    rapid_convergence,
    simpler_architecture,
    reasonable_in_neutral,
    strong_and_weak_classes,
    majority_class,
)
