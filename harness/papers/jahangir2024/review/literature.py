"""Tables 1 and 4 against the text, against each other, and against what others published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.architectures import count_parameters
from harness.papers.facts import Fact, Facts
from harness.papers.review import Finding, Predicate
from harness.papers.variants import VARIANTS
from harness.papers.wording import (
    Quote,
    listed,
    mention,
    percent,
    points,
    share,
)

OWN: Final = "vgg16-scratch.accuracy.table-6"


@dataclass(frozen=True)
class Published:
    """One accuracy that others published on FER-2013, a fraction, and where."""

    name: str
    accuracy: float
    source: str


RECORDS: Final = (
    Published(
        "a VGG network", 0.7328, "Khaireddin & Chen 2021, arXiv 2105.03588, public test by its own code, usef-kh/fer"
    ),
    Published(
        "ResNet18",
        0.7370,
        "LetheSec/Fer2013-Facial-Emotion-Recognition-Pytorch, private test, chosen on the split that it reports",
    ),
    Published(
        "VGG19",
        0.7311,
        "WuJie1010/Facial-Expression-Recognition.Pytorch, private test, chosen on the split that it reports",
    ),
)
"""Single networks without extra data. With ImageNet weights, as the paper's own transfer: ResMaskingNet, 74.14 %."""
CONTEST: Final = Published(
    "the contest's winner", 0.712, "Tang 2013, arXiv 1306.0239, winner of the 2013 contest, by secondary sources"
)
NULL_MODELS: Final = Published(
    "an ensemble of four null models, its convolutions random", 0.655, "Bergstra & Cox 2013, arXiv 1306.3476"
)
SMALL: Final = Published(
    "mini-XCEPTION",
    0.66,
    "oarriaga/face_classification: README 66 %, last fifth of the csv = these 7,178; about 58,000 parameters",
)
SMALL_PARAMETERS: Final = 58_000
HUMAN: Final = Published("humans", 0.65, "Goodfellow et al. 2013, by secondary sources: 65 ± 5 %")
HUMAN_ERROR: Final = 0.05
KARTHIKEYAN: Final = (
    "Karthikeyan et al., “Emotion Recognition with a Hybrid VGG-ResNet Deep Learning Model”, Salud, Ciencia y "
    "Tecnología – Serie de Conferencias 2024, 3:960, doi 10.56294/sctconf2024960: validation accuracy of VGG16 46.58, "
    "DenseNet 56.11, MobileNet 60.35, hybrid 66.17 %. Its own cite-as line prints the other paper's title"
)
KARTHIKEYAN_VGG16: Final = 0.4658
KARTHIKEYAN_MOBILENET: Final = 0.6035
KARTHIKEYAN_DENSENET: Final = 0.5611

ALL_BETTER: Final = Quote("all the reported methods are better than the estimated human performance", "Discussion")
NEW_STANDARD: Final = Quote("our research not only sets a new standard for val. Accuracy", "Conclusion and Future Work")
BALANCE: Final = Quote("maintaining a balance between accuracy and computational efficiency", "Abstract")
BENCHMARKS: Final = Quote("surpassing benchmarks like ResNet50 and VGGN", "Conclusion and Future Work")
SUMMARY: Final = Quote("Summary of previously reported accuracies for the fer-2013 dataset", "Table 1")
EEG: Final = Quote("Augmentation of Electroencephalogram Data", "References")
OXFORD: Final = Quote("was evolved at the University of Oxford as shown in Figure 4 [20]", "Model Architectures")
GADDAM: Final = Quote("Using the ResNet50 architecture, Gaddam et al.", "Literature Review")
QUOTES: Final = (ALL_BETTER, NEW_STANDARD, BALANCE, BENCHMARKS, SUMMARY, EEG, OXFORD, GADDAM)

CONTEST_REFERENCE: Final = 20
"""In the paper's list: the report on the contest, Goodfellow et al."""
WITHOUT_A_ROW: Final = ("mtcnn-9", "cnn-11")
"""Works of which the text reports an accuracy on FER-2013, and Table 1 has no row."""
OF_UNNAMED_DATA: Final = ("cnn-7", "convnet3-14")
"""The same, but the text does not say on which data."""


