"""The quote on one venue, held by what the other venues of the asset pay now."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mm_nautilus.market import Quote, Side, TopOfBook
from mm_nautilus.quoting.anchor import AnchorRecord
from mm_nautilus.quoting.guards import Cap, Reason, Trace
from mm_nautilus.venues.bounds import SideBound, anchored, towards_others
from mm_nautilus.venues.venue import Health

WITHDRAWS: Final = {
    Health.LIVE: None,
    Health.NO_BOOK: Reason.NO_BOOK,
    Health.CROSSED_BOOK: Reason.CROSSED_BOOK,
    Health.STALE: Reason.VENUE_STALE,
    Health.NO_RATE: Reason.NO_CONVERSION_RATE,
    Health.CLOCK_OFFSET: Reason.CLOCK_OFFSET,
    Health.DISCONNECTED: Reason.VENUE_DISCONNECTED,
    Health.HALTED: Reason.VENUE_HALTED,
}
"""Why a venue in such a state is not quoted on."""


class VenueAnchor(Struct, frozen=True, gc=False):
    """See `mm_nautilus.quoting.anchor.Anchor`.

    Parameters
    ----------
    withdraws : Reason or None
        Why nothing may be quoted there.
    fair_value : float
        What the asset is worth there by all venues, in its price units; 0 where it is withdrawn.
    inventory : float
        Position netted over the venues, in base units.
    bid_bound, ask_bound : SideBound or None
        How far each side may go; ``None`` where a fill needs no hedge, because it makes the netted position smaller.
    other : float
        Value by the other venues alone, with this venue's basis, in its price units.
    costs : float
        Of buying there and selling elsewhere, in price units.
    alpha : float
        Share of what others pay more that the quote follows, in [0, 1].
    join_distance : float or None
        See `mm_nautilus.venues.bounds.anchored`.

    """

    withdraws: Reason | None
    fair_value: float
    inventory: float
    bid_bound: SideBound | None = None
    ask_bound: SideBound | None = None
    other: float = 0.0
    costs: float = 0.0
    alpha: float = 0.0
    join_distance: float | None = None

    def applied(self, quote: Quote, top: TopOfBook, trace: Trace) -> Quote:
        """Move a quote towards what others pay, then hold it within its bounds, and say what was done."""
        if self.alpha > 0.0 and abs(self.other - top.mid) > self.costs:
            quote = towards_others(quote, top.mid, self.other, self.costs, self.alpha)
        bid, ask = self.bid_bound or _free(Side.BUY), self.ask_bound or _free(Side.SELL)
        held = anchored(quote, bid, ask, top, self.join_distance)
        for side, bound, before, after in (
            (Side.BUY, bid, quote.bid, held.bid),
            (Side.SELL, ask, quote.ask, held.ask),
        ):
            if before is None:
                continue
            if after is None:
                trace.reason(Reason.NO_HEDGE, side)
            elif bound.price is not None and (before - bound.price) * int(side) > 0.0:
                trace.cap(Cap.HEDGE_BOUND, side)
        return held

    @property
    def record(self) -> AnchorRecord:
        """What is written down about it."""
        bid, ask = self.bid_bound, self.ask_bound
        refused: list[str] = []
        for name, bound in (("BID", bid), ("ASK", ask)):
            if bound is not None:
                refused += [f"{name} {venue}: {why}" for venue, why in bound.refused]
                if bound.price is None and not bound.refused:
                    refused.append(f"{name}: {bound.reason}")
        return AnchorRecord(
            self.inventory,
            None if bid is None else bid.price,
            None if ask is None else ask.price,
            "" if bid is None else bid.venue or "",
            "" if ask is None else ask.venue or "",
            tuple(refused),
        )


_NO_BOUND: Final = {side: SideBound(int(side) * 1e300, "", None, 0.0, ()) for side in Side}


def _free(side: Side) -> SideBound:
    """Return a bound that binds nothing."""
    return _NO_BOUND[side]
