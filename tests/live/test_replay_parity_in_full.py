"""Whole data sets through a live node and through the backtest: nothing that was recorded differs.

Minutes long; ``pytest -m long tests/live/test_replay_parity_in_full.py``.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.schema import TABLES
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import load_spec
from mm_nautilus.live.run import Replay, run_live
from mm_nautilus.parity.run import check_parity

ROOT = Path(__file__).resolve().parents[2]
IDS = {"client_order_id", "venue_order_id", "trade_id"}
QUICKSTART, SPOT = ROOT / "configs/quickstart.toml", ROOT / "configs/binance_btcusdt_spot.toml"
ETH = [
    "strategy.instrument_id=ETHUSDT.BINANCE",
    'venues.0.starting_balances=["50000 USDT", "20 ETH"]',
    "strategy.order_size=0.2",
    "strategy.limits.max_position=1.2",
    "strategy.gamma=0.6",
    "strategy.intensity.k_per_price=4.6",
    "strategy.ladder.spacing_ticks=10",
    "strategy.requote.tolerance_ticks=1",
]
FOLLOWED = ["strategy.adverse_selection={ act = true }"]
REGIMES = "{ widen = 1.02, reduce_only = 1.2, flatten = 1.5, warm_up_s = 60, fast_half_life_s = 10 }"
LOSSES = "{ widen = 0.05, reduce_only = 0.2, flatten = 0.4 }"
RISK = [f'risk={{ currency = "USDT", day_loss = {LOSSES}, volatility_regime = {REGIMES} }}']


@pytest.fixture(scope="session")
def spot(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("spot")
    captures = sorted((shared_data / "binance_btc_eth_20240808").glob("spot_*usdt_*.gz"))
    ingest(load_spec(ROOT / "configs/ingest/binance_spot.toml"), captures, root)
    return root


def everything(log: RunLog) -> dict[str, pa.Table]:
    tables = {name: log.table(name) for name in TABLES}
    return {name: table.drop_columns(list(IDS & set(table.column_names))) for name, table in tables.items()}


def held_against_its_backtest(path: Path, overrides: list[str], output: Path) -> dict[str, int]:
    """Replay, backtest and compare; return how many rows each table has."""
    live = run_live(path, overrides, Replay(speed=None), output=output)
    found = check_parity(live.run_dir)
    assert found.same, found.result["divergences"]
    here = everything(RunLog.open(live.run_dir))
    there = everything(RunLog.open(Path(found.result["backtest"]["folder"])))
    assert [name for name, table in there.items() if not here[name].equals(table)] == []
    rows = {name: table.num_rows for name, table in here.items()}
    print(rows)
    assert min(rows[name] for name in ("decisions", "orders", "fills", "markouts")) > 20
    return rows


@pytest.mark.long
@pytest.mark.parametrize("overrides", [[], FOLLOWED, RISK], ids=["plain", "monitor followed", "risk"])
def test_the_quickstart(overrides: list[str], tmp_path: Path) -> None:
    rows = held_against_its_backtest(QUICKSTART, overrides, tmp_path)
    if RISK[0] in overrides:
        assert rows["risk_states"] >= 3


@pytest.mark.long
@pytest.mark.real_data
@pytest.mark.parametrize(
    "overrides",
    [[], ETH, FOLLOWED, RISK, [*ETH, *FOLLOWED, *RISK]],
    ids=["BTC", "ETH", "BTC monitor followed", "BTC risk", "ETH all"],
)
def test_a_real_market(overrides: list[str], spot: Path, tmp_path: Path) -> None:
    rows = held_against_its_backtest(SPOT, [f"data.catalog={spot}", *overrides], tmp_path)
    if RISK[0] in overrides:
        assert rows["risk_states"] >= 3
