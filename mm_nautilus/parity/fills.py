"""How often the quotes of each level were filled, live and in the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_Z: float = 1.959963984540054
"""Quantile of the standard normal for an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class FillRate:
    """Orders of one level, and how many of them were filled at least in part."""

    level: int
    live_orders: int
    live_filled: int
    tested_orders: int
    tested_filled: int

    @property
    def error(self) -> float | None:
        """Return the simulator's share of filled orders less the live one; ``None`` where one has no orders."""
        if not self.live_orders or not self.tested_orders:
            return None
        return self.tested_filled / self.tested_orders - self.live_filled / self.live_orders

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of `error`.

        Newcombe's hybrid of two Wilson intervals (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10). It
        takes orders for independent; those of one burst of trades are not, and the interval is then too narrow.
        """
        if self.error is None:
            return None
        live = wilson(self.live_filled, self.live_orders)
        tested = wilson(self.tested_filled, self.tested_orders)
        p, q = self.tested_filled / self.tested_orders, self.live_filled / self.live_orders
        below = sqrt((p - tested[0]) ** 2 + (live[1] - q) ** 2)
        above = sqrt((tested[1] - p) ** 2 + (q - live[0]) ** 2)
        return self.error - below, self.error + above


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share.

    Parameters
    ----------
    hits, trials : int
        ``0 <= hits <= trials``, ``trials > 0``.

    """
    share, weight = hits / trials, 1 + _Z**2 / trials
    centre = (share + _Z**2 / (2 * trials)) / weight
    half = _Z * sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2)) / weight
    return max(centre - half, 0.0), min(centre + half, 1.0)


def fill_rates(live: dict[str, pa.Table], tested: dict[str, pa.Table]) -> list[FillRate]:
    """Return the fill rate of each level of the quotes.

    Parameters
    ----------
    live, tested : dict of str to pyarrow.Table
        ``orders`` and ``fills`` of the two runs, as `sequence.comparable` gives them.

    """
    counted = [_counts(tables) for tables in (live, tested)]
    levels = sorted({level for one in counted for level in one})
    nothing = (0, 0)
    return [FillRate(level, *counted[0].get(level, nothing), *counted[1].get(level, nothing)) for level in levels]


def _counts(tables: dict[str, pa.Table]) -> dict[int, tuple[int, int]]:
    orders = tables["orders"]
    sent = orders.filter(pc.and_(pc.equal(orders["event"], "SUBMIT"), pc.equal(orders["purpose"], "QUOTE")))
    filled = np.isin(sent["client_order_id"].to_numpy(), tables["fills"]["client_order_id"].to_numpy())
    level = sent["level"].to_numpy()
    return {int(one): (int(np.sum(level == one)), int(np.sum(filled & (level == one)))) for one in np.unique(level)}
