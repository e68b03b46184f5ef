"""The reference price a model quotes around, from the top of the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mm_nautilus.market import TopOfBook


def mid(top: TopOfBook) -> float:
    """Arithmetic mean of the best prices, in price units."""
    return 0.5 * (top.bid + top.ask)


def weighted_mid(top: TopOfBook) -> float:
    r"""Mid weighted by the opposite size, :math:`I P_a + (1 - I) P_b` with :math:`I = Q_b/(Q_b + Q_a)`.

    Leans towards the side that will be exhausted first. Assumes that displayed size is genuine; on
    a book whose sizes flicker it is noisier than the mid.
    """
    imbalance = top.bid_size / (top.bid_size + top.ask_size)
    return imbalance * top.ask + (1.0 - imbalance) * top.bid


FAIR_VALUES: Mapping[str, Callable[[TopOfBook], float]] = MappingProxyType({"mid": mid, "weighted_mid": weighted_mid})
