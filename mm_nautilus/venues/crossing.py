"""Two venues whose best prices cross: what may be made of it, and the arithmetic of the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.venues.arbitrage import Arbitrage, ExactDepth, arbitrage

_ZERO: Final = Decimal(0)


class Verdict(StrEnum):
    """What became of a crossing; everything but TAKEN is a reason why it was missed."""

    TAKEN = "TAKEN"
    NOT_LIVE = "NOT_LIVE"
    """A venue is stale, disconnected, halted or crosses itself."""
    OLD_QUOTE = "OLD_QUOTE"
    """A quote is older than it may be to be traded on."""
    EXPIRED = "EXPIRED"
    """It has stood for longer than free money does: something about it is not true."""
    COOLDOWN = "COOLDOWN"
    """We have taken from one of the two books a moment ago."""
    NO_BALANCE = "NO_BALANCE"
    """Nothing to sell on one venue, nothing to pay with on the other, or less than a lot of it."""
    TOO_SMALL = "TOO_SMALL"
    """Less than a lot or the smallest order is to be had, or the depth no longer crosses."""
    FEES = "FEES"
    """Nothing is left after fees."""
    MIN_EDGE = "MIN_EDGE"
    """Something is left, but not the least edge with the allowance for latency."""
    MIN_PROFIT = "MIN_PROFIT"
    """The edge is there, but in too small a size."""
    NOT_PERMITTED = "NOT_PERMITTED"
    """Risk stage, or whatever else the caller named."""


@dataclass(frozen=True, slots=True)
class Trader:
    """A venue as an arbitrageur knows it.

    Parameters
    ----------
    name : str
        Of the venue.
    taker_fee : Decimal
        As a fraction in (-1, 1).
    latency_s : float
        From decision to arrival, in seconds; at least 0.
    lot : Decimal or None
        Size step in base units; ``None`` where there is none in base units (inverse contracts).
    min_size : Decimal
        Smallest order in base units; at least 0.
    min_notional : Decimal
        Smallest value of an order in the common currency; at least 0.

    Raises
    ------
    ParameterError
        When one is outside its range.

    """

    name: str
    taker_fee: Decimal
    latency_s: float = 0.0
    lot: Decimal | None = None
    min_size: Decimal = _ZERO
    min_notional: Decimal = _ZERO

    def __post_init__(self) -> None:
        if not (isinstance(self.taker_fee, Decimal) and self.taker_fee.is_finite() and -1 < self.taker_fee < 1):
            raise ParameterError(f"{self.name}: taker_fee", self.taker_fee, "a Decimal fraction in (-1, 1)")
        if not 0.0 <= self.latency_s < math.inf:
            raise ParameterError(f"{self.name}: latency_s", self.latency_s, ">= 0 and finite")
        if self.lot is not None and not (self.lot.is_finite() and self.lot > 0):
            raise ParameterError(f"{self.name}: lot", self.lot, "> 0 and finite")
        for name in ("min_size", "min_notional"):
            value = getattr(self, name)
            if not (value.is_finite() and value >= 0):
                raise ParameterError(f"{self.name}: {name}", value, ">= 0 and finite")


@dataclass(frozen=True, slots=True)
class ScanTerms:
    """What a crossing must leave, and how old anything about it may be.

    Parameters
    ----------
    min_edge_bps : Decimal
        Least gain of the last unit after fees, in bps of its cost; at least 0.
    min_profit : Decimal
        Least profit of the whole after fees, in the common currency; at least 0.
    max_quote_age_s : float
        Oldest quote to trade on, in seconds; above 0.
    expiry_s : float
        How long a crossing may stand before it is taken for an error, in seconds; above 0.
    cooldown_s : float
        How long a side of a book is left alone after we took from it, in seconds; at least 0.
    z : float
        Standard deviations of the price over the latency that are allowed for; at least 0.

    """

    min_edge_bps: Decimal = _ZERO
    min_profit: Decimal = _ZERO
    max_quote_age_s: float = 1.0
    expiry_s: float = 5.0
    cooldown_s: float = 1.0
    z: float = 0.0

    def __post_init__(self) -> None:
        for name in ("min_edge_bps", "min_profit"):
            value = getattr(self, name)
            if not (isinstance(value, Decimal) and value.is_finite() and value >= 0):
                raise ParameterError(name, value, "a Decimal of at least 0")
        for name in ("max_quote_age_s", "expiry_s"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ParameterError(name, getattr(self, name), "> 0 and finite")
        for name in ("cooldown_s", "z"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ParameterError(name, getattr(self, name), ">= 0 and finite")


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A crossing of two venues and what became of it; one row of the log.

    Parameters
    ----------
    ts_ns : int
        When it was judged.
    since_ns : int
        When the crossing was first seen.
    buy, sell : int
        Places of the venues.
    ask, bid : float
        Best prices that cross, in the common currency.
    verdict : Verdict
        What became of it.
    explanation : str
        The arithmetic, in words.
    plan : Arbitrage or None
        What to trade where the verdict says so, else what the explanation is about; ``None`` where nothing was walked.
    episode : int
        Number of the crossing.

    """

    ts_ns: int
    since_ns: int
    buy: int
    sell: int
    ask: float
    bid: float
    verdict: Verdict
    explanation: str
    plan: Arbitrage | None
    episode: int = 0

    @property
    def gross_edge_bps(self) -> float:
        """Best bid over best ask before any cost, in bps of the ask."""
        return 1e4 * (self.bid / self.ask - 1.0)


