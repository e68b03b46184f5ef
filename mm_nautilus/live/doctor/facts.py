"""Plain facts about venues, as the checks take them: no engine type, no secret."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from mm_nautilus.market import Grid
from mm_nautilus.settings import Settings


class Reading(Settings):
    """How far a venue's clock is ahead of ours, in seconds."""

    ahead_s: float
    uncertainty_s: float
    """Half of the round trip, and half of the resolution of what was read."""
    source: str
    """``time endpoint`` or ``Date header``."""


class Listing(Settings):
    """An instrument as its venue lists it, and its best prices in quote currency."""

    instrument_id: str
    tick: Decimal
    lot: Decimal
    min_lots: int
    min_notional: Decimal
    multiplier: Decimal
    inverse: bool
    base: str | None
    quote: str
    settlement: str
    bid: Decimal | None = None
    ask: Decimal | None = None

    @property
    def grid(self) -> Grid:
        """Return the lattice it trades on."""
        return Grid(self.tick, self.lot, self.min_lots, self.min_notional)

    @property
    def mid(self) -> Decimal | None:
        """Return the middle of the market, ``None`` where there is none."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2

    def base_per_unit(self, price: Decimal) -> Decimal:
        """Return the base units that one unit of size moves as, at a price; see `Quoter`."""
        return self.multiplier / price if self.inverse else self.multiplier

    def worth(self, size: Decimal, price: Decimal) -> Decimal:
        """Return what a size is worth at a price, in settlement currency."""
        return size * self.multiplier / price if self.inverse else size * self.multiplier * price


class Holding(Settings):
    """Money of one currency on an account."""

    currency: str
    total: Decimal
    free: Decimal


class Rates(Settings):
    """What an account is charged, as shares of notional; a negative one is a rebate."""

    maker: Decimal
    taker: Decimal


class VenueFacts(Settings):
    """What a venue said about what we are going to trade there."""

    listed: dict[str, Listing] = Field(default_factory=dict)
    similar: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Instruments that are listed, for each of ours that is not."""
    holdings: tuple[Holding, ...] | None = None
    """``None`` where nobody asked, or no answer came."""
    rates: dict[str, Rates] = Field(default_factory=dict)
    """By instrument; empty where the adapter cannot ask."""
    failure: str = ""
    """Why the venue could not be asked about instruments."""
    refusal: str = ""
    """Why the account could not be read."""


class Terms(Settings):
    """What the run file says about trading one instrument."""

    instrument_id: str
    order_size: Decimal | None
    """``None`` where the strategy decides it as it goes."""
    max_position: Decimal | None
    smallest_share: float = 1.0
    """Smallest level of the ladder, as a share of the order size."""
    tolerance_ticks: int = 0
    min_half_spread_bps: float = 0.0
