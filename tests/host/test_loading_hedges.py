"""A run file that hedges: where, at what price, and what is refused by name."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import load_run

RUN_FILE = """
[run]
name = "hedged"
[data]
catalog = "catalog"
[[venues]]
name = "SIM"
account = "MARGIN"
starting_balances = ["1000 USDT"]
fees = { maker_rate = 0, taker_rate = 0.0004 }
latency = { base_ms = 3 }
[[venues]]
name = "ALT"
account = "MARGIN"
starting_balances = ["1000 USDT"]
fees = { per_contract = "0.25 USDT" }
latency = { base_ms = 5, submit_ms = 2 }
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "BTCUSDT.SIM"
model = "glft"
gamma = 0.1
order_size = "0.01"
intensity = { a_per_s = 1.0, k_per_price = 0.3 }
limits = { max_position = "0.05" }
"""


def written(tmp_path: Path, hedge: dict[str, Any] | None) -> Path:
    tables = tomllib.loads(RUN_FILE)
    if hedge is not None:
        tables["strategy"]["hedge"] = hedge
    path = tmp_path / "run.toml"
    path.write_text(tomli_w.dumps(tables))
    return path


def test_knows_the_instruments_and_what_taking_costs_where(tmp_path: Path) -> None:
    hedge = {"instruments": ["BTCUSDT.ALT", {"instrument_id": "ETHUSDT.ALT", "correlated": {"half_life_s": 60}}]}
    loaded = load_run(written(tmp_path, hedge))
    assert loaded.instrument_ids == ["BTCUSDT.SIM", "BTCUSDT.ALT", "ETHUSDT.ALT"]
    taking = loaded.strategy_config.settings.taking  # type: ignore[attr-defined]
    assert (taking["SIM"].fee_rate, taking["SIM"].fee_per_contract, taking["SIM"].submit_ns) == (0.0004, 0.0, 3_000_000)
    assert (taking["ALT"].fee_rate, taking["ALT"].fee_per_contract, taking["ALT"].submit_ns) == (0.0, 0.25, 7_000_000)
    table = loaded.run_file.strategy
    assert "taking" not in table, "it is the venues' and stands with them"
    assert table["hedge"]["instruments"][0]["instrument_id"] == "BTCUSDT.ALT"
    again = load_run(written(tmp_path, table["hedge"]))
    assert again.strategy_config.settings == loaded.strategy_config.settings


def test_without_the_table_there_is_one_instrument_and_no_table(tmp_path: Path) -> None:
    loaded = load_run(written(tmp_path, None))
    assert loaded.instrument_ids == ["BTCUSDT.SIM"]
    assert "hedge" not in loaded.run_file.strategy
    assert loaded.strategy_config.settings.hedge is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("hedge", "said"),
    [
        (
            {"instruments": ["BTCUSDT.FAR"]},
            "strategy.hedge.instruments: BTCUSDT.FAR: venue 'FAR' is not among the run's venues (SIM, ALT)",
        ),
        ({"triger": "band"}, "strategy.hedge.triger: unknown key, did you mean 'trigger'?"),
        (
            {"instruments": [{"instrument_id": "A.ALT", "correlated": {"halflife": 1}}]},
            "strategy.hedge.instruments.0.correlated.halflife: unknown key, did you mean 'half_life_s'?",
        ),
        ({"trigger": "limits"}, "strategy.hedge: trigger 'limits' needs value_at_risk, expected_shortfall or"),
        (
            {"trigger": "limits", "value_at_risk": {"limit": 5, "confidence": 1}},
            "strategy.hedge.value_at_risk.confidence: should be less than 1 (found 1)",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, hedge: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_run(written(tmp_path, hedge))
    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith(said)
