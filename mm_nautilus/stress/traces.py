"""What of a run is drawn: its PnL and its worst case over time, with the extremes kept."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from mm_nautilus.analytics.report.thin import extremes
from mm_nautilus.stress.exposure import WorstCasePath
from mm_nautilus.stress.losses import EquityPath, Floats, Ints

POINTS: Final = 300
"""Of one line of one run."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Two lines over engine time in nanoseconds since 1970: PnL in money, worst case as a share of its limit."""

    equity_ns: Ints
    equity: Floats
    worst_ns: Ints
    worst_share: Floats


def trace_of(equity: EquityPath, worst: WorstCasePath, limit: Decimal | None) -> Trace:
    """Return what is drawn of a run.

    Parameters
    ----------
    equity : EquityPath
        PnL since the start.
    worst : WorstCasePath
        Of the quoted instrument.
    limit : Decimal or None
        What its worst case is measured against.

    """
    share = worst.largest.astype(np.float64) / (float("nan") if limit is None else float(limit))
    drawn = extremes(equity.ts_ns, equity.equity, POINTS), extremes(worst.ts_ns, share, POINTS)
    return Trace(equity.ts_ns[drawn[0]], equity.equity[drawn[0]], worst.ts_ns[drawn[1]], share[drawn[1]])
