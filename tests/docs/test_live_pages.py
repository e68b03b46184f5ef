"""The pages on live trading say what the settings, the commands and the alerts are."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined
from typer.main import get_command

from mm_nautilus.cli import app
from mm_nautilus.live.beside.commands import COMMANDS
from mm_nautilus.live.credentials import wanted
from mm_nautilus.live.settings import load_live
from mm_nautilus.live_settings.beside import AlertSettings, LogFileSettings, MonitorSettings
from mm_nautilus.live_settings.table import ChecksSection, LiveSettings, RedisSettings
from mm_nautilus.live_settings.venues import LiveVenueSection, VenueSection
from mm_nautilus.quoting.retune import CHANGEABLE
from mm_nautilus.risk.settings import RiskSettings

ROOT = Path(__file__).resolve().parents[2]
LIVE, RUNBOOK = (ROOT / "docs" / "live.md").read_text(), (ROOT / "docs" / "runbook.md").read_text()
TABLES: dict[str, type[BaseModel]] = {
    "live": LiveSettings,
    "checks": ChecksSection,
    "monitor": MonitorSettings,
    "alerts": AlertSettings,
    "log": LogFileSettings,
    "redis": RedisSettings,
}
SOURCES = [ROOT / "mm_nautilus", ROOT / "strategies", ROOT / "actors"]


def rows_of(kind: type[BaseModel]) -> Iterator[str]:
    """Yield the row of each setting that is no table of its own."""
    for name, field in kind.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, (BaseModel, list)) or name in TABLES:
            continue
        yield f"| `{name}` | {_shown(default)} | {field.description or 'as it says'} |"


def _shown(default: Any) -> str:
    if default is None or default is PydanticUndefined:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("table", TABLES)
def test_every_setting_stands_on_the_page_with_its_default(table: str) -> None:
    missing = [row for row in rows_of(TABLES[table]) if row not in LIVE]
    assert missing == [], "put into docs/live.md:\n" + "\n".join(missing)


def sections() -> list[Any]:
    """Return the venues of the page's examples."""
    examples = re.findall(r"```toml\n(.*?)```", LIVE, re.DOTALL)
    found = [one for text in examples for one in tomllib.loads(text)["live"]["venues"]]
    return [TypeAdapter(VenueSection).validate_python(one) for one in found]


def test_there_is_a_valid_example_of_each_venue_that_trades_play_money() -> None:
    assert {type(one) for one in sections()} == set(LiveVenueSection.__subclasses__())
    assert all(one.is_play_money for one in sections())


@pytest.mark.parametrize("environment", ["live", "as it stands"])
def test_it_names_the_variables_of_each_venue(environment: str) -> None:
    for one in sections():
        section = one if environment != "live" or one.adapter == "interactive_brokers" else _live(one)
        for name in wanted(section).needed.values():
            prefix = re.sub(r"(API_(KEY|SECRET|PASSPHRASE)|PK|PRIVATE_KEY|WALLET_ADDRESS)$", "", name)
            assert f"`{name}`" in LIVE or f"`{prefix}...`" in LIVE, name


def _live(section: Any) -> Any:
    return section.model_copy(update={"environment": "live"})


def test_the_run_file_that_ships_is_valid_and_trades_play_money() -> None:
    run = load_live(ROOT / "configs" / "live_bybit.toml")
    assert all(section.is_play_money for section in run.live.venues)
    assert run.live.monitor.is_loopback


def commands(page: str) -> list[list[str]]:
    """Return the words of every command of ours in a page's examples."""
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", page, re.DOTALL)).replace("\\\n", " ")
    found = []
    for line in blocks.splitlines():
        ours = re.search(r"(?:^|\s)(?:mm-nautilus (?=\w)|run_(?=live|backtest))(.*)$", re.sub(r"\s+#.*", "", line))
        if ours is not None:
            found.append(ours[1].replace(".py", "", 1).split())
    return found


@pytest.mark.parametrize("page", [LIVE, RUNBOOK], ids=["live", "runbook"])
def test_every_command_of_a_page_exists_with_its_options(page: str) -> None:
    known: Any = get_command(app)
    given = commands(page)
    assert len(given) >= 3
    for words in given:
        command = known.commands[words[0]]
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.partition("=")[0] for word in words[1:] if word.startswith("-")} <= options, words
        files = [word for word in words[1:] if word.startswith("configs/")]
        assert all((ROOT / file).is_file() for file in files), words


def test_the_runbook_names_every_command_and_what_it_may_change() -> None:
    assert all(f"`{command}`" in RUNBOOK or f" {command} " in RUNBOOK for command in COMMANDS)
    assert all(f"`{name}`" in RUNBOOK for name in CHANGEABLE)


def alert_sources() -> set[str]:
    """Return the sources of all alerts that the code can raise, as far as they are words in it."""
    found: set[str] = set()
    for file in (file for folder in SOURCES for file in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                found |= set(_source(node, "beside" in file.parts))
    return found


def _source(call: ast.Call, beside: bool) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = {"AlertFact": 3, "alert": 0, "_showing": 0, "_troubled": 0, "_send": 0}.get(name)
    if place is None or len(call.args) <= place or (name != "AlertFact" and not beside):
        return
    word = call.args[place]
    if isinstance(word, ast.Constant) and isinstance(word.value, str):
        yield word.value


def test_the_runbook_says_what_every_alert_means() -> None:
    sources = alert_sources()
    assert {"failure", "connection", "recovery", "hedge"} <= sources
    explained = set(re.findall(r"^\| `([^`]+)` \|", RUNBOOK, re.MULTILINE))
    assert sources <= explained, sources - explained


def test_the_runbook_says_what_every_risk_rule_means() -> None:
    explained = {
        name for row in re.findall(r"^\| (`.*?) \|", RUNBOOK, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    rules = [name for name, field in RiskSettings.model_fields.items() if "Rule" in str(field.annotation)]
    assert set(rules) <= explained, set(rules) - explained
