"""From a folder to a paper: what a folder must hold, what it may, and what is said of one that is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.papers import PaperError, built_in_papers, load_paper
from harness.papers.loading import BUILT_IN

GENERAL = 'title = "T"\ncitation = "A, 2024"\ndataset = "toyfaces"\n'
VARIANTS = (BUILT_IN / "jahangir2024" / "variants.toml").read_text(encoding="utf-8")


def folder(at: Path, **files: str) -> Path:
    """A paper's folder, with a file for each keyword and the two that it must hold."""
    at.mkdir()
    for name, text in {"paper": GENERAL, "variants": VARIANTS, **files}.items():
        (at / f"{name}.toml").write_text(text, encoding="utf-8")
    return at


def test_the_same_paper_is_the_same_object() -> None:
    for name in built_in_papers():
        assert load_paper(name) is load_paper(BUILT_IN / name)


def test_a_folder_of_ones_own_needs_two_files_alone(tmp_path: Path) -> None:
    paper = load_paper(folder(tmp_path / "mine"))
    assert (paper.name, paper.title, paper.dataset) == ("mine", "T", "toyfaces")
    assert list(paper.variants) == list(load_paper("jahangir2024").variants)
    assert (len(paper.facts), paper.declared_bands, paper.claims, paper.hardware) == (0, {}, {}, None)
    assert (paper.confusions, paper.predicates, paper.ignored) == ((), (), ())
    assert (paper.url, paper.first_on_cpu) == (None, None)


def test_no_code_of_a_folder_of_ones_own_runs(tmp_path: Path) -> None:
    own = folder(tmp_path / "mine")
    (own / "review").mkdir()
    (own / "review" / "__init__.py").write_text("raise SystemExit\n", encoding="utf-8")
    (own / "review" / "checks.py").write_text("raise SystemExit\n", encoding="utf-8")
    assert load_paper(own).predicates == ()


def test_a_paper_that_prints_other_digits() -> None:
    paper = load_paper("jahangir2024")
    name = next(iter(paper.facts))
    other = paper.replaced({name: "12.5"})
    assert other.facts[name].printed == "12.5"
    assert paper.facts[name].printed != "12.5"
    assert other.variants is paper.variants


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(PaperError, match=r"no paper 'none-such'; expected one of .*jahangir2024.*, or the path of a"):
        load_paper("none-such")


def test_the_name_of_a_built_in_paper_is_taken(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match="has the name of a paper that is built in; rename the folder"):
        load_paper(folder(tmp_path / "jahangir2024"))


@pytest.mark.parametrize("name", ["paper", "variants"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    own = folder(tmp_path / "mine")
    (own / f"{name}.toml").unlink()
    with pytest.raises(PaperError, match=rf"{name}\.toml is missing; the folder of a paper holds paper.toml and"):
        load_paper(own)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"paper": GENERAL.replace("toyfaces", "mnist")}, r"paper\.toml: dataset: .*'fer2013' or 'toyfaces'.*seen: 'm"),
        ({"paper": GENERAL + 'name = "x"\n'}, r"paper\.toml: name: Unexpected keyword"),
        ({"paper": GENERAL + 'first_on_cpu = "x"\n'}, r"paper\.toml: .*'x'"),
        ({"paper": "title = 1\ntitle = 2\n"}, r"paper\.toml is no TOML: .*a name that stands there twice is refused"),
        ({"review": "[findings.a]\ngrade = 'odd'\n"}, r"review\.toml: findings\.a\.grade: Input should be"),
        ({"variants": ""}, r"variants\.toml has no variant; expected a table"),
        ({"variants": "[variants.a]\n"}, r"variants\.toml: architecture: Field required"),
        ({"variants": VARIANTS + '[readings.other]\nx = 1\n'}, "has readings of other, which are no variants"),
        ({"bands": '[other.accuracy]\nunjudged = "x"\n'}, "has bands of other, which are no variants"),
        ({"bands": '[vgg16-scratch.speed]\nunjudged = "x"\n'}, r"bands\.toml: vgg16-scratch\.speed"),
        ({"facts": "[a.b]\nc = 1\n"}, r"facts\.toml: .*"),
        ({"facts": '[a.b.c]\nprinted = "x"\nunit = "count"\nplace = "p"\nquote = "q"\n'}, r"facts\.toml: a\.b\.c"),
        ({"hardware": "pipelines = []\n"}, r"hardware\.toml: gpu: Field required"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(PaperError, match=message):
        load_paper(folder(tmp_path / "mine", **files))
