"""The figures of a run: by hand, with nothing filled, over days, in currencies without a rate, from a log cut short."""

from copy import replace
from decimal import Decimal

import numpy as np
import orjson
import pytest
from random_markets import NS, decision, fill, random_messages, written
from random_markets import facts_of as market_facts
from synthetic_run import synthetic_run

from mm_nautilus.analytics.facts import AccountFacts, BalanceFacts, RunFacts
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.performance import Group, Metric
from mm_nautilus.analytics.quote_figures import queue_ahead
from mm_nautilus.analytics.quote_life import quote_lives
from mm_nautilus.analytics.ratios import calmar_ratio, mean_of, profit_factor, share, sortino_ratio
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.analytics.scorecard import Verdict, score_of
from mm_nautilus.analytics.summary import summarise
from mm_nautilus.config import TargetSettings
from mm_nautilus.messages import FillFact, MarkFact, OrderFact

D = Decimal
SPOT = "BTCUSDT.SPOT"
DAY = 86_400 * NS


def day_run(folder, path, fills=(), decisions=(), start=0, orders=(), **told):
    """Return the summary of one market with a mark at each instant given."""
    marks = [MarkFact(ts, "S-001", SPOT, mid - 1, mid + 1, 1.0, D(0), D(0), D(0)) for ts, mid in path]
    log = written(folder, [*marks, *fills, *decisions, *orders])
    return summarise(log, RunFacts(start, path[-1][0], (market_facts(SPOT),), (), **told))


def test_figures_by_hand(tmp_path):
    """Two round trips: one gains 4 and one loses 1, in a run of ten minutes."""
    path = [(second * NS, 1000.0) for second in range(601)]
    fills = [
        fill(60 * NS, SPOT, "BUY", "998", "1", "1", "0.1"),
        fill(120 * NS, SPOT, "SELL", "1002", "1", "0", "-0.1"),
        fill(300 * NS, SPOT, "SELL", "999.5", "2", "-2"),
        fill(420 * NS, SPOT, "BUY", "1000", "2", "0"),
    ]
    decisions = [
        decision(30 * NS, SPOT, "ACTIVE", (999.0, 1001.0), bids=(999.0, 998.0), asks=(1001.0,)),
        decision(330 * NS, SPOT, "WITHDRAWN", (999.0, 1001.0)),
    ]
    found = day_run(tmp_path, path, fills, decisions, capital=D(1000)).performance
    one = found.instruments[SPOT]
    value = {key: None if metric.value is None else float(metric.value) for key, metric in one.metrics.items()}
    pieces = np.array([1.9, 2.1, -1.0, 0.0])
    assert found.overall == one == found.currencies["USDT"], "one instrument is the whole run"
    assert (value["total_pnl"], value["trades"], value["volume"], value["turnover"]) == (3, 4, 6, 5999)
    assert value["pnl_per_trade"] == 0.75
    assert value["pnl_per_unit"] == 0.5
    assert value["pnl_bps"] == pytest.approx(3e4 / 5999)
    assert value["profit_factor"] == pytest.approx(4.0)
    assert value["win_rate"] == 0.5
    assert one.metrics["win_rate"].stderr == 0.25
    assert (value["return_on_capital"], value["turnover_of_capital"]) == (0.003, 5.999)
    increments = np.array([1.9, 2.1, 0, 0, -1, 0, 0, 0, 0, 0])  # a fill at the end of a step belongs to it
    ratio = increments.mean() / increments.std(ddof=1)
    assert value["sharpe"] == pytest.approx(ratio * (365 * 1440) ** 0.5)
    assert one.metrics["sharpe"].stderr == pytest.approx(((1 + ratio**2 / 2) / 10 * 365 * 1440) ** 0.5)
    assert value["sortino"] == pytest.approx(0.3 * (365 * 1440) ** 0.5 / 0.1**0.5)
    assert value["calmar"] == pytest.approx(0.3 * 365 * 1440)
    assert (value["max_drawdown"], value["intraday_loss"]) == pytest.approx((1, 0))
    assert value["inventory_max"] == 2
    assert value["inventory_mean"] == pytest.approx((60 + 2 * 120) / 600)
    assert value["longest_held_s"] == 120
    assert value["within_limits"] == 1
    assert value["average_spread_bps"] == pytest.approx(20)
    assert value["uptime"] == pytest.approx(0.5)
    assert value["time_at_touch"] == pytest.approx(0.5)
    assert [(level.bid, level.ask, level.both) for level in one.levels] == [(0.5, 0.5, 0.5), (0.5, 0, 0)]
    assert value["adverse_selection_rate"] == 0.25, "the short at 999.5"
    assert value["spread_captured_bps"] == pytest.approx(np.mean([2 / 998, 2 / 1002, -0.5 / 999.5, 0]) * 1e4)
    assert pieces.sum() == pytest.approx(3)
    hold = one.benchmarks["hold_average"]
    assert (hold.pnl, hold.excess) == (0, 3), "the mid never moved"
    assert "compare" in one.benchmarks["symmetric"].why_not


