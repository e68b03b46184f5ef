"""``venues.obligation`` in a run file: one rule or several, and mistakes by their place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from mm_nautilus.backtest import run_backtest
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import load_run

QUICKSTART = tomllib.loads((Path(__file__).resolve().parents[2] / "configs" / "quickstart.toml").read_text())
RULE = {"uptime": 0.9, "max_spread_bps": 20}


def run_file(folder: Path, obligation: Any) -> Path:
    """Write the quickstart with these obligations."""
    tables = QUICKSTART | {"venues": [QUICKSTART["venues"][0] | {"obligation": obligation}]}
    tables["data"] = {"catalog": str(folder / "catalogs"), "simulation": {"duration_s": 60, "seed": 1}}
    path = folder / "run.toml"
    path.write_text(tomli_w.dumps(tables))
    return path


def test_one_rule_is_a_list_of_one(tmp_path: Path) -> None:
    one = load_run(run_file(tmp_path, RULE)).run_file.venues[0].obligation
    assert one == load_run(run_file(tmp_path, [RULE])).run_file.venues[0].obligation
    assert len(one) == 1


@pytest.mark.parametrize(
    ("obligation", "words"),
    [
        ({"uptme": 0.9, "max_spread_bps": 20}, "venues.0.obligation.0.uptme: unknown key"),
        ({"uptime": 90, "max_spread_bps": 20}, "venues.0.obligation.0.uptime"),
        ({"uptime": 0.9}, "one of max_spread_bps and max_distance_bps"),
        ({**RULE, "stress": {"move": 5}}, "venues.0.obligation.0.stress"),
        ({**RULE, "instruments": ["SOLUSDT.SYM"]}, "obligation.0.instruments: 'SOLUSDT.SYM' is not traded in this run"),
        ([RULE, RULE], "venues.0.obligation.1.name: 'quoting' stands there already"),
    ],
)
def test_mistakes_are_named_before_anything_runs(tmp_path: Path, obligation: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_backtest(run_file(tmp_path, obligation), output=tmp_path / "runs")
    assert words in str(caught.value)
    assert not (tmp_path / "catalogs").exists()


def test_a_run_is_held_to_them(tmp_path: Path) -> None:
    path = run_file(tmp_path, [RULE, RULE | {"name": "all of it", "min_size": 1000}])
    result = run_backtest(path, output=tmp_path / "runs").result
    easy, hard = (one["record"] for one in result["obligations"])
    quoted = result["instruments"]["SOLUSDT.SIM"]["quoting"]["two_sided"]["seconds"]
    # What rests follows what is wanted by a round trip of 5 ms.
    assert easy["kept_s"] == pytest.approx(quoted, abs=1.0)
    assert quoted > 20
    assert hard["kept_s"] == 0
    assert hard["shortfalls"]["TOO_SMALL"] > 20
    assert hard["met"] is False
