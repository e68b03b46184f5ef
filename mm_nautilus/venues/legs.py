r"""Both legs of an arbitrage from their sending to their end: exact money, and how long and how far they were apart.

.. math:: \text{profit} = \sum_{\text{sold}} p\,x - \sum_{\text{bought}} p\,x - \text{fees}, \qquad
    \text{imbalance}(t) = |\text{bought}(t) - \text{sold}(t)|

All of it comes from fills. Both legs are immediate-or-cancel orders limited to the worst level that the plan counts on.
The last unit of a plan leaves the least edge, so every unit that both legs fill leaves at least that, whatever became
of the better levels; what one fills and the other does not is the residual, and a hedger's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.market import Side
from mm_nautilus.venues.crossing import Opportunity

_ZERO = Decimal(0)


class Result(StrEnum):
    """What came of the two legs."""

    FILLED = "FILLED"
    """Both in full."""
    PARTIAL = "PARTIAL"
    """The same on both, but less than was sent."""
    LEGGED = "LEGGED"
    """More on one than on the other."""
    NOTHING = "NOTHING"
    """Neither."""


@dataclass(slots=True)
class Leg:
    """One of the two orders; sizes in base units of the asset, money in quote currency."""

    client_order_id: str
    side: Side
    lots: int
    limit_ticks: int
    size: Decimal
    filled_lots: int = 0
    filled: Decimal = _ZERO
    notional: Decimal = _ZERO
    fees: Decimal = _ZERO
    last_fill_ns: int | None = None
    over: bool = False

    @property
    def leaves(self) -> Decimal:
        """Signed size that may still fill."""
        return _ZERO if self.over else int(self.side) * EXACT.subtract(self.size, self.filled)


class Legs:
    """See the module.

    Parameters
    ----------
    number : int
        Of the opportunity.
    opportunity : Opportunity
        What is taken.
    buy, sell : Leg
        The orders.
    sent_ns : int
        When they were sent.

    """

    __slots__ = ("_by_id", "buy", "imbalance", "imbalance_notional", "number", "opportunity", "sell", "sent_ns")

    def __init__(self, number: int, opportunity: Opportunity, buy: Leg, sell: Leg, sent_ns: int) -> None:
        self.number, self.opportunity, self.sent_ns = number, opportunity, sent_ns
        self.buy, self.sell = buy, sell
        self._by_id = {leg.client_order_id: leg for leg in (buy, sell)}
        self.imbalance = _ZERO
        """Largest ``|bought - sold|`` so far, in base units."""
        self.imbalance_notional = _ZERO
        """What it was worth at the mean price of the leg that was ahead, in quote currency."""

    def leg(self, client_order_id: str) -> Leg | None:
        """Return the leg of an order, or ``None`` where it is not one of these."""
        return self._by_id.get(client_order_id)

    def filled(
        self, client_order_id: str, lots: int, size: Decimal, notional: Decimal, fee: Decimal, ts_ns: int
    ) -> None:
        """Take an execution.

        Parameters
        ----------
        client_order_id : str
            Of one of the two orders.
        lots : int
            Size of the execution.
        size, notional : Decimal
            The same in base units, and what it is worth in quote currency.
        fee : Decimal
            In quote currency; negative for a rebate.
        ts_ns : int
            When it happened.

        """
        leg = self._by_id[client_order_id]
        leg.filled_lots += lots
        leg.filled, leg.notional = EXACT.add(leg.filled, size), EXACT.add(leg.notional, notional)
        leg.fees, leg.last_fill_ns = EXACT.add(leg.fees, fee), ts_ns
        if leg.filled_lots >= leg.lots:
            leg.over = True
        apart = abs(self.residual)
        if apart > self.imbalance:
            ahead = self.buy if self.residual > 0 else self.sell
            self.imbalance = apart
            # To the log's resolution: a mean price may have any number of digits.
            worth = Decimal(round(float(ahead.notional / ahead.filled * apart) * 1e8)).scaleb(-8)
            self.imbalance_notional = worth

    def closed(self, client_order_id: str) -> None:
        """Note that the venue says an order is gone."""
        self._by_id[client_order_id].over = True

    @property
    def over(self) -> bool:
        """Whether neither leg can fill any more."""
        return self.buy.over and self.sell.over

    @property
    def leaves(self) -> Decimal:
        """Signed size that may still fill, both legs together."""
        return EXACT.add(self.buy.leaves, self.sell.leaves)

    @property
    def residual(self) -> Decimal:
        """Bought less sold so far."""
        return EXACT.subtract(self.buy.filled, self.sell.filled)

    @property
    def fees(self) -> Decimal:
        """Of both legs."""
        return EXACT.add(self.buy.fees, self.sell.fees)

    @property
    def net_profit(self) -> Decimal:
        """Change in cash that the legs have made."""
        return EXACT.subtract(EXACT.subtract(self.sell.notional, self.buy.notional), self.fees)

    @property
    def gap_s(self) -> float | None:
        """Seconds between the last fills of the two legs; ``None`` where one has none."""
        if self.buy.last_fill_ns is None or self.sell.last_fill_ns is None:
            return None
        return abs(self.buy.last_fill_ns - self.sell.last_fill_ns) * 1e-9

    @property
    def result(self) -> Result:
        """What has come of them."""
        if self.residual:
            return Result.LEGGED
        if not self.buy.filled:
            return Result.NOTHING
        full = self.buy.filled_lots >= self.buy.lots and self.sell.filled_lots >= self.sell.lots
        return Result.FILLED if full else Result.PARTIAL

    @property
    def explanation(self) -> str:
        """The money of the two legs in one line, and what is left."""
        buy, sell = self.buy, self.sell
        gross = EXACT.subtract(sell.notional, buy.notional)
        done = (
            f"bought {buy.filled:f} of {buy.size:f} for {buy.notional:f}, sold {sell.filled:f} of {sell.size:f} for "
            f"{sell.notional:f}: gross {gross:f} - fees {self.fees:f} = net {self.net_profit:f}"
        )
        return f"{done}; the residual {self.residual:f} is left to the hedger" if self.residual else done


def worst_price(levels: Iterable[tuple[Decimal, Decimal]], size: Decimal) -> Decimal:
    """Return the price of the last level that an order of `size` reaches.

    Parameters
    ----------
    levels : iterable of (price, size)
        Best first.
    size : Decimal
        Above 0, in the units of the sizes.

    Raises
    ------
    ParameterError
        Where the levels show less.

    """
    left = size
    for price, shown in levels:
        left = EXACT.subtract(left, shown)
        if left <= 0:
            return price
    raise ParameterError("size", str(size), f"at most what the levels show: {EXACT.subtract(size, left)}")
