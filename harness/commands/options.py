"""What several commands share: options with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.records.spec import Device, TrainingPrecision
from harness.registry import KerasBackend
from harness.training.budget import BudgetName
from harness.training.rows import ProtocolName
from harness.variant import Pipeline

PaperName = Annotated[
    str,
    typer.Option(
        "--paper",
        envvar="FERBENCH_PAPER",
        metavar="NAME|DIR",
        help="A paper that is built in, by its name, or the folder of another one.",
    ),
]
Fer2013 = Annotated[
    Path | None,
    typer.Option(
        "--fer2013",
        envvar="FERBENCH_FER2013",
        help="FER-2013 as zip, folder, fer2013.csv or icml_face_data.csv. Without it: toyfaces, drawn faces.",
    ),
]
DataAtHand = Annotated[
    Path | None,
    typer.Option(
        "--fer2013", envvar="FERBENCH_FER2013", help="The FER-2013 that they were made on: more is checked with it."
    ),
]
Deviating = Annotated[
    bool, typer.Option("--allow-deviating-data", help="Accept a FER-2013 that differs from the known one.")
]
Results = Annotated[Path, typer.Option("--results-dir", help="Where records of runs are written.")]
Budget = Annotated[
    BudgetName | None,
    typer.Option(
        help="smoke: 960 images, 2 epochs; times: 4 epochs; hour: 3,600 s a run, whole epochs, at least one; paper: "
        "all of it. [default: smoke on toyfaces, hour on FER-2013]"
    ),
]
BudgetSeconds = Annotated[
    float | None, typer.Option(min=1, max=10**8, help="Seconds a run, whole epochs, at least one; replaces --budget's.")
]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, help="Images a step in place of the paper's 32: needs less memory, and is not comparable."),
]
Protocol = Annotated[ProtocolName, typer.Option(help="paper: the rules watch the tests; honest: a tenth of training.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of weights, order, augmentation and dropout.")]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute; never a silent fall-back.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads. [default: the framework's]")]
WeightsDir = Annotated[
    Path | None,
    typer.Option(
        "--weights-dir",
        envvar="FERBENCH_WEIGHTS",
        help="Folder of ImageNet weights. [default: the frameworks' caches, then a download]",
    ),
]
StandIn = Annotated[
    bool,
    typer.Option("--stand-in-weights", help="Draw weights in place of ImageNet's; recorded, and never comparable."),
]
PipelineOption = Annotated[
    Pipeline,
    typer.Option(
        help="device: pixels in the framework's own step; generator, manual: the paper's two ways, the only ones on "
        "which its seconds are judged."
    ),
]
PrecisionOption = Annotated[
    TrainingPrecision,
    typer.Option(
        help="float32: TF32 off; tf32: GPUs alone, as TensorFlow does there; mixed: bfloat16, not comparable."
    ),
]
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="The same bits again, on a GPU too; an error where it has no way to.")
]
Checkpointing = Annotated[
    bool,
    typer.Option(
        "--checkpointing", help="Keep the inputs of blocks alone and compute the rest again: less memory, more time."
    ),
]
Backend = Annotated[KerasBackend | None, typer.Option(help="For keras3. [default: KERAS_BACKEND, else jax]")]
