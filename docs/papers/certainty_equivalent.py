r"""What a policy is worth in the Avellaneda-Stoikov world: the closed form of 2008 leaves 2.7 of 64.1 on the table.

``uv run docs/papers/certainty_equivalent.py`` prints the certainty equivalent :math:`-\tfrac1\gamma\ln E e^{-\gamma W}`
of the profit :math:`W` that each model's quotes earn in continuous time, with its mean and standard deviation, beside
the theoretical optimum :math:`\tfrac1k\ln v_0(T)` of Guéant, Lehalle and Fernandez-Tapia (2013).

With inventory :math:`q`, distances :math:`\delta(q, t)` and rates :math:`\lambda = A e^{-k\delta}`, what is expected of
the time left obeys linear equations in :math:`\tau = T - t`, which a stiff solver integrates exactly:

.. math::
    u' = \tfrac12\gamma^2\sigma^2q^2 u + \sum \lambda\,(e^{-\gamma\delta} u_{q\pm1} - u), \quad
    m' = \sum\lambda\,(\delta + m_{q\pm1} - m), \quad
    s' = \sigma^2q^2 + \sum\lambda\,(\delta^2 + 2\delta m_{q\pm1} + s_{q\pm1} - s)

for :math:`u = E e^{-\gamma W}`, :math:`m = E W` and :math:`s = E W^2`. Quotes with unbounded inventory and no skew have
no finite certainty equivalent, so every policy is bounded: at the bound the side that would add is withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import log, sqrt

import numpy as np
from policy import AVELLANEDA_STOIKOV, Floats, World, distances
from rich.console import Console
from rich.table import Table
from scipy.integrate import solve_ivp

from mm_nautilus.models import QuotingModel
from mm_nautilus.models.avellaneda_stoikov import AvellanedaStoikov, AvellanedaStoikovParameters
from mm_nautilus.models.fills import optimal_fill_rate
from mm_nautilus.models.glft import Glft, GlftParameters
from mm_nautilus.models.glft_exact import GlftExact, GlftExactParameters
from mm_nautilus.models.lattice import LatticeProblem
from mm_nautilus.models.lattice_evolution import solve_finite

GAMMA = 0.1
BOUND = 30


@dataclass(frozen=True, slots=True)
class Worth:
    """What a policy is worth from a flat start, in quote currency."""

    certainty_equivalent: float
    mean: float
    std: float


def worth(model: QuotingModel, gamma: float = GAMMA, world: World = AVELLANEDA_STOIKOV, bound: int = BOUND) -> Worth:
    """Return what a model's quotes are worth, one unit an order.

    Parameters
    ----------
    model : QuotingModel
        Asked at every inventory and instant the solver needs.
    gamma : float
        Absolute risk aversion of whoever judges, in 1/quote currency.
    world : World
        Where it quotes.
    bound : int
        Largest absolute inventory, in units.

    """
    rows = 2 * bound + 1
    held = np.arange(-bound, bound + 1, dtype=np.float64)

    def system(tau_s: float) -> tuple[Floats, Floats]:
        # What is left of the horizon is tau, so the model is asked at T - tau; the last instant belongs to the session.
        elapsed_s = min(max(world.horizon_s - tau_s, 0.0), np.nextafter(world.horizon_s, 0.0))
        away = distances(model, world, [elapsed_s], bound)[0]
        away[-1, 0] = away[0, 1] = np.inf
        return _system(away, held, gamma, world)

    def slope(tau_s: float, values: Floats) -> Floats:
        matrix, constant = system(tau_s)
        return matrix @ values + constant

    start = np.concatenate((np.ones(rows), np.zeros(2 * rows)))
    solved = solve_ivp(
        slope,
        (0.0, world.horizon_s),
        start,
        method="LSODA",
        jac=lambda tau_s, _values: system(tau_s)[0],
        rtol=1e-7,
        atol=1e-12,
    )
    utility, mean, square = (float(solved.y[part * rows + bound, -1]) for part in range(3))
    return Worth(-log(utility) / gamma, mean, sqrt(square - mean**2))


def _system(away: Floats, held: Floats, gamma: float, world: World) -> tuple[Floats, Floats]:
    """Return matrix and constant of the linear equations at one instant; see the module."""
    rows = len(held)
    rate = world.rate(away)
    distance = np.where(np.isfinite(away), away, 0.0)
    bids, asks = (partial(np.diag, k=k) for k in (1, -1))
    buys, sells = rate[:-1, 0], rate[1:, 1]
    bid, ask = distance[:-1, 0], distance[1:, 1]
    stay = np.diag(rate.sum(axis=1))
    move = bids(buys) + asks(sells)
    matrix = np.zeros((3 * rows, 3 * rows))
    one, two, three = (slice(part * rows, (part + 1) * rows) for part in range(3))
    diffusion = world.sigma**2 * held**2
    matrix[one, one] = bids(buys * np.exp(-gamma * bid)) + asks(sells * np.exp(-gamma * ask)) - stay
    matrix[one, one] += np.diag(0.5 * gamma**2 * diffusion)
    matrix[two, two] = matrix[three, three] = move - stay
    matrix[three, two] = bids(2 * buys * bid) + asks(2 * sells * ask)
    constant = np.zeros(3 * rows)
    constant[two] = (rate * distance).sum(axis=1)
    constant[three] = diffusion + (rate * distance**2).sum(axis=1)
    return matrix, constant


def models(gamma: float = GAMMA, world: World = AVELLANEDA_STOIKOV, bound: int = BOUND) -> dict[str, QuotingModel]:
    """Return the policies that are judged, one unit an order.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    world : World
        Its horizon is that of the finite ones.
    bound : int
        Largest absolute inventory, in units.

    """
    horizon_s, unit, most = world.horizon_s, 1.0, float(bound)
    return {
        "GLFT, exact": GlftExact(GlftExactParameters(gamma=gamma, horizon_s=horizon_s), unit, most),
        "GLFT, exact, stationary": GlftExact(GlftExactParameters(gamma=gamma), unit, most),
        "GLFT, closed form": Glft(GlftParameters(gamma=gamma), unit, most),
        "Avellaneda-Stoikov": AvellanedaStoikov(
            AvellanedaStoikovParameters(gamma=gamma, horizon_s=horizon_s), unit, most
        ),
    }


def optimum(gamma: float = GAMMA, world: World = AVELLANEDA_STOIKOV, bound: int = BOUND) -> float:
    """Return the largest certainty equivalent any policy can have from a flat start, in quote currency.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    world : World
        Where it quotes.
    bound : int
        Largest absolute inventory, in units.

    """
    eta = optimal_fill_rate(world.a_per_s, world.k_per_price, gamma, 0.0)
    problem = LatticeProblem(
        lots=bound,
        order_size=1.0,
        penalty=0.5 * gamma * world.sigma**2,
        drift=0.0,
        bid_eta=eta,
        bid_k=world.k_per_price,
        ask_eta=eta,
        ask_k=world.k_per_price,
    )
    return float(solve_finite(problem, world.horizon_s).values[-1, bound])


def report() -> None:
    """Print what each policy is worth, and what it leaves on the table."""
    best = optimum()
    table = Table(title=f"Certainty equivalents, gamma = {GAMMA:g}, |q| <= {BOUND}", title_justify="left")
    table.caption = "worth: certainty equivalent of the profit; left: on the table"
    table.add_column("policy")
    for name in ("worth", "mean", "std", "left"):
        table.add_column(name, justify="right")
    table.add_row("optimum, in theory", f"{best:.4f}")
    for name, model in models().items():
        found = worth(model)
        numbers = (found.certainty_equivalent, found.mean, found.std, best - found.certainty_equivalent)
        table.add_row(name, *(f"{number:.4f}" for number in numbers))
    Console().print(table)


if __name__ == "__main__":
    report()
