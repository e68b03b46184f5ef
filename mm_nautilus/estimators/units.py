r"""Volatility in every unit that people quote it in.

The library works in price units per square-root second. Variance grows with time, volatility with its
square root.
"""

from __future__ import annotations

import math
from typing import Final

from mm_nautilus.errors import ParameterError

SECONDS_PER_YEAR: Final = 31_536_000.0
"""Of a market that never closes (365 days)."""

SECONDS_PER_YEAR_US_EQUITIES: Final = 252 * 23_400.0
"""Of 252 sessions of six and a half hours."""


def sigma_per_sqrt_s(variance: float, elapsed_s: float) -> float:
    r"""Return :math:`\sqrt{V/T}` of a variance collected over `elapsed_s` seconds; 0 for a negative one."""
    _positive("elapsed_s", elapsed_s)
    return math.sqrt(max(_number("variance", variance), 0.0) / elapsed_s)


def sigma_from_annual(price: float, annual_fraction: float, seconds_per_year: float = SECONDS_PER_YEAR) -> float:
    r"""Return :math:`\sigma = S\,\sigma_{ann}/\sqrt{\text{seconds per year}}`, in price per square-root second.

    Parameters
    ----------
    price : float
        Price ``S`` at which a fraction becomes a price.
    annual_fraction : float
        Volatility a year as a fraction (0.2 for 20 %).
    seconds_per_year : float
        Seconds in which the market trades.

    Raises
    ------
    ParameterError
        When the volatility is negative or another argument not positive.

    """
    _positive("price", price)
    _not_negative("annual_fraction", annual_fraction)
    return price * annual_fraction / math.sqrt(_positive("seconds_per_year", seconds_per_year))


def annual_from_sigma(price: float, sigma: float, seconds_per_year: float = SECONDS_PER_YEAR) -> float:
    """Return the volatility a year as a fraction: the inverse of `sigma_from_annual`."""
    _positive("price", price)
    _not_negative("sigma", sigma)
    return sigma * math.sqrt(_positive("seconds_per_year", seconds_per_year)) / price


def sigma_over(sigma: float, horizon_s: float) -> float:
    r"""Return :math:`\sigma\sqrt{h}`, the standard deviation of the price over `horizon_s`, in price units."""
    return _not_negative("sigma", sigma) * math.sqrt(_not_negative("horizon_s", horizon_s))


def bps_of(amount: float, price: float) -> float:
    """Return `amount` (price units) in basis points of `price`."""
    return 1e4 * amount / _positive("price", price)


def position_sigma(position: float, sigma: float, horizon_s: float) -> float:
    r"""Return :math:`|q|\,\sigma\sqrt{h}`, the standard deviation of a position's value, in quote currency."""
    return abs(_number("position", position)) * sigma_over(sigma, horizon_s)


def _number(field: str, value: float) -> float:
    if not math.isfinite(value):
        raise ParameterError(field, value, "a finite number")
    return value


def _positive(field: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(field, value, "a finite number > 0")
    return value


def _not_negative(field: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0.0):
        raise ParameterError(field, value, "a finite number >= 0")
    return value
