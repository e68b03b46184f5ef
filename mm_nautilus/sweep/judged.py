"""What may be said of a sweep's runs: scores, ranking, and whether the best was found or made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.analytics.comparison import YEAR_S
from mm_nautilus.analytics.overfitting import (
    BLOCKS,
    DeflatedSharpe,
    Overfitting,
    deflated_sharpe,
    probability_of_overfitting,
)
from mm_nautilus.analytics.sharpe import sharpe_ratio
from mm_nautilus.sweep.ranking import Ranked, ranking
from mm_nautilus.sweep.store import Row

type Floats = NDArray[np.float64]

HIGHEST_PROBABILITY: Final = 0.05
"""Of overfitting: above it a sweep is flagged, the level its authors propose."""
LOWEST_DEFLATED: Final = 0.95
"""Deflated Sharpe ratio below which a sweep is flagged."""
_STEPS_A_BLOCK: Final = 4
_FEWEST_BLOCKS: Final = 6


class Score(StrEnum):
    """What runs are ranked by."""

    SHARPE = "sharpe"
    """Annual Sharpe ratio of the increments."""
    PNL = "pnl"
    """After fees and rebates."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the best of a sweep was found or made.

    Parameters
    ----------
    flagged : bool
        Whether at least one of the two raises an alarm, or neither could be computed.
    overfitting : Overfitting or None
        Over all runs that completed; ``None`` where `why` says so.
    deflated : DeflatedSharpe or None
        Of the first in the ranking, over all runs that completed.
    why : tuple of str
        One sentence for each alarm, and for what could not be computed.

    """

    flagged: bool
    overfitting: Overfitting | None
    deflated: DeflatedSharpe | None
    why: tuple[str, ...]


def annual_sharpe(increments: Floats, step_s: float) -> tuple[float | None, float | None]:
    """Return the annual Sharpe ratio of increments and its standard error, ``None`` where they do not vary.

    Parameters
    ----------
    increments : float array, shape (steps,)
        PnL of each step, in money.
    step_s : float
        Length of a step, in seconds.

    """
    per_year = YEAR_S / step_s
    found = sharpe_ratio(increments, per_year)
    return found.annual, None if found.standard_error is None else found.standard_error * per_year**0.5


def score_of(increments: Floats, step_s: float, by: Score) -> float:
    """Return what increments are ranked by; without any trade it is zero."""
    if by is Score.PNL:
        return float(increments.sum())
    return annual_sharpe(increments, step_s)[0] or 0.0


def ranked(rows: Sequence[Row], by: Score) -> list[Ranked]:
    """Return the runs that completed, plateau before peak; `Ranked.index` is the place in `rows`."""
    scores = [_score(row, by) if row.completed else None for row in rows]
    return ranking([row.point for row in rows], scores)


def _score(row: Row, by: Score) -> float:
    return float(row.pnl) if by is Score.PNL else score_of(np.array(row.increments), row.step_s, by)


def aligned(rows: Sequence[Row]) -> tuple[list[int], Floats] | str:
    """Return the runs that completed and their increments, shape (steps, runs), or why they cannot be put together."""
    places = [place for place, row in enumerate(rows) if row.completed]
    if not places:
        return "no run completed"
    some = [rows[place] for place in places]
    if len({row.currency for row in some}) > 1:
        return "the runs make their money in different currencies"
    if len({(row.start_ns, row.step_s, len(row.increments)) for row in some}) > 1:
        return "the runs are about different stretches of time, so their increments are not about the same market"
    return places, np.array([row.increments for row in some], dtype=np.float64).reshape(len(some), -1).T


def judge(rows: Sequence[Row], order: Sequence[Ranked]) -> Verdict:
    """Return whether the best was found or made.

    Parameters
    ----------
    rows : sequence of Row
        Every run of the sweep.
    order : sequence of Ranked
        `ranked` of them.

    """
    together = aligned(rows)
    if isinstance(together, str):
        return Verdict(True, None, None, (f"Nothing can be said about overfitting: {together}.",))
    places, pnl = together
    why: list[str] = []
    overfitting = None
    blocks = _blocks(len(pnl))
    if len(places) < 2:
        why.append("With one run there is no choice to be overfitted; a probability of overfitting needs two.")
    elif blocks is None:
        fewest = _FEWEST_BLOCKS * _STEPS_A_BLOCK
        why.append(f"{len(pnl)} steps are too few for a probability of overfitting; it takes {fewest}: run longer.")
    else:
        overfitting = probability_of_overfitting(pnl, blocks)
        if overfitting.probability > HIGHEST_PROBABILITY:
            why.append(
                f"The best of one half of the time is in {100 * overfitting.probability:.0f} % of the splits no better "
                f"than the median of the other half; at most {100 * HIGHEST_PROBABILITY:.0f} % would do."
            )
    deflated = deflated_sharpe(pnl, places.index(order[0].index)) if order else None
    if deflated is None:
        why.append("The first in the ranking made no PnL that varies, so there is no Sharpe ratio to deflate.")
    elif deflated.probability < LOWEST_DEFLATED:
        why.append(
            f"The Sharpe ratio of the first in the ranking is above what the luckiest of {deflated.tries:,} worthless "
            f"tries would show with a probability of only {100 * deflated.probability:.0f} %; "
            f"{100 * LOWEST_DEFLATED:.0f} % are asked for."
        )
    return Verdict(bool(why), overfitting, deflated, tuple(why))


def _blocks(steps: int) -> int | None:
    """Return how many blocks of at least four steps there are, even and at most `BLOCKS`; None for too few."""
    blocks = min(BLOCKS, steps // _STEPS_A_BLOCK // 2 * 2)
    return blocks if blocks >= _FEWEST_BLOCKS else None


STEPS_S: Final = (60.0, 30.0, 20.0, 15.0, 10.0, 5.0, 2.0, 1.0)
_STEPS_WANTED: Final = 10 * BLOCKS


def step_for(span_s: float) -> float:
    """Return the longest of `STEPS_S` of which a span has 160, else the shortest: long enough for mids to bounce in."""
    return next((step for step in STEPS_S if span_s >= step * _STEPS_WANTED), STEPS_S[-1])
