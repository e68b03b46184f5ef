"""Step 5: what shrinks or removes a quote. A guard never moves a price toward the market.

Guards are functions of floats, ticks and lots; what each did is named in a `Trace`, so that nobody
has to ask why we were not quoting.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from mm_nautilus.market import Side, TopOfBook


class Reason(StrEnum):
    """Why a state is what it is, or why a side or a level is missing."""

    NO_BOOK = "NO_BOOK"
    ONE_SIDED_BOOK = "ONE_SIDED_BOOK"
    CROSSED_BOOK = "CROSSED_BOOK"
    LOCKED_BOOK = "LOCKED_BOOK"
    STALE_BOOK = "STALE_BOOK"
    WIDE_BOOK = "WIDE_BOOK"
    WARMING_UP = "WARMING_UP"
    HALTED = "HALTED"
    PAUSED = "PAUSED"
    """The operator has taken the quotes back for a while."""
    MODEL_NOT_FINITE = "MODEL_NOT_FINITE"
    MODEL_BOUND = "MODEL_BOUND"
    POSITION_LIMIT = "POSITION_LIMIT"
    NOTIONAL_LIMIT = "NOTIONAL_LIMIT"
    BALANCE = "BALANCE"
    BELOW_MIN_SIZE = "BELOW_MIN_SIZE"
    WIDER_THAN_MAX = "WIDER_THAN_MAX"
    PRICE_BAND = "PRICE_BAND"
    ASSET_LIMIT = "ASSET_LIMIT"
    VENUE_LIMIT = "VENUE_LIMIT"
    VOLUME_LIMIT = "VOLUME_LIMIT"
    PORTFOLIO_LIMIT = "PORTFOLIO_LIMIT"
    RISK_WIDENED = "RISK_WIDENED"
    RISK_REDUCE_ONLY = "RISK_REDUCE_ONLY"
    RISK_FLATTEN = "RISK_FLATTEN"
    HEDGING = "HEDGING"
    ADDING_SIDE_SKEWED = "ADDING_SIDE_SKEWED"
    REDUCING_SIDE_TIGHTENED = "REDUCING_SIDE_TIGHTENED"
    WIDENED = "WIDENED"
    ADVERSE_SELECTION = "ADVERSE_SELECTION"
    """Stepped away from a side that is being picked off."""
    NO_HEDGE = "NO_HEDGE"
    """No venue could take the hedge of a fill of this side."""
    VENUE_STALE = "VENUE_STALE"
    VENUE_HALTED = "VENUE_HALTED"
    VENUE_DISCONNECTED = "VENUE_DISCONNECTED"
    NO_CONVERSION_RATE = "NO_CONVERSION_RATE"
    CLOCK_OFFSET = "CLOCK_OFFSET"
    """The venue's clock is too far from the others' for its prices to be compared."""
    NO_FAIR_VALUE = "NO_FAIR_VALUE"
    """No venue of the asset is fit to be priced by."""


class Cap(StrEnum):
    """A guard that changed a price or a size without removing it."""

    MIN_HALF_SPREAD = "MIN_HALF_SPREAD"
    POST_ONLY = "POST_ONLY"
    OWN_CROSS = "OWN_CROSS"
    POSITION_LIMIT = "POSITION_LIMIT"
    NOTIONAL_LIMIT = "NOTIONAL_LIMIT"
    ORDER_NOTIONAL = "ORDER_NOTIONAL"
    BALANCE = "BALANCE"
    ASSET_LIMIT = "ASSET_LIMIT"
    VENUE_LIMIT = "VENUE_LIMIT"
    VOLUME_LIMIT = "VOLUME_LIMIT"
    PORTFOLIO_LIMIT = "PORTFOLIO_LIMIT"
    RISK_REDUCE_ONLY = "RISK_REDUCE_ONLY"
    RISK_FLATTEN = "RISK_FLATTEN"
    HEDGING = "HEDGING"
    HEDGE_BOUND = "HEDGE_BOUND"
    """The price that a fill can be hedged at with the minimum edge."""


_SUFFIX = {Side.BUY: ":BID", Side.SELL: ":ASK"}
# What is noted, spelt out once: joining two strings of an enum is dearer than the rest of a note.
_TEXTS: Final[dict[Side | None, dict[str, str]]] = {
    side: {str(what): str(what) + suffix for kind in (Reason, Cap) for what in kind}
    for side, suffix in (*_SUFFIX.items(), (None, ""))
}


class Trace:
    """Reasons and caps of one pass, in the order in which they applied, each once."""

    __slots__ = ("caps", "reasons")

    def __init__(self, reasons: Iterable[str] = ()) -> None:
        self.reasons: list[str] = [*reasons]
        self.caps: list[str] = []

    def reason(self, reason: Reason, side: Side | None = None) -> None:
        """Note why something is not quoted."""
        _note(self.reasons, reason, side)

    def names(self, reason: Reason, side: Side) -> bool:
        """Return whether this reason of a side has been noted."""
        return _TEXTS[side][reason] in self.reasons

    def cap(self, cap: Cap, side: Side | None = None) -> None:
        """Note what changed a price or a size."""
        _note(self.caps, cap, side)


def _note(notes: list[str], what: str, side: Side | None) -> None:
    text = _TEXTS[side][what]
    if text not in notes:
        notes.append(text)


def book_fault(top: TopOfBook | None, max_spread_bps: float | None) -> Reason | None:
    """Return why this book must not be quoted on, or ``None`` where it may.

    Parameters
    ----------
    top : TopOfBook or None
        ``None`` where nothing has been seen; a side is missing where its size is 0 or its price not above 0.
    max_spread_bps : float or None
        Widest market spread to quote into, in bps of the mid.

    """
    if top is None:
        return Reason.NO_BOOK
    if not (top.bid_size > 0 and top.ask_size > 0 and top.bid > 0 and top.ask > 0):
        return Reason.ONE_SIDED_BOOK
    if top.bid > top.ask:
        return Reason.CROSSED_BOOK
    if top.bid == top.ask:
        return Reason.LOCKED_BOOK
    if max_spread_bps is not None and top.ask - top.bid > max_spread_bps * 1e-4 * top.mid:
        return Reason.WIDE_BOOK
    return None


def floor_half_spread(side: Side, price: float, fair_value: float, min_half_spread: float, trace: Trace) -> float:
    """Move `price` away from the fair value to the smallest allowed distance; all in price units."""
    sign = int(side)
    nearest = fair_value - sign * min_half_spread
    if (price - nearest) * sign > 0:
        trace.cap(Cap.MIN_HALF_SPREAD, side)
        return nearest
    return price


def post_only(side: Side, ticks: list[int], opposite_best_ticks: int, trace: Trace) -> None:
    """Push levels that would take liquidity back behind the opposite best price, keeping them a tick apart."""
    sign = int(side)
    limit = opposite_best_ticks - sign
    for index, price in enumerate(ticks):
        if (price - limit) * sign <= 0:
            return
        ticks[index] = limit
        limit -= sign
        trace.cap(Cap.POST_ONLY, side)


def uncross(bids: list[int], asks: list[int], trace: Trace) -> None:
    """Keep our own asks above our own bids by pushing asks up."""
    if not bids or not asks:
        return
    lowest = bids[0] + 1
    for index, price in enumerate(asks):
        if price >= lowest:
            return
        asks[index] = lowest
        lowest += 1
        trace.cap(Cap.OWN_CROSS)


class Bounds(Struct, frozen=True, gc=False):
    """What others than the instrument's own limits leave us to quote: most lots a side may have working.

    The lots are those of every working order on that side of this instrument together, counted from the
    position as it is now; ``None`` is no bound. The reason says what binds and must be one that a `Cap`
    is named after.
    """

    buy_lots: int | None = None
    sell_lots: int | None = None
    buy_reason: Reason = Reason.ASSET_LIMIT
    sell_reason: Reason = Reason.ASSET_LIMIT

    def lots(self, side: Side) -> int | None:
        """Most lots that may be working on `side`, or ``None``."""
        return self.buy_lots if side is Side.BUY else self.sell_lots

    def reason(self, side: Side) -> Reason:
        """Return what binds `side`."""
        return self.buy_reason if side is Side.BUY else self.sell_reason

    def within(self, other: Bounds) -> Bounds:
        """Return the tighter of both, side by side; where they are equal, this one's reason."""
        buy = other if _tighter(other.buy_lots, self.buy_lots) else self
        sell = other if _tighter(other.sell_lots, self.sell_lots) else self
        return Bounds(buy.buy_lots, sell.sell_lots, buy.buy_reason, sell.sell_reason)


