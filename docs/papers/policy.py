"""A quoting model as a table of distances: what the papers' simulations and recursions read.

The papers' worlds are Markov in time and inventory alone, so a model of the library is asked once per time step
and inventory, as a strategy would ask it, and everything else is arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.models import QuotingModel

type Floats = NDArray[np.float64]

FAIR_VALUE = 100.0


@dataclass(frozen=True, slots=True)
class World:
    """A mid that diffuses and fills that arrive at rate ``A exp(-k delta)`` on each side.

    Parameters
    ----------
    sigma : float
        Volatility of the mid, in price per square-root second.
    a_per_s : float
        Intensity ``A`` at zero distance, in 1/s.
    k_per_price : float
        Decay ``k``, in 1/price.
    horizon_s : float
        Length ``T``, in seconds.

    """

    sigma: float
    a_per_s: float
    k_per_price: float
    horizon_s: float = 1.0

    @property
    def state(self) -> MarketState:
        """The world as a model sees it."""
        side = Intensity(self.a_per_s, self.k_per_price)
        top = TopOfBook(FAIR_VALUE, FAIR_VALUE, 1.0, 1.0)
        return MarketState(0, top, FAIR_VALUE, self.sigma, side, side)

    def rate(self, distance: Floats) -> Floats:
        """Fills per second at a distance from the mid; none where it is infinite, infinite far beyond the mid."""
        with np.errstate(over="ignore"):
            return self.a_per_s * np.exp(-self.k_per_price * distance)


AVELLANEDA_STOIKOV = World(sigma=2.0, a_per_s=140.0, k_per_price=1.5)
"""The numerical example of Avellaneda and Stoikov (2008), section 3.3."""


def distances(model: QuotingModel, world: World, times_s: Sequence[float] | Floats, bound: int) -> Floats:
    """Return how far from the mid a model quotes.

    Parameters
    ----------
    model : QuotingModel
        Asked at the world's state.
    world : World
        Where it quotes.
    times_s : sequence of float
        Seconds since the start.
    bound : int
        Inventories from ``-bound`` to ``bound`` units.

    Returns
    -------
    float array, shape (len(times_s), 2 bound + 1, 2)
        Bid and ask distance in price units; infinite on a side that is not quoted.

    """
    found = np.empty((len(times_s), 2 * bound + 1, 2))
    state = world.state
    for step, time_s in enumerate(times_s):
        for row, inventory in enumerate(range(-bound, bound + 1)):
            quote = model.quote(state, float(inventory), float(time_s))
            found[step, row, 0] = np.inf if quote.bid is None else FAIR_VALUE - quote.bid
            found[step, row, 1] = np.inf if quote.ask is None else quote.ask - FAIR_VALUE
    return found
