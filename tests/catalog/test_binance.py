"""Small hand-written captures, and what the catalogue must hold of them."""

import gzip
from pathlib import Path

import orjson
import pytest
from catalog_kit import tree
from nautilus_trader.model import BookType, InstrumentId, OrderBook
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import BinanceSpec
from mm_nautilus.errors import CatalogError, DataError

T0_MS = 1_700_000_000_000
SPOT, PERP = "BTCUSDT.BINANCE", "BTCUSDT-PERP.BINANCE"
MS = 1_000_000


def spec(instrument=SPOT, **fields):
    return BinanceSpec(format="binance-raw", instruments=[{"builtin": instrument}], **fields)


def line(at_ms, payload) -> bytes:
    return f"{round((T0_MS + at_ms) * MS)} ".encode() + orjson.dumps(payload) + b"\n"


def stream(name, at_ms, data) -> bytes:
    return line(at_ms, {"stream": f"btcusdt@{name}", "data": data})


def update(at_ms, first, last, bids=(), asks=(), *, event_ms=None, previous=None) -> bytes:
    event = at_ms - 5 if event_ms is None else event_ms
    data = {"e": "depthUpdate", "E": T0_MS + event, "s": "BTCUSDT", "U": first, "u": last}
    if previous is not None:
        data |= {"pu": previous, "T": T0_MS + event - 1}
    return stream("depth@100ms", at_ms, data | {"b": list(bids), "a": list(asks)})


def snapshot(at_ms, last, bids, asks, **more) -> bytes:
    return line(at_ms, {"lastUpdateId": last, "bids": bids, "asks": asks, **more})


def trade(at_ms, number, price="100.00", size="0.10000000", *, event_ms=None, maker=True, **more) -> bytes:
    event = at_ms - 5 if event_ms is None else event_ms
    data = {"e": "trade", "E": T0_MS + event, "s": "BTCUSDT", "t": number, "p": price, "q": size, "T": T0_MS + event}
    return stream("trade", at_ms, data | {"m": maker} | more)


def ticker(at_ms, last, bid="100.00", ask="100.10", **more) -> bytes:
    data = {"u": last, "s": "BTCUSDT", "b": bid, "B": "1.00000000", "a": ask, "A": "2.00000000"}
    return stream("bookTicker", at_ms, data | more)


# The market falls while the snapshot is on its way: applied naively, its stale bid at 100.00 stays on
# the book under the ask at 99.90 that the buffered update brought.
FALLING = [
    update(0, 1, 3, [["99.00", "1.0"]]),
    update(100, 4, 6, [["100.00", "0"]], [["99.90", "0.5"]]),
    snapshot(150, 3, [["100.00", "1.0"], ["99.00", "1.0"]], [["100.10", "2.0"], ["100.20", "1.0"]]),
    ticker(160, 6, "99.00", "99.90"),
    update(200, 7, 8, [["99.50", "0.7"]], [["100.10", "0.00000000"], ["99.90", "0.4"]]),
]


def run(tmp_path, lines, chosen=None, name="capture.gz", **options):
    source = tmp_path / name
    content = b"".join(lines)
    source.write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)
    return ingest(chosen or spec(), [source], tmp_path / "catalog", **options)


def stored(tmp_path, instrument=SPOT):
    return ParquetDataCatalog(str(tmp_path / "catalog")).query_order_book_deltas([instrument])


def rows(deltas):
    return [
        (d.action.name, str(d.order.side), str(d.order.price), str(d.order.size), d.flags, d.sequence, at(d.ts_init))
        for d in deltas
    ]


def at(ns) -> float:
    return ns / MS - T0_MS


def findings(done, instrument=SPOT):
    report = done.reports[instrument]
    return {found["defect"]: found["count"] for found in [*report["findings"], *report["source_findings"]]}


