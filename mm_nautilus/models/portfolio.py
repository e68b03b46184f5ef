r"""Quotes of many instruments from one value function: matrices on a slow clock, one instrument in a few microseconds.

`MultiAssetQuoter` is solved for all instruments when the covariance is measured anew. Between that, the skew :math:`u =
2\mathcal{A}(q - q^*)` is carried along: a fill of :math:`\Delta q_j` adds :math:`2\mathcal{A}_{\cdot j}\Delta q_j`, and
a quote of instrument i reads one element,

.. math:: \text{bid}_i = S_i - (h_i + u_i), \qquad \text{ask}_i = S_i + (h_i - u_i),

so that a fill in one instrument moves the quotes of every correlated one at the next look.

Fails as `mm_nautilus.models.multi_asset` does, and where the covariance of the slow clock has become another one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Quote
from mm_nautilus.models.checks import vector
from mm_nautilus.models.multi_asset import Floats, MultiAssetQuoter


class PortfolioQuoter:
    """Quotes of any one of many instruments; a fill is O(n), a quote O(1).

    Parameters
    ----------
    solution : MultiAssetQuoter
        From `multi_asset_quoter`.
    inventory : array_like, shape (n,)
        Base units.

    Raises
    ------
    ParameterError
        For an inventory that is not a finite vector of every instrument.

    """

    def __init__(self, solution: MultiAssetQuoter, inventory: ArrayLike) -> None:
        self._inventory = vector("inventory", inventory, len(solution.target)).copy()
        self.solve(solution)

    def solve(self, solution: MultiAssetQuoter) -> None:
        """Take a new solution for the same instruments, from the slow clock.

        Raises
        ------
        ParameterError
            For a solution of another number of instruments.

        """
        if len(solution.target) != len(self._inventory):
            raise ParameterError("solution", f"of {len(solution.target)}", f"of {len(self._inventory)} instruments")
        self._half: list[float] = solution.half_spreads.tolist()
        self._target = solution.target
        # Contiguous rows; the matrix is symmetric, so a row is the column that a fill needs.
        self._slope = np.ascontiguousarray(2.0 * solution.matrix)
        self._skew = self._slope @ (self._inventory - self._target)

    @property
    def inventory(self) -> tuple[float, ...]:
        """Base units of every instrument."""
        return tuple(self._inventory.tolist())

    def hold(self, instrument: int, quantity: float) -> None:
        """Note what is held of one instrument now, netted over its venues.

        Parameters
        ----------
        instrument : int
            Which one, from 0.
        quantity : float
            Base units, signed.

        Raises
        ------
        ParameterError
            For a quantity that is not finite.

        """
        if not math.isfinite(quantity):
            raise ParameterError("quantity", quantity, "a finite number")
        self._skew += self._slope[instrument] * (quantity - self._inventory[instrument])
        self._inventory[instrument] = quantity

    def skew(self, instrument: int) -> float:
        """Return how far the quotes of one instrument stand below its fair value for what is held, in price units.

        It is also what selling one unit is worth. Where its size exceeds the cost of taking liquidity a hedge in this
        instrument pays, for positions in others too: `mm_nautilus.inventory.hedging`, instrument by instrument.
        """
        return float(self._skew[instrument])

    def half_spread(self, instrument: int) -> float:
        """Return the distance of either quote of one instrument from where both would be without a spread."""
        return self._half[instrument]

    def skews(self) -> Floats:
        """Return `skew` of every instrument."""
        return self._skew.copy()

    def quote(self, instrument: int, fair_value: float) -> Quote:
        """Return where to quote one instrument.

        Parameters
        ----------
        instrument : int
            Which one, from 0.
        fair_value : float
            Price units.

        """
        half = self._half[instrument]
        return Quote(fair_value - float(self._skew[instrument]), half, half)


@dataclass(frozen=True, slots=True)
class ConcentrationLimit:
    r"""How much of the capital may stand in one instrument, and what happens on the way there.

    With :math:`c = |q S| / \text{capital}` and :math:`r = (c - \text{soft})/(\text{hard} - \text{soft})` cut to [0, 1],
    the side that *adds* to the position has its half-spread multiplied by :math:`1 + (w - 1) r` and its size by
    :math:`1 - r`; the side that reduces it stays as it is. At the hard limit nothing is added any more.

    A share of the *gross position* instead of the capital would call the first trade of a day fully concentrated.

    Parameters
    ----------
    soft, hard : float
        Shares of the capital at which it begins and ends; 0 <= soft < hard.
    widest : float
        ``w``, multiplier of the half-spread at the hard limit; at least 1.

    Raises
    ------
    ParameterError
        When one is outside its range.

    """

    soft: float
    hard: float
    widest: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.soft < self.hard < math.inf:
            raise ParameterError("soft, hard", (self.soft, self.hard), "0 <= soft < hard")
        if not 1.0 <= self.widest < math.inf:
            raise ParameterError("widest", self.widest, ">= 1 and finite")


class SideFactors(Struct, frozen=True, gc=False):
    """Multipliers of half-spreads and sizes."""

    bid_spread: float = 1.0
    ask_spread: float = 1.0
    bid_size: float = 1.0
    ask_size: float = 1.0


UNCHANGED = SideFactors()


def concentration_factors(value: float, capital: float, limit: ConcentrationLimit) -> SideFactors:
    """Return what the concentration in one instrument does to its two sides; see `ConcentrationLimit`.

    Parameters
    ----------
    value : float
        Worth of the position, signed, in the currency of the capital.
    capital : float
        What the shares are taken of; above 0.
    limit : ConcentrationLimit
        Shares.

    Raises
    ------
    ParameterError
        For a capital that is not above 0, or a value that is not finite.

    """
    if not 0.0 < capital < math.inf:
        raise ParameterError("capital", capital, "> 0 and finite")
    if not math.isfinite(value):
        raise ParameterError("value", value, "a finite number")
    over = (abs(value) / capital - limit.soft) / (limit.hard - limit.soft)
    if over <= 0.0:
        return UNCHANGED
    reached = min(over, 1.0)
    spread, size = 1.0 + (limit.widest - 1.0) * reached, 1.0 - reached
    return SideFactors(spread, 1.0, size, 1.0) if value > 0.0 else SideFactors(1.0, spread, 1.0, size)


def risk_shares(
    inventory: Sequence[float] | ArrayLike, covariance: ArrayLike
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    r"""Return the share of each position in the variance of the portfolio, :math:`q_i (\Sigma q)_i / q^\top\Sigma q`.

    They sum to 1; a position that hedges the others has a share below 0. All 0 where there is no risk.

    Parameters
    ----------
    inventory : array_like, shape (n,)
        Base units.
    covariance : array_like, shape (n, n)
        Price squared per second.

    Raises
    ------
    ParameterError
        For an inventory that is not a finite vector, or a covariance of another size.

    """
    q, sigma = vector("inventory", inventory), np.asarray(covariance, dtype=np.float64)
    if sigma.shape != (len(q), len(q)):
        raise ParameterError("covariance", f"shape {sigma.shape}", f"shape ({len(q)}, {len(q)})")
    parts = q * (sigma @ q)
    total = float(parts.sum())
    return np.asarray(parts / total if total > 0.0 else np.zeros(len(q)))