def _table(paper: Facts, where: str) -> list[Fact]:
    """Accuracies of others in Table 1 or 4."""
    return [
        fact
        for fact in paper.values()
        if fact.subject == "literature" and fact.where == where and fact.unit == "percent"
    ]


def _method(fact: Fact) -> str:
    """What a table calls it: `VGGNET [16]`."""
    return fact.quote.partition("]")[0] + "]"


def _lines(facts: Sequence[Fact]) -> str:
    return "\n".join(f"{fact.quantity} ({fact.place}): {percent(fact)}" for fact in facts)


def not_all_above_humans(paper: Facts) -> Iterator[Finding]:
    """Rows of Table 4 below the human accuracy that stands above it."""
    human, own = paper["literature.human.discussion"], paper["vgg16-scratch.accuracy.table-4"]
    rows = [*_table(paper, "table-4"), own]
    below = [fact for fact in rows if fact.value < human.value]
    mine = [fact for fact in (paper[f"{name}.accuracy.table-6"] for name in VARIANTS) if fact.value < human.value]
    if below:
        yield Finding(
            name="better-than-human-is-not",
            grade="contradictory",
            weight=3,
            statement=f"Above Table 4: {ALL_BETTER}, {percent(human)}. {len(below)} of its {len(rows)} rows lie below, "
            f"{listed(percent(fact) for fact in below)}, and so do {len(mine)} of the paper's six models.",
            arithmetic=f"human: {percent(human)}\n{_lines(rows)}\nbelow, of this work: "
            + ", ".join(f"{fact.subject} {percent(fact)}" for fact in mine),
            facts=(human.name, *(fact.name for fact in rows), *(fact.name for fact in mine)),
        )


def within_the_human_error(paper: Facts) -> Iterator[Finding]:
    """The lead over people is smaller than what is known of people."""
    human, own = paper["literature.human.introduction"], paper[OWN]
    lead = own.value - human.value
    if not 0 < lead < HUMAN_ERROR:
        return
    yield Finding(
        name="human-accuracy-without-its-error",
        grade="unsupported",
        weight=3,
        statement=f"{percent(own)} is called better than humans at {percent(human)}, cited from [6]. The usual figure "
        f"is {share(HUMAN.accuracy)} ± {share(HUMAN_ERROR)}; a lead of {points(lead)} lies within it.",
        arithmetic="\n".join(
            [
                f"{percent(own)} − {percent(human)} = {points(lead)} < {points(HUMAN_ERROR)}",
                *(
                    [
                        f"{percent(human)} is the same figure as that of {NULL_MODELS.name}, in the same contest: "
                        f"{NULL_MODELS.source}"
                    ]
                    if human.value == NULL_MODELS.accuracy
                    else []
                ),
            ]
        ),
        facts=(own.name, human.name),
        source=HUMAN.source,
    )


def no_new_standard(paper: Facts) -> Iterator[Finding]:
    """Single networks without extra data that were published before 2024 and are better."""
    own = paper[OWN]
    better = [each for each in RECORDS if each.accuracy > own.value]
    if not better:
        return
    best = max(better, key=lambda each: each.accuracy)
    held = [*better, *([CONTEST] if CONTEST.accuracy > own.value else [])]
    contest = (
        f", and the winner of the contest of 2013, whose report is the paper's reference [{CONTEST_REFERENCE}], "
        f"{share(CONTEST.accuracy, 1)}"
        if CONTEST in held
        else ""
    )
    yield Finding(
        name="no-new-standard",
        grade="contradictory",
        weight=3,
        statement=f"{NEW_STANDARD}: {percent(own)}. On halves of the same test images single networks without extra "
        f"data had reached up to {share(best.accuracy, 1)}, {points(best.accuracy - own.value)} more{contest}. Tables "
        "1 and 4 name none of them.",
        arithmetic="\n".join(
            f"{each.name}: {share(each.accuracy, 2)}, {points(each.accuracy - own.value)} above" for each in held
        ),
        facts=(own.name,),
        source="; ".join(f"{each.name}: {each.source}" for each in held),
    )


