"""BTC on Binance spot, USD-M and COIN-M, six minutes of 2024: who leads, and what the contracts trade below spot."""

import gzip
from decimal import Decimal

import numpy as np
import orjson
import pytest

from mm_nautilus.estimators.component_share import component_shares
from mm_nautilus.estimators.lead_lag import lead_lag, lead_lag_weights
from mm_nautilus.venues.clocks import ClockOffsets
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.venue import Venue

pytestmark = pytest.mark.real_data
NS = 1_000_000_000
FILES = ("spot_btcusdt", "usdm_btcusdt", "cm_btcusd_perp")
SPOT, USDM, COINM = range(3)


@pytest.fixture(scope="module")
def quotes(shared_data):
    """Rows of (received_ns, bid, ask, venue time in ms or 0), a list a market."""
    found = []
    for name in FILES:
        rows = []
        with gzip.open(shared_data / f"binance_btc_eth_20240808/{name}_20240808.gz") as lines:
            for line in lines:
                if b"@bookTicker" in line:
                    received, _, message = line.partition(b" ")
                    quote = orjson.loads(message)["data"]
                    rows.append((int(received), float(quote["b"]), float(quote["a"]), quote.get("T", 0)))
        found.append(rows)
    return found


def changes(rows):
    ts, bid, ask = (np.array([row[column] for row in rows]) for column in range(3))
    mid = 0.5 * (bid + ask)
    kept = np.append(True, np.diff(mid) != 0.0)
    return ts[kept], mid[kept]


def test_the_linear_future_leads_and_gets_the_weight(quotes):
    moved = [changes(rows) for rows in quotes]
    shares = np.full((3, 3), 0.5)
    for first in range(3):
        for second in range(first + 1, 3):
            found = lead_lag(*moved[first], *moved[second])
            assert found.clear
            shares[first, second], shares[second, first] = found.first_share, 1.0 - found.first_share
    assert shares[USDM, SPOT] > 0.7
    assert shares[USDM, COINM] > 0.7
    weights = lead_lag_weights(shares, floor=0.05)
    assert weights[USDM] == weights.max() > 0.5


def test_the_basis_by_regression_is_that_of_the_running_value(quotes):
    contracts = {"inverse": True, "multiplier": Decimal(100)}
    venues = [
        Venue(name, "BTC", "USD" if index == COINM else "USDT", 0.0, 0.0, **(contracts if index == COINM else {}))
        for index, name in enumerate(FILES)
    ]
    fair = ConsolidatedFairValue(venues, "USDT", 600.0, 30.0, rate_currencies=["USD"])
    ticks = sorted((row[0], venue, row[1], row[2]) for venue, rows in enumerate(quotes) for row in rows)
    due, start, end = ticks[0][0], max(rows[0][0] for rows in quotes), min(rows[-1][0] for rows in quotes)
    for ts, venue, bid, ask in ticks:
        while ts > due:
            fair.rate("USD", 1.0, due)
            fair.sample(due)
            due += NS
        fair.update(venue, bid, ask, ts)
    grid = np.arange(start, end, NS // 10)
    prices = [mid[np.searchsorted(ts, grid, "right") - 1] for ts, mid in map(changes, quotes)]
    found = component_shares(np.column_stack(prices), lags=3)
    for contract in (USDM, COINM):
        running = fair.basis(contract) - fair.basis(SPOT)
        assert running == pytest.approx(found.basis[contract] - found.basis[SPOT], abs=1.0)
        assert -30.0 < running < -10.0


def test_the_clocks_of_the_futures_agree_and_that_of_the_receiver_is_late(quotes):
    clocks = ClockOffsets(3, window_ns=600 * NS, bound_ns=NS // 10)
    for venue, rows in enumerate(quotes):
        for received, _, _, stamped_ms in rows:
            if stamped_ms:
                clocks.heard(venue, stamped_ms * 1_000_000, received)
    assert clocks.least_delay_ns(SPOT) is None, "spot quotes carry no time"
    assert clocks.least_delay_ns(USDM) < -NS, "received a second before it was sent"
    assert clocks.beyond_bound() == {}
