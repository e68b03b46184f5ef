"""The summary: golden values of a run small enough to do by hand, and identities on a long one."""

from copy import replace
from decimal import Decimal

import numpy as np
import orjson
import pytest
from synthetic_run import START_NS, SyntheticRun, synthetic_run

from mm_nautilus.analytics.facts import AccountFacts, BalanceFacts, InstrumentFacts, RunFacts
from mm_nautilus.analytics.instrument_log import MARK_FROM_BOOK, MARK_FROM_FILL, NO_MARK, instrument_log
from mm_nautilus.analytics.jsonable import jsonable, plain
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in, summarise
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.reconciliation import AccountingError
from mm_nautilus.messages import FillFact, MarkFact, OrderFact, QuoteDecision

D = Decimal
SECOND = 1_000_000_000
ES = "ESH4.CME"


def decision(second, bids, asks, state, reasons=(), strategy="MM-001", market=(99.0, 101.0)):
    size = lambda prices: tuple(2.0 + k for k in range(len(prices)))  # noqa: E731
    return QuoteDecision(
        second * SECOND, strategy, ES, 0, "quote", *market, 5.0, 5.0, 0.0, 0.0, 0.0, 100.0, 1.0, 1.0, 1.0, 1.0, 1.0,
        100.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, bids, size(bids), asks, size(asks), state, reasons, (), 0, 0, 0, 0, 0,
    )  # fmt: skip


def fill(second, side, size, price, after, commission="0", bid=99.0, ask=101.0, liquidity="MAKER", currency="USD"):
    return FillFact(
        second * SECOND, "MM-001", ES, "O", "V", "T", 0, side, 0, D(price), D(size), liquidity, D(commission),
        currency, D(after), bid, ask, 0,
    )  # fmt: skip


def mark(second, bid, ask, position="0"):
    return MarkFact(second * SECOND, "MM-001", ES, bid, ask, None, D(position), D(0), D(0))


def order(event, size="1", filled="0"):
    return OrderFact(0, "MM-001", ES, "O", 0, "BUY", 0, event, D(100), D(size), D(filled), "")


def facts(balance_change, end=100):
    account = AccountFacts("CME", True, (BalanceFacts("USD", 2, D(1000), 1000 + D(balance_change)),))
    instrument = InstrumentFacts(ES, "CME", D("0.25"), D(1), Contract("USD", multiplier=D(50)), D(4))
    return RunFacts(0, end * SECOND, (instrument,), (account,))


def summary_of(tmp_path, messages, run_facts):
    SyntheticRun(messages, run_facts).write(tmp_path)
    return summarise(RunLog.open(tmp_path), run_facts)


@pytest.fixture
def by_hand(tmp_path):
    messages = [
        decision(10, (99.0, 98.0), (101.0,), "ACTIVE"),
        decision(50, (), (102.0,), "INVENTORY_LIMIT", ("POSITION_LIMIT:BID",)),
        decision(70, (), (), "WITHDRAWN", ("STALE_BOOK", "POSITION_LIMIT:BID")),
        decision(80, (98.0,), (104.0,), "PASSIVE", ("WIDENED",)),
        *[order("SUBMIT", "2") for _ in range(4)],
        *[order(event) for event in ("ACCEPTED", "ACCEPTED", "CANCEL", "CANCELED", "REJECTED", "DENIED")],
        order("AMEND", "3", "1"),
        fill(20, "BUY", "2", "99", "2", "4.00"),
        fill(40, "SELL", "1", "101.5", "1", "-1.50", bid=101.0, ask=102.0, liquidity="TAKER"),
        fill(60, "SELL", "3", "102", "-2", "6.00", bid=102.0, ask=104.0),
        mark(0, None, 101.0),
        mark(30, 99.0, 101.0),
        mark(60, 102.0, 104.0),
        mark(90, 101.0, 102.0),
        mark(95, None, 102.0),
    ]
    # Realised 50 x (2.5 + 3), fees 8.50 net.
    return summary_of(tmp_path, messages, facts("266.50"))


def test_quoting_by_hand(by_hand):
    quoting = by_hand.instruments[ES].quoting
    assert (quoting.two_sided.seconds, quoting.one_sided.seconds, quoting.none.seconds) == (60, 20, 20)
    assert quoting.spread == pytest.approx((40 * 2 + 20 * 6) / 60)
    assert quoting.spread_bps == pytest.approx(1e4 * quoting.spread / 100)
    assert quoting.market_spread == pytest.approx(2)
    assert (quoting.bid_size, quoting.ask_size) == pytest.approx((2, 2))
    assert (quoting.bid_depth, quoting.ask_depth) == pytest.approx(((40 * 5 + 20 * 2) / 60, 2))
    assert {state: time.share for state, time in quoting.states.items()} == pytest.approx(
        {"ACTIVE": 0.4, "INVENTORY_LIMIT": 0.2, "PASSIVE": 0.2, "NOT_STARTED": 0.1, "WITHDRAWN": 0.1}
    )
    assert next(iter(quoting.states)) == "ACTIVE"
    assert {reason: time.seconds for reason, time in quoting.missing.items()} == {
        "POSITION_LIMIT:BID": 30,
        "STALE_BOOK": 10,
        "NOT_STARTED": 10,
    }, "a side that is quoted is not missing, whatever the reasons of its state"


