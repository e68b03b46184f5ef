"""Every real set ingests with its shipped specification, and the engine runs over what comes out."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import orjson
import pytest
from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import BookType, InstrumentId, NautilusDataType, OrderBook
from nautilus_trader.persistence import ParquetDataCatalog
from nautilus_trader.trading import Strategy

from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.inspect import inspect_catalog
from mm_nautilus.catalog.replay import ReplayedBook
from mm_nautilus.catalog.sources import blocks
from mm_nautilus.catalog.spec import load_spec

pytestmark = pytest.mark.real_data

SPECS = Path(__file__).resolve().parents[2] / "configs" / "ingest"
BINANCE = "binance_btc_eth_20240808"

# Set: specification, sources, and events of each kind per instrument.
SETS = {
    "spot": (
        "binance_spot",
        f"{BINANCE}/spot_*.gz",
        {
            "BTCUSDT.BINANCE": {"deltas": 6494, "quotes": 73_174, "trades": 19_904},
            "ETHUSDT.BINANCE": {"deltas": 6469, "quotes": 58_758, "trades": 14_515},
        },
    ),
    "usdm": (
        "binance_usdm",
        f"{BINANCE}/usdm_*.gz",
        {
            "BTCUSDT-PERP.BINANCE": {"deltas": 6548, "quotes": 66_089, "trades": 21_313},
            "ETHUSDT-PERP.BINANCE": {"deltas": 6582, "quotes": 53_992, "trades": 14_076},
        },
    ),
    "coinm": (
        "binance_coinm",
        f"{BINANCE}/cm_*.gz",
        {
            "BTCUSD_PERP.BINANCE": {"deltas": 44_773, "quotes": 48_355, "trades": 5235},
            "ETHUSD_PERP.BINANCE": {"deltas": 39_134, "quotes": 35_563, "trades": 3595},
        },
    ),
    "gemini": (
        "gemini_ethusd",
        "gemini_ethusd_20210701/*.csv",
        {"ETH-USD.GEMINI": {"quotes": 72_180, "trades": 25_222}},
    ),
    "fxcm": ("fx_fxcm", "fx_eurusd_two_brokers_201405/fxcm/*.zip", {"EUR/USD.FXCM": {"quotes": 285_097}}),
    "oanda": ("fx_oanda", "fx_eurusd_two_brokers_201405/oanda/*.zip", {"EUR/USD.OANDA": {"quotes": 144_725}}),
    "equity": (
        "us_equity_nbbo",
        "us_equity_nbbo_aig_bac_20131007/*/*.zip",
        {
            "AIG.XNYS": {"quotes": 1_079_166, "trades": 19_012},
            "BAC.XNYS": {"quotes": 472_251, "trades": 49_342},
        },
    ),
    "es": (
        "cme_es",
        "cme_es_mbo_20231225/esh4*.zst",
        {"ESH4.GLBX": {"deltas": 47_024, "trades": 2973}},
    ),
}


@pytest.fixture(scope="module")
def ingested(shared_data, tmp_path_factory):
    """Catalogue and reports of a set, made when first asked for."""
    made = {}

    def get(name):
        if name not in made:
            spec, pattern, _ = SETS[name]
            root = tmp_path_factory.mktemp(name)
            done = ingest(load_spec(SPECS / f"{spec}.toml"), sorted(shared_data.glob(pattern)), root)
            made[name] = (root, done.reports)
        return made[name]

    return get


def findings(report):
    return {(finding["kind"], finding["defect"]): finding["count"] for finding in report["findings"]}


class Idle(Strategy):
    """Subscribes to everything and counts it."""

    def watch(self, instrument_ids, book_type):
        self.instrument_ids, self.book_type, self.seen = instrument_ids, book_type, Counter()

    def on_start(self):
        for instrument_id in self.instrument_ids:
            if self.book_type is not BookType.L1_MBP:
                self.subscribe_book_deltas(instrument_id, self.book_type)
            self.subscribe_quotes(instrument_id)
            self.subscribe_trades(instrument_id)

    def on_book_deltas(self, deltas):
        self.seen[str(deltas.instrument_id), "deltas"] += 1

    def on_quote(self, quote):
        self.seen[str(quote.instrument_id), "quotes"] += 1

    def on_trade(self, trade):
        self.seen[str(trade.instrument_id), "trades"] += 1


def run_engine(root, instrument_ids):
    shape = inspect_catalog(root, instrument_ids)
    books = [found.deltas for found in shape.instruments.values() if found.deltas]
    book_type = BookType.L1_MBP
    if books:
        book_type = BookType.L3_MBO if books[0].order_ids else BookType.L2_MBP
    ids = [InstrumentId.from_str(name) for name in instrument_ids]
    kinds = [getattr(NautilusDataType, kind) for kind in shape.kinds()]
    config = BacktestRunConfig(
        id="idle",
        venues=[
            BacktestVenueConfig(
                name=str(ids[0].venue),
                oms_type="NETTING",
                account_type="MARGIN",
                book_type=book_type.name,
                starting_balances=["1000000 USD", "1000000 USDT", "100 BTC", "100 ETH"],
                fee_model=MakerTakerFeeModel(Decimal(0), Decimal(0)),
            )
        ],
        data=[BacktestDataConfig(kind, str(root), instrument_ids=ids) for kind in kinds],
        engine=BacktestEngineConfig(logging=LoggerConfig(stdout_level=LogLevel.ERROR), run_analysis=False),
        chunk_size=100_000,
        dispose_on_completion=False,
        raise_exception=True,
    )
    node = BacktestNode([config])
    node.build()
    strategy = Idle()
    strategy.watch(ids, book_type)
    node.add_strategy("idle", strategy)
    node.run()
    node.dispose()
    return strategy.seen


@pytest.mark.parametrize("name", SETS)
def test_the_quality_report_counts_what_the_readme_says(ingested, name):
    root, reports = ingested(name)
    expected = SETS[name][2]
    counted = {
        instrument_id: {kind: totals["events"] for kind, totals in report["kinds"].items()}
        for instrument_id, report in reports.items()
    }
    assert counted == expected
    assert all(report["source_findings"] == [] for report in reports.values())
    shape = inspect_catalog(root, list(expected))
    for found in shape.instruments.values():
        assert found.deltas is None or (found.deltas.ends_event and not found.deltas.needs_earlier_snapshot)


@pytest.mark.parametrize("name", SETS)
def test_the_engine_runs_over_it(ingested, name):
    root, reports = ingested(name)
    # Chunked and unchanged: the engine sees every event that the report counts.
    seen = run_engine(root, sorted(reports))
    expected = {
        (instrument_id, kind): totals["events"]
        for instrument_id, report in reports.items()
        for kind, totals in report["kinds"].items()
    }
    assert dict(seen) == expected


def raw_tops(paths, raw_symbol):
    """Best prices that the market's own book ticker gives for each update id."""
    tops = {}
    for path in paths:
        for block in blocks(path, pytest.fail, lambda _: None):
            for line in block.splitlines():
                message = orjson.loads(line.partition(b" ")[2])
                if message.get("stream", "").endswith("@bookTicker") and message["data"]["s"] == raw_symbol:
                    data = message["data"]
                    tops[data["u"]] = (Decimal(data["b"]), Decimal(data["a"]))
    return tops