def test_holding_the_average_position(tmp_path):
    path = [(0, 1000.0), (100 * NS, 1010.0), (200 * NS, 1020.0)]
    found = day_run(tmp_path, path, [fill(50 * NS, SPOT, "BUY", "1000", "2", "2")]).performance.overall
    hold = found.benchmarks["hold_average"]
    assert hold.pnl == D("1.5") * 20
    assert hold.excess == 2 * 20 - 30
    assert found.benchmarks["hold_opening"].pnl == 0


def test_days_weeks_and_months_are_the_run(tmp_path):
    """Three weeks over the end of a month, a fill a day; a move at midnight belongs to the day that ends."""
    hour = 3600 * NS
    start = 19_752 * DAY  # Tuesday 30 January 2024
    rng = np.random.default_rng(3)
    path = [(start + k * hour, 1000.0 + float(mid)) for k, mid in enumerate(np.cumsum(rng.integers(-3, 4, 21 * 24)))]
    fills = [fill(start + k * DAY + 5, SPOT, "BUY", "1000", "1", k + 1) for k in range(20)]
    found = day_run(tmp_path, path, fills, start=start).performance.overall
    for table in (found.daily, found.weekly, found.monthly):
        assert sum(period.pnl for period in table) == found.metrics["total_pnl"].value
        assert sum(period.trades for period in table) == 20
        assert sum(period.turnover for period in table) == 20_000
    assert [period.start for period in found.weekly] == ["2024-01-29", "2024-02-05", "2024-02-12", "2024-02-19"]
    assert [(period.start, period.complete) for period in found.monthly] == [
        ("2024-01-01", False),
        ("2024-02-01", False),
    ]
    assert [period.complete for period in found.weekly] == [False, True, True, False]
    mids = dict(path)
    first = found.daily[0]
    assert float(first.pnl) == pytest.approx(mids[start + DAY] - 1000), "up to and with midnight's mark"
    second = found.daily[1]
    assert float(second.pnl) == pytest.approx(2 * mids[start + 2 * DAY] - mids[start + DAY] - 1000)
    assert (first.max_inventory, second.max_inventory) == (1, 2)
    assert first.sharpe is not None


def test_a_roll_over_moves_the_days(tmp_path):
    path = [(hour * 3600 * NS, 1000.0) for hour in range(30)]
    found = day_run(tmp_path, path, roll_over_ns=22 * 3600 * NS).performance.overall
    assert [period.start for period in found.daily] == ["1969-12-31", "1970-01-01"]
    assert [period.end_ns for period in found.daily] == [22 * 3600 * NS, 29 * 3600 * NS]


def test_nothing_filled_is_said_and_nothing_is_invented(tmp_path):
    found = day_run(tmp_path, [(second * NS, 1000.0) for second in range(200)])
    metrics = found.performance.overall.metrics
    assert any("Nothing was filled" in note for note in found.performance.notes)
    for key, metric in metrics.items():
        assert (metric.value is None) == bool(metric.why_not), key
        assert metric.how, key
    for key in ("pnl_per_trade", "profit_factor", "fill_rate", "adverse_selection_rate", "sharpe", "queue_ahead"):
        assert metrics[key].value is None, key
    assert found.statement["USDT"].account.total == 0
    assert found.scorecard.scores["sharpe"].verdict is Verdict.NOT_MEASURED
    orjson.dumps(jsonable(found))


