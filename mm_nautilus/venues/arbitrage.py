r"""Buying on one venue and selling on another at once: what the two books leave after fees, in exact money.

Levels are walked from the best on while :math:`b(1 - f_s) > a(1 + f_b)(1 + e)`, as far as the level sizes, the base
held at the seller and the quote currency held at the buyer (fee included) reach:

.. math:: \text{net} = \sum b\,x\,(1 - f_s) - \sum a\,x\,(1 + f_b) .

Fails where one leg is filled and the other is not: between the two messages the price moves by
:math:`\sigma\sqrt{\text{latency}}`. Mids, one direction, or the top of the book alone say nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import COST, EXACT, PLACES

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)

type ExactDepth = Iterable[tuple[Decimal, Decimal]]
"""Levels of one side of a book as ``(price, size)``, best first."""


@dataclass(frozen=True, slots=True)
class Arbitrage:
    """What can be bought on one venue and sold on the other; ``net_profit`` is the change in cash, exactly.

    Parameters
    ----------
    size : Decimal
        Size of both legs, in base units; 0 where there is nothing to gain.
    buy_notional, sell_notional : Decimal
        Money exchanged on either leg before fees, in quote currency.
    fees : Decimal
        Of both legs, in quote currency; negative where rebates prevail.
    min_profit : Decimal
        What the profit is held against.

    """

    size: Decimal
    buy_notional: Decimal
    sell_notional: Decimal
    fees: Decimal
    min_profit: Decimal

    @property
    def net_profit(self) -> Decimal:
        """Profit after fees, in quote currency."""
        return EXACT.subtract(EXACT.subtract(self.sell_notional, self.buy_notional), self.fees)

    @property
    def executable(self) -> bool:
        """Whether there is something to trade and the profit reaches the least one."""
        return self.size > 0 and self.net_profit >= self.min_profit

    @property
    def buy_vwap(self) -> Decimal | None:
        """Mean price of the buys, to 60 digits; ``None`` without size."""
        return COST.divide(self.buy_notional, self.size) if self.size else None

    @property
    def sell_vwap(self) -> Decimal | None:
        """Mean price of the sells, to 60 digits; ``None`` without size."""
        return COST.divide(self.sell_notional, self.size) if self.size else None


def arbitrage(
    asks: ExactDepth,
    bids: ExactDepth,
    *,
    buy_fee: Decimal,
    sell_fee: Decimal,
    min_edge: Decimal = _ZERO,
    min_profit: Decimal = _ZERO,
    base_available: Decimal | None = None,
    quote_available: Decimal | None = None,
    lot: Decimal | None = None,
) -> Arbitrage:
    """Walk the asks of one venue against the bids of another; see the module for the rule.

    Parameters
    ----------
    asks : iterable of (price, size)
        Of the venue to buy on, best first, in quote currency and base units.
    bids : iterable of (price, size)
        Of the venue to sell on, best first.
    buy_fee, sell_fee : Decimal
        Taker fees as fractions in (-1, 1); negative is a rebate.
    min_edge : Decimal
        Least gain of the last unit as a fraction of its cost; above -1.
    min_profit : Decimal
        Least profit of the whole, in quote currency.
    base_available : Decimal or None
        Base units at the seller, at least 0; ``None`` where they do not bind.
    quote_available : Decimal or None
        Quote currency at the buyer, at least 0; ``None`` where it does not bind.
    lot : Decimal or None
        Size step of the two legs; without one, a size bound by the quote currency is cut at 16 places.

    Raises
    ------
    ParameterError
        For a fraction or amount outside its range, or a level without a price above 0 and a size of at least 0.

    """
    _check(buy_fee, sell_fee, min_edge, base_available, quote_available, lot)
    step = PLACES if lot is None else lot
    with localcontext(EXACT):
        paid_per_price, got_per_price = _ONE + buy_fee, _ONE - sell_fee
        wanted = paid_per_price * (_ONE + min_edge)
        matched = list(_matched(_levels(asks, "asks"), _levels(bids, "bids"), wanted, got_per_price))
        left = _within_balances(matched, paid_per_price, base_available, quote_available)
        if left is not None:
            left = _whole_steps(left, step)
        elif lot is not None:
            left = _whole_steps(sum((size for _, _, size in matched), _ZERO), lot)
        total = bought = sold = _ZERO
        for ask, bid, size in matched:
            taken = size if left is None else min(size, left - total)
            total += taken
            bought += ask * taken
            sold += bid * taken
        return Arbitrage(total, bought, sold, bought * buy_fee + sold * sell_fee, min_profit)


def _matched(
    asks: Iterator[tuple[Decimal, Decimal]],
    bids: Iterator[tuple[Decimal, Decimal]],
    wanted: Decimal,
    got_per_price: Decimal,
) -> Iterator[tuple[Decimal, Decimal, Decimal]]:
    """Yield ``(ask, bid, size)`` of the pieces worth trading, best first."""
    ask, bid = next(asks, None), next(bids, None)
    while ask is not None and bid is not None and bid[0] * got_per_price > ask[0] * wanted:
        size = min(ask[1], bid[1])
        if size:
            yield ask[0], bid[0], size
        ask = (ask[0], ask[1] - size) if ask[1] > size else next(asks, None)
        bid = (bid[0], bid[1] - size) if bid[1] > size else next(bids, None)


def _within_balances(
    matched: list[tuple[Decimal, Decimal, Decimal]],
    paid_per_price: Decimal,
    base_available: Decimal | None,
    quote_available: Decimal | None,
) -> Decimal | None:
    """Return the size that the balances allow, or ``None`` where they do not bind."""
    total, cash = _ZERO, quote_available
    for ask, _, size in matched:
        allowed = size
        if base_available is not None:
            allowed = min(allowed, base_available - total)
        if cash is not None:
            price = ask * paid_per_price
            if allowed * price > cash:
                allowed = COST.divide(cash, price).quantize(PLACES, ROUND_DOWN, COST)
            cash -= allowed * price
        total += allowed
        if allowed < size:
            return total
    return None


def _whole_steps(size: Decimal, step: Decimal) -> Decimal:
    return EXACT.multiply(EXACT.divide_int(size, step), step)


def _levels(levels: ExactDepth, name: str) -> Iterator[tuple[Decimal, Decimal]]:
    for price, size in levels:
        if not (price.is_finite() and size.is_finite() and price > 0 and size >= 0):
            raise ParameterError(name, (str(price), str(size)), "finite prices > 0 with sizes >= 0")
        yield price, size


def _check(
    buy_fee: Decimal,
    sell_fee: Decimal,
    min_edge: Decimal,
    base_available: Decimal | None,
    quote_available: Decimal | None,
    lot: Decimal | None,
) -> None:
    for name, fee in (("buy_fee", buy_fee), ("sell_fee", sell_fee)):
        if not (fee.is_finite() and -1 < fee < 1):
            raise ParameterError(name, str(fee), "a fraction in (-1, 1)")
    if not (min_edge.is_finite() and min_edge > -1):
        raise ParameterError("min_edge", str(min_edge), "a fraction above -1")
    for name, amount in (("base_available", base_available), ("quote_available", quote_available)):
        if amount is not None and not (amount.is_finite() and amount >= 0):
            raise ParameterError(name, str(amount), ">= 0 and finite")
    if lot is not None and not (lot.is_finite() and lot > 0):
        raise ParameterError("lot", str(lot), "> 0 and finite")
