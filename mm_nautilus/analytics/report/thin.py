"""Fewer points that show the same picture: the extremes of every stretch of time survive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


def extremes(times: Ints, values: Floats, points: int) -> Ints:
    """Return which points to draw: of each of equal stretches of time the first, last, lowest, highest and first gap.

    A line through them touches every value that the full line touches at its extremes, and breaks
    wherever the full line breaks (NaN), though a break shorter than a stretch may look as long as one.

    Parameters
    ----------
    times : int array, shape (n,)
        In order.
    values : float array, shape (n,)
        NaN where there is nothing to draw.
    points : int
        About how many points may be drawn; up to this many nothing is left out.

    Returns
    -------
    int array
        Indices, ascending.

    """
    n = len(times)
    if n <= points:
        return np.arange(n)
    stretches = max(1, points // 5)
    span = max(1, int(times[-1] - times[0]))
    stretch = ((times - times[0]) / span * stretches).astype(np.int64)
    begins = np.flatnonzero(np.diff(stretch, prepend=-1))
    ends = np.append(begins[1:], n) - 1
    finite = np.flatnonzero(np.isfinite(values))
    by_value = finite[np.lexsort((values[finite], stretch[finite]))]
    low = np.flatnonzero(np.diff(stretch[by_value], prepend=-1))
    high = np.append(low[1:], len(by_value)) - 1 if len(by_value) else low
    gaps = np.flatnonzero(~np.isfinite(values))
    first_gap = gaps[np.flatnonzero(np.diff(stretch[gaps], prepend=-1))]
    return np.unique(np.concatenate((begins, ends, by_value[low], by_value[high], first_gap)))


def evenly(count: int, most: int) -> Ints:
    """Return which of `count` items to draw when at most `most` may be: evenly spread, first and last among them."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))