def test_one_day_of_data_says_what_its_month_is_worth(tmp_path):
    run = synthetic_run(steps=300)
    found = summarise(RunLog.open(run.write(tmp_path)), run.facts).performance
    assert [note.split(" is complete")[0] for note in found.notes] == ["No day", "No week", "No month"]
    assert not found.overall.monthly[0].complete


def test_a_currency_without_a_rate_stands_by_itself(tmp_path):
    """Fees in a coin that nobody trades here: the whole run leaves them out and says so, its own statement has them."""
    log = written(tmp_path, random_messages(5))
    names = ("BTCUSDT.SPOT", "BTCUSDT-PERP.LINEAR", "BTCUSD_PERP.INVERSE")
    account = AccountFacts("ELSEWHERE", False, (BalanceFacts("XYZ", 8, D(7), D(7)),))
    facts = RunFacts(0, 60 * NS, tuple(map(market_facts, names)), (account,))
    found = summarise(log, facts)
    assert set(found.statement) == set(found.performance.currencies) == {"BNB", "BTC", "USDT"}
    assert found.performance.currency == "USDT"
    (apart,) = [note for note in found.performance.notes if "No rate from BNB" in note]
    assert "strategy.rates" in apart
    assert any("XYZ" in note and "capital" in note for note in found.performance.notes)
    totals = [asset.total.total for asset in found.attribution.assets.values()]
    assert found.performance.overall.metrics["total_pnl"].value == sum(totals), "converted like its attribution"
    known = summarise(log, replace(facts, rates={"BNB": D(600)}))
    assert not any("BNB" in note for note in known.performance.notes)
    paid = found.statement["BNB"].account.total
    assert known.performance.overall.metrics["total_pnl"].value == sum(totals) + 600 * paid


def test_a_log_cut_short_keeps_what_is_whole(tmp_path):
    run = synthetic_run(steps=400)
    writer = RunLogWriter(tmp_path, 50)
    for message in run.messages:
        writer.append(message)
    writer.flush()  # and then the machine is gone, with one file without its end
    part = max((tmp_path / "log" / "orders").glob("part-*"))
    part.write_bytes(part.read_bytes()[:-100])
    log = RunLog.open(tmp_path)
    assert log.damaged == (part,)
    found = summarise(log, replace(run.facts, accounts=()))
    assert found.instruments["BTCUSDT.SIM"].fills.count == len(run.of(FillFact))
    assert any("cut short" in note for note in found.performance.notes)
    assert any(f"log/orders/{part.name}" in note for note in found.performance.notes)
    assert found.performance.overall.metrics["total_pnl"].value == found.instruments["BTCUSDT.SIM"].money.total


def order(ts, name, event, price="100", size="1", filled="0", purpose="QUOTE"):
    return OrderFact(ts * NS, "S-001", SPOT, name, 0, "BUY", 0, event, D(price), D(size), D(filled), "", purpose)


def test_quote_lifetimes(tmp_path):
    orders = [
        *(order(ts, "A", event) for ts, event in ((1, "SUBMIT"), (2, "ACCEPTED"), (5, "AMEND"), (6, "UPDATED"))),
        *(order(ts, "A", event) for ts, event in ((7, "CANCEL"), (9, "CANCELED"))),
        *(order(ts, "B", event) for ts, event in ((1, "SUBMIT"), (2, "ACCEPTED"))),
        *(order(ts, "C", event) for ts, event in ((1, "SUBMIT"), (3, "ACCEPTED"))),
        *(order(ts, "D", event) for ts, event in ((1, "SUBMIT"), (2, "REJECTED"))),
        *(order(ts, "E", event, purpose="HEDGE") for ts, event in ((1, "SUBMIT"), (2, "ACCEPTED"), (30, "CANCELED"))),
    ]
    done = replace(fill(12 * NS, SPOT, "BUY", "100", "1", "1"), client_order_id="B")
    (life,) = quote_lives(written(tmp_path, [*orders, done]), {SPOT: [done]}).values()
    assert sorted(life.seconds) == [3, 4, 10], "A at both its prices, B until it was filled"
    assert life.open == 1, "C rests"
    assert life.placed_size.sum() == 5, "four submits and an amend"


