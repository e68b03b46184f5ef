"""The reference price a model quotes around, from the top of the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from mm_nautilus.estimators.columns import Floats, floats, same_length
from mm_nautilus.market import TopOfBook


def mid(top: TopOfBook) -> float:
    """Arithmetic mean of the best prices, in price units."""
    return 0.5 * (top.bid + top.ask)


def weighted_mid(top: TopOfBook) -> float:
    r"""Mid weighted by the opposite size, :math:`I P_a + (1 - I) P_b` with :math:`I = Q_b/(Q_b + Q_a)`.

    Leans towards the side that will be exhausted first. Assumes that displayed size is genuine; on
    a book whose sizes flicker it is noisier than the mid.
    """
    return weighted_price(top.bid, top.ask, bid_weight(top.bid_size, top.ask_size))


def bid_weight[T: (float, Floats)](bid_size: T, ask_size: T) -> T:
    r"""Return the share :math:`I = Q_b/(Q_b + Q_a)` of the bid in the size shown; assumes that some is shown."""
    return bid_size / (bid_size + ask_size)


def weighted_price[T: (float, Floats)](bid: T, ask: T, weight: T) -> T:
    r"""Return :math:`I P_a + (1 - I) P_b`, in price units."""
    return weight * ask + (1.0 - weight) * bid


def queue_imbalance[T: (float, Floats)](bid_size: T, ask_size: T) -> T:
    r"""Return :math:`2I - 1`, from -1 (only asks) to 1 (only bids); assumes that some size is shown."""
    return 2.0 * bid_weight(bid_size, ask_size) - 1.0


def mids(bid: Any, ask: Any) -> Floats:
    """`mid` of each row, in price units; a gap (NaN, Arrow null) stays one.

    Parameters
    ----------
    bid, ask : array-like or Arrow column
        Best prices.

    """
    bids, asks = floats(bid, "bid"), floats(ask, "ask")
    same_length(bid=bids, ask=asks)
    return 0.5 * (bids + asks)


def weighted_mids(bid: Any, ask: Any, bid_size: Any, ask_size: Any) -> Floats:
    """`weighted_mid` of each row, in price units; NaN where a value is missing or no size is shown.

    Parameters
    ----------
    bid, ask, bid_size, ask_size : array-like or Arrow column
        Best quotes, in price and base units.

    """
    bids, asks = floats(bid, "bid"), floats(ask, "ask")
    bid_sizes, ask_sizes = floats(bid_size, "bid_size"), floats(ask_size, "ask_size")
    same_length(bid=bids, ask=asks, bid_size=bid_sizes, ask_size=ask_sizes)
    with np.errstate(invalid="ignore"):
        return weighted_price(bids, asks, bid_weight(bid_sizes, ask_sizes))


FAIR_VALUES: Mapping[str, Callable[[TopOfBook], float]] = MappingProxyType({"mid": mid, "weighted_mid": weighted_mid})
