"""A gap in a paper's folder is the paper's: it condemns no record."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.judging.results import judge_results
from harness.papers import load_paper
from harness.papers.facts import PaperError
from harness.papers.loading import BUILT_IN
from tests.support.repository import ROOT


def test_a_band_without_a_fact_is_an_error_of_the_paper(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(BUILT_IN / "toyfaces_demo", folder)
    for name in ("facts.toml", "review.toml", "claims.toml"):
        (folder / name).unlink()
    with pytest.raises(PaperError, match=r"declares a band for small-vgg\.accuracy, but: .*facts\.toml"):
        judge_results(ROOT / "benchmarks" / "evidence", load_paper(folder))
