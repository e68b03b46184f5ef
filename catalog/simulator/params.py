"""Parameters of a simulated market: assets with an efficient price, venues that list them, episodes that stress them.

Prices and price differences (``_price``) are in quote currency, sizes (``_base``) in base currency, times in
seconds. Every value here is ground truth: it is stored with the catalogue it made.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import AwareDatetime, Field, field_validator, model_validator

from mm_nautilus.settings import Settings

MAX_LAG_S: Final = 10.0
"""Longest lead-lag; every efficient price starts this long before the data, so that no lag changes another's path."""

type Positive = Annotated[float, Field(gt=0)]
type NonNegative = Annotated[float, Field(ge=0)]
type Share = Annotated[float, Field(ge=0, le=1)]
type Code = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$")]


def decimal_places(increment: Decimal) -> int:
    """Return how many decimal places an increment needs."""
    exponent = increment.normalize().as_tuple().exponent
    return max(0, -int(exponent))


class Jumps(Settings):
    """Compound Poisson jumps of the efficient price with normal sizes."""

    rate_per_s: NonNegative = 0.0
    size_mean_price: float = 0.0
    size_sd_price: NonNegative = 0.0


class Episode(Settings):
    """A stretch of time in which the market is different; where episodes overlap, their multipliers multiply.

    Multipliers that change the displayed book (spread and sizes) act at once, at the start and at the end.
    """

    start_s: NonNegative
    duration_s: Positive
    price_change: float = 0.0
    """Drift of the efficient price, spread evenly over the episode, in quote currency."""
    jump_price: float = 0.0
    """Jump of the efficient price at the start, in quote currency."""
    volatility_multiplier: Annotated[float, Field(ge=0, le=100)] = 1.0
    half_spread_multiplier: Annotated[float, Field(gt=0, le=1000)] = 1.0
    size_multiplier: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """On displayed level sizes."""
    bid_hit_multiplier: Annotated[float, Field(ge=0, le=1_000_000)] = 1.0
    """On the rate at which market sells hit bids."""
    ask_hit_multiplier: Annotated[float, Field(ge=0, le=1_000_000)] = 1.0
    """On the rate at which market buys lift asks."""
    informed_share: Share | None = None
    """Replaces the venue's share while the episode lasts; of several, the last one listed holds."""

    @property
    def end_s(self) -> float:
        """Time at which the market is back to normal."""
        return self.start_s + self.duration_s


class Asset(Settings):
    """What is traded: an efficient price with arithmetic diffusion, jumps and scheduled episodes."""

    name: Code = "SOL"
    price: Positive = 100.0
    sigma_price_per_sqrt_s: NonNegative = 0.01
    jumps: Jumps = Jumps()
    episodes: tuple[Episode, ...] = ()


class Hits(Settings):
    """Rate at which a resting order at ``depth`` from the mid is hit, ``A exp(-k depth)``.

    Exact from the touch outwards; inside the book's spread it is the rate of the touch, since the
    market orders that arrive are those the touch attracts.
    """

    a_per_s: Positive = 1.0
    k_per_price: Positive = 50.0


class Excitation(Settings):
    """Hawkes self-excitation of one side's market orders with an exponential kernel.

    The base rate is lowered to ``1 - branching_ratio`` of itself: the stationary mean stays ``A exp(-k depth)``.
    """

    branching_ratio: Annotated[float, Field(ge=0, le=0.95)] = 0.0
    """Market orders that each market order causes directly, on average."""
    decay_per_s: Positive = 1.0


class Informed(Settings):
    """Traders who know where the efficient price will be ``horizon_s`` from now, and trade in that direction."""

    share: Share = 0.0
    """Share of the market orders; the total rate does not depend on it while up and down are equally likely."""
    horizon_s: Annotated[float, Field(ge=0.1, le=600)] = 10.0


class MeanReverting(Settings):
    """Stationary Ornstein-Uhlenbeck price difference."""

    mean_price: float = 0.0
    sd_price: NonNegative = 0.0
    half_life_s: Positive = 60.0