def test_queue_ahead_is_what_was_displayed_at_the_price(tmp_path):
    decisions = [decision(k * NS, SPOT, "ACTIVE", (99.0, 101.0), number=k) for k in range(1, 4)]
    prices = {1: "99", 2: "99.5", 3: "98"}
    fills = [replace(fill(k * NS + 5, SPOT, "BUY", price, "2"), decision_id=k) for k, price in prices.items()]
    found = queue_ahead(written(tmp_path, [*decisions, *fills]).table("decisions"), fills)
    assert found.ratios.tolist() == [2.5, 0.0], "five ahead of two; improved on the market"
    assert found.unknown == 1, "behind the best price"


def metric(value, low=None, high=None):
    return Metric("", Group.RISK, value, "", None, low, high)


@pytest.mark.parametrize(
    ("value", "low", "high", "at_least", "at_most", "verdict"),
    [
        (3.0, None, None, 2.0, None, Verdict.MET),
        (2.0, None, None, 2.0, None, Verdict.MET),
        (1.9, None, None, 2.0, None, Verdict.MISSED),
        (3.0, 1.0, 5.0, 2.0, None, Verdict.UNCERTAIN),
        (3.0, 2.5, 5.0, 2.0, None, Verdict.MET),
        (0.2, 0.18, 0.22, 0.05, 0.15, Verdict.MISSED),
        (0.14, 0.12, 0.16, 0.05, 0.15, Verdict.UNCERTAIN),
        (None, None, None, 0.0, 1.0, Verdict.NOT_MEASURED),
    ],
)
def test_verdicts(value, low, high, at_least, at_most, verdict):
    assert score_of(metric(value, low, high), at_least, at_most).verdict is verdict


def test_the_scorecard_follows_its_targets(tmp_path):
    run = synthetic_run(steps=400)
    log = RunLog.open(run.write(tmp_path))
    targets = TargetSettings(fill_rate=(0.0, 1.0), position_age_h_max=1e-6)
    card = summarise(log, replace(run.facts, targets=targets)).scorecard
    assert list(card.scores) == [
        "average_spread", "fill_rate", "adverse_selection_rate", "sharpe", "within_limits", "intraday_loss",
        "hedge_time", "position_age",
    ]  # fmt: skip
    assert card.scores["fill_rate"].verdict is Verdict.MET
    assert card.scores["position_age"].verdict is Verdict.MISSED
    assert card.scores["hedge_time"].verdict is Verdict.NOT_MEASURED
    assert card.scores["sharpe"].verdict is Verdict.UNCERTAIN, "minutes say nothing about a year"
    assert "stand for a year" in card.scores["sharpe"].how
    revenue = {name: one.score.value for name, one in card.revenue.items()}
    assert sum(revenue.values()) == pytest.approx(1)


def test_targets_are_checked():
    with pytest.raises(ValueError, match="lowest value comes first"):
        TargetSettings(fill_rate=(0.2, 0.1))


def test_ratios_have_errors_that_shrink_with_the_data():
    rng = np.random.default_rng(1)
    short, long = rng.normal(0.1, 1.0, 400), rng.normal(0.1, 1.0, 6400)
    for of in (lambda x: sortino_ratio(x, 1.0, 0), lambda x: profit_factor(x, 0), lambda x: mean_of(x, 0)):
        few, many = of(short), of(long)
        assert few.low < few.value < few.high
        assert few.stderr / 8 < many.stderr < few.stderr / 2
    assert mean_of(long, 0).stderr == pytest.approx(1 / 80, rel=0.1)
    assert sortino_ratio(np.abs(short), 1.0, 0).value is None, "nothing was lost"
    assert calmar_ratio(short, 1.0, 0.0) is None
    half = share(50, 100)
    assert (half.stderr, half.low, half.high) == pytest.approx((0.05, 0.4038, 0.5962), abs=1e-4)
    assert share(0, 10).low == 0.0
    assert share(0, 0).value is None


def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = synthetic_run(steps=300)
    log = RunLog.open(run.write(tmp_path))
    first, second = (orjson.dumps(jsonable(summarise(log, run.facts))) for _ in range(2))
    assert first == second
