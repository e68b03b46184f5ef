r"""Imbalance of what takers bought and sold, :math:`(B - S)/(B + S)`.

Not the order-flow imbalance of `order_flow`, which counts what happens to the book.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, numbers, same_length
from mm_nautilus.estimators.windows import Window, decayed_sums


def trade_imbalance(buy_volume: float, sell_volume: float) -> float:
    r"""Return :math:`(B - S)/(B + S)`, from -1 (all sold) to 1 (all bought); 0 where nothing traded.

    Parameters
    ----------
    buy_volume, sell_volume : float
        What aggressors bought and sold, in base units.

    """
    volume = buy_volume + sell_volume
    return (buy_volume - sell_volume) / volume if volume > 0.0 else 0.0


def trade_imbalances(ts_ns: Any, aggressor: Any, size: Any, window: Window) -> Floats:
    """Trade imbalance over a window right after each trade, NaN before one has passed; shape (n,).

    Parameters
    ----------
    ts_ns : array-like or Arrow column
        Instants of the trades, never backwards.
    aggressor : array-like or Arrow column
        +1 where the taker bought, -1 where the taker sold, 0 where the venue does not say (not counted).
    size : array-like or Arrow column
        In base units.
    window : Window
        `EventWindow` or `ClockWindow`; left as it is.

    Raises
    ------
    ParameterError
        When the columns do not fit.

    """
    buys, sells = by_aggressor(aggressor, size)
    return _ratios(window.totals(ts_ns, buys), window.totals(ts_ns, sells))


def ewma_trade_imbalances(ts_ns: Any, aggressor: Any, size: Any, half_life_s: float) -> Floats:
    r"""Trade imbalance of volumes that decay by :math:`2^{-\Delta t/h}`, right after each trade; shape (n,).

    Parameters
    ----------
    ts_ns, aggressor, size : array-like or Arrow column
        As for `trade_imbalances`.
    half_life_s : float
        Half-life ``h`` in seconds.

    Raises
    ------
    ParameterError
        When the columns do not fit or the half-life is not positive.

    """
    buys, sells = by_aggressor(aggressor, size)
    return _ratios(decayed_sums(ts_ns, buys, half_life_s), decayed_sums(ts_ns, sells, half_life_s))


def by_aggressor(aggressor: Any, size: Any) -> tuple[Floats, Floats]:
    """Return what each trade adds to the volume bought and to the volume sold by takers, in base units.

    Raises
    ------
    ParameterError
        When a sign is not -1, 0 or 1, a size negative, or the columns differ in length.

    """
    signs, sizes = numbers(aggressor, "aggressor"), numbers(size, "size")
    same_length(aggressor=signs, size=sizes)
    if (wrong := ~np.isin(signs, (-1.0, 0.0, 1.0))).any():
        raise ParameterError(f"aggressor[{int(np.argmax(wrong))}]", float(signs[wrong][0]), "-1, 0 or 1")
    if (wrong := sizes < 0.0).any():
        raise ParameterError(f"size[{int(np.argmax(wrong))}]", float(sizes[wrong][0]), ">= 0")
    return np.where(signs > 0.0, sizes, 0.0), np.where(signs < 0.0, sizes, 0.0)


def _ratios(buys: Floats, sells: Floats) -> Floats:
    volume = buys + sells
    return np.divide(buys - sells, volume, out=np.where(np.isnan(volume), np.nan, 0.0), where=volume > 0.0)


class TradeImbalance:
    """`trade_imbalances`, trade by trade; O(1) an update.

    Parameters
    ----------
    window : Window
        `EventWindow` or `ClockWindow`; its reach is used, not the object.

    """

    __slots__ = ("_buys", "_sells")

    def __init__(self, window: Window) -> None:
        self._buys, self._sells = window.empty(), window.empty()

    def update(self, ts_ns: int, aggressor: int, size: float) -> None:
        """Take a trade; see `trade_imbalances` for the arguments."""
        self._buys.add(ts_ns, size if aggressor > 0 else 0.0)
        self._sells.add(ts_ns, size if aggressor < 0 else 0.0)

    def value(self, now_ns: int) -> float | None:
        """Imbalance over the window that ends now, ``None`` before one has passed."""
        buys, sells = self._buys.total(now_ns), self._sells.total(now_ns)
        return None if buys is None or sells is None else trade_imbalance(buys, sells)

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"buys": self._buys.save(), "sells": self._sells.save()}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._buys.load(state["buys"])
        self._sells.load(state["sells"])


class EwmaTradeImbalance:
    """`ewma_trade_imbalances`, trade by trade; O(1) an update.

    The imbalance stands still while nothing trades, because both volumes decay alike: `volume` says how
    much it still rests on.

    Parameters
    ----------
    half_life_s : float
        In seconds.

    Raises
    ------
    ParameterError
        When it is not positive.

    """

    __slots__ = ("_buys", "_per_ns", "_sells", "_ts_ns")

    def __init__(self, half_life_s: float) -> None:
        if not half_life_s > 0.0:
            raise ParameterError("half_life_s", half_life_s, "a number > 0")
        self._per_ns = -1e-9 / half_life_s
        self._buys = self._sells = 0.0
        self._ts_ns: int | None = None

    def update(self, ts_ns: int, aggressor: int, size: float) -> None:
        """Take a trade; see `trade_imbalances` for the arguments."""
        if self._ts_ns is not None and ts_ns > self._ts_ns:
            kept = 2.0 ** ((ts_ns - self._ts_ns) * self._per_ns)
            self._buys *= kept
            self._sells *= kept
        self._ts_ns = ts_ns if self._ts_ns is None else max(ts_ns, self._ts_ns)
        if aggressor > 0:
            self._buys += size
        elif aggressor < 0:
            self._sells += size

    @property
    def value(self) -> float | None:
        """Imbalance of the decayed volumes, ``None`` before the first trade."""
        return None if self._ts_ns is None else trade_imbalance(self._buys, self._sells)

    def volume(self, now_ns: int) -> float:
        """Decayed volume at `now_ns`, in base units."""
        elapsed_ns = 0 if self._ts_ns is None else max(now_ns - self._ts_ns, 0)
        return float((self._buys + self._sells) * 2.0 ** (elapsed_ns * self._per_ns))

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"ts_ns": self._ts_ns, "buys": self._buys, "sells": self._sells}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._ts_ns, self._buys, self._sells = state["ts_ns"], state["buys"], state["sells"]
