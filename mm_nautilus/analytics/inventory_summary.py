"""What one instrument held in numbers: how much, for how long, and what it could have come to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from mm_nautilus.analytics.equity import FillPath
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.quoting_summary import TimeShare


@dataclass(frozen=True, slots=True)
class BandTime:
    """How long the absolute position was at or beyond a share of the limit.

    Parameters
    ----------
    share_of_limit : float
        Where the band begins; 1 is the limit itself.
    time : TimeShare
        Time spent there.

    """

    share_of_limit: float
    time: TimeShare


@dataclass(frozen=True, slots=True)
class InventorySummary:
    """What was held, time-weighted between fills, in base units (contracts).

    Parameters
    ----------
    final : Decimal
        Position at the end.
    max_long, max_short : float
        Largest long position and largest short one (as a positive number).
    max_abs, mean_abs, std : float
        Largest and mean absolute position, and standard deviation of the position over time.
    limit : Decimal | None
        Largest absolute position allowed; ``None`` where the instrument is only hedged on.
    max_share_of_limit, mean_share_of_limit : float | None
        ``max_abs`` and ``mean_abs`` as fractions of the limit.
    bands : tuple of BandTime
        Time at or beyond each band, and at or beyond the limit; empty without a limit.
    worst_case : float
        Largest absolute position that could have come about if every working and in-flight order of one side had
        filled, as seen at decisions, marks and fills.
    worst_case_share_of_limit : float | None
        The same as a fraction of the limit; above 1 the limit was not kept.

    """

    final: Decimal
    max_long: float
    max_short: float
    max_abs: float
    mean_abs: float
    std: float
    limit: Decimal | None
    max_share_of_limit: float | None
    mean_share_of_limit: float | None
    bands: tuple[BandTime, ...]
    worst_case: float
    worst_case_share_of_limit: float | None


def inventory_summary(
    path: FillPath, start_ns: int, end_ns: int, final: Decimal, facts: InstrumentFacts, exposure: float
) -> InventorySummary:
    """Return the time-weighted inventory of one instrument between the run's first and last instant.

    Parameters
    ----------
    path : FillPath
        The books after each fill.
    start_ns, end_ns : int
        The run's first and last instant.
    final : Decimal
        Position at the end.
    facts : InstrumentFacts
        With the limit and the bands.
    exposure : float
        Largest worst-case |position| in the log.

    """
    times = np.concatenate(([start_ns], np.clip(path.ts_ns, start_ns, end_ns), [end_ns]))
    weights = np.diff(times).astype(np.float64)
    span = float(weights.sum())
    seconds = weights / 1e9
    if not span:
        weights = np.append(np.zeros(len(weights) - 1), 1.0)
    mean = np.average(path.position, weights=weights)
    held = np.abs(path.position)
    mean_abs, max_abs = float(np.average(held, weights=weights)), float(held.max())
    limit = None if facts.position_limit is None else float(facts.position_limit)
    worst = max(exposure, max_abs)

    def beyond(share: float, limit: float) -> BandTime:
        # Positions are whole lots in floats: a millionth of a lot is their noise, not a position.
        time = float(seconds[held >= share * limit - 1e-6 * float(facts.lot)].sum())
        return BandTime(share, TimeShare(time, time * 1e9 / span if span else 0.0))

    return InventorySummary(
        final=final,
        max_long=max(0.0, float(path.position.max())),
        max_short=max(0.0, float(-path.position.min())),
        max_abs=max_abs,
        mean_abs=mean_abs,
        std=float(np.sqrt(np.average((path.position - mean) ** 2, weights=weights))),
        limit=facts.position_limit,
        max_share_of_limit=max_abs / limit if limit else None,
        mean_share_of_limit=mean_abs / limit if limit else None,
        bands=tuple(beyond(share, limit) for share in (*facts.bands, 1.0)) if limit else (),
        worst_case=worst,
        worst_case_share_of_limit=worst / limit if limit else None,
    )
