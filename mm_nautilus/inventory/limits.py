r"""What the asset, the venue, the day and the portfolio leave us to quote: most lots a side may have working.

With :math:`m` what a limit measures in the direction of a side, counted in the worst case (whatever works elsewhere in
that direction has filled), and :math:`c` its cap, a side may add :math:`c - m`:

======================= ==================================================== =======================================
limit                   measure on the buying side                           cap
======================= ==================================================== =======================================
asset, netted           :math:`E + \sum_{j \ne i} \text{buys}_j`             ``max_asset_position``
venue, gross            :math:`x_i`                                          ``max_venue_gross_notional`` less
                                                                             :math:`\sum_{j \ne i} \max(|x_j +
                                                                             \text{buys}_j|, |x_j - \text{sells}_j|)`
portfolio, share of     as the asset's                                       ``max_portfolio_share x capital`` less
capital                                                                      the other assets' worst exposures
day's volume            0                                                    half of what is left of
                                                                             ``max_daily_volume``: both sides may
                                                                             fill
======================= ==================================================== =======================================

The selling side mirrors, :math:`E` is the asset's exposure over all venues. A cap is never below 0, so that from
beyond a limit the way back is open in full: what reduces the measure is never refused, the day's volume not excepted,
under which the asset's exposure may still be brought to zero. What works elsewhere on the same side is counted first:
two instruments may not both reduce the same exposure.

Exposures are floats here: a bound is whole lots, rounded down, and a lot is larger than any rounding of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import Struct

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import TopOfBook
from mm_nautilus.quoting.guards import Bounds, Reason
from mm_nautilus.quoting.lattice import whole_lots
from mm_nautilus.quoting.limit_settings import LimitSettings


class Holding(Struct, frozen=True, gc=False):
    """One instrument as the limits see it, in units of its asset."""

    asset: str
    venue: str
    position: float
    """Signed."""
    open_buy: float
    """Size of all working and in-flight buys, hedges included; at least 0."""
    open_sell: float
    price: float
    """Quote currency per unit of the asset; above 0."""


class Quoting(Protocol):
    """What is asked of an instrument that is quoted; `mm_nautilus.quoting.desk.Desk` is one."""

    @property
    def top(self) -> TopOfBook | None:
        """Best prices as they were last heard."""

    @property
    def position_lots(self) -> int:
        """Signed position."""

    @property
    def working_lots(self) -> tuple[int, int]:
        """Lots that may still be bought and sold, hedges included."""


class Held:
    """The `Holding` of an instrument that is quoted, found anew only when its market, position or orders have changed.

    Every other instrument of a strategy asks for it on each of its own passes.

    Parameters
    ----------
    asset, venue : str
        Of the instrument.
    base_per_lot : callable
        Units of the asset in a lot at a price.

    """

    __slots__ = ("_asset", "_base_per_lot", "_holding", "_position_lots", "_top", "_venue", "_working_lots")

    def __init__(self, asset: str, venue: str, base_per_lot: Callable[[float], float]) -> None:
        self._asset, self._venue, self._base_per_lot = asset, venue, base_per_lot
        self._holding: Holding | None = None
        self._top: TopOfBook | None = None
        self._position_lots = 0
        self._working_lots = (0, 0)

    def of(self, desk: Quoting) -> Holding | None:
        """Return the position and everything that works, as the limits of others see it; ``None`` without a price."""
        top, position_lots, working_lots = desk.top, desk.position_lots, desk.working_lots
        if top is self._top and position_lots == self._position_lots and working_lots == self._working_lots:
            return self._holding
        self._top, self._position_lots, self._working_lots = top, position_lots, working_lots
        self._holding = None
        if top is not None and (mid := top.mid) > 0.0:
            unit = self._base_per_lot(mid)
            buying, selling = working_lots
            self._holding = Holding(self._asset, self._venue, position_lots * unit, buying * unit, selling * unit, mid)
        return self._holding


class Surroundings(Struct, frozen=True, gc=False):
    """Everything but the instrument that is to be quoted, added up; see `surroundings`."""

    position: float = 0.0
    """Of the asset on other instruments, signed, in units of the asset."""
    open_buy: float = 0.0
    """Working there, in units of the asset."""
    open_sell: float = 0.0
    venue_gross: float = 0.0
    """Worst case of the other instruments of the venue, in quote currency."""
    portfolio: float = 0.0
    """Worst case of the other assets, in quote currency."""


ALONE: Final = Surroundings()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits as floats; ``None`` where there is none.

    Parameters
    ----------
    max_asset_position : float or None
        Largest exposure of the asset, netted over venues, in its units.
    max_venue_gross_notional : float or None
        Largest sum of the absolute exposures at the venue, in quote currency.
    max_daily_volume : float or None
        Largest volume traded in a day, in quote currency.
    max_portfolio_notional : float or None
        Largest sum of the absolute net exposures of all assets, in quote currency.

    Raises
    ------
    ParameterError
        For one that is not above 0.

    """

    max_asset_position: float | None = None
    max_venue_gross_notional: float | None = None
    max_daily_volume: float | None = None
    max_portfolio_notional: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ParameterError(name, value, "> 0")

    @classmethod
    def of(cls, settings: LimitSettings) -> Limits:
        """Return the limits that a strategy's settings state."""
        portfolio = settings.max_portfolio_notional
        return cls(
            *(
                None if value is None else float(value)
                for value in (
                    settings.max_asset_position,
                    settings.max_venue_gross_notional,
                    settings.max_daily_volume,
                    portfolio,
                )
            )
        )