@pytest.mark.parametrize(
    ("name", "prefix", "instrument_id", "raw_symbol"),
    [
        ("spot", "spot_btcusdt", "BTCUSDT.BINANCE", "BTCUSDT"),
        ("usdm", "usdm_btcusdt", "BTCUSDT-PERP.BINANCE", "BTCUSDT"),
        ("coinm", "cm_btcusd", "BTCUSD_PERP.BINANCE", "BTCUSD_PERP"),
    ],
)
def test_the_book_rebuilds_to_its_own_book_ticker(ingested, shared_data, name, prefix, instrument_id, raw_symbol):
    """The engine's own book, event by event: never crossed, and the ticker's top wherever the two name one update."""
    root, reports = ingested(name)
    tops = raw_tops(sorted((shared_data / BINANCE).glob(f"{prefix}*.gz")), raw_symbol)
    book = OrderBook(InstrumentId.from_str(instrument_id), BookType.L2_MBP)
    compared = crossed = 0
    bid = ask = None
    for delta in ParquetDataCatalog(str(root)).query_order_book_deltas([instrument_id]):
        book.apply_delta(delta)
        if delta.flags & 128:
            bid, ask = book.best_bid_price().as_decimal(), book.best_ask_price().as_decimal()
            crossed += bid >= ask
            if delta.sequence in tops:
                compared += 1
                assert (bid, ask) == tops[delta.sequence], f"update {delta.sequence}"
    assert crossed == 0
    assert compared > 500
    quote = ParquetDataCatalog(str(root)).query_quote_ticks([instrument_id])[-1]
    assert (bid, ask) == (quote.bid_price.as_decimal(), quote.ask_price.as_decimal())
    assert not {defect for _, defect in findings(reports[instrument_id])} & {"crossed", "locked", "sequence gap"}


