"""What holds quotes back beside the market and the limits: a risk stage, and a hedge at work on the same instrument.

A risk stage asks for more the graver it is: wider quotes, only the side that reduces, none at all. A hedge about to be
sent, or out, withdraws the side that it would trade against, so that we never trade with ourselves, and its lots count
among those working on its own side.
"""

from __future__ import annotations

import math
from copy import replace
from dataclasses import dataclass

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import RiskStage, Side
from mm_nautilus.quoting.adjust import Adjustment
from mm_nautilus.quoting.guards import UNBOUNDED, Bounds, Reason, reduce_only


@dataclass(frozen=True, slots=True)
class Reserved:
    """A hedge on the instrument we quote."""

    side: Side
    lots: int
    """What it may still trade."""
    alone: bool
    """Its own side is withdrawn, too: the account cannot pay for both."""


@dataclass(frozen=True, slots=True)
class Restraint:
    """What holds now; a new one replaces it whenever something changes."""

    stage: RiskStage = RiskStage.NORMAL
    spread_multiplier: float = 1.0
    """On both half-spreads; at least 1."""
    hedge: Reserved | None = None
    paused: bool = False
    """The operator wants no quotes for a while; what is hedged is not touched."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.spread_multiplier < math.inf:
            raise ParameterError("spread_multiplier", self.spread_multiplier, ">= 1 and finite")

    @property
    def withdraws(self) -> Reason | None:
        """Why nothing is quoted at all, or ``None``."""
        if self.stage is RiskStage.HALT:
            return Reason.HALTED
        if self.stage is RiskStage.FLATTEN:
            return Reason.RISK_FLATTEN
        return Reason.PAUSED if self.paused else None

    def adjusted(self, adjustment: Adjustment) -> Adjustment:
        """Return the adjustment with both half-spreads wider."""
        factor = self.spread_multiplier
        if factor == 1.0:
            return adjustment
        return replace(adjustment, bid_spread=adjustment.bid_spread * factor, ask_spread=adjustment.ask_spread * factor)

    @property
    def hedge_lots(self) -> tuple[int, int]:
        """Lots a hedge may still buy and sell."""
        hedge = self.hedge
        if hedge is None:
            return 0, 0
        return (hedge.lots, 0) if hedge.side is Side.BUY else (0, hedge.lots)

    def bounds(self, outer: Bounds | None, position_lots: int) -> Bounds | None:
        """Return what may work on each side, the hedge's own lots included.

        Parameters
        ----------
        outer : Bounds or None
            Of the asset, the venue, the day and the portfolio.
        position_lots : int
            Signed position.

        """
        bounds = outer
        if self.stage is RiskStage.REDUCE_ONLY:
            reducing = reduce_only(position_lots)
            bounds = reducing if bounds is None else reducing.within(bounds)
        hedge = self.hedge
        if hedge is not None:
            buying = hedge.side is Side.BUY
            mine = hedge.lots if hedge.alone else None
            clear = Bounds(mine if buying else 0, 0 if buying else mine, Reason.HEDGING, Reason.HEDGING)
            bounds = clear.within(bounds or UNBOUNDED)
        return bounds

    def left_to_quotes(self, bounds: Bounds | None, position_lots: int, limit_lots: int) -> Bounds | None:
        """Return what the hedge leaves of `bounds`, or of the position limit, to the quotes beside it."""
        hedge = self.hedge
        if hedge is None or not hedge.lots or bounds is None:
            return bounds
        most = limit_lots - int(hedge.side) * position_lots
        bound = bounds.lots(hedge.side)
        most = max((most if bound is None else min(bound, most)) - hedge.lots, 0)
        if hedge.side is Side.BUY:
            return Bounds(most, bounds.sell_lots, Reason.HEDGING, bounds.sell_reason)
        return Bounds(bounds.buy_lots, most, bounds.buy_reason, Reason.HEDGING)


UNRESTRAINED = Restraint()
