r"""What a response changed, with intervals.

Every figure is a function of totals over the markets: with the fills :math:`i` of a response, of size :math:`q_i`,
markout :math:`m_i(\tau)` and adverse selection :math:`a_i(\tau)` at the experiment's horizon, over :math:`T` hours,

- ``pnl``: PnL after fees, per hour;
- ``realised_net``: :math:`\sum_i q_i m_i(\tau) / T`, realised spread net of lost fills. A fill that was given up counts
  as what it would have earned, a fill that was avoided as what it would have lost, because neither is in the sum;
- ``realised_spread``: :math:`2 \sum_i q_i m_i / \sum_i q_i`, per unit filled, in basis points of the price. A response
  that gives up good fills may well raise it;
- ``adverse_cost``: :math:`\sum_i q_i a_i / T`, what the mid did against the fills, per hour;
- ``fill_rate``: fills per hour.

Intervals resample the same blocks of time, within each market, for both responses, and take the figures' difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mm_nautilus.analytics.block_bootstrap import (
    DRAWS,
    FEWEST_BLOCKS,
    LEVEL,
    automatic_block_length,
    ends,
    resampled_totals,
)
from mm_nautilus.analytics.equity import Floats
from mm_nautilus.experiment.measure import (
    ADVERSE,
    COLUMNS,
    FILLS,
    MARKED_MONEY,
    PNL,
    REALISED,
    STEP_NS,
    Measured,
)
from mm_nautilus.experiment.responses import OFF

_HORIZONS_A_BLOCK: Final = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the comparison."""

    label: str
    unit: str
    """``money`` and ``fills`` are per hour."""
    more_is_better: bool | None
    of: Callable[[Floats, float], Floats]
    """Totals of `Measured.increments`, shape (..., COLUMNS), and hours to the figure."""


def _per_hour(column: int) -> Callable[[Floats, float], Floats]:
    return lambda totals, hours: np.asarray(totals[..., column] / hours)


def _spread_bps(totals: Floats, _hours: float) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2e4 * totals[..., REALISED] / totals[..., MARKED_MONEY])


FIGURES: Final[Mapping[str, Figure]] = {
    "realised_net": Figure("realised spread net of lost fills", "money", True, _per_hour(REALISED)),
    "pnl": Figure("PnL", "money", True, _per_hour(PNL)),
    "realised_spread": Figure("realised spread per unit", "bps", True, _spread_bps),
    "adverse_cost": Figure("adverse-selection cost", "money", False, _per_hour(ADVERSE)),
    "fill_rate": Figure("fill rate", "fills", None, _per_hour(FILLS)),
}


@dataclass(frozen=True, slots=True)
class Effect:
    """A figure of one response, and how it differs from that of ``off``.

    Parameters
    ----------
    value : float or None
        ``None`` where there were no fills to take it of.
    change : float or None
        Less that of ``off``; ``None`` for ``off`` itself.
    low, high : float or None
        Ends of the interval of the change; ``None`` where there are too few blocks.

    """

    value: float | None
    change: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def verdict(self) -> str:
        """``up``, ``down``, or ``not distinguishable`` from no change."""
        if self.low is not None and self.low > 0.0:
            return "up"
        return "down" if self.high is not None and self.high < 0.0 else "not distinguishable"


@dataclass(frozen=True, slots=True)
class Effects:
    """Every figure of every response.

    Parameters
    ----------
    by_response : mapping of response to figure to Effect
        In the order of the responses and of `FIGURES`.
    hours : float
        Over all markets.
    level : float
        Of the intervals.
    block_s : float
        Length of a block, in seconds.
    blocks : int
        Of all markets together.

    """

    by_response: dict[str, dict[str, Effect]]
    hours: float
    level: float
    block_s: float
    blocks: int


def effects(
    runs: Mapping[str, Sequence[Measured]], horizon_s: float, seed: int, block_s: float | None = None
) -> Effects:
    """Compare responses on the same markets.

    Parameters
    ----------
    runs : mapping of response to runs
        The markets in the same order for each; ``off`` among the responses.
    horizon_s : float
        Horizon of the realised spread: a block holds at least five.
    seed : int
        Of the resampling.
    block_s : float or None
        Length of a block in seconds; by default chosen from the autocorrelations of the differences in PnL and in
        realised spread, the longest over the markets.

    """
    first = runs[OFF]
    hours = sum(run.seconds for run in first) / 3600.0
    others = {name: some for name, some in runs.items() if name != OFF}
    length = _length(first, others, horizon_s) if block_s is None else max(1, round(block_s * 1e9 / STEP_NS))
    length = min(length, max(len(run.increments) for run in first))
    blocks = sum(-(-len(run.increments) // length) for run in first)
    base = sum(run.increments.sum(axis=0) for run in first)
    found = {OFF: {name: Effect(_known(one.of(np.asarray(base), hours))) for name, one in FIGURES.items()}}
    for response, some in others.items():
        total = np.asarray(sum(run.increments.sum(axis=0) for run in some))
        pairs = [np.hstack((run.increments, other.increments)) for run, other in zip(first, some, strict=True)]
        drawn = resampled_totals(pairs, length, DRAWS, seed) if blocks >= FEWEST_BLOCKS else None
        found[response] = {
            name: _effect(one, np.asarray(base), total, drawn, hours, blocks) for name, one in FIGURES.items()
        }
    return Effects(found, hours, LEVEL, length * STEP_NS / 1e9, blocks)


def _effect(figure: Figure, base: Floats, total: Floats, drawn: Floats | None, hours: float, blocks: int) -> Effect:
    value, before = _known(figure.of(total, hours)), _known(figure.of(base, hours))
    if value is None or before is None:
        return Effect(value)
    low = high = None
    if drawn is not None:
        apart = figure.of(drawn[:, COLUMNS:], hours) - figure.of(drawn[:, :COLUMNS], hours)
        if np.isfinite(apart).all():
            low, high = ends(apart, blocks, LEVEL)
    return Effect(value, value - before, low, high)


def _known(value: Floats) -> float | None:
    return float(value) if np.isfinite(value) else None


def _length(first: Sequence[Measured], others: Mapping[str, Sequence[Measured]], horizon_s: float) -> int:
    apart = [
        other.increments[:, column] - run.increments[:, column]
        for some in others.values()
        for run, other in zip(first, some, strict=True)
        for column in (PNL, REALISED)
    ]
    chosen = max(automatic_block_length(one) for one in apart)
    return max(chosen, round(_HORIZONS_A_BLOCK * horizon_s * 1e9 / STEP_NS))
