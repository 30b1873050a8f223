"""The page of an attribution: what it warns of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from harness.attribution.parts import Clocked, PictureRate
from harness.attribution.prediction import Assumptions, predict_all
from harness.report.attribution import AttributionReport, attribution_page
from tests.support.attributions import measured
from tests.support.papers import HARDWARE, PAPER


def page(augmented: tuple[int, int], plain: tuple[int, int]) -> str:
    """What is printed where so many pictures a round were clocked in so many rounds."""
    both = [Clocked("generator", "input", images, (1.0,) * rounds) for images, rounds in (augmented, plain)]
    found = replace(measured(Clocked("device", "step", 4, (2.0, 2.0))), pictures=(PictureRate(224, 3, *both),))
    given = Assumptions(HARDWARE.gpu.peak)
    console = Console(width=500)
    with console.capture() as capture:
        report = AttributionReport([found], given, list(predict_all(PAPER, found.pictures, given)), None)
        console.print(attribution_page(report))
    return capture.get()


@pytest.mark.parametrize(
    ("augmented", "plain", "warned"),
    [
        ((32, 1), (400, 1), "rates from 32 pictures of 224×224×3, fewer than 200: "),
        ((400, 1), (32, 2), "rates from 64 pictures of 224×224×3, fewer than 200: "),
        ((199, 1), (199, 1), "rates from 199 pictures"),
        ((200, 1), (100, 2), None),
        ((40, 5), (400, 5), None),
    ],
)
def test_few_pictures_behind_the_generators_rate_are_warned_of(augmented: Any, plain: Any, warned: str | None) -> None:
    printed = page(augmented, plain)
    assert ("fewer than" in printed) == (warned is not None)
    assert warned is None or warned in printed
