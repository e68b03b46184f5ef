r"""An order cut up over venues so that it pays as little as possible.

Levels of all venues are merged by their net price (fee, latency and markout of the venue included) and taken from the
best on. As every further unit on a venue costs no less than the one before, no other split pays less; lots that differ
between venues and smallest orders turn it into a puzzle of integers, of which this is a good solution, not always the
best.

Fails where depth is shown on several venues by one maker who pulls it all after the first fill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.models.checks import check_not_negative
from mm_nautilus.quoting.lattice import whole_lots
from mm_nautilus.venues.router import ENOUGH, Outlet, net_level, reached
from mm_nautilus.venues.venue import Health


@dataclass(frozen=True, slots=True)
class Split:
    """An order cut up over venues.

    Parameters
    ----------
    parts : tuple of (str, float)
        Venue and size in base units, largest first.
    net_price : float
        Mean net price of what is placed; NaN where nothing is.
    residual : float
        What no venue takes, in base units.

    """

    parts: tuple[tuple[str, float], ...]
    net_price: float
    residual: float


def split(side: Side, size: float, outlets: Sequence[Outlet], sigma: float = 0.0, z: float = 0.0) -> Split:
    """Cut an order up over venues so that it pays the best net price; see the module.

    A part is rounded down to its venue's lot and dropped below its smallest order; what that leaves over is offered to
    the venues again, best first.

    Parameters
    ----------
    side : Side
        Of the order.
    size : float
        Base units; above 0.
    outlets : sequence of Outlet
        Venues that are not live are left out, and none is given more than its capacity.
    sigma, z : float
        As in `rank_taking`.

    Raises
    ------
    ParameterError
        For a size not above 0, a negative sigma or z, or a bad level.

    """
    if not 0.0 < size < math.inf:
        raise ParameterError("size", size, "> 0 and finite")
    check_not_negative(sigma=sigma, z=z)
    venues = [outlet for outlet in outlets if outlet.health is Health.LIVE]
    merged = sorted(
        (
            (int(side) * net_level(side, price, outlet, z * sigma * math.sqrt(outlet.latency_s)), place, shown)
            for place, outlet in enumerate(venues)
            for price, shown in reached(outlet.levels, min(size, outlet.capacity))
        ),
    )
    barred: set[int] = set()
    while True:
        taken = _fill(merged, size, venues, barred)
        small = [place for place, part in taken.items() if 0.0 < part < venues[place].min_size * (1.0 - ENOUGH)]
        if not small:
            break
        # The smallest part goes first: what it frees may lift another above its least size.
        barred.add(min(small, key=lambda place: taken[place]))
    placed = {place: part for place, part in taken.items() if part > 0.0}
    total = math.fsum(placed.values())
    paid = math.fsum(_cost(merged, place, part) for place, part in placed.items())
    parts = sorted(((venues[place].name, part) for place, part in placed.items()), key=lambda one: -one[1])
    residual = size - total if size - total > ENOUGH * size else 0.0
    return Split(tuple(parts), int(side) * paid / total if total else math.nan, residual)


def _fill(
    merged: list[tuple[float, int, float]], size: float, venues: list[Outlet], barred: set[int]
) -> dict[int, float]:
    """Take levels by net price, then cut every part to its lot and offer what that leaves over again."""
    taken: dict[int, float] = {}
    left = size
    for _, place, shown in merged:
        if place in barred:
            continue
        part = min(shown, left)
        taken[place] = taken.get(place, 0.0) + part
        left -= part
    over = left
    for place, part in taken.items():
        whole = _whole(part, venues[place].lot)
        taken[place], over = whole, over + part - whole
    room: dict[int, float] = {}
    for _, place, shown in merged:
        if over <= ENOUGH * size:
            break
        if place in barred:
            continue
        room[place] = room.get(place, 0.0) + shown
        more = _whole(min(over, max(room[place] - taken.get(place, 0.0), 0.0)), venues[place].lot)
        taken[place] = taken.get(place, 0.0) + more
        over -= more
    return taken


def _cost(merged: list[tuple[float, int, float]], place: int, size: float) -> float:
    left, paid = size, 0.0
    for cost, at, shown in merged:
        if at == place:
            part = min(shown, left)
            paid += part * cost
            left -= part
    return paid


def _whole(size: float, lot: float) -> float:
    return whole_lots(size / lot) * lot if lot > 0.0 else size
