"""What a stationary policy on the inventory lattice does in the long run.

Fills up and down make the inventory a birth-death chain, so that in balance::

    pi_{n+1} / pi_n = lambda_bid(n) / lambda_ask(n+1)

With equal sides pi_n is proportional to v_n^2, and close to a Gaussian of variance Delta/2 * sqrt(eta/alpha).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Intensity
from mm_nautilus.models.checks import check_not_negative, check_positive, vector
from mm_nautilus.models.lattice import Floats


@dataclass(frozen=True, slots=True)
class StationaryLaw:
    """Long-run behaviour of a policy that does not change."""

    inventories: Floats
    """Base units; shape (2N + 1,)."""
    probabilities: Floats
    """Share of time at each of them."""
    mean_inventory: float
    """Base units."""
    inventory_variance: float
    """Base units squared."""
    fill_rate: float
    """Fills per second, both sides together."""
    edge_rate: float
    """Distance from the fair value earned by fills, before fees, in quote currency per second."""
    inventory_pnl_variance_rate: float
    """``sigma^2 E[q^2]``: variance of PnL from holding inventory, in quote currency squared per second."""


def stationary_law(
    inventories: ArrayLike,
    bid_distances: ArrayLike,
    ask_distances: ArrayLike,
    bid: Intensity,
    ask: Intensity,
    order_size: float,
    sigma: float,
) -> StationaryLaw:
    """Return the long-run law of quotes that depend on inventory alone.

    Parameters
    ----------
    inventories : array_like, shape (m,)
        Base units, one order size apart and rising.
    bid_distances, ask_distances : array_like, shape (m,)
        Distance from the fair value in price units; NaN where a side is not quoted. The last bid and the
        first ask are never quoted.
    bid, ask : Intensity
        Per side.
    order_size : float
        Base units.
    sigma : float
        Volatility, in price per square-root second.

    Raises
    ------
    ParameterError
        For arrays of different length, or a side that is not quoted within the bounds.

    """
    q = vector("inventories", inventories)
    check_positive(order_size=order_size)
    check_not_negative(sigma=sigma)
    buys = vector("bid_distances", np.asarray(bid_distances, dtype=np.float64)[:-1], len(q) - 1)
    sells = vector("ask_distances", np.asarray(ask_distances, dtype=np.float64)[1:], len(q) - 1)
    if len(q) < 2:
        raise ParameterError("inventories", inventories, "two lattice points or more")
    log_up = np.log(bid.a_per_s) - bid.k_per_price * buys
    log_down = np.log(ask.a_per_s) - ask.k_per_price * sells
    log_weights = np.concatenate(([0.0], np.cumsum(log_up - log_down)))
    weights = np.exp(log_weights - log_weights.max())
    probabilities = weights / weights.sum()
    up, down = probabilities[:-1] * np.exp(log_up), probabilities[1:] * np.exp(log_down)
    mean = float(probabilities @ q)
    second = float(probabilities @ q**2)
    return StationaryLaw(
        inventories=q,
        probabilities=probabilities,
        mean_inventory=mean,
        inventory_variance=float(probabilities @ (q - mean) ** 2),
        fill_rate=float(up.sum() + down.sum()),
        edge_rate=float(up @ buys + down @ sells) * order_size,
        inventory_pnl_variance_rate=sigma * sigma * second,
    )
