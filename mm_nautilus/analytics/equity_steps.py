"""Equity of a scope in equal steps: what ratios, drawdowns and losses within a day are taken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mm_nautilus.analytics.comparison import SHARPE_STEP_S, YEAR_S, equity_at
from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.analytics.trading import Part
from mm_nautilus.venues.trading_hours import DAY_NS

STEP_S: Final = SHARPE_STEP_S
PER_YEAR: Final = YEAR_S / STEP_S
_STEP_NS: Final = round(STEP_S * 1e9)


@dataclass(frozen=True, slots=True)
class Steps:
    """Equity at instants `STEP_S` apart; what is left of the run at its end is a step of its own.

    Parameters
    ----------
    edges : int array, shape (n + 1,)
        Instants, from the start of the run to its end.
    equity : float array, shape (n + 1,)
        PnL since the start, in the currency of the scope.
    whole : int
        How many steps are of full length.

    """

    edges: Ints
    equity: Floats
    whole: int

    @property
    def increments(self) -> Floats:
        """PnL of each step of full length."""
        return np.diff(self.equity[: self.whole + 1])


def steps_of(parts: Sequence[Part], span_ns: tuple[int, int]) -> Steps:
    """Return the equity of all parts together."""
    start, end = span_ns
    edges = np.arange(start, end + 1, _STEP_NS, dtype=np.int64)
    whole = len(edges) - 1
    if edges[-1] < end:
        edges = np.append(edges, end)
    equity = np.zeros(len(edges))
    for part in parts:
        equity += equity_at(part.trading.log.curve, edges) * part.conversion.at(edges)
    return Steps(edges, equity, whole)


@dataclass(frozen=True, slots=True)
class Path:
    """Equity at every mark of every instrument of a scope, in its currency, from zero at the start of the run."""

    ts_ns: Ints
    equity: Floats


def path_of(parts: Sequence[Part], span_ns: tuple[int, int]) -> Path:
    """Return the equity of all parts together, each holding its value between its own marks."""
    instants = np.unique(np.concatenate([[span_ns[0]], *(part.trading.log.curve.ts_ns for part in parts)]))
    equity = np.zeros(len(instants))
    for part in parts:
        equity += equity_at(part.trading.log.curve, instants) * part.conversion.at(instants)
    return Path(instants.astype(np.int64), equity)


def worst_day_loss(path: Path, roll_over_ns: int) -> float:
    """Return how far the equity ever fell below where it stood when the day began; at least 0.

    A mark at the instant of a roll-over ends a day; the next day begins at its value.
    """
    day = (path.ts_ns - 1 - roll_over_ns) // DAY_NS
    begins = np.concatenate(([0], np.flatnonzero(np.diff(day)) + 1))
    opening = path.equity[np.maximum(begins - 1, 0)]
    opening[0] = 0.0
    opened = np.repeat(opening, np.diff(np.append(begins, len(day))))
    return float(np.max(opened - path.equity, initial=0.0))
