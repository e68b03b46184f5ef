r"""Where to send an order: venues ranked by what the order is expected to pay, with every cost on a line of its own.

Taking, per unit of the size, in the common currency and signed so that a cost is positive:

.. math::
    \text{net} = \text{top} + s\,(\text{depth} + \text{fee} + \text{latency} + \text{markout})

with ``s`` 1 for a buy, whose costs raise what is paid, and -1 for a sell. ``latency`` is
:math:`z\,\sigma\sqrt{\text{latency}}`; ``markout`` is what fills there have lost against the mid lately, beside their
fee. Resting, a fill is expected with probability

.. math:: p = P\bigl(\mathrm{Gamma}(Q/v) \le \lambda h\bigr), \qquad Q = \text{queue ahead} + \text{size}

(volume of mean :math:`v` arriving at rate :math:`\lambda` for a patience :math:`h`), and what is not filled is taken at
the best venue afterwards, at its net price and what waiting costs.

Fails where depth is shown on several venues by one maker who pulls it all after the first fill; and a queue is worked
through faster than said where orders in front are cancelled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.venues.depth import Depth, sweep_vwap
from mm_nautilus.venues.venue import Health

ENOUGH: Final = 1e-12
"""Share of an order that float sums may leave over."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """A venue an order may be sent to, as it is now; prices in its own currency, sizes in base units.

    Parameters
    ----------
    name : str
        Of the venue.
    levels : iterable of (price, size)
        The side an order would take: bids for a sell, asks for a buy; best first, without our own orders.
    taker_fee, maker_fee : float
        As fractions in (-1, 1); negative is a rebate.
    fx : float
        Common currency per its currency; above 0.
    latency_s : float
        Measured from decision to arrival, in seconds; at least 0.
    taker_markout, maker_markout : float
        Mean loss of recent fills per unit against the later mid, beyond spread and fee, in the common currency;
        positive is a cost.
    lot : float
        Size step in base units; 0 for none.
    min_size : float
        Smallest order in base units; at least 0.
    capacity : float
        Base units that balance and limits there leave to an order of this side; at least 0.
    best : float or None
        Price at which an order would rest; ``None`` where it cannot.
    queue_ahead : float
        Size in front of an order that rests there, in base units.
    trades_per_s, mean_trade : float
        Rate and mean size, in base units, of the trades that reach that price.
    health : Health
        Anything but LIVE takes it out.

    Raises
    ------
    ParameterError
        For a number outside its range.

    """

    name: str
    levels: Depth
    taker_fee: float
    maker_fee: float = 0.0
    fx: float = 1.0
    latency_s: float = 0.0
    taker_markout: float = 0.0
    maker_markout: float = 0.0
    lot: float = 0.0
    min_size: float = 0.0
    capacity: float = math.inf
    best: float | None = None
    queue_ahead: float = 0.0
    trades_per_s: float = 0.0
    mean_trade: float = 0.0
    health: Health = Health.LIVE

    def __post_init__(self) -> None:
        for name in ("taker_fee", "maker_fee"):
            if not -1.0 < getattr(self, name) < 1.0:
                raise ParameterError(f"{self.name}: {name}", getattr(self, name), "a fraction in (-1, 1)")
        if not 0.0 < self.fx < math.inf:
            raise ParameterError(f"{self.name}: fx", self.fx, "> 0 and finite")
        for name in ("latency_s", "lot", "min_size", "queue_ahead", "trades_per_s", "mean_trade"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ParameterError(f"{self.name}: {name}", getattr(self, name), ">= 0 and finite")
        if not self.capacity >= 0.0:
            raise ParameterError(f"{self.name}: capacity", self.capacity, ">= 0")
        for name in ("taker_markout", "maker_markout"):
            if not math.isfinite(getattr(self, name)):
                raise ParameterError(f"{self.name}: {name}", getattr(self, name), "finite")


@dataclass(frozen=True, slots=True)
class Costs:
    """What one unit costs beside its price, line by line, in the common currency; negative is a gain."""

    depth: float = 0.0
    """Mean price of the size beyond the best one."""
    fee: float = 0.0
    latency: float = 0.0
    markout: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the lines."""
        return self.depth + self.fee + self.latency + self.markout


