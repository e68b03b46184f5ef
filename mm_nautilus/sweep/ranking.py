r"""Which point of a sweep to take: plateau before peak.

A point is worth what it and its neighbours are worth, because a parameter that only earns at one exact value has been
fitted to the noise of the data. With the score :math:`s_i` of point *i* and its neighbours :math:`N_i`,

.. math:: p_i = \min\Bigl(s_i,\ \frac{1}{|N_i|} \sum_{j \in N_i} s_j\Bigr),

so that a lone peak ranks as what lies around it, in the middle of the range as in its corners, and a hole in a
plateau as itself. The neighbours of a point

- on a full grid are all points that differ by at most one grid step in each number, diagonals included;
- elsewhere (random draws, lists) are the :math:`2d` nearest ones, for :math:`d` numbers that vary: distance is the
  largest difference of ranks in any number, each rank as a share of the values there are.

Neighbours agree in everything that is not a number (models, switches). A run that did not trade has the score 0; one
that failed has none and is nobody's neighbour. A point without neighbours ranks by its score alone.

Fails where the steps of the grid are wider than the plateau: everything then looks like a peak.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.errors import ParameterError
from mm_nautilus.sweep.space import Point, keys_of

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One point in the ranking.

    Parameters
    ----------
    index : int
        Which point.
    score : float
        Its own.
    plateau : float
        Its score or the mean of its neighbours', whichever is lower.
    neighbours : int
        How many it has.
    edges : tuple of str
        Numbers that are at an end of what was tried, where at least three values were: the best may lie beyond.

    """

    index: int
    score: float
    plateau: float
    neighbours: int
    edges: tuple[str, ...]


def ranking(points: Sequence[Point], scores: Sequence[float | None]) -> list[Ranked]:
    """Return the points that have a score, best first; see the module.

    Equals stand in the order in which they were given.

    Parameters
    ----------
    points : sequence of Point
        What was tried.
    scores : sequence of float or None
        Of each; ``None`` for a run that failed.

    Raises
    ------
    ParameterError
        Where there are not as many scores as points, or a score is not finite.

    """
    if len(points) != len(scores):
        raise ParameterError("scores", f"{len(scores)} scores", f"one for each of {len(points)} points")
    if any(score is not None and not math.isfinite(score) for score in scores):
        raise ParameterError("scores", "one that is not finite", "finite, or None for a run that failed")
    there = [index for index, score in enumerate(scores) if score is not None]
    values = np.array([scores[index] for index in there], dtype=np.float64)
    tried = [points[index] for index in there]
    around = neighbourhoods(tried, points)
    at_edge = _edges(points)
    found = []
    for place, near in enumerate(around):
        own = float(values[place])
        plateau = min(own, float(values[near].mean())) if len(near) else own
        found.append(Ranked(there[place], own, plateau, len(near), at_edge(tried[place])))
    return sorted(found, key=lambda one: (-one.plateau, -one.score, one.index))


def neighbourhoods(points: Sequence[Point], universe: Sequence[Point] | None = None) -> list[NDArray[np.intp]]:
    """Return the positions of each point's neighbours among `points`.

    Parameters
    ----------
    points : sequence of Point
        Those that have a score.
    universe : sequence of Point, optional
        All that were tried, which decides what a step is and whether they are a full grid; `points` by default.

    """
    everything = points if universe is None else universe
    keys = keys_of(everything)
    numbers = numeric_keys(everything)
    kinds = [tuple(point.get(key) for key in keys if key not in numbers) for point in points]
    steps = {
        key: {value: step for step, value in enumerate(sorted({float(point[key]) for point in everything}))}
        for key in numbers
    }
    counted = [[steps[key][float(point[key])] for key in numbers] for point in points]
    places = np.array(counted, dtype=np.float64).reshape(len(points), len(numbers))
    full = _is_grid(everything, keys)
    spans = np.array([max(len(steps[key]) - 1, 1) for key in numbers], dtype=np.float64)
    alike: dict[tuple[object, ...], list[int]] = {}
    for position, kind in enumerate(kinds):
        alike.setdefault(kind, []).append(position)
    members = {kind: np.array(positions, dtype=np.intp) for kind, positions in alike.items()}
    found: list[NDArray[np.intp]] = []
    for position, kind in enumerate(kinds):
        others = members[kind][members[kind] != position]
        if not numbers or not len(others):
            found.append(np.empty(0, dtype=np.intp))
            continue
        apart = np.abs(places[others] - places[position])
        if full:
            found.append(others[(apart <= 1.0).all(axis=1)])
        else:
            distance = (apart / spans).max(axis=1)
            found.append(np.sort(others[np.argsort(distance, kind="stable")[: 2 * len(numbers)]]))
    return found


def numeric_keys(points: Sequence[Point]) -> list[str]:
    """Return the keys that every point sets to a number, and not all to the same."""
    return [
        key
        for key in keys_of(points)
        if all(_is_number(point.get(key)) for point in points) and len({point[key] for point in points}) > 1
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_grid(points: Sequence[Point], keys: Sequence[str]) -> bool:
    distinct = [{point.get(key) for point in points} for key in keys]
    return len({tuple(point.get(key) for key in keys) for point in points}) == math.prod(map(len, distinct))


def _edges(points: Sequence[Point]) -> _Edges:
    ends: dict[str, tuple[float, float]] = {}
    for key in numeric_keys(points):
        values = {float(point[key]) for point in points}
        if len(values) >= 3:
            ends[key] = (min(values), max(values))
    return _Edges(ends)


@dataclass(frozen=True, slots=True)
class _Edges:
    ends: Mapping[str, tuple[float, float]]

    def __call__(self, point: Point) -> tuple[str, ...]:
        return tuple(key for key, ends in self.ends.items() if float(point[key]) in ends)
