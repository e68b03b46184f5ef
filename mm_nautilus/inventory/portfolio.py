r"""Many instruments as one portfolio: what each is quoted at, how much of it may work, and what to hedge.

Everything that is slow (covariance, its square root) happens in `Portfolio.solve` on a slow timer. In between, a fill
moves two vectors and a requote reads one element of each. All money is converted to the reference currency inside;
prices and sizes go in and out in the instrument's own.

Two things hold a side back, and each on the side that makes *it* worse, which need not be the same one: concentration
looks at the position in the instrument, the risk budget at what the instrument adds to the risk of all positions. A buy
of what hedges another long is no reason to widen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from mm_nautilus.estimators.columns import Floats
from mm_nautilus.estimators.covariance import Covariance, RollingCovariance
from mm_nautilus.estimators.hayashi_yoshida import RollingHayashiYoshida
from mm_nautilus.estimators.nearest_correlation import with_volatilities
from mm_nautilus.inventory.cross_hedge import CrossHedge, cross_hedge
from mm_nautilus.inventory.portfolio_settings import PortfolioSettings
from mm_nautilus.inventory.risk_room import RiskRoom
from mm_nautilus.market import Quote
from mm_nautilus.models.multi_asset import MultiAssetQuoter, multi_asset_quoter
from mm_nautilus.models.portfolio import (
    UNCHANGED,
    ConcentrationLimit,
    PortfolioQuoter,
    SideFactors,
    concentration_factors,
)


@dataclass(frozen=True, slots=True)
class Member:
    """One instrument of a portfolio."""

    name: str
    """Instrument id."""
    rate: float = 1.0
    """Reference currency per unit of its quote currency."""
    sigma: float | None = None
    """Stated volatility, in price per square-root second."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the value function needs to know of one instrument, in its own units."""

    a_per_s: float
    """Orders per second that would reach a quote at no distance, mean of both sides."""
    k_per_price: float
    order_size: float
    """Base units."""
    cost: float = 0.0
    """Of a fill, in price units."""
    drift: float = 0.0
    """Price per second."""
    target: float = 0.0
    """Base units."""


