r"""How far the quotes on one venue may go when their fills are hedged on the best of several others.

Each hedge venue j gives a bound of `mm_nautilus.venues.xemm` for the size that is quoted, from its depth in base units,
its fee, its rate :math:`x_j` and an allowance for what the price does until the hedge arrives there,

.. math::
    s_j = s + \frac{z\,\sigma\sqrt{\text{latency}_j}}{V_j x_j}, \qquad
    \text{bid} \le \max_j \text{bid}_j, \qquad \text{ask} \ge \min_j \text{ask}_j .

A venue that is not live, that shows too little for the size or on which we could not trade it, gives no bound; a side
without any is withdrawn, and every venue says why. The model's own quote stands wherever it is further from the market.

The bound of one venue at a time is the safe one: an order split over several would earn a little more (`router`), and
needs all of them to answer. Fails where the depth is gone when the hedge arrives: no allowance covers that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Quote, Side, TopOfBook
from mm_nautilus.venues.depth import Depth, sweep_vwap
from mm_nautilus.venues.router import ENOUGH
from mm_nautilus.venues.venue import Health
from mm_nautilus.venues.xemm import Charged, Charges, HedgeTerms, ask_from, bid_from, hedge_cost, hedge_proceeds


class HedgeBook(Struct, frozen=True, gc=False):
    """One venue to hedge on, as it is now.

    Parameters
    ----------
    name : str
        Of the venue.
    bids, asks : iterable of (price, size)
        Best first, in its currency and base units (`Venue.depth`), without our own orders.
    taker_fee : float
        As a fraction; negative is a rebate.
    fx : float
        Maker currency per its currency.
    latency_s : float
        From our fill to the arrival of the hedge, in seconds.
    min_size : float
        Smallest order there, in base units.
    can_sell, can_buy : float
        Base units that balance and limits there leave to a hedge.
    health : Health
        Anything but LIVE takes it out.

    """

    name: str
    bids: Depth
    asks: Depth
    taker_fee: float
    fx: float = 1.0
    latency_s: float = 0.0
    min_size: float = 0.0
    can_sell: float = math.inf
    can_buy: float = math.inf
    health: Health = Health.LIVE


@dataclass(frozen=True, slots=True)
class BoundTerms:
    """What a hedged fill must earn and what it allows for.

    Parameters
    ----------
    maker_fee : float
        Of the venue that is quoted, as a fraction in (-1, 1).
    min_edge : float
        Least gain as a fraction of what is paid; above -1.
    slippage : float
        Allowance on every hedge as a fraction, in [0, 1).
    z : float
        Standard deviations of the price over the latency that are allowed for; at least 0.

    Raises
    ------
    ParameterError
        When one is outside its range.

    """

    maker_fee: float
    min_edge: float = 0.0
    slippage: float = 0.0
    z: float = 0.0

    def __post_init__(self) -> None:
        HedgeTerms(self.maker_fee, 0.0, self.slippage, self.min_edge)
        if not 0.0 <= self.z < math.inf:
            raise ParameterError("z", self.z, ">= 0 and finite")


class Unbound(StrEnum):
    """Why a hedge venue gives no bound to a side, beside its `Health`."""

    NO_DEPTH = "NO_DEPTH"
    """It shows less than the size."""
    BALANCE = "BALANCE"
    """Balance or limits there do not leave a hedge of the size."""
    BELOW_MIN_SIZE = "BELOW_MIN_SIZE"
    """The size is less than its smallest order."""
    LATENCY = "LATENCY"
    """The allowance for its latency is the whole price."""


class SideBound(Struct, frozen=True, gc=False):
    """How far one maker quote may go.

    Parameters
    ----------
    price : float or None
        Highest bid or lowest ask, in maker currency, unrounded; ``None`` where the side is to be withdrawn.
    venue : str or None
        Where the fill would be hedged.
    vwap : float or None
        Mean price of that hedge, in the hedge venue's currency.
    slippage : float
        The allowance made there, as a fraction.
    refused : tuple of (str, str)
        The venues that gave no bound, and why.

    """

    price: float | None
    venue: str | None
    vwap: float | None
    slippage: float
    refused: tuple[tuple[str, str], ...]

    @property
    def reason(self) -> str:
        """Why there is no bound, venue by venue; empty where there is one."""
        if self.price is not None:
            return ""
        return ", ".join(f"{venue}: {why}" for venue, why in self.refused) or "no venue to hedge on"


def side_bound(
    side: Side, books: Sequence[HedgeBook], size: float, terms: BoundTerms, sigma: float = 0.0, skew: float = 0.0
) -> SideBound:
    """Return how far the quote of one side may go; see the module for the formula.

    Parameters
    ----------
    side : Side
        Of the maker quote; a BUY is hedged by selling into the bids.
    books : sequence of HedgeBook
        Venues to hedge on, without the one that is quoted.
    size : float
        Base units of the quote; above 0.
    terms : BoundTerms
        Fee, edge and allowances.
    sigma : float
        Volatility in maker currency per square-root second; at least 0.
    skew : float
        Lowers the bound, in maker currency; above 0 when net long across the venues.

    Raises
    ------
    ParameterError
        For a size not above 0, a negative sigma, a skew that is not finite, or a bad level or term of a venue.

    """
    if not 0.0 <= sigma < math.inf:
        raise ParameterError("sigma", sigma, ">= 0 and finite")
    if not math.isfinite(skew):
        raise ParameterError("skew", skew, "finite")
    worths = [(book.name, hedge_worth(side, book, size, terms, sigma)) for book in books]
    return best_bound(side, worths, terms, skew)


def best_bound(
    side: Side, worths: Iterable[tuple[str, Worth | str]], terms: BoundTerms, skew: float = 0.0
) -> SideBound:
    """Return how far the quote of one side may go, by what its hedge is worth on each venue.

    Parameters
    ----------
    side : Side
        Of the maker quote.
    worths : iterable of (str, Worth or str)
        By venue, from `hedge_worth`, in maker currency.
    terms : BoundTerms
        Fee and edge.
    skew : float
        Lowers the bound, in maker currency.

    """
    buys = side is Side.BUY
    best: Worth | None = None
    where = ""
    refused: list[tuple[str, str]] = []
    for name, worth in worths:
        if isinstance(worth, str):
            refused.append((name, worth))
        elif best is None or (worth[0] > best[0] if buys else worth[0] < best[0]):
            best, where = worth, name
    if best is None:
        return SideBound(None, None, None, 0.0, tuple(refused))
    price = (bid_from if buys else ask_from)(best[0], terms.maker_fee, terms.min_edge)
    return SideBound(price - skew, where, best[1], best[2], tuple(refused))


type Worth = tuple[float, float, float]
"""What a unit of a hedge brings or costs, fee and allowance included, its mean price, and the allowance."""


def hedge_worth(side: Side, book: HedgeBook, size: float, terms: BoundTerms, sigma: float) -> Worth | str:
    """Return what hedging a fill of `side` on one venue is worth, in its ``fx`` currency, or why it cannot be.

    Depends on nothing of the venue that is quoted but the currency: `terms.slippage` and `terms.z` alone are used.
    Parameters as in `side_bound`.
    """
    buys = side is Side.BUY
    if book.health is not Health.LIVE:
        return book.health
    if size > (book.can_sell if buys else book.can_buy) * (1.0 + ENOUGH):
        return Unbound.BALANCE
    if size < book.min_size * (1.0 - ENOUGH):
        return Unbound.BELOW_MIN_SIZE
    vwap = sweep_vwap(book.bids if buys else book.asks, size)
    if vwap is None:
        return Unbound.NO_DEPTH
    worth = vwap * book.fx
    if not (worth > 0.0 and book.latency_s >= 0.0):
        raise ParameterError(f"{book.name}: fx, latency_s", (book.fx, book.latency_s), "> 0 and >= 0")
    slippage = terms.slippage + terms.z * sigma * math.sqrt(book.latency_s) / worth
    if slippage >= 1.0:
        return Unbound.LATENCY
    # The rest of what `HedgeTerms` checks, `terms` and the conditions above have; a mistake is named there.
    hedge: Charges
    if -1.0 < book.taker_fee < 1.0 and slippage >= 0.0 and 0.0 < book.fx < math.inf:
        hedge = Charged(book.taker_fee, slippage, book.fx)
    else:
        hedge = HedgeTerms(terms.maker_fee, book.taker_fee, slippage, terms.min_edge, book.fx)
    return (hedge_proceeds(vwap, hedge) if buys else hedge_cost(vwap, hedge)), vwap, slippage


def towards_others(quote: Quote, current: float, other: float, costs: float, alpha: float) -> Quote:
    r"""Move a quote towards what other venues pay: the bid up where they pay more, the ask down where they ask less.

    .. math::
        \text{bid} + \alpha \max(0, P_{\text{other}} - P_{\text{current}} - c), \qquad
        \text{ask} - \alpha \max(0, P_{\text{current}} - P_{\text{other}} - c)

    At most one side moves. Apply it before `anchored`, whose bounds know depth and fees: the difference of two mids
    does not.

    Parameters
    ----------
    quote : Quote
        The model's.
    current, other : float
        Mid of this venue and fair value by the others (with this venue's basis), in maker currency.
    costs : float
        Of buying here and selling there, in price units; at least 0.
    alpha : float
        Share of the difference, in [0, 1].

    Raises
    ------
    ParameterError
        For costs or a share outside their range.

    """
    if not 0.0 <= costs < math.inf:
        raise ParameterError("costs", costs, ">= 0 and finite")
    if not 0.0 <= alpha <= 1.0:
        raise ParameterError("alpha", alpha, "in [0, 1]")
    up, down = alpha * max(0.0, other - current - costs), alpha * max(0.0, current - other - costs)
    bid, ask = quote.bid_half_spread, quote.ask_half_spread
    return Quote(quote.reservation_price, None if bid is None else bid - up, None if ask is None else ask - down)


def anchored(
    quote: Quote,
    bid_bound: SideBound,
    ask_bound: SideBound,
    maker_top: TopOfBook | None = None,
    join_distance: float | None = None,
) -> Quote:
    """Keep a quote within its bounds, and no better than it needs to be; it never moves towards the market.

    The bid becomes ``min(model, bound, best bid + join_distance)``, the ask ``max(model, bound, best ask -
    join_distance)``; a side without a bound is not quoted. Tick, post-only and our own cross are the business of the
    quoting pipeline.

    Parameters
    ----------
    quote : Quote
        From the model, in maker currency; for pure cross-exchange making, both sides at the fair value.
    bid_bound, ask_bound : SideBound
        From `side_bound`.
    maker_top : TopOfBook or None
        Best prices on the venue that is quoted *without our own orders* (they would raise each other).
    join_distance : float or None
        How much better than the best price a quote need be at most: 0 joins it, a tick improves it; ``None`` leaves it
        at its bound.

    Raises
    ------
    ParameterError
        For a negative distance.

    """
    bid, ask = quote.bid, quote.ask
    best_bid = best_ask = None
    if join_distance is not None:
        if not 0.0 <= join_distance < math.inf:
            raise ParameterError("join_distance", join_distance, ">= 0 and finite")
        if maker_top is not None:
            best_bid, best_ask = maker_top.bid + join_distance, maker_top.ask - join_distance
    if bid is not None:
        bid = None if bid_bound.price is None else min(bid, bid_bound.price)
        if bid is not None and best_bid is not None and maker_top is not None and maker_top.bid > 0.0:
            bid = min(bid, best_bid)
    if ask is not None:
        ask = None if ask_bound.price is None else max(ask, ask_bound.price)
        if ask is not None and best_ask is not None and maker_top is not None and maker_top.ask > 0.0:
            ask = max(ask, best_ask)
    centre = quote.reservation_price
    return Quote(centre, None if bid is None else centre - bid, None if ask is None else ask - centre)
