"""How far a PnL curve fell below its earlier high, in money and as a share of capital."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The largest fall of a PnL curve.

    Parameters
    ----------
    amount : float
        At least 0, in the curve's currency.
    peak, trough : int or None
        Index of the high it fell from and of its lowest point; `peak` is ``None`` where it fell from the start
        (zero), both are where the curve never fell.
    of_capital : float or None
        `amount` as a fraction of the capital, where that was given.

    """

    amount: float
    peak: int | None
    trough: int | None
    of_capital: float | None


def drawdown(pnl: NDArray[np.float64], capital: float | None = None) -> Drawdown:
    """Return the largest fall below an earlier high, the start (zero) included.

    A percentage of the high itself would mean nothing: a PnL curve starts at zero.

    Parameters
    ----------
    pnl : float array, shape (n,)
        Cumulative PnL since the start, in money.
    capital : float or None
        What the strategy was given, above 0, in the same currency.

    Raises
    ------
    ParameterError
        For a PnL that is not finite or a capital that is not above 0.

    """
    if capital is not None and not 0.0 < capital < math.inf:
        raise ParameterError("capital", capital, "> 0 and finite")
    if not np.isfinite(pnl).all():
        raise ParameterError("pnl", "a value that is not a number", "finite")
    curve = np.concatenate(([0.0], pnl))
    fall = np.maximum.accumulate(curve) - curve
    trough = int(fall.argmax())
    amount = float(fall[trough])
    if amount == 0.0:
        return Drawdown(0.0, None, None, None if capital is None else 0.0)
    peak = int(curve[: trough + 1].argmax())
    return Drawdown(amount, peak - 1 if peak else None, trough - 1, None if capital is None else amount / capital)
