"""Fixed symmetric quotes and their closed-form moments."""

import math

import numpy as np
import pytest

from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.models.symmetric import Symmetric, SymmetricParameters, symmetric_moments


def test_symmetric_row_of_the_avellaneda_stoikov_table() -> None:
    """The row for gamma 0.1 in continuous time: profit 68.22, its deviation 15.29, of inventory 9.57."""
    moments = symmetric_moments(Intensity(140.0, 1.5), 0.74539021137571, 2.0, 1.0, 1.0)
    assert moments.mean_pnl == pytest.approx(68.22812446583447, rel=1e-12)
    assert math.sqrt(moments.var_pnl) == pytest.approx(15.294555919010278, rel=1e-12)
    assert math.sqrt(moments.var_inventory) == pytest.approx(9.567310610677792, rel=1e-12)


def test_moments_agree_with_an_independent_simulation() -> None:
    """Poisson fills and a Brownian mid, drawn directly: within four standard errors of the closed form."""
    draw, runs = np.random.default_rng(7), 20_000
    intensity, half, sigma, horizon_s, size = Intensity(2.0, 1.0), 0.5, 0.7, 4.0, 0.3
    moments = symmetric_moments(intensity, half, sigma, horizon_s, size)
    pnl, inventory = np.empty(runs), np.empty(runs)
    for run in range(runs):
        fills = draw.poisson(2 * moments.fill_rate_per_side * horizon_s)
        sides = draw.choice((-1.0, 1.0), fills)
        steps = np.diff(np.sort(draw.uniform(0, horizon_s, fills)), prepend=0.0, append=horizon_s)
        held = np.concatenate(((0.0,), np.cumsum(sides) * size))
        inventory[run] = held[-1]
        pnl[run] = fills * half * size + np.sum(held * draw.normal(0.0, sigma * np.sqrt(steps)))
    error = pnl.std() / math.sqrt(runs)
    assert abs(pnl.mean() - moments.mean_pnl) < 4 * error
    for sample, variance in ((pnl, moments.var_pnl), (inventory, moments.var_inventory)):
        squares = (sample - sample.mean()) ** 2
        assert abs(squares.mean() - variance) < 4 * squares.std() / math.sqrt(runs)


def test_quotes_stay_where_they_are_whatever_the_inventory() -> None:
    intensity = Intensity(1.0, 1.0)
    state = MarketState(0, TopOfBook(99.0, 101.0, 1.0, 1.0), 100.0, 0.3, intensity, intensity)
    model = Symmetric(SymmetricParameters(half_spread=0.25, maker_fee_rate=0.001), 1.0, 1000.0)
    for inventory in (-3.0, 0.0, 3.0):
        quote = model.quote(state, inventory, 10.0)
        assert (quote.bid, quote.ask) == pytest.approx((99.65, 100.35), rel=1e-14)
