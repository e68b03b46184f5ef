"""A day's run log made up from a seed, column by column: what summary and report of a busy day are measured on."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mm_nautilus.analytics.facts import AccountFacts, BalanceFacts, InstrumentFacts, RunFacts
from mm_nautilus.analytics.runlog import LOG_FOLDER, ROW_GROUP_ROWS
from mm_nautilus.analytics.schema import MONEY, TABLES, arrow_schema
from mm_nautilus.inventory.contract import Contract

START_NS = 1_723_075_200_000_000_000
DAY_NS = 86_400_000_000_000
NAME, STRATEGY, VENUE = "BTCUSDT.SIM", "MM-001", "SIM"
TICK, LOT, CLIP_LOTS, LIMIT_LOTS = Decimal("0.1"), Decimal("0.001"), 20, 400
HORIZONS_S = (0.1, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)
REBATE = 0.00005

type Columns = dict[str, object]


def write_day(run_dir: Path, quotes: int = 1_000_000, fills: int = 10_000, levels: int = 2, seed: int = 1) -> RunFacts:
    """Write ``log/`` of a day in which one strategy quoted `quotes` times and was filled `fills` times."""
    rng = np.random.default_rng(seed)
    folder = run_dir / LOG_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ts = START_NS + np.sort(rng.integers(0, DAY_NS // 1000, quotes)) * 1000
    mid = 600_000 + np.cumsum(rng.integers(-2, 3, quotes))  # ticks
    hit = np.sort(rng.choice(np.arange(quotes // 1000 + 1, quotes), fills, replace=False))
    position, sign = _positions(fills, rng)
    held = np.concatenate(([0], position))[np.searchsorted(hit, np.arange(quotes), side="left")]
    skew = -held // 40
    width = 8 + 4 * (np.sin(np.arange(quotes) / quotes * 40) > 0.6)
    bids, asks = held < LIMIT_LOTS, held > -LIMIT_LOTS
    idle = (np.arange(quotes) // 2_000) % 23 == 7
    idle[: quotes // 1000] = True
    bids, asks = bids & ~idle, asks & ~idle
    bid, ask = mid - width + skew, mid + width + skew
    state = np.where(
        idle, "WITHDRAWN", np.where(bids & asks, np.where(width > 8, "PASSIVE", "ACTIVE"), "INVENTORY_LIMIT")
    )
    reason = np.where(
        idle, "ONE_SIDED_BOOK", np.where(~bids, "POSITION_LIMIT:BID", np.where(~asks, "POSITION_LIMIT:ASK", ""))
    )
    decisions: Columns = {
        "ts_ns": ts, "decision_id": np.arange(quotes), "trigger": "book",
        "bid": (mid - 1) * 0.1, "ask": (mid + 1) * 0.1, "bid_size": 1.5, "ask_size": 2.5,
        "position": held * 0.001, "worst_long": (held + 40) * 0.001, "worst_short": (held - 40) * 0.001,
        "fair_value": mid * 0.1, "sigma": 2.0, "bid_a_per_s": 1.0, "bid_k_per_price": 0.5, "ask_a_per_s": 1.0,
        "ask_k_per_price": 0.5, "reservation_price": (mid + skew) * 0.1, "bid_half_spread": width * 0.1,
        "ask_half_spread": width * 0.1, "bid_spread_multiplier": 1.0, "ask_spread_multiplier": 1.0,
        "bid_size_multiplier": 1.0, "ask_size_multiplier": 1.0, "fair_value_shift": 0.0,
        "bid_prices": _ladder(bid, bids, levels, -1), "bid_sizes": _repeated(bids, levels, 0.02),
        "ask_prices": _ladder(ask, asks, levels, 1), "ask_sizes": _repeated(asks, levels, 0.02),
        "quote_state": state, "reasons": _texts(reason),
        "caps": _texts(np.where(np.arange(quotes) % 5 == 0, "POST_ONLY", "")),
        "submits": 0, "amends": 2 * levels, "cancels": 0, "keeps": 0, "deferred": 0,
    }  # fmt: skip
    _write(folder, "decisions", quotes, decisions)
    side = np.where(sign > 0, "BUY", "SELL")
    price = np.where(sign > 0, bid[hit], ask[hit])
    fee = -np.round(price * 0.1 * CLIP_LOTS * 0.001 * REBATE, 8)
    number = np.arange(fills)
    filled: Columns = {
        "ts_ns": ts[hit] + 1, "client_order_id": _names("O", number), "venue_order_id": _names("V", number),
        "trade_id": _names("T", number), "decision_id": hit, "side": side, "level": number % 3 // 2,
        "price": _money(price, TICK), "size": _money(np.full(fills, CLIP_LOTS), LOT), "liquidity": "MAKER",
        "commission": _money(np.round(fee * 1e8).astype(np.int64), Decimal("1e-8")), "commission_currency": "USDT",
        "position_after": _money(position, LOT), "bid": (mid[hit] - 1) * 0.1, "ask": (mid[hit] + 1) * 0.1,
        "quoted_ts_ns": ts[hit], "purpose": "QUOTE",
    }  # fmt: skip
    _write(folder, "fills", fills, filled)
    _write(folder, "orders", 2 * quotes, _orders(ts, bid, ask))
    marks_ns = START_NS + np.arange(1, 86_400) * 1_000_000_000
    at = np.clip(np.searchsorted(ts, marks_ns, side="right") - 1, 0, None)
    after = np.concatenate(([0], position))[np.searchsorted(ts[hit] + 1, marks_ns, side="right")]
    open_size = _money(np.full(len(marks_ns), CLIP_LOTS * levels), LOT)
    _write(folder, "marks", len(marks_ns), {
        "ts_ns": marks_ns, "bid": (mid[at] - 1) * 0.1, "ask": (mid[at] + 1) * 0.1, "sigma": 2.0,
        "position": _money(after, LOT), "open_buy": open_size, "open_sell": open_size, "market_ts_ns": ts[at],
        "fault": "",
    })  # fmt: skip
    _write(folder, "markouts", fills * len(HORIZONS_S), _markouts(ts, mid, hit, sign, price, number))
    for name in TABLES:
        if not (folder / f"{name}.parquet").is_file():
            pq.write_table(arrow_schema(TABLES[name]).empty_table(), folder / f"{name}.parquet")
    spent = int(np.sum(sign * price)) * CLIP_LOTS  # ticks times lots
    usdt = -Decimal(spent) * TICK * LOT - int(np.round(fee * 1e8).sum()) * Decimal("1e-8")
    return RunFacts(
        START_NS,
        START_NS + DAY_NS,
        (InstrumentFacts(NAME, VENUE, TICK, LOT, Contract("USDT", "BTC"), LIMIT_LOTS * LOT),),
        (
            AccountFacts(
                VENUE,
                False,
                (
                    BalanceFacts("BTC", 8, Decimal(5), Decimal(5) + int(position[-1]) * LOT),
                    BalanceFacts("USDT", 8, Decimal(1_000_000), Decimal(1_000_000) + usdt),
                ),
            ),
        ),
    )


def _positions(fills: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return position after each fill (lots) and its sign: a walk that is pulled to 0 and kept within the limit."""
    draw, position, signs, walk = rng.random(fills).tolist(), 0, [], []
    for one in draw:
        sign = 1 if one < 0.5 - 0.45 * position / LIMIT_LOTS else -1
        position += sign * CLIP_LOTS
        signs.append(sign)
        walk.append(position)
    return np.array(walk), np.array(signs)


