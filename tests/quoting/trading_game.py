"""Quotes and hedges together: desk, ledger and hedge desk against a venue that is slow, forgetful and sometimes gone.

`TradingGame` adds to `DeskGame` a second venue of the same asset, hedges as immediate-or-cancel orders, fills that are
told twice or after the end of their order, disconnects (nothing arrives either way until the venue tells everything
anew) and restarts (from the last state saved, which may be old, and from what the venue says).

The venue's list of executions is the truth. What must hold is in `check` after every step, in `sends_hedge` for
every hedge, and in `comes_to_rest` at the end.
"""

from __future__ import annotations

from collections import Counter, deque
from copy import replace
from dataclasses import dataclass, field
from typing import Any

import orjson
from desk_game import LOT, TICK, DeskGame

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_desk import HedgeIntent
from mm_nautilus.inventory.hedge_market import HedgeContract, HedgeMarket
from mm_nautilus.inventory.hedge_settings import HedgeSettings, TakingTerms
from mm_nautilus.inventory.ledger import Ledger
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.inventory.state import VenueReport
from mm_nautilus.market import Grid, Purpose, RiskStage, Side, TopOfBook
from mm_nautilus.messages import HedgeFact
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.orders import OrderStatus, WorkingOrder
from mm_nautilus.venues.hedge_router import TakingRouter

OWN, OTHER = "XYZ.SIM", "XYZ.ALT"
CONTRACT = Contract("USD", "XYZ")
UNIT = float(LOT)


@dataclass(frozen=True)
class Hedge:
    """A hedge on its way to its venue."""

    id: str
    venue: str
    side: Side
    lots: int
    limit: int


