"""What a currency was worth over a run, where an instrument says so."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from mm_nautilus.analytics.equity import Floats, Ints

_PLACES: Final = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class RatePath:
    """Reference currency for one unit of another, as an instrument's mid told it.

    Parameters
    ----------
    source : str
        The instrument.
    ts_ns : int array, shape (n,)
        Instants in order of time, none after the end of the run; at least one.
    rate : float array, shape (n,)
        From each instant on; the first also before.

    """

    source: str
    ts_ns: Ints
    rate: Floats

    def at(self, instants: Ints) -> Floats:
        """Return the rates at instants."""
        place = np.searchsorted(self.ts_ns, instants, side="right") - 1
        return np.asarray(self.rate[np.maximum(place, 0)], dtype=np.float64)

    @property
    def first(self) -> Decimal:
        """Rate at the start, to eight places."""
        return exact_rate(float(self.rate[0]))

    @property
    def last(self) -> Decimal:
        """Rate at the end, to eight places."""
        return exact_rate(float(self.rate[-1]))


def exact_rate(rate: float) -> Decimal:
    """Return a rate to eight places."""
    return Decimal(rate).quantize(_PLACES)
