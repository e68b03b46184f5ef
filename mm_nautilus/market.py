"""The vocabulary every room of the library shares: sides, books, quotes, ladders, orders and fills.

Everything here is a frozen value without behaviour beyond what its fields imply. Model inputs and
outputs are floats (price units, base units, seconds); whatever reaches an order is an integer
number of *ticks* and *lots*, so that exposure and order comparison are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum

from msgspec import Struct

from mm_nautilus.errors import ParameterError


class Side(IntEnum):
    """Our own order side; the value is the sign of the position change when it fills."""

    BUY = 1
    SELL = -1

    __hash__ = int.__hash__  # an enum's own is a Python function, and sides are looked up on every pass

    @property
    def opposite(self) -> Side:
        """Return the other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class QuoteState(Enum):
    """What the strategy is doing with its two sides."""

    ACTIVE = "ACTIVE"
    """Both sides are quoted at the model's prices."""
    PASSIVE = "PASSIVE"
    """Both sides are quoted, wider than the model asked for."""
    AGGRESSIVE = "AGGRESSIVE"
    """The reducing side is tightened to shed inventory."""
    INVENTORY_LIMIT = "INVENTORY_LIMIT"
    """Only the side that reduces the position is quoted."""
    WITHDRAWN = "WITHDRAWN"
    """Nothing is quoted."""


class Purpose(StrEnum):
    """What an order is for; it decides which line of the PnL its fills belong to."""

    QUOTE = "QUOTE"
    """Rests to earn the spread."""
    HEDGE = "HEDGE"
    """Takes liquidity to carry less of what the quotes have bought or sold."""
    LIQUIDATION = "LIQUIDATION"
    """Takes liquidity because the position must go: too old, or ordered to be flattened."""
    ARBITRAGE = "ARBITRAGE"
    """Takes liquidity on one of two venues whose prices cross after costs."""
    EXTERNAL = "EXTERNAL"
    """Somebody else's order on our account: by hand, of another program, or of the venue itself."""


class RiskStage(IntEnum):
    """How far trading is restrained, mildest first; each stage includes the ones before it."""

    NORMAL = 0
    WIDEN = 1
    """Quotes stand wider."""
    REDUCE_ONLY = 2
    """Only what reduces the position is quoted."""
    FLATTEN = 3
    """Nothing is quoted and the position is hedged away."""
    HALT = 4
    """Nothing is quoted, what exceeds the emergency share is hedged, and only an explicit action resumes."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The lattice an instrument trades on: prices are multiples of a tick, sizes of a lot.

    Parameters
    ----------
    tick : Decimal
        Smallest price step, in quote currency.
    lot : Decimal
        Smallest size step, in base units (contracts for derivatives).
    min_lots : int
        Smallest order the venue accepts, in lots.
    min_notional : Decimal
        Smallest value of an order the venue accepts, in quote currency.

    """

    tick: Decimal
    lot: Decimal
    min_lots: int = 1
    min_notional: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.tick <= 0:
            raise ValueError(f"tick must be > 0, found {self.tick}")
        if self.lot <= 0:
            raise ValueError(f"lot must be > 0, found {self.lot}")
        if self.min_lots < 1:
            raise ValueError(f"min_lots must be >= 1, found {self.min_lots}")
        if self.min_notional < 0:
            raise ValueError(f"min_notional must be >= 0, found {self.min_notional}")


class TopOfBook(Struct, frozen=True, gc=False):
    """Best bid and offer with the sizes shown there, in price and base units."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float

    @property
    def mid(self) -> float:
        """Arithmetic mean of the best prices, in price units."""
        return 0.5 * (self.bid + self.ask)

    @property
    def spread(self) -> float:
        """Best ask minus best bid, in price units."""
        return self.ask - self.bid


class Intensity(Struct, frozen=True, gc=False):
    """Fill intensity of one side, ``lambda(depth) = A exp(-k depth)``.

    Parameters
    ----------
    a_per_s : float
        Intensity ``A`` at zero distance from the reference price, in fills per second.
    k_per_price : float
        Decay ``k`` with distance, in 1/price unit.

    Raises
    ------
    ParameterError
        For a value that is not a finite number above 0.

    """

    a_per_s: float
    k_per_price: float

    def __post_init__(self) -> None:
        for field, value in (("a_per_s", self.a_per_s), ("k_per_price", self.k_per_price)):
            if not 0.0 < value < math.inf:
                raise ParameterError(field, value, "a finite number above 0")


class MarketState(Struct, frozen=True, gc=False):
    """What the estimators say about one instrument at one instant (pipeline step 1)."""

    ts_ns: int
    top: TopOfBook
    fair_value: float
    """Reference price the model quotes around, in price units."""
    sigma: float
    """Arithmetic volatility of the reference price, in price units per square-root second."""
    bid_intensity: Intensity
    ask_intensity: Intensity
    volume_ratio: float = 1.0
    """Recent volume rate over the long-run one; 1 where nothing measures it."""
    adverse_ratio: float = 0.0
    """Share of our recent fills that the price moved against, in [0, 1]; 0 where nothing measures it."""


class Quote(Struct, frozen=True, gc=False):
    """A model's answer (pipeline step 2): where the centre is and how far each side stands from it.

    ``None`` on a side means that the model does not quote it (it is at its inventory bound).
    ``bid = reservation_price - bid_half_spread`` and ``ask = reservation_price + ask_half_spread``;
    a half-spread may be negative only where the model says so.
    """

    reservation_price: float
    bid_half_spread: float | None
    ask_half_spread: float | None

    @property
    def bid(self) -> float | None:
        """Bid price before the ladder and the guards, in price units."""
        return None if self.bid_half_spread is None else self.reservation_price - self.bid_half_spread

    @property
    def ask(self) -> float | None:
        """Ask price before the ladder and the guards, in price units."""
        return None if self.ask_half_spread is None else self.reservation_price + self.ask_half_spread


class Level(Struct, frozen=True, gc=False):
    """One wanted resting order: level 0 is the closest to the market."""

    side: Side
    index: int
    price_ticks: int
    size_lots: int


class Ladder(Struct, frozen=True, gc=False):
    """The orders we want to rest, best price first on each side."""

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    def side(self, side: Side) -> tuple[Level, ...]:
        """Return the levels of one side."""
        return self.bids if side is Side.BUY else self.asks


EMPTY_LADDER = Ladder()