@dataclass(frozen=True, slots=True)
class Ended:
    """A crossing that is over.

    Parameters
    ----------
    ts_ns, since_ns : int
        When the prices came apart, and when they had crossed.
    episode : int
        Its number.
    buy, sell : int
        Places of the venues.
    ask, bid : float
        Best prices when they crossed the most, in the common currency.
    verdict : Verdict or None
        The latest answer; ``None`` where it was never judged.
    taken : int
        How often it was taken from.

    """

    ts_ns: int
    since_ns: int
    episode: int
    buy: int
    sell: int
    ask: float
    bid: float
    verdict: Verdict | None
    taken: int


@dataclass(frozen=True, slots=True)
class Means:
    """What accounts could trade with, less what is in flight; ``None`` where nothing binds.

    Parameters
    ----------
    base : Decimal or None
        Base units that could be sold.
    cash : Decimal or None
        Common currency that could be paid with.
    room : Decimal or None
        Base units that limits leave to be bought.

    """

    base: Decimal | None = None
    cash: Decimal | None = None
    room: Decimal | None = None

    @property
    def size(self) -> Decimal | None:
        """The smaller of base and room; ``None`` where neither binds."""
        bounds = [bound for bound in (self.base, self.room) if bound is not None]
        return min(bounds, default=None)


