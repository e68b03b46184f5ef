"""The truth: what was executed, what is held, what money there is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from bybit_exchange.contract import Contract
from bybit_exchange.matching import Execution, Order


@dataclass(frozen=True, slots=True)
class Booked:
    """An execution with its number, time and fee."""

    number: int
    time_ms: int
    order: Order
    price: int
    lots: int
    maker: bool
    fee: Decimal
    leaves: int

    @property
    def execution_id(self) -> str:
        """Return what the exchange calls it."""
        return f"exec-{self.number}"


@dataclass(slots=True)
class Purse:
    """The money of the account, which all contracts share."""

    money: Decimal = Decimal(100_000)
    """Quote currency, fees and realised profit included."""


@dataclass(slots=True)
class Ledger:
    """Executions and position on one contract, and the wallet of the account."""

    contract: Contract
    purse: Purse = field(default_factory=Purse)
    position: int = 0
    """Signed lots."""
    average: Decimal = Decimal(0)
    """Average price of the position."""
    fees: Decimal = Decimal(0)
    executions: list[Booked] = field(default_factory=list)

    @property
    def wallet(self) -> Decimal:
        """Return the money of the account."""
        return self.purse.money

    def book(self, execution: Execution, time_ms: int) -> Booked:
        """Book one execution: position, average price, realised profit, fee."""
        contract, order = self.contract, execution.order
        price, lots = contract.price(execution.price), execution.lots * order.side
        rate = contract.maker_rate if execution.maker else contract.taker_rate
        fee = price * contract.size(execution.lots) * rate
        before, after = self.position, self.position + lots
        if before * lots >= 0:
            self.average = (self.average * abs(before) + price * abs(lots)) / abs(after)
        else:
            closed = min(abs(before), abs(lots)) * (1 if before > 0 else -1)
            self.purse.money += (price - self.average) * contract.size(closed)
            if before * after < 0:
                self.average = price
            elif after == 0:
                self.average = Decimal(0)
        self.position = after
        self.purse.money -= fee
        self.fees += fee
        number = contract.numbers_from + len(self.executions) + 1
        booked = Booked(
            number, time_ms, order, execution.price, execution.lots, execution.maker, fee, order.lots - order.filled
        )
        self.executions.append(booked)
        return booked