def top(deltas, instrument=SPOT):
    book = OrderBook(InstrumentId.from_str(instrument), BookType.L2_MBP)
    for delta in deltas:
        book.apply_delta(delta)
    return str(book.best_bid_price()), str(book.best_ask_price())


def test_the_book_of_a_falling_market(tmp_path):
    done = run(tmp_path, FALLING)
    assert rows(stored(tmp_path)) == [
        ("CLEAR", "None", "0.00", "0.00000", 32, 3, 150),
        ("ADD", "BUY", "100.00", "1.00000", 32, 3, 150),
        ("ADD", "BUY", "99.00", "1.00000", 32, 3, 150),
        ("ADD", "SELL", "100.10", "2.00000", 32, 3, 150),
        ("ADD", "SELL", "100.20", "1.00000", 160, 3, 150),
        ("DELETE", "BUY", "100.00", "0.00000", 0, 6, 150),
        ("UPDATE", "SELL", "99.90", "0.50000", 128, 6, 150),
        ("DELETE", "SELL", "100.10", "0.00000", 0, 8, 200),
        ("UPDATE", "BUY", "99.50", "0.70000", 0, 8, 200),
        ("UPDATE", "SELL", "99.90", "0.40000", 128, 8, 200),
    ]
    assert top(stored(tmp_path)) == ("99.50", "99.90")
    assert findings(done)["update contained in the snapshot"] == 1
    assert "crossed" not in findings(done)


def test_naively_applied_that_capture_crosses(tmp_path):
    """What the rule is for: the snapshot alone, on top of all the updates before it, is a crossed book."""
    naive = [FALLING[2], FALLING[0], update(201, 7, 8, [["99.50", "0.7"]], [["99.90", "0.4"]])]
    lines = [naive[0].replace(b'"lastUpdateId":3', b'"lastUpdateId":6'), naive[2]]
    done = run(tmp_path, lines)
    assert top(stored(tmp_path)) == ("100.00", "99.90")
    assert findings(done)["crossed"] == 1
    assert done.reports[SPOT]["crossed_spans_ns"] == [[(T0_MS + 201) * MS] * 2]


def test_quotes_and_trades_keep_both_clocks(tmp_path):
    chosen = spec(PERP, local_clock_shift_ms=1270)
    lines = [
        ticker(0, 1, "100.0", "100.1", E=T0_MS + 1265, T=T0_MS + 1264, e="bookTicker"),
        trade(10, 7, "100.0", "0.100", event_ms=1275, maker=False),
    ]
    run(tmp_path, lines, chosen)
    catalog = ParquetDataCatalog(str(tmp_path / "catalog"))
    (quote,) = catalog.query_quote_ticks([PERP])
    assert (at(quote.ts_event), at(quote.ts_init)) == (1264, 1270)
    assert (str(quote.bid_price), str(quote.ask_size)) == ("100.0", "2.000")
    (tick,) = catalog.query_trade_ticks([PERP])
    assert (at(tick.ts_event), at(tick.ts_init)) == (1275, 1280)
    assert (tick.aggressor_side.name, str(tick.trade_id), str(tick.size)) == ("BUY", "7", "0.100")


def test_the_exchange_clock_may_order_the_replay(tmp_path):
    run(tmp_path, [trade(10, 7), trade(20, 8, event_ms=13)], spec(ts_init="exchange"))
    ticks = ParquetDataCatalog(str(tmp_path / "catalog")).query_trade_ticks([SPOT])
    assert [at(tick.ts_init) for tick in ticks] == [5, 13]


