"""Exact and closed-form quotes of Guéant, Lehalle and Fernandez-Tapia (2013), side by side.

``uv run docs/papers/glft_2013.py`` prints, for the parameters of the paper's figures and for the world of Avellaneda
and Stoikov, the stationary bid distance at several inventories: solved exactly on the lattice and by the closed form
of section 4. The ask distance at an inventory is the bid distance at its opposite. The paper shows figures only, so
there are no printed numbers to stand beside ours.

Where the skew at the bound is worth several half-spreads (the third set), the closed form's straight line leaves the
exact curve: it over-skews by up to 1.9 at 20 units.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from policy import AVELLANEDA_STOIKOV, World, distances
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mm_nautilus.market import Intensity
from mm_nautilus.models.fills import optimal_fill_rate
from mm_nautilus.models.glft import Glft, GlftParameters
from mm_nautilus.models.glft_exact import GlftExact, GlftExactParameters
from mm_nautilus.models.stationary_law import StationaryLaw, stationary_law

BOUND = 30
SHOWN = (-10, -5, 0, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Setting:
    """A world and the risk aversion of whoever quotes in it."""

    world: World
    gamma: float

    def __str__(self) -> str:
        world = self.world
        return ", ".join(f"{value:g}" for value in (world.sigma, world.a_per_s, world.k_per_price, self.gamma))


SETTINGS = (
    Setting(World(0.3, 0.9, 0.3), 0.01),
    Setting(World(0.4, 0.9, 0.3), 0.01),  # the paper's figures, left
    Setting(World(1.0, 0.2, 0.3), 0.01),  # the paper's figures, right
    Setting(World(0.6, 0.9, 0.9), 0.01),
    Setting(AVELLANEDA_STOIKOV, 0.1),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Stationary quotes of one setting, by inventory from ``-BOUND`` to ``BOUND``."""

    exact_bids: dict[int, float]
    closed_bids: dict[int, float]
    law: StationaryLaw
    gaussian_std: float
    """Inventory deviation of the Gaussian limit, in units."""


def compare(setting: Setting) -> Compared:
    """Return exact and closed-form quotes of a setting and the exact policy's long-run law.

    Parameters
    ----------
    setting : Setting
        One unit an order, no fees, no drift.

    """
    world, gamma = setting.world, setting.gamma
    exact = distances(GlftExact(GlftExactParameters(gamma=gamma), 1.0, BOUND), world, [0.0], BOUND)[0]
    closed = distances(Glft(GlftParameters(gamma=gamma), 1.0, BOUND), world, [0.0], BOUND)[0]
    side = Intensity(world.a_per_s, world.k_per_price)
    held = np.arange(-BOUND, BOUND + 1, dtype=np.float64)
    law = stationary_law(held, exact[:, 0], exact[:, 1], side, side, 1.0, world.sigma)
    eta = optimal_fill_rate(world.a_per_s, world.k_per_price, gamma, 0.0)
    alpha = 0.5 * world.k_per_price * gamma * world.sigma**2
    by_inventory = [
        dict(zip(range(-BOUND, BOUND + 1), bids.tolist(), strict=True)) for bids in (exact[:, 0], closed[:, 0])
    ]
    return Compared(*by_inventory, law, sqrt(0.5 * sqrt(eta / alpha)))


def report() -> None:
    """Print the bid distances of every setting, exact and closed, and the inventory they lead to."""
    table = Table(title="Stationary bid distance by inventory", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("sigma, A, k, gamma")
    for inventory in SHOWN:
        table.add_column(f"{inventory:g}", justify="right")
    table.add_column("std q", justify="right")
    for setting in SETTINGS:
        found = compare(setting)
        table.add_row(str(setting), style="bold")
        table.add_row("  exact", *_cells(found.exact_bids), f"{sqrt(found.law.inventory_variance):.4f}")
        table.add_row("  closed", *_cells(found.closed_bids), f"{found.gaussian_std:.4f}", end_section=True)
    Console().print(table)


def _cells(bids: dict[int, float]) -> list[str]:
    return [f"{bids[inventory]:.4f}" for inventory in SHOWN]


if __name__ == "__main__":
    report()
