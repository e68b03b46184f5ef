"""Delimited text: what a column means is what the specification says, exactly."""

import gzip
import zipfile

import pytest
from catalog_kit import tree
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import CsvSpec
from mm_nautilus.errors import DataError

ETH, FX, AIG = "ETH-USD.GEMINI", "EUR/USD.FXCM", "AIG.XNYS"
SECOND = 10**9
T0 = 1_700_000_000 * SECOND

QUOTES = {"files": "*q.csv", "kind": "quotes", "time": {"column": "t", "unit": "s"}} | {
    name: name for name in ("bid_price", "bid_size", "ask_price", "ask_size")
}
TRADES = {"files": "*t.csv", "kind": "trades", "time": {"column": "t", "unit": "s"}, "price": "price", "size": "size"}
HEADER = "t,bid_price,bid_size,ask_price,ask_size\n"


def spec(*tables, instrument=ETH, **fields):
    tables = [{"instrument": instrument} | table for table in tables]
    return CsvSpec(format="csv", instruments=[{"builtin": instrument}], tables=tables, **fields)


def run(tmp_path, chosen, **files):
    sources = []
    for name, content in files.items():
        source = tmp_path / name.replace("__", ".")
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
        sources.append(source)
    return ingest(chosen, sources, tmp_path / "catalog", replace=True)


def quotes(tmp_path, instrument=ETH):
    found = ParquetDataCatalog(str(tmp_path / "catalog")).query_quote_ticks([instrument])
    return [(q.ts_init, str(q.bid_price), str(q.bid_size), str(q.ask_price), str(q.ask_size)) for q in found]


def trades(tmp_path, instrument=ETH):
    found = ParquetDataCatalog(str(tmp_path / "catalog")).query_trade_ticks([instrument])
    return [(t.ts_init, str(t.price), str(t.size), t.aggressor_side.name, str(t.trade_id)) for t in found]


def findings(done, instrument=ETH):
    report = done.reports[instrument]
    return {f["defect"]: f["count"] for f in [*report["findings"], *report["source_findings"]]}


def test_decimals_and_times_are_exact(tmp_path):
    content = HEADER + "1700000000.123456789,2276.10,0.1,2276.29,1.234567\n1700000001,0.07,3,0.29,4\n"
    run(tmp_path, spec(QUOTES), q__csv=content)
    assert quotes(tmp_path) == [
        (T0 + 123_456_789, "2276.10", "0.100000", "2276.29", "1.234567"),
        (T0 + SECOND, "0.07", "3.000000", "0.29", "4.000000"),
    ]


