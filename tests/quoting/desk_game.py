"""A venue small enough to read, and a desk that trades on it through a slow wire.

`DeskGame` is the shell of a strategy without an engine: it sends what the desk says and tells it what
the venue answers. Commands travel in order within their kind, but a cancel may overtake a submit or
an amend; answers come back in order, later. After every step `check` compares what the desk promises
with what is true at the venue.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mm_nautilus.host.funds import CashFunds
from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.quoting.desk import Desk, Requote
from mm_nautilus.quoting.orders import OrderStatus
from mm_nautilus.quoting.pipeline import Funds
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model

TICK, LOT = Decimal("0.5"), Decimal("0.1")
COMMANDS = ("submit", "amend", "cancel")


def game_settings(**changes: Any) -> QuotingSettings:
    """Return settings whose quotes stand a few ticks from the fair value and lean with inventory."""
    fields: dict[str, Any] = {
        "instrument_id": "XYZ.SIM",
        "model": "glft",
        "gamma": 0.5,
        "order_size": 2 * LOT,
        "intensity": {"a_per_s": 1.0, "k_per_price": 1.0},
        "volatility": {"fixed_price_per_sqrt_s": 1.0},
        "limits": {"max_position": 6 * LOT},
        "guards": {"stale_after_s": 30.0},
    }
    return settings_with_model(QuotingSettings, "glft").model_validate(fields | changes)


@dataclass
class VenueOrder:
    """An order as the venue has it."""

    side: Side
    price: int
    total: int
    filled: int = 0
    open: bool = True

    @property
    def leaves(self) -> int:
        return self.total - self.filled if self.open else 0


@dataclass(frozen=True)
class Command:
    """What we sent and the venue has not seen yet."""

    kind: str
    id: str
    side: Side
    price: int = 0
    total: int = 0


@dataclass
class DeskGame:
    """One desk, one venue, and everything that travels between them."""

    settings: QuotingSettings = field(default_factory=game_settings)
    min_lots: int = 1
    start_position: int = 0
    cash: tuple[Decimal, Decimal] | None = None
    """Base and quote balance of a cash account."""

    def __post_init__(self) -> None:
        self.desk = Desk(
            self.settings, Grid(TICK, LOT, self.min_lots), "MM-001", lambda _price: float(LOT), self.start_position
        )
        self.funds = None if self.cash is None else CashFunds(*self.cash, LOT)
        self.limit = int(self.settings.limits.max_position / LOT)
        self.now_ns = 0
        self.top: TopOfBook | None = None
        self.mid = 1000
        self.wires: dict[str, deque[Command]] = {kind: deque() for kind in COMMANDS}
        self.answers: deque[tuple[str, str, Any]] = deque()
        self.orders: dict[str, VenueOrder] = {}
        self.position = self.start_position
        self.base, self.quote = self.cash or (Decimal(0), Decimal(0))
        self.told = self.start_position
        """Position by the fills the desk has been told of."""
        self.tokens, self.tokens_ns = float(self.settings.requote.message_burst), 0
        self.seen: Counter[str] = Counter()

    # ------------------------------------------------------------- the market

    def market(self, bid: int | None, ask: int | None) -> None:
        """Move the market to these prices in ticks and let the desk think."""
        tick = float(TICK)
        self.top = TopOfBook(
            0.0 if bid is None else bid * tick,
            0.0 if ask is None else ask * tick,
            0.0 if bid is None else 5.0,
            0.0 if ask is None else 5.0,
        )
        self.desk.heard(self.now_ns)
        self.desk.top = self.top
        fault = self.desk.fault(self.now_ns)
        self.seen[f"market {'fit' if fault is None else fault.value}"] += 1
        self.think("book")

    def drift(self, ticks: int, half_spread: int) -> None:
        """Move the mid a little; the market stays fit."""
        self.mid += ticks
        self.market(self.mid - half_spread, self.mid + half_spread)

    def jump(self, ticks: int) -> None:
        """Move the market through all our orders of one side."""
        self.drift(ticks, 1)

    def unfit_market(self, kind: str) -> None:
        """Show a book that must not be quoted on."""
        shown = {"locked": (0, 0), "crossed": (2, -2), "no bid": (None, 1), "no ask": (-1, None)}[kind]
        bid, ask = (None if offset is None else self.mid + offset for offset in shown)
        self.market(bid, ask)

    def wait(self, seconds: float) -> None:
        """Let time pass and the sampling timer fire."""
        self.now_ns += int(seconds * 1e9)
        if self.desk.fault(self.now_ns) == "STALE_BOOK":
            self.seen["market STALE_BOOK"] += 1
        self.desk.sample(self.now_ns)
        self.think("sample")

    # --------------------------------------------------------- what we command

    def think(self, trigger: str) -> None:
        """Ask the desk and send what it says."""
        if self.top is None:
            return
        requote = self.desk.requote(trigger, self.now_ns, self.funds_now())
        if requote is not None:
            self.send(requote)

    def funds_now(self) -> Funds | None:
        """Return what the account can trade, as a strategy would ask it."""
        if self.funds is None or self.top is None or self.top.ask <= 0:
            return None
        return self.funds.at(self.desk.dearest_price())

    def send(self, requote: Requote) -> None:
        """Put the commands on the wires, checking what must hold at the moment of sending."""
        plan, decision = requote.plan, requote.decision
        self.seen[f"state {decision.quote_state}"] += 1
        self.spend(plan)
        self.cancel(plan.cancels)
        for amend in plan.amends:
            order = amend.order
            self.seen["amend price" if amend.price_ticks != order.price_ticks else "amend size"] += 1
            assert (amend.price_ticks, amend.total_lots) != (order.price_ticks, order.total_lots), "an empty amend"
            assert amend.total_lots <= order.total_lots, "an amend adds size"
            assert amend.total_lots > order.filled_lots, "an amend that leaves nothing"
            assert amend.total_lots >= self.min_lots, "an amend below the minimum"
            if amend.price_ticks != order.price_ticks:
                self.rests_outside(order.side, amend.price_ticks)
            self.desk.amending(order, amend.price_ticks, amend.total_lots, self.now_ns)
            self.put("amend", order.client_order_id, order.side, amend.price_ticks, amend.total_lots)
        for level in plan.submits:
            self.seen["submit"] += 1
            assert level.size_lots >= self.min_lots, "an order below the minimum"
            self.rests_outside(level.side, level.price_ticks)
            name = f"O-{self.seen['submit']}"
            self.desk.submitting(level, name, self.now_ns)
            self.put("submit", name, level.side, level.price_ticks, level.size_lots)
        if any(level.side is Side.BUY for level in plan.submits):
            assert self.worst(Side.BUY) <= self.most(decision.fair_value), "worst case beyond the notional limit"
        if any(level.side is Side.SELL for level in plan.submits):
            assert -self.worst(Side.SELL) <= self.most(decision.fair_value), "worst case beyond the notional limit"

    def cancel(self, orders: Any) -> None:
        """Send cancels."""
        for order in orders:
            self.seen["cancel"] += 1
            self.desk.cancelling(order)
            self.put("cancel", order.client_order_id, order.side)

    def put(self, kind: str, name: str, side: Side, price: int = 0, total: int = 0) -> None:
        self.wires[kind].append(Command(kind, name, side, price, total))

    def halt(self, at_once: bool) -> None:
        """Stop quoting for good: cancelling everything at once, or each order once it is answered."""
        self.desk.halt()
        if at_once:
            self.cancel(self.desk.live_orders())
        self.think("halt")

    def rests_outside(self, side: Side, price: int) -> None:
        """Check that an order sent now would rest in the market as we see it."""
        top = self.top
        assert top is not None
        assert top.bid < top.ask, "quoting on a crossed or locked book"
        opposite = top.ask if side is Side.BUY else top.bid
        assert (opposite / float(TICK) - price) * int(side) >= 1, "crosses the market when sent"

    def spend(self, plan: Any) -> None:
        """Keep a second account of the message budget, in which cancels are free."""
        requote = self.settings.requote
        gained = (self.now_ns - self.tokens_ns) * 1e-9 * requote.messages_per_s
        self.tokens, self.tokens_ns = min(self.tokens + gained, requote.message_burst), self.now_ns
        counted = len(plan.submits) + len(plan.amends)
        self.tokens -= counted
        assert self.tokens > -1e-6, "more messages than the budget allows"
        if plan.deferred:
            self.seen["deferred"] += 1

    # ------------------------------------------------------- what the venue does

    def arrive(self, kind: str, verdict: str = "yes") -> None:
        """Let the oldest command of one kind reach the venue, which may refuse it."""
        if not self.wires[kind]:
            return
        command = self.wires[kind].popleft()
        for earlier in COMMANDS:
            if any(other.id == command.id for other in self.wires[earlier]):
                self.seen[f"{kind} overtakes {earlier}"] += 1
        {"submit": self._submit, "amend": self._amend, "cancel": self._cancel}[kind](command, verdict)

    def _submit(self, command: Command, verdict: str) -> None:
        if verdict == "no":
            self.answer("rejected", command.id)
        elif self._takes(command):
            self.seen["post-only submit"] += 1
            self.answer("rejected", command.id)
        else:
            self.orders[command.id] = VenueOrder(command.side, command.price, command.total)
            self.answer("accepted", command.id)

    def _amend(self, command: Command, verdict: str) -> None:
        order = self.orders[command.id]  # an amend that overtakes its submit is a bug of ours
        if not order.open:
            self.seen["amend meets closed order"] += 1
            if verdict == "no":  # live venues say so, simulated ones stay silent
                self.answer("amend_rejected", command.id)
            return
        if verdict == "no" or command.total < order.filled or self._takes(command):
            self.answer("amend_rejected", command.id)
            return
        order.price, order.total = command.price, command.total
        self.answer("amended", command.id, (order.price, order.total))
        if order.total == order.filled:
            order.open = False
            self.seen["amend ends order"] += 1
            self.answer("closed", command.id)

    def _cancel(self, command: Command, verdict: str) -> None:
        order = self.orders.get(command.id)
        if order is None:
            self.seen["cancel lost"] += 1
            self.answer("cancel_rejected", command.id)
        elif not order.open:
            self.seen["cancel meets closed order"] += 1
            if verdict == "no":
                self.answer("cancel_rejected", command.id)
        elif verdict == "no":
            self.answer("cancel_rejected", command.id)
        else:
            order.open = False
            self.answer("closed", command.id)

    def _takes(self, command: Command) -> bool:
        if self.top is None:
            return False
        opposite = self.top.ask if command.side is Side.BUY else self.top.bid
        return opposite > 0 and (command.price - opposite / float(TICK)) * int(command.side) >= 0

    def trade(self, pick: int, lots: int) -> None:
        """Fill one open order, whatever is on its way to it."""
        name = self.pick(pick)
        if name is None:
            return
        order = self.orders[name]
        lots = min(lots, order.leaves)
        order.filled += lots
        self.seen["full fill" if order.leaves == 0 else "partial fill"] += 1
        for kind in ("amend", "cancel"):
            if any(command.id == name for command in self.wires[kind]):
                self.seen[f"fill before {kind}"] += 1
        order.open = order.leaves > 0
        self.position += int(order.side) * lots
        self.base += int(order.side) * lots * LOT
        self.quote -= int(order.side) * lots * LOT * order.price * TICK
        self.answer("filled", name, (order.side, lots, order.price))

    def cancel_unasked(self, pick: int) -> None:
        """Let the venue cancel one open order by itself."""
        name = self.pick(pick)
        if name is not None:
            self.orders[name].open = False
            self.seen["unsolicited cancel"] += 1
            self.answer("closed", name)

    def pick(self, pick: int) -> str | None:
        names = [name for name, order in self.orders.items() if order.open]
        return names[pick % len(names)] if names else None

    def answer(self, event: str, name: str, value: Any = None) -> None:
        self.seen[f"venue {event}"] += 1
        self.answers.append((event, name, value))

    # -------------------------------------------------------- what we are told

    def hear(self) -> None:
        """Deliver the oldest answer, as a strategy's handlers do."""
        if not self.answers:
            return
        event, name, value = self.answers.popleft()
        order = self.desk.orders.get(name)
        if event == "filled":
            side, lots, price = value
            self.told += int(side) * lots
            if order is None:
                self.seen["fill of an order we gave up"] += 1
            if self.funds is not None:
                self.funds.filled(side, lots * LOT, price * TICK, Decimal(0))
            self.desk.filled(side, lots, order)
            self.think("fill")
        elif order is None:
            self.seen[f"late {event}"] += 1
        elif event == "accepted":
            self.desk.accepted(order)
            self.think_if_dirty()
        elif event == "amended":
            self.desk.amended(order, *value)
            self.think_if_dirty()
        elif event == "amend_rejected":
            self.desk.amend_rejected(order)
        elif event == "cancel_rejected":
            self.desk.cancel_rejected(order)
        else:
            waited_for = order.status is OrderStatus.PENDING_CANCEL
            self.desk.closed(order)
            if waited_for:
                self.think_if_dirty()

    def think_if_dirty(self) -> None:
        if self.desk.dirty:
            self.think("order")

    def settle(self) -> None:
        """Deliver everything that is on its way, both ways, until nothing is."""
        for _ in range(1000):
            if self.quiet:
                return
            for kind in reversed(COMMANDS):  # the worst order: cancels overtake everything
                self.arrive(kind)
            self.hear()
            self.check()
        raise AssertionError("the wires never fall silent")

    # ---------------------------------------------------------------- the truth

    @property
    def quiet(self) -> bool:
        """Nothing is in flight."""
        return not self.answers and not any(self.wires.values())

    def may_fill(self, side: Side) -> int:
        """Lots that may still fill at the venue, or once a submit in flight arrives."""
        resting = sum(order.leaves for order in self.orders.values() if order.side is side)
        return resting + sum(command.total for command in self.wires["submit"] if command.side is side)

    def worst(self, side: Side) -> int:
        """Position if everything on `side` filled."""
        return self.position + int(side) * self.may_fill(side)

    def most(self, fair_value: float | None) -> int:
        """Lots the notional limit allows at this fair value."""
        limit = self.settings.limits.max_notional
        if limit is None or fair_value is None:
            return self.limit
        return min(self.limit, int(float(limit) / (fair_value * float(LOT)) + 1e-9))

    def check(self) -> None:
        """Assert what must hold after every step."""
        orders = self.desk.orders
        for side in Side:
            known = sum(order.leaves_lots for order in orders if order.side is side)
            counted = orders.open_buy_lots if side is Side.BUY else orders.open_sell_lots
            assert counted == known, f"the exposure counter of {side.name} says {counted}, the orders say {known}"
            if self.may_fill(side):
                assert int(side) * self.worst(side) <= self.limit, f"worst case {self.worst(side)} beyond {self.limit}"
            believed = int(side) * (self.desk.position_lots + int(side) * known)
            assert int(side) * self.worst(side) <= believed, f"the desk believes in less {side.name} than may happen"
        if self.cash is not None:
            assert self.may_fill(Side.SELL) * LOT <= self.base, "selling more than the account holds"
            locked = sum(order.leaves * order.price for order in self.orders.values() if order.side is Side.BUY)
            sent = sum(command.total * command.price for command in self.wires["submit"] if command.side is Side.BUY)
            assert (locked + sent) * LOT * TICK <= self.quote, "buying more than the account can pay"
        bids = [order.price for order in self.orders.values() if order.open and order.side is Side.BUY]
        asks = [order.price for order in self.orders.values() if order.open and order.side is Side.SELL]
        assert not bids or not asks or max(bids) < min(asks), f"own bid {max(bids)} meets own ask {min(asks)}"
        assert self.desk.position_lots == self.told, "position differs from the sum of fills"
        if self.quiet:
            self.check_quiet()

    def check_quiet(self) -> None:
        """Assert that, with nothing in flight, the desk's orders are the venue's orders."""
        ours = {order.client_order_id: (order.side, order.price_ticks, order.leaves_lots) for order in self.desk.orders}
        theirs = {name: (order.side, order.price, order.leaves) for name, order in self.orders.items() if order.open}
        assert ours == theirs, f"we believe in {ours}, the venue has {theirs}"
        assert self.desk.position_lots == self.position, "position differs from the venue's"

    def converge(self) -> None:
        """Give the desk a quiet market and time, and assert that it gets the ladder it wants."""
        self.market(self.mid - 1, self.mid + 1)
        for _ in range(20):
            self.settle()
            self.now_ns += int(60e9)  # the budget refills
            self.market(self.mid - 1, self.mid + 1)
        self.settle()
        assert not self.desk.dirty, "the desk never comes to rest"

    def finish(self, at_once: bool = True) -> None:
        """Withdraw, deliver everything, and assert that nothing rests."""
        lost = self.seen["cancel lost"]
        self.halt(at_once)
        self.settle()
        assert at_once or self.seen["cancel lost"] == lost, "a cancel was sent before its order was accepted"
        self.wait(1.0)  # a cancel that the venue refused is repeated at the next event
        self.settle()
        assert not any(order.open for order in self.orders.values()), "an order rests after the end"
        assert not list(self.desk.orders), "the desk believes in an order after the end"
