r"""Sharpe ratio of PnL increments, its standard error, and what autocorrelation does to its annual figure.

With increments :math:`x_t` of a period, their mean :math:`\bar x` and sample deviation :math:`s` (ddof 1),
:math:`n` of them and :math:`P` periods a year,

.. math::
    SR = \bar x / s, \qquad \mathrm{se} \approx \sqrt{\frac{1 + SR^2/2}{n}}, \qquad
    SR_{\text{iid}} = SR\sqrt P, \qquad
    SR_{\text{Lo}} = \frac{SR \cdot P}{\sqrt{P + 2\sum_{l=1}^{L} (P - l)\rho_l}} .

Of *increments*: the levels of a PnL curve have no Sharpe ratio. :math:`P` is 365 for days of a market that never
closes, 252 for shares.

Fails for few or fat-tailed increments: the standard error assumes normal, independent ones, and noisy
autocorrelations can make Lo's radicand zero or negative, where there is no figure.

Source: Lo, The Statistics of Sharpe Ratios, Financial Analysts Journal 58(4), 2002, eq. 9, 20 and 21.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_nautilus.errors import ParameterError

# Increments that differ by less than this share of their size differ by rounding alone.
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class SharpeRatio:
    """Sharpe ratio of increments; ``None`` where a figure is not defined.

    Parameters
    ----------
    increments : int
        How many there were.
    mean, standard_deviation : float or None
        Of the increments, the latter with ddof 1, in their currency.
    per_period : float or None
        Mean over deviation.
    standard_error : float or None
        Of `per_period`, for independent normal increments.
    annual : float or None
        For independent increments.
    autocorrelation : tuple of float
        Of lag 1 to the largest asked for; empty where the increments do not vary.
    annual_lo : float or None
        With Lo's correction for the autocorrelations.

    """

    increments: int
    mean: float | None
    standard_deviation: float | None
    per_period: float | None
    standard_error: float | None
    annual: float | None
    autocorrelation: tuple[float, ...]
    annual_lo: float | None


def sharpe_ratio(increments: ArrayLike, periods_per_year: float, lags: int = 0) -> SharpeRatio:
    """Return the Sharpe ratio of PnL increments; see the module for the formulas.

    Parameters
    ----------
    increments : float array, shape (n,)
        PnL of each period, not its running sum, in money; periods of equal length.
    periods_per_year : float
        How many such periods a year has; above 0.
    lags : int
        Autocorrelations that Lo's correction takes in, at least 0; those beyond a year or the data count as zero.

    Raises
    ------
    ParameterError
        For increments that are not a list of finite numbers, periods that are not above 0 or negative lags.

    """
    pnl = np.asarray(increments, dtype=np.float64)
    if pnl.ndim != 1 or not np.isfinite(pnl).all():
        raise ParameterError("increments", increments, "a list of finite numbers")
    if not 0.0 < periods_per_year < math.inf:
        raise ParameterError("periods_per_year", periods_per_year, "> 0 and finite")
    if lags < 0:
        raise ParameterError("lags", lags, ">= 0")
    n = len(pnl)
    mean = float(pnl.mean()) if n else None
    deviation = float(pnl.std(ddof=1)) if n > 1 else None
    if mean is None or deviation is None or deviation <= _ROUNDING * float(np.abs(pnl).max()):
        return SharpeRatio(n, mean, deviation, None, None, None, (), None)
    ratio = mean / deviation
    rho = autocorrelation(pnl, lags)
    terms = sum((periods_per_year - lag) * r for lag, r in enumerate(rho, start=1) if lag < periods_per_year)
    radicand = periods_per_year + 2.0 * terms
    return SharpeRatio(
        increments=n,
        mean=mean,
        standard_deviation=deviation,
        per_period=ratio,
        standard_error=math.sqrt((1.0 + 0.5 * ratio * ratio) / n),
        annual=ratio * math.sqrt(periods_per_year),
        autocorrelation=rho,
        annual_lo=ratio * periods_per_year / math.sqrt(radicand) if radicand > 0.0 else None,
    )


def autocorrelation(values: NDArray[np.float64], lags: int) -> tuple[float, ...]:
    r"""Return :math:`\rho_l = \sum_t (x_t - \bar x)(x_{t-l} - \bar x) / \sum_t (x_t - \bar x)^2` for l = 1 to `lags`.

    Parameters
    ----------
    values : float array, shape (n,)
        Must vary.
    lags : int
        Largest lag; from n on the autocorrelation is 0.

    """
    centred = values - values.mean()
    total = float(centred @ centred)
    n = len(values)
    return tuple(float(centred[lag:] @ centred[: n - lag]) / total if lag < n else 0.0 for lag in range(1, lags + 1))
