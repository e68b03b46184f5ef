r"""How much each instrument of a portfolio may still trade before its risk, with every order filled, exceeds a budget.

The risk of positions :math:`q` is the standard deviation :math:`s(q) = \sqrt{q^\top \Sigma q}` of their worth per
square-root second. Orders that may still fill are counted by the triangle inequality: with :math:`o_j` the larger side
of what works on instrument j, no outcome is worse than

.. math:: W = s(q) + \sum_j o_j \sqrt{\Sigma_{jj}} .

Instrument i may add up to the :math:`d` that solves :math:`s(q + d e_i) = B - \sum_{j \ne i} o_j \sqrt{\Sigma_{jj}}`.
Whatever is left of the budget it may trade up to :math:`d = (|b_i| - \sum_{j \ne i} |\Sigma_{ij}| o_j)^+ / \Sigma_{ii}`
toward less risk, :math:`b = \Sigma q`: whichever of the other orders fill, that makes the risk smaller. By induction
over orders the worst case never rises above the larger of the budget and what it was.

What adds to the risk is not what adds to a position: a buy that hedges another instrument's long reduces it.

Holds for the covariance at hand; a new one may put the same positions above the budget, from where they only reduce.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats
from mm_nautilus.inventory.value_at_risk import checked_covariance


class RiskRoom:
    """Positions, working orders and their covariance; a fill is O(n), a question O(1) beside one row of the matrix.

    Parameters
    ----------
    instruments : int
        Number of instruments, at least 1.

    Raises
    ------
    ParameterError
        For a number below 1.

    """

    def __init__(self, instruments: int) -> None:
        if instruments < 1:
            raise ParameterError("instruments", instruments, "an integer >= 1")
        self._held = np.zeros(instruments)
        self._open = np.zeros(instruments)
        self._sides = [(0.0, 0.0)] * instruments
        self._take(np.zeros((instruments, instruments)))

    def measure(self, covariance: ArrayLike) -> None:
        """Take a new covariance, in money squared per base unit squared and second, from the slow clock.

        Raises
        ------
        ParameterError
            For a matrix of another size, or one that is not symmetric and positive semi-definite.

        """
        self._take(checked_covariance(covariance, len(self._held)))

    def _take(self, covariance: Floats) -> None:
        self._covariance = np.ascontiguousarray(covariance)
        self._absolute = np.abs(self._covariance)
        self._variances = np.diag(covariance).tolist()
        self._deviations = np.sqrt(np.diag(covariance)).tolist()
        self._marginal = self._covariance @ self._held
        self._variance = float(self._held @ self._marginal)
        self._reserved = math.fsum(np.asarray(self._deviations) * self._open)

    def hold(self, instrument: int, quantity: float) -> None:
        """Note what is held of one instrument, in base units, signed."""
        change = quantity - float(self._held[instrument])
        if change == 0.0:
            return
        self._variance += change * (2.0 * float(self._marginal[instrument]) + change * self._variances[instrument])
        self._marginal += self._covariance[instrument] * change
        self._held[instrument] = quantity

    def working(self, instrument: int, buys: float, sells: float) -> None:
        """Note what may still fill on one instrument, in base units, both at least 0."""
        if self._sides[instrument] == (buys, sells):
            return
        self._sides[instrument] = (buys, sells)
        larger = max(buys, sells)
        self._reserved += (larger - float(self._open[instrument])) * self._deviations[instrument]
        self._open[instrument] = larger

    @property
    def deviation(self) -> float:
        """Standard deviation of what is held, in money per square-root second."""
        return math.sqrt(max(self._variance, 0.0))

    def marginal(self, instrument: int) -> float:
        """Half the change of the variance with one more base unit; its sign says which side adds to the risk."""
        return float(self._marginal[instrument])

    def worst(self) -> float:
        """Return a bound of the deviation whatever fills, orders that only reduce it not counted; O(n^2).

        In money per square-root second.
        """
        others = self._absolute @ self._open - np.asarray(self._variances) * self._open
        total = self.deviation
        for index, (buys, sells) in enumerate(self._sides):
            marginal, spoilt, variance = float(self._marginal[index]), float(others[index]), self._variances[index]
            adding_buys = 0.0 if buys * variance <= 2.0 * (-marginal - spoilt) else buys
            adding_sells = 0.0 if sells * variance <= 2.0 * (marginal - spoilt) else sells
            total += max(adding_buys, adding_sells) * self._deviations[index]
        return total

    def room(self, instrument: int, budget: float) -> tuple[float, float]:
        """Return how much may work on the buy and on the sell side of one instrument, in base units; may be infinite.

        Parameters
        ----------
        instrument : int
            Which one, from 0.
        budget : float
            Largest deviation in the worst case, in money per square-root second.

        """
        variance = self._variances[instrument]
        if variance <= 0.0:
            return math.inf, math.inf
        larger, marginal = float(self._open[instrument]), float(self._marginal[instrument])
        left = budget - (self._reserved - larger * self._deviations[instrument])
        buy = sell = 0.0
        if left > 0.0:
            inside = marginal * marginal - variance * (self._variance - left * left)
            if inside >= 0.0:
                root = math.sqrt(inside)
                buy, sell = (root - marginal) / variance, (root + marginal) / variance
        spoilt = float(self._absolute[instrument] @ self._open) - variance * larger
        return (
            max(buy, (-marginal - spoilt) / variance, 0.0),
            max(sell, (marginal - spoilt) / variance, 0.0),
        )