def _tighter(one: int | None, other: int | None) -> bool:
    return one is not None and (other is None or one < other)


def reduce_only(position_lots: int, reason: Reason = Reason.RISK_REDUCE_ONLY) -> Bounds:
    """Return the bounds under which no fill makes |position| larger: none on one side, |position| on the other."""
    return Bounds(max(-position_lots, 0), max(position_lots, 0), reason, reason)


UNBOUNDED: Final = Bounds()


class Room(Struct, gc=False):
    """Lots that may still be added on one side, by what bounds them."""

    position_lots: int
    """Up to the position limit."""
    notional_lots: int | None = None
    """Up to the notional limit; ``None`` where there is none."""
    balance_lots: int | None = None
    """Up to the free balance; ``None`` where the account is not limited by one."""
    bound_lots: int | None = None
    """Up to the tightest bound from outside the instrument; ``None`` where there is none."""
    bound_reason: Reason = Reason.ASSET_LIMIT
    """What that bound is."""

    def lots(self, side: Side, trace: Trace, wanted_lots: int, min_lots: int) -> int:
        """Return the smallest bound, naming it where it binds; 0 where not even the smallest order fits."""
        room = self.position_lots
        for lots in (self.notional_lots, self.balance_lots, self.bound_lots):
            if lots is not None and lots < room:
                room = lots
        if room >= wanted_lots and room >= min_lots > 0:
            return room  # as nearly always: nothing binds, so nothing need be named
        room = max(self.position_lots, 0)
        bound: tuple[Cap, Reason] = (Cap.POSITION_LIMIT, Reason.POSITION_LIMIT)
        if self.notional_lots is not None and self.notional_lots < room:
            room, bound = max(self.notional_lots, 0), (Cap.NOTIONAL_LIMIT, Reason.NOTIONAL_LIMIT)
        if self.balance_lots is not None and self.balance_lots < room:
            room, bound = max(self.balance_lots, 0), (Cap.BALANCE, Reason.BALANCE)
        if self.bound_lots is not None and self.bound_lots < room:
            room, bound = max(self.bound_lots, 0), (Cap[self.bound_reason.name], self.bound_reason)
        if room < min_lots:
            trace.reason(bound[1], side)
            return 0
        if room < wanted_lots:
            trace.cap(bound[0], side)
        return room
