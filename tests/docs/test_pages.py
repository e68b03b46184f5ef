"""The documentation is complete, its examples are valid and its links lead somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

from mm_nautilus.models import MODELS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LARGEST_PICTURE = 60_000


@pytest.mark.parametrize("name", [*MODELS, "multi_asset"])
def test_every_model_has_a_page_with_a_picture(name: str) -> None:
    text = (DOCS / "models" / f"{name}.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    for heading in ("What it assumes", "Formula", "Quotes against inventory", "When not to use it"):
        assert heading in headings
    assert f"({name}.svg)" in text
    assert 1_000 < (DOCS / "models" / f"{name}.svg").stat().st_size < LARGEST_PICTURE


@pytest.mark.parametrize("name", MODELS)
def test_the_example_of_a_page_is_what_the_model_takes(name: str) -> None:
    example = re.search(r"```toml\n(.*?)```", (DOCS / "models" / f"{name}.md").read_text(), re.DOTALL)
    assert example is not None
    strategy = tomllib.loads(example[1])["strategy"]
    assert strategy.pop("model") == name
    MODELS[name].parameters_type.model_validate(strategy)


def test_pages_of_models_that_are_gone_are_gone() -> None:
    assert {page.stem for page in (DOCS / "models").iterdir()} == {*MODELS, "multi_asset"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), target
    for module in re.findall(r"`(mm_nautilus/[\w/]+\.py)`", page.read_text()):
        assert (DOCS.parent / module).is_file(), module


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    for page in PAGES:
        if page != DOCS / "README.md":
            assert f"({page.relative_to(DOCS)})" in index


def test_pictures_are_asked_from_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(str(DOCS))
    import pictures

    drawn = pictures.pictures()
    assert {picture.name for picture in drawn} == {*MODELS, "multi_asset"}
    for picture in drawn:
        for line in picture.lines:
            bid, ask = line.quote(0.0)
            assert bid is not None
            assert ask is not None
            assert bid < ask
