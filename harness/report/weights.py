"""Published weights, for the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from harness.weights.catalogue import WeightsError, catalogue
from harness.weights.locate import check_folder, load_checkpoint


def weights_table(weights_dir: Path | None) -> Table:
    """One row a published file; those that lie here are read, nothing is fetched.

    Raises:
        WeightsError: If `weights_dir` is no folder.
    """
    check_folder(weights_dir)
    table = Table(title="ImageNet weights", title_justify="left")
    for heading in ("weights", "graph", "pixels", "file", "on this machine", "licence"):
        table.add_column(heading, overflow="fold")
    for name, checkpoint in catalogue().items():
        try:
            read = load_checkpoint(name, weights_dir=weights_dir, download=False)
            state = f"yes: {len(read.weights)} arrays, digest {read.digest[:12]}"
            if checkpoint.digest is not None:
                state += ", as published" if read.digest == checkpoint.digest else ", not as published"
        except WeightsError as error:
            first = str(error).splitlines()[0]
            state = "no" if "in none of these places" in first else f"damaged: {first}"
        graph = f"{checkpoint.architecture} {checkpoint.graph}"
        table.add_row(name, graph, checkpoint.input_convention, checkpoint.file, state, checkpoint.licence)
    return table