class Portfolio:
    """State of a portfolio; see the module.

    Parameters
    ----------
    settings : PortfolioSettings
        What the members have in common.
    members : sequence of Member
        At least one; they are known by their place from here on.

    Raises
    ------
    ValueError
        For stated correlations that no portfolio of so many can have.

    """

    def __init__(self, settings: PortfolioSettings, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        n = len(members)
        self._settings = settings
        self._rates = [member.rate for member in members]
        self._prices = np.full(n, np.nan)
        self._heard_ns = np.zeros(n, dtype=np.int64)
        self._max_age_ns = int(settings.covariance.max_age_s * 1e9)
        self._rolling = RollingCovariance(n, settings.covariance.window_samples, settings.covariance.step_s)
        asynchronous = settings.covariance.method == "hayashi_yoshida"
        self._ticks = RollingHayashiYoshida(n, settings.covariance.half_life_s) if asynchronous else None
        self._held = [0.0] * n
        self._priced = np.zeros(n)
        self._room = RiskRoom(n)
        self._quoter: PortfolioQuoter | None = None
        self._solution: MultiAssetQuoter | None = None
        self._slopes: list[float] = []
        self._sigmas: list[float | None] = [member.sigma for member in members]
        self.measured: Covariance | None = None
        """What was measured last; ``None`` before there is a measurement to use."""
        self._covariance = self._stated()
        concentration = settings.concentration
        self._capital = math.inf if concentration is None else concentration.capital
        self._limit = (
            None
            if concentration is None
            else ConcentrationLimit(concentration.soft, concentration.hard, concentration.widest)
        )
        budget = settings.risk_budget
        self._risk_limit = None if budget is None else ConcentrationLimit(budget.soft_share, 1.0, budget.widest)
        # From money at the stated confidence and horizon to a deviation per square-root second.
        self._unit = 1.0 if budget is None else NormalDist().inv_cdf(budget.confidence) * math.sqrt(budget.horizon_s)
        self._budget = math.inf if budget is None else budget.limit / self._unit

    def _stated(self) -> Floats | None:
        stated = self._settings.covariance.stated(len(self.members))
        if stated is None or any(member.sigma is None for member in self.members):
            return None
        return with_volatilities(stated, [(member.sigma or 0.0) * member.rate for member in self.members])

    # ---------------------------------------------------------------- market

    def heard(self, index: int, fair_value: float, now_ns: int) -> None:
        """The fair value of one instrument is this now, in its price units."""
        price = fair_value * self._rates[index]
        if self._ticks is not None and price != self._prices[index]:
            self._ticks.update(index, price, now_ns)
        self._prices[index] = price
        self._heard_ns[index] = now_ns

    def sample(self, now_ns: int) -> None:
        """Sample all prices at one instant; every ``step_s``."""
        known = now_ns - self._heard_ns <= self._max_age_ns
        self._rolling.sample(np.where(known, self._prices, np.nan))  # type: ignore[arg-type]

    # ------------------------------------------------------------ slow clock

    def solve(self, terms: Sequence[Terms]) -> bool:
        """Measure the covariance and solve the value function anew; return whether there is one to quote from.

        Parameters
        ----------
        terms : sequence of Terms
            One a member.

        """
        self._measure()
        covariance = self._covariance
        if covariance is None:
            return False
        rates = np.array(self._rates)
        self._room.measure(covariance)
        self._sigmas = (np.sqrt(np.diag(covariance)) / rates).tolist()
        gamma = self._settings.gamma
        solution = multi_asset_quoter(
            covariance,
            [one.a_per_s for one in terms],
            np.array([one.k_per_price for one in terms]) / rates,
            [one.order_size for one in terms],
            gamma,
            gamma if self._settings.fill_risk == "cara" else 0.0,
            drift=_unless_zero(np.array([one.drift for one in terms]) * rates),
            cost=np.array([one.cost for one in terms]) * rates,
            target=_unless_zero(np.array([one.target for one in terms])),
        )
        self._solution = solution
        if self._quoter is None:
            self._quoter = PortfolioQuoter(solution, self._held)
        else:
            self._quoter.solve(solution)
        self._slopes = (2.0 * np.diag(solution.matrix)).tolist()
        return True

    def _measure(self) -> None:
        settings = self._settings.covariance
        if settings.fixed:
            return
        found = self._rolling.value(settings.shrink)
        if found is None or found.samples < settings.warm_up_samples:
            return  # what is there holds on: a market without a price is no reason to forget
        self.measured = found
        self._covariance = found.per_s
        if self._ticks is not None:
            correlation = self._ticks.correlations()
            n = len(correlation)
            if n > 1 and found.shrinkage > 0.0:  # as strongly as the samples of the same prices ask for
                mean = float(correlation[~np.eye(n, dtype=bool)].mean())
                correlation = found.shrinkage * mean + (1.0 - found.shrinkage) * correlation
                np.fill_diagonal(correlation, 1.0)
            self._covariance = with_volatilities(correlation, np.sqrt(np.diag(found.per_s)))

    @property
    def ready(self) -> bool:
        """Whether anything can be quoted."""
        return self._quoter is not None

    @property
    def covariance(self) -> Floats | None:
        """Covariance in use, in reference currency squared per base unit squared and second."""
        return self._covariance

    # ------------------------------------------------------------- positions

    def hold(self, index: int, quantity: float) -> None:
        """Note what is held of one instrument, in base units, signed."""
        self._held[index] = quantity
        self._room.hold(index, quantity)
        if self._quoter is not None:
            self._quoter.hold(index, quantity)

    def working(self, index: int, buys: float, sells: float) -> None:
        """Note what may still fill on one instrument, in base units."""
        self._room.working(index, buys, sells)

    # --------------------------------------------------------------- quoting

    def sigma(self, index: int) -> float | None:
        """Volatility of one instrument, in price per square-root second; ``None`` before the portfolio is priced."""
        return self._sigmas[index] if self._quoter is not None else None

    def quote(self, index: int, fair_value: float, quantity: float) -> Quote | None:
        """Return where to quote one instrument that `quantity` is held of, beside what is held of the others.

        Prices in the instrument's units, quantity in base units; ``None`` before there is a value function.
        """
        quoter = self._quoter
        if quoter is None:
            return None
        rate = self._rates[index]
        half = quoter.half_spread(index) / rate
        skew = quoter.skew(index) + self._slopes[index] * (quantity - self._held[index])
        return Quote(fair_value - skew / rate, half, half)

    def skew(self, index: int) -> float:
        """How far the quotes of one instrument stand below its fair value, in its price units; 0 before that."""
        return 0.0 if self._quoter is None else self._quoter.skew(index) / self._rates[index]

    def slope(self, index: int) -> float:
        """By how much that grows with each base unit of it held."""
        return self._slopes[index] / self._rates[index] if self._slopes else 0.0

    def wanted(self, index: int) -> float:
        """Inventory of one instrument at which its quotes would be symmetric, given all others; in base units."""
        slope = self._slopes[index] if self._slopes else 0.0
        if self._quoter is None or slope <= 0.0:
            return 0.0
        return self._held[index] - self._quoter.skew(index) / slope

    def factors(self, index: int, fair_value: float) -> SideFactors:
        """Return what concentration and the risk budget do to the two sides of one instrument."""
        one = two = UNCHANGED
        if self._limit is not None:
            worth = self._held[index] * fair_value * self._rates[index]
            one = concentration_factors(worth, self._capital, self._limit)
        if self._risk_limit is not None and self._budget > 0.0:
            risk = math.copysign(self._room.deviation, self._room.marginal(index))
            two = concentration_factors(risk, self._budget, self._risk_limit)
        if two is UNCHANGED:
            return one
        return SideFactors(
            max(one.bid_spread, two.bid_spread),
            max(one.ask_spread, two.ask_spread),
            min(one.bid_size, two.bid_size),
            min(one.ask_size, two.ask_size),
        )

    def room(self, index: int, fair_value: float) -> tuple[float, float]:
        """Return how much may work on the buy and sell side of one instrument, in base units; may be infinite."""
        buy, sell = (math.inf, math.inf) if self._budget == math.inf else self._room.room(index, self._budget)
        if self._limit is not None:
            most = self._limit.hard * self._capital / (fair_value * self._rates[index])
            held = self._held[index]
            buy, sell = min(buy, max(most - held, 0.0)), min(sell, max(most + held, 0.0))
        return buy, sell

    def moved(self, tolerances: Floats) -> list[int]:
        """Return whose quotes would stand elsewhere by more than a tolerance since this last named them.

        Parameters
        ----------
        tolerances : float array
            One a member, in its price units.

        """
        if self._quoter is None:
            return []
        skews = self._quoter.skews() / self._rates
        found: list[int] = np.flatnonzero(np.abs(skews - self._priced) > tolerances).tolist()
        self._priced[found] = skews[found]
        return found

    def hedge(self, costs: Sequence[float | None], least: float = 0.0) -> CrossHedge | None:
        """Return the hedge that gains most, its skew, cost and gain in reference currency.

        Parameters
        ----------
        costs : sequence of (float or None)
            Of taking one base unit of each, in its price units; ``None`` where it cannot be taken now.
        least : float
            See `cross_hedge`.

        """
        if self._quoter is None:
            return None
        converted = [None if cost is None else cost * rate for cost, rate in zip(costs, self._rates, strict=True)]
        return cross_hedge(self._quoter.skews().tolist(), self._slopes, converted, least)

    # ---------------------------------------------------------------- budget

    @property
    def budget(self) -> float:
        """What may be lost, in reference currency, as the settings' value at risk; infinite without a limit."""
        return self._budget * self._unit

    def grant(self, budget: float) -> None:
        """Take another budget, in the same unit: from now on, quotes and rooms obey it."""
        self._budget = max(budget, 0.0) / self._unit

    @property
    def risk(self) -> float:
        """Value at risk of what is held, in reference currency."""
        return self._room.deviation * self._unit

    def worst_risk(self) -> float:
        """Return the value at risk whatever of the working orders fills, in reference currency."""
        return self._room.worst() * self._unit

    # ----------------------------------------------------------------- state

    def save(self) -> dict[str, Any]:
        """Return, as JSON, what a restart need not measure again."""
        return {"names": [member.name for member in self.members], "covariance": self._rolling.save()}

    def load(self, state: dict[str, Any]) -> None:
        """Take up what `save` returned, where it is of the same instruments."""
        if state["names"] == [member.name for member in self.members]:
            self._rolling.load(state["covariance"])


def _unless_zero(values: Floats) -> Floats | None:
    return values if values.any() else None
