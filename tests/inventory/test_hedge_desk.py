"""The hedge desk, event by event: paced, bounded, counted, finished or alarmed, and nothing forgotten.

Each test runs with the markets ranked by their cost and by a router: where it makes no difference, it makes none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson
import pytest

from mm_nautilus.inventory.hedge_demand import Cause, Demand
from mm_nautilus.inventory.hedge_desk import HedgeDesk, HedgeIntent
from mm_nautilus.inventory.hedge_market import HedgeContract, HedgeMarket, HedgeOrder
from mm_nautilus.inventory.hedge_ratio import HedgeRatio
from mm_nautilus.inventory.hedge_settings import HedgeSettings, RatioSettings, TakingTerms
from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.messages import HedgeFact
from mm_nautilus.venues.hedge_router import TakingRouter

S = 10**9
GRID = Grid(Decimal("0.5"), Decimal("0.1"))

ROUTER: list[TakingRouter | None] = [None]


@pytest.fixture(autouse=True, params=[None, TakingRouter(1.0)], ids=["by cost", "routed"])
def router(request: pytest.FixtureRequest) -> None:
    """Rank the markets of every desk of a test in one way."""
    ROUTER[0] = request.param


def market(name: str = "XYZ.SIM", *, ratio: HedgeRatio | None = None, fee: float = 0.0, **more: Any) -> HedgeMarket:
    contract = HedgeContract(name, more.pop("grid", GRID), **more)
    one = HedgeMarket(contract, TakingTerms(fee_rate=fee), 10.0, ratio)
    one.heard(TopOfBook(499.5, 500.5, 100.0, 100.0), 0)
    return one


@dataclass
class Quotes:
    """Quotes of ours on the instrument: so many lots open on each side."""

    buys: int = 0
    sells: int = 0
    room: int = 1000
    asked: list[tuple[str, int, bool]] = field(default_factory=list)
    released: int = 0

    def reserve(self, side: Side, lots: int, *, alone: bool) -> None:
        self.asked.append((side.name, lots, alone))

    def release(self) -> None:
        self.released += 1

    def open_lots(self, side: Side) -> int:
        return self.buys if side is Side.BUY else self.sells

    def hedge_room_lots(self, side: Side) -> int:
        return 0 if self.open_lots(side.opposite) else self.room - self.open_lots(side)


class Play:
    """A desk whose demand is what is left of an exposure beyond a target."""

    def __init__(self, *markets: HedgeMarket, exposure: float = 10.0, target: float = 0.0, **settings: Any) -> None:
        self.markets = markets or (market(),)
        fields: dict[str, Any] = {"trigger": "fills", "max_share_of_depth": 1.0, "min_interval_s": 0.2}
        self.settings = HedgeSettings(**fields | settings)
        self.desk = HedgeDesk(self.settings, self.markets, "MM-001", "XYZ")
        self.desk.router = ROUTER[0]
        self.exposure, self.target, self.cause = exposure, target, Cause.FILL
        self.facts: list[HedgeFact] = []
        self.sent = 0

    def step(self, at_s: float) -> list[HedgeIntent]:
        needed = abs(self.exposure - self.target) > 1e-9 and abs(self.exposure) > abs(self.target)
        demand = Demand(self.cause, self.exposure, self.target) if needed else None
        intents = self.desk.step(int(at_s * S), demand, self.exposure)
        for intent in intents:
            self.sent += 1
            self.desk.sending(intent, f"H-{self.sent}", int(at_s * S))
        self.facts += self.desk.take_facts()
        return intents

    def fill(self, at_s: float, lots: int, price: str = "499.5", name: str | None = None) -> None:
        name = name or f"H-{self.sent}"
        order = self.desk.order(name)
        assert order is not None
        where = next(one for one in self.markets if one.name == order.instrument_id)
        self.exposure += int(order.side) * lots * (where.asset_per_lot() or 0.0)
        where.position_lots += int(order.side) * lots
        self.desk.filled(name, lots, Decimal(price), 0.0, int(at_s * S))
        self.facts += self.desk.take_facts()

    def close(self, at_s: float, event: str = "CANCELED", name: str | None = None) -> None:
        self.desk.closed(name or f"H-{self.sent}", event, int(at_s * S))
        self.facts += self.desk.take_facts()

    def refresh(self, at_s: float, top: TopOfBook | None = None) -> None:
        for one in self.markets:
            one.heard(top or TopOfBook(499.5, 500.5, 100.0, 100.0), int(at_s * S))

    @property
    def events(self) -> list[str]:
        return [fact.event for fact in self.facts]


def test_one_order_and_done() -> None:
    play = Play()
    (intent,) = play.step(1)
    assert (intent.side, intent.lots, intent.limit_ticks) == (Side.SELL, 100, 998)  # 500 less 25 bps is 498.75
    play.fill(1.1, 100)
    assert play.step(1.1) == []
    assert play.events == ["NEEDED", "SENT", "FILLED", "DONE"]
    assert {fact.decision_id for fact in play.facts} == {1}
    assert play.facts[2].cost == pytest.approx(0.5 * 10)
    assert play.facts[3].elapsed_s == pytest.approx(0.1)
    assert play.desk.wake_ns is None


def test_what_is_out_is_not_sent_again() -> None:
    play = Play()
    play.step(1)
    assert [play.step(at_s) for at_s in (1.0, 1.5, 3.0, 9.0)] == [[]] * 4
    play.fill(9.1, 30)
    assert play.step(9.1) == [], "seventy lots may still fill"
    play.close(9.2)
    play.refresh(9.2)
    assert play.step(9.2) == [], "paced"
    (again,) = play.step(9.6)
    assert again.lots == 70


def test_what_grows_while_an_order_is_out_waits_for_its_answer() -> None:
    play = Play()
    play.step(1)
    play.exposure += 5.0
    assert play.step(1.5) == []
    play.fill(1.6, 100)
    assert play.step(1.6) == []
    assert play.step(1.9)[0].lots == 50


def test_takes_a_share_of_what_is_shown_within_the_bound() -> None:
    one = market()
    one.depth = lambda side: [(499.5, 2.0), (499.0, 3.0), (498.0, 50.0)] if side is Side.SELL else []
    play = Play(one, max_share_of_depth=0.5)
    (intent,) = play.step(1)
    assert intent.lots == 25, "half of five units; 498.0 is beyond 498.75"
    play.fill(1, 25)
    assert play.step(1.1) == []
    assert play.step(1.2)[0].lots == 25


def test_the_smallest_order_goes_even_where_a_share_would_be_less() -> None:
    one = market(grid=Grid(Decimal("0.5"), Decimal("0.1"), 5))
    one.heard(TopOfBook(499.5, 500.5, 0.6, 0.6), 0)
    play = Play(one, max_share_of_depth=0.1)
    assert play.step(1)[0].lots == 5


def test_a_book_too_thin_or_too_dear_waits() -> None:
    play = Play(max_slippage_bps=15.0)  # 500 less 15 bps is 499.25: nobody bids that
    play.refresh(1, TopOfBook(498.5, 501.5, 100.0, 100.0))
    assert play.step(1) == []
    assert play.desk.wake_ns == 2 * S
    play.refresh(2)
    assert play.step(2)[0].limit_ticks == 999


def test_what_must_go_may_pay_more() -> None:
    play = Play(max_slippage_bps=5.0, urgent_slippage_bps=50.0)
    play.cause = Cause.FLATTEN
    assert play.step(1)[0].limit_ticks == 995


@pytest.mark.parametrize(
    ("top", "why"),
    [
        (TopOfBook(500.5, 499.5, 1.0, 1.0), "CROSSED_BOOK"),
        (TopOfBook(499.5, 0.0, 1.0, 0.0), "ONE_SIDED_BOOK"),
        (TopOfBook(500.0, 500.0, 1.0, 1.0), "LOCKED_BOOK"),
    ],
)
def test_an_unfit_market_waits_alarms_and_goes_on(top: TopOfBook, why: str) -> None:
    play = Play()
    for at_s in range(1, 31):
        play.refresh(at_s, top)
        assert play.step(at_s) == []
    assert play.events == ["NEEDED"]
    play.refresh(31, top)
    play.step(31)
    assert play.events == ["NEEDED", "ALARM"]
    assert why in play.facts[-1].reason
    assert play.facts[-1].elapsed_s == 30.0
    play.step(60.9)
    play.step(61)
    assert play.events == ["NEEDED", "ALARM", "ALARM"]
    play.refresh(62)
    assert play.step(62)
    play.fill(62, 100)
    play.step(62)
    assert play.events[-1] == "DONE"


def test_wakes_for_the_deadline() -> None:
    play = Play(deadline_s=5.0)
    play.refresh(1, TopOfBook(0.0, 0.0, 0.0, 0.0))
    at_ns = S
    while "ALARM" not in play.events:
        play.step(at_ns / S)
        wake_ns = play.desk.wake_ns
        assert wake_ns is not None
        assert wake_ns > at_ns
        at_ns = wake_ns
    assert play.facts[-1].elapsed_s == 5.0


def test_a_silent_market_is_not_hedged_on() -> None:
    play = Play()
    assert play.step(10.1) == []
    assert play.desk.decision is not None
    assert "STALE_BOOK" in play.desk.decision.waits_for


def test_refusals_grow_apart_and_a_rejection_is_one() -> None:
    play, sent_at = Play(), []
    for tenths in range(10, 60):
        play.refresh(tenths / 10)
        if play.step(tenths / 10):
            sent_at.append(tenths)
            play.close(tenths / 10, "REJECTED" if len(sent_at) % 2 else "CANCELED")
    assert [b - a for a, b in pairwise(sent_at)][:4] == [4, 8, 10, 10]
    refused = [fact for fact in play.facts if fact.event == "REFUSED"]
    assert {fact.reason for fact in refused} == {"REJECTED", "CANCELED"}
    assert all(fact.size == Decimal("10.0") for fact in refused)


def test_an_order_nobody_answers_counts_and_alarms() -> None:
    play = Play(market("XYZ.SIM"), market("XYZ.ALT", fee=0.001))
    play.step(1)
    play.exposure += 3.0
    assert play.step(1.9) == []
    (elsewhere,) = play.step(2.1)
    assert (elsewhere.market.name, elsewhere.lots) == ("XYZ.ALT", 30), "the rest goes on on the other venue"
    assert [order.client_order_id for order in play.desk.unanswered(8 * S)] == ["H-1", "H-2"]
    assert play.desk.unanswered(8 * S) == [], "asked once a while"
    play.fill(8, 30, name="H-2")
    play.step(31)
    assert play.events[-1] == "ALARM"
    assert "has not been answered" in play.facts[-1].reason


def test_dust_is_carried_and_hedged_with_what_follows() -> None:
    play = Play(market(grid=Grid(Decimal("0.5"), Decimal("0.1"), 3)), exposure=0.29)
    assert play.step(1) == []
    assert play.events == []
    play.exposure = 0.35
    assert play.step(2)[0].lots == 3
    play.fill(2, 3)
    play.step(2)
    assert play.events == ["NEEDED", "SENT", "FILLED", "DONE"]
    assert play.exposure == pytest.approx(0.05)


def test_a_smallest_value_is_a_smallest_size() -> None:
    one = market(grid=Grid(Decimal("0.5"), Decimal("0.1"), 1, Decimal(120)))
    assert one.contract.smallest_lots(500.0) == 3
    assert Play(one, exposure=0.25).step(1) == []


def test_the_cheaper_market_first_and_what_hedged_the_other_way_before_it() -> None:
    dear, cheap = market("XYZ.SIM", fee=0.001), market("XYZ.ALT", fee=0.0001)
    assert Play(dear, cheap).step(1)[0].market is cheap
    third = market("XYZ.OLD", fee=0.002)
    third.position_lots = 40
    (intent,) = Play(market("XYZ.SIM", fee=0.001), market("XYZ.ALT"), third).step(1)
    assert (intent.market.name, intent.lots) == ("XYZ.OLD", 40)


def test_a_last_resort_is_for_what_must_go() -> None:
    for cause, where in ((Cause.FILL, "XYZ.ALT"), (Cause.FLATTEN, "XYZ.SIM")):
        own, far = market("XYZ.SIM"), market("XYZ.ALT", fee=0.01)
        own.last_resort = True
        play = Play(own, far)
        play.cause = cause
        assert play.step(1)[0].market.name == where


def test_what_is_too_old_goes_where_it_is() -> None:
    own, cheap = market("XYZ.SIM", fee=0.001), market("XYZ.ALT")
    play = Play(own, cheap)
    play.cause = Cause.AGE
    assert play.step(1)[0].market is own


def test_a_correlated_instrument_by_its_ratio() -> None:
    """The asset moves 2 per 1 of the cousin: one unit of it stands for half a unit of the asset."""
    down = market("XYZ.SIM")
    down.heard(None, 0)
    cousin = market("ABC.SIM", ratio=HedgeRatio(RatioSettings(fixed_beta=2.0), 1.0))
    (intent,) = Play(down, cousin, exposure=3.0).step(1)
    assert (intent.market.name, intent.side, intent.lots) == ("ABC.SIM", Side.SELL, 60)
    against = market("ABC.SIM", ratio=HedgeRatio(RatioSettings(fixed_beta=-2.0, min_beta=-5), 1.0))
    (intent,) = Play(down, against, exposure=3.0).step(1)
    assert (intent.side, intent.lots) == (Side.BUY, 60)
    unknown = market("ABC.SIM", ratio=HedgeRatio(RatioSettings(), 1.0))
    play = Play(down, unknown, exposure=3.0)
    assert play.step(1) == []
    assert play.desk.decision is not None
    assert "ratio measured on 0 of 120 samples" in play.desk.decision.waits_for


def test_contracts_and_inverse_contracts() -> None:
    linear = market(multiplier=Decimal(5))
    assert Play(linear, exposure=10.0).step(1)[0].lots == 20
    inverse = market(multiplier=Decimal(100), inverse=True)  # one lot: 10 USD, 0.02 units at 500
    assert Play(inverse, exposure=1.0).step(1)[0].lots == 50
    assert inverse.contract.value(50, 500.0) == pytest.approx(-1.0)


def test_our_quotes_make_way_first() -> None:
    quotes = Quotes(buys=4)
    own = HedgeMarket(HedgeContract("XYZ.SIM", GRID), TakingTerms(), 10.0, None, quotes)
    own.heard(TopOfBook(499.5, 500.5, 100.0, 100.0), 0)
    play = Play(own, market("XYZ.ALT", fee=0.01))
    assert play.step(1) == []
    assert quotes.asked[-1] == ("SELL", 100, False)
    quotes.buys = 0
    (intent,) = play.step(1.05)
    assert (intent.market, intent.lots) == (own, 100)
    play.fill(1.1, 100)
    play.step(1.1)
    assert quotes.released


def test_quotes_that_do_not_go_send_it_elsewhere() -> None:
    quotes = Quotes(buys=4)
    own = HedgeMarket(HedgeContract("XYZ.SIM", GRID), TakingTerms(), 10.0, None, quotes)
    own.heard(TopOfBook(499.5, 500.5, 100.0, 100.0), 0)
    play = Play(own, market("XYZ.ALT", fee=0.01))
    assert play.step(1) == []
    assert play.step(1.9) == []
    assert play.step(2.0)[0].market.name == "XYZ.ALT"


def test_limits_and_funds_bound_it() -> None:
    quotes = Quotes(sells=20, room=50)
    own = HedgeMarket(HedgeContract("XYZ.SIM", GRID), TakingTerms(), 10.0, None, quotes)
    own.heard(TopOfBook(499.5, 500.5, 100.0, 100.0), 0)
    assert Play(own).step(1)[0].lots == 30
    own.order, own.funds = None, lambda _side, _price: 27
    assert Play(own).step(1)[0].lots == 7
    own.order = None
    own.funds = lambda _side, _price: 20
    assert Play(own).step(1) == []
    assert quotes.asked[-1] == ("SELL", 100, True), "the quotes that lock the funds go, too"


def test_no_order_that_could_not_be_answered_before_the_end() -> None:
    one = market()
    one.last_send_ns = 2 * S
    play = Play(one)
    assert play.step(2.5) == []
    play.desk.finish(3 * S, "the strategy stops")
    play.facts += play.desk.take_facts()
    assert play.events == ["NEEDED", "ALARM"]
    assert "the data end" in play.facts[-1].reason


def test_what_must_go_takes_over() -> None:
    play = Play()
    play.refresh(1, TopOfBook(0.0, 0.0, 0.0, 0.0))
    play.step(1)
    play.cause = Cause.EMERGENCY
    play.step(2)
    assert play.events == ["NEEDED", "DONE", "NEEDED"]
    assert play.facts[1].reason == "taken over by EMERGENCY"
    assert [fact.decision_id for fact in play.facts] == [1, 1, 2]


def test_a_fill_after_the_end_of_its_order_is_still_one_of_the_hedge() -> None:
    play = Play()
    play.step(1)
    play.close(1.1)
    play.fill(1.2, 100, name="H-1")
    assert play.facts[-1].event == "FILLED"
    assert not play.desk.is_out("H-1")
    play.step(1.3)
    assert play.events[-1] == "DONE"


def test_a_saved_desk_goes_on_where_it_was() -> None:
    play = Play()
    play.step(1)
    play.fill(1.1, 40)
    state = orjson.loads(orjson.dumps(play.desk.save()))
    again = Play(exposure=play.exposure)
    again.desk.load(state)
    again.sent = play.sent
    assert again.desk.in_flight() == pytest.approx(-6.0)
    again.refresh(5)
    assert again.step(5) == [], "nothing is sent while sixty lots may still fill"
    again.close(5.1, "RECONCILED")
    assert again.step(5.6)[0].lots == 60
    assert again.desk.decisions == 1, "it is the same decision"
    stranger = HedgeOrder("H-9", "XYZ.SIM", Side.SELL, 10, 998, 7, Cause.FILL, 500.0, 0)
    third = Play()
    third.desk.adopt(stranger)
    assert third.desk.is_out("H-9")
    assert third.desk.decisions == 7


def test_the_cheaper_market_is_worth_the_pause_that_paces_it() -> None:
    dear, cheap = market("XYZ.SIM", fee=0.001), market("XYZ.ALT")
    play = Play(dear, cheap, max_share_of_depth=0.05)
    (first,) = play.step(1)
    play.fill(1, first.lots)
    assert play.step(1.1) == []
    assert play.desk.wake_ns == int(1.2 * S)
    assert play.step(1.2)[0].market is cheap
    play.close(1.2)
    assert play.step(1.3)[0].market is dear, "one that has just refused is not"
