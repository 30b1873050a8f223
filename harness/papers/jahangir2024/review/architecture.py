"""Table 3 and the text about the networks, recomputed from the lists of layers of each reading."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from harness.architectures import (
    Layer,
    count_parameters,
    forward_flops,
    layers,
)
from harness.papers.finding import Finding
from harness.papers.paper import Paper, Predicate
from harness.papers.wording import Quote, listed
from harness.variant import HeadLayer, Variant

TABLE_3: Final = "vgg16-scratch"
BLOCKS: Final = "how many convolutional blocks"
"""The question whose readings differ in what Table 3 leaves open."""
CONVOLUTIONS: Final = 13
DENSE: Final = 3
"""Of VGG16. Source: Simonyan & Zisserman 2015, table 1, column D; the paper says the same in words."""
IMAGENET_CLASSES: Final = 1000
VGG_SOURCE: Final = "Simonyan & Zisserman 2015, table 1, column D: 13 convolutions and 3 dense layers"

REDUCED: Final = Quote("all the photos were reduced in size from 48x48 to 224x224", "Data Preprocessing")
MORE: Final = Quote(
    "ResNet50 needs more computations especially when fine-tuning than VGG16", "Training Time Comparison"
)
LESS: Final = Quote("which is much less than VGG16", "Model Architectures")
PROPOSED: Final = Quote("Number of parameters for the Proposed VGG16 model", "Table 3")
QUOTES: Final = (REDUCED, MORE, LESS, PROPOSED)


def _readings(paper: Paper) -> dict[str, Variant]:
    """Table 3's possible networks by the name of the reading."""
    named = [reading.name for reading in paper.readings[TABLE_3] if reading.question == BLOCKS]
    return {name: paper.find_variant(f"{TABLE_3}@{name}") for name in named}


def _by_name(variant: Variant) -> Mapping[str, Layer]:
    return {layer.name: layer for layer in layers(variant)}


def rows_of_kind(paper: Paper, kind: str) -> tuple[str, ...]:
    """Names of Table 3's rows of a kind, `conv` or `pool`, in its order and without its repetition."""
    return tuple(fact.where for fact in paper.facts.mentions(TABLE_3, "parameters") if f"_{kind}" in fact.where)


def rows_of_table_3(paper: Paper) -> Iterator[Finding]:
    """Convolutions and pools whose shape or number of parameters is not that of the layer of this name."""
    known = _by_name(paper.find_variant(f"{TABLE_3}@five-blocks"))  # holds the rows of all readings
    wrong: list[str] = []
    names: list[str] = []
    for row in (*rows_of_kind(paper, "conv"), *rows_of_kind(paper, "pool")):
        shape = paper.facts[f"{TABLE_3}.output-shape.{row}"]
        parameters = paper.facts[f"{TABLE_3}.parameters.{row}"]
        layer = known[row]
        if tuple(map(int, shape.values)) != layer.output_shape:
            wrong.append(f"{row}: shape ({shape.printed}), computed {layer.output_shape}")
            names.append(shape.name)
        if parameters.value != layer.parameters:
            wrong.append(f"{row}: {parameters.value:,.0f} parameters, computed {layer.parameters:,}")
            names.append(parameters.name)
    if wrong:
        yield Finding(
            name="table-3-rows-of-other-layers",
            grade="contradictory",
            weight=2,
            statement=f"Table 3 prints rows that VGG16's layers of these names do not have: {'; '.join(wrong)}.",
            arithmetic="\n".join(wrong),
            facts=tuple(names),
            source=VGG_SOURCE,
        )