def test_orders_and_fills_by_hand(by_hand):
    one = by_hand.instruments[ES]
    assert (one.orders.submitted, one.orders.amended, one.orders.cancelled, one.orders.rejected) == (4, 1, 1, 2)
    assert one.orders.events["ACCEPTED"] == 2
    assert one.orders.order_to_trade_ratio == 2
    assert one.orders.fill_rate == 6 / (8 + 2)
    fills = one.fills
    assert (fills.count, fills.maker, fills.taker, fills.buys, fills.sells) == (3, 2, 1, 1, 2)
    assert (fills.volume, fills.buy_volume, fills.sell_volume) == (6, 2, 4)
    assert fills.turnover == 50 * (2 * 99 + D("101.5") + 3 * 102)
    # Equity just before each fill at the mid there, and at the end: 0, 50*2*(101.5-99)-4, ..., the total.
    before = [0, 246, 50 * 2.5 + 50 * (103 - 99) - 2.5, 216.5 + 150]
    pieces = np.diff([*before[:3], float(one.money.total)])
    assert fills.pnl_per_fill == pytest.approx(float(one.money.total) / 3)
    assert fills.pnl_per_fill_stderr == pytest.approx(pieces.std(ddof=1) / 3**0.5)


def test_inventory_by_hand(by_hand):
    inventory = by_hand.instruments[ES].inventory
    assert (inventory.final, inventory.max_long, inventory.max_short) == (-2, 2, 2)
    assert inventory.mean_abs == pytest.approx((20 * 2 + 20 * 1 + 40 * 2) / 100)
    mean = (20 * 2 + 20 * 1 - 40 * 2) / 100
    assert inventory.std == pytest.approx((((20 * 4 + 20 + 40 * 4) / 100) - mean**2) ** 0.5)
    assert inventory.max_share_of_limit == 0.5


def test_money_by_hand(by_hand):
    money, total = by_hand.instruments[ES].money, by_hand.total["USD"]
    assert money.final_mark == D("101.5")
    assert money.final_mark_source == MARK_FROM_BOOK
    assert (money.realised, money.unrealised) == (275, 50)
    assert (money.fees, money.rebates, money.total) == (10, D("1.5"), D("316.5"))
    assert money.average_price == 102
    assert (total.total, total.booking_rounding, total.fills) == (D("316.5"), 0, 3)
    assert total.balances[0].expected_change == D("266.5")
    # Equity at the marks: -4 + 50*2*(100-99) = 96; at 60 s the short is at 103: 275 - 100 - 8.5 = 166.5; then 316.5.
    assert money.max_drawdown == 0


def test_a_zero_fill_run_has_a_summary(tmp_path):
    one = summary_of(tmp_path, [decision(1, (99.0,), (101.0,), "ACTIVE"), mark(50, 99.0, 101.0)], facts("0"))
    fills, orders = one.instruments[ES].fills, one.instruments[ES].orders
    assert (fills.count, fills.pnl_per_fill, fills.pnl_per_fill_stderr) == (0, None, None)
    assert (orders.submitted, orders.fill_rate, orders.order_to_trade_ratio) == (0, None, None)
    assert one.total["USD"].total == 0
    assert one.instruments[ES].inventory.max_abs == 0


def test_an_empty_log_has_a_summary(tmp_path):
    one = summary_of(tmp_path, [], facts("0", end=0)).instruments[ES]
    assert one.quoting.none.share == 0
    assert one.quoting.spread is None
    assert one.decisions == 0
    assert one.money.final_mark_source == NO_MARK
    orjson.dumps(jsonable(one))


def test_without_a_two_sided_mark_the_last_fill_is_the_mark(tmp_path):
    messages = [fill(20, "BUY", "2", "99", "2"), fill(30, "BUY", "1", "98", "3"), mark(40, None, 101.0)]
    money = summary_of(tmp_path, messages, facts("0")).instruments[ES].money
    assert (money.final_mark, money.final_mark_source, money.total) == (98, MARK_FROM_FILL, -100)


def test_a_restored_position_is_marked_from_the_first_mark_on(tmp_path):
    messages = [mark(1, 99.0, 101.0, "3"), fill(20, "SELL", "1", "104", "2"), mark(40, 101.0, 103.0, "2")]
    one = summary_of(tmp_path, messages, facts("200")).instruments[ES]
    assert one.money.total == 50 * (4 + 2 * 2)
    assert one.inventory.max_long == 3