@dataclass(frozen=True, slots=True)
class Route:
    """One venue's answer to an order, and how it comes about.

    Parameters
    ----------
    venue : str
        Name.
    side : Side
        Of the order.
    price : float
        The price it starts from, in the common currency: the best one when taking, the resting one when not. NaN
        without.
    costs : Costs
        Per unit.
    net_price : float
        What a unit is expected to pay or bring; NaN where the venue is refused.
    fill_probability : float
        1 when taking.
    refused : str
        Why the venue cannot take the order; empty where it can.

    """

    venue: str
    side: Side
    price: float
    costs: Costs
    net_price: float
    fill_probability: float = 1.0
    refused: str = ""

    @property
    def explanation(self) -> str:
        """One line that says what the venue would pay and why."""
        verb = "buy" if self.side is Side.BUY else "sell"
        if self.refused:
            return f"{self.venue}: cannot {verb} there: {self.refused}"
        lines = self.costs  # + 0.0: nothing is never below 0
        chance = "" if self.fill_probability == 1.0 else f", filled with probability {self.fill_probability:.3f}"
        return (
            f"{self.venue}: {verb} at {self.net_price:.10g} net = {self.price:.10g} with "
            f"depth {lines.depth + 0.0:+.6g}, fee {lines.fee:+.6g}, latency {lines.latency:+.6g}, "
            f"markout {lines.markout:+.6g} a unit{chance}"
        )


def rank_taking(side: Side, size: float, outlets: Iterable[Outlet], sigma: float = 0.0, z: float = 0.0) -> list[Route]:
    """Rank venues for an order that takes liquidity, best first; those that cannot take it come last.

    Parameters
    ----------
    side : Side
        Of the order.
    size : float
        Base units; above 0.
    outlets : iterable of Outlet
        With the book side the order would take.
    sigma : float
        Volatility in common currency per square-root second; at least 0.
    z : float
        Standard deviations over the latency to charge; at least 0.

    Raises
    ------
    ParameterError
        For a size not above 0, a negative sigma or z, or a bad level.

    """
    _check(sigma=sigma, z=z)
    routes = [_taking(side, size, outlet, sigma, z) for outlet in outlets]
    return sorted(routes, key=_worst_last)


def _taking(side: Side, size: float, outlet: Outlet, sigma: float, z: float) -> Route:
    bar = _bar(outlet, size)
    if bar:
        return _refused(side, outlet, bar)
    levels = list(reached(outlet.levels, size))
    vwap = sweep_vwap(levels, size)
    if vwap is None:
        return _refused(side, outlet, f"shows {math.fsum(shown for _, shown in levels):g} of {size:g}")
    top, sign = levels[0][0], int(side)
    charged = z * sigma * math.sqrt(outlet.latency_s)
    costs = Costs(sign * (vwap - top) * outlet.fx, vwap * outlet.fx * outlet.taker_fee, charged, outlet.taker_markout)
    return Route(outlet.name, side, top * outlet.fx, costs, top * outlet.fx + sign * costs.total)


def rank_resting(
    side: Side, size: float, outlets: Iterable[Outlet], patience_s: float, fallback: float, waiting_cost: float = 0.0
) -> list[Route]:
    """Rank venues for an order that rests at `Outlet.best`, by expected net price, best first.

    Parameters
    ----------
    side : Side
        Of the order.
    size : float
        Base units; above 0.
    outlets : iterable of Outlet
        With price, queue and trades at which an order would rest.
    patience_s : float
        How long it may rest, in seconds; above 0.
    fallback : float
        Net price of taking instead (`rank_taking`), in the common currency.
    waiting_cost : float
        What taking costs more after having waited, per unit: some share of ``sigma sqrt(patience)``; at least 0.

    Returns
    -------
    list of Route
        ``latency`` holds the expected cost of not being filled, against a fill for certain.

    Raises
    ------
    ParameterError
        For a size or patience not above 0, a negative waiting cost, or a fallback that is not finite.

    """
    for name, value in (("size", size), ("patience_s", patience_s)):
        if not 0.0 < value < math.inf:
            raise ParameterError(name, value, "> 0 and finite")
    if not math.isfinite(fallback):
        raise ParameterError("fallback", fallback, "finite")
    _check(waiting_cost=waiting_cost)
    routes = [_resting(side, size, outlet, patience_s, fallback, waiting_cost) for outlet in outlets]
    return sorted(routes, key=_worst_last)