def flatten_row(paper: Paper) -> Iterator[Finding]:
    """Flatten takes what the row before it leaves; which number of blocks leaves that many?"""
    flatten = paper.facts[f"{TABLE_3}.output-shape.flatten"]
    last = paper.facts.mentions(TABLE_3, "output-shape")
    before = last[[fact.where for fact in last].index("flatten") - 1]
    features = math.prod(before.values)
    if features == flatten.value:
        return
    fits = [
        name.replace("-", " ") for name, variant in _readings(paper).items() if _flattened(variant) == flatten.value
    ]
    lines = [f"{before.where}: {' × '.join(f'{value:.0f}' for value in before.values)} = {features:,.0f}"]
    lines += [f"{name}: Flatten takes {_flattened(variant):,}" for name, variant in _readings(paper).items()]
    verdict = f"Of VGG16 with three, four or five blocks only {listed(fits)} fit" if fits else "No reading fits"
    yield Finding(
        name="table-3-flatten-does-not-follow",
        grade="contradictory",
        weight=2,
        statement=f"In Table 3 Flatten of {flatten.value:,.0f} follows {before.where}, which leaves {features:,.0f}. "
        f"{verdict}; the rows in between, convolutions and pools, are not printed.",
        arithmetic="\n".join(lines),
        facts=(flatten.name, before.name),
        source="shapes of harness.architectures for each reading of Table 3",
    )


def _flattened(variant: Variant) -> int:
    return math.prod(_by_name(variant)["flatten1"].output_shape)


def dense_rows(paper: Paper) -> Iterator[Finding]:
    """A dense layer has inputs × units + units parameters; which rows have?"""
    flatten = paper.facts[f"{TABLE_3}.output-shape.flatten"]
    wrong: list[str] = []
    names: list[str] = []
    inputs = flatten.value
    for units in (64, 32, 7):
        fact = paper.facts[f"{TABLE_3}.parameters.dense-{units}"]
        expected = inputs * units + units
        line = f"dense layer of {units}: ({inputs:,.0f} + 1) × {units} = {expected:,.0f}, printed {fact.value:,.0f}"
        if fact.value != expected:
            wrong.append(f"{line} = {fact.value / units:,.0f} × {units}")
            names.append(fact.name)
        inputs = float(units)
    if not wrong:
        return
    by_reading = [
        f"{name}: {_by_name(variant)['dense1'].parameters:,} parameters after Flatten of {_flattened(variant):,}"
        for name, variant in _readings(paper).items()
    ]
    yield Finding(
        name="table-3-dense-fits-no-flatten",
        grade="contradictory",
        weight=2,
        statement=f"Table 3's dense layers do not follow from its Flatten: {'; '.join(wrong)}. No number of "
        "convolutional blocks leads there, so the table is no summary of one network that was built.",
        arithmetic="\n".join([*wrong, *by_reading]),
        facts=(flatten.name, *names),
        source="parameters of harness.architectures for each reading of Table 3",
    )


def not_vgg16(paper: Paper) -> Iterator[Finding]:
    """VGG16 is named for its sixteen layers with weights; how many does the table print?"""
    convolutions = [paper.facts[f"{TABLE_3}.parameters.{row}"] for row in rows_of_kind(paper, "conv")]
    dense = paper.facts.mentions(TABLE_3, "dense-units")
    if (len(convolutions), len(dense)) == (CONVOLUTIONS, DENSE):
        return
    counts = {name: _counts(variant) for name, variant in _readings(paper).items()}
    flatten = paper.facts[f"{TABLE_3}.output-shape.flatten"]
    implied = [counts[name] for name, variant in _readings(paper).items() if _flattened(variant) == flatten.value]
    more = f"; with the rows that its Flatten of {flatten.value:,.0f} implies, {implied[0][0]}" if implied else ""
    yield Finding(
        name="table-3-is-not-vgg16",
        grade="contradictory",
        weight=2,
        statement=f"{PROPOSED}: {len(convolutions)} convolutions and {len(dense)} dense layers are printed{more}. "
        f"VGG16 has {CONVOLUTIONS} and {DENSE}, the 16 of its name; what was trained is a shorter network.",
        arithmetic="\n".join(
            [
                f"printed: {', '.join(f'{fact.where} {fact.value:,.0f}' for fact in convolutions)}",
                f"printed: {', '.join(f'dense {fact.value:.0f}' for fact in dense)}",
                *(
                    f"{name}: {convolved} convolutions, {full} dense layers"
                    for name, (convolved, full) in counts.items()
                ),
            ]
        ),
        facts=tuple(fact.name for fact in (*convolutions, *dense, flatten)),
        source=VGG_SOURCE,
    )


def _counts(variant: Variant) -> tuple[int, int]:
    """Convolutions and dense layers."""
    kinds = [layer.kind for layer in layers(variant)]
    return kinds.count("convolution"), kinds.count("dense")


