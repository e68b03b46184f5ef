"""The exact problem of a maker on the lattice of inventories q = n * Delta, |n| <= N, and its stationary solution.

With the penalty phi on inventory (gamma sigma^2 / 2), the drift mu and, per side, eta = A C exp(-k kappa)::

    dTheta_n/dtau = -phi q^2 + mu q + Delta eta_bid/k_bid exp(-k_bid x_n) + Delta eta_ask/k_ask exp(k_ask x_{n-1})
    x_n           = (Theta_n - Theta_{n+1}) / Delta              marginal price between n and n + 1, n = -N .. N-1
    Theta_n(0)    = -terminal q^2
    bid distance  = c1 + kappa + x_n,     ask distance = c1 + kappa - x_{n-1};  no bid at N, no ask at -N

Far from the end Theta_n(tau) = rho tau + h_n. With equal k, v = exp(k Theta/Delta) solves a linear system, and
rho = -lambda_0 Delta/k with the smallest eigenvalue lambda_0 of a tridiagonal matrix; with two different k, rho is
the one root of a monotone function. Either way the x_n follow from rho by recursion from both bounds inward to the
peak of the solution, the direction in which errors die out; the tails are as exact as the centre.

Source: Guéant, Lehalle and Fernandez-Tapia (2013), section 3; Guéant (2017). Two different k: same equation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.errors import ParameterError
from mm_nautilus.models.checks import check_finite, check_not_negative, check_positive

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LatticeProblem:
    """One maker's problem; see the module.

    Parameters
    ----------
    lots : int
        ``N``: the inventory bound in orders, at least 1.
    order_size : float
        ``Delta``, in base units.
    penalty : float
        ``phi``, in quote currency per base unit squared and second.
    drift : float
        ``mu``, in price per second.
    bid_eta, ask_eta : float
        Optimal fill rate at no marginal value, per side, in 1/s.
    bid_k, ask_k : float
        Decay of the intensity per side, in 1/price.
    terminal : float
        Penalty on what is left at the end, in quote currency per base unit squared.

    Raises
    ------
    ParameterError
        For a value outside its range.

    """

    lots: int
    order_size: float
    penalty: float
    drift: float
    bid_eta: float
    bid_k: float
    ask_eta: float
    ask_k: float
    terminal: float = 0.0

    def __post_init__(self) -> None:
        if self.lots < 1:
            raise ParameterError("inventory_bound", self.lots * self.order_size, "at least one order size")
        check_positive(order_size=self.order_size, bid_eta=self.bid_eta, ask_eta=self.ask_eta)
        check_positive(bid_k=self.bid_k, ask_k=self.ask_k)
        check_not_negative(penalty=self.penalty, terminal=self.terminal)
        check_finite(drift=self.drift)

    @property
    def inventories(self) -> Floats:
        """``q`` of every lattice point, in base units."""
        return np.arange(-self.lots, self.lots + 1, dtype=np.float64) * self.order_size

    @property
    def running_cost(self) -> Floats:
        """``phi q^2 - mu q`` of every lattice point, in quote currency per second."""
        q = self.inventories
        return np.asarray((self.penalty * q - self.drift) * q)

    @property
    def is_linear(self) -> bool:
        """Whether both sides have the same decay, so that ``v = exp(k Theta/Delta)`` is linear."""
        return self.bid_k == self.ask_k


@dataclass(frozen=True, slots=True)
class StationarySolution:
    """Far from the end of the session."""

    growth: float
    """``rho``: certainty equivalent earned, in quote currency per second."""
    marginals: Floats
    """``x_n`` for ``n = -N .. N-1``, in price units."""


def load_solvers() -> None:
    """Import what the solvers need, which takes a second, before the first quote is asked for."""
    import scipy.integrate  # noqa: PLC0415
    import scipy.linalg  # noqa: PLC0415
    import scipy.optimize  # noqa: F401, PLC0415


def solve_stationary(problem: LatticeProblem) -> StationarySolution:
    """Solve the problem far from its end.

    Returns
    -------
    StationarySolution
        Growth and marginal prices.

    Raises
    ------
    OverflowError
        Where the penalty at the bound is beyond what floats hold of it.

    """
    growth, peak = _ground_state(problem)
    if not problem.is_linear:
        growth = _nonlinear_growth(problem, growth, peak)
    left, right = _inward(problem, growth, peak)
    decays = np.array([-1.0 / problem.bid_k] * len(left) + [1.0 / problem.ask_k] * len(right))
    return StationarySolution(growth, decays * np.log(left + right[::-1]))


def _ground_state(problem: LatticeProblem) -> tuple[float, int]:
    """Return growth and peak (as an index) for equal decays; the geometric mean stands in for different ones."""
    from scipy.linalg import eigh_tridiagonal  # noqa: PLC0415 - a second of import time that few need

    k = float(np.sqrt(problem.bid_k * problem.ask_k))
    per_second = k / problem.order_size
    off = np.full(2 * problem.lots, -np.sqrt(problem.bid_eta * problem.ask_eta))
    values, vectors = eigh_tridiagonal(problem.running_cost * per_second, off, select="i", select_range=(0, 0))
    peak = int(np.abs(vectors[:, 0]).argmax())
    return -float(values[0]) / per_second, min(max(peak, 1), 2 * problem.lots - 1)


def _inward(problem: LatticeProblem, growth: float, peak: int) -> tuple[list[float], list[float]]:
    """Recurse from the bounds to the peak; empty where `growth` is too small to exist.

    Returns ``exp(-k_bid x_n)`` from the lower bound up to below the peak, and ``exp(k_ask x_n)`` from the upper
    bound down to the peak.
    """
    earned = (problem.running_cost + growth).tolist()
    bid, ask = (
        problem.order_size * problem.bid_eta / problem.bid_k,
        problem.order_size * problem.ask_eta / problem.ask_k,
    )
    up, down = problem.ask_k / problem.bid_k, problem.bid_k / problem.ask_k
    left: list[float] = []
    other = 0.0
    for n in range(peak):
        own = (earned[n] - ask * other) / bid
        if own <= 0.0:
            return [], []
        left.append(own)
        other = own**-up
    right: list[float] = []
    other = 0.0
    for n in range(2 * problem.lots, peak, -1):
        own = (earned[n] - bid * other) / ask
        if own <= 0.0:
            return [], []
        right.append(own)
        other = own**-down
    return left, right


def _nonlinear_growth(problem: LatticeProblem, guess: float, peak: int) -> float:
    """Root of what the two recursions leave over at the peak, which falls with the growth."""
    from scipy.optimize import brentq  # noqa: PLC0415

    costs = problem.running_cost
    bid, ask = (
        problem.order_size * problem.bid_eta / problem.bid_k,
        problem.order_size * problem.ask_eta / problem.ask_k,
    )
    up, down = problem.ask_k / problem.bid_k, problem.bid_k / problem.ask_k

    def left_over(growth: float) -> float:
        left, right = _inward(problem, growth, peak)
        if not left:
            return bid + ask
        return float(bid * right[-1] ** -down + ask * left[-1] ** -up - costs[peak] - growth)

    low = -float(costs.min())
    step = bid + ask + 1e-9 * abs(low)
    high = max(guess, low) + step
    while left_over(high) > 0.0:
        step *= 2.0
        high += step
    return float(brentq(left_over, low, high, xtol=1e-15 * max(abs(low), abs(high)), rtol=8.9e-16, maxiter=1000))
