"""The exact problem of `lattice` with a finite horizon.

With equal decays v = exp(k Theta/Delta) evolves as exp(-M tau) v(0), M tridiagonal. c I - M with c the largest
diagonal element has no negative entry, so its exponential, by Taylor series of a small step and repeated
squaring, adds positive numbers only: the tails, many orders of magnitude below the peak, keep every digit.
Eigenvector sums lose them. With two different decays the equation is not linear and is integrated as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.models.checks import check_not_negative
from mm_nautilus.models.lattice import Floats, LatticeProblem

_STEEPEST = 40.0
"""Largest exponent of a fill rate: steeper penalties at the end flatten out to it in no time at all."""

_TAYLOR_TERMS = 20
"""Of ``exp`` of a matrix of norm up to about 1: the rest is below 1e-18."""


@dataclass(frozen=True, slots=True)
class FiniteSolution:
    """Solution at a row of times to the end."""

    times_s: Floats
    """Time left, in seconds, from 0 up; shape (t,)."""
    values: Floats
    """``Theta``: certainty equivalent of what is still to be earned, in quote currency; shape (t, 2N + 1)."""
    marginals: Floats
    """``x_n``, in price units; shape (t, 2N)."""


def solve_finite(problem: LatticeProblem, tau_s: float, steps_per_octave: int = 1, octaves: int = 0) -> FiniteSolution:
    """Solve the problem up to a time left, on a grid that is fine where the end is near.

    Parameters
    ----------
    problem : LatticeProblem
        What is solved.
    tau_s : float
        Longest time left, in seconds; the last of the solution's times.
    steps_per_octave : int
        Equal steps between each time and its double.
    octaves : int
        How often the time doubles after the first steps, at least; more where the problem moves faster.

    Raises
    ------
    ParameterError
        For a negative time.

    """
    check_not_negative(tau_s=tau_s)
    if steps_per_octave < 1:
        raise ParameterError("steps_per_octave", steps_per_octave, "at least 1")
    solve = _linear if problem.is_linear else _nonlinear
    return solve(problem, tau_s, steps_per_octave, octaves)


def _octaves(problem: LatticeProblem, tau_s: float, steps_per_octave: int, octaves: int) -> tuple[float, int]:
    """Return the first step, in seconds, and how often it doubles."""
    fastest = float(np.ptp(problem.running_cost)) * problem.bid_k / problem.order_size
    fastest += problem.bid_eta + problem.ask_eta
    doublings = max(octaves, int(np.ceil(np.log2(max(fastest * tau_s / steps_per_octave, 1.0)))))
    return tau_s / (steps_per_octave * 2**doublings), doublings


def _linear(problem: LatticeProblem, tau_s: float, steps_per_octave: int, octaves: int) -> FiniteSolution:
    k_over_size = problem.bid_k / problem.order_size
    log_v = -problem.terminal * problem.inventories**2 * k_over_size
    times, logs, offsets = [0.0], [log_v], [0.0]
    if tau_s > 0.0:
        step_s, doublings = _octaves(problem, tau_s, steps_per_octave, octaves)
        diagonal = problem.running_cost * k_over_size
        most = float(diagonal.max())
        steps = 2 * problem.lots
        positive = np.diag(most - diagonal)
        positive += np.diag(np.full(steps, problem.bid_eta), 1) + np.diag(np.full(steps, problem.ask_eta), -1)
        step, step_log = _exponential(positive * step_s)
        step_log -= most * step_s
        v = np.exp(log_v - log_v.max())
        offset = float(log_v.max())
        for octave in range(-1, doublings):
            if octave > 0:
                step, step_s = step @ step, 2.0 * step_s
                peak = float(step.max())
                step, step_log = step / peak, 2.0 * step_log + np.log(peak)
            for _ in range(steps_per_octave):
                v = step @ v
                peak = float(v.max())
                v, offset = v / peak, offset + step_log + np.log(peak)
                times.append(times[-1] + step_s)
                logs.append(np.log(v))
                offsets.append(offset)
    relative = np.array(logs)
    values = (relative + np.array(offsets)[:, None]) / k_over_size
    return FiniteSolution(np.array(times), values, -np.diff(relative, axis=1) / problem.bid_k)


def _exponential(matrix: Floats) -> tuple[Floats, float]:
    """Return ``exp`` of a non-negative matrix of norm up to about 1, divided by its peak, and the peak's logarithm."""
    term = total = np.eye(len(matrix))
    for order in range(1, _TAYLOR_TERMS + 1):
        term = term @ matrix / order
        total = total + term
    peak = float(total.max())
    return total / peak, float(np.log(peak))


def _nonlinear(problem: LatticeProblem, tau_s: float, steps_per_octave: int, octaves: int) -> FiniteSolution:
    from scipy.integrate import solve_ivp  # noqa: PLC0415 - a second of import time that few need

    size, costs = problem.order_size, problem.running_cost
    bid, ask = size * problem.bid_eta / problem.bid_k, size * problem.ask_eta / problem.ask_k

    def slope(_tau: float, theta: Floats) -> Floats:
        x = -np.diff(theta) / size
        change = -costs
        change[:-1] += bid * np.exp(np.minimum(-problem.bid_k * x, _STEEPEST))
        change[1:] += ask * np.exp(np.minimum(problem.ask_k * x, _STEEPEST))
        return change

    def jacobian(_tau: float, theta: Floats) -> Floats:
        x = -np.diff(theta) / size
        up = problem.bid_eta * np.exp(np.minimum(-problem.bid_k * x, _STEEPEST))
        down = problem.ask_eta * np.exp(np.minimum(problem.ask_k * x, _STEEPEST))
        bands = np.zeros((3, len(theta)))
        bands[0, 1:], bands[2, :-1] = up, down
        bands[1, :-1] -= up
        bands[1, 1:] -= down
        return bands

    start = -problem.terminal * problem.inventories**2
    first, doublings = _octaves(problem, tau_s, steps_per_octave, octaves)
    times = [first * step for step in range(steps_per_octave + 1)]
    for octave in range(doublings):
        times += [times[-1] + first * 2**octave * step for step in range(1, steps_per_octave + 1)]
    grid = np.array(times) if tau_s > 0.0 else np.zeros(1)
    values = start[None, :]
    if tau_s > 0.0:
        grid[-1] = tau_s
        scale = 1.0 / max(problem.bid_k, problem.ask_k) * size
        solved = solve_ivp(
            slope,
            (0.0, tau_s),
            start,
            method="LSODA",
            t_eval=grid,
            jac=jacobian,
            lband=1,
            uband=1,
            rtol=1e-11,
            atol=1e-11 * scale,
        )
        if not solved.success:
            raise ArithmeticError(f"the value function could not be integrated: {solved.message}")
        values = solved.y.T
    return FiniteSolution(grid, values, -np.diff(values, axis=1) / size)
