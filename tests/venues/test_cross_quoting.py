"""Who is told of a tick, what holds a quote, and what a venue that comes or goes does to the others."""

from decimal import Decimal

import numpy as np
import pytest

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.hedge_market import HedgeContract
from mm_nautilus.inventory.hedge_settings import TakingTerms
from mm_nautilus.inventory.venue_market import VenueMarket
from mm_nautilus.market import Grid, Quote, Side, TopOfBook
from mm_nautilus.quoting.guards import Reason, Trace
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.cross_quoting import CrossQuoting, CrossTerms, Place
from mm_nautilus.venues.leadership import PriceLeadership
from mm_nautilus.venues.venue import Health, Venue

S = 1_000_000_000
GRID = Grid(Decimal("0.1"), Decimal("0.01"))


def market(name="V", inverse=False, multiplier="1", funds=None):
    contract = HedgeContract(name, GRID, Decimal(multiplier), inverse)
    return VenueMarket(contract, TakingTerms(), 10.0, None, None, funds)


def crossing(terms=None, count=3, fees=0.0, rates=(), currencies=None, **places):
    venues = [Venue(f"V{index}", "BTC", (currencies or ["USD"] * count)[index], 0.0, fees) for index in range(count)]
    fair = ConsolidatedFairValue(venues, "USD", 60.0, 10.0, rate_currencies=rates)
    made = [Place(venue, market(venue.name), True, True, 0.0, 100, **places) for venue in venues]
    cross = CrossQuoting(made, fair, terms or CrossTerms())
    cross.moved()
    return cross


def top(mid, half=0.5, size=5.0):
    return TopOfBook(mid - half, mid + half, size, size)


def show(cross, *mids, now=S):
    for index, mid in enumerate(mids):
        cross.heard(index, top(mid), now, now)


def test_the_others_are_told_once_a_venue_has_moved_further_than_the_tolerance():
    cross = crossing(CrossTerms(tolerance=1e-4))
    show(cross, 10_000.0, 10_000.0, 10_000.0)
    assert cross.heard(0, top(10_000.5), S, S) == ()
    assert cross.heard(0, top(10_000.9), S, S) == ()
    assert cross.heard(0, top(10_001.2), S, S) == (1, 2)
    assert cross.heard(0, top(10_001.4), S, S) == (), "counted from what they were told"
    assert cross.heard(0, TopOfBook(9_999.0, 10_003.8, 5.0, 5.0), S, S) == (1, 2), "one side alone"


def test_whoever_comes_or_goes_is_told_of_to_all():
    cross = crossing(CrossTerms(tolerance=1e-3))
    show(cross, 100.0, 100.0, 100.0)
    assert cross.heard(1, TopOfBook(101.0, 100.0, 1.0, 1.0), 2 * S, 2 * S) == (0, 1, 2)
    assert cross.take_changes()[-1] == (1, Health.CROSSED_BOOK)
    assert cross.heard(1, top(100.0), 3 * S, 3 * S) == (0, 1, 2)
    cross.heard(2, top(100.0), 9 * S, 9 * S)
    late = 12 * S
    assert cross.heard(2, top(100.0), late, late) == (0, 1, 2), "the silence of another is seen at the next event"
    assert (0, Health.STALE) in cross.take_changes()


def test_each_side_is_held_by_the_best_hedge_for_the_size():
    cross = crossing(CrossTerms(min_edge=0.001, deduct_basis=False), fees=0.0002)
    show(cross, 100.0, 101.0, 99.0)
    anchor = cross.anchor(0, S)
    assert (anchor.bid_bound.venue, anchor.ask_bound.venue) == ("V1", "V2")
    assert anchor.bid_bound.price == pytest.approx(100.5 * (1 - 0.0002) / 1.001)
    assert anchor.ask_bound.price == pytest.approx(99.5 * (1 + 0.0002) * 1.001)
    trace = Trace()
    held = anchor.applied(Quote(100.0, -5.0, -5.0), top(100.0), trace)
    assert held.bid == pytest.approx(anchor.bid_bound.price)
    assert held.ask == pytest.approx(anchor.ask_bound.price)
    assert trace.caps == ["HEDGE_BOUND:BID", "HEDGE_BOUND:ASK"]


def test_the_basis_counts_as_a_gain_only_where_it_is_said_to():
    for deduct in (True, False):
        cross = crossing(CrossTerms(deduct_basis=deduct), count=2)
        show(cross, 100.0, 103.0)
        bound = cross.anchor(0, S).bid_bound.price
        assert bound == pytest.approx(102.5 * 100.0 / 103.0 if deduct else 102.5)


