"""Where to hedge: `rank_taking` and `split` over the markets that a hedge desk has, with every cost on a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mm_nautilus.inventory.hedge_route import Choice, Offer
from mm_nautilus.venues.depth import sweep_vwap
from mm_nautilus.venues.router import ENOUGH, Outlet, Route, rank_taking
from mm_nautilus.venues.split import split

_NS: Final = 1e-9


class TakingRouter:
    """Ranks markets by the net price of what they could take of a hedge, and cuts it up by net price.

    What counts is price, depth, fee, latency (``z sigma sqrt(latency)``) and what fills there have lost lately, all in
    the currency that `HedgeMarket.rate` leads to. A market that shows less than the size is judged by what it shows.

    Parameters
    ----------
    z : float
        Standard deviations of the price over the latency; at least 0.

    """

    def __init__(self, z: float) -> None:
        self._z = z

    def rank(self, size: float, offers: Sequence[Offer], sigma: float) -> list[Choice]:
        """Return the markets that could take at least part of a hedge, best first; see `HedgeRouter`."""
        found: list[tuple[float, str, Choice, Route]] = []
        for offer in offers:
            taken = min(size, offer.size)
            if not taken >= offer.min_size * (1.0 - ENOUGH) or not taken > 0.0:
                continue
            (route,) = rank_taking(offer.side, taken, [_outlet(offer)], sigma, self._z)
            expected = sweep_vwap(offer.levels, taken * (1.0 - ENOUGH))
            if route.refused or expected is None:
                continue
            part = "" if taken >= size * (1.0 - ENOUGH) else f", for {taken:.6g} of {size:.6g}"
            choice = Choice(offer.market, route.explanation + part, expected, offer)
            found.append((int(offer.side) * route.net_price, route.venue, choice, route))
        found.sort(key=lambda one: one[:2])
        best = [one[2] for one in found]
        return [_against(choice, best) for choice in best]

    def parts(self, size: float, choices: Sequence[Choice], sigma: float) -> Mapping[str, float]:
        """Return how much of a hedge goes to which market; see `HedgeRouter`."""
        offers = [choice.offer for choice in choices if choice.offer is not None]
        if not offers:
            return {}
        return dict(split(offers[0].side, size, [_outlet(offer) for offer in offers], sigma, self._z).parts)


def _outlet(offer: Offer) -> Outlet:
    market, terms = offer.market, offer.market.terms
    price = offer.levels[0][0] if offer.levels else 1.0
    per_contract = terms.fee_per_contract / (float(market.contract.multiplier) * price)
    return Outlet(
        market.name,
        offer.levels,
        terms.fee_rate + per_contract,
        fx=market.rate,
        latency_s=terms.submit_ns * _NS,
        taker_markout=market.quality.loss * market.rate,
        lot=offer.lot,
        min_size=offer.min_size,
        capacity=offer.capacity,
    )


def _against(choice: Choice, ranked: Sequence[Choice]) -> Choice:
    """Return a choice whose reason also says what the best other one would pay."""
    other = next((one for one in ranked if one is not choice), None)
    if other is None:
        return choice
    return Choice(choice.market, f"{choice.reason}; beside {other.reason}", choice.expected, choice.offer)