def _resting(side: Side, size: float, outlet: Outlet, patience_s: float, fallback: float, waiting_cost: float) -> Route:
    bar = _bar(outlet, size)
    if bar or outlet.best is None:
        return _refused(side, outlet, bar or "no price to rest at")
    sign, price = int(side), outlet.best * outlet.fx
    fee = price * outlet.maker_fee
    filled = price + sign * (fee + outlet.maker_markout)
    chance = fill_probability(outlet.queue_ahead + size, outlet.trades_per_s, outlet.mean_trade, patience_s)
    missed = (1.0 - chance) * (sign * (fallback - filled) + waiting_cost)
    costs = Costs(0.0, fee, missed, outlet.maker_markout)
    return Route(outlet.name, side, price, costs, price + sign * costs.total, chance)


def fill_probability(volume_ahead: float, trades_per_s: float, mean_trade: float, patience_s: float) -> float:
    r"""Return the chance that trades work through `volume_ahead` in time: a regularised gamma function.

    Trades arrive as a Poisson stream; with all of one size it is exact where the volume is a whole number of them.
    Orders in front that are cancelled are not counted on.

    Parameters
    ----------
    volume_ahead : float
        Queue ahead plus our own size, in base units; at least 0.
    trades_per_s : float
        Trades that reach the price, per second.
    mean_trade : float
        Their mean size, in base units.
    patience_s : float
        Seconds.

    """
    if volume_ahead <= 0.0:
        return 1.0
    if trades_per_s <= 0.0 or mean_trade <= 0.0:
        return 0.0
    from scipy.special import gammainc  # noqa: PLC0415 - a command line start must not pay for it

    return float(gammainc(volume_ahead / mean_trade, trades_per_s * patience_s))


def net_level(side: Side, price: float, outlet: Outlet, charged: float) -> float:
    """Return the net price of one unit at a level, in the common currency."""
    worth = price * outlet.fx
    return worth + int(side) * (worth * outlet.taker_fee + charged + outlet.taker_markout)


def reached(levels: Depth, size: float) -> Iterable[tuple[float, float]]:
    """Yield the levels that an order of `size` takes, the last one as far as it does."""
    left = size
    for price, shown in levels:
        if left <= 0.0:
            return
        if not (0.0 < price < math.inf and 0.0 <= shown < math.inf):
            raise ParameterError("levels", (price, shown), "finite prices > 0 with sizes >= 0")
        if shown > 0.0:
            yield price, min(shown, left)
            left -= shown


def _bar(outlet: Outlet, size: float) -> str:
    """Return why no order of this size may go there at all; empty where one may."""
    if outlet.health is not Health.LIVE:
        return str(outlet.health)
    if size < outlet.min_size * (1.0 - ENOUGH):
        return f"below its smallest order of {outlet.min_size:g}"
    if size > outlet.capacity * (1.0 + ENOUGH):
        return f"balance and limits leave {outlet.capacity:g} of {size:g}"
    return ""


def _refused(side: Side, outlet: Outlet, why: str) -> Route:
    return Route(outlet.name, side, math.nan, Costs(), math.nan, 0.0, why)


def _worst_last(route: Route) -> tuple[bool, float, str]:
    """Order by what an order pays, venues that cannot take it last, and by name among equals."""
    return bool(route.refused), 0.0 if route.refused else int(route.side) * route.net_price, route.venue


def _check(**values: float) -> None:
    for name, value in values.items():
        if not 0.0 <= value < math.inf:
            raise ParameterError(name, value, ">= 0 and finite")
