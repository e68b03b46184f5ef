"""Tardis CSV files, generated in Tardis's own layout."""

import gzip

import pytest
from catalog_kit import tree
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog import tardis
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import TardisSpec
from mm_nautilus.errors import DataError

ID = "ETHUSD_PERP.BINANCE"
T0_US = 1_700_000_000_000_000
BOOK = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
QUOTES = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"


def row(at_us, *fields) -> str:
    return (
        ",".join(["binance-delivery", "ETHUSD_PERP", str(T0_US + at_us), str(T0_US + at_us + 10), *map(str, fields)])
        + "\n"
    )


def book(events=3) -> str:
    levels = [("bid", "2000.00", 10), ("bid", "1999.50", 20), ("ask", "2000.50", 30)]
    text = BOOK + "".join(row(0, "true", *level) for level in levels)
    for k in range(1, events + 1):
        text += row(k * 1000, "false", "bid", "2000.00", 10 + k)
        text += row(k * 1000, "false", "ask", "2000.50", 0 if k == events else 5 + k)
    return text


def spec(**fields):
    tables = [
        {"files": "*book*", "kind": "deltas", "instrument": ID},
        {"files": "*trades*", "kind": "trades", "instrument": ID},
        {"files": "*quotes*", "kind": "quotes", "instrument": ID},
    ]
    return TardisSpec(format="tardis", instruments=[{"builtin": ID}], tables=tables, **fields)


def run(tmp_path, chosen=None, **files):
    sources = []
    for name, text in files.items():
        source = tmp_path / f"{name}.csv.gz"
        source.write_bytes(gzip.compress(text.encode(), mtime=0))
        sources.append(source)
    return ingest(chosen or spec(), sources, tmp_path / "catalog")


def test_every_kind_is_read(tmp_path):
    trades = TRADES + "".join(row(k, f"id{k}", "buy" if k % 2 else "sell", 2000 + k, 7) for k in range(3))
    quotes = QUOTES + row(0, 5, "2000.50", "2000.00", 4) + row(9, 5, "2000.00", "2000.00", 4)
    done = run(tmp_path, book=book(), trades=trades, quotes=quotes)
    catalog = ParquetDataCatalog(str(tmp_path / "catalog"))
    deltas = catalog.query_order_book_deltas([ID])
    assert [(d.action.name, d.flags) for d in deltas[:4]] == [("CLEAR", 32), ("ADD", 0), ("ADD", 0), ("ADD", 128)]
    assert deltas[-1].flags & 128
    assert [(t.aggressor_side.name, str(t.trade_id)) for t in catalog.query_trade_ticks([ID])] == [
        ("SELL", "id0"),
        ("BUY", "id1"),
        ("SELL", "id2"),
    ]
    (first, _) = catalog.query_quote_ticks([ID])
    assert (str(first.bid_price), str(first.ask_size)) == ("2000.00", "5")
    assert (first.ts_event, first.ts_init) == (T0_US * 1000, (T0_US + 10) * 1000)
    kinds = done.reports[ID]["kinds"]
    assert {name: kind["events"] for name, kind in kinds.items()} == {"deltas": 4, "trades": 3, "quotes": 2}
    assert kinds["deltas"]["snapshots"] == 1
    assert "locked" in {found["defect"] for found in done.reports[ID]["findings"]}


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 1000])
def test_chunks_do_not_show(tmp_path, monkeypatch, rows):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    run(tmp_path / "a", book=book(40))
    monkeypatch.setattr(tardis, "CHUNK_ROWS", rows)
    run(tmp_path / "b", book=book(40))
    assert tree(tmp_path / "a" / "catalog") == tree(tmp_path / "b" / "catalog")


def test_the_clock_that_orders_the_replay(tmp_path):
    run(tmp_path, spec(ts_init="exchange"), trades=TRADES + row(5, "1", "buy", 2000, 7))
    (trade,) = ParquetDataCatalog(str(tmp_path / "catalog")).query_trade_ticks([ID])
    assert trade.ts_init == trade.ts_event == (T0_US + 5) * 1000


def test_a_file_of_something_else(tmp_path):
    with pytest.raises(DataError, match=r"no usable event"):
        run(tmp_path, trades="hello,world\n1,2\n")
    assert tree(tmp_path / "catalog") == {}
