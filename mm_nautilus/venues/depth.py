"""What an order of a given size would pay in a book of limited depth."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mm_nautilus.errors import ParameterError

type Depth = Iterable[tuple[float, float]]
"""Levels of one side of a book as ``(price, size)``, best first; price and base units."""


def sweep_vwap(levels: Depth, size: float) -> float | None:
    """Return the mean price of taking `size` from the best level on, or ``None`` where the depth falls short.

    Parameters
    ----------
    levels : iterable of (price, size)
        One side of the book, best first. What is not shown cannot be counted on.
    size : float
        Size to take, in base units; above 0.

    Raises
    ------
    ParameterError
        For a size that is not above 0, or a level with a negative size or a number that is not finite.

    """
    if not 0.0 < size < math.inf:
        raise ParameterError("size", size, "> 0 and finite")
    left, paid = size, 0.0
    for price, shown in levels:
        if not (math.isfinite(price) and 0.0 <= shown < math.inf):
            raise ParameterError("levels", (price, shown), "finite prices with sizes >= 0")
        taken = min(shown, left)
        paid += taken * price
        left -= taken
        # Sizes add up in floats: a trillionth of the order is not missing depth.
        if left <= 1e-12 * size:
            return paid / (size - left)
    return None
