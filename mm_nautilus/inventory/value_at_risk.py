r"""Value at risk and expected shortfall of an inventory under a normal price change.

.. math::
    s = \sqrt{q^\top \Sigma q\, h}, \qquad \mathrm{VaR}_\alpha = z_\alpha s, \qquad
    \mathrm{ES}_\alpha = \frac{\varphi(z_\alpha)}{1 - \alpha} s

Both are money, to be held against a limit in money: a ratio to the position's worth would not depend on the position.
The same asset on two venues is one entry of :math:`q`, netted.

Assumes zero drift and normal returns over the horizon; with fat tails the true loss beyond the quantile is larger, and
the covariance is the one at hand, not the one of a crisis.

Source: McNeil, Frey and Embrechts, Quantitative Risk Management, 2nd ed. 2015, examples 2.11 and 2.14.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_nautilus.errors import ParameterError

_NORMAL: Final = NormalDist()
# What rounding leaves of an eigenvalue that is zero, relative to the largest.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class InventoryRisk:
    """Loss of an inventory over a horizon, in quote currency.

    Parameters
    ----------
    z : float
        Normal quantile of the confidence.
    standard_deviation : float
        Of the inventory's worth at the horizon.
    value_at_risk : float
        Loss exceeded with probability ``1 - confidence``; negative where the confidence is below one half.
    expected_shortfall : float
        Mean loss beyond the value at risk.

    """

    z: float
    standard_deviation: float
    value_at_risk: float
    expected_shortfall: float


def inventory_risk(
    position: Sequence[float] | NDArray[np.float64],
    covariance_per_s: ArrayLike,
    confidence: float,
    horizon_s: float,
) -> InventoryRisk:
    """Return value at risk and expected shortfall; see the module for the formula.

    Parameters
    ----------
    position : float array, shape (n,)
        Signed positions, in base units.
    covariance_per_s : float array, shape (n, n)
        Covariance of the prices per second, in price units squared.
    confidence : float
        In (0, 1), commonly 0.95 to 0.99.
    horizon_s : float
        How long the inventory is held, in seconds; at least 0.

    Raises
    ------
    ParameterError
        For shapes that do not match, numbers that are not finite, a covariance that is not symmetric and
        positive semi-definite, a confidence outside (0, 1) or a negative horizon.

    """
    if not 0.0 < confidence < 1.0:
        raise ParameterError("confidence", confidence, "in (0, 1)")
    if not 0.0 <= horizon_s < math.inf:
        raise ParameterError("horizon_s", horizon_s, ">= 0 and finite")
    held = np.asarray(position, dtype=np.float64)
    if held.ndim != 1 or not np.isfinite(held).all():
        raise ParameterError("position", position, "a list of finite numbers")
    covariance = checked_covariance(covariance_per_s, len(held))
    # Within the rounding that `checked_covariance` allows, a variance of zero may come out below it.
    variance = max(float(held @ covariance @ held), 0.0) * horizon_s
    return loss_of_deviation(math.sqrt(variance), confidence)


def loss_of_deviation(deviation: float, confidence: float) -> InventoryRisk:
    """Return value at risk and expected shortfall of a normal change of worth with mean zero.

    Parameters
    ----------
    deviation : float
        Standard deviation of the change, in quote currency.
    confidence : float
        In (0, 1).

    """
    z = _NORMAL.inv_cdf(confidence)
    return InventoryRisk(z, deviation, z * deviation, _NORMAL.pdf(z) / (1.0 - confidence) * deviation)


def checked_covariance(covariance: ArrayLike, size: int, name: str = "covariance_per_s") -> NDArray[np.float64]:
    """Return a covariance as an array after checking that it is one.

    Parameters
    ----------
    covariance : float array
        Meant to be symmetric and positive semi-definite, shape ``(size, size)``.
    size : int
        Number of assets.
    name : str
        Name of the field, for the error.

    Raises
    ------
    ParameterError
        When it is not.

    """
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (size, size):
        raise ParameterError(name, f"an array of shape {matrix.shape}", f"shape ({size}, {size}), one row per position")
    if not np.isfinite(matrix).all():
        raise ParameterError(name, matrix.tolist(), "finite numbers")
    if not size:
        return matrix
    scale = float(np.abs(matrix).max())
    if float(np.abs(matrix - matrix.T).max()) > _ROUNDING * scale:
        raise ParameterError(name, matrix.tolist(), "symmetric")
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest < -_ROUNDING * size * scale:
        raise ParameterError(name, f"lowest eigenvalue {lowest:.6g}", "positive semi-definite: no negative variance")
    return matrix
