"""Several venues of one asset, as a strategy that quotes and hedges on them sees them; free of any engine.

`CrossQuoting` is told of every market, rate, halt and fill; it answers what a quote on one venue is held by
(`VenueAnchor`) and which venues must be quoted anew after a tick of one of them: the others only once the consolidated
value, or a price of that venue, has moved further than a tolerance since they were last told, or a venue has come or
gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.venue_market import VenueMarket
from mm_nautilus.market import Side, TopOfBook
from mm_nautilus.quoting.guards import Reason
from mm_nautilus.venues.anchor import WITHDRAWS, VenueAnchor
from mm_nautilus.venues.bounds import BoundTerms, HedgeBook, SideBound, Worth, best_bound, hedge_worth
from mm_nautilus.venues.clocks import ClockOffsets
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.depth import Depth
from mm_nautilus.venues.leadership import PriceLeadership
from mm_nautilus.venues.venue import Health, Venue

_CLOCK_WINDOW_NS: Final = 60_000_000_000
# The graver one is the one that is named.
_GRAVEST: Final = (Health.DISCONNECTED, Health.HALTED, Health.CLOCK_OFFSET)


@dataclass(frozen=True, slots=True)
class CrossTerms:
    """What a hedged fill must earn, and when other venues are told.

    Parameters
    ----------
    min_edge : float
        Least gain of a hedged fill, as a fraction.
    slippage : float
        Allowance on every hedge, as a fraction.
    z : float
        Standard deviations of the price over the latency that are allowed for.
    alpha : float
        Share of what others pay more that a quote follows, in [0, 1].
    tolerance : float
        Move after which other venues are quoted anew, as a fraction; at least 0.
    deduct_basis : bool
        Whether a difference of prices that stays, the basis, is no gain: a hedge is then worth what the venue pays
        less what it usually pays more. False where what is bought on one venue can be delivered on another.
    clock_bound_s : float
        Largest difference of two venues' clocks, in seconds; above 0.

    """

    min_edge: float = 0.0
    slippage: float = 0.0
    z: float = 0.0
    alpha: float = 0.0
    tolerance: float = 0.0
    deduct_basis: bool = True
    clock_bound_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha <= 1.0:
            raise ParameterError("alpha", self.alpha, "in [0, 1]")
        if not 0.0 <= self.tolerance < 1.0:
            raise ParameterError("tolerance", self.tolerance, "in [0, 1)")
        if not 0.0 < self.clock_bound_s < math.inf:
            raise ParameterError("clock_bound_s", self.clock_bound_s, "> 0 and finite")


@dataclass(slots=True)
class Place:
    """One venue and what we do there.

    Parameters
    ----------
    venue : Venue
        Asset, currency, fees.
    market : VenueMarket
        Its prices, our position, and what balance and limits leave.
    quotes, hedges : bool
        Whether we quote there, and whether fills elsewhere are hedged there.
    latency_s : float
        From a fill elsewhere to the arrival of its hedge there, in seconds.
    size_lots : int
        All our quotes of one side together, in its lots: what one sweep would fill. 0 where we do not quote.
    levels : callable or None
        ``side -> levels`` of the book an order of a side takes; ``None`` where best prices are all that is known.
    join_distance : float or None
        How much better than the market a quote there need be at most, in price units.

    """

    venue: Venue
    market: VenueMarket
    quotes: bool
    hedges: bool
    latency_s: float = 0.0
    size_lots: int = 0
    levels: Callable[[Side], Depth] | None = None
    join_distance: float | None = None


class CrossQuoting:
    """See the module.

    Parameters
    ----------
    places : sequence of Place
        Named by their place in it from here on; in the order of the venues of `fair`.
    fair : ConsolidatedFairValue
        Of these venues.
    terms : CrossTerms
        What must be earned.
    leadership : PriceLeadership or None
        Measures the weights; ``None`` where they stay.

    """

    def __init__(
        self,
        places: Sequence[Place],
        fair: ConsolidatedFairValue,
        terms: CrossTerms,
        leadership: PriceLeadership | None = None,
    ) -> None:
        self.places = tuple(places)
        self.fair = fair
        self._terms = terms
        self._leadership = leadership
        count = len(places)
        self._clocks = ClockOffsets(count, _CLOCK_WINDOW_NS, round(terms.clock_bound_s * 1e9))
        self._bound_terms = [
            BoundTerms(place.venue.maker_fee, terms.min_edge, terms.slippage, terms.z) for place in places
        ]
        self._hedges_of = [
            tuple(other for other, place in enumerate(places) if place.hedges and other != index)
            for index in range(count)
        ]
        self._others = [
            tuple(other for other, place in enumerate(places) if place.quotes and other != index)
            for index in range(count)
        ]
        # A venue without any other to hedge on quotes nothing, so that it has no costs either.
        self._costs = [
            max(place.venue.maker_fee + min((places[j].venue.taker_fee for j in hedges), default=0.0), 0.0)
            for place, hedges in zip(places, self._hedges_of, strict=True)
        ]
        self._barred: list[set[Health]] = [set() for _ in places]
        self._health = [Health.NO_BOOK] * count
        self._changes: list[tuple[int, Health]] = []
        self._changes_seen = 0
        self._quoted = tuple(index for index, place in enumerate(places) if place.quotes)
        self._told: list[tuple[float, float]] = [(math.nan, math.nan)] * count
        self._told_value = [math.nan] * count
        self._names = [place.venue.name for place in places]
        self._books: list[HedgeBook | None] = [None] * count
        # What hedges are worth does not depend on the venue that was filled: each is found once a tick and size.
        self._worths: list[dict[float, Worth | str]] = [{} for _ in places]
        self._sigma = 0.0
        self._units: list[float | None] = [None] * count
        self.inventory = 0.0
        """Position netted over the venues, in base units."""

    # ---------------------------------------------------------------- market

    def heard(self, index: int, top: TopOfBook | None, event_ns: int, now_ns: int) -> tuple[int, ...]:
        """Take what a venue sent; return the venues that must be quoted anew for it, the venue itself not counted.

        Where a venue has come or gone these are all that are quoted.

        Parameters
        ----------
        index : int
            The venue.
        top : TopOfBook or None
            Best prices now.
        event_ns, now_ns : int
            When the venue sent it, and when it was received, in nanoseconds.

        """
        self._clocks.heard(index, event_ns, now_ns)
        self._forget(index)
        self.places[index].market.heard(top, now_ns)
        fair = self.fair
        if top is None:
            return ()
        bid = top.bid if top.bid_size > 0.0 else 0.0
        ask = top.ask if top.ask_size > 0.0 else 0.0
        fair.update(index, bid, ask, now_ns)
        return self._to_tell(index, bid, ask, now_ns)

    def _to_tell(self, index: int, bid: float, ask: float, now_ns: int) -> tuple[int, ...]:
        fair, tolerance = self.fair, self._terms.tolerance
        health, value = fair.health(index, now_ns), fair.value(now_ns) or math.nan
        if self._leadership is not None and health is Health.LIVE:
            self._leadership.observe(index, 0.5 * (bid + ask), now_ns)
        if fair.changes != self._changes_seen:
            return self._told_of_changes(index, bid, ask, value, now_ns)
        told_bid, told_ask = self._told[index]
        # Not within is also what has never been told: comparisons with NaN are false.
        stands = (
            abs(value - self._told_value[index]) <= tolerance * value
            and abs(bid - told_bid) <= tolerance * bid
            and abs(ask - told_ask) <= tolerance * ask
        )
        if stands or health is not Health.LIVE:
            return ()
        self._told[index] = bid, ask
        self._told_value[index] = value
        return self._others[index]

    def _told_of_changes(self, index: int, bid: float, ask: float, value: float, now_ns: int) -> tuple[int, ...]:
        """Note who has come or gone, be it by its silence alone; everyone must know."""
        self._note_changes(now_ns)
        self._told[index] = bid, ask
        self._told_value[index] = value
        return self._quoted

    def _note_changes(self, now_ns: int) -> None:
        self._changes_seen = self.fair.changes
        for index, before in enumerate(self._health):
            health = self.fair.health(index, now_ns)
            if health is not before:
                self._health[index] = health
                self._changes.append((index, health))

    def rate(self, currency: str, rate: float, now_ns: int) -> None:
        """Take a conversion rate, see `ConsolidatedFairValue.rate`."""
        self.fair.rate(currency, rate, now_ns)
        for index, place in enumerate(self.places):
            if place.venue.currency == currency:
                self._forget(index)

    def bar(self, index: int, reason: Health, barred: bool, now_ns: int) -> bool:
        """Take a venue and its hedge capacity out at once, or let it in again; return whether that is news.

        Parameters
        ----------
        index : int
            The venue.
        reason : Health
            DISCONNECTED, HALTED or CLOCK_OFFSET; each holds by itself.
        barred : bool
            Whether it holds now.
        now_ns : int
            Engine time.

        """
        reasons = self._barred[index]
        if (reason in reasons) is barred:
            return False
        if barred:
            reasons.add(reason)
        else:
            reasons.remove(reason)
        gravest = next((one for one in _GRAVEST if one in reasons), None)
        self.fair.bar(index, gravest, now_ns)
        self.places[index].market.barred = gravest
        return True

    def sample(self, now_ns: int, sigmas: Mapping[int, float]) -> None:
        """Let the basis take in the time since the last sample, and see who has fallen silent.

        Parameters
        ----------
        now_ns : int
            Engine time.
        sigmas : mapping of int to float
            Volatility of the venues where it is known, in their price units per square-root second. The largest one
            counts until the next sample, for what a price does until a hedge arrives.

        """
        off = self._clocks.beyond_bound()
        for index in range(len(self.places)):
            self.bar(index, Health.CLOCK_OFFSET, index in off, now_ns)
        self.fair.sample(now_ns)
        known = [sigma * rate for index, sigma in sigmas.items() if (rate := self._reference(index, now_ns)) > 0.0]
        self._sigma = max(known, default=self._sigma)
        self.moved()
        self._note_changes(now_ns)

    def take_changes(self) -> list[tuple[int, Health]]:
        """Return the venues that came or went since this was last asked, and how."""
        changes, self._changes = self._changes, []
        return changes

    def clock_offset_s(self, index: int) -> float:
        """Return how far the clock of a venue is from the median one, in seconds; 0 within the bound."""
        return self._clocks.beyond_bound().get(index, 0) * 1e-9

    def weigh(self, now_ns: int) -> tuple[float, ...] | None:
        """Measure who leads and weigh the venues by it; return the weights where there are new ones."""
        weights = None if self._leadership is None else self._leadership.weights(now_ns)
        if weights is not None:
            self.fair.set_weights(weights)
        return weights

    def moved(self) -> None:
        """A position, a balance or the worth of a contract has changed."""
        self.inventory = math.fsum(place.market.exposure() for place in self.places)
        for index in range(len(self.places)):
            self._forget(index)
        self._units = [place.market.asset_per_lot() for place in self.places]

    def compare(self, now_ns: int) -> None:
        """Make the prices of all markets comparable for a hedge: in the reference currency, the basis as the terms say.

        A market without a rate is left at its last one; its health keeps hedges away from it.
        """
        for index, place in enumerate(self.places):
            rate = self._reference(index, now_ns)
            if rate > 0.0:  # NaN is not
                place.market.rate = rate

    # --------------------------------------------------------------- quoting

    def anchor(self, index: int, now_ns: int) -> VenueAnchor:
        """Return what a quote on one venue is held by.

        Parameters
        ----------
        index : int
            The venue.
        now_ns : int
            Engine time.

        """
        fair, place, terms = self.fair, self.places[index], self._terms
        inventory, unit = self.inventory, self._units[index]
        if unit is None:
            unit = self._units[index] = place.market.asset_per_lot()
        withdraws = WITHDRAWS[fair.health(index, now_ns)]
        value = None if withdraws is not None else fair.own_value(index, now_ns)
        if value is None or unit is None or not value > 0.0:
            return VenueAnchor(withdraws or Reason.NO_FAIR_VALUE, 0.0, inventory)
        rate = self._reference(index, now_ns)
        size = place.size_lots * unit
        healths = [(other, fair.health(other, now_ns)) for other in self._hedges_of[index]]
        bid = self._bound(Side.BUY, index, size - max(-inventory, 0.0), size, rate, healths, now_ns)
        ask = self._bound(Side.SELL, index, size - max(inventory, 0.0), size, rate, healths, now_ns)
        others = fair.others_value(index, now_ns) if terms.alpha > 0.0 else None
        alpha = 0.0 if others is None else terms.alpha
        costs = self._costs[index] * value
        return VenueAnchor(None, value, inventory, bid, ask, others or 0.0, costs, alpha, place.join_distance)

    def _bound(
        self,
        side: Side,
        maker: int,
        hedged: float,
        size: float,
        rate: float,
        healths: list[tuple[int, Health]],
        now_ns: int,
    ) -> SideBound | None:
        """Return how far a side may go, in the maker's currency; ``None`` where its fill needs no hedge."""
        if hedged <= 1e-9 * size:
            return None
        names, known, key = self._names, self._worths, int(side) * hedged
        worths: list[tuple[str, Worth | str]] = [
            (
                names[other],
                health
                if health is not Health.LIVE
                else known[other].get(key) or self._worth(side, other, hedged, now_ns),
            )
            for other, health in healths
        ]
        found = best_bound(side, worths, self._bound_terms[maker])
        if found.price is None or rate == 1.0:
            return found
        return SideBound(found.price / rate, found.venue, found.vwap, found.slippage, found.refused)

    def _worth(self, side: Side, index: int, size: float, now_ns: int) -> Worth | str:
        """Find what a hedge is worth on a live venue in the reference currency, or why it cannot be made there."""
        book = self._books[index] or self._book(index, now_ns)
        worth = hedge_worth(side, book, size, self._bound_terms[index], self._sigma)
        self._worths[index][int(side) * size] = worth
        return worth

    def _book(self, index: int, now_ns: int) -> HedgeBook:
        """Return a live venue as a hedge sees it."""
        place, market = self.places[index], self.places[index].market
        top = market.top
        fx = self._reference(index, now_ns)
        if top is None or not fx > 0.0:
            return HedgeBook(place.venue.name, (), (), place.venue.taker_fee, 1.0, health=Health.NO_BOOK)
        smallest = market.contract.grid.min_lots * (self._units[index] or 0.0)
        bids, asks = self._depth(place, top)
        found = HedgeBook(
            place.venue.name,
            bids,
            asks,
            place.venue.taker_fee,
            fx,
            place.latency_s,
            smallest,
            market.capacity(Side.SELL, top.bid),
            market.capacity(Side.BUY, top.ask),
        )
        self._books[index] = found
        return found

    def _reference(self, index: int, now_ns: int) -> float:
        """Return units of the reference currency per unit of a venue's price; NaN where they are not known."""
        fair = self.fair
        if self._terms.deduct_basis:
            value, own = fair.value(now_ns), fair.own_value(index, now_ns)
            if value is not None and own is not None:
                return value / own
        return fair.reference_rate(index)

    def _forget(self, index: int) -> None:
        self._books[index] = None
        self._worths[index].clear()

    @staticmethod
    def _depth(place: Place, top: TopOfBook) -> tuple[Depth, Depth]:
        venue, levels = place.venue, place.levels
        bids: Depth = ((top.bid, top.bid_size),) if levels is None else levels(Side.SELL)
        asks: Depth = ((top.ask, top.ask_size),) if levels is None else levels(Side.BUY)
        if venue.in_base_units:
            return bids, asks
        return tuple(venue.depth(bids)), tuple(venue.depth(asks))

    # ----------------------------------------------------------------- state

    def save(self) -> dict[str, Any]:
        """Return what was learnt about the venues, as JSON-able values."""
        return self.fair.save()

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self.fair.load(state)