def _ladder(best: np.ndarray, there: np.ndarray, levels: int, outward: int) -> pa.Array:
    prices = (best[there, None] + outward * 4 * np.arange(levels)) * 0.1
    return _lists(there, levels, pa.array(prices.ravel()))


def _repeated(there: np.ndarray, levels: int, size: float) -> pa.Array:
    return _lists(there, levels, pa.array(np.full(int(there.sum()) * levels, size)))


def _lists(there: np.ndarray, length: int, items: pa.Array) -> pa.Array:
    offsets = np.concatenate(([0], np.cumsum(there * length))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), items)


def _texts(values: np.ndarray) -> pa.Array:
    there = values != ""
    return _lists(there, 1, pa.array(values[there]))


def _names(prefix: str, numbers: np.ndarray) -> list[str]:
    return [f"{prefix}-{number}" for number in numbers.tolist()]


def _money(units: np.ndarray, unit: Decimal) -> pa.Array:
    """Return whole multiples of a unit as exact numbers."""
    return pa.array([number * unit for number in np.asarray(units).tolist()], type=MONEY)


def _orders(ts: np.ndarray, bid: np.ndarray, ask: np.ndarray) -> Columns:
    """An amendment of the best order of each side at every decision."""
    count = 2 * len(ts)
    prices = pa.array(np.stack((bid, ask), axis=1).ravel()).cast(pa.decimal128(19, 0)).cast(pa.decimal128(30, 0))
    return {
        "ts_ns": np.repeat(ts, 2), "client_order_id": pa.array(np.arange(count) % 2 + 1).cast(pa.string()),
        "decision_id": np.repeat(np.arange(len(ts)), 2), "side": np.tile(["BUY", "SELL"], len(ts)), "level": 0,
        "event": "AMEND", "price": pc.multiply(prices, pa.scalar(TICK, pa.decimal128(2, 1))).cast(MONEY),
        "size": Decimal("0.02"), "filled": Decimal(0), "reason": "", "purpose": "QUOTE",
    }  # fmt: skip