def test_a_book_update_waits_for_the_trades_it_reflects(tmp_path):
    base = snapshot(0, 1, [["100.00", "1.0"]], [["100.10", "1.0"]])
    lines = [
        base,
        update(100, 2, 2, [["100.00", "0.5"]], event_ms=95),  # the trade of 90 reaches us at 130
        update(110, 3, 3, [["99.00", "1.0"]], event_ms=105),
        trade(130, 1, event_ms=90),
        update(200, 4, 4, [["98.00", "1.0"]], event_ms=195),
        trade(210, 2, event_ms=199),  # after the update's own time: it is reflected later
        update(300, 5, 5, [["97.00", "1.0"]], event_ms=295),
        trade(2_300, 3, event_ms=290),  # two seconds late: beyond the window
    ]
    done = run(tmp_path, lines)
    assert [at(d.ts_init) for d in stored(tmp_path) if d.flags & 128] == [0, 130, 130, 200, 300]
    assert findings(done)["book update before a trade it reflects"] == 2
    again = run(tmp_path, lines, spec(trade_window_ms=0), replace=True)
    assert [at(d.ts_init) for d in stored(tmp_path) if d.flags & 128] == [0, 100, 110, 200, 300]
    assert "book update before a trade it reflects" not in findings(again)


def test_chunks_do_not_show(tmp_path, monkeypatch):
    lines = list(FALLING)
    for k in range(200):
        lines.append(update(300 + 100 * k, 9 + k, 9 + k, [["99.50", f"{k + 1}.0"]]))
        lines.append(trade(330 + 100 * k, k, event_ms=290 + 100 * k))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    run(tmp_path / "a", lines)
    monkeypatch.setattr("mm_nautilus.catalog.sources.BLOCK_BYTES", 500)
    run(tmp_path / "b", lines)
    assert tree(tmp_path / "a" / "catalog") == tree(tmp_path / "b" / "catalog")


def test_a_sequence_gap_clears_the_book_until_the_next_snapshot(tmp_path):
    lines = [
        *FALLING,
        update(300, 10, 11, [["99.60", "1.0"]]),  # update 9 is missing
        update(400, 12, 12, [["99.70", "1.0"]]),
        snapshot(450, 11, [["99.60", "1.0"]], [["99.90", "0.4"]]),
        update(500, 13, 13, [["99.80", "1.0"]]),
    ]
    done = run(tmp_path, lines)
    after = rows(stored(tmp_path))[10:]
    assert after == [
        ("CLEAR", "None", "0.00", "0.00000", 128, 11, 300),
        ("CLEAR", "None", "0.00", "0.00000", 32, 11, 450),
        ("ADD", "BUY", "99.60", "1.00000", 32, 11, 450),
        ("ADD", "SELL", "99.90", "0.40000", 160, 11, 450),
        ("UPDATE", "BUY", "99.70", "1.00000", 128, 12, 450),
        ("UPDATE", "BUY", "99.80", "1.00000", 128, 13, 500),
    ]
    assert findings(done)["sequence gap"] == 1
    assert findings(done)["one-sided or empty book"] == 1


def test_a_gap_without_another_snapshot_ends_the_book(tmp_path):
    done = run(tmp_path, [*FALLING, update(300, 10, 11, [["99.60", "1.0"]]), update(400, 12, 12, [["99.70", "1.0"]])])
    assert rows(stored(tmp_path))[10:] == [("CLEAR", "None", "0.00", "0.00000", 128, 11, 300)]
    assert findings(done)["update without a book to apply it to"] == 2


def test_a_gap_may_stop_the_ingest(tmp_path):
    chosen = spec(policies={"sequence_gap": "error"})
    with pytest.raises(DataError, match=r"missing before update 10\.\.11 .*sequence_gap"):
        run(tmp_path, [*FALLING, update(300, 10, 11)], chosen)
    assert tree(tmp_path / "catalog") == {}


def test_the_second_day_continues_the_first(tmp_path):
    for name, lines in (("day1.gz", FALLING), ("day2.gz", [update(300, 9, 9, [["99.60", "1.0"]])])):
        (tmp_path / name).write_bytes(gzip.compress(b"".join(lines)))
    days = [tmp_path / "day1.gz", tmp_path / "day2.gz"]
    ingest(spec(), days, tmp_path / "catalog")
    assert top(stored(tmp_path)) == ("99.60", "99.90")
    with pytest.raises(DataError, match=r"day1.gz: events of BTCUSDT start before .*day2.gz ends"):
        ingest(spec(), days[::-1], tmp_path / "other")
    alone = ingest(spec(), days[:1], tmp_path / "alone")
    assert alone.reports[SPOT]["kinds"]["deltas"]["events"] == 3