def parameters_of_others(paper: Paper) -> Iterator[Finding]:
    """The text compares the sizes of two ImageNet networks; those that were trained compare the other way round."""
    vgg16, resnet50 = paper.facts["vgg16.parameters.text"], paper.facts["resnet50.parameters.text"]
    if vgg16.value <= resnet50.value:
        return
    trained = {name: count_parameters(paper.variants[name]) for name in paper.reported}
    pairs = [(f"vgg16-{each}", f"resnet50-{each}") for each in ("scratch", "transfer", "fine-tune")]
    if not all(trained[small] < trained[large] for small, large in pairs):
        return
    yield Finding(
        name="parameter-counts-of-other-networks",
        grade="unsupported",
        weight=1,
        statement=f"The text gives VGG16 {vgg16.printed} million parameters and ResNet50 {resnet50.printed}, {LESS}. "
        "These are ImageNet's networks with classifiers; VGG16 is the smaller of those trained here, as we read them, "
        "by strategy: "
        + "; ".join(f"{trained[small] / 1e6:.1f} to {trained[large] / 1e6:.1f} million" for small, large in pairs)
        + ".",
        arithmetic="\n".join(
            [
                *(f"{name}: {count:,}" for name, count in trained.items()),
                f"VGG16 with two dense layers of 4,096 and 1,000 classes: {_imagenet_parameters(paper):,}",
            ]
        ),
        facts=(vgg16.name, resnet50.name),
        source="parameters of harness.architectures for each variant in its default reading",
    )


def _imagenet_parameters(paper: Paper) -> int:
    """Of the VGG16 that the text describes: two dense layers of 4,096 units, then ImageNet's classes."""
    head = (HeadLayer("flatten"), HeadLayer("dense", 4096), HeadLayer("dense", 4096))
    built = layers(replace(paper.variants["vgg16-transfer"], head=head))
    logits = built[-1]
    (classes,) = logits.output_shape
    return sum(layer.parameters for layer in built[:-1]) + logits.parameters // classes * IMAGENET_CLASSES


def enlarged(paper: Paper) -> Iterator[Finding]:
    """A reduction that makes the pictures larger."""
    source, target = paper.facts["dataset.image-size.preprocessing"], paper.facts["preprocessing.input-size.text"]
    before, after = math.prod(source.values), math.prod(target.values)
    if after > before:
        yield Finding(
            name="reduced-means-enlarged",
            grade="contradictory",
            weight=1,
            statement=f"{REDUCED}: that is an enlargement, {after / before:.1f} times as many pixels, "
            f"and all that they add is interpolated.",
            arithmetic=f"{target.printed} / {source.printed} = {after:,.0f} / {before:,.0f} = {after / before:.2f}",
            facts=(source.name, target.name),
        )


def more_computations(paper: Paper) -> Iterator[Finding]:
    """Operations of both networks at the size to which the paper enlarges."""
    target = paper.facts["preprocessing.input-size.text"]
    size = int(target.values[0])
    flops = {
        name: forward_flops(replace(paper.variants[f"{name}-transfer"], input_size=size))
        for name in ("vgg16", "resnet50")
    }
    ratio = flops["vgg16"] / flops["resnet50"]
    if ratio <= 1:
        return
    yield Finding(
        name="vgg16-takes-more-computations",
        grade="contradictory",
        weight=3,
        statement=f"{MORE} is the wrong way round: at {size}×{size} VGG16 takes {flops['vgg16'] / 1e9:.1f} GFLOP a "
        f"forward pass, ResNet50 {flops['resnet50'] / 1e9:.1f}; VGG16 needs {ratio:.1f} times the operations.",
        arithmetic="\n".join(f"{name} at {size} px: {count / 1e9:.2f} GFLOP" for name, count in flops.items()),
        facts=(target.name,),
        source="operations of harness.architectures, two for each multiply-add",
    )


PREDICATES: tuple[Predicate, ...] = (
    rows_of_table_3,
    flatten_row,
    dense_rows,
    not_vgg16,
    parameters_of_others,
    enlarged,
    more_computations,
)
