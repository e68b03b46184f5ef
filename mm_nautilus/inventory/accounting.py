"""Exact money accounting of fills: realised and unrealised PnL, fees, and lines that add up.

Every line is a `Decimal`. *Gross* is what the fills and the final mark say, *unrealised* is what the
open position is worth above its average cost, *realised* is the rest. Only the average cost needs
division; it is carried with 60 digits and never enters gross or total. The split between realised and
unrealised is rounded once, to ten places.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final, Protocol

from mm_nautilus.inventory.average_cost import ArithmeticAverage, Holding
from mm_nautilus.inventory.contract import COST, EXACT, Contract
from mm_nautilus.market import Side

_ZERO: Final = Decimal(0)
_SPLIT: Final = Decimal("1e-10")


class Execution(Protocol):
    """What accounting needs to know of a fill; `mm_nautilus.messages.FillFact` is one."""

    @property
    def side(self) -> str:
        """BUY or SELL."""

    @property
    def price(self) -> Decimal:
        """Price, in quote currency."""

    @property
    def size(self) -> Decimal:
        """Size > 0, in base units (contracts for derivatives)."""

    @property
    def commission(self) -> Decimal:
        """Positive is a cost, negative a rebate."""

    @property
    def commission_currency(self) -> str:
        """Currency of the commission."""


@dataclass(frozen=True, slots=True)
class Accounting:
    """Where the money of one instrument came from, in settlement currency.

    ``gross == realised + unrealised`` and ``total == gross - fees + rebates``, to the last digit.

    Parameters
    ----------
    contract : Contract
        What was traded.
    fills : int
        Number of fills.
    opening_position, position : Decimal
        Signed position before the first and after the last fill, in base units (contracts).
    average_price : Decimal | None
        Average entry price of the open position.
    final_mark : Decimal | None
        Price at which the open position was valued; ``None`` only when there was nothing to value.
    volume : Decimal
        Sum of the fill sizes, in base units (contracts).
    turnover : Decimal
        Sum of the absolute values traded.
    cash_flow : Decimal
        Minus the value of all fills.
    gross, realised, unrealised : Decimal
        Trading PnL before fees.
    fees, rebates : Decimal
        Commissions paid and received, both >= 0, in settlement currency.
    other_fees : tuple of (currency, amount)
        Commissions net of rebates in any other currency; not part of `total`.
    account_realised : Decimal
        What a margin account that averages entry prices arithmetically books as realised. Equal to
        `realised` for linear contracts. For inverse ones the engine does this, and its books then
        keep a difference to the cash that the contracts really pay.

    """

    contract: Contract
    fills: int
    opening_position: Decimal
    position: Decimal
    average_price: Decimal | None
    final_mark: Decimal | None
    volume: Decimal
    turnover: Decimal
    cash_flow: Decimal
    gross: Decimal
    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    rebates: Decimal
    other_fees: tuple[tuple[str, Decimal], ...]
    account_realised: Decimal

    @property
    def total(self) -> Decimal:
        """PnL after fees and rebates, in settlement currency."""
        return EXACT.add(EXACT.subtract(self.gross, self.fees), self.rebates)


def account_for(
    fills: Iterable[Execution],
    final_mark: Decimal | None,
    contract: Contract,
    opening_position: Decimal = _ZERO,
    opening_mark: Decimal | None = None,
) -> Accounting:
    """Account for the fills of one instrument, valuing what is left at `final_mark`.

    ``total = -sum(x p m) - sum(fee) + q_T M_T m - q_0 M_0 m`` exactly, for inverse contracts with
    ``-m / p`` for ``p m`` (`Contract.value`).

    Parameters
    ----------
    fills : iterable of Execution
        In the order they happened.
    final_mark : Decimal | None
        Price of the open position, in quote currency; may be ``None`` when nothing is left open.
    contract : Contract
        How size and price turn into money.
    opening_position : Decimal
        Signed position before the first fill, entered at `opening_mark`.
    opening_mark : Decimal | None
        Price of the opening position; needed when there is one.

    Raises
    ------
    ValueError
        When a price that is needed is missing, or a fill has no size or an unknown side.

    """
    holding = _opening(opening_position, opening_mark, contract)
    by_account = ArithmeticAverage(opening_position, opening_mark or _ZERO)
    volume = turnover = cash_flow = fees = rebates = _ZERO
    other: dict[str, Decimal] = {}
    count = 0
    with localcontext(EXACT):
        for count, fill in enumerate(fills, start=1):  # noqa: B007 - the last value is the number of fills
            if fill.size <= 0:
                raise ValueError(f"fill size must be > 0, found {fill.size}")
            signed = fill.size * Side[fill.side]
            traded = contract.value(signed, fill.price)
            holding = holding.after(signed, fill.price, contract)
            if contract.inverse:
                by_account.trade(signed, fill.price, contract)
            volume += fill.size
            turnover += abs(traded)
            cash_flow -= traded
            if fill.commission_currency != contract.settlement_currency:
                other[fill.commission_currency] = other.get(fill.commission_currency, _ZERO) + fill.commission
            elif fill.commission > 0:
                fees += fill.commission
            else:
                rebates -= fill.commission
        worth = _worth(holding.position, final_mark, contract)
        gross = holding.cash + worth
        unrealised = COST.subtract(worth, holding.open_value).quantize(_SPLIT, ROUND_HALF_EVEN, COST)
        realised = gross - unrealised
    return Accounting(
        contract=contract,
        fills=count,
        opening_position=opening_position,
        position=holding.position,
        average_price=holding.average_price(contract),
        final_mark=final_mark,
        volume=volume,
        turnover=turnover,
        cash_flow=cash_flow,
        gross=gross,
        realised=realised,
        unrealised=unrealised,
        fees=fees,
        rebates=rebates,
        other_fees=tuple(sorted((currency, amount) for currency, amount in other.items() if amount)),
        account_realised=by_account.realised if contract.inverse else realised,
    )


def _worth(position: Decimal, mark: Decimal | None, contract: Contract) -> Decimal:
    if not position:
        return _ZERO
    if mark is None:
        raise ValueError(f"a position of {position} is open and there is no final mark to value it at")
    return contract.value(position, mark)


def _opening(position: Decimal, mark: Decimal | None, contract: Contract) -> Holding:
    if not position:
        return Holding()
    if mark is None:
        raise ValueError(f"an opening position of {position} needs an opening mark")
    return Holding().after(position, mark, contract)
