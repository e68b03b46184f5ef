"""Equity over time: realised, unrealised and fees at every mark, and what follows from their path.

The curve is for looking at and for statistics of the path, so it is floats; the amounts that are
booked come from `mm_nautilus.inventory.accounting` and the curve ends on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.inventory.average_cost import Holding
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FillPath:
    """The books after each fill; entry 0 is the opening, entry j what held after fill j.

    Parameters
    ----------
    ts_ns : int array, shape (n,)
        When each fill happened.
    position : float array, shape (n + 1,)
        Signed position, in base units (contracts).
    realised, open_value, fees : float array, shape (n + 1,)
        Realised PnL before fees, cost of what is open, and commissions net of rebates so far, in
        settlement currency. Commissions in other currencies are left out.

    """

    ts_ns: Ints
    position: Floats
    realised: Floats
    open_value: Floats
    fees: Floats


def fill_path(fills: Sequence[FillFact], contract: Contract, opening: Holding) -> FillPath:
    """Return the books after each fill.

    Parameters
    ----------
    fills : sequence of FillFact
        Of one instrument, in the order they happened.
    contract : Contract
        How size and price turn into money.
    opening : Holding
        What was held before the first fill.

    """
    books = np.empty((4, len(fills) + 1))
    holding, fees = opening, Decimal(0)
    books[:, 0] = holding.position, holding.realised, holding.open_value, fees
    for j, fill in enumerate(fills, start=1):
        holding = holding.after(fill.size * Side[fill.side], fill.price, contract)
        if fill.commission_currency == contract.settlement_currency:
            fees += fill.commission
        books[:, j] = holding.position, holding.realised, holding.open_value, fees
    ts = np.fromiter((fill.ts_ns for fill in fills), dtype=np.int64, count=len(fills))
    return FillPath(ts, *books)


def worth(position: Floats, price: Floats, contract: Contract) -> Floats:
    """Return what positions are worth at prices: `Contract.value` in floats, zero where flat."""
    size = position * float(contract.multiplier)
    with np.errstate(invalid="ignore"):
        value = -size / price if contract.inverse else size * price
    return np.where(position == 0.0, 0.0, value)


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """PnL since the start at successive instants, in settlement currency; arrays are aligned.

    ``equity = realised + unrealised - fees``.
    """

    ts_ns: Ints
    mid: Floats
    position: Floats
    realised: Floats
    unrealised: Floats
    fees: Floats

    @property
    def equity(self) -> Floats:
        """PnL after fees and rebates."""
        return self.realised + self.unrealised - self.fees


def equity_curve(path: FillPath, mark_ns: Ints, mid: Floats, contract: Contract) -> EquityCurve:
    """Return the equity at marks; a fill at the instant of a mark comes before it.

    Parameters
    ----------
    path : FillPath
        The books after each fill.
    mark_ns, mid : array, shape (m,)
        Instants in order of time, and the mid price at each; where it is NaN (a one-sided book) the
        last one before holds, and marks before the first one are left out.
    contract : Contract
        How size and price turn into money.

    """
    known = np.flatnonzero(np.isfinite(mid))
    if not len(known):
        nothing = np.empty(0)
        return EquityCurve(np.empty(0, dtype=np.int64), *[nothing] * 5)
    mark_ns, mid = mark_ns[known[0] :], mid[known[0] :]
    last = np.maximum.accumulate(np.where(np.isfinite(mid), np.arange(len(mid)), 0))
    mid = mid[last]
    after = np.searchsorted(path.ts_ns, mark_ns, side="right")
    position = path.position[after]
    unrealised = worth(position, mid, contract) - path.open_value[after]
    return EquityCurve(mark_ns, mid, position, path.realised[after], unrealised, path.fees[after])


def pnl_by_fill(path: FillPath, mid_at_fill: Floats, final_mark: float, contract: Contract) -> Floats:
    """Cut the total PnL into one piece per fill.

    The piece of fill j is what the equity gains from just before it to just before the next one (the
    last: to the end): its edge against the mid, its fee, and what the inventory then earns. Pieces sum
    to the PnL from the first fill on. If the mid is a martingale they are nearly uncorrelated, which is
    what makes ``std / sqrt(n)`` a fair standard error of their mean; trends in the mid or autocorrelated
    flow make it too small.

    Parameters
    ----------
    path : FillPath
        The books after each fill.
    mid_at_fill : float array, shape (n,)
        Mid of the market just before each fill, in quote currency.
    final_mark : float
        Price at the end.
    contract : Contract
        How size and price turn into money.

    """
    prices = np.append(mid_at_fill, final_mark)
    unrealised = worth(path.position, prices, contract) - path.open_value
    # Entry j: the books after fill j, valued just before fill j + 1.
    equity = path.realised + unrealised - path.fees
    return np.diff(equity)
