"""Carry and the inventory worth holding for it.

::

    drift       mu  = drift - funding_rate * S + theta * (m - S)
    target      q*  = mu / (gamma * sigma^2)                        clipped to the inventory bound
    OU, time h  q*  = E[dS] / (gamma * Var)
                    = 2 * theta * (m - S) / (gamma * sigma^2 * (1 + exp(-theta * h)))
    n assets    q*  = Sigma^-1 mu / gamma

A long position in a perpetual pays funding, which acts on quotes as a drift against it. Exponential utility
holds q* where it would otherwise hold nothing: every skew of these models is around q*, not around zero.

Fails where the drift is not known: mu is divided by sigma^2, so an error of the drift that no test would
notice moves q* by the whole bound.

Source: Merton (1969); Guéant, Lehalle and Fernandez-Tapia (2013), section 5.1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_nautilus.errors import ParameterError
from mm_nautilus.models.checks import (
    check_finite,
    check_not_negative,
    check_positive,
    covariance_matrix,
    vector,
)


def clipped_target(move: float, risk: float, inventory_bound: float) -> float:
    """Return ``q* = move/risk`` within the bound; with no risk the bound itself, and 0 without a move.

    Parameters
    ----------
    move : float
        Drift in price per second, or expected move over a horizon in price units.
    risk : float
        ``gamma sigma^2`` per second, or ``gamma Var`` over the same horizon.
    inventory_bound : float
        Base units.

    """
    if move == 0.0:
        return 0.0
    if abs(move) >= inventory_bound * risk:
        return math.copysign(inventory_bound, move)
    return move / risk


def target_inventory(drift: float, gamma: float, sigma: float) -> float:
    """Return ``q* = mu/(gamma sigma^2)`` in base units, without a bound; arguments as in `clipped_target`.

    Raises
    ------
    ParameterError
        For gamma or sigma not above 0, or a drift that is not finite.

    """
    check_finite(drift=drift)
    check_positive(gamma=gamma, sigma=sigma)
    return drift / (gamma * sigma * sigma)


def expected_move(drift: float, reversion_per_s: float, horizon_s: float) -> float:
    """Return the expected move of a price whose drift now is `drift` and fades at `reversion_per_s`, in price units."""
    if abs(reversion_per_s) * horizon_s < 1e-12:
        return drift * horizon_s
    return -drift * math.expm1(-reversion_per_s * horizon_s) / reversion_per_s


def reversion_variance(sigma: float, reversion_per_s: float, horizon_s: float) -> float:
    """Return ``Var[S(t+h)] = sigma^2 (1 - exp(-2 theta h))/(2 theta)``, in price squared."""
    if abs(reversion_per_s) * horizon_s < 1e-12:
        return sigma * sigma * horizon_s
    return -sigma * sigma * math.expm1(-2.0 * reversion_per_s * horizon_s) / (2.0 * reversion_per_s)


def reversion_target(
    price: float, mean_price: float, reversion_per_s: float, gamma: float, sigma: float, horizon_s: float = 0.0
) -> float:
    """Inventory worth holding while a price returns to its mean.

    Parameters
    ----------
    price, mean_price : float
        Price units.
    reversion_per_s : float
        Speed ``theta``, in 1/s.
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    sigma : float
        Volatility, in price per square-root second.
    horizon_s : float
        Seconds the position is held; 0 for the instant.

    Returns
    -------
    float
        Base units.

    Raises
    ------
    ParameterError
        For gamma or sigma not above 0, or a negative speed or horizon.

    """
    check_finite(price=price, mean_price=mean_price)
    check_positive(gamma=gamma, sigma=sigma)
    check_not_negative(reversion_per_s=reversion_per_s, horizon_s=horizon_s)
    damping = 1.0 + math.exp(-reversion_per_s * horizon_s)
    return 2.0 * reversion_per_s * (mean_price - price) / (gamma * sigma * sigma * damping)


def target_inventories(covariance: ArrayLike, drift: ArrayLike, gamma: float) -> NDArray[np.float64]:
    """Return ``Sigma^-1 mu / gamma`` in base units, one element an asset.

    Parameters
    ----------
    covariance : array_like, shape (n, n)
        Covariance of the fair values per second, in price squared per second; positive semi-definite.
    drift : array_like, shape (n,)
        Price per second.
    gamma : float
        Absolute risk aversion, in 1/quote currency.

    Raises
    ------
    ParameterError
        For a covariance that is none, a gamma not above 0, or a drift along a portfolio without risk.

    """
    sigma = covariance_matrix("covariance", covariance)
    mu = vector("drift", drift, len(sigma))
    check_positive(gamma=gamma)
    if not mu.any():
        return np.zeros(len(sigma))
    # Assets of very different price: the correlation matrix is the well-scaled one.
    scale = np.sqrt(np.diag(sigma))
    if mu[scale == 0.0].any():
        raise ParameterError("drift", drift, "0 for an asset without volatility")
    scale = np.where(scale == 0.0, 1.0, scale)
    correlation, standard = sigma / np.outer(scale, scale), mu / scale
    solution, *_ = np.linalg.lstsq(correlation, standard, rcond=1e-12)
    if np.abs(correlation @ solution - standard).max() > 1e-8 * np.abs(standard).max():
        raise ParameterError("drift", drift, "without a component along a portfolio that has no risk")
    return np.asarray(solution / scale / gamma)