@dataclass
class TradingGame(DeskGame):
    """One desk, two venues, everything that travels, and everything that gets lost."""

    hedging: HedgeSettings = field(default_factory=lambda: HedgeSettings(trigger="none"))
    two_venues: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.grid = Grid(TICK, LOT, self.min_lots)
        self.control = self.new_control(self.start_position)
        self.saved = orjson.dumps(self.control.save())
        self.hedge_wire: deque[Hedge] = deque()
        self.executions: list[Fill] = []
        self.heard: set[str] = set()
        self.hedges: dict[str, Hedge] = {}
        self.hedges_over: set[str] = set()
        """Hedges whose end has been heard."""
        self.elsewhere = 0
        """Position on the other venue."""
        self.connected = True
        self.surprises = dict.fromkeys(Side, 0)
        """Lots told after the end of their order, per side, whose room may have been used again."""
        self.stage = RiskStage.NORMAL
        self.facts: list[HedgeFact] = []
        self.lives = 0

    def new_control(self, position: int, elsewhere: int = 0) -> HedgeControl:
        ledger = Ledger()
        markets = []
        for name in (OWN, OTHER) if self.two_venues else (OWN,):
            held = position if name == OWN else elsewhere
            ledger.open(name, asset="XYZ", venue=name[-3:], contract=CONTRACT, position=held * LOT)
            quotes = self.desk if name == OWN else None
            terms = TakingTerms(fee_rate=0.0001 if name == OTHER else 0.0005)
            markets.append(HedgeMarket(HedgeContract(name, self.grid), terms, 10.0, None, quotes))
        control = HedgeControl(self.hedging, ledger, markets, "MM-001", "XYZ", self.limit, self.settings.age)
        control.desk.router = TakingRouter(self.hedging.latency_z)
        return control

    # ------------------------------------------------------------- the market

    def market(self, bid: int | None, ask: int | None) -> None:
        """Move both markets; the desk hears of it while it is connected."""
        if self.connected:
            super().market(bid, ask)
            if self.two_venues:
                assert self.top is not None
                self.control.markets[1].heard(replace(self.top), self.now_ns)
        else:
            tick = float(TICK)
            self.top = TopOfBook((bid or 0) * tick, (ask or 0) * tick, 5.0 if bid else 0.0, 5.0 if ask else 0.0)

    def wait(self, seconds: float) -> None:
        """Let time pass; every alert the hedge desk asked for fires at its time."""
        end_ns = self.now_ns + int(seconds * 1e9)
        for _ in range(1000):
            wake_ns = self.control.desk.wake_ns
            if wake_ns is None or wake_ns > end_ns:
                break
            self.now_ns = max(self.now_ns + 1, wake_ns)
            self.think("hedge")
        else:
            raise AssertionError("alerts without end")
        super().wait(max(end_ns - self.now_ns, 0) * 1e-9)

    def restrain(self, stage: RiskStage) -> None:
        """Obey the risk monitor."""
        self.stage = stage
        self.desk.restrain(stage, 2.0)
        self.control.stage = stage
        self.seen[f"stage {stage.name}"] += 1
        self.think("risk")

    # ------------------------------------------------------------- commanding

    def think(self, trigger: str) -> None:
        """Hedge, then quote, as the strategy does on every occasion."""
        desk = self.desk
        self.control.markets[0].heard(desk.top, desk.market_ns)
        for intent in self.control.step(self.now_ns, desk.volatility.value, desk.skew(self.now_ns)):
            self.sends_hedge(intent)
        self.facts += self.control.desk.take_facts()
        if desk.top is not None:
            super().think(trigger)

    def rests_outside(self, side: Side, price: int) -> None:
        """Check that an order sent now would rest in the market as we see it: the last before we were cut off."""
        there, self.top = self.top, self.desk.top
        super().rests_outside(side, price)
        self.top = there

    def sends_hedge(self, intent: HedgeIntent) -> None:
        """Check a hedge at the moment of sending, and send it."""
        name = f"H-{self.seen['hedge'] + 1}"
        self.seen["hedge"] += 1
        venue, signed = intent.market.name, int(intent.side) * intent.lots
        told = self.told + self.told_elsewhere
        after = told + self.hedges_out()
        assert after * (after + signed) >= 0, f"{signed} turns {after}, hedges on their way included"
        assert abs(after + signed) < abs(after), f"{signed} makes {after} larger"
        assert intent.lots >= self.min_lots, "a hedge below the minimum"
        if venue == OWN:
            assert not self.desk.open_lots(intent.side.opposite), "sent into our own quotes"
        self.control.sending(intent, name, self.now_ns)
        if self.crash_safe:
            self.save()
        hedge = Hedge(name, venue, intent.side, intent.lots, intent.limit_ticks)
        self.hedges[name] = hedge
        self.hedge_wire.append(hedge)

    crash_safe = True
    told_elsewhere = 0

    def hedges_out(self) -> int:
        """Signed lots of hedges that were sent and whose end, or fill, we have not heard of."""
        out = 0
        for name, hedge in self.hedges.items():
            if name not in self.hedges_over:
                filled = [fill for fill in self.executions if fill.client_order_id == name]
                heard = sum(int(fill.size / LOT) for fill in filled if fill.trade_id in self.heard)
                out += int(hedge.side) * (hedge.lots - heard)
        return out

    # ------------------------------------------------------- what the venues do

    def arrive_hedge(self, verdict: str = "yes", liquidity: int = 50) -> None:
        """Let the oldest hedge reach its venue: it takes what is there at once, and the rest of it is gone."""
        if not self.hedge_wire:
            return
        hedge = self.hedge_wire.popleft()
        top = self.top
        best = 0.0 if top is None else (top.ask if hedge.side is Side.BUY else top.bid)
        price = round(best / float(TICK))
        if verdict == "no":
            self.seen["hedge rejected"] += 1
            self.answer("hedge_closed", hedge.id, "REJECTED")
            return
        if hedge.venue == OWN:
            self.meets_none_of_ours(hedge)
        fits = best > 0 and (price - hedge.limit) * int(hedge.side) <= 0
        lots = min(hedge.lots, liquidity) if fits else 0
        if lots:
            self.seen["hedge filled" if lots == hedge.lots else "hedge filled in part"] += 1
            self.execute(hedge.id, hedge.venue, hedge.side, lots, price, Purpose.HEDGE)
        else:
            self.seen["hedge found nothing"] += 1
        if lots < hedge.lots:
            self.answer("hedge_closed", hedge.id, "CANCELED")

    def meets_none_of_ours(self, hedge: Hedge) -> None:
        for order in self.orders.values():
            met = order.open and order.side is not hedge.side and (order.price - hedge.limit) * int(hedge.side) <= 0
            assert not met, "a hedge trades with our own quote"

    def execute(self, name: str, venue: str, side: Side, lots: int, price: int, purpose: Purpose) -> None:
        """Book an execution at a venue."""
        fill = Fill(
            self.now_ns, venue, name, f"T-{len(self.executions)}", side, lots * LOT, max(price, 1) * TICK, purpose
        )
        self.executions.append(fill)
        if venue == OTHER:
            self.elsewhere += int(side) * lots
        elif purpose is not Purpose.QUOTE:
            self.position += int(side) * lots
        self.answer("filled", name, fill)

    def trade(self, pick: int, lots: int) -> None:
        """Fill one open quote, whatever is on its way to it."""
        before, name = len(self.answers), self.pick(pick)
        super().trade(pick, lots)
        if name is not None and len(self.answers) > before:
            _, _, (side, filled, price) = self.answers.pop()
            self.seen["venue filled"] -= 1
            self.execute(name, OWN, side, filled, price, Purpose.QUOTE)

    # -------------------------------------------------------- what we are told

    def hear(self) -> None:
        """Deliver the oldest answer, unless we are cut off."""
        if not self.connected or not self.answers:
            return
        event, name, value = self.answers[0]
        if event == "filled":
            self.answers.popleft()
            self.hear_fill(value)
        elif event == "hedge_closed":
            self.answers.popleft()
            self.hedges_over.add(name)
            self.control.closed(name, value, self.now_ns)
            self.think("hedge")
        else:
            super().hear()
            if event in {"closed", "rejected"} and self.control.desk.decision is not None:
                self.think("order")

    def hear_fill(self, fill: Fill) -> None:
        """Book an execution as the strategy does: once."""
        news = fill.trade_id not in self.heard
        known = self.is_known(fill.client_order_id)
        assert self.control.booked(fill, 0.0) is news, f"{fill} is {'news' if news else 'known'}"
        if not news:
            self.seen["fill told twice"] += 1
            return
        if fill.instrument_id == OWN and not known:
            self.surprises[fill.side] += int(fill.size / LOT)
        self.heard.add(fill.trade_id)
        lots = int(fill.size / LOT)
        hedge = self.hedges.get(fill.client_order_id)
        if hedge is None:
            order = self.desk.orders.get(fill.client_order_id)
            self.seen["fill of an order we gave up"] += order is None
            self.desk.filled(fill.side, lots, order)
        elif fill.instrument_id == OWN:
            self.seen["fill of a hedge that was over"] += hedge.id in self.hedges_over
            self.desk.filled(fill.side, lots, None)
        if fill.instrument_id == OWN:
            self.told += int(fill.side) * lots
        else:
            self.told_elsewhere += int(fill.side) * lots
        if hedge is not None and not self.control.desk.is_out(hedge.id):
            self.hedges_over.add(hedge.id)
        self.think("fill")

    def delay_fill(self) -> None:
        """Let the oldest fill on its way fall behind everything else."""
        for index, answer in enumerate(self.answers):
            if answer[0] == "filled":
                del self.answers[index]
                self.answers.append(answer)
                return

    def repeat_fill(self, pick: int) -> None:
        """Let the venue tell an execution again."""
        if self.executions:
            fill = self.executions[pick % len(self.executions)]
            self.answers.append(("filled", fill.client_order_id, fill))

    # ------------------------------------------------- disconnects and restarts

    def disconnect(self) -> None:
        """Neither market nor answers arrive; commands wait on the wire."""
        self.seen["disconnect"] += self.connected
        self.connected = False

    def reconnect(self, lost: bool) -> None:
        """Hear everything anew: every execution, and of every order what has become of it; commands may be lost."""
        if self.connected:
            return
        self.connected = True
        if not lost:
            return
        self.seen["reconnect with everything lost"] += 1
        for wire in self.wires.values():
            wire.clear()
        self.hedge_wire.clear()
        self.answers.clear()
        for fill in self.executions[-200:]:
            self.answers.append(("filled", fill.client_order_id, fill))
        for order in list(self.desk.orders):
            self.answers.extend(self.status_of(order))
        self.answers.extend(
            ("hedge_closed", name, "RECONCILED") for name in self.hedges if name not in self.hedges_over
        )

    def status_of(self, order: WorkingOrder) -> list[tuple[str, str, Any]]:
        name, there = order.client_order_id, self.orders.get(order.client_order_id)
        if there is None:
            return [("rejected", name, None)]
        if not there.open:
            return [("closed", name, None)]
        found: list[tuple[str, str, Any]] = []
        if not order.acknowledged:
            found.append(("accepted", name, None))
        if order.status is OrderStatus.PENDING_AMEND:
            found.append(("amended", name, (there.price, there.total)))
        if order.status is OrderStatus.PENDING_CANCEL:
            found.append(("cancel_rejected", name, None))
        return found

    def save(self) -> None:
        """Write the state down, as a strategy does before a hedge leaves and now and then."""
        self.saved = orjson.dumps(self.control.save())

    def restart(self) -> None:
        """Die, let everything sent arrive unheard, and live again from the state saved last."""
        self.seen["restart"] += 1
        self.facts += self.control.desk.take_facts()
        while any(self.wires.values()):
            for kind in self.wires:
                self.arrive(kind)
        while self.hedge_wire:
            self.arrive_hedge()
        self.answers.clear()
        self.connected = True
        self.lives += 1
        for fill in self.executions:
            self.heard.add(fill.trade_id)
        self.hedges_over |= self.hedges.keys()
        self.told, self.told_elsewhere = self.position, self.elsewhere
        self.desk = Desk(self.settings, self.grid, "MM-001", lambda _price: UNIT, self.position)
        self.control = self.new_control(self.start_position)
        self.control.load(orjson.loads(self.saved))
        open_orders = {n: int(o.side) * o.leaves * LOT for n, o in self.orders.items() if o.open}
        positions = {OWN: self.position * LOT} | ({OTHER: self.elsewhere * LOT} if self.two_venues else {})
        report = VenueReport(self.executions, open_orders, positions)
        recovery = self.control.recover(report, [], self.now_ns)
        assert not recovery.differences, f"a position nobody can explain: {recovery.differences}"
        assert set(recovery.unknown_orders) == open_orders.keys()
        for name in recovery.unknown_orders:
            there = self.orders[name]
            order = WorkingOrder(name, there.side, 0, 0, there.price, there.total, there.filled)
            self.desk.adopt(order)
            self.desk.accepted(order)
        self.desk.restrain(self.stage, 2.0)
        self.control.stage = self.stage
        self.tokens, self.tokens_ns = float(self.settings.requote.message_burst), self.now_ns
        if self.top is not None:
            self.desk.heard(self.now_ns)
            self.desk.top = self.top
            if self.two_venues:
                self.control.markets[1].heard(self.top, self.now_ns)
            self.think("restart")

    # ---------------------------------------------------------------- the truth

    @property
    def quiet(self) -> bool:
        """Nothing is in flight."""
        return super().quiet and not self.hedge_wire and self.connected

    def settle(self) -> None:
        """Deliver everything that is on its way, both ways, until nothing is."""
        for _ in range(2000):
            if self.quiet:
                return
            for kind in ("cancel", "amend", "submit"):
                self.arrive(kind)
            self.arrive_hedge()
            self.hear()
            self.check()
        raise AssertionError("the wires never fall silent")

    def may_fill(self, side: Side) -> int:
        """Lots that may still fill where we quote, hedges on their way included."""
        hedges = sum(h.lots for h in self.hedge_wire if h.venue == OWN and h.side is side)
        return super().may_fill(side) + hedges

    def unheard(self, side: Side) -> int:
        """Lots filled where we quote, of orders that we were told are over: known by no one but the venue."""
        late: dict[str, int] = {}
        for event, name, fill in self.answers:
            if event != "filled" or fill.instrument_id != OWN or fill.side is not side or fill.trade_id in self.heard:
                continue
            if not self.is_known(name):
                late[fill.trade_id] = int(fill.size / LOT)
        return sum(late.values())

    def is_known(self, name: str) -> bool:
        """Whether we count on the order: a hedge that is out, or a quote of ours."""
        return self.control.desk.is_out(name) if name in self.hedges else self.desk.orders.get(name) is not None

    def most(self, fair_value: float | None) -> int:
        """Lots the limits allow at this fair value, and what nobody could know of."""
        return super().most(fair_value) + max(self.unheard(side) + self.surprises[side] for side in Side)

    def check(self) -> None:
        """Assert what must hold after every step."""
        desk, orders = self.desk, self.desk.orders
        buying, selling = desk.restraint.hedge_lots
        for side, hedged in ((Side.BUY, buying), (Side.SELL, selling)):
            known = sum(order.leaves_lots for order in orders if order.side is side)
            assert known == desk.open_lots(side), "the exposure counter differs from the orders"
            late = self.unheard(side)
            worst = int(side) * self.worst(side)
            # A quantity that filled before its order's end was told, and is told after it, is nobody's to foresee: the
            # room it had was free to be used, until the orders that use it are taken back.
            surprise = late + self.surprises[side]
            assert not self.may_fill(side) or worst - surprise <= self.limit, f"worst case {worst} beyond {self.limit}"
            if worst <= self.limit and not late:
                self.surprises[side] = 0
            believed = int(side) * desk.position_lots + known + hedged
            assert worst - late <= believed, f"the desk believes in less {side.name} than may happen"
        bids = [order.price for order in self.orders.values() if order.open and order.side is Side.BUY]
        asks = [order.price for order in self.orders.values() if order.open and order.side is Side.SELL]
        assert not bids or not asks or max(bids) < min(asks), f"own bid {max(bids)} meets own ask {min(asks)}"
        assert desk.position_lots == self.told, "position differs from the sum of fills"
        assert self.control.ledger.line(OWN).position == self.told * LOT, "the ledger differs from the sum of fills"
        self.check_deadline()
        if self.quiet:
            self.check_quiet()
            assert self.control.ledger.line(OWN).position == self.position * LOT
            assert not self.control.ledger.in_flight, "a hedge in flight that is over"
            if self.two_venues:
                assert self.control.ledger.line(OTHER).position == self.elsewhere * LOT

    def check_deadline(self) -> None:
        """Assert that a hedge not done by its deadline has raised its alarm."""
        decision = self.control.desk.decision
        if decision is None:
            return
        deadline_ns = int(self.hedging.deadline_s * 1e9)
        if self.now_ns - decision.since_ns > deadline_ns:
            alarmed = any(f.event == "ALARM" and f.decision_id == decision.decision_id for f in self.facts)
            assert alarmed, "a hedge is late and nobody says so"

    def comes_to_rest(self) -> None:
        """Give it quiet and liquid markets and time: nothing is left unhedged, or somebody was told."""
        self.reconnect(lost=True)
        quiet = Counter(fact.event for fact in self.facts)
        for _ in range(40):
            self.market(self.mid - 1, self.mid + 1)
            self.settle()
            self.wait(2.0)
            self.settle()
        for side in Side:
            assert not self.may_fill(side) or int(side) * self.worst(side) <= self.limit, "beyond the limit at rest"
        desk = self.control.desk
        exposure = self.position + self.elsewhere
        allowed = self.left_alone()
        rest = max(abs(exposure) - allowed, 0)
        alarmed = Counter(fact.event for fact in self.facts)["ALARM"] > quiet["ALARM"]
        assert rest < self.min_lots or alarmed, f"{exposure} is left, {allowed} allowed, and nobody was told"
        assert not (rest >= self.min_lots and self.hedging.max_share_of_depth > 0.1), "a liquid market, and not hedged"
        assert desk.decision is None or rest < self.min_lots
        begun = [(f.decision_id, f.ts_ns) for f in self.facts if f.event == "NEEDED"]
        for decision_id, ts_ns in begun[: -1 if desk.decision is not None else None]:
            ended = [f.ts_ns for f in self.facts if f.decision_id == decision_id and f.event in {"DONE", "ALARM"}]
            assert self.lives or (ended and min(ended) - ts_ns <= self.hedging.deadline_s * 1e9), "late and untold"

    def left_alone(self) -> float:
        """Return the exposure that the settings and the stage leave alone, in lots."""
        if self.stage is RiskStage.HALT:
            return 0.1 * self.limit
        if self.stage is RiskStage.FLATTEN:
            return 0
        if self.hedging.trigger == "fills":
            return float(self.hedging.max_exposure / LOT)
        if self.hedging.trigger == "limits" and self.hedging.inventory_share is not None:
            return self.hedging.inventory_share * self.limit
        return float("inf")

    def finish(self, at_once: bool = True) -> None:
        """Come to rest, withdraw, and assert that nothing is left behind."""
        self.comes_to_rest()
        super().finish(at_once)
        assert not self.hedge_wire
        total = sum(int(fill.side) * fill.size for fill in self.executions if fill.instrument_id == OWN)
        assert self.control.ledger.line(OWN).position == self.start_position * LOT + total
