"""One asset on two venues: quotes on both or on one, hedges on both or on the other, and everything that goes wrong.

`CrossGame` puts two `DeskGame` venues, each with its own slow wire, beside one ledger, one hedge desk and one
`CrossQuoting`, as `CrossVenueMarketMaker` does. Answers of a venue come in its order and those of the two in any; a
venue may disconnect by itself, known at once or only by its silence; the process may die and live again from what it
saved last.

The list of executions is the truth. What must hold is in `check` after every step, in `sends_hedge` and `Seat.send`
for every command, and in `comes_to_rest` at the end.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from desk_game import LOT, TICK, DeskGame, VenueOrder
from trading_game import CONTRACT, UNIT, Hedge

from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_desk import HedgeIntent
from mm_nautilus.inventory.hedge_market import HedgeContract
from mm_nautilus.inventory.hedge_settings import HedgeInstrumentSettings, HedgeSettings, TakingTerms
from mm_nautilus.inventory.ledger import Ledger
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.inventory.limits import Holding, Limits, side_bounds, surroundings
from mm_nautilus.inventory.state import VenueReport
from mm_nautilus.inventory.venue_market import VenueMarket
from mm_nautilus.market import Grid, Purpose, Side, TopOfBook
from mm_nautilus.messages import HedgeFact
from mm_nautilus.quoting.desk import Desk, Requote
from mm_nautilus.quoting.orders import WorkingOrder
from mm_nautilus.quoting.settings import QuotingSettings
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.cross_quoting import CrossQuoting, CrossTerms, Place
from mm_nautilus.venues.hedge_router import TakingRouter
from mm_nautilus.venues.venue import Health, Venue

NAMES = ("XYZ.ONE", "XYZ.TWO")


class Seat(DeskGame):
    """One venue of the game: a desk that asks the game what holds its quotes."""

    def __init__(self, game: CrossGame, index: int, settings: QuotingSettings, min_lots: int, start: int) -> None:
        self.game, self.index, self.name = game, index, NAMES[index]
        self.connected = True
        self.hedge_wire: deque[Hedge] = deque()
        super().__init__(settings, min_lots, start)
        self.grid = Grid(TICK, LOT, min_lots)
        self.desk = self.new_desk(start)

    def new_desk(self, position: int) -> Desk:
        limit = self.game.asset_limit * UNIT
        return Desk(self.settings, self.grid, "XV-001", lambda _price: UNIT, position, limit)

    @property
    def quotes(self) -> bool:
        return self.game.quotes[self.index]

    @property
    def now_ns(self) -> int:  # type: ignore[override]
        """Time of the game; a seat has none of its own."""
        return self.game.now_ns

    @now_ns.setter
    def now_ns(self, _value: int) -> None: ...

    def market(self, bid: int | None, ask: int | None) -> None:
        """Move the market; we hear of it while we are connected."""
        tick = float(TICK)
        self.top = TopOfBook((bid or 0) * tick, (ask or 0) * tick, 5.0 if bid else 0.0, 5.0 if ask else 0.0)
        if self.connected:
            self.game.heard(self)

    def think(self, trigger: str) -> None:
        """Quote this venue anew."""
        if not self.quotes or self.desk.top is None:
            return
        now_ns = self.game.now_ns
        anchor = self.game.cross.anchor(self.index, now_ns)
        requote = self.desk.requote(trigger, now_ns, None, self.game.bounds(self), anchor)
        if requote is not None:
            self.send(requote)

    def send(self, requote: Requote) -> None:
        """Check the commands at the moment of sending, and send them."""
        top, self.top = self.top, self.desk.top  # as we see it: the last before we were cut off
        plan, barred = requote.plan, self.game.cross.places[self.index].market.barred
        assert not (barred and (plan.submits or plan.amends)), f"quoting on a venue that is {barred}"
        for level in plan.submits:
            self.game.bounded(self, level.side, requote)
        super().send(requote)
        self.top = top
        for side in {level.side for level in plan.submits}:
            self.game.within_asset_limit(side)

    def spend(self, plan: Any) -> None:
        """The message budget has a game of its own."""

    def most(self, fair_value: float | None) -> int:
        return self.limit

    def trade(self, pick: int, lots: int) -> None:
        """Fill one open quote, whatever is on its way to it."""
        name = self.pick(pick)
        if name is None:
            return
        before = len(self.answers)
        super().trade(pick, lots)
        if len(self.answers) > before:
            _, _, (side, filled, price) = self.answers.pop()
            self.position -= int(side) * filled  # `execute` counts it
            self.game.execute(self, name, side, filled, price, Purpose.QUOTE)

    def hear(self) -> None:
        """Deliver the oldest answer of this venue, unless we are cut off."""
        if not self.connected or not self.answers:
            return
        event, name, value = self.answers[0]
        if event == "filled":
            self.answers.popleft()
            self.game.hear_fill(self, value)
        elif event == "hedge_closed":
            self.answers.popleft()
            self.game.hedges_over.add(name)
            self.game.control.closed(name, value, self.game.now_ns)
            self.game.think_all("hedge")
        else:
            super().hear()
            if event in {"closed", "rejected"} and self.game.control.desk.decision is not None:
                self.game.step_hedge()
                self.game.think_dirty()

    def may_fill(self, side: Side) -> int:
        hedges = sum(hedge.lots for hedge in self.hedge_wire if hedge.side is side)
        return super().may_fill(side) + hedges

    @property
    def quiet(self) -> bool:
        return super().quiet and not self.hedge_wire and self.connected


@dataclass
class CrossGame:
    """Two seats, one set of books."""

    settings: QuotingSettings
    hedging: HedgeSettings
    quotes: tuple[bool, bool] = (True, True)
    hedges: tuple[bool, bool] = (True, True)
    asset_limit: int = 6
    min_lots: int = 1
    start: tuple[int, int] = (0, 0)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.now_ns = 1
        self.mid = 1000
        where = [HedgeInstrumentSettings(instrument_id=name) for name, on in zip(NAMES, self.hedges, strict=True) if on]
        self.hedging = self.hedging.model_copy(update={"instruments": where})
        self.executions: list[Fill] = []
        self.heard_fills: set[str] = set()
        self.sent: dict[str, Hedge] = {}
        self.hedges_over: set[str] = set()
        self.facts: list[HedgeFact] = []
        self.lives = 0
        self.seats = [Seat(self, index, self.settings, self.min_lots, self.start[index]) for index in range(2)]
        self.begin([seat.position for seat in self.seats])
        self.saved = orjson.dumps(self.control.save())

    def begin(self, positions: list[int]) -> None:
        """Open the books and the view of the venues."""
        ledger, markets = Ledger(), []
        for seat, held in zip(self.seats, positions, strict=True):
            ledger.open(seat.name, asset="XYZ", venue=seat.name[-3:], contract=CONTRACT, position=held * LOT)
            terms = TakingTerms(fee_rate=0.0001)
            quotes = seat.desk if seat.quotes else None
            market = VenueMarket(HedgeContract(seat.name, seat.grid), terms, 10.0, None, quotes)
            market.limit_lots = seat.limit
            market.last_resort = not self.hedges[seat.index]
            markets.append(market)
        self.control = HedgeControl(
            self.hedging, ledger, markets, "XV-001", "XYZ", self.seats[0].limit, self.settings.age
        )
        self.control.desk.router = TakingRouter(self.hedging.latency_z)
        self.control.limit = self.asset_limit * UNIT
        venues = [Venue(name, "XYZ", "USD", 0.0, 0.0001) for name in NAMES]
        order = int(self.settings.order_size / LOT) * self.settings.ladder.levels
        places = [
            Place(venue, market, self.quotes[index], self.hedges[index], 0.0, order)
            for index, (venue, market) in enumerate(zip(venues, markets, strict=True))
        ]
        self.cross = CrossQuoting(places, ConsolidatedFairValue(venues, "USD", 60.0, 10.0), CrossTerms())
        self.cross.moved()

    # ------------------------------------------------------------- the market

    def market(self, move: int, half_spread: int, index: int | None = None) -> None:
        """Move both markets, or one of them, and let time pass a little."""
        self.now_ns += 1_000_000
        self.mid += move
        for seat in self.seats if index is None else [self.seats[index]]:
            seat.mid = self.mid
            seat.market(self.mid - half_spread, self.mid + half_spread)

    def unfit(self, index: int, kind: str) -> None:
        """Show a book that must not be quoted on, on one venue."""
        self.seats[index].mid = self.mid
        self.seats[index].unfit_market(kind)

    def heard(self, seat: Seat) -> None:
        """Tell what a venue shows, and quote what that moves."""
        seat.desk.heard(self.now_ns)
        seat.desk.top = seat.top
        told = self.cross.heard(seat.index, seat.top, self.now_ns, self.now_ns)
        seat.think("quote")
        for other in told:
            if other != seat.index:
                self.seats[other].think("venue")

    def wait(self, seconds: float) -> None:
        """Let time pass; every alert that the hedge desk asked for fires at its time."""
        end_ns = self.now_ns + int(seconds * 1e9)
        for _ in range(1000):
            wake_ns = self.control.desk.wake_ns
            if wake_ns is None or wake_ns > end_ns:
                break
            self.now_ns = max(self.now_ns + 1, wake_ns)
            self.think_all("hedge")
        else:
            raise AssertionError("alerts without end")
        self.now_ns = max(self.now_ns, end_ns)
        for seat in self.seats:
            seat.desk.sample(self.now_ns)
        self.cross.sample(self.now_ns, {})
        self.think_all("sample")

    # ------------------------------------------------------------- commanding

    def think_all(self, trigger: str) -> None:
        """Hedge, then quote everything."""
        self.step_hedge()
        for seat in self.seats:
            seat.think(trigger)

    def think_dirty(self) -> None:
        for seat in self.seats:
            if seat.desk.dirty:
                seat.think("order")

    def step_hedge(self) -> None:
        first = self.seats[0].desk
        for intent in self.control.step(self.now_ns, first.volatility.value, None):
            self.sends_hedge(intent)
        self.facts += self.control.desk.take_facts()

    def holding(self, seat: Seat) -> Holding:
        desk, market = seat.desk, self.cross.places[seat.index].market
        if seat.quotes:
            buying, selling = desk.restraint.hedge_lots
            bids, asks = desk.open_lots(Side.BUY) + buying, desk.open_lots(Side.SELL) + selling
        else:
            order = market.order
            bids = order.leaves_lots if order is not None and order.side is Side.BUY else 0
            asks = order.leaves_lots if order is not None and order.side is Side.SELL else 0
        return Holding("XYZ", seat.name, market.position_lots * UNIT, bids * UNIT, asks * UNIT, 500.0)

    def bounds(self, seat: Seat) -> Any:
        """Return what the asset leaves one venue to quote, as the strategy does."""
        others = [self.holding(other) for other in self.seats if other is not seat]
        others.append(self.control.pending(self.cross.inventory))
        limits = Limits(max_asset_position=self.asset_limit * UNIT)
        around = surroundings("XYZ", seat.name, others)
        return side_bounds(seat.desk.position_lots * UNIT, 500.0, UNIT, limits, around)

    def bounded(self, seat: Seat, side: Side, requote: Requote) -> None:
        """Check that a quote that adds to the exposure stands within what its fill can be hedged at."""
        decision = requote.decision
        bound = decision.bid_bound if side is Side.BUY else decision.ask_bound
        if bound is None:
            held = decision.inventory or 0.0
            assert held * int(side) < 0.0, f"a quote of {seat.name} adds to {held} and nothing bounds it"
            return
        prices = decision.bid_prices if side is Side.BUY else decision.ask_prices
        assert all((price - bound) * int(side) <= 1e-6 for price in prices), "a quote beyond its bound"

    def sends_hedge(self, intent: HedgeIntent) -> None:
        """Check a hedge at the moment of sending, and send it."""
        name, venue = f"H-{len(self.sent) + 1}", intent.market.name
        seat = self.seats[NAMES.index(venue)]
        signed = int(intent.side) * intent.lots
        after = self.told + self.hedges_out()
        assert after * (after + signed) >= 0, f"{signed} turns {after}, hedges on their way included"
        assert abs(after + signed) < abs(after), f"{signed} makes {after} larger"
        assert not self.cross.places[seat.index].market.barred, "a hedge sent to a venue that is out"
        assert self.hedges[seat.index], "a hedge where none is wanted"
        held = seat.desk.position_lots if seat.quotes else self.cross.places[seat.index].market.position_lots
        assert int(intent.side) * held + intent.lots <= max(seat.limit, abs(held)), "beyond the venue's limit"
        if seat.quotes:
            assert not seat.desk.open_lots(intent.side.opposite), "sent into our own quotes"
        self.control.sending(intent, name, self.now_ns)
        self.saved = orjson.dumps(self.control.save())
        self.seen["hedge"] += 1
        hedge = Hedge(name, venue, intent.side, intent.lots, intent.limit_ticks)
        self.sent[name] = hedge
        seat.hedge_wire.append(hedge)

    @property
    def told(self) -> int:
        """Lots of the asset by the fills that we were told of."""
        told = sum(
            int(fill.side) * int(fill.size / LOT) for fill in self.executions if fill.trade_id in self.heard_fills
        )
        return sum(self.start) + told

    @property
    def exposure(self) -> int:
        """Lots of the asset, whether we know of them or not."""
        return sum(seat.position for seat in self.seats)

    def hedges_out(self) -> int:
        """Signed lots of hedges that were sent and whose end, or fill, we have not heard of."""
        out = 0
        for name, hedge in self.sent.items():
            if name not in self.hedges_over:
                filled = [fill for fill in self.executions if fill.client_order_id == name]
                heard = sum(int(fill.size / LOT) for fill in filled if fill.trade_id in self.heard_fills)
                out += int(hedge.side) * (hedge.lots - heard)
        return out

    # ------------------------------------------------------- what the venues do

    def arrive_hedge(self, index: int, verdict: str = "yes", liquidity: int = 50) -> None:
        """Let the oldest hedge reach its venue: it takes what is there at once, and the rest of it is gone."""
        seat = self.seats[index]
        if not seat.hedge_wire:
            return
        hedge = seat.hedge_wire.popleft()
        if verdict == "no":
            self.seen["hedge rejected"] += 1
            seat.answer("hedge_closed", hedge.id, "REJECTED")
            return
        for order in seat.orders.values():
            met = order.open and order.side is not hedge.side and (order.price - hedge.limit) * int(hedge.side) <= 0
            assert not met, "a hedge trades with our own quote"
        top = seat.top
        best = 0.0 if top is None else (top.ask if hedge.side is Side.BUY else top.bid)
        price = round(best / float(TICK))
        fits = best > 0 and (price - hedge.limit) * int(hedge.side) <= 0
        lots = min(hedge.lots, liquidity) if fits else 0
        self.seen[
            "hedge filled" if lots == hedge.lots else "hedge filled in part" if lots else "hedge found nothing"
        ] += 1
        if lots:
            self.execute(seat, hedge.id, hedge.side, lots, price, Purpose.HEDGE)
        if lots < hedge.lots:
            seat.answer("hedge_closed", hedge.id, "CANCELED")

    def execute(self, seat: Seat, name: str, side: Side, lots: int, price: int, purpose: Purpose) -> None:
        """Book an execution at a venue."""
        number = f"T-{len(self.executions)}"
        fill = Fill(self.now_ns, seat.name, name, number, side, lots * LOT, Decimal(max(price, 1)) * TICK, purpose)
        self.executions.append(fill)
        seat.position += int(side) * lots
        seat.answer("filled", name, fill)

    def hear_fill(self, seat: Seat, fill: Fill) -> None:
        """Book an execution once, hedge it at once, and quote anew."""
        news = fill.trade_id not in self.heard_fills
        assert self.control.booked(fill, 0.0) is news, f"{fill} is {'news' if news else 'known'}"
        if not news:
            self.seen["fill told twice"] += 1
            return
        self.heard_fills.add(fill.trade_id)
        lots = int(fill.size / LOT)
        if fill.purpose is Purpose.QUOTE:
            seat.desk.filled(fill.side, lots, seat.desk.orders.get(fill.client_order_id))
        elif seat.quotes:
            seat.desk.filled(fill.side, lots, None)
        seat.told += int(fill.side) * lots
        if fill.client_order_id in self.sent and not self.control.desk.is_out(fill.client_order_id):
            self.hedges_over.add(fill.client_order_id)
        self.cross.moved()
        self.think_all("fill")

    # ------------------------------------------------- disconnects and restarts

    def disconnect(self, index: int, told: bool) -> None:
        """Cut one venue off: nothing arrives either way. Where we are not told, only its silence says so."""
        self.seen["disconnect"] += self.seats[index].connected
        self.seats[index].connected = False
        if told and self.cross.bar(index, Health.DISCONNECTED, True, self.now_ns):
            self.seen["disconnect that is said"] += 1
            self.think_all("venue")

    def reconnect(self, index: int) -> None:
        """Connect one venue again; its answers were kept."""
        seat = self.seats[index]
        if seat.connected:
            return
        seat.connected = True
        if self.cross.bar(index, Health.DISCONNECTED, False, self.now_ns):
            self.think_all("venue")
        if seat.top is not None:
            self.heard(seat)

    def restart(self) -> None:
        """Die, let everything sent arrive unheard, and live again from the state saved last."""
        self.seen["restart"] += 1
        self.lives += 1
        self.facts += self.control.desk.take_facts()
        for seat in self.seats:
            while any(seat.wires.values()):
                for kind in seat.wires:
                    seat.arrive(kind)
            while seat.hedge_wire:
                self.arrive_hedge(seat.index)
            seat.answers.clear()
            seat.connected = True
            seat.told = seat.position
            seat.desk = seat.new_desk(seat.position if seat.quotes else self.start[seat.index])
        self.heard_fills = {fill.trade_id for fill in self.executions}
        self.hedges_over |= self.sent.keys()
        self.begin(list(self.start))
        self.control.load(orjson.loads(self.saved))
        open_orders = {
            name: int(order.side) * order.leaves * LOT
            for seat in self.seats
            for name, order in seat.orders.items()
            if order.open
        }
        positions = {seat.name: seat.position * LOT for seat in self.seats}
        recovery = self.control.recover(VenueReport(self.executions, open_orders, positions), [], self.now_ns)
        assert not recovery.differences, f"a position nobody can explain: {recovery.differences}"
        for seat in self.seats:
            for name, there in seat.orders.items():
                if there.open:
                    self.adopt(seat, name, there)
        self.cross.moved()
        for seat in self.seats:
            if seat.top is not None:
                self.heard(seat)
        self.think_all("restart")

    @staticmethod
    def adopt(seat: Seat, name: str, there: VenueOrder) -> None:
        order = WorkingOrder(name, there.side, 0, 0, there.price, there.total, there.filled)
        seat.desk.adopt(order)
        seat.desk.accepted(order)

    # ---------------------------------------------------------------- the truth

    def within_asset_limit(self, side: Side) -> None:
        """Check the asset's worst case: every quote and hedge of one side on both venues filled, none of the other."""
        worst = int(side) * self.exposure + sum(seat.may_fill(side) for seat in self.seats)
        assert worst <= max(self.asset_limit, int(side) * self.exposure), (
            f"worst case {worst} beyond the asset's limit {self.asset_limit}"
        )

    def check(self) -> None:
        """Assert what must hold after every step."""
        for seat in self.seats:
            desk = seat.desk
            if not seat.quotes:
                assert not seat.orders, "a quote where none is wanted"
                continue
            buying, selling = desk.restraint.hedge_lots
            for side, hedged in ((Side.BUY, buying), (Side.SELL, selling)):
                known = sum(order.leaves_lots for order in desk.orders if order.side is side)
                assert known == desk.open_lots(side), "the exposure counter differs from the orders"
                worst = int(side) * seat.worst(side)
                assert not seat.may_fill(side) or worst <= seat.limit, f"worst case {worst} beyond {seat.limit}"
                assert worst <= int(side) * desk.position_lots + known + hedged, "the desk believes in less"
            bids = [order.price for order in seat.orders.values() if order.open and order.side is Side.BUY]
            asks = [order.price for order in seat.orders.values() if order.open and order.side is Side.SELL]
            assert not bids or not asks or max(bids) < min(asks), "own bid meets own ask"
        for seat in self.seats:
            line = self.control.ledger.line(seat.name)
            assert line.position == seat.told * LOT, "the ledger differs from what we were told"
        if self.exposure in range(-self.asset_limit, self.asset_limit + 1):
            for side in Side:
                self.within_asset_limit(side)
        self.check_hedges()

    def check_hedges(self) -> None:
        """Assert that no hedge is out for the books alone, and none is forgotten."""
        out = {hedge.id for seat in self.seats for hedge in seat.hedge_wire}
        unheard = {
            name for seat in self.seats for event, name, _ in seat.answers if event in {"filled", "hedge_closed"}
        }
        for order in self.control.ledger.in_flight:
            name = order.client_order_id
            assert name in out or name in unheard, "a hedge in flight that is over"
        decision = self.control.desk.decision
        if decision is not None and self.now_ns - decision.since_ns > int(self.hedging.deadline_s * 1e9):
            assert any(f.event == "ALARM" and f.decision_id == decision.decision_id for f in self.facts), "late, untold"

    def settle(self) -> None:
        """Deliver everything that is on its way, both ways, until nothing is."""
        for _ in range(2000):
            if all(seat.quiet for seat in self.seats):
                return
            for seat in self.seats:
                for kind in ("cancel", "amend", "submit"):
                    seat.arrive(kind)
                self.arrive_hedge(seat.index)
                seat.hear()
                self.check()
        raise AssertionError("the wires never fall silent")

    def finish(self) -> None:
        """Give it quiet, liquid markets and time: nothing is left unhedged and no order is left behind."""
        for index in range(2):
            self.reconnect(index)
        for _ in range(30):
            self.market(0, 1)
            self.settle()
            self.wait(2.0)
            self.settle()
        left = max(abs(self.exposure) - int(self.hedging.max_exposure / LOT), 0)
        assert left < self.min_lots, f"{self.exposure} is left in liquid markets"
        for seat in self.seats:
            seat.desk.halt()
            seat.think("end")
        self.settle()
        self.wait(1.0)
        self.settle()
        assert not any(order.open for seat in self.seats for order in seat.orders.values()), "an order is left behind"
        total = sum(int(fill.side) * fill.size for fill in self.executions)
        assert (self.exposure - sum(self.start)) * LOT == total