def small_network(paper: Facts) -> Iterator[Finding]:
    """How little a much smaller network lacks."""
    own = paper[OWN]
    lead = own.value - SMALL.accuracy
    if not 0 < lead < 0.02:
        return
    parameters = count_parameters(VARIANTS["vgg16-scratch"])
    yield Finding(
        name="little-for-its-size",
        grade="unsupported",
        weight=2,
        statement=f"{BALANCE}: {percent(own)} with {parameters / 1e6:.1f} million parameters, as we read Table 3. "
        f"{SMALL.name} reaches {share(SMALL.accuracy)} with {SMALL_PARAMETERS:,} on the same images; "
        f"the rest, {points(lead)}, costs {parameters / SMALL_PARAMETERS:.0f} times as many parameters.",
        arithmetic=f"{parameters:,} / {SMALL_PARAMETERS:,} = {parameters / SMALL_PARAMETERS:.1f}\n"
        f"{percent(own)} − {share(SMALL.accuracy)} = {points(lead)}",
        facts=(own.name,),
        source=f"{SMALL.name}: {SMALL.source}",
    )


def weak_benchmarks(paper: Facts) -> Iterator[Finding]:
    """Table 4 compares with fewer of the rivals than Table 1, and not with the best."""
    own = paper["vgg16-scratch.accuracy.table-4"]
    first, fourth = _table(paper, "table-1"), _table(paper, "table-4")
    best, shown = (max(rows, key=lambda fact: fact.value) for rows in (first, fourth))
    named = paper["literature.resnet50-16.conclusion"]
    if best.value > shown.value or named.value < best.value:
        yield Finding(
            name="benchmark-named-is-not-the-best",
            grade="unsupported",
            weight=2,
            statement=f"{BENCHMARKS}: the conclusion measures itself against {percent(named)}, a lead of "
            f"{points(own.value - named.value)}. Table 1's best rival has {percent(best)}, a lead of "
            f"{points(own.value - best.value)}; Table 4 stops at {percent(shown)}.",
            arithmetic=_lines([*first, *fourth]),
            facts=tuple(fact.name for fact in (own, named, best, shown)),
        )


def vggn_of_the_conclusion(paper: Facts) -> Iterator[Finding]:
    """The conclusion gives two networks one accuracy; the tables give them two."""
    named = paper["literature.resnet50-16.conclusion"]
    rows = [paper["literature.resnet50-16.table-4"], paper["literature.vggnet-16.table-4"]]
    wrong = [fact for fact in rows if fact.value != named.value]
    if wrong:
        yield Finding(
            name="two-networks-one-accuracy",
            grade="contradictory",
            weight=1,
            statement=f"The conclusion gives {percent(named)} to “ResNet50 and VGGN”; Table 4 has "
            f"{listed(f'{_method(fact)} at {percent(fact)}' for fact in wrong)}.",
            arithmetic=_lines([named, *rows]),
            facts=(named.name, *(fact.name for fact in rows)),
        )


def densenet_is_a_resnet50(paper: Facts) -> Iterator[Finding]:
    """[12] by name in the table and in the text."""
    table, text = paper["literature.densenet-12.table-1"], paper["literature.resnet50-12.text"]
    own = paper["resnet50-scratch.accuracy.table-6"]
    if table.value == text.value:
        yield Finding(
            name="densenet-12-is-a-resnet50",
            grade="contradictory",
            weight=1,
            statement=f"Table 1's “Dense Net [12]” with {percent(table)} is a ResNet50 by the text: {GADDAM}, "
            f"{percent(text)} in testing. By its right name it would stand beside the paper's own, "
            f"{percent(own)}.",
            arithmetic=_lines([table, text, own]),
            facts=(table.name, text.name, own.name),
        )


def vgg16_is_a_cnn(paper: Facts) -> Iterator[Finding]:
    """[6] by name in the table and in the text."""
    table, text = paper["literature.vgg16-6.table-1"], paper["literature.cnn-6.text"]
    if table.value == text.value:
        human = paper["literature.human.introduction"]
        yield Finding(
            name="vgg16-6-is-some-cnn",
            grade="unsupported",
            weight=1,
            statement=f"Table 1's “VGG16 [6]” with {percent(table)} is no more than “CNN-based” in the text; "
            f"the same [6] is given for the human {percent(human)}.",
            arithmetic=_lines([table, text, human]),
            facts=(table.name, text.name, human.name),
        )


