"""Small instruments and tables the catalogue tests share."""

import numpy as np
import pyarrow as pa
from nautilus_trader.model import Currency, CurrencyPair, InstrumentId, Price, Quantity, Symbol

from mm_nautilus.catalog.columns import F_LAST, delta_table, quote_table, trade_table

T0 = 1_700_000_000_000_000_000
SECOND = 10**9
ID = "BTCUSDT.SIM"


def pair(instrument_id=ID, *, tick="0.1", lot="0.001"):
    symbol = instrument_id.rsplit(".", 1)[0]
    price, size = Price.from_str(tick), Quantity.from_str(lot)
    return CurrencyPair(
        instrument_id=InstrumentId.from_str(instrument_id),
        raw_symbol=Symbol(symbol),
        base_currency=Currency.from_str("BTC"),
        quote_currency=Currency.from_str("USDT"),
        price_precision=price.precision,
        size_precision=size.precision,
        price_increment=price,
        size_increment=size,
        ts_event=0,
        ts_init=0,
    )


def quotes(n=10, *, start=T0, step=SECOND, instrument_id=ID, bid=600_000) -> pa.Table:
    times = start + np.arange(n) * step
    ones = np.ones(n, dtype=np.int64)
    prices = bid + np.arange(n) % 7
    return quote_table(
        instrument_id,
        1,
        3,
        bid_price=prices,
        ask_price=prices + 1,
        bid_size=ones * 1_000,
        ask_size=ones * 2_000,
        ts_event=times - 5,
        ts_init=times,
    )


def trades(n=10, *, start=T0, step=SECOND, instrument_id=ID) -> pa.Table:
    times = start + np.arange(n) * step
    return trade_table(
        instrument_id,
        1,
        3,
        price=600_000 + np.arange(n),
        size=np.full(n, 5),
        aggressor=np.arange(n) % 3,
        trade_id=np.arange(n) + 1,
        ts_event=times - 5,
        ts_init=times,
    )


def deltas(n=10, *, start=T0, step=SECOND, instrument_id=ID, last_flag=F_LAST) -> pa.Table:
    """Two deltas per event: one bid, one ask, the second closing the event."""
    times = np.repeat(start + np.arange(n) * step, 2)
    flags = np.tile([0, last_flag], n)
    return delta_table(
        instrument_id,
        1,
        3,
        action=np.full(2 * n, 2),
        side=np.tile([1, 2], n),
        price=np.tile([600_000, 600_010], n),
        size=np.arange(2 * n) + 1,
        order_id=np.zeros(2 * n, dtype=np.int64),
        flags=flags,
        sequence=np.repeat(np.arange(n), 2),
        ts_event=times,
        ts_init=times,
    )


def tree(root) -> dict[str, bytes]:
    """Every visible file of a catalogue with its content."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in files
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    }
