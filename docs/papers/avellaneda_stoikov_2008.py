r"""The tables of Avellaneda and Stoikov (2008), page 222-223: ours, the published numbers, and the exact ones.

``uv run docs/papers/avellaneda_stoikov_2008.py`` prints them.

The discretisation is part of the definition. In each of 200 steps of 5 ms the quotes follow from time and inventory
at its start; each side fills with probability :math:`\min(1, \lambda\,dt)`, both sides may; the mid then moves by
:math:`\pm\sigma\sqrt{dt}`. "Inventory" quotes around the reservation price, "symmetric" stands at the time average of
the same spread around the mid. With :math:`1 - e^{-\lambda dt}` or in continuous time the numbers differ, by more
than anything a thousand runs could hide.

`simulate` draws the runs. `exact` carries the first four moments of the profit, inventory by inventory, through the
same steps, without any sampling; from them follow the bands in which a thousand runs must lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, sqrt
from typing import Annotated

import numpy as np
import typer
from policy import AVELLANEDA_STOIKOV, Floats, World, distances
from rich.console import Console
from rich.table import Table

from mm_nautilus.models import QuotingModel
from mm_nautilus.models.avellaneda_stoikov import AvellanedaStoikov, AvellanedaStoikovParameters
from mm_nautilus.models.symmetric import Symmetric, SymmetricParameters

STEPS = 200
RUNS = 1000
COLUMNS = {
    "spread": "spread",
    "profit": "profit",
    "std_profit": "std",
    "final_inventory": "final q",
    "std_inventory": "std q",
}
"""Columns of the paper's tables, and their headings here."""
NORMAL_999 = 3.2905267314919255
"""Two-sided 99.9 % quantile of the standard normal."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the paper's tables, in quote currency and units of the asset."""

    gamma: float
    strategy: str
    spread: float
    profit: float
    std_profit: float
    final_inventory: float
    std_inventory: float


PUBLISHED = (
    Row(0.1, "inventory", 1.49, 65.0, 6.6, 0.08, 2.9),
    Row(0.1, "symmetric", 1.49, 68.4, 12.7, 0.26, 8.4),
    Row(0.01, "inventory", 1.35, 68.6, 8.7, 0.12, 5.1),
    Row(0.01, "symmetric", 1.35, 68.8, 12.8, 0.09, 8.7),
    Row(1.0, "inventory", 3.02, 31.4, 5.0, 0.02, 1.7),
    Row(1.0, "symmetric", 3.02, 44.0, 11.0, 0.00, 5.1),
)


@dataclass(frozen=True, slots=True)
class Exact:
    """A row without sampling error, and what sampling would add to it."""

    row: Row
    kurtosis_profit: float
    kurtosis_inventory: float

    def bands(self, runs: int = RUNS) -> dict[str, tuple[float, float]]:
        """Return between which values a column lies in 99.9 % of all experiments of `runs` runs."""
        row, root = self.row, sqrt(runs)
        errors = {
            "profit": (row.profit, row.std_profit / root),
            "std_profit": (row.std_profit, row.std_profit * sqrt((self.kurtosis_profit - 1) / 4) / root),
            "final_inventory": (row.final_inventory, row.std_inventory / root),
            "std_inventory": (row.std_inventory, row.std_inventory * sqrt((self.kurtosis_inventory - 1) / 4) / root),
        }
        return {name: (mean - NORMAL_999 * se, mean + NORMAL_999 * se) for name, (mean, se) in errors.items()}


def times(world: World = AVELLANEDA_STOIKOV) -> Floats:
    """Return the instants at which the quotes are set, in seconds."""
    return np.arange(STEPS) * (world.horizon_s / STEPS)


def models(gamma: float, world: World = AVELLANEDA_STOIKOV) -> dict[str, QuotingModel]:
    """Return both strategies of the paper, one unit an order.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    world : World
        Where they quote.

    """
    # At most one fill a side and step: an inventory of one unit more than there are steps is never reached.
    bound = STEPS + 1.0
    inventory = AvellanedaStoikov(AvellanedaStoikovParameters(gamma=gamma, horizon_s=world.horizon_s), 1.0, bound)
    flat = distances(inventory, world, times(world), 0)
    symmetric = Symmetric(SymmetricParameters(half_spread=float(flat.mean())), 1.0, bound)
    return {"inventory": inventory, "symmetric": symmetric}


@lru_cache(maxsize=8)
def _policy(gamma: float, strategy: str, world: World) -> tuple[Floats, Floats]:
    """Return distances and fill probabilities by step, inventory and side; a side fills at most once a step."""
    away = distances(models(gamma, world)[strategy], world, times(world), STEPS)
    return away, np.minimum(1.0, world.rate(away) * world.horizon_s / STEPS)


