"""Rows of a sweep that never ran, and a run file that takes no time."""

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from nautilus_trader.model import Currency, CurrencyPair, InstrumentId, Price, Quantity, Symbol

from mm_nautilus.catalog.columns import delta_table, trade_table
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.sweep.space import Point
from mm_nautilus.sweep.store import COMPLETED, FAILED, Row

RUN_FILE = """
[run]
name = "tiny"
seed = 7

[data]
catalog = "catalogs"

[data.simulation]
preset = "calm"
duration_s = {duration_s}
seed = 1

[[venues]]
name = "SIM"
account = "CASH"
starting_balances = ["100000 USDT", "1000 SOL"]
fees = {{ maker_rate = "-0.00005", taker_rate = "0.0005" }}
latency = {{ base_ms = 5 }}

[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
model = "glft"
gamma = 0.5
order_size = 1.0

[strategy.intensity]
a_per_s = 1.0
k_per_price = 50.0

[strategy.limits]
max_position = 10
"""


_SNAPSHOT: Final = 32
_LAST: Final = 128
_CENTRE: Final = 15_000


def run_file_by_order(folder: Path, events: int) -> Path:
    """Write a run file on a market by order (L3) that comes from nowhere but a seed, and return its path."""
    tables = _market_by_order(events)
    with CatalogWriter(folder / "catalog") as writer:
        writer.instrument(_INSTRUMENT)
        for table in tables:
            writer.append(table)
    begin, end = RUN_FILE.index("[data.simulation]"), RUN_FILE.index("[[venues]]")
    text = (RUN_FILE[:begin] + RUN_FILE[end:]).format().replace("gamma = 0.5\n", "")
    path = folder / "by_order.toml"
    path.write_text(text.replace('"catalogs"', '"catalog"').replace("[strategy]\n", '[strategy]\nbook = "L3"\n'))
    return path


def _market_by_order(events: int) -> tuple[pa.Table, pa.Table]:
    """Return deltas and trades: orders come, shrink, leave, and are taken first come, first served."""
    rng, now, ids = np.random.default_rng(5), 1_700_000_000_000_000_000, 0
    resting: dict[int, list[int]] = {}  # side (1 bids, 2 asks), price and size of each, oldest first
    deltas: list[tuple[int, ...]] = []
    trades: list[tuple[int, ...]] = []

    def tell(changes: list[tuple[int, int]], flags: int = 0) -> None:
        for place, (action, number) in enumerate(changes):
            last = _LAST if place == len(changes) - 1 else 0
            side, price, size = (0, 0, 0) if action == 4 else resting[number]
            deltas.append((action, side, price, size, number, flags | last, len(deltas), now, now))

    def best(side: int) -> int:
        prices = [price for where, price, size in resting.values() if where == side and size > 0]
        return max(prices) if side == 1 else min(prices)

    def add(side: int, price: int) -> int:
        nonlocal ids
        ids += 1
        resting[ids] = [side, price, int(rng.integers(1, 6)) * 500]
        return ids

    first = [(1, add(side, _CENTRE + sign * away)) for side, sign in ((1, -1), (2, 1)) for away in range(1, 30)]
    tell([(4, 0), *first], _SNAPSHOT)
    for _ in range(events):
        now += int(rng.integers(20_000_000, 200_000_000))
        side, what = int(rng.integers(1, 3)), rng.random()
        sign = 1 if side == 1 else -1
        if what < 0.45:
            # A book that strayed is pulled back by orders inside the spread.
            limit = best(3 - side) - sign
            price = limit if rng.random() < 0.2 else best(side) - sign * int(rng.integers(0, 6))
            tell([(1, add(side, price if (limit - price) * sign >= 0 else limit))])
        elif what < 0.8:
            mine = [number for number, one in resting.items() if one[0] == side]
            number = int(rng.choice(mine))
            if len(mine) < 12:
                tell([(1, add(side, best(side) - sign * int(rng.integers(1, 12))))])
            elif rng.random() < 0.3 and resting[number][2] > 500:
                resting[number][2] -= 500
                tell([(2, number)])
            else:
                tell([(3, number)])
                del resting[number]
        else:
            left, changes, price = int(rng.integers(1, 12)) * 250, [], best(side)
            for number in [number for number, one in resting.items() if one[:2] == [side, price]]:
                taken = min(left, resting[number][2])
                if taken == 0:
                    break
                left -= taken
                trades.append((price, taken, 3 - side, len(trades) + 1, now, now))
                resting[number][2] -= taken
                changes.append((2 if resting[number][2] else 3, number))
            now += 1_000
            tell(changes)
            for action, number in changes:
                if action == 3:
                    del resting[number]
    names = ("action", "side", "price", "size", "order_id", "flags", "sequence", "ts_event", "ts_init")
    columns = dict(zip(names, np.array(deltas, dtype=np.int64).T, strict=True))
    sold = ("price", "size", "aggressor", "trade_id", "ts_event", "ts_init")
    traded = dict(zip(sold, np.array(trades, dtype=np.int64).T, strict=True))
    return delta_table("SOLUSDT.SIM", 2, 3, **columns), trade_table("SOLUSDT.SIM", 2, 3, **traded)


_INSTRUMENT: Final = CurrencyPair(
    instrument_id=InstrumentId.from_str("SOLUSDT.SIM"),
    raw_symbol=Symbol("SOLUSDT"),
    base_currency=Currency.from_str("SOL"),
    quote_currency=Currency.from_str("USDT"),
    price_precision=2,
    size_precision=3,
    price_increment=Price.from_str("0.01"),
    size_increment=Quantity.from_str("0.001"),
    ts_event=0,
    ts_init=0,
)


def identity_of(point: Point) -> str:
    """Return a name for a point, the same in every process."""
    return hashlib.sha256(repr(sorted(point.items())).encode()).hexdigest()


def row(point: Point, increments: np.ndarray, step_s: float = 60.0, **other: object) -> Row:
    """Return the row of a run that made these increments."""
    found = {
        "identity": identity_of(point),
        "point": point,
        "status": COMPLETED,
        "currency": "USD",
        "pnl": Decimal(str(round(float(increments.sum()), 9))),
        "fills": 10,
        "start_ns": 0,
        "end_ns": int(len(increments) * step_s * 1e9),
        "step_s": step_s,
        "increments": tuple(increments.tolist()),
    }
    return Row(**found | other)


def failure(point: Point, reason: str = "it broke") -> Row:
    """Return the row of a run that failed."""
    return Row(identity_of(point), point, FAILED, reason)


def run_file(folder: Path, duration_s: int = 60) -> Path:
    """Write a run file of a minute on a simulated market, and return its path."""
    path = folder / "tiny.toml"
    path.write_text(RUN_FILE.format(duration_s=duration_s))
    return path