def test_the_same_capture_applied_naively_crosses(shared_data):
    """Without the rule: the snapshot replaces the book when it comes, and what the buffer held is lost."""
    book, crossed = ReplayedBook(), 0
    for block in blocks(shared_data / BINANCE / "spot_btcusdt_20240808.gz", pytest.fail, lambda _: None):
        for line in block.splitlines():
            message = orjson.loads(line.partition(b" ")[2])
            data = message.get("data", message)
            sides = [data.get("b", data.get("bids")), data.get("a", data.get("asks"))]
            if "lastUpdateId" in data:
                book.clear()
            elif data.get("e") != "depthUpdate":
                continue
            rows = [
                (2, side, int(price.replace(".", "")), int(size.replace(".", "")), 0)
                for side, levels in zip((1, 2), sides, strict=True)
                for price, size in levels
            ]
            spreads = book.apply(*zip(*rows, strict=True), [False] * (len(rows) - 1) + [True])
            crossed += spreads[0] is not None and spreads[0] < 0
    assert crossed > 0


def test_no_event_arrives_before_it_happened(ingested):
    for name in ("spot", "usdm", "coinm"):
        for report in ingested(name)[1].values():
            for totals in report["kinds"].values():
                assert totals["delay_ms"]["shortest"] >= 0


def test_trades_come_before_the_book_that_reflects_them(ingested):
    root, _ = ingested("coinm")
    catalog = ParquetDataCatalog(str(root))
    updates = [d for d in catalog.query_order_book_deltas(["BTCUSD_PERP.BINANCE"]) if d.flags & 128]
    index = 0
    early = 0
    for trade in catalog.query_trade_ticks(["BTCUSD_PERP.BINANCE"]):
        while index < len(updates) and updates[index].ts_event < trade.ts_event:
            index += 1
        early += index < len(updates) and updates[index].ts_init < trade.ts_init
    assert early == 0


def test_the_brokers_agree_once_their_zones_are_told_apart(ingested):
    """One-second mid returns of FXCM (UTC-5) and OANDA (UTC) correlate only if both are in true UTC."""

    def returns(name, instrument_id, shift_s=0):
        root, _ = ingested(name)
        ticks = ParquetDataCatalog(str(root)).query_quote_ticks([instrument_id])
        times = np.array([tick.ts_init for tick in ticks]) // 10**9 + shift_s
        mids = np.array([tick.bid_price.as_double() + tick.ask_price.as_double() for tick in ticks])
        start = 1_398_924_000  # 2014-05-01 06:00 UTC
        grid = np.arange(start, start + 14 * 3600)
        return np.diff(mids[np.searchsorted(times, grid, side="right") - 1])

    fxcm, oanda = returns("fxcm", "EUR/USD.FXCM"), returns("oanda", "EUR/USD.OANDA")
    wrong = returns("fxcm", "EUR/USD.FXCM", shift_s=-5 * 3600)
    assert np.corrcoef(fxcm, oanda)[0, 1] > 0.7
    assert abs(np.corrcoef(wrong, oanda)[0, 1]) < 0.1


def test_what_was_done_about_the_known_traps(ingested):
    fxcm = findings(ingested("fxcm")[1]["EUR/USD.FXCM"])
    assert fxcm["quotes", "crossed"] == 31_212
    assert fxcm["quotes", "locked"] == 37_935
    aig = findings(ingested("equity")[1]["AIG.XNYS"])
    assert aig["trades", "off-exchange (FINRA trade reporting facility)"] == 6262
    assert aig["trades", "auction print"] == 6
    assert aig["quotes", "crossed"] == 199
    spans = ingested("es")[1]["ESH4.GLBX"]["crossed_spans_ns"]
    open_ns = 1_703_545_200_000_000_000  # 2023-12-25 23:00 UTC
    assert spans[0][0] < open_ns < spans[-1][1] < open_ns + 200_000_000, "an auction until just after the open"
    es = findings(ingested("es")[1]["ESH4.GLBX"])
    assert es["deltas", "crossed"] == 891


def test_executions_of_the_es(ingested):
    root, _ = ingested("es")
    trades = ParquetDataCatalog(str(root)).query_trade_ticks(["ESH4.GLBX"])
    assert sum(int(trade.size) for trade in trades) == 9892
    assert Counter(trade.aggressor_side.name for trade in trades) == {"BUY": 1542, "SELL": 1430, "NO_AGGRESSOR": 1}
    assert len({str(trade.trade_id) for trade in trades}) == 2973
    assert all(trade.ts_event < trade.ts_init for trade in trades)