@pytest.mark.parametrize("cut", [1, 10, 60, 200])
def test_a_truncated_file_is_kept_up_to_the_damage(tmp_path, cut):
    lines = [*FALLING, *(update(300 + k, 9 + k, 9 + k, [["99.50", f"{k}.5"]]) for k in range(500))]
    whole = gzip.compress(b"".join(lines))
    source = tmp_path / "cut.gz"
    source.write_bytes(whole[: len(whole) - cut])
    done = ingest(spec(), [source], tmp_path / "catalog")
    assert findings(done)["breaks off"] == 1
    (words,) = [found["first"] for found in done.reports[SPOT]["source_findings"]]
    assert words.startswith(f"cut.gz: breaks off near byte {len(whole) - cut} of {len(whole) - cut}")
    assert len(stored(tmp_path)) > 20
    assert stored(tmp_path)[-1].flags & 128
    with pytest.raises(DataError, match="damaged_source"):
        ingest(spec(policies={"damaged_source": "error"}), [source], tmp_path / "other")
    assert tree(tmp_path / "other") == {}


def test_damage_in_the_middle_of_a_file(tmp_path):
    lines = [*FALLING, *(update(300 + k, 9 + k, 9 + k, [["99.50", f"{k}.5"]]) for k in range(30_000))]
    content = bytearray(gzip.compress(b"".join(lines)))
    content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
    (tmp_path / "bad.gz").write_bytes(content)
    done = ingest(spec(), [tmp_path / "bad.gz"], tmp_path / "catalog")
    assert findings(done)["breaks off"] == 1


def test_lines_of_another_kind_are_counted(tmp_path):
    odd = [
        b"not a line\n",
        b"17 {broken\n",
        b'{"no": "stamp"}\n',
        stream("trade", 0, {"e": "trade", "s": "BTCUSDT"}),
        stream("kline_1m", 0, {"e": "kline", "s": "BTCUSDT"}),
        trade(250, 1).replace(b"BTCUSDT", b"DOGEUSDT"),
        line(250, [1, 2]),
    ]
    done = run(tmp_path, [*FALLING, *odd], name="capture.txt")
    assert findings(done)["line that is not of the format"] == 5
    assert findings(done)["stream btcusdt@kline_1m"] == 1
    assert findings(done)["event of DOGEUSDT, which is not declared"] == 1
    with pytest.raises(DataError, match="unparsable"):
        run(tmp_path, [*FALLING, *odd], spec(policies={"unparsable": "error"}), replace=True)


def test_defective_trades_and_quotes(tmp_path):
    lines = [
        trade(0, 1, "nan"),
        trade(1, 2, size="0.00000000"),
        trade(2, 3, X="INSURANCE_FUND"),
        trade(3, 4),
        trade(4, 4),
        trade(5, 5, price="-1.00"),
        ticker(6, 1, "100.20", "100.10"),
        ticker(7, 2, "100.10", "100.10"),
        ticker(8, 3, bid=None),
        trade(2, 6),  # the recorder's clock went back
    ]
    done = run(tmp_path, lines)
    ticks = ParquetDataCatalog(str(tmp_path / "catalog")).query_trade_ticks([SPOT])
    assert [(str(tick.trade_id), at(tick.ts_init)) for tick in ticks] == [("4", 3), ("6", 3)]
    expected = {
        "field that is no number": 2,
        "zero size": 1,
        "off the book (X = INSURANCE_FUND)": 1,
        "trade id repeated": 1,
        "price of zero or less": 1,
        "crossed": 1,
        "locked": 1,
        "arrival time before its predecessor's": 1,
    }
    found = findings(done)
    by_kind = [f for f in done.reports[SPOT]["findings"] if f["defect"] == "field that is no number"]
    assert sum(f["count"] for f in by_kind) == expected.pop("field that is no number")
    assert expected.items() <= found.items()
    dropped = run(tmp_path, lines, spec(policies={"crossed_quote": "drop", "locked_quote": "drop"}), replace=True)
    assert "quotes" not in dropped.reports[SPOT]["kinds"]


