"""What the engine says of screened runs: of the best, and of a random sample that tells how far to trust screening."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import ndtri

from mm_nautilus.sweep.judged import Score, score_of
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.store import Row

LEVEL: Final = 0.95
_FEWEST: Final = 5


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike screening and the engine rank the same parameter sets.

    Parameters
    ----------
    pairs : int
        Sets that both have run.
    correlation : float
        Spearman's rank correlation of their scores.
    low, high : float
        Ends of its interval.
    level : float
        Of the interval.

    """

    pairs: int
    correlation: float
    low: float
    high: float
    level: float = LEVEL


def agreement(screened: Sequence[float], engine: Sequence[float]) -> Agreement | None:
    r"""Return the rank correlation of two scores with its interval, ``None`` for fewer than five pairs or no spread.

    .. math:: \tanh\Bigl(\operatorname{artanh} r \pm z \sqrt{\frac{1 + r^2/2}{n - 3}}\Bigr)

    Assumes independent pairs; the best of a sweep resemble each other, so the interval over them is too narrow.

    Parameters
    ----------
    screened, engine : sequence of float
        Scores of the same sets, in the same order.

    Source: Bonett and Wright, Psychometrika 65(1), 2000.

    """
    from scipy.stats import spearmanr  # noqa: PLC0415 - most sweeps never need it; scipy.stats takes seconds

    count = len(screened)
    if count < _FEWEST or len(set(screened)) < 2 or len(set(engine)) < 2:
        return None
    found = float(spearmanr(screened, engine).statistic)
    inside = math.copysign(min(abs(found), 1.0 - 1e-12), found)
    reach = float(ndtri(0.5 + LEVEL / 2.0)) * math.sqrt((1.0 + 0.5 * found * found) / (count - 3))
    middle = math.atanh(inside)
    return Agreement(count, found, math.tanh(middle - reach), math.tanh(middle + reach))


def chosen(order: Sequence[Ranked], best: int, sample: int, seed: int) -> tuple[list[int], list[int]]:
    """Return the places in the rows of the best runs, and of a random sample of the others.

    Parameters
    ----------
    order : sequence of Ranked
        The ranking of the screened runs.
    best, sample : int
        How many of each.
    seed : int
        Of the sample.

    """
    first = [one.index for one in order[:best]]
    others = [one.index for one in order[best:]]
    drawn = np.random.default_rng(seed).permutation(len(others))[:sample]
    return first, [others[place] for place in sorted(drawn.tolist())]


def described(
    rows: Sequence[Row], engine: Sequence[Row], first: Sequence[int], drawn: Sequence[int], by: Score
) -> dict[str, Any]:
    """Return what is written about the runs that the engine has confirmed, the best first.

    Ranks are among those that the engine completed, so that both paths number the same runs.

    Parameters
    ----------
    rows : sequence of Row
        Screened.
    engine : sequence of Row
        Of the engine, for `first` and then `drawn`.
    first, drawn : sequence of int
        Places in `rows`.
    by : Score
        What runs are ranked by.

    """
    pairs = []
    for count, (place, there) in enumerate(zip([*first, *drawn], engine, strict=True)):
        here = rows[place]
        pairs.append(
            {
                "point": dict(here.point),
                "sampled": count >= len(first),
                "completed": there.completed,
                "reason": there.reason,
                "screen_score": _score(here, by),
                "engine_score": _score(there, by) if there.completed else None,
                "screen_rank": None,
                "engine_rank": None,
                "screen_pnl": str(here.pnl),
                "engine_pnl": str(there.pnl),
                "screen_fills": here.fills,
                "engine_fills": there.fills,
                "screen_s": here.seconds,
                "engine_s": there.seconds,
            }
        )
    whole = [one for one in pairs if one["completed"]]
    _number(whole, "screen")
    _number(whole, "engine")
    sampled = [one for one in whole if one["sampled"]]
    return {"pairs": pairs, "agreement": _agreed(whole), "sample_agreement": _agreed(sampled)}


def _number(pairs: Sequence[dict[str, Any]], path: str) -> None:
    """Write down the rank of each pair by the score of one path, 1 the best; equal scores share the mean rank."""
    from scipy.stats import rankdata  # noqa: PLC0415 - as above

    ranks = rankdata([-one[f"{path}_score"] for one in pairs])
    for one, rank in zip(pairs, ranks.tolist(), strict=True):
        one[f"{path}_rank"] = rank


def _agreed(pairs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    found = agreement([one["screen_score"] for one in pairs], [one["engine_score"] for one in pairs])
    if found is None:
        return None
    return {name: getattr(found, name) for name in ("pairs", "correlation", "low", "high", "level")}


def _score(row: Row, by: Score) -> float:
    return float(row.pnl) if by is Score.PNL else score_of(np.array(row.increments), row.step_s, by)
