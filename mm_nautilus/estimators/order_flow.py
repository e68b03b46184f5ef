r"""Order-flow imbalance of Cont, Kukanov and Stoikov (2014): what the best quotes gained and lost.

One definition, :math:`OFI = \sum e_n` over a window, whether that is a number of book events or a stretch
of the clock.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, numbers, same_length
from mm_nautilus.estimators.windows import Window
from mm_nautilus.market import TopOfBook


def flow_of_event[T: (float, Floats)](
    last_bid: T, last_bid_size: T, last_ask: T, last_ask_size: T, bid: T, bid_size: T, ask: T, ask_size: T
) -> T:
    r"""Contribution of one change of the best quotes, in base units; positive presses the price up.

    :math:`e_n = 1_{P^b_n \ge P^b_{n-1}} q^b_n - 1_{P^b_n \le P^b_{n-1}} q^b_{n-1}
    - 1_{P^a_n \le P^a_{n-1}} q^a_n + 1_{P^a_n \ge P^a_{n-1}} q^a_{n-1}`

    Parameters
    ----------
    last_bid, last_bid_size, last_ask, last_ask_size : float or array
        Best quotes before, in price and base units.
    bid, bid_size, ask, ask_size : float or array
        Best quotes after.

    """
    bids = (bid >= last_bid) * bid_size - (bid <= last_bid) * last_bid_size
    return bids - (ask <= last_ask) * ask_size + (ask >= last_ask) * last_ask_size


def order_flow(bid: Any, bid_size: Any, ask: Any, ask_size: Any) -> Floats:
    """`flow_of_event` of every row after the first, in base units; shape (n - 1,), (0,) for fewer than two rows.

    Parameters
    ----------
    bid, bid_size, ask, ask_size : array-like or Arrow column
        Best quotes in the order of the book's events, in price and base units.

    Raises
    ------
    ParameterError
        When the columns differ in length or hold a gap.

    """
    b, bs, a, as_ = (
        numbers(bid, "bid"),
        numbers(bid_size, "bid_size"),
        numbers(ask, "ask"),
        numbers(ask_size, "ask_size"),
    )
    same_length(bid=b, bid_size=bs, ask=a, ask_size=as_)
    return flow_of_event(b[:-1], bs[:-1], a[:-1], as_[:-1], b[1:], bs[1:], a[1:], as_[1:])


def order_flow_imbalances(ts_ns: Any, bid: Any, bid_size: Any, ask: Any, ask_size: Any, window: Window) -> Floats:
    """Order-flow imbalance over a window, right after each row; shape (n,), NaN before a window has passed.

    Parameters
    ----------
    ts_ns : array-like or Arrow column
        Instants, never backwards.
    bid, bid_size, ask, ask_size : array-like or Arrow column
        As for `order_flow`.
    window : Window
        `EventWindow` or `ClockWindow`; left as it is.

    Raises
    ------
    ParameterError
        When the columns do not fit.

    """
    flow = order_flow(bid, bid_size, ask, ask_size)
    return np.concatenate((np.full(min(len(ts_ns), 1), np.nan), window.totals(ts_ns[1:], flow)))


def expected_move(flow: float, depth: float, tick: float) -> float:
    r"""Return the move :math:`\Delta M \approx \text{tick}\cdot OFI/(2D)` that the flow goes with, in price units.

    Holds in the stylised book of the paper (``D`` base units on every level); on a real one, regress with
    `price_impact.linear_impact` instead.

    Parameters
    ----------
    flow : float
        Order-flow imbalance, in base units.
    depth : float
        Average size ``D`` of a best quote, in base units.
    tick : float
        Smallest price step, in price units.

    Raises
    ------
    ParameterError
        When `depth` or `tick` is not positive.

    """
    for field, found in (("depth", depth), ("tick", tick)):
        if not found > 0.0:
            raise ParameterError(field, found, "a number > 0")
    return tick * flow / (2.0 * depth)


class OrderFlowImbalance:
    """`order_flow_imbalances`, book event by book event; O(1) an update.

    Parameters
    ----------
    window : Window
        `EventWindow` or `ClockWindow`; its reach is used, not the object.

    """

    __slots__ = ("_last", "_window")

    def __init__(self, window: Window) -> None:
        self._window = window.empty()
        self._last: TopOfBook | None = None

    def update(self, ts_ns: int, top: TopOfBook | None) -> None:
        """Take the best quotes after a book event; ``None`` where a side is missing, from where counting restarts."""
        last, self._last = self._last, top
        if top is None or last is None:
            return
        flow = flow_of_event(
            last.bid, last.bid_size, last.ask, last.ask_size, top.bid, top.bid_size, top.ask, top.ask_size
        )
        self._window.add(ts_ns, flow)

    def value(self, now_ns: int) -> float | None:
        """Imbalance over the window that ends now, in base units, ``None`` before one has passed."""
        return self._window.total(now_ns)

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values; the last book is not part of it, because it will have changed."""
        return {"window": self._window.save()}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._window.load(state["window"])
        self._last = None
