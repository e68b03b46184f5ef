"""The page on obligations, days and the audit trail says what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from mm_nautilus.config import VenueSection
from mm_nautilus.venues.obligation_judgement import Shortfall
from mm_nautilus.venues.obligation_tracker import Excuse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "books.md").read_text()


def test_its_example_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    (venue,) = tomllib.loads(example[1])["venues"]
    rules = VenueSection.model_validate(venue).obligation
    assert [rule.name for rule in rules] == ["tier 1", "RTS 8"]
    assert rules[1].stress is not None


def test_it_names_every_cause() -> None:
    for cause in {*Shortfall, *Excuse}:
        assert f"`{cause}`" in PAGE