def rows_of_another_paper(paper: Facts) -> Iterator[Finding]:
    """Two rows whose figures are those of a paper that is not cited."""
    vgg16, densenet = paper["literature.vgg16-17.table-1"], paper["literature.densenet-16.table-1"]
    if vgg16.value == KARTHIKEYAN_VGG16:
        yield Finding(
            name="vgg16-17-cites-an-eeg-paper",
            grade="contradictory",
            weight=1,
            statement=f"Table 1's “Vgg16 [17]” with {percent(vgg16)} cites a paper on autism, {EEG}. The figure is "
            "VGG16's in another paper of the same journal, not in the reference list, whose own cite-as line has the "
            "wrong title: so the slip may be the journal's.",
            arithmetic=f"{mention(vgg16)} = {share(KARTHIKEYAN_VGG16, 2)}",
            facts=(vgg16.name,),
            source=KARTHIKEYAN,
        )
    if densenet.value == KARTHIKEYAN_MOBILENET:
        yield Finding(
            name="densenet-16-is-a-mobilenet",
            grade="contradictory",
            weight=1,
            statement=f"Table 1's “Dense Net [16]” with {percent(densenet)} equals a MobileNet's figure in the uncited "
            f"paper behind “Vgg16 [17]”; its DenseNet has {share(KARTHIKEYAN_DENSENET, 2)}. In the text [16] tries no "
            "DenseNet, and Table 4 drops the row.",
            arithmetic=f"{mention(densenet)} = {share(KARTHIKEYAN_MOBILENET, 2)}",
            facts=(densenet.name,),
            source=KARTHIKEYAN,
        )


def left_out_of_table_1(paper: Facts) -> Iterator[Finding]:
    """Works that the text reports and the summary leaves out."""
    rows = {fact.value for fact in _table(paper, "table-1")}
    missing = [fact for each in WITHOUT_A_ROW if (fact := paper.headline("literature", each)).value not in rows]
    if not missing:
        return
    unnamed = [paper.headline("literature", quantity) for quantity in OF_UNNAMED_DATA]
    yield Finding(
        name="table-1-leaves-out",
        grade="unsupported",
        weight=1,
        statement=f"{SUMMARY} has no row for works whose accuracy on FER-2013 the text reports: "
        f"{listed(percent(fact) for fact in missing)}.",
        arithmetic=f"{_lines(missing)}\non data that the text does not name:\n{_lines(unnamed)}",
        facts=tuple(fact.name for fact in (*missing, *unnamed)),
    )


def reference_20(paper: Facts) -> Iterator[Finding]:
    """What [20] is, and what it is cited for."""
    cited, human = paper["vgg16.reference.text"], paper["literature.human.introduction"]
    human_from = paper["literature.human-reference.introduction"]
    if cited.value == CONTEST_REFERENCE != human_from.value:
        yield Finding(
            name="reference-20-misused",
            grade="contradictory",
            weight=1,
            statement=f"{OXFORD}: [{cited.printed}] is no source of VGG but the report on the contest for which "
            "FER-2013 was made, and what the literature cites for human accuracy, "
            f"{share(HUMAN.accuracy)} ± {share(HUMAN_ERROR)}. For that the paper cites "
            f"[{human_from.printed}], with {percent(human)}.",
            arithmetic=f"[{cited.printed}]: Goodfellow et al., Challenges in representation learning\n"
            f"[{human_from.printed}]: {percent(human)} for people",
            facts=(cited.name, human_from.name, human.name),
            source=f"{HUMAN.source}; the paper's reference [{CONTEST_REFERENCE}]",
        )


PREDICATES: tuple[Predicate, ...] = (
    not_all_above_humans,
    within_the_human_error,
    no_new_standard,
    small_network,
    weak_benchmarks,
    vggn_of_the_conclusion,
    densenet_is_a_resnet50,
    vgg16_is_a_cnn,
    rows_of_another_paper,
    left_out_of_table_1,
    reference_20,
)
