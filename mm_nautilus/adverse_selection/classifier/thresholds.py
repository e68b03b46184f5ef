"""From what held-out fills were worth, by predicted chance, to the chance above which a fill is not wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mm_nautilus.adverse_selection.classifier.training import Band

NEVER_HIGH = 1.0
"""A `high_risk` that no chance exceeds."""
Z = 1.644854
"""Standard errors by which fills must have lost money: 5 %, one-sided."""


def unwanted_above(bands: Sequence[Band], break_even_bps: float = 0.0) -> float:
    r"""Return the chance above which held-out fills lost money together, beyond chance, and most of it.

    With :math:`n_i` fills of mean markout :math:`m_i` and standard error :math:`e_i` in band :math:`i`, counted from
    the lowest, it is the lower edge of the band :math:`j \ge 1` that minimises :math:`\sum_{i \ge j} n_i (m_i - b)`
    among those where it is below :math:`-z \sqrt{\sum_{i \ge j} n_i^2 e_i^2}`, `Z` being the 95 % point. `NEVER_HIGH`
    where there is none: of five bands of noise one will lose, and fills that are worth less than others are still
    worth having.

    Fails where the bands hold so few fills that their means are noise, and where the fills to come are worth
    something else than those held out.

    Parameters
    ----------
    bands : sequence of Band
        In order of the predicted chance, as in ``Trained.fifths``.
    break_even_bps : float
        Markout at which a fill is worth nothing, in basis points: the maker fee; negative for a rebate.

    """
    best, edge, total, variance = 0.0, NEVER_HIGH, 0.0, 0.0
    for band in reversed(bands):
        if band.above is None:
            break
        if band.markout_bps is not None:
            total += band.fills * (band.markout_bps - break_even_bps)
            variance += math.inf if band.markout_bps_se is None else (band.fills * band.markout_bps_se) ** 2
        if total < best and total < -Z * math.sqrt(variance):
            best, edge = total, band.above
    return edge
