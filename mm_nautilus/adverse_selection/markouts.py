r"""Markouts of our fills, and the spread decomposition of Huang and Stoll (1996).

For a fill of our side ``s`` at price ``p``, with :math:`M_0` the mid at the fill and :math:`M_\tau` the mid a
horizon later, both previous tick: edge :math:`s(M_0 - p)`, markout :math:`s(M_\tau - p)`, adverse selection
:math:`-s(M_\tau - M_0)`, so that markout = edge - adverse selection. Effective spread, realised spread
and price impact are twice these. Positive adverse selection cost us money. A horizon that ends after the
data has no markout: nothing is known before ``t + tau``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, Times, numbers, same_length, times

HORIZONS_S: Final = (1.0, 5.0, 30.0, 300.0, 600.0)
"""Horizons at which fills are marked, in seconds."""


def edge[T: (float, Floats)](side: T, price: T, mid: T) -> T:
    """Return what the fill earned against the mid it met, per unit, in price units; `side` is +1 or -1."""
    return side * (mid - price)


def markout[T: (float, Floats)](side: T, price: T, later_mid: T) -> T:
    """Return what the fill was worth a horizon later, per unit, in price units."""
    return side * (later_mid - price)


def adverse_selection[T: (float, Floats)](side: T, mid: T, later_mid: T) -> T:
    """Return how far the mid went against the fill, per unit, in price units; positive is a loss."""
    return -side * (later_mid - mid)


@dataclass(frozen=True, slots=True)
class Markouts:
    """Fills by horizons; NaN where the data end before the horizon, or begin after the fill."""

    horizons_s: tuple[float, ...]
    side: Floats
    """Our side, +1 bought or -1 sold; shape (fills,)."""
    size: Floats
    """In base units; shape (fills,)."""
    price: Floats
    """In price units; shape (fills,)."""
    mid: Floats
    """Last mid at or before the fill; shape (fills,)."""
    later_mid: Floats
    """Last mid at or before the horizon; shape (fills, horizons)."""

    @property
    def edge(self) -> Floats:
        """Edge per unit, in price units; shape (fills,)."""
        return edge(self.side, self.price, self.mid)

    @property
    def markout(self) -> Floats:
        """Markout per unit, in price units; shape (fills, horizons)."""
        return markout(self.side[:, None], self.price[:, None], self.later_mid)

    @property
    def adverse_selection(self) -> Floats:
        """Adverse selection per unit, in price units; shape (fills, horizons)."""
        return adverse_selection(self.side[:, None], self.mid[:, None], self.later_mid)

    @property
    def value(self) -> Floats:
        """Markout of the whole fill, in quote currency; shape (fills, horizons)."""
        return self.size[:, None] * self.markout

    @property
    def effective_spread(self) -> Floats:
        """Twice the edge, in price units; shape (fills,)."""
        return 2.0 * self.edge

    @property
    def realised_spread(self) -> Floats:
        """Twice the markout, in price units; shape (fills, horizons)."""
        return 2.0 * self.markout

    @property
    def price_impact(self) -> Floats:
        """Twice the adverse selection, in price units; shape (fills, horizons)."""
        return 2.0 * self.adverse_selection

    def only(self, chosen: Any) -> Markouts:
        """Return the chosen fills, by a mask or by their places in order of time."""
        columns = (self.side, self.size, self.price, self.mid, self.later_mid)
        return Markouts(self.horizons_s, *(column[chosen] for column in columns))

    @property
    def markout_bps(self) -> Floats:
        """Markout in basis points of the mid at the fill; shape (fills, horizons)."""
        return 1e4 * self.markout / self.mid[:, None]


def markouts(
    fill_ts_ns: Any,
    side: Any,
    size: Any,
    price: Any,
    mid_ts_ns: Any,
    mid: Any,
    horizons_s: Sequence[float] = HORIZONS_S,
    data_end_ns: int | None = None,
) -> Markouts:
    """Mark fills against the path of the mid.

    Parameters
    ----------
    fill_ts_ns, mid_ts_ns : array-like or Arrow column
        Instants, never backwards.
    side : array-like or Arrow column
        Our side, +1 bought or -1 sold.
    size, price : array-like or Arrow column
        Of the fills, in base and price units.
    mid : array-like or Arrow column
        Mid from each instant on, in price units; of several at one instant the last counts.
    horizons_s : sequence of float
        Seconds.
    data_end_ns : int or None
        Until when the path is known to be complete; ``None`` is its last instant.

    Raises
    ------
    ParameterError
        When columns do not fit or hold a gap, a side is not -1 or 1, or a horizon is negative.

    """
    fills, path_ts = times(fill_ts_ns, "fill_ts_ns"), times(mid_ts_ns, "mid_ts_ns")
    sides, sizes, prices = numbers(side, "side"), numbers(size, "size"), numbers(price, "price")
    path = numbers(mid, "mid")
    same_length(fill_ts_ns=fills, side=sides, size=sizes, price=prices)
    same_length(mid_ts_ns=path_ts, mid=path)
    if (wrong := np.abs(sides) != 1.0).any():
        raise ParameterError(f"side[{int(np.argmax(wrong))}]", float(sides[wrong][0]), "-1 or 1")
    if data_end_ns is None:
        data_end_ns = int(path_ts[-1]) if len(path_ts) else 0
    due = fills[:, None] + _nanoseconds(horizons_s)
    later = np.where(due <= data_end_ns, previous_tick(path_ts, path, due), np.nan)
    return Markouts(tuple(horizons_s), sides, sizes, prices, previous_tick(path_ts, path, fills), later)


def previous_tick(ts_ns: Times, values: Floats, at_ns: Times) -> Floats:
    """Return the last value at or before each instant, NaN where there is none; the shape of `at_ns`."""
    index = np.searchsorted(ts_ns, at_ns, side="right")
    return np.concatenate(([np.nan], values))[index]


@dataclass(frozen=True, slots=True)
class MarkoutSummary:
    """Markouts of many fills at one horizon, weighted by size."""

    horizon_s: float
    fills: int
    """Fills whose horizon has passed."""
    edge: float | None
    """Mean per unit, in price units; half the effective spread."""
    markout: float | None
    """Mean per unit, in price units; half the realised spread."""
    markout_se: float | None
    """Standard error of that mean; horizons that overlap count as dependent, here and below."""
    markout_bps: float | None
    """Mean in basis points of the mid at the fill."""
    markout_bps_se: float | None
    adverse_selection: float | None
    """Mean per unit, in price units; half the price impact."""
    adverse_selection_se: float | None
    toxicity: float | None
    """Adverse selection in standard errors."""
    adverse_ratio: float | None
    """Share of fills, by number, with a markout below 0."""


def summarise(table: Markouts, fill_ts_ns: Any) -> tuple[MarkoutSummary, ...]:
    r"""Average markouts over fills, horizon by horizon.

    If moves of the mid that do not overlap are uncorrelated, the adverse selection of two fills is as correlated as
    their horizons overlap, with the sign of their sides: :math:`s_i s_j (1 - |t_i - t_j|/\tau)^+`. The standard error
    of a mean with weights :math:`w` follows from that and from the mean square :math:`v` of the adverse selections,

    .. math:: se^2 = v \sum_{ij} w_i w_j s_i s_j (1 - |t_i - t_j|/\tau)^+ ,

    to which that of the edge, taken as independent, is added for a markout. Kernel estimators (Newey and West 1987,
    with a bandwidth of the horizon) cover 88 % instead of 95 % where the fills of one side follow each other closely,
    and a few horizons of data do not save them; this form needs no bandwidth. Fails where the mid trends or reverts
    over longer than a horizon.

    Parameters
    ----------
    table : Markouts
        From `markouts`.
    fill_ts_ns : array-like or Arrow column
        The instants given to it.

    """
    instants = times(fill_ts_ns, "fill_ts_ns")
    return tuple(_summary(table, column, instants) for column in range(len(table.horizons_s)))


def summarise_by(table: Markouts, fill_ts_ns: Any, labels: Sequence[str]) -> dict[str, tuple[MarkoutSummary, ...]]:
    """Average markouts over the fills of each label, horizon by horizon; labels in order of their first fill.

    Parameters
    ----------
    table, fill_ts_ns
        As for `summarise`.
    labels : sequence of str
        One a fill.

    Raises
    ------
    ParameterError
        When there is not one label for each fill.

    """
    instants = times(fill_ts_ns, "fill_ts_ns")
    if len(labels) != len(instants):
        raise ParameterError("labels", f"{len(labels)} labels", f"one for each of {len(instants)} fills")
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return {label: summarise(table.only(chosen), instants[chosen]) for label, chosen in places.items()}


def _summary(table: Markouts, column: int, instants: Times) -> MarkoutSummary:
    horizon_s = table.horizons_s[column]
    known = ~np.isnan(table.adverse_selection[:, column])
    table, instants = table.only(known), instants[known]
    total = table.size.sum()
    if not total > 0.0:
        return MarkoutSummary(horizon_s, len(instants), *[None] * 9)
    weights = table.size / total
    marks, adverse, edges = table.markout[:, column], table.adverse_selection[:, column], table.edge
    edge_mean, mean = float(weights @ edges), float(weights @ adverse)
    se = mark_se = bps_se = None
    if len(instants) > 1:
        se = math.sqrt(float(weights @ adverse**2) * overlap(weights * table.side, instants, horizon_s))
        mark_se = math.hypot(se, float(np.linalg.norm(weights * (edges - edge_mean))))
        bps_se = 1e4 * mark_se / float(weights @ table.mid)
    return MarkoutSummary(
        horizon_s,
        len(instants),
        edge_mean,
        float(weights @ marks),
        mark_se,
        float(weights @ table.markout_bps[:, column]),
        bps_se,
        mean,
        se,
        mean / se if se else None,
        float(np.mean(marks < 0.0)),
    )


def overlap(weights: Floats, instants: Times, horizon_s: float) -> float:
    r"""Return :math:`\sum_{ij} x_i x_j (1 - |t_i - t_j|/\tau)^+`, at least 0; O(n log n).

    Parameters
    ----------
    weights : float array, shape (n,)
        Signed.
    instants : int array, shape (n,)
        Nanoseconds, never backwards.
    horizon_s : float
        Seconds; 0 takes only a fill and itself as overlapping.

    """
    total = float(weights @ weights)
    if horizon_s > 0.0 and len(weights):
        age = (instants - instants[0]) * (1e-9 / horizon_s)
        # The sum over earlier fills within the horizon is a difference of running sums of x and of x t.
        first, here = np.searchsorted(age, age - 1.0, side="right"), np.arange(len(weights))
        plain, aged = (np.concatenate(([0.0], np.cumsum(column))) for column in (weights, weights * age))
        earlier = (1.0 - age) * (plain[here] - plain[first]) + (aged[here] - aged[first])
        total += 2.0 * float(weights @ earlier)
    return max(total, 0.0)


def _nanoseconds(horizons_s: Sequence[float]) -> Times:
    for index, horizon in enumerate(horizons_s):
        if not 0.0 <= horizon < 1e9:
            raise ParameterError(f"horizons_s[{index}]", horizon, "a number >= 0 of seconds")
    return np.array([round(horizon * 1e9) for horizon in horizons_s], dtype=np.int64)
