"""What stays the same about a venue for a run: asset, currency, fees, and how contracts become base units."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import COST, EXACT, PLACES
from mm_nautilus.venues.arbitrage import ExactDepth
from mm_nautilus.venues.depth import Depth


class Health(StrEnum):
    """Whether a venue counts now, and why not."""

    LIVE = "LIVE"
    NO_BOOK = "NO_BOOK"
    """A side is missing, or nothing has been seen yet."""
    CROSSED_BOOK = "CROSSED_BOOK"
    """Its own bid is at or above its own ask."""
    STALE = "STALE"
    """Nothing has been heard for longer than it may be silent."""
    NO_RATE = "NO_RATE"
    """The rate into the reference currency is missing or stale."""
    CLOCK_OFFSET = "CLOCK_OFFSET"
    """Its clock is further from the others than its prices can be compared across."""
    DISCONNECTED = "DISCONNECTED"
    HALTED = "HALTED"


@dataclass(frozen=True, slots=True)
class Venue:
    """One instrument of the asset on one venue.

    Parameters
    ----------
    name : str
        What it is called in logs and explanations.
    asset : str
        What is traded; the same on every venue that is priced together.
    currency : str
        Quote currency of its prices.
    maker_fee, taker_fee : float
        As fractions of notional in (-1, 1); negative is a rebate.
    inverse : bool
        Whether a contract is a fixed amount of quote currency settled in the asset.
    multiplier : Decimal or None
        Base units per contract; of an inverse contract its face value in quote currency, which must be given.
        ``None`` is 1: sizes are base units.

    Raises
    ------
    ParameterError
        For a fee that is missing or out of range, a multiplier not above 0, or an inverse contract without one.

    """

    name: str
    asset: str
    currency: str
    maker_fee: float
    taker_fee: float
    inverse: bool = False
    multiplier: Decimal | None = None

    def __post_init__(self) -> None:
        for side in ("maker_fee", "taker_fee"):
            fee = getattr(self, side)
            if not isinstance(fee, int | float) or not -1.0 < fee < 1.0:
                raise ParameterError(f"{self.name}: {side}", fee, "a fraction in (-1, 1): no fee is 0, not nothing")
        if self.multiplier is None:
            if self.inverse:
                raise ParameterError(f"{self.name}: multiplier", None, "given: the face value of the inverse contract")
        elif not (self.multiplier.is_finite() and self.multiplier > 0):
            raise ParameterError(f"{self.name}: multiplier", self.multiplier, "> 0 and finite")

    @property
    def in_base_units(self) -> bool:
        """Whether its sizes are base units as they are."""
        return not self.inverse and (self.multiplier is None or self.multiplier == 1)

    def base_units(self, size: float, price: float) -> float:
        """Return a size of this venue (contracts) in base units: ``n m``, or ``n m / price`` of an inverse contract."""
        worth = size * float(self.multiplier or 1)
        return worth / price if self.inverse else worth

    def contracts(self, base: float, price: float) -> float:
        """Return base units as a size of this venue; the inverse of `base_units`, not rounded."""
        worth = base * price if self.inverse else base
        return worth / float(self.multiplier or 1)

    def depth(self, levels: Depth) -> Depth:
        """Return levels of its book, best first, with sizes in base units; `levels` itself where they are.

        The mean price by base units over such levels is the one that matters for a hedge: selling `n` inverse contracts
        of face `m` at `p` offsets ``n m / p`` base units at the price `p`.
        """
        return levels if self.in_base_units else self._in_base(levels)

    def exact_depth(self, levels: ExactDepth) -> ExactDepth:
        """Return `depth` in exact numbers; sizes of inverse contracts are cut at 16 places."""
        return levels if self.in_base_units else self._exactly_in_base(levels)

    def _in_base(self, levels: Depth) -> Iterator[tuple[float, float]]:
        multiplier = float(self.multiplier or 1)
        if self.inverse:
            for price, size in levels:
                yield price, (size * multiplier / price if price > 0.0 else 0.0)
        else:
            for price, size in levels:
                yield price, size * multiplier

    def _exactly_in_base(self, levels: ExactDepth) -> Iterator[tuple[Decimal, Decimal]]:
        multiplier = self.multiplier or Decimal(1)
        for price, size in levels:
            worth = EXACT.multiply(size, multiplier)
            yield price, (COST.divide(worth, price).quantize(PLACES, ROUND_DOWN, COST) if self.inverse else worth)


def check_together(venues: Sequence[Venue], reference_currency: str, rates: Collection[str] = ()) -> None:
    """Refuse venues whose prices cannot be compared.

    Parameters
    ----------
    venues : sequence of Venue
        What is to be priced as one asset.
    reference_currency : str
        Currency of the consolidated price.
    rates : collection of str
        Currencies that there is a source of a rate into the reference currency for.

    Raises
    ------
    ParameterError
        For no venue, a name used twice, different assets, or a currency without a rate.

    """
    if not venues:
        raise ParameterError("venues", [], "at least one")
    names: set[str] = set()
    first = venues[0]
    for venue in venues:
        if venue.name in names:
            raise ParameterError("venues", venue.name, "named once each")
        names.add(venue.name)
        if venue.asset != first.asset:
            raise ParameterError(f"{venue.name}: asset", venue.asset, f"{first.asset}, as on {first.name}")
        if venue.currency != reference_currency and venue.currency not in rates:
            raise ParameterError(
                f"{venue.name}: currency",
                venue.currency,
                f"{reference_currency}, or one with a rate into it ({', '.join(sorted(rates)) or 'none is given'})",
            )
