"""In which order the markets that can be traded now are preferred for a hedge."""

from __future__ import annotations

from collections.abc import Sequence

from mm_nautilus.inventory.hedge_market import HedgeMarket
from mm_nautilus.inventory.hedge_route import Choice, HedgeRouter, Offer
from mm_nautilus.market import Side


def side_of(market: HedgeMarket, remaining: float) -> Side:
    """Return the side that trades `remaining` units of the asset: an instrument that moves against it turns it."""
    unit = market.asset_per_lot() or 1.0
    return Side.BUY if remaining * unit > 0.0 else Side.SELL


def closes(market: HedgeMarket, remaining: float) -> bool:
    """Whether a hedge there would first of all close a position that hedged the other way."""
    return market.closes_first and market.quotes is None and side_of(market, remaining) * market.position_lots < 0


def preferred(
    markets: Sequence[HedgeMarket], remaining: float, slippage_bps: float, router: HedgeRouter | None, sigma: float
) -> list[Choice]:
    """Return markets in the order of preference: the asset itself before what is correlated with it, each best first.

    Parameters
    ----------
    markets : sequence of HedgeMarket
        With prices that are fit to be traded on.
    remaining : float
        Signed units of the asset to trade.
    slippage_bps : float
        Worst price of an order, in bps from the mid.
    router : HedgeRouter or None
        Holds markets of the asset against each other; without one, half-spread and fee do. Prices of different assets
        cannot be held against each other, their costs can.
    sigma : float
        Volatility, in price units per square-root second.

    """
    same = [market for market in markets if market.ratio is None]
    correlated = [market for market in markets if market.ratio is not None]
    choices = []
    if router is not None and same:
        choices = router.rank(abs(remaining), [_offer(market, remaining, slippage_bps) for market in same], sigma)
    routed = {choice.market.name for choice in choices}
    return [
        *choices,
        *_by_cost([market for market in same if market.name not in routed], remaining),
        *_by_cost(correlated, remaining),
    ]


def _offer(market: HedgeMarket, remaining: float, slippage_bps: float) -> Offer:
    """Return what a market has within the worst price of a hedge."""
    top, unit = market.top, abs(market.asset_per_lot() or 0.0)
    assert top is not None
    side, grid = side_of(market, remaining), market.contract.grid
    limit_ticks = market.limit_ticks(side, top.mid, slippage_bps)
    per_size = unit / float(grid.lot)
    levels = [(price, size * per_size) for price, size in market.shown(side, limit_ticks)]
    capacity = market.capacity(side, limit_ticks * float(grid.tick))
    return Offer(market, side, levels, unit, market.contract.smallest_lots(top.mid) * unit, capacity)


def _by_cost(markets: Sequence[HedgeMarket], remaining: float) -> list[Choice]:
    """Return markets by half-spread and fee relative to their mid, cheapest first."""
    ranked = []
    for market in markets:
        top = market.top
        if top is None:
            continue
        cost, side = market.taking_cost(top) / top.mid, side_of(market, remaining)
        reason = f"{market.name}: {side.name.lower()} at half-spread and fee of {cost * 1e4:.4g} bps"
        ranked.append((cost, Choice(market, reason, top.ask if side is Side.BUY else top.bid)))
    ranked.sort(key=lambda one: one[0])
    return [choice for _, choice in ranked]
