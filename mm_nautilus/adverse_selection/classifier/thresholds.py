"""From what held-out fills were worth, by predicted chance, to the chance above which a fill is not wanted."""

from __future__ import annotations

from collections.abc import Sequence

from mm_nautilus.adverse_selection.classifier.training import Band

NEVER_HIGH = 1.0
"""A `high_risk` that no chance exceeds."""


def unwanted_above(bands: Sequence[Band], break_even_bps: float = 0.0) -> float:
    r"""Return the chance above which held-out fills lost money together, and most of it.

    With :math:`n_i` fills of mean markout :math:`m_i` in band :math:`i`, counted from the lowest, it is the lower edge
    of the band :math:`j \ge 1` that minimises :math:`\sum_{i \ge j} n_i (m_i - b)`; `NEVER_HIGH` where no such sum is
    below zero: a model that finds only fills worth less, none worth nothing, gives no reason to avoid any.

    Fails where the bands hold so few fills that their means are noise, and where the fills to come are worth
    something else than those held out.

    Parameters
    ----------
    bands : sequence of Band
        In order of the predicted chance, as in ``Trained.fifths``.
    break_even_bps : float
        Markout at which a fill is worth nothing, in basis points: the maker fee; negative for a rebate.

    """
    best, edge, total = 0.0, NEVER_HIGH, 0.0
    for band in reversed(bands):
        if band.above is None:
            break
        if band.markout_bps is not None:
            total += band.fills * (band.markout_bps - break_even_bps)
        if total < best:
            best, edge = total, band.above
    return edge
