"""Two legs from their sending to their end, what was taken of a book, and what is written down of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.analytics.schema import to_messages, to_table
from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.messages import OpportunityFact
from mm_nautilus.venues.arbitrage import arbitrage
from mm_nautilus.venues.consumed import Consumed
from mm_nautilus.venues.crossing import Ended, Opportunity, Verdict
from mm_nautilus.venues.legs import Leg, Legs, Result, worst_price
from mm_nautilus.venues.opportunity_record import OpportunityRecord

D = Decimal
S = 1_000_000_000
FEE = D("0.00012345678")


def legs(lots=10):
    size = lots * D("0.1")
    plan = arbitrage([(D("400.00000001"), size)], [(D("401.00000001"), size)], buy_fee=FEE, sell_fee=FEE)
    found = Opportunity(5 * S, 2 * S, 0, 1, 400.0, 401.0, Verdict.TAKEN, "the arithmetic", plan, 3)
    return Legs(7, found, Leg("B", Side.BUY, lots, 4000, size), Leg("S", Side.SELL, lots, 4010, size), 5 * S)


def fill(pair, order_id, lots, price, at_ns, fee="0.01"):
    size = lots * D("0.1")
    pair.filled(order_id, lots, size, size * D(price), D(fee), at_ns)


def test_both_legs_in_full():
    pair = legs()
    assert (pair.leaves, pair.over) == (0, False)
    fill(pair, "B", 4, "400", 6 * S)
    assert (pair.leaves, pair.residual) == (D("-0.4"), D("0.4"))
    fill(pair, "S", 10, "401", 7 * S)
    assert (pair.leaves, pair.residual) == (D("0.6"), D("-0.6"))
    fill(pair, "B", 6, "399", 9 * S)
    assert pair.over
    assert pair.result is Result.FILLED
    assert pair.net_profit == D("401") - D("160") - D("239.4") - D("0.03")
    assert pair.gap_s == 2.0
    assert (pair.imbalance, pair.imbalance_notional) == (D("0.6"), D("240.6"))
    assert "gross 1.6 - fees 0.03 = net 1.57" in pair.explanation


@pytest.mark.parametrize(
    ("bought", "sold", "result", "residual"),
    [(0, 0, Result.NOTHING, 0), (4, 4, Result.PARTIAL, 0), (4, 0, Result.LEGGED, "0.4"), (10, 6, Result.LEGGED, "0.4")],
)
def test_what_came_of_them(bought, sold, result, residual):
    pair = legs()
    for order_id, lots in (("B", bought), ("S", sold)):
        if lots:
            fill(pair, order_id, lots, "400", 6 * S)
        pair.closed(order_id)
    assert pair.over
    assert pair.leaves == 0
    assert (pair.result, pair.residual) == (result, D(residual))
    assert ("left to the hedger" in pair.explanation) is (result is Result.LEGGED)
    assert pair.leg("X") is None


def test_the_log_holds_every_fact_to_the_last_digit():
    record = OpportunityRecord("ARB-001", "BTC", ["BTCUSDT.ONE", "BTCUSDT.TWO"])
    pair = legs()
    assert pair.opportunity.plan.fees.as_tuple().exponent < -16, "more digits than the log has"
    facts = [record.missed(pair.opportunity), record.taken(pair)]
    fill(pair, "B", 10, "400", 6 * S)
    pair.closed("S")
    facts.append(record.done(pair, 8 * S, "the strategy stops"))
    facts.append(record.ended(Ended(9 * S, 2 * S, 3, 0, 1, 400.0, 402.0, Verdict.TAKEN, 1)))
    again = list(to_messages(OpportunityFact, to_table(OpportunityFact, facts)))
    assert again == facts
    missed, taken, done, ended = again
    assert [one.event for one in again] == ["MISSED", "TAKEN", "DONE", "ENDED"]
    assert {one.episode_id for one in again} == {3}
    assert [one.opportunity_id for one in again] == [0, 7, 7, 0]
    assert (taken.buy_order_id, taken.sell_order_id, missed.buy_order_id) == ("B", "S", "")
    assert taken.net_profit == pytest.approx(pair.opportunity.plan.net_profit, abs=D("1e-15"))
    assert (done.verdict, done.residual, done.net_profit) == ("LEGGED", 1, D("-400.01"))
    assert (done.elapsed_s, taken.elapsed_s, ended.elapsed_s) == (3.0, 3.0, 7.0)
    assert done.reason.endswith("the strategy stops")
    assert ended.gross_edge_bps == pytest.approx(50.0)


def test_the_worst_level_an_order_reaches():
    levels = [(D(10), D(1)), (D(11), D(2))]
    assert [worst_price(levels, D(size)) for size in ("0.5", "1", "1.5", "3")] == [10, 10, 11, 11]
    with pytest.raises(ParameterError, match="at most what the levels show: 3"):
        worst_price(levels, D("3.1"))


def test_what_was_taken_is_gone_until_the_venue_shows_something_else():
    consumed, shown = Consumed(), [(D(10), D(5)), (D(11), D(2))]
    assert not consumed.any(Side.BUY)
    consumed.take(Side.BUY, shown, D(6))
    assert consumed.left(Side.BUY, shown) == [(D(11), D(1))]
    assert consumed.left(Side.SELL, shown) == shown, "the other side is another book"
    assert consumed.left(Side.BUY, [(D(10), D("4.9")), *shown[1:]]) == [(D(10), D("4.9")), (D(11), D(1))]
    assert consumed.left(Side.BUY, shown) == [(D(10), D(5)), (D(11), D(1))], "the level has spoken"
    assert consumed.left(Side.BUY, shown[:1]) == shown[:1]
    assert not consumed.any(Side.BUY), "and the other one is gone"


@given(st.lists(st.tuples(st.sampled_from((None, 3, 5)), st.integers(1, 6)), max_size=30))
def test_no_level_is_taken_twice(moves):
    """A level changes its size or stands; of a size that stands, never more is taken than it showed."""
    consumed, shown, taken = Consumed(), 3, 0
    for change, wanted in moves:
        if change is not None and change != shown:
            shown, taken = change, 0
        book = [(D(10), D(shown))]
        left = sum((size for _, size in consumed.left(Side.SELL, book)), D(0))
        assert left == shown - taken
        part = min(D(wanted), left)
        consumed.take(Side.SELL, book, part)
        taken += part
