r"""Cross-exchange market making: how far a maker quote may go when its fill is hedged elsewhere.

With :math:`V_b, V_a` the volume-weighted prices at which the hedge venue would take the order's size, fees
:math:`\varphi_m, \varphi_t` as fractions, :math:`s` an allowance for slippage and latency, :math:`m` the least edge
and :math:`x` the maker currency per hedge currency,

.. math::
    \text{bid} \le \frac{V_b\, x\, (1 - \varphi_t)(1 - s)}{(1 + \varphi_m)(1 + m)} - \text{skew}, \qquad
    \text{ask} \ge \frac{V_a\, x\, (1 + \varphi_t)(1 + s)(1 + m)}{1 - \varphi_m} - \text{skew} .

A fill at a bound without skew that is hedged at the volume-weighted price less the allowance earns exactly :math:`m` of
what it costs (`hedged_edge`). The allowance should be at least :math:`z\,\sigma\sqrt{\text{latency}}/M`.

Fails where the hedge venue's depth is gone by the time the hedge arrives: the edge is locked by no one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.quoting.guards import Trace, post_only
from mm_nautilus.quoting.lattice import ticks_away
from mm_nautilus.venues.depth import Depth, sweep_vwap


@dataclass(frozen=True, slots=True)
class HedgeTerms:
    """What a maker fill and its hedge cost, as plain fractions.

    Parameters
    ----------
    maker_fee : float
        On the venue that is quoted; negative is a rebate. In (-1, 1).
    taker_fee : float
        On the venue that is hedged on; in (-1, 1).
    slippage : float
        Allowance for slippage and latency, in [0, 1).
    min_edge : float
        Least gain relative to what is paid; above -1.
    fx : float
        Maker currency per hedge currency; above 0.

    Raises
    ------
    ParameterError
        When one is outside its range or not a number.

    """

    maker_fee: float
    taker_fee: float
    slippage: float = 0.0
    min_edge: float = 0.0
    fx: float = 1.0

    def __post_init__(self) -> None:
        # Made on every requote, so looked at once; the mistake is named below.
        if (
            -1.0 < self.maker_fee < 1.0
            and -1.0 < self.taker_fee < 1.0
            and 0.0 <= self.slippage < 1.0
            and -1.0 < self.min_edge < math.inf
            and 0.0 < self.fx < math.inf
        ):
            return
        for name in ("maker_fee", "taker_fee"):
            if not -1.0 < getattr(self, name) < 1.0:
                raise ParameterError(name, getattr(self, name), "a fraction in (-1, 1)")
        if not 0.0 <= self.slippage < 1.0:
            raise ParameterError("slippage", self.slippage, "a fraction in [0, 1)")
        if not -1.0 < self.min_edge < math.inf:
            raise ParameterError("min_edge", self.min_edge, "a fraction above -1")
        if not 0.0 < self.fx < math.inf:
            raise ParameterError("fx", self.fx, "> 0 and finite")


class Charges(Protocol):
    """What a hedge itself costs; `HedgeTerms` are, with the terms of the fill, and so is a `Charged`."""

    @property
    def taker_fee(self) -> float:
        """On the venue that is hedged on, as a fraction in (-1, 1)."""

    @property
    def slippage(self) -> float:
        """Allowance for slippage and latency, in [0, 1)."""

    @property
    def fx(self) -> float:
        """Maker currency per hedge currency; above 0."""


class Charged(Struct, frozen=True, gc=False):
    """`Charges` that whoever makes them on every requote has looked at already."""

    taker_fee: float
    slippage: float
    fx: float


@dataclass(frozen=True, slots=True)
class HedgeBounds:
    """How far the two maker quotes may go, in maker currency; ``None`` where the hedge lacks depth.

    Parameters
    ----------
    bid_vwap, ask_vwap : float or None
        Mean price at which the hedge venue's bids, or its asks, take the size; in hedge currency.
    bid, ask : float or None
        Highest bid and lowest ask, unrounded.

    """

    bid_vwap: float | None
    ask_vwap: float | None
    bid: float | None
    ask: float | None


def hedge_bounds(
    hedge_bids: Depth, hedge_asks: Depth, size: float, terms: HedgeTerms, skew: float = 0.0
) -> HedgeBounds:
    """Return how far the maker quotes of one size may go; see the module for the formula.

    Parameters
    ----------
    hedge_bids, hedge_asks : iterable of (price, size)
        Book of the hedge venue, best first; hedge currency and base units.
    size : float
        Size of the maker order, in base units.
    terms : HedgeTerms
        Fees, allowance, least edge and exchange rate.
    skew : float
        Lowers both bounds, in maker currency per unit; above 0 when net long across the venues.

    Raises
    ------
    ParameterError
        For a size that is not above 0, a bad level, or a skew that is not finite.

    """
    if not math.isfinite(skew):
        raise ParameterError("skew", skew, "finite")
    bid_vwap, ask_vwap = sweep_vwap(hedge_bids, size), sweep_vwap(hedge_asks, size)
    bid = None if bid_vwap is None else bid_bound(bid_vwap, terms) - skew
    ask = None if ask_vwap is None else ask_bound(ask_vwap, terms) - skew
    return HedgeBounds(bid_vwap, ask_vwap, bid, ask)


def bid_bound(hedge_vwap: float, terms: HedgeTerms) -> float:
    """Return the highest bid whose fill, sold at `hedge_vwap`, still earns the least edge; in maker currency.

    Parameters
    ----------
    hedge_vwap : float
        Mean price of selling the size on the hedge venue, in hedge currency.
    terms : HedgeTerms
        Fees, allowance, least edge and exchange rate.

    """
    return bid_from(hedge_proceeds(hedge_vwap, terms), terms.maker_fee, terms.min_edge)


def ask_bound(hedge_vwap: float, terms: HedgeTerms) -> float:
    """Return the lowest ask whose fill, bought back at `hedge_vwap`, still earns the least edge; in maker currency.

    Parameters
    ----------
    hedge_vwap : float
        Mean price of buying the size on the hedge venue, in hedge currency.
    terms : HedgeTerms
        Fees, allowance, least edge and exchange rate.

    """
    return ask_from(hedge_cost(hedge_vwap, terms), terms.maker_fee, terms.min_edge)


def bid_from(proceeds: float, maker_fee: float, min_edge: float) -> float:
    """Return the highest bid for a unit whose hedge brings `proceeds`; fractions as in `HedgeTerms`."""
    return proceeds / ((1.0 + maker_fee) * (1.0 + min_edge))


def ask_from(cost: float, maker_fee: float, min_edge: float) -> float:
    """Return the lowest ask for a unit whose hedge costs `cost`; fractions as in `HedgeTerms`."""
    return cost * (1.0 + min_edge) / (1.0 - maker_fee)


def hedge_proceeds(hedge_vwap: float, terms: Charges) -> float:
    """Return what selling one unit on the hedge venue brings after fee and allowance, in maker currency."""
    return hedge_vwap * terms.fx * (1.0 - terms.taker_fee) * (1.0 - terms.slippage)


def hedge_cost(hedge_vwap: float, terms: Charges) -> float:
    """Return what buying one unit on the hedge venue costs with fee and allowance, in maker currency."""
    return hedge_vwap * terms.fx * (1.0 + terms.taker_fee) * (1.0 + terms.slippage)


def hedged_edge(side: Side, price: float, hedge_vwap: float, terms: HedgeTerms) -> float:
    """Return what a maker fill and its hedge earn together, as a fraction of what they cost.

    Parameters
    ----------
    side : Side
        Our side of the maker fill.
    price : float
        Price of the maker fill, in maker currency.
    hedge_vwap : float
        Mean price of the hedge before the allowance, in hedge currency.
    terms : HedgeTerms
        `min_edge` is not used.

    """
    if side is Side.BUY:
        return hedge_proceeds(hedge_vwap, terms) / (price * (1.0 + terms.maker_fee)) - 1.0
    return price * (1.0 - terms.maker_fee) / hedge_cost(hedge_vwap, terms) - 1.0


def maker_ticks(side: Side, bound: float, opposite_best: float | None, tick: float) -> int:
    """Return the price of a maker quote at its bound in ticks: rounded away from the market and post-only.

    Parameters
    ----------
    side : Side
        Which quote.
    bound : float
        From `hedge_bounds`, in price units.
    opposite_best : float or None
        Best price of the other side on the maker venue; ``None`` where there is none.
    tick : float
        Of the maker venue, in price units; above 0.

    Raises
    ------
    ParameterError
        For a tick that is not above 0.

    """
    if not 0.0 < tick < math.inf:
        raise ParameterError("tick", tick, "> 0 and finite")
    ticks = [ticks_away(side, bound, tick)]
    if opposite_best is not None:
        post_only(side, ticks, ticks_away(side, opposite_best, tick), Trace())
    return ticks[0]
