"""The page on risk says what the settings are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from mm_nautilus.risk.settings import OperatorAction, RiskSettings, Rule

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "risk.md").read_text()


def test_its_example_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    tables = tomllib.loads(example[1])
    settings = RiskSettings(**tables["risk"])
    assert settings.drawdown is not None
    assert settings.drawdown.of_capital
    assert [OperatorAction(**action).action for action in tables["operator"]] == ["halt", "resume"]


def test_it_names_every_rule_and_its_defaults() -> None:
    rows = {name: row for row in re.findall(r"^\| `.*$", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    default = RiskSettings()
    for name, field in RiskSettings.model_fields.items():
        value = getattr(default, name)
        if "Rule" not in str(field.annotation):
            continue
        assert name in rows
        thresholds = re.findall(r" at (\d+)", rows[name])
        stated = [f"{threshold:g}" for threshold, _ in value.levels] if isinstance(value, Rule) else []
        assert thresholds == stated