def test_a_wrong_instrument_is_noticed(tmp_path):
    with pytest.raises(DataError, match=r"price with more decimals than the instrument, 1 times.*price_out_of_prec"):
        run(tmp_path, [trade(0, 1, "100.12345")])
    with pytest.raises(DataError, match=r"nothing of the declared symbols \(BTCUSDT\); found ETHUSDT"):
        run(tmp_path, [trade(0, 1).replace(b"BTCUSDT", b"ETHUSDT")])
    with pytest.raises(DataError, match=r"no line of the form"):
        run(tmp_path, [b"\x00\x01\x02" * 1000], name="noise.bin")


def test_two_symbols_in_one_capture_find_their_snapshots(tmp_path):
    two = BinanceSpec(format="binance-raw", instruments=[{"builtin": SPOT}, {"builtin": "ETHUSDT.BINANCE"}])
    lines = [
        update(0, 11, 12, [["99.00", "1.0"]]),
        update(0, 501, 502, [["9.00", "1.0"]]).replace(b"BTCUSDT", b"ETHUSDT"),
        snapshot(10, 501, [["9.50", "1.0"]], [["10.00", "1.0"]]),
        snapshot(11, 12, [["99.50", "1.0"]], [["100.00", "1.0"]]),
        snapshot(12, 900, [["1.00", "1.0"]], [["2.00", "1.0"]]),
    ]
    done = run(tmp_path, lines, two)
    assert top(stored(tmp_path)) == ("99.50", "100.00")
    assert top(stored(tmp_path, "ETHUSDT.BINANCE"), "ETHUSDT.BINANCE") == ("9.50", "10.00")
    assert findings(done)["snapshot that fits no declared instrument"] == 1


def test_repeating_adds_nothing_and_other_policies_are_another_ingest(tmp_path):
    assert not run(tmp_path, FALLING).repeated
    before = tree(tmp_path / "catalog")
    assert run(tmp_path, FALLING).repeated
    assert tree(tmp_path / "catalog") == before
    assert not run(tmp_path, FALLING, spec(time_gap_s=5)).repeated
    assert {k: v for k, v in tree(tmp_path / "catalog").items() if k.startswith("data")} == {
        k: v for k, v in before.items() if k.startswith("data")
    }


def test_sources_that_cannot_be_read(tmp_path):
    (tmp_path / "a.gz").write_bytes(b"")
    with pytest.raises(DataError, match=r"no such file(.|\n)*a folder; name the files"):
        ingest(spec(), [tmp_path / "nope.gz", tmp_path], tmp_path / "catalog")
    with pytest.raises(DataError, match="given twice"):
        ingest(spec(), [tmp_path / "a.gz", Path(tmp_path / "a.gz")], tmp_path / "catalog")
    with pytest.raises(DataError, match="no line of the form"):
        ingest(spec(), [tmp_path / "a.gz"], tmp_path / "catalog")
    assert not (tmp_path / "catalog" / "data").exists()


def test_a_disk_that_refuses_is_an_error_of_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mm_nautilus.catalog.store.CatalogWriter.append", full)
    with pytest.raises(CatalogError, match="No space left on device; the catalogue is as it was"):
        run(tmp_path, FALLING)
    assert tree(tmp_path / "catalog") == {}
    assert not (tmp_path / "catalog" / ".staging").exists()
