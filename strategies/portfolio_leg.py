"""A leg of a portfolio: it tells the portfolio what it holds and has working, and is told what the whole leaves it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import Traded
from mm_nautilus.inventory.portfolio import Portfolio
from mm_nautilus.inventory.portfolio_model import MemberVolatility, PortfolioModel
from mm_nautilus.market import TopOfBook
from mm_nautilus.models.portfolio import UNCHANGED
from mm_nautilus.quoting.adjust import Adjustment, combined
from mm_nautilus.quoting.guards import Bounds, Reason
from mm_nautilus.strategies.leg import QuotingLeg
from mm_nautilus.strategies.portfolio_settings import MemberSettings

_CLOSED: Final = Bounds(0, 0, Reason.PORTFOLIO_LIMIT, Reason.PORTFOLIO_LIMIT)


class MemberLeg(QuotingLeg):
    """One member; see the module.

    Parameters
    ----------
    strategy, settings, traded, position_lots, arrival
        As of any leg.
    portfolio : Portfolio
        What it is a member of.
    index : int
        Its place there.

    """

    def __init__(
        self,
        strategy: GuardedStrategy,
        settings: MemberSettings,
        traded: Traded,
        position_lots: int,
        arrival: ArrivalSettings,
        portfolio: Portfolio,
        index: int,
    ) -> None:
        model_of = PortfolioModel.of(portfolio, index)
        super().__init__(strategy, settings, traded, position_lots, arrival, model_of=model_of)
        self.desk.volatility = MemberVolatility(portfolio, index)
        self.index = index
        self._portfolio = portfolio
        self._quoted = settings.quote
        self.bounds = self._room
        self.alone: Callable[[TopOfBook], Bounds | None] | None = None
        """What the limits of the member's own settings leave; ``None`` where they reach no further than itself."""

    def requote(self, trigger: str, now_ns: int) -> None:
        """Ask the desk and do what it says, and tell the portfolio."""
        desk = self.desk
        top = desk.top
        if top is None:
            return
        self.tell()
        if top.mid > 0.0:
            factors = self._portfolio.factors(self.index, top.mid)
            desk.adjustment = (
                self._assessed
                if factors is UNCHANGED
                else combined(
                    Adjustment(factors.bid_spread, factors.ask_spread, factors.bid_size, factors.ask_size),
                    self._assessed,
                )
            )
        super().requote(trigger, now_ns)
        self.tell()

    def tell(self) -> None:
        """Tell the portfolio what is held and what may still fill."""
        desk, portfolio = self.desk, self._portfolio
        unit = self.unit
        if unit is None:
            return
        buying, selling = desk.restraint.hedge_lots
        portfolio.hold(self.index, desk.position_lots * unit)
        orders = desk.orders
        portfolio.working(self.index, (orders.open_buy_lots + buying) * unit, (orders.open_sell_lots + selling) * unit)

    @property
    def unit(self) -> float | None:
        """Base units a lot stands for; ``None`` of an inverse contract without a price."""
        top = self.desk.top
        if not self.lattice.inverse:
            return self.lattice.base_per_lot(1.0)
        return self.lattice.base_per_lot(top.mid) if top is not None and top.mid > 0.0 else None

    def _room(self, top: TopOfBook) -> Bounds | None:
        """Return how many lots the whole leaves to work on each side."""
        alone = None if self.alone is None else self.alone(top)
        unit = self.unit
        if not self._quoted:
            return _CLOSED
        if unit is None or not top.mid > 0.0:
            return alone
        buy, sell = self._portfolio.room(self.index, top.mid)
        if buy == math.inf and sell == math.inf:
            return alone
        bounds = Bounds(_lots(buy, unit), _lots(sell, unit), Reason.PORTFOLIO_LIMIT, Reason.PORTFOLIO_LIMIT)
        return bounds if alone is None else bounds.within(alone)


def _lots(size: float, unit: float) -> int | None:
    return None if size == math.inf else math.floor(size / unit + 1e-9)