def judge(
    asks: ExactDepth,
    bids: ExactDepth,
    buyer: Trader,
    seller: Trader,
    terms: ScanTerms,
    means: Means,
    edge: Decimal,
    barred: str = "",
) -> tuple[Verdict, str, Arbitrage]:
    """Walk two books that cross and say what may be made of it.

    Parameters
    ----------
    asks, bids : iterable of (price, size)
        Best first, in the common currency and base units.
    buyer, seller : Trader
        Whose books they are.
    terms : ScanTerms
        Of which the least profit is used here.
    means : Means
        Base at the seller, cash and room at the buyer.
    edge : Decimal
        What the last unit must leave, as a fraction of its cost.
    barred : str
        Why nothing may be taken now; empty where it may.

    Returns
    -------
    tuple of Verdict, str, Arbitrage
        The answer, its arithmetic, and the trade it is about: what is to be taken, or what it would have been without
        that which stood against it.

    Raises
    ------
    ParameterError
        For a level without a price above 0 and a size of at least 0.

    """
    asks, bids = list(asks), list(bids)
    lot = common_lot(buyer.lot, seller.lot)
    fees = {"buy_fee": buyer.taker_fee, "sell_fee": seller.taker_fee}
    plan = arbitrage(
        asks,
        bids,
        **fees,
        min_edge=edge,
        min_profit=terms.min_profit,
        base_available=means.size,
        quote_available=means.cash,
        lot=lot,
    )
    least = max(buyer.min_size, seller.min_size)
    if 0 < plan.size < least:
        verdict, why = Verdict.TOO_SMALL, f"below the smallest order of {least:f}"
    elif plan.size > 0 and (plan.buy_notional < buyer.min_notional or plan.sell_notional < seller.min_notional):
        value = max(buyer.min_notional, seller.min_notional)
        verdict, why = Verdict.TOO_SMALL, f"below the smallest value of an order, {value:f}"
    elif plan.executable:
        verdict, why = (Verdict.NOT_PERMITTED, barred) if barred else (Verdict.TAKEN, "")
    elif plan.size > 0:
        verdict, why = Verdict.MIN_PROFIT, f"below the least profit of {terms.min_profit:f}"
    else:
        verdict, why, plan = _nothing(asks, bids, fees, lot, edge, means)
        if verdict is Verdict.FEES:
            plan = _with_fees(plan, buyer.taker_fee, seller.taker_fee)
    words = arithmetic(plan, buyer, seller)
    return verdict, f"{words}; {why}" if why else words, plan


def _nothing(
    asks: list[tuple[Decimal, Decimal]],
    bids: list[tuple[Decimal, Decimal]],
    fees: dict[str, Decimal],
    lot: Decimal | None,
    edge: Decimal,
    means: Means,
) -> tuple[Verdict, str, Arbitrage]:
    """Say why there is nothing to trade: less than a lot, fees, the edge or balances, in this order."""
    free = arbitrage(asks, bids, buy_fee=_ZERO, sell_fee=_ZERO, lot=lot)
    if free.size == 0:
        return Verdict.TOO_SMALL, f"less than a lot of {lot} crosses" if lot else "nothing crosses in the depth", free
    paid = arbitrage(asks, bids, **fees, lot=lot)
    if paid.size == 0:
        return Verdict.FEES, "fees are more than the prices cross by", free
    kept = arbitrage(asks, bids, **fees, min_edge=edge, lot=lot)
    if kept.size == 0:
        return Verdict.MIN_EDGE, f"the last unit must leave {edge.scaleb(4).normalize():f} bps", paid
    bounds = f"base at the seller {means.base}, cash at the buyer {means.cash}"
    return Verdict.NO_BALANCE, bounds if means.room is None else f"{bounds}, limits leave it {means.room}", kept


def arithmetic(plan: Arbitrage, buyer: Trader, seller: Trader) -> str:
    """Return the money of an arbitrage in one line, to the last digit."""
    if plan.size == 0:
        return f"buy on {buyer.name}, sell on {seller.name}: nothing to trade"
    gross = EXACT.subtract(plan.sell_notional, plan.buy_notional)
    return (
        f"buy {plan.size:f} on {buyer.name} for {plan.buy_notional:f}, sell on {seller.name} for "
        f"{plan.sell_notional:f}: gross {gross:f} - fees {plan.fees:f} = net {plan.net_profit:f}"
    )


def common_lot(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    """Return the smallest size that is whole lots on both venues; ``None`` where neither has one."""
    if first is None or second is None:
        return first if second is None else second
    with localcontext(EXACT):
        places = min(int(first.as_tuple().exponent), int(second.as_tuple().exponent), 0)
        steps = math.lcm(int(first.scaleb(-places)), int(second.scaleb(-places)))
        return Decimal(steps).scaleb(places)


def _with_fees(plan: Arbitrage, buy_fee: Decimal, sell_fee: Decimal) -> Arbitrage:
    with localcontext(EXACT):
        fees = plan.buy_notional * buy_fee + plan.sell_notional * sell_fee
    return Arbitrage(plan.size, plan.buy_notional, plan.sell_notional, fees, plan.min_profit)
