"""The page about the numbers of a run names what there is, and its targets are the defaults."""

import tomllib
from pathlib import Path

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.statement import ROUNDING
from mm_nautilus.config import ReportSection

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text()


def test_the_targets_shown_are_the_defaults():
    block = PAGE.split("```toml")[1].split("```")[0]
    told = tomllib.loads(block)["report"]
    assert ReportSection(**told).targets == ReportSection().targets
    assert set(told["targets"]) == set(ReportSection().targets.model_dump())


def test_every_line_is_explained():
    for line in (*LINES, ROUNDING):
        assert f"`{line}`" in PAGE
