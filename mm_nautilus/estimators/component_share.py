r"""How much of the price that several venues agree on in the end comes from each of them.

Prices :math:`y_t` of one asset on n venues wander apart only for a while: with basis :math:`m`, they correct as

.. math::
    \Delta y_t = \alpha\,(\beta^\top y_{t-1} - m) + \sum_{l=1}^{p}\Gamma_l\,\Delta y_{t-l} + e_t,
    \qquad \beta^\top y = (y_2 - y_1, \dots, y_n - y_1) .

A venue that does not correct towards the others is where the price is made. The common price is :math:`f_t =
\alpha_\perp^\top y_t` with :math:`\alpha_\perp^\top\alpha = 0` and weights that sum to 1: the component shares.

Unlike an information share it is free of the order in which the venues are named. A share may come out below 0 or above
1; bound it before use (`mm_nautilus.estimators.lead_lag.bounded_shares`). Sampled far more coarsely than the venues
correct, all of them move within one step, and the shares are mostly noise; `CommonPrice.error` says so.

Source: Gonzalo and Granger, Journal of Business and Economic Statistics 13(1), 1995; Booth, So and Tse, Journal of
Futures Markets 19(6), 1999.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats


@dataclass(frozen=True, slots=True)
class CommonPrice:
    """Where the common price of several venues is made.

    Parameters
    ----------
    shares : float array, shape (n,)
        Component shares, summing to 1.
    errors : float array, shape (n,)
        Their standard errors: the scatter of the shares over stretches of the sample; NaN with too few.
    basis : float array, shape (n,)
        Mean of each price over the common one, in price units.

    """

    shares: Floats
    errors: Floats
    basis: Floats

    @property
    def error(self) -> float:
        """Largest standard error of a share."""
        return float(np.max(self.errors))


def component_shares(prices: Any, lags: int = 1, stretches: int = 8) -> CommonPrice | None:
    """Return the component shares of several venues; see the module for the formula.

    Parameters
    ----------
    prices : array_like, shape (samples, n)
        Prices in one currency, sampled at the same instants; a row with a NaN ends a stretch.
    lags : int
        ``p``: past changes that the regression allows for; at least 0.
    stretches : int
        Parts of the sample from whose scatter the errors are taken; at least 1.

    Returns
    -------
    CommonPrice or None
        ``None`` where the sample is too short or the venues do not correct towards each other.

    Raises
    ------
    ParameterError
        For prices that are no table of at least two columns, or counts below their least value.

    """
    table = np.asarray(prices, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2 or np.isinf(table).any():
        raise ParameterError("prices", f"shape {table.shape}", "a table of finite prices with two columns or more")
    if lags < 0 or stretches < 1:
        raise ParameterError("lags, stretches", (lags, stretches), "at least 0 and at least 1")
    past, moves = _regression_rows(table, lags)
    shares = _shares(past, moves, table.shape[1])
    if shares is None:
        return None
    parts = [
        _shares(rows, changes, table.shape[1])
        for rows, changes in zip(np.array_split(past, stretches), np.array_split(moves, stretches), strict=True)
    ]
    known = np.array([part for part in parts if part is not None])
    enough = stretches > 1 and len(known) == stretches
    errors = known.std(axis=0, ddof=1) / math.sqrt(stretches) if enough else np.full(len(shares), np.nan)
    whole = table[~np.isnan(table).any(axis=1)]
    return CommonPrice(shares, errors, (whole - (whole @ shares)[:, None]).mean(axis=0))


def _regression_rows(table: Floats, lags: int) -> tuple[Floats, Floats]:
    """Return regressors (one, errors of last time, past changes) and the changes they explain, complete rows only."""
    changes = np.diff(table, axis=0)
    moves = changes[lags:]
    apart = table[lags:-1, 1:] - table[lags:-1, :1]
    past = [changes[lags - back : len(changes) - back] for back in range(1, lags + 1)]
    rows = np.hstack([np.ones((len(moves), 1)), apart, *past])
    kept = ~(np.isnan(rows).any(axis=1) | np.isnan(moves).any(axis=1))
    return rows[kept], moves[kept]


def _shares(rows: Floats, moves: Floats, venues: int) -> Floats | None:
    if len(rows) < 2 * rows.shape[1]:
        return None
    # Columns of one size, or the error terms of a calm basis drown in the constant.
    size = np.sqrt((rows * rows).mean(axis=0))
    size[size == 0.0] = 1.0
    solution, _, rank, _ = np.linalg.lstsq(rows / size, moves, rcond=None)
    if rank < rows.shape[1]:
        return None
    alpha = (solution / size[:, None])[1:venues].T
    _, strength, right = np.linalg.svd(alpha.T)
    normal = right[-1]
    total = float(normal.sum())
    if strength[-1] <= 1e-12 * max(strength[0], np.finfo(float).tiny) or abs(total) < 1e-9:
        return None
    shares: Floats = normal / total
    return shares
