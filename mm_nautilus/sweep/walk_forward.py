"""Walk forward: choose on one window, trade the next, move on.

Every point ran over the whole of the data once. In each fold the points are ranked (`mm_nautilus.sweep.ranking`) by
their increments in the window of choice alone, and the first one's increments in the window after it are what the
fold traded. Windows of trading follow each other without gap or overlap.

Fails where a point's inventory at the switch matters: what is carried over is the position the chosen point itself
held, not that of the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mm_nautilus.analytics.block_bootstrap import Interval, total_interval
from mm_nautilus.errors import UserError
from mm_nautilus.sweep.judged import Floats, Score, score_of
from mm_nautilus.sweep.ranking import ranking
from mm_nautilus.sweep.space import Point

_UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")


@dataclass(frozen=True, slots=True)
class Windows:
    """Lengths of the windows, in seconds."""

    choose_s: float
    trade_s: float


@dataclass(frozen=True, slots=True)
class Fold:
    """One window of choice and the window of trading after it.

    Parameters
    ----------
    choose_from_s, trade_from_s, trade_to_s : float
        Since the start of the run, in seconds.
    chosen : int
        Which point was chosen.
    score : float
        Of the chosen point, in the window of choice.
    seen_pnl, traded_pnl : float
        What the chosen point made in the window of choice, and in that of trading.
    median_pnl : float
        Median over all points of what they made in the window of trading.

    """

    choose_from_s: float
    trade_from_s: float
    trade_to_s: float
    chosen: int
    score: float
    seen_pnl: float
    traded_pnl: float
    median_pnl: float


@dataclass(frozen=True, slots=True)
class WalkForward:
    """What choosing anew again and again would have made.

    Parameters
    ----------
    windows : Windows
        Lengths.
    folds : tuple of Fold
        In order of time.
    traded : Interval
        PnL of all windows of trading, with its block-bootstrap interval.
    median_pnl : float
        Median over the points of what one of them alone made in the same windows: choosing nothing.
    best_pnl : float
        What the best of them alone made there, known afterwards: choosing perfectly.
    efficiency : float or None
        PnL per second in the windows of trading over that in the windows of choice; ``None`` where the latter is not
        above zero.

    """

    windows: Windows
    folds: tuple[Fold, ...]
    traded: Interval
    median_pnl: float
    best_pnl: float
    efficiency: float | None


def parse_windows(text: str) -> Windows:
    """Read ``CHOOSE:TRADE``, as in ``2h:30min``.

    Raises
    ------
    UserError
        For anything else.

    """
    lengths = [_LENGTH.fullmatch(part.strip()) for part in text.split(":")]
    found = [float(one[1]) * _UNITS[one[2]] for one in lengths if one is not None]
    if len(lengths) != 2 or len(found) != 2 or min(found) <= 0.0:
        raise UserError(f"--walk-forward {text}: expected CHOOSE:TRADE in s, min, h or d, as in 2h:30min")
    return Windows(*found)


def check_windows(windows: Windows, span_s: float, step_s: float) -> None:
    """Refuse windows that the data have no room for.

    Raises
    ------
    UserError
        For windows shorter than three steps or one, and for less than one fold.

    """
    if windows.choose_s < 3 * step_s or windows.trade_s < step_s:
        raise UserError(
            f"--walk-forward: windows must be at least {3 * step_s:g} s and {step_s:g} s long, with steps of "
            f"{step_s:g} s; --step-s makes those shorter"
        )
    if windows.choose_s + windows.trade_s > span_s:
        raise UserError(
            f"--walk-forward: {windows.choose_s + windows.trade_s:g} s for one fold, and the data have {span_s:.0f} s"
        )


def walk_forward(
    points: Sequence[Point], pnl: Floats, step_s: float, windows: Windows, by: Score, seed: int
) -> WalkForward:
    """Return what choosing on one window and trading the next would have made.

    Parameters
    ----------
    points : sequence of Point
        Those that ran.
    pnl : float array, shape (steps, points)
        Their increments.
    step_s : float
        Length of a step, in seconds.
    windows : Windows
        Rounded to whole steps; a rest at the end that makes no whole window of trading is traded too.
    by : Score
        What points are ranked by in a window of choice.
    seed : int
        Of the bootstrap.

    Raises
    ------
    UserError
        Where the data have no room for one fold.

    """
    choose, trade = round(windows.choose_s / step_s), round(windows.trade_s / step_s)
    steps = len(pnl)
    if choose + 1 > steps or choose < 1 or trade < 1:
        raise UserError(f"--walk-forward: {steps} steps of {step_s:g} s have no room for one fold")
    folds = []
    for begin in range(choose, steps, trade):
        end = min(begin + trade, steps)
        seen, traded = pnl[begin - choose : begin], pnl[begin:end]
        scores = [score_of(seen[:, column], step_s, by) for column in range(pnl.shape[1])]
        first = ranking(points, scores)[0]
        made = traded.sum(axis=0)
        folds.append(
            Fold(
                choose_from_s=(begin - choose) * step_s,
                trade_from_s=begin * step_s,
                trade_to_s=end * step_s,
                chosen=first.index,
                score=first.score,
                seen_pnl=float(seen[:, first.index].sum()),
                traded_pnl=float(made[first.index]),
                median_pnl=float(np.median(made)),
            )
        )
    followed = np.concatenate(
        [pnl[round(one.trade_from_s / step_s) : round(one.trade_to_s / step_s), one.chosen] for one in folds]
    )
    alone = pnl[choose:].sum(axis=0)
    seen_rate = sum(one.seen_pnl for one in folds) / (len(folds) * choose)
    traded_rate = float(followed.sum()) / len(followed)
    return WalkForward(
        windows=windows,
        folds=tuple(folds),
        traded=total_interval(followed, seed),
        median_pnl=float(np.median(alone)),
        best_pnl=float(alone.max()),
        efficiency=traded_rate / seen_rate if seen_rate > 0.0 else None,
    )