@pytest.mark.parametrize("ending", ["\n", "", "\r\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_packing_and_line_ends_do_not_matter(tmp_path, ending, pack):
    line = "1700000000,2276.10,1,2276.29,2"
    run(tmp_path, spec(QUOTES), q__csv=pack((HEADER + line + "\n" + line + ending).encode()))
    assert len(quotes(tmp_path)) == 2


def test_members_of_an_archive_follow_each_other(tmp_path):
    with zipfile.ZipFile(tmp_path / "q.csv", "w", zipfile.ZIP_DEFLATED) as archive:
        for index in (2, 1):
            archive.writestr(f"{index}.csv", f"{1_700_000_000 + index},1.00,1,1.01,1\n")
    ingest(spec(QUOTES | {"columns": HEADER.strip().split(",")}), [tmp_path / "q.csv"], tmp_path / "catalog")
    assert [row[0] - T0 for row in quotes(tmp_path)] == [SECOND, 2 * SECOND]


def test_a_truncated_archive_is_an_error_of_one_line(tmp_path):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.csv", HEADER + "1700000000,1.00,1,1.01,1\n" * 1000)
    with pytest.raises(DataError, match=r"no usable event(.|\n)*breaks off"):
        run(tmp_path, spec(QUOTES), q__csv=whole.read_bytes()[:-30])
    assert tree(tmp_path / "catalog") == {}


def test_a_column_may_hold_several_values(tmp_path):
    table = QUOTES | {
        "split": [
            {"column": "bid", "separator": "_", "into": ["bid_price", "bid_size"]},
            {"column": "ask", "separator": "_", "into": ["ask_price", "ask_size"]},
        ]
    }
    done = run(tmp_path, spec(table), q__csv="t,bid,ask\n1700000000,1.10_2,1.11_3\n1700000001,1.10,1.11_3\n")
    assert quotes(tmp_path) == [(T0, "1.10", "2.000000", "1.11", "3.000000")]
    assert findings(done)["field that is no number"] == 1


def test_aggressors_and_trade_ids(tmp_path):
    table = TRADES | {"aggressor": {"column": "maker", "buy": ["0"], "sell": ["1"]}}
    content = "t,price,size,maker,id\n1700000000,1.00,1,0,a\n1700000000,1.00,2,1,b\n1700000001,1.00,3,?,b\n"
    run(tmp_path, spec(table), t__csv=content)
    assert trades(tmp_path) == [
        (T0, "1.00", "1.000000", "BUY", f"{T0}-0"),
        (T0, "1.00", "2.000000", "SELL", f"{T0}-1"),
        (T0 + SECOND, "1.00", "3.000000", "NO_AGGRESSOR", f"{T0 + SECOND}-2"),
    ]
    done = run(tmp_path, spec(table | {"trade_id": "id"}), t__csv=content)
    assert [row[-1] for row in trades(tmp_path)] == ["a", "b"]
    assert findings(done)["trade id repeated"] == 1


@pytest.mark.parametrize(
    ("zone", "day", "utc_hours"),
    [
        ("Etc/GMT+5", "20140701", 5),  # fixed UTC-5: no daylight saving
        ("America/New_York", "20140701", 4),
        ("America/New_York", "20140115", 5),
        ("UTC", "20140701", 0),
    ],
)
def test_time_since_midnight_somewhere(tmp_path, zone, day, utc_hours):
    time = {"column": "ms", "unit": "ms", "zone": zone, "date_pattern": r"(\d{8})_quote"}
    table = {"files": "*_quote.csv", "kind": "quotes", "columns": ["ms", "bid", "ask"], "time": time,
             "bid_price": "bid", "ask_price": "ask", "constant_size": "1000000"}  # fmt: skip
    run(tmp_path, spec(table, instrument=FX), **{f"{day}_quote__csv": "1500,1.38727,1.38729\n"})
    ((ns, bid, size, *_),) = quotes(tmp_path, FX)
    midnight = {"20140701": 1_404_172_800, "20140115": 1_389_744_000}[day]
    assert ns == (midnight + utc_hours * 3600) * SECOND + 1500 * 10**6
    assert (bid, size) == ("1.38727", "1000000")


def test_iso_times_with_and_without_an_offset(tmp_path):
    table = QUOTES | {"time": {"column": "t", "unit": "iso", "zone": "America/New_York"}}
    rows = "2023-11-14T17:13:20.5,1.00,1,1.01,1\nrubbish,1.00,1,1.01,1\n"
    done = run(tmp_path, spec(table), q__csv=HEADER + rows)
    assert [row[0] for row in quotes(tmp_path)] == [T0 + SECOND // 2]
    assert findings(done)["field that is no number"] == 1
    run(tmp_path, spec(table), q__csv=HEADER + "2023-11-14T22:13:20.5Z,1.00,1,1.01,1\n")
    assert [row[0] for row in quotes(tmp_path)] == [T0 + SECOND // 2]


def test_a_row_that_states_the_end_of_its_second_is_known_at_the_next(tmp_path):
    table = QUOTES | {"time": {"column": "t", "unit": "s", "offset_ms": 1000}}
    run(tmp_path, spec(table), q__csv=HEADER + "1700000000,1.00,1,1.01,1\n")
    assert quotes(tmp_path)[0][0] == T0 + SECOND


def test_the_recorders_clock_and_its_shift(tmp_path):
    table = QUOTES | {"local_time": {"column": "local", "unit": "ns"}}
    content = "t,local,bid_price,bid_size,ask_price,ask_size\n1700000000,1699999999000000000,1.00,1,1.01,1\n"
    chosen = spec(table, local_clock_shift_ms=1500)
    run(tmp_path, chosen, q__csv=content)
    (quote,) = ParquetDataCatalog(str(tmp_path / "catalog")).query_quote_ticks([ETH])
    assert (quote.ts_event - T0, quote.ts_init - T0) == (0, SECOND // 2)
    run(tmp_path, spec(table, local_clock_shift_ms=1500, ts_init="exchange"), q__csv=content)
    assert quotes(tmp_path)[0][0] == T0


def test_one_sided_rows_carry_the_other_side(tmp_path, monkeypatch):
    time = {"column": "ms", "unit": "ms", "zone": "America/New_York", "date_pattern": r"(\d{8})_q"}
    table = {"files": "*_q.csv", "kind": "quotes", "columns": ["ms", "b", "bs", "a", "as", "x"], "time": time,
             "one_sided": True, "price_power_of_ten": -4, "bid_price": "b", "bid_size": "bs", "ask_price": "a",
             "ask_size": "as", "session": {"start": "09:30:00", "end": "16:00:00"},
             "exclude": [{"column": "x", "equals": ["1"], "reason": "suspicious"}]}  # fmt: skip
    open_ms = 34_200_000
    rows = [
        f"{open_ms - 1},491000,900,0,0,0",  # before the session
        f"{open_ms},491800,300,0,0,0",  # no ask yet
        f"{open_ms},0,0,492000,3000,0",
        f"{open_ms + 1},481800,100,0,0,1",  # suspicious
        f"{open_ms + 1},491700,100,0,0,0",
        f"{open_ms + 2},0,0,0,0,0",
        f"{open_ms + 3},0,0,491900,200,0",
        f"{16 * 3_600_000},491700,100,0,0,0",  # after it
    ]
    monkeypatch.setattr("mm_nautilus.catalog.sources.BLOCK_BYTES", 40)
    done = run(tmp_path, spec(table, instrument=AIG), **{"20131007_q__csv": "\n".join(rows)})
    midnight = 1_381_118_400 * SECOND  # 04:00 UTC, New York is on daylight saving time
    assert [(ns - midnight) // 10**6 - open_ms for ns, *_ in quotes(tmp_path, AIG)] == [0, 1, 3]
    assert [row[1:] for row in quotes(tmp_path, AIG)] == [
        ("49.18", "300", "49.20", "3000"),
        ("49.17", "100", "49.20", "3000"),
        ("49.17", "100", "49.19", "200"),
    ]
    counted = findings(done, AIG)
    assert counted["outside 09:30-16:00"] == 2
    assert counted["suspicious"] == counted["other side not known yet"] == counted["neither side in the row"] == 1


def test_flags_exclude_rows_by_their_bits(tmp_path):
    table = TRADES | {"exclude": [{"column": "c", "any_bits": "0xC0", "reason": "auction print"}]}
    content = "t,price,size,c\n1700000000,1.00,1,20002020\n1700000001,1.00,1,20000040\n1700000002,1.00,1,zz\n"
    done = run(tmp_path, spec(table), t__csv=content)
    assert [row[0] - T0 for row in trades(tmp_path)] == [0, 2 * SECOND]
    assert findings(done)["auction print"] == 1


def test_rows_that_are_not_of_the_format(tmp_path):
    content = (
        HEADER + "1700000000,1.00,1,1.01,1\n1700000001,1.00,1\n1700000002,nan,1,1.01,1\n1700000003,1.00,-1,1.01,1\n"
    )
    done = run(tmp_path, spec(QUOTES), q__csv=content)
    assert len(quotes(tmp_path)) == 1
    counted = findings(done)
    assert counted["line that is not of the format"] == 1
    assert counted["field that is no number"] == 1
    assert counted["negative size"] == 1


def test_backwards_times(tmp_path):
    content = HEADER + "".join(f"17000000{s:02},1.00,1,1.0{k},1\n" for k, s in enumerate((10, 5, 12), start=1))
    done = run(tmp_path, spec(QUOTES), q__csv=content)
    assert [(row[0] - T0) // SECOND for row in quotes(tmp_path)] == [10, 10, 12]
    assert findings(done)["arrival time before its predecessor's"] == 1
    run(tmp_path, spec(QUOTES, policies={"backwards_time": "drop"}), q__csv=content)
    assert [(row[0] - T0) // SECOND for row in quotes(tmp_path)] == [10, 12]
    with pytest.raises(DataError, match="backwards_time"):
        run(tmp_path, spec(QUOTES, policies={"backwards_time": "error"}), q__csv=content)


def test_files_out_of_order(tmp_path):
    first, second = (HEADER + f"{1_700_000_000 + k},1.00,1,1.01,1\n" for k in range(2))
    with pytest.raises(DataError, match=r"1q\.csv: quotes of ETH-USD\.GEMINI start before .*2q\.csv ends"):
        run(tmp_path, spec(QUOTES), **{"2q__csv": second, "1q__csv": first})
    run(tmp_path, spec(QUOTES), **{"1q__csv": first, "2q__csv": second})


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("q__csv", "t,bid,ask\n1,2,3\n", r"no column 'bid_price', 'bid_size'.*; the file has t, bid, ask"),
        ("other__csv", HEADER, r"matches none of the tables .*'\*q\.csv'"),
        ("q__csv", HEADER, "no usable event"),
        ("q__csv", "", "no usable event"),
        ("q__csv", HEADER.encode() + b"1700000000,1\xff,1,1.01,1\n", "no delimited text|no usable event"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, content, words):
    with pytest.raises(DataError, match=words):
        run(tmp_path, spec(QUOTES), **{name: content})
    assert tree(tmp_path / "catalog") == {}


def test_a_path_without_the_date(tmp_path):
    time = {"column": "t", "unit": "ms", "date_pattern": r"(\d{8})_q"}
    with pytest.raises(DataError, match="holds no date"):
        run(tmp_path, spec(QUOTES | {"time": time}), q__csv=HEADER + "1,1.00,1,1.01,1\n")


def test_blocks_do_not_show(tmp_path, monkeypatch):
    content = HEADER + "".join(f"{1_700_000_000 + k},1.{k % 90 + 10},1,2.00,{k + 1}\n" for k in range(500))
    a, b = tmp_path / "a", tmp_path / "b"
    for path in (a, b):
        path.mkdir()
    run(a, spec(QUOTES), q__csv=content)
    monkeypatch.setattr("mm_nautilus.catalog.sources.BLOCK_BYTES", 97)
    run(b, spec(QUOTES), q__csv=content)
    assert tree(a / "catalog") == tree(b / "catalog")