class Sizes(Settings):
    """Displayed and traded sizes, in base currency."""

    level_mean_base: Positive = 5.0
    level_shape: Annotated[float, Field(ge=0.5, le=1000)] = 4.0
    """Shape of the gamma distribution of displayed sizes; its coefficient of variation is ``shape**-0.5``."""
    trade_min_base: Positive = 1.0
    """Least size of a trade: an order up to this size with no queue ahead is filled by whatever touches it."""
    trade_mean_base: Positive = 2.0
    """Mean size of the trade at the last level a market order reaches; the excess over the minimum is exponential."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.trade_mean_base < self.trade_min_base:
            raise ValueError(f"trade_mean_base {self.trade_mean_base} must be >= trade_min_base {self.trade_min_base}")
        return self


class Venue(Settings):
    """One market for one asset: its instrument, its book, its order flow and how its price relates to the asset's."""

    venue: Code = "SIM"
    asset: Code = "SOL"
    quote_currency: Code = "USDT"
    kind: Literal["spot", "perpetual"] = "spot"
    tick_price: Decimal = Decimal("0.01")
    lot_base: Decimal = Decimal("0.001")
    step_ticks: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Ticks from level to level, and by which the mid moves. In a market whose ticks are fine beside its volatility
    every tick the price passes would be an event of its own."""
    half_spread_ticks: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Distance of either touch from the mid; the mid is always on a tick."""
    levels: Annotated[int, Field(ge=2, le=100)] = 20
    bid: Hits = Hits()
    """Rate at which resting bids are hit."""
    ask: Hits = Hits()
    """Rate at which resting asks are hit."""
    excitation: Excitation = Excitation()
    informed: Informed = Informed()
    sizes: Sizes = Sizes()
    book_updates_per_s: NonNegative = 8.0
    """Rate of size changes by passive orders that come and go."""
    lag_s: Annotated[float, Field(ge=0, le=MAX_LAG_S)] = 0.0
    """How long this venue lags behind the efficient price."""
    basis: MeanReverting = MeanReverting()
    """Slow difference to the efficient price."""
    noise: MeanReverting = MeanReverting(half_life_s=1.0)
    """Fast difference to the efficient price."""
    feed_latency_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Constant part of what lies between ``ts_event`` and ``ts_init``."""
    feed_jitter_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Mean of its exponential part; the order of events is kept."""
    definition: dict[str, Any] | None = None
    """An instrument of the engine as a dictionary (its ``to_dict``), to be traded in place of the pair that venue,
    asset, currency and kind make; its increments are ``tick_price`` and ``lot_base``."""

    @field_validator("tick_price", "lot_base")
    @classmethod
    def _increment(cls, value: Decimal) -> Decimal:
        if not value.is_finite() or value <= 0:
            raise ValueError(f"must be > 0, found {value}")
        if (places := decimal_places(value)) > 9:
            raise ValueError(f"at most 9 decimal places, found {places}")
        return value

    @model_validator(mode="after")
    def _tradable(self) -> Self:
        if self.sizes.trade_min_base < float(self.lot_base):
            raise ValueError(f"sizes.trade_min_base {self.sizes.trade_min_base} is less than one lot {self.lot_base}")
        if self.definition is not None:
            for field, own in (("price_increment", self.tick_price), ("size_increment", self.lot_base)):
                if Decimal(str(self.definition.get(field, "NaN"))) != own:
                    raise ValueError(f"definition.{field} must be {own}, found {self.definition.get(field)!r}")
        return self

    @property
    def instrument_id(self) -> str:
        """Engine instrument id, ``SOLUSDT.SIM`` or ``SOLUSDT-PERP.SIM`` unless it is defined otherwise."""
        return f"{self.symbol}.{self.venue}" if self.definition is None else str(self.definition["id"])

    @property
    def precisions(self) -> tuple[int, int]:
        """Decimal places of prices and of sizes."""
        if self.definition is None:
            return decimal_places(self.tick_price), decimal_places(self.lot_base)
        return int(self.definition["price_precision"]), int(self.definition["size_precision"])

    @property
    def symbol(self) -> str:
        """Symbol without the venue."""
        return f"{self.asset}{self.quote_currency}{'-PERP' if self.kind == 'perpetual' else ''}"


class SimulationParams(Settings):
    """A whole simulated market."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")] = "custom"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    start: AwareDatetime = datetime(2024, 1, 1, tzinfo=UTC)
    duration_s: Annotated[float, Field(ge=1, le=31 * 86_400)] = 3600.0
    assets: tuple[Asset, ...] = (Asset(),)
    correlation: tuple[tuple[float, ...], ...] | None = None
    """Correlation of the assets' diffusions in the order of ``assets``; none means independent."""
    venues: tuple[Venue, ...] = (Venue(),)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field in ("assets", "venues"):
            if not getattr(self, field):
                raise ValueError(f"{field}: at least one is wanted, found none")
        names = [asset.name for asset in self.assets]
        if len(set(names)) != len(names):
            raise ValueError(f"assets: names must differ, found {names}")
        ids = [venue.instrument_id for venue in self.venues]
        if len(set(ids)) != len(ids):
            raise ValueError(f"venues: instruments must differ, found {ids}")
        for index, venue in enumerate(self.venues):
            _check_listing(index, venue, self.assets)
        for asset in self.assets:
            for index, episode in enumerate(asset.episodes):
                if episode.start_s >= self.duration_s:
                    raise ValueError(
                        f"assets.{asset.name}.episodes.{index}.start_s: {episode.start_s:g} is not before the end, "
                        f"duration_s = {self.duration_s:g}"
                    )
        if self.correlation is not None:
            _check_correlation(self.correlation, len(names))
        return self

    def asset(self, name: str) -> Asset:
        """Return an asset by its name."""
        return next(asset for asset in self.assets if asset.name == name)


def _check_listing(index: int, venue: Venue, assets: tuple[Asset, ...]) -> None:
    asset = next((asset for asset in assets if asset.name == venue.asset), None)
    if asset is None:
        raise ValueError(f"venues.{index}.asset: {venue.asset!r} is not among assets {[a.name for a in assets]}")
    ticks = venue.half_spread_ticks + venue.levels * venue.step_ticks
    lowest = asset.price + venue.basis.mean_price - ticks * float(venue.tick_price)
    if lowest <= 0:
        raise ValueError(
            f"venues.{index}: {venue.levels} levels of {venue.step_ticks * venue.tick_price} below the {asset.name} "
            f"price {asset.price:g} reach zero; choose a smaller tick_price, step_ticks, half_spread_ticks or levels"
        )


def _check_correlation(rows: tuple[tuple[float, ...], ...], size: int) -> None:
    if len(rows) != size or any(len(row) != size for row in rows):
        raise ValueError(f"correlation: must be {size} x {size}, one row per asset")
    matrix = np.array(rows)
    if not np.array_equal(matrix, matrix.T) or not np.all(np.diag(matrix) == 1):
        raise ValueError("correlation: must be symmetric with ones on the diagonal")
    if (smallest := float(np.linalg.eigvalsh(matrix)[0])) < 1e-10:
        raise ValueError(f"correlation: must be positive definite, smallest eigenvalue is {smallest:.3g}")
