"""Write docs/toyfaces.png: ten training images of each class of the embedded data set.

Run from anywhere: ``python docs/make_toyfaces_sheet.py``.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

mpl.use("Agg")  # no display is needed to write a file

from matplotlib import pyplot as plt

from harness.data.toyfaces import toyfaces
from harness.interface import CLASSES, IMAGE_SIZE

COLUMNS = 10
MAGNIFICATION = 2  # whole, so that every drawn pixel is a square of the sheet
GAP, LEFT, TOP, DPI = 4, 96, 34, 96  # pixels; the last a unit of matplotlib's
TARGET = Path(__file__).with_name("toyfaces.png")


def main() -> None:
    """Draw the default data set and write the sheet."""
    faces = toyfaces()
    training = faces.rows("training")
    step = MAGNIFICATION * IMAGE_SIZE + GAP
    width, height = LEFT + COLUMNS * step, TOP + len(CLASSES) * step
    figure = plt.figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    for label, name in enumerate(CLASSES):
        bottom = height - TOP - (label + 1) * step + GAP
        for column, row in enumerate(training[faces.labels[training] == label][:COLUMNS]):
            square = np.kron(faces.images[row], np.ones((MAGNIFICATION, MAGNIFICATION), np.uint8))
            figure.figimage(square, LEFT + column * step, bottom, cmap="gray", vmin=0, vmax=255)
        count = int(np.sum(faces.labels == label))
        middle = (bottom + step / 2) / height
        figure.text(0.008, middle, name, fontsize=13, va="bottom")
        figure.text(0.008, middle, f"{count} of {len(faces):,}", fontsize=9, va="top", color="dimgray")
    title = "toyfaces: drawn faces, 48×48; the first ten training images of each class"
    figure.text(LEFT / width, 1 - TOP / 2 / height, title, fontsize=12, va="center")
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI)
    plt.close(figure)
    # Grey is all there is: one channel instead of four.
    Image.open(buffer).convert("L").save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