def surroundings(asset: str, venue: str, others: Iterable[Holding]) -> Surroundings:
    """Add up what the limits of one instrument need to know of all others.

    Parameters
    ----------
    asset, venue : str
        Of the instrument that is to be quoted.
    others : iterable of Holding
        Every instrument but that one.

    """
    position = open_buy = open_sell = venue_gross = 0.0
    long_short: dict[str, tuple[float, float]] = {}
    for one in others:
        if one.asset == asset:
            position += one.position
            open_buy += one.open_buy
            open_sell += one.open_sell
        else:
            worst_long, worst_short = long_short.get(one.asset, (0.0, 0.0))
            long_short[one.asset] = (
                worst_long + (one.position + one.open_buy) * one.price,
                worst_short + (one.position - one.open_sell) * one.price,
            )
        if one.venue == venue:
            venue_gross += max(abs(one.position + one.open_buy), abs(one.position - one.open_sell)) * one.price
    portfolio = sum(max(abs(worst_long), abs(worst_short)) for worst_long, worst_short in long_short.values())
    return Surroundings(position, open_buy, open_sell, venue_gross, portfolio)


def side_bounds(
    position: float,
    price: float,
    lot: float,
    limits: Limits,
    around: Surroundings = ALONE,
    traded: float = 0.0,
) -> Bounds:
    """Return how many lots may work on each side of an instrument, and what binds there.

    Parameters
    ----------
    position : float
        Signed position on the instrument, in units of the asset.
    price : float
        Quote currency per unit of the asset; above 0.
    lot : float
        Units of the asset in one lot of the instrument; above 0.
    limits : Limits
        What may not be exceeded.
    around : Surroundings
        Every other instrument.
    traded : float
        Volume of the day so far and what works elsewhere, in quote currency.

    """
    buy = sell = math.inf
    buy_reason = sell_reason = Reason.ASSET_LIMIT
    for reason, cap, measure, open_buy, open_sell in _measured(position, price, limits, around):
        more, less = cap - measure - open_buy, cap + measure - open_sell
        if more < buy:
            buy, buy_reason = more, reason
        if less < sell:
            sell, sell_reason = less, reason
    if limits.max_daily_volume is not None:
        net = position + around.position
        share = max(limits.max_daily_volume - traded, 0.0) / (2.0 * price)
        more, less = max(share, -net - around.open_buy), max(share, net - around.open_sell)
        if more < buy:
            buy, buy_reason = more, Reason.VOLUME_LIMIT
        if less < sell:
            sell, sell_reason = less, Reason.VOLUME_LIMIT
    return Bounds(_lots(buy, lot), _lots(sell, lot), buy_reason, sell_reason)


type _Measure = tuple[Reason, float, float, float, float]


def _measured(position: float, price: float, limits: Limits, around: Surroundings) -> list[_Measure]:
    """Return reason, cap, signed measure and what works elsewhere in both directions, for each limit on a position."""
    found: list[_Measure] = []
    net, open_buy, open_sell = position + around.position, around.open_buy, around.open_sell
    if limits.max_asset_position is not None:
        found.append((Reason.ASSET_LIMIT, limits.max_asset_position, net, open_buy, open_sell))
    if limits.max_venue_gross_notional is not None:
        cap = max(limits.max_venue_gross_notional - around.venue_gross, 0.0) / price
        found.append((Reason.VENUE_LIMIT, cap, position, 0.0, 0.0))
    if limits.max_portfolio_notional is not None:
        cap = max(limits.max_portfolio_notional - around.portfolio, 0.0) / price
        found.append((Reason.PORTFOLIO_LIMIT, cap, net, open_buy, open_sell))
    return found


def _lots(size: float, lot: float) -> int | None:
    return None if size == math.inf else whole_lots(max(size, 0.0) / lot)