def test_a_hedge_in_another_currency_needs_its_rate():
    cross = crossing(CrossTerms(deduct_basis=False), count=2, rates=("EUR",), currencies=["USD", "EUR"])
    show(cross, 110.0, 100.0)
    anchor = cross.anchor(0, S)
    assert anchor.bid_bound.price is None
    assert anchor.record.hedge_refusals == ("BID V1: NO_RATE", "ASK V1: NO_RATE")
    assert cross.anchor(1, S).withdraws is Reason.NO_CONVERSION_RATE
    cross.rate("EUR", 1.1, S)
    assert cross.anchor(0, S).bid_bound.price == pytest.approx(99.5 * 1.1)


def test_what_reduces_the_position_needs_no_hedge():
    cross = crossing(count=2)
    cross.places[0].market.position_lots = 200
    cross.moved()
    show(cross, 100.0, 100.0)
    cross.bar(1, Health.HALTED, True, S)
    anchor = cross.anchor(0, S)
    assert anchor.inventory == pytest.approx(2.0)
    assert anchor.ask_bound is None
    assert anchor.bid_bound.price is None
    trace = Trace()
    held = anchor.applied(Quote(100.0, 1.0, 1.0), top(100.0), trace)
    assert held.bid is None
    assert held.ask == 101.0
    assert trace.reasons == ["NO_HEDGE:BID"]


def test_bars_hold_each_by_itself_and_the_graver_is_named():
    cross = crossing(count=2)
    show(cross, 100.0, 100.0)
    assert cross.bar(1, Health.HALTED, True, S)
    assert not cross.bar(1, Health.HALTED, True, S), "no news"
    assert cross.bar(1, Health.DISCONNECTED, True, S)
    assert cross.places[1].market.barred is Health.DISCONNECTED
    assert cross.places[1].market.fault(S) == "DISCONNECTED"
    assert cross.bar(1, Health.DISCONNECTED, False, S)
    assert cross.places[1].market.barred is Health.HALTED
    assert cross.bar(1, Health.HALTED, False, S)
    assert cross.places[1].market.fault(S) is None
    assert cross.fair.health(1, S) is Health.NO_BOOK, "what it showed before says nothing"


def test_the_quote_follows_what_others_pay_beyond_the_costs():
    cross = crossing(CrossTerms(alpha=0.5, deduct_basis=False), count=2, fees=0.001)
    show(cross, 100.0, 100.0)
    show(cross, 100.0, 102.0)
    anchor = cross.anchor(0, S)
    assert anchor.other == pytest.approx(102.0)
    moved = anchor.applied(Quote(100.0, 2.0, 2.0), top(100.0), Trace())
    assert moved.bid == pytest.approx(98.0 + 0.5 * (2.0 - 0.001 * anchor.fair_value))
    assert moved.ask >= 102.0


def test_a_position_on_a_venue_that_is_gone_keeps_counting():
    inverse = market("I", inverse=True, multiplier="100")
    inverse.position_lots = 1000
    assert inverse.exposure() == 0.0, "no price yet"
    inverse.heard(top(50_000.0), S)
    held = inverse.exposure()
    assert held == pytest.approx(1000 * 0.01 * 100 / 50_000.0)
    inverse.heard(TopOfBook(0.0, 50_000.5, 0.0, 1.0), S)
    assert inverse.exposure() == pytest.approx(held)
    inverse.heard(None, S)
    assert inverse.exposure() == pytest.approx(held)


def test_a_venue_is_counted_on_as_far_as_its_limit_and_its_funds_go():
    plain = market(funds=lambda side, price: 30 if side is Side.BUY else 1000)
    plain.heard(top(100.0), S)
    plain.limit_lots, plain.position_lots = 50, 40
    assert plain.capacity(Side.BUY, 100.0) == pytest.approx(10 * 0.01)
    assert plain.capacity(Side.SELL, 100.0) == pytest.approx(90 * 0.01)
    assert plain.room_lots(Side.BUY, 100.0) == 10
    plain.position_lots = -10
    assert plain.room_lots(Side.BUY, 100.0) == 30


@pytest.mark.parametrize("terms", [{"alpha": 1.1}, {"tolerance": -0.1}, {"clock_bound_s": 0.0}])
def test_terms_outside_their_range_are_refused(terms):
    with pytest.raises(ParameterError):
        CrossTerms(**terms)


def test_who_leads_weighs_more():
    rng = np.random.default_rng(3)
    leadership = PriceLeadership(2, 1000.0, 0.1)
    assert leadership.weights(0) is None
    price = 1000.0 + np.cumsum(rng.normal(0, 0.1, 4000))
    for k in range(2000):
        leadership.observe(0, float(price[k]), k * S // 10)
        leadership.observe(1, float(price[max(k - 5, 0)]), k * S // 10)
    first, second = leadership.weights(200 * S)
    assert first > 0.6 > 0.4 > second >= 0.1
    assert first + second == pytest.approx(1.0)
    with pytest.raises(ParameterError):
        PriceLeadership(3, 10.0, 0.5)
