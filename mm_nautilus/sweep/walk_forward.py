"""Walk forward: choose on one window, trade the next, move on.

In each fold the points are ranked (`mm_nautilus.sweep.ranking`) by their increments in the window of choice alone, and
the first one's increments in the window after it are what the fold traded. Windows of trading follow each other
without gap or overlap. The increments are those of one run a point over the whole of the data, or, where every window
is calibrated (`mm_nautilus.sweep.folds`), those of one run a point and fold.

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
class Seen:
    """What the points made in one fold.

    Parameters
    ----------
    choose_from_s, trade_from_s, trade_to_s : float
        Since the start of the data, in seconds.
    seen, traded : float array, shape (steps, points)
        Increments in the window of choice and in that of trading.
    places : tuple of int
        Which point each column is.

    """

    choose_from_s: float
    trade_from_s: float
    trade_to_s: float
    seen: Floats
    traded: Floats
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A window of trading that nothing could be chosen for; nothing is traded in it."""

    trade_from_s: float
    trade_to_s: float
    reason: str


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
    median_pnl : float or None
        Median over the points of what one of them alone made in the same windows: choosing nothing; ``None`` where no
        point ran in all of them.
    best_pnl : float or None
        What the best of them alone made there, known afterwards: choosing perfectly.
    efficiency : float or None
        PnL per second in the windows of trading over that in the windows of choice; ``None`` where the latter is not
        above zero.
    calibrated : bool
        Whether every window of choice was calibrated too.
    left_out : tuple of LeftOut
        Windows of trading without a calibration or without a run.

    """

    windows: Windows
    folds: tuple[Fold, ...]
    traded: Interval
    median_pnl: float | None
    best_pnl: float | None
    efficiency: float | None
    calibrated: bool = False
    left_out: tuple[LeftOut, ...] = ()


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
    seen = []
    for begin in range(choose, steps, trade):
        end = min(begin + trade, steps)
        times = (begin - choose) * step_s, begin * step_s, end * step_s
        seen.append(Seen(*times, pnl[begin - choose : begin], pnl[begin:end], tuple(range(pnl.shape[1]))))
    return followed(points, seen, step_s, windows, by, seed)


def followed(
    points: Sequence[Point],
    folds: Sequence[Seen],
    step_s: float,
    windows: Windows,
    by: Score,
    seed: int,
    left_out: Sequence[LeftOut] = (),
    *,
    calibrated: bool = False,
) -> WalkForward:
    """Return what choosing in each fold and trading the rest of it would have made; see `walk_forward`.

    Parameters
    ----------
    points : sequence of Point
        That `Seen.places` are places in.
    folds : sequence of Seen
        At least one, each with a point at least, in order of time.
    step_s, windows, by, seed
        As of `walk_forward`.
    left_out : sequence of LeftOut
        Folds that are not among these.
    calibrated : bool
        Whether every window of choice was calibrated too.

    """
    found, made = [], []
    for fold in folds:
        scores = [score_of(column, step_s, by) for column in fold.seen.T]
        first = ranking([points[place] for place in fold.places], scores)[0]
        each = fold.traded.sum(axis=0)
        found.append(
            Fold(
                choose_from_s=fold.choose_from_s,
                trade_from_s=fold.trade_from_s,
                trade_to_s=fold.trade_to_s,
                chosen=fold.places[first.index],
                score=first.score,
                seen_pnl=float(fold.seen[:, first.index].sum()),
                traded_pnl=float(each[first.index]),
                median_pnl=float(np.median(each)),
            )
        )
        made.append(fold.traded[:, first.index])
    together = np.concatenate(made)
    throughout = set.intersection(*(set(fold.places) for fold in folds))
    alone = [
        sum(float(fold.traded[:, fold.places.index(place)].sum()) for fold in folds) for place in sorted(throughout)
    ]
    seen_rate = sum(one.seen_pnl for one in found) / sum(len(fold.seen) for fold in folds)
    traded_rate = float(together.sum()) / len(together)
    return WalkForward(
        windows=windows,
        folds=tuple(found),
        traded=total_interval(together, seed),
        median_pnl=float(np.median(alone)) if alone else None,
        best_pnl=max(alone, default=None),
        efficiency=traded_rate / seen_rate if seen_rate > 0.0 else None,
        calibrated=calibrated,
        left_out=tuple(left_out),
    )
