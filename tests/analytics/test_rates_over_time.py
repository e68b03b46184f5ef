"""A currency whose worth an instrument tells: amounts are converted as they arise, and a moving rate is conversion."""

from decimal import Decimal

import numpy as np
import pytest
from random_markets import NS, written

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.attribution_summary import attributed
from mm_nautilus.analytics.facts import InstrumentFacts, RunFacts
from mm_nautilus.analytics.instrument_log import instrument_log
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.rate_path import RATES_FILE, RatePath, read_rate_paths, write_rate_paths
from mm_nautilus.analytics.report.bands import cumulated
from mm_nautilus.analytics.report.reading import read_run
from mm_nautilus.analytics.summary import summarise
from mm_nautilus.errors import DataError
from mm_nautilus.inventory.contract import EXACT, Contract
from mm_nautilus.messages import FillFact, MarkFact

D = Decimal
DOLLAR, EURO = "BTCUSDT.US", "BTCEUR.EU"
CONTRACTS = {DOLLAR: Contract("USDT", "BTC"), EURO: Contract("EUR", "BTC")}
FACTS = tuple(
    InstrumentFacts(name, name.rpartition(".")[2], D("0.01"), D("0.001"), contract, D(1000))
    for name, contract in CONTRACTS.items()
)


def bought(ts, name, side, size, price, after, seen, commission="0"):
    quote = CONTRACTS[name].quote_currency
    return FillFact(
        ts, "S-001", name, f"O-{ts}", "V", f"T-{ts}", 0, side, 0, D(price), D(size), "MAKER", D(commission), quote,
        D(after), *seen, ts, "QUOTE",
    )  # fmt: skip


def marks(ts, name, mid):
    return MarkFact(int(ts), "S-001", name, mid - 1, mid + 1, 1.0, D(0), D(0), D(0))


def test_a_price_that_moves_with_the_rate_alone_is_conversion(tmp_path):
    """A coin at a steady 1,000 dollars, bought for 798 euros at 1.25: the euros owed lose a fifth, the coin nothing."""
    seconds = np.arange(20) * NS
    worth = np.where(seconds < 10 * NS, 1.25, 1.0)
    shown = [
        marks(ts, name, 1000.0 / (rate if name == EURO else 1.0))
        for ts, rate in zip(seconds, worth, strict=True)
        for name in CONTRACTS
    ]
    log = written(tmp_path, [*shown, bought(2 * NS, EURO, "BUY", "1", "798", "1", (799.0, 801.0))])
    path = RatePath("EURUSDT.FX", seconds, worth)
    found = summarise(log, RunFacts(0, 19 * NS, FACTS, (), rate_paths={"EUR": path}))
    lines = found.attribution.assets["BTC"].total
    assert lines.lines == dict.fromkeys(LINES, D(0)) | {"spread_capture": D("2.5"), "conversion": D("199.5")}
    assert lines.total == lines.sum_of_lines == 202
    assert found.attribution.assets["BTC"].rates["EUR"].source == "marks of EURUSDT.FX"
    assert found.attribution.instruments[EURO].lines.total == 202, "of its own currency"
    assert found.performance.overall.metrics["total_pnl"].value == 202


def traded(seed):
    """Return the rates of a minute, and the marks and fills of two venues that follow one price in two currencies."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(60) * NS
    rates = 1.1 + np.cumsum(rng.normal(0, 0.01, 60))
    price, held, made = 1000.0, dict.fromkeys(CONTRACTS, D(0)), []
    for ts, rate in zip(seconds.tolist(), rates.tolist(), strict=True):
        price += rng.normal(0, 3)
        for name in CONTRACTS:
            mid = round(price / (rate if name == EURO else 1.0), 2)
            made.append(marks(ts, name, mid))
            if ts and rng.random() < 0.4:
                side, size = ("BUY", "SELL")[rng.integers(2)], D(int(rng.integers(1, 9))).scaleb(-3)
                held[name] += size if side == "BUY" else -size
                at, fee = ts - int(rng.integers(1, NS)), D(int(rng.integers(-9, 9))).scaleb(-5)
                made.append(bought(at, name, side, size, D(str(mid)), held[name], (mid - 1, mid + 1), fee))
    return RatePath("EURUSDT.FX", seconds, rates), made


@pytest.mark.parametrize("seed", range(20))
def test_the_lines_are_the_total_whatever_the_rate_does(tmp_path, seed):
    path, made = traded(seed)
    log = written(tmp_path, made)
    logs = [instrument_log(log, facts, 0, 59 * NS) for facts in FACTS]
    found = attributed(logs, 0, {}, 0, {"EUR": path})[0].assets["BTC"]
    for one in (found.total, *found.instruments.values(), *found.venues.values()):
        assert one.sum_of_lines == one.total
    assert found.total.total == logs[0].books.total + logs[1].books.total * path.last


def test_the_bands_of_a_report_end_on_the_lines_of_its_result(tmp_path):
    """Of either currency; without the rates, as its folder was before it kept them, the position's lines are others."""
    path, made = traded(3)
    log = written(tmp_path, made)
    summary = jsonable(summarise(log, RunFacts(0, 59 * NS, FACTS, (), rate_paths={"EUR": path})))
    result = summary | {"run": {"name": "two"}, "realism": {}, "status": "completed"}
    write_rate_paths(tmp_path, {"EUR": path})
    found = read_run(tmp_path, result)
    blind = read_run(tmp_path, result, rate_paths={})
    for name in CONTRACTS:
        lines = result["attribution"]["instruments"][name]["lines"]
        sums = dict.fromkeys(LINES, D(0))
        for posting in found.postings[name]:
            sums[posting.line] = EXACT.add(sums[posting.line], posting.amount)
        assert sums == {line: D(lines[line]) for line in LINES}
        drawn = cumulated(found.postings[name], np.array([59 * NS]))
        assert {line: values[-1] for line, values in drawn.items()} == pytest.approx(
            {line: float(lines[line]) for line in drawn}
        )
        assert cumulated(blind.postings[name], np.array([59 * NS]))["basis"][-1] != pytest.approx(drawn["basis"][-1])


def test_rates_are_read_as_they_were_written(tmp_path):
    assert read_rate_paths(tmp_path) == {}
    write_rate_paths(tmp_path, {})
    assert list(tmp_path.iterdir()) == []
    paths = {
        "EUR": RatePath("EURUSDT.FX", np.array([1, 5]), np.array([1.1, 1.2])),
        "BTC": RatePath("BTCUSDT.X", np.array([2]), np.array([6e4])),
    }
    write_rate_paths(tmp_path, paths)
    found = read_rate_paths(tmp_path)
    assert list(found) == list(paths)
    for currency, path in paths.items():
        assert found[currency].source == path.source
        assert (found[currency].ts_ns == path.ts_ns).all()
        assert (found[currency].rate == path.rate).all()
    (tmp_path / RATES_FILE).write_bytes(b"no parquet")
    with pytest.raises(DataError, match="cannot be read as rates over time"):
        read_rate_paths(tmp_path)
