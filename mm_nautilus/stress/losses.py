"""How much a run lost, and whether flattening began when it had lost too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.analytics.drawdown import drawdown
from mm_nautilus.analytics.equity import EquityCurve, equity_curve
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.market import RiskStage

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EquityPath:
    """PnL since the start after fees and rebates, in one currency, at every mark and every fill; arrays are aligned."""

    ts_ns: Ints
    equity: Floats

    @property
    def loss_from_start(self) -> float:
        """Largest loss since the start, at least 0."""
        return max(0.0, -float(self.equity.min())) if len(self.equity) else 0.0

    @property
    def loss_from_peak(self) -> float:
        """Largest fall below an earlier high, the start included, at least 0."""
        return drawdown(self.equity).amount


def equity_path(logs: Sequence[InstrumentLog]) -> EquityPath:
    """Return the joint equity of instruments that settle in one currency.

    It is valued at each mark of the log and at each fill, at the mid of that instant; between them the last mid holds,
    so a loss that came and went between two marks without a fill is not seen.

    Parameters
    ----------
    logs : sequence of InstrumentLog
        What the run log holds about them.

    """
    curves = [_with_fills(one) for one in logs]
    times = np.unique(np.concatenate([curve.ts_ns for curve in curves])) if curves else np.empty(0, dtype=np.int64)
    joint = np.zeros(len(times))
    for curve in curves:
        index = np.searchsorted(curve.ts_ns, times, side="right")
        joint += np.concatenate(([0.0], curve.equity))[index]
    return EquityPath(times, joint)


def _with_fills(one: InstrumentLog) -> EquityCurve:
    marks, fills = one.curve, one.path.ts_ns
    times = np.concatenate([fills, marks.ts_ns])
    mids = np.concatenate([one.mid_at_fill, marks.mid])
    order = np.argsort(times, kind="stable")  # a fill at the instant of a mark comes before it
    return equity_curve(one.path, times[order], mids[order], one.facts.contract)


@dataclass(frozen=True, slots=True)
class StageChange:
    """From an instant on, the gravest stage that any rule holds anywhere."""

    ts_ns: int
    stage: RiskStage


@dataclass(frozen=True, slots=True)
class Crossing:
    """The loss passed the bound; `reaction_s` is how long until the position was being flattened, 0 where it was."""

    ts_ns: int
    reaction_s: float | None


def crossings(path: EquityPath, bound: float, stages: Sequence[StageChange], within_s: float) -> list[Crossing]:
    """Return each time the loss since the start passed a bound, and what was done about it.

    Parameters
    ----------
    path : EquityPath
        PnL since the start.
    bound : float
        Loss that is allowed, > 0, in the same currency.
    stages : sequence of StageChange
        In order of time.
    within_s : float
        A stage that comes later than this after a crossing is no answer to it.

    """
    beyond = path.equity < -bound
    first = np.flatnonzero(beyond & ~np.concatenate(([False], beyond[:-1])))
    return [Crossing(ts, _reaction(ts, stages, within_s)) for ts in path.ts_ns[first].tolist()]


def _reaction(ts_ns: int, stages: Sequence[StageChange], within_s: float) -> float | None:
    before = [change for change in stages if change.ts_ns <= ts_ns]
    if before and before[-1].stage >= RiskStage.FLATTEN:
        return 0.0
    for change in stages:
        if change.ts_ns > ts_ns and change.stage >= RiskStage.FLATTEN:
            delay_s = (change.ts_ns - ts_ns) / 1e9
            return delay_s if delay_s <= within_s else None
    return None
