"""Exact quotes from a precomputed table of marginal prices, rebuilt when what it was built for has moved.

Between lattice points (after a partial fill) quotes are interpolated linearly in inventory, and within one order
of the bound extrapolated with the slope before it; between the times of the table, linearly in time.
"""

from __future__ import annotations

from bisect import bisect_right

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.fills import optimal_fill_rate, risk_premium
from mm_nautilus.models.lattice import LatticeProblem, load_solvers, solve_stationary
from mm_nautilus.models.lattice_evolution import solve_finite
from mm_nautilus.models.protocol import ModelParameters

STEPS_PER_OCTAVE, OCTAVES = 32, 8
"""Of the table in time: linear interpolation is then off by less than 0.05 % of a marginal price."""


class MarginalTable:
    """Marginal prices by time left and inventory.

    Parameters
    ----------
    problem : LatticeProblem
        What the table solves.
    horizon_s : float or None
        Longest time left, in seconds; ``None`` for the stationary solution.

    """

    def __init__(self, problem: LatticeProblem, horizon_s: float | None) -> None:
        self.problem = problem
        if horizon_s is None:
            times, rows = [0.0], solve_stationary(problem).marginals[None, :]
        else:
            solution = solve_finite(problem, horizon_s, STEPS_PER_OCTAVE, OCTAVES)
            times, rows = solution.times_s.tolist(), solution.marginals
        self._times: list[float] = times
        # One more on each side, on a straight line, so that a partial order before the bound has a price too.
        self._rows = [[2.0 * x[0] - x[1], *x, 2.0 * x[-1] - x[-2]] for x in rows.tolist()]
        self._per_lot = 1.0 / problem.order_size
        self._zero, self._last = float(problem.lots), 2 * problem.lots - 1

    def marginals(self, inventory: float, tau_s: float = 0.0) -> tuple[float, float]:
        """Return the marginal price of one order more and of one less, in price units; clipped to the lattice.

        Parameters
        ----------
        inventory : float
            Base units.
        tau_s : float
            Time left, in seconds; of no effect in a stationary table.

        """
        place = inventory * self._per_lot + self._zero
        index = min(max(int(place), 0), self._last)
        share = min(max(place - index, 0.0), 1.0)
        rows, times = self._rows, self._times
        if len(rows) == 1:
            return _between(rows[0], index, share)
        later = min(bisect_right(times, tau_s), len(times) - 1)
        before = times[later - 1]
        weight = min(max((tau_s - before) / (times[later] - before), 0.0), 1.0)
        more, less = _between(rows[later - 1], index, share)
        more_later, less_later = _between(rows[later], index, share)
        return more + weight * (more_later - more), less + weight * (less_later - less)


def _between(row: list[float], index: int, share: float) -> tuple[float, float]:
    below, here, above = row[index], row[index + 1], row[index + 2]
    return here + share * (above - here), below + share * (here - below)


class LatticeModel(BoundedModel):
    """Base of the models that quote exact marginal prices.

    Parameters
    ----------
    parameters : ModelParameters
        Common parameters.
    order_size, inventory_bound : float
        Base units; the bound at least one order.
    gamma : float
        Absolute risk aversion, in 1/quote currency: the part of the penalty that moves with the volatility.
    penalty : float
        The part that does not, in quote currency per base unit squared and second.
    terminal : float
        Penalty on inventory at the end, beside its impact, in quote currency per base unit squared.
    xi_size : float
        Fill risk aversion times order size, in 1/price.
    horizon_s : float or None
        Length of a session in seconds, ``None`` for the stationary solution.
    tolerance : float
        Relative change of the parameters that rebuilds the table.

    """

    def __init__(
        self,
        parameters: ModelParameters,
        order_size: float,
        inventory_bound: float,
        *,
        gamma: float,
        penalty: float,
        terminal: float,
        xi_size: float,
        horizon_s: float | None,
        tolerance: float,
    ) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        if inventory_bound < order_size:
            raise ParameterError("inventory_bound", inventory_bound, f"at least one order size ({order_size:g})")
        load_solvers()
        self._lots = int(inventory_bound / order_size * (1.0 + 1e-12))
        self._half_gamma, self._penalty = 0.5 * gamma, penalty
        self._terminal = terminal + self._half_impact / order_size
        self._xi_size = xi_size
        self._horizon_s = horizon_s
        self._tolerance = tolerance
        self._built_for: tuple[float, ...] = ()
        self._latest: tuple[float, ...] = ()
        self._table: MarginalTable | None = None
        self._premiums = (0.0, 0.0)

    def table(self, state: MarketState) -> MarginalTable:
        """Return the table for a state, built anew where the state has moved beyond the tolerance."""
        bid, ask, cost = state.bid_intensity, state.ask_intensity, self.fill_cost(state.fair_value)
        mu = self.drift(state.fair_value) if self._carries else 0.0
        penalty = self._penalty + self._half_gamma * state.sigma * state.sigma
        wanted = (penalty, bid.a_per_s, bid.k_per_price, ask.a_per_s, ask.k_per_price, cost, mu)
        if self._table is None or (wanted != self._latest and self._has_moved(wanted)):
            self._table = self._built(*wanted)
            self._built_for = wanted
        if wanted != self._latest:
            xi_size = self._xi_size
            self._premiums = (risk_premium(xi_size, bid.k_per_price), risk_premium(xi_size, ask.k_per_price))
            self._latest = wanted
        return self._table

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        """Return the quote from the table; see the module."""
        table = self.table(state)
        horizon_s = self._horizon_s
        tau_s = 0.0 if horizon_s is None else horizon_s - elapsed_s % horizon_s
        more, less = table.marginals(inventory, tau_s)
        bid_premium, ask_premium = self._premiums
        half = self.fill_cost(state.fair_value) + 0.5 * (more - less)
        centre = state.fair_value - 0.5 * (more + less)
        return self.bounded(centre, bid_premium + half, ask_premium + half, inventory)

    def _built(
        self, penalty: float, bid_a: float, bid_k: float, ask_a: float, ask_k: float, cost: float, mu: float
    ) -> MarginalTable:
        target = self.target(mu, 2.0 * penalty)
        bid_eta = optimal_fill_rate(bid_a, bid_k, self._xi_size, cost)
        ask_eta = optimal_fill_rate(ask_a, ask_k, self._xi_size, cost)
        if bid_eta == 0.0 or ask_eta == 0.0:
            raise FloatingPointError(f"no fills are left of the intensity at a cost of {cost:g} per unit")
        problem = LatticeProblem(
            lots=self._lots,
            order_size=self._order_size,
            penalty=penalty,
            drift=2.0 * penalty * target,
            bid_eta=bid_eta,
            bid_k=bid_k,
            ask_eta=ask_eta,
            ask_k=ask_k,
            terminal=self._terminal,
        )
        return MarginalTable(problem, self._horizon_s)

    def _has_moved(self, wanted: tuple[float, ...]) -> bool:
        """Whether a parameter is beyond the tolerance: relative, and for cost and drift in what they do to fills."""
        built, share = self._built_for, self._tolerance
        if any(abs(new - old) > share * abs(old) for new, old in zip(wanted[:5], built[:5], strict=True)):
            return True
        if max(wanted[2], wanted[4]) * abs(wanted[5] - built[5]) > share:
            return True
        return abs(wanted[6] - built[6]) > share * 2.0 * built[0] * self._order_size
