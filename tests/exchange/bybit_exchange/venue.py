"""The exchange without its sockets: commands in, answers and private messages out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bybit_exchange import rows
from bybit_exchange.contract import Contract
from bybit_exchange.diary import Diary
from bybit_exchange.faults import Faults, RateLimit
from bybit_exchange.ledger import Ledger
from bybit_exchange.matching import Execution, Matcher, Order

from mm_nautilus.market import Side

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_FORCES = {"GTC", "PostOnly", "IOC", "FOK"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered: the exchange's code, its words, and the order it was about."""

    code: int
    text: str
    order: Order | None = None


def now_ms() -> int:
    """Return the exchange's time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Venue:
    """One account on one contract.

    Parameters
    ----------
    contract : Contract
        What is traded.
    publish : callable
        Takes ``(topic, rows)`` of every private message, in the order they happened.
    seed : int
        Seed of what the faults draw.
    beside : Venue or None
        Another contract of the same account: money, faults, chance, rate limit and diary are shared with it.
    diary : Diary or None
        Where it is written down what happens; one of its own by default.

    """

    def __init__(
        self,
        contract: Contract,
        publish: Callable[[str, list[dict[str, Any]]], None],
        seed: int = 0,
        beside: Venue | None = None,
        diary: Diary | None = None,
    ) -> None:
        self.contract = contract
        self.matcher = Matcher()
        self.ledger = Ledger(contract) if beside is None else Ledger(contract, beside.ledger.purse)
        self.faults = Faults() if beside is None else beside.faults
        self.diary = beside.diary if beside is not None else diary or Diary()
        self.orders: dict[str, Order] = {}
        self.draw = random.Random(seed) if beside is None else beside.draw
        self._links: dict[str, Order] = {}
        self._limit: RateLimit = RateLimit() if beside is None else beside._limit
        self._sequence = 0
        self.amended_ms: dict[str, int] = {}
        """When an order was last amended, by its id."""
        self.refused_s: dict[str, dict[str, float]] = {"cancel": {}, "amend": {}}
        """When a command was last refused without a look at its order, by command and the order's id."""
        self._publish = publish

    @property
    def open_orders(self) -> list[Order]:
        """Return the orders that may still fill."""
        return [order for order in self.orders.values() if order.is_open]

    def next_sequence(self) -> int:
        """Return the next number of the venue's own count of changes, which no new connection sets back."""
        self._sequence += 1
        return self._sequence

    # -------------------------------------------------------------- commands

    def command(self, name: str, fields: Mapping[str, Any]) -> Answer:
        """Carry out ``create``, ``cancel`` or ``amend``, as a user's command with all that can befall one."""
        answer = self._command(name, fields)
        to = f" to {fields['price']}" if name == "amend" and fields.get("price") else ""
        self.diary.note(f"{name}{to}: {answer.text}", self.link(fields))
        return answer

    def _command(self, name: str, fields: Mapping[str, Any]) -> Answer:
        if not self._limit.passes(time.monotonic(), self.faults.commands_per_s):
            order = self.find(fields) if name in self.refused_s else None
            if order is not None:
                self.refused_s[name][order.order_id] = time.monotonic()
            return Answer(10006, "Too many visits. Exceeded the API Rate Limit.")
        if name == "create" and self.draw.random() < self.faults.reject:
            return Answer(110007, "ab not enough for new order")
        actions = {"create": self.place, "cancel": self.cancel, "amend": self.amend}
        return actions[name](fields)

    def place(self, fields: Mapping[str, Any]) -> Answer:
        """Take a new order."""
        contract, side = self.contract, _SIDES.get(str(fields.get("side")))
        market = fields.get("orderType") == "Market"
        force = "IOC" if market else str(fields.get("timeInForce") or "GTC")
        if fields.get("symbol") != contract.symbol or side is None or force not in _FORCES:
            return Answer(10001, "params error")
        link = str(fields.get("orderLinkId") or "")
        if link and link in self._links:
            return Answer(110072, "OrderLinkedID is duplicate")
        lots, price = _number(contract.lots, fields.get("qty")), _number(contract.ticks, fields.get("price"))
        if lots is None or lots < contract.min_lots or (not market and (price is None or price <= 0)):
            return Answer(10001, "The number of contracts or the price is not on the contract's grid")
        reduce_only = bool(fields.get("reduceOnly"))
        if reduce_only:
            lots = min(lots, max(-self.ledger.position * side, 0))
            if lots == 0:
                return Answer(110017, "current position is zero, cannot fix reduce-only order qty")
        mark = price or self.matcher.best(side.opposite)
        if mark is None:
            return Answer(110007, "no price to judge the order by")
        worth = contract.price(mark) * contract.size(lots)
        if not reduce_only and worth < contract.min_notional:
            return Answer(110094, "Order does not meet minimum order value 5USDT")
        if not reduce_only and worth + self._reserved(side) > self.ledger.wallet * contract.leverage:
            return Answer(110007, "ab not enough for new order")
        order = Order(
            f"ex-{contract.numbers_from + len(self.orders) + 1}",
            link,
            side,
            None if market else price,
            lots,
            force,
            reduce_only,
            now_ms(),
        )
        self.orders[order.order_id] = order
        if link:
            self._links[link] = order
        resting = Order(order.order_id, link, side, order.price, lots, force, reduce_only, order.created_ms)
        executions = self.matcher.place(order)
        if executions or order.is_open:
            self._tell_order(resting)
        self._booked(executions)
        if (not order.is_open and not executions) or (executions and not order.is_open and order.filled < order.lots):
            self._tell_order(order)
        return Answer(0, "OK", order)

    def cancel(self, fields: Mapping[str, Any]) -> Answer:
        """Take an order out of the market, unless a fill was there first."""
        order = self.find(fields)
        if order is not None and order.is_open and self.draw.random() < self.faults.fill_before_cancel:
            lots = order.leaves if self.draw.random() < 0.5 else max(order.leaves // 2, 1)
            self._booked(self.matcher.fill_now(order, lots))
        if order is None or not order.is_open:
            return Answer(110001, "order not exists or too late to cancel")
        self.matcher.cancel(order)
        self._tell_order(order)
        return Answer(0, "OK", order)

    def amend(self, fields: Mapping[str, Any]) -> Answer:
        """Change price or size of an order."""
        order = self.find(fields)
        if order is None or not order.is_open or order.price is None:
            return Answer(110001, "order not exists or too late to replace")
        price = _number(self.contract.ticks, fields["price"]) if fields.get("price") else order.price
        lots = _number(self.contract.lots, fields["qty"]) if fields.get("qty") else order.lots
        if price is None or price <= 0 or lots is None:
            return Answer(10001, "params error")
        self.amended_ms[order.order_id] = now_ms()
        executions = self.matcher.amend(order, price, lots)
        if not executions:
            self._tell_order(order)
        self._booked(executions)
        return Answer(0, "OK", order)

    def find(self, fields: Mapping[str, Any]) -> Order | None:
        """Return the order that a command names by either id."""
        if fields.get("orderId"):
            return self.orders.get(str(fields["orderId"]))
        return self._links.get(str(fields.get("orderLinkId") or ""))

    def link(self, fields: Mapping[str, Any]) -> str:
        """Return the name that its sender gave the order that a command is about."""
        order = self.find(fields)
        return str(fields.get("orderLinkId") or "?") if order is None else order.link

    def cancelled_by_exchange(self) -> None:
        """Take out one open order without being asked."""
        if self.open_orders:
            order = self.draw.choice(self.open_orders)
            self.matcher.cancel(order)
            order.cancel_type = "CancelByAdmin"
            self.diary.note("cancelled by the exchange", order.link)
            self._tell_order(order)

    def nobody_is_there(self) -> None:
        """Cancel every order, as disconnection protection does."""
        for order in self.open_orders:
            self.matcher.cancel(order)
            order.cancel_type = "CancelByDcp"
            self.diary.note("cancelled, as nobody is there", order.link)
            self._tell_order(order)

    # ---------------------------------------------------------------- market

    def change_level(self, side: Side, price: int, lots: int) -> None:
        """Change a level of the market's book; `settle` once the whole change is in."""
        self.matcher.set_level(side, price, lots)

    def settle(self) -> None:
        """Fill what the book has moved through."""
        self._booked(self.matcher.uncross())

    def trade(self, price: int, lots: int, aggressor: Side) -> None:
        """Let a trade of the market fill us."""
        self._booked(self.matcher.trade(price, lots, aggressor))

    @property
    def mark(self) -> Decimal:
        """Return the middle of the book."""
        bid, ask = self.matcher.best(Side.BUY), self.matcher.best(Side.SELL)
        known = [price for price in (bid, ask) if price is not None]
        return self.contract.price(sum(known)) / len(known) if known else Decimal(0)

    # ---------------------------------------------------------------- within

    def _reserved(self, side: Side) -> Decimal:
        """Return what position and open orders of a side are worth."""
        lots = max(self.ledger.position * side, 0) + sum(o.leaves for o in self.open_orders if o.side is side)
        return self.contract.size(lots) * self.mark

    def _booked(self, executions: list[Execution]) -> None:
        for execution in executions:
            booked = self.ledger.book(execution, now_ms())
            self.diary.note(f"filled {execution.lots}, {booked.leaves} left", execution.order.link)
            self._publish("execution", [rows.execution(self, booked)])
            self._tell_order(execution.order)
        if executions:
            self._publish("position", [rows.position(self) | {"category": "linear"}])
            self._publish("wallet", [rows.wallet(self)])

    def _tell_order(self, order: Order) -> None:
        order.updated_ms = now_ms()
        self._publish("order", [rows.order(self, order) | {"category": "linear", "feeCurrency": ""}])


def _number(convert: Callable[[str], int | None], text: Any) -> int | None:
    try:
        return None if text in {None, ""} else convert(str(text))
    except InvalidOperation:
        return None
