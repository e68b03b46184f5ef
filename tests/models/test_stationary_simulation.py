"""The exact stationary policy, played: inventory, edge and fills of a simulated maker are those of its law."""

import math

import numpy as np

from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.models.glft_exact import GlftExact, GlftExactParameters

BOUND, A, K, SIGMA, GAMMA = 30, 140.0, 1.5, 2.0, 0.1
FILLS_PER_S, EDGE_PER_S, STD = 104.284925, 67.303949, 2.5263


def policy() -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of bid and ask by inventory; infinite where there is none."""
    intensity = Intensity(A, K)
    state = MarketState(0, TopOfBook(99.5, 100.5, 1.0, 1.0), 100.0, SIGMA, intensity, intensity)
    model = GlftExact(GlftExactParameters(gamma=GAMMA), 1.0, float(BOUND))
    quotes = [model.quote(state, float(q), 0.0) for q in range(-BOUND, BOUND + 1)]
    bids = [math.inf if quote.bid is None else 100.0 - quote.bid for quote in quotes]
    asks = [math.inf if quote.ask is None else quote.ask - 100.0 for quote in quotes]
    return np.array(bids), np.array(asks)


def test_a_maker_on_the_exact_policy_earns_and_holds_what_its_law_says() -> None:
    bids, asks = policy()
    up, down = A * np.exp(-K * bids), A * np.exp(-K * asks)
    draw, makers, horizon_s = np.random.default_rng(11), 400, 40.0
    q = np.full(makers, BOUND)  # an index; flat
    clock, fills, edge = np.zeros(makers), np.zeros(makers), np.zeros(makers)
    held_s, held_square_s = np.zeros(makers), np.zeros(makers)
    while (running := clock < horizon_s).any():
        rate = up[q] + down[q]
        wait = np.minimum(draw.exponential(1.0 / rate), horizon_s - clock)
        wait[~running] = 0.0
        held_s += (q - BOUND) * wait
        held_square_s += (q - BOUND) ** 2 * wait
        clock += wait
        filled = running & (clock < horizon_s)
        buys = filled & (draw.random(makers) < up[q] / rate)
        sells = filled & ~buys
        edge[buys] += bids[q[buys]]
        edge[sells] += asks[q[sells]]
        fills += filled
        q = q + buys - sells
    for found, expected in ((fills / horizon_s, FILLS_PER_S), (edge / horizon_s, EDGE_PER_S)):
        assert abs(found.mean() - expected) < 4.0 * found.std(ddof=1) / math.sqrt(makers)
    squares = held_square_s / horizon_s
    assert abs(squares.mean() - STD**2) < 4.0 * squares.std(ddof=1) / math.sqrt(makers)
    assert abs(held_s.mean()) < 4.0 * held_s.std(ddof=1) / math.sqrt(makers)