def test_a_balance_that_fills_do_not_explain_is_an_error(tmp_path):
    with pytest.raises(AccountingError, match="USD balance"):
        summary_of(tmp_path, [fill(1, "BUY", "1", "99", "1", "1.00"), mark(2, 99.0, 101.0)], facts("-1.02"))


def test_fees_in_another_currency_have_a_total_of_their_own(tmp_path):
    messages = [fill(1, "BUY", "1", "99", "1", "0.25", currency="BNB"), mark(2, 98.0, 100.0)]
    total = summary_of(tmp_path, messages, facts("0")).total
    assert (total["BNB"].fees, total["BNB"].total) == (D("0.25"), D("-0.25"))
    assert total["USD"].total == 0


def test_two_strategies_share_the_time(tmp_path):
    messages = [
        decision(0, (99.0,), (101.0,), "ACTIVE", strategy="A"),
        decision(0, (98.0,), (102.0,), "ACTIVE", strategy="B"),
        decision(50, (), (), "WITHDRAWN", ("STALE_BOOK",), strategy="B"),
    ]
    one = summary_of(tmp_path, messages, facts("0")).instruments[ES]
    assert one.quoting.two_sided.share == 0.75
    assert one.quoting.missing["STALE_BOOK"].share == 0.25
    assert one.quoting.spread == pytest.approx((100 * 2 + 50 * 4) / 150)
    assert one.strategies == ("A", "B")


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    run = synthetic_run(seed=11, steps=3_000)
    return run, RunLog.open(run.write(tmp_path_factory.mktemp("long")))


def test_a_long_run_adds_up(long_run):
    run, log = long_run
    summary = summarise(log, run.facts)
    one, total = summary.instruments["BTCUSDT.SIM"], summary.total["USDT"]
    assert one.fills.count == len(run.of(FillFact)) > 100
    start, end = run.facts.accounts[0].balances, one.money.final_mark
    btc, usdt = (held.final - held.starting for held in start)
    assert total.total == usdt + btc * end
    assert total.realised + total.unrealised - total.fees + total.rebates + total.booking_rounding == total.total
    assert sum(time.share for time in one.quoting.states.values()) == pytest.approx(1)
    assert one.quoting.two_sided.share + one.quoting.one_sided.share + one.quoting.none.share == pytest.approx(1)
    assert one.decisions == 3_000


def test_the_curve_ends_on_the_booked_amounts(long_run):
    run, log = long_run
    one = instrument_log(log, run.facts.instruments[0], run.facts.start_ns, run.facts.end_ns)
    assert one.curve.ts_ns[-1] == run.facts.end_ns
    assert one.curve.equity[-1] == pytest.approx(float(one.books.total), abs=1e-8)
    assert one.curve.realised[-1] == pytest.approx(float(one.books.realised), abs=1e-8)
    assert one.curve.position[-1] == pytest.approx(float(one.books.position))


def test_the_log_can_be_read_again_from_the_summary_alone(long_run):
    run, log = long_run
    written = orjson.loads(orjson.dumps(jsonable(summarise(log, run.facts))))
    assert facts_in(written["instruments"]["BTCUSDT.SIM"]) == run.facts.instruments[0]
    assert written["instruments"]["BTCUSDT.SIM"]["start_ns"] == START_NS


def test_an_inverse_run_is_valued_in_base_currency(tmp_path):
    contract = Contract("USD", "BTC", D(100), inverse=True)
    instrument = InstrumentFacts(ES, "CME", D("0.25"), D(1), contract, D(40))
    account = AccountFacts("CME", True, (BalanceFacts("BTC", 8, D(1), D("1.2")),))
    run_facts = replace(facts("0"), instruments=(instrument,), accounts=(account,))
    messages = [
        fill(20, "BUY", "10", "100", "10", currency="BTC"),
        fill(30, "SELL", "10", "102", "0", currency="BTC"),
        mark(40, 99.0, 101.0),
    ]
    gain = D(1000) / 100 - D(1000) / 102
    account = replace(account, balances=(BalanceFacts("BTC", 8, D(1), 1 + round(gain, 8)),))
    total = summary_of(tmp_path, messages, replace(run_facts, accounts=(account,))).total["BTC"]
    assert abs(total.realised - gain) < D("1e-15")
    assert total.total == round(gain, 8), "with the booking's rounding the lines end on the balance"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("-0.0500", "-0.05"),
        ("1E+3", "1000"),
        ("0E-16", "0"),
        ("-0", "0"),
        ("123456789012345678901234567.0000000001", None),
    ],
)
def test_money_as_text(amount, text):
    assert plain(D(amount)) == (text or amount)
