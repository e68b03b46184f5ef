"""Closed-form quotes of several assets whose prices move together.

The value function is expanded to second order, theta(q) = -q' A q - q' B. With D = diag(Delta_i (k_bid eta_bid +
k_ask eta_ask)) of every asset, as in `glft`, and the covariance Sigma of the prices per second::

    G      = (D^1/2 Sigma D^1/2)^1/2 with eigenvalues w
    A      = 1/2 D^-1/2 [sqrt(gamma) w tanh(sqrt(gamma) w tau)] D^-1/2          stationary: tanh = 1
    B      = -2 A q*,    q* = target + Sigma^-1 mu / gamma                      quotes are symmetric at q*
    bid_i  = S_i - (c1_i + kappa_i + 2 (A q)_i + Delta_i A_ii + B_i)
    ask_i  = S_i + (c1_i + kappa_i - 2 (A q)_i + Delta_i A_ii - B_i)

One asset is `glft` with equal sides. Inventory in one asset moves the quotes of every correlated one.

Fails with lots that are coarse against the bound: with four lots the quotes are 10 to 15 % off the exact ones.
Sigma estimated from asynchronous prices must be made positive semi-definite first; one that is not is refused.

Source: Guéant, Applied Mathematical Finance 24(2), 2017, section 5; Bergault, Evangelista, Guéant and Vieira,
Applied Mathematical Finance 28(2), 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_nautilus.models.carry import target_inventories
from mm_nautilus.models.checks import check_not_negative, check_positive, covariance_matrix, positive_vector, vector
from mm_nautilus.models.fills import optimal_fill_rate, risk_premium

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MultiAssetQuoter:
    """The value function of several assets, ready to be asked what to quote; made by `multi_asset_quoter`."""

    half_spreads: Floats
    """``c1 + kappa + Delta A_ii`` of every asset, in price units."""
    matrix: Floats
    """``A``, in price per base unit."""
    target: Floats
    """``q*``, in base units."""

    @property
    def tilt(self) -> Floats:
        """``B = -2 A q*``, in price units."""
        return np.asarray(-2.0 * self.matrix @ self.target)

    def distances(self, inventory: ArrayLike) -> tuple[Floats, Floats]:
        """Distance of every bid and ask from its fair value.

        Parameters
        ----------
        inventory : array_like, shape (n,)
            Base units.

        Returns
        -------
        tuple of float array, shape (n,)
            Price units.

        Raises
        ------
        ParameterError
            For an inventory that is not a finite vector of every asset.

        """
        q = vector("inventory", inventory, len(self.target))
        skew = 2.0 * self.matrix @ (q - self.target)
        return self.half_spreads + skew, self.half_spreads - skew


def multi_asset_quoter(
    covariance: ArrayLike,
    a: ArrayLike,
    k: ArrayLike,
    order_size: ArrayLike,
    gamma: float,
    xi: float | None = None,
    tau_s: float | None = None,
    drift: ArrayLike | None = None,
    cost: ArrayLike | None = None,
    target: ArrayLike | None = None,
) -> MultiAssetQuoter:
    """Solve for the quadratic value function of several assets with equal sides; see the module.

    Parameters
    ----------
    covariance : array_like, shape (n, n)
        Of the fair values per second, in price squared per second; positive semi-definite.
    a, k : array_like, shape (n,)
        Intensity at zero distance in 1/s and its decay in 1/price, of each asset.
    order_size : array_like, shape (n,)
        Base units.
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    xi : float, optional
        Risk aversion to the fill itself: `gamma` when left out, 0 for none.
    tau_s : float, optional
        Time left, in seconds; stationary when left out.
    drift : array_like, shape (n,), optional
        Price per second.
    cost : array_like, shape (n,), optional
        ``kappa``: fee and half the own impact, in price units.
    target : array_like, shape (n,), optional
        Inventory the quotes are symmetric around before the carry, in base units.

    Raises
    ------
    ParameterError
        For a covariance that is not positive semi-definite, or a value outside its range.

    """
    sigma = covariance_matrix("covariance", covariance)
    n = len(sigma)
    intensity, decay = positive_vector("a", a, n), positive_vector("k", k, n)
    sizes = positive_vector("order_size", order_size, n)
    check_positive(gamma=gamma)
    aversion = gamma if xi is None else xi
    check_not_negative(xi=aversion)
    kappa = np.zeros(n) if cost is None else vector("cost", cost, n)
    eta = [
        optimal_fill_rate(*one)
        for one in zip(intensity, decay, (aversion * sizes).tolist(), kappa.tolist(), strict=True)
    ]
    root = np.sqrt(2.0 * decay * np.array(eta) * sizes)
    matrix = _value_matrix(sigma, root, gamma, tau_s)
    premium = np.array([risk_premium(aversion * size, one) for size, one in zip(sizes, decay, strict=True)])
    held = np.zeros(n) if target is None else vector("target", target, n)
    if drift is not None:
        held = held + target_inventories(sigma, drift, gamma)
    return MultiAssetQuoter(premium + kappa + sizes * np.diag(matrix), matrix, held)


def _value_matrix(sigma: Floats, root: Floats, gamma: float, tau_s: float | None) -> Floats:
    """Return ``A``, with `root` the diagonal of ``D^1/2``."""
    squares, vectors = np.linalg.eigh(sigma * np.outer(root, root))
    w = np.sqrt(gamma * np.clip(squares, 0.0, None))
    if tau_s is not None:
        check_not_negative(tau_s=tau_s)
        w = w * np.tanh(w * tau_s)
    return np.asarray(0.5 * (vectors * w) @ vectors.T / np.outer(root, root))