def simulate(gamma: float, strategy: str, runs: int, seed: int, world: World = AVELLANEDA_STOIKOV) -> Row:
    """Return a row estimated from simulated runs.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    strategy : str
        ``inventory`` or ``symmetric``.
    runs : int
        How many.
    seed : int
        Of the random numbers.
    world : World
        Where it quotes.

    """
    away, chance = _policy(gamma, strategy, world)
    draws = np.random.default_rng(seed)
    step_sd = world.sigma * sqrt(world.horizon_s / STEPS)
    inventory, wealth = np.zeros(runs, dtype=np.int64), np.zeros(runs)
    for step in range(STEPS):
        row = inventory + STEPS
        filled = draws.random((runs, 2)) < chance[step, row]
        wealth += np.where(filled, away[step, row], 0.0).sum(axis=1)
        inventory += filled[:, 0].astype(np.int64) - filled[:, 1]
        wealth += inventory * step_sd * draws.choice((-1.0, 1.0), size=runs)
    return Row(
        gamma,
        strategy,
        float(away[:, STEPS].sum(axis=1).mean()),
        float(wealth.mean()),
        float(wealth.std(ddof=1)),
        float(inventory.mean()),
        float(inventory.std(ddof=1)),
    )


def exact(gamma: float, strategy: str, world: World = AVELLANEDA_STOIKOV) -> Exact:
    r"""Return a row without sampling.

    For every inventory :math:`q` the vector :math:`E[W^j 1_{q}]`, :math:`j = 0..4`, of the wealth :math:`W` is
    carried forward: a fill adds its distance and moves :math:`q`, the mid then adds :math:`\pm q\sigma\sqrt{dt}`.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    strategy : str
        ``inventory`` or ``symmetric``.
    world : World
        Where it quotes.

    """
    away, chance = _policy(gamma, strategy, world)
    held = np.arange(-STEPS, STEPS + 1, dtype=np.float64)
    step_sd = world.sigma * sqrt(world.horizon_s / STEPS)
    moments = np.zeros((5, len(held)))
    moments[0, STEPS] = 1.0
    for step in range(STEPS):
        (bid, ask), (buys, sells) = away[step].T, chance[step].T
        after = moments * ((1 - buys) * (1 - sells))
        after += _moved(_gained(moments * (buys * (1 - sells)), bid), 1)
        after += _moved(_gained(moments * ((1 - buys) * sells), ask), -1)
        after += _gained(moments * (buys * sells), bid + ask)
        moments = 0.5 * (_gained(after, held * step_sd) + _gained(after, -held * step_sd))
    profit = _central(moments.sum(axis=1))
    inventory = _central(np.array([(moments[0] * held**power).sum() for power in range(5)]))
    row = Row(
        gamma,
        strategy,
        float(away[:, STEPS].sum(axis=1).mean()),
        profit[0],
        sqrt(profit[1]),
        inventory[0],
        sqrt(inventory[1]),
    )
    return Exact(row, profit[2], inventory[2])


def _gained(moments: Floats, gain: Floats) -> Floats:
    """Return the moments after the wealth grew by `gain`, inventory by inventory."""
    powers = [gain**power for power in range(5)]
    return np.stack([sum(comb(j, i) * powers[j - i] * moments[i] for i in range(j + 1)) for j in range(5)])


def _moved(moments: Floats, units: int) -> Floats:
    """Return the moments after the inventory changed by one unit; the outermost row holds no probability."""
    moved = np.zeros_like(moments)
    if units > 0:
        moved[:, 1:] = moments[:, :-1]
    else:
        moved[:, :-1] = moments[:, 1:]
    return moved


def _central(raw: Floats) -> tuple[float, float, float]:
    """Return mean, variance and kurtosis from the raw moments of orders 0 to 4."""
    _, mean, second, third, fourth = (float(value) for value in raw)
    variance = second - mean**2
    return mean, variance, (fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4) / variance**2


def report(
    runs: Annotated[int, typer.Option(min=2, help="Simulated runs per row; the paper has 1000.")] = RUNS,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 2008,
) -> None:
    """Print both tables: simulated here, published, exact, and the band of 99.9 % of all experiments of this size."""
    caption = f"low, high: where {runs:,} runs lie in 99.9 % of all experiments"
    table = Table(
        caption=caption, title=f"Avellaneda and Stoikov (2008): {runs:,} runs, seed {seed}", title_justify="left"
    )
    for name in ("gamma", "strategy", ""):
        table.add_column(name)
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    outside = []
    for published in PUBLISHED:
        truth = exact(published.gamma, published.strategy)
        ours = simulate(published.gamma, published.strategy, runs, seed)
        bands = truth.bands(runs)
        label = (f"{published.gamma:g}", published.strategy)
        table.add_row(*label, "ours", *_cells(ours, 2))
        table.add_row("", "", "paper", *_cells(published, 2))
        table.add_row("", "", "exact", *_cells(truth.row, 4))
        lows, highs = ([f"{band[end]:.2f}" for band in bands.values()] for end in (0, 1))
        table.add_row("", "", "low", "", *lows, style="dim")
        table.add_row("", "", "high", "", *highs, style="dim", end_section=True)
        outside += [
            f"gamma {label[0]}, {label[1]}: {column} {getattr(ours, column):.4f} is not within {low:.4f} and {high:.4f}"
            for column, (low, high) in bands.items()
            if not low <= getattr(ours, column) <= high
        ]
    console = Console()
    console.print(table)
    for problem in outside:
        console.print(problem, style="bold red")
    if outside:
        raise typer.Exit(1)


def _cells(row: Row, places: int) -> list[str]:
    """Return the columns of a row as text; an expected inventory of zero carries no sign."""
    return [f"{round(float(getattr(row, column)), places) + 0.0:.{places}f}" for column in COLUMNS]


if __name__ == "__main__":
    typer.run(report)
