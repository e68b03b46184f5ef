"""Where a hedge goes: net price for its size, cut up where that pays, the next one on a refusal, and why."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.inventory.fill_quality import HORIZON_NS, PRIOR_FILLS, FillQuality
from mm_nautilus.inventory.hedge_demand import Cause, Demand
from mm_nautilus.inventory.hedge_desk import HedgeDesk
from mm_nautilus.inventory.hedge_market import HedgeContract, HedgeMarket
from mm_nautilus.inventory.hedge_settings import HedgeSettings, TakingTerms
from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.venues.hedge_router import TakingRouter

S = 10**9
GRID = Grid(Decimal("0.5"), Decimal("0.1"))


def market(name, bids, fee=0.0, submit_ms=0, **more):
    """A market with these bids, as (price, size), and asks a unit above the best."""
    one = HedgeMarket(
        HedgeContract(f"XYZ.{name}", GRID, **more), TakingTerms(fee_rate=fee, submit_ns=submit_ms * 10**6), 10.0
    )
    price, size = bids[0]
    one.heard(TopOfBook(price, price + 1.0, size, 100.0), 0)
    one.depth = lambda side: bids if side is Side.SELL else [(price + 1.0, 100.0)]
    return one


def desk(*markets, **settings):
    made = HedgeDesk(HedgeSettings(trigger="fills", max_share_of_depth=1.0, **settings), markets, "MM-001", "XYZ")
    made.router = TakingRouter(1.0)
    return made


def sold(made, exposure, at_s=1.0, sigma=None):
    """Step with an exposure to sell; return what is sent and the facts."""
    intents = made.step(int(at_s * S), Demand(Cause.FILL, exposure, 0.0), exposure, sigma)
    for number, intent in enumerate(intents):
        made.sending(intent, f"H-{at_s}-{number}", int(at_s * S))
    return [(intent.market.name, intent.lots) for intent in intents], made.take_facts()


def test_price_and_depth_decide_and_not_only_spread_and_fee():

    def both():
        thin = market("THIN", [(500.0, 1.0), (490.5, 100.0)])
        return desk(
            thin, market("DEEP", [(499.5, 100.0)], fee=0.0001), max_slippage_bps=300.0, urgent_slippage_bps=300.0
        )

    found, _ = sold(both(), 10.0)
    assert found == [("XYZ.DEEP", 90), ("XYZ.THIN", 10)]
    found, facts = sold(both(), 1.0)
    assert found == [("XYZ.THIN", 10)]
    sent = next(fact for fact in facts if fact.event == "SENT")
    assert sent.reason.startswith("XYZ.THIN: sell at 500 net = 500 with depth +0, fee +0")
    assert "; beside XYZ.DEEP: sell at 499.45005 net = 499.5 with depth +0, fee +0.04995" in sent.reason


def test_all_on_one_market_where_a_second_one_would_pay_less():
    found, _ = sold(desk(market("A", [(500.0, 100.0)], fee=0.002), market("B", [(499.5, 100.0)], fee=0.0001)), 5.0)
    assert found == [("XYZ.B", 50)]


def test_latency_is_held_against_a_market_in_volatile_times():
    for sigma, where in ((0.1, "XYZ.FAR"), (1.0, "XYZ.NEAR")):  # 1 x sqrt(0.4) is more than half a unit
        near, far = market("NEAR", [(499.5, 100.0)], submit_ms=1), market("FAR", [(500.0, 100.0)], submit_ms=400)
        assert sold(desk(near, far), 1.0, sigma=sigma)[0] == [(where, 10)]


def test_prices_in_another_currency_are_converted():
    for rate, where in ((0.9, "XYZ.HOME"), (0.92, "XYZ.AWAY")):
        home, abroad = market("HOME", [(500.0, 100.0)]), market("AWAY", [(550.0, 100.0)])
        abroad.rate = rate
        assert sold(desk(home, abroad), 1.0)[0] == [(where, 10)]


def test_a_refusal_sends_it_to_the_next_best():
    best, second, third = (market(name, [(price, 100.0)]) for name, price in (("A", 500.0), ("B", 499.5), ("C", 499.0)))
    made = desk(third, best, second, min_interval_s=0.0)
    assert sold(made, 1.0)[0] == [("XYZ.A", 10)]
    made.closed("H-1.0-0", "REJECTED", S)
    found, facts = sold(made, 1.0)
    assert found == [("XYZ.B", 10)], "the best one has just refused"
    assert [fact.event for fact in facts] == ["REFUSED", "SENT"]
    assert facts[-1].reason.startswith("XYZ.B: sell at 499.5 net")
    assert facts[-1].reason.endswith("; passed over XYZ.A: pacing")


def test_a_market_that_lost_lately_must_show_a_better_price():
    """Its fills pay three quarters less than shown: after some of them the half unit it offers more is not believed."""
    good, bad = market("GOOD", [(499.5, 100.0)]), market("BAD", [(500.0, 100.0)])
    made, sold_to, at_s = desk(good, bad, min_interval_s=0.0), [], 1.0
    for _ in range(40):
        for one in (good, bad):
            one.heard(one.top, int(at_s * S))
        ((name, lots),), _ = sold(made, 1.0, at_s)
        sold_to.append(name)
        price = "499.5" if name == "XYZ.GOOD" else "499.25"
        made.filled(f"H-{at_s}-0", lots, Decimal(price), 0.0, int(at_s * S))
        made.step(int(at_s * S), None, 0.0)
        at_s += 6.0
    assert sold_to[0] == "XYZ.BAD"
    assert set(sold_to[-5:]) == {"XYZ.GOOD"}
    state = made.save()
    again = desk(good, bad)
    again.load(state)
    assert bad.quality.loss == pytest.approx(
        state["qualities"]["XYZ.BAD"][0] / state["qualities"]["XYZ.BAD"][1], rel=0.5
    )


def test_funds_bound_a_part_and_the_rest_goes_elsewhere():
    poor, rich = market("POOR", [(500.0, 100.0)]), market("RICH", [(499.5, 100.0)])
    poor.funds = lambda side, price: 30
    found, _ = sold(desk(poor, rich), 10.0)
    assert sorted(found) == [("XYZ.POOR", 30), ("XYZ.RICH", 70)]


def test_contracts_are_compared_by_what_they_stand_for():
    """One lot of the inverse contract is 10 units of money, 0.02 of the asset; fifty of it hedge one unit."""
    inverse = market("INV", [(500.5, 10_000.0)], multiplier=Decimal(100), inverse=True)
    found, _ = sold(desk(market("SPOT", [(500.0, 100.0)]), inverse), 1.0)
    assert found == [("XYZ.INV", 50)]


books = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 60)), min_size=1, max_size=4)


@given(st.lists(books, min_size=1, max_size=4), st.integers(1, 200))
def test_no_hedge_sells_more_than_there_is_to_hedge_nor_than_is_shown(sides, lots):
    markets = []
    for number, steps in enumerate(sides):
        price, bids = 500.0, []
        for gap, size in steps:
            price -= gap * 0.5
            bids.append((price, size / 10))
        markets.append(market(f"V{number}", bids))
    found, _ = sold(desk(*markets, max_slippage_bps=1000.0, urgent_slippage_bps=1000.0), lots / 10)
    assert len({name for name, _ in found}) == len(found)
    assert sum(size for _, size in found) == min(lots, sum(size for steps in sides for _, size in steps))
    shown = {one.name: sum(size for _, size in steps) for one, steps in zip(markets, sides, strict=True)}
    assert all(size <= shown[name] for name, size in found)


def test_fill_quality_is_what_was_lost_beside_spread_and_fee():
    quality = FillQuality()
    assert quality.loss == 0.0
    # Sold at 99.5 where the book had promised half a unit below the mid of 100.5; the mid then rises by a quarter.
    quality.filled(0, Side.SELL, 2.0, 99.5, -0.5)
    quality.heard(HORIZON_NS - 1, 100.75)
    assert quality.loss == 0.0, "not due yet"
    quality.heard(HORIZON_NS, None)
    quality.heard(HORIZON_NS + 1, 100.75)
    assert quality.loss == pytest.approx(0.75 / (1 + PRIOR_FILLS))
    for _ in range(500):
        quality.filled(0, Side.SELL, 2.0, 99.5, -0.5)
        quality.heard(HORIZON_NS, 100.75)
    assert 0.6 < quality.loss < 0.75
    other = FillQuality()
    other.load(quality.save())
    assert other.loss == quality.loss
    assert math.isfinite(other.loss)