def _markouts(
    ts: np.ndarray, mid: np.ndarray, hit: np.ndarray, sign: np.ndarray, price: np.ndarray, number: np.ndarray
) -> Columns:
    tiled = {name: [] for name in ("ts_ns", "horizon_s", "later")}
    for horizon in HORIZONS_S:
        then = ts[hit] + 1 + round(horizon * 1e9)
        tiled["ts_ns"].append(then)
        tiled["horizon_s"].append(np.full(len(hit), horizon))
        tiled["later"].append(mid[np.searchsorted(ts, then, side="right") - 1] * 0.1)
    repeat = len(HORIZONS_S)
    later, now = np.concatenate(tiled["later"]), np.tile(mid[hit] * 0.1, repeat)
    paid, signs = np.tile(price * 0.1, repeat), np.tile(sign, repeat)
    return {
        "ts_ns": np.concatenate(tiled["ts_ns"]), "client_order_id": _names("O", np.tile(number, repeat)),
        "trade_id": _names("T", np.tile(number, repeat)), "fill_ts_ns": np.tile(ts[hit] + 1, repeat),
        "side": np.where(signs > 0, "BUY", "SELL"), "level": np.tile(number % 3 // 2, repeat), "liquidity": "MAKER",
        "size": 0.02, "price": paid, "horizon_s": np.concatenate(tiled["horizon_s"]), "mid": now, "later_mid": later,
        "edge": signs * (now - paid), "markout": signs * (later - paid), "adverse_selection": signs * (now - later),
    }  # fmt: skip


def _write(folder: Path, name: str, rows: int, columns: Columns) -> None:
    """Write one table; a column that is left out takes its default, one value is taken for every row."""
    schema, arrays = arrow_schema(TABLES[name]), []
    fixed = {
        "strategy_id": STRATEGY,
        "instrument_id": NAME,
        "bid_hedge_venue": "",
        "ask_hedge_venue": "",
        "hedge_refusals": (),
    }
    for field in schema:
        value = columns.get(field.name, fixed.get(field.name))
        if value is None and field.nullable:
            arrays.append(pa.nulls(rows, field.type))
        elif isinstance(value, (str, int, float, Decimal)):
            arrays.append(pa.repeat(pa.scalar(value, field.type), rows))
        elif isinstance(value, tuple):
            arrays.append(_lists(np.zeros(rows, dtype=bool), 0, pa.array([], pa.string())).cast(field.type))
        else:
            array = value if isinstance(value, pa.Array) else pa.array(value)
            arrays.append(array.cast(field.type))
    strings = [field.name for field in schema if pa.types.is_string(field.type)]
    table = pa.Table.from_arrays(arrays, schema=schema)
    pq.write_table(
        table, folder / f"{name}.parquet", row_group_size=ROW_GROUP_ROWS, compression="zstd", use_dictionary=strings
    )
