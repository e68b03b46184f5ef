"""EURUSD on two brokers, 1 May 2014, on the engine: source quotes that cross are no money, even without fees."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from arbitrage_kit import WatchedArbitrage, check
from engine_kit import engine_with
from nautilus_trader.model import InstrumentId
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import load_spec
from mm_nautilus.strategies import CrossVenueArbitrageConfig

pytestmark = pytest.mark.real_data
SPECS = Path(__file__).resolve().parents[2] / "configs" / "ingest"
IDS = [InstrumentId.from_str(name) for name in ("EUR/USD.FXCM", "EUR/USD.OANDA")]


@pytest.fixture(scope="module")
def market(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    """Instruments and quotes of both brokers, four hours of them."""
    root = tmp_path_factory.mktemp("brokers")
    for broker in ("fxcm", "oanda"):
        files = [shared_data / f"fx_eurusd_two_brokers_201405/{broker}/20140501_quote.zip"]
        ingest(load_spec(SPECS / f"fx_{broker}.toml"), files, root)
    catalog = ParquetDataCatalog(str(root))
    span = [int(datetime(2014, 5, 1, hour, tzinfo=UTC).timestamp()) * 10**9 for hour in (11, 15)]
    quotes = [quote for one in IDS for quote in catalog.query_quote_ticks([str(one)], *span)]
    by_id = {one.id: one for one in catalog.instruments()}
    return [by_id[one] for one in IDS], sorted(quotes, key=lambda quote: quote.ts_init)


def test_nothing_is_taken_and_everything_that_crossed_says_why(market: tuple[list[Any], list[Any]]) -> None:
    instruments, quotes = market
    locked = sum(quote.bid_price >= quote.ask_price for quote in quotes)
    assert locked > 1000, "the one broker's stream locks itself all day, and what crossed itself was dropped"
    fields = {"max_position": "5000000", "max_order_size": "1000000"}
    strategy = WatchedArbitrage(
        CrossVenueArbitrageConfig(
            strategy_id="ARB-001",
            venues=[{"instrument_id": str(one)} | fields for one in IDS],
            book="L1",
            latency_z=0.0,
            taking={str(one.venue): {} for one in IDS},
        )
    )
    with engine_with(
        strategy, quotes, balances=("10000000 USD",), taker_fee="0", instrument=instruments[0], others=instruments[1:]
    ) as engine:
        engine.run()
        check(strategy, engine)
    assert strategy.of("TAKEN") == []
    assert strategy.order_facts == []
    seen = Counter(one.verdict for one in strategy.of("MISSED"))
    assert set(seen) == {"NOT_LIVE", "OLD_QUOTE"}
    assert len(strategy.of("ENDED")) >= 5
    assert all("CROSSED_BOOK" in one.reason for one in strategy.of("MISSED") if one.verdict == "NOT_LIVE")
