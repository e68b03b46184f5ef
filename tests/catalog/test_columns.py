"""The columns equal what the engine itself writes, and the decimals are exact."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalog_kit import ID, SECOND, T0, quotes, trades
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    BookOrder,
    InstrumentId,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    TradeId,
    TradeTick,
)
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.columns import Action, Aggressor, BookSide, decimals, delta_table

IID = InstrumentId.from_str(ID)


def engine_table(root, write, objects) -> pa.Table:
    root.mkdir(exist_ok=True)
    catalog = ParquetDataCatalog(str(root))
    getattr(catalog, write)(objects)
    (path,) = root.rglob("*.parquet")
    return pq.read_table(path)


def plain(table) -> pa.Table:
    """Names instead of dictionaries: the engine numbers them in the order it meets them."""
    fields = [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in table.schema]
    return table.cast(pa.schema(fields))


@settings(deadline=None)
@given(st.lists(st.integers(-(10**17), 10**17), max_size=20), st.integers(0, 16))
def test_decimals_are_exact(mantissas, precision):
    found = decimals(np.array(mantissas, dtype=np.int64), precision).to_pylist()
    assert found == [Decimal(mantissa).scaleb(-precision) for mantissa in mantissas]


def test_decimals_refuse_a_precision_the_engine_has_not():
    with pytest.raises(ValueError, match=r"0\.\.16, found 17"):
        decimals(np.array([1]), 17)


def test_enumerations_are_the_engines():
    assert {member.name: member.value for member in Action} == {
        action.name: action.value for action in (BookAction.ADD, BookAction.UPDATE, BookAction.DELETE, BookAction.CLEAR)
    }
    assert {member.name: member.value for member in Aggressor} == {
        side.name: side.value for side in (AggressorSide.NO_AGGRESSOR, AggressorSide.BUY, AggressorSide.SELL)
    }
    assert {side.name: side.value for side in (OrderSide.BUY, OrderSide.SELL)} == {
        member.name: member.value for member in BookSide if member
    }


def test_a_code_outside_the_enumeration_is_refused():
    ones = np.ones(1, dtype=np.int64)
    columns = dict.fromkeys(("price", "size", "order_id", "flags", "sequence", "ts_event", "ts_init"), ones)
    with pytest.raises(ValueError, match="Action codes"):
        delta_table(ID, 1, 3, action=ones * 5, side=ones, **columns)


def test_quotes_equal_the_engines(tmp_path):
    objects = [
        QuoteTick(
            IID,
            Price.from_str(f"{(600_000 + k % 7) / 10:.1f}"),
            Price.from_str(f"{(600_001 + k % 7) / 10:.1f}"),
            Quantity.from_str("1.000"),
            Quantity.from_str("2.000"),
            T0 + k * SECOND - 5,
            T0 + k * SECOND,
        )
        for k in range(10)
    ]
    assert quotes().equals(engine_table(tmp_path, "write_quote_ticks", objects))


def test_trades_equal_the_engines(tmp_path):
    sides = (AggressorSide.NO_AGGRESSOR, AggressorSide.BUY, AggressorSide.SELL)
    objects = [
        TradeTick(
            IID,
            Price.from_str(f"{(600_000 + k) / 10:.1f}"),
            Quantity.from_str("0.005"),
            sides[k % 3],
            TradeId(str(k + 1)),
            T0 + k * SECOND - 5,
            T0 + k * SECOND,
        )
        for k in range(10)
    ]
    assert trades().equals(engine_table(tmp_path, "write_trade_ticks", objects))


def test_deltas_equal_the_engines(tmp_path):
    clear = OrderBookDelta.clear(IID, 3, T0, T0)
    add = BookOrder(OrderSide.SELL, Price.from_str("60000.5"), Quantity.from_str("0.123"), 77)
    delete = BookOrder(OrderSide.BUY, Price.from_str("60000.0"), Quantity.from_str("0.000"), 0)
    engine = [
        OrderBookDelta(IID, BookAction.ADD, add, 160, 3, T0, T0 + 1),
        OrderBookDelta(IID, BookAction.DELETE, delete, 128, 4, T0 + 2, T0 + 3),
    ]
    expected = engine_table(tmp_path, "write_order_book_deltas", [clear, *engine])
    found = delta_table(
        ID,
        1,
        3,
        action=np.array([Action.CLEAR, Action.ADD, Action.DELETE]),
        side=np.array([BookSide.NO_ORDER_SIDE, BookSide.SELL, BookSide.BUY]),
        price=np.array([0, 600_005, 600_000]),
        size=np.array([0, 123, 0]),
        order_id=np.array([0, 77, 0]),
        flags=np.array([32, 160, 128]),
        sequence=np.array([3, 3, 4]),
        ts_event=np.array([T0, T0, T0 + 2]),
        ts_init=np.array([T0, T0 + 1, T0 + 3]),
    )
    assert plain(found).equals(plain(expected))
    assert found.schema.equals(expected.schema, check_metadata=True)
