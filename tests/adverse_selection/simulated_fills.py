"""Fills of a maker who is always first at both touches of a simulated market, with what was known at each."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from mm_nautilus.adverse_selection.classifier.labels import Dataset, LabelSettings, labelled
from mm_nautilus.adverse_selection.features import FillFeatures
from mm_nautilus.adverse_selection.fill_settings import FeatureSettings
from mm_nautilus.catalog.history import read_tops, read_trades
from mm_nautilus.catalog.simulator import PRESETS, SimulationParams, override, simulate
from mm_nautilus.market import Side, TopOfBook

INSTRUMENT, TICK = "SOLUSDT.SIM", Decimal("0.01")
FOREVER = (-(2**62), 2**62)


def market(changes: Sequence[str], **fields: object) -> SimulationParams:
    """Return ``calm`` with changes."""
    return override(PRESETS["calm"].model_copy(update=fields), list(changes))


def simulated_fills(root: Path, params: SimulationParams, label: LabelSettings | None = None) -> Dataset:
    """Simulate and let every market order fill us at the touch it meets."""
    simulate(params, root)
    tick, lot, sigma = float(TICK), 1e-3, params.assets[0].sigma_price_per_sqrt_s
    tops = read_tops(root, INSTRUMENT, "L2", TICK, FOREVER)
    trades = read_trades(root, INSTRUMENT, TICK, FOREVER)
    features = FillFeatures(tick, FeatureSettings())
    order = np.argsort(np.concatenate((tops.ts_ns, trades.ts_ns)), kind="stable")
    rows, sides, prices, instants = [], [], [], []
    last_ns = -1
    for index in order.tolist():
        if index < len(tops.ts_ns):
            bid, ask = int(tops.bid_ticks[index]), int(tops.ask_ticks[index])
            top = TopOfBook(
                bid * tick, ask * tick, *(lot * float(size[index]) for size in (tops.bid_size, tops.ask_size))
            )
            features.moved(int(tops.ts_ns[index]), top)
            continue
        row = index - len(tops.ts_ns)
        now_ns, aggressor = int(trades.ts_ns[row]), Side(int(trades.aggressor[row]))
        side, vector = aggressor.opposite, features.vector(aggressor.opposite, now_ns, sigma, 0.0)
        if now_ns != last_ns:
            if vector is not None and (top := features.top) is not None:
                rows.append(vector)
                sides.append(int(side))
                prices.append(top.bid if side is Side.BUY else top.ask)
                instants.append(now_ns)
            features.filled(now_ns, side)
            last_ns = now_ns
        features.traded(now_ns, int(trades.price_ticks[row]) * tick, 2.0, aggressor)
    return labelled(
        instants,
        sides,
        prices,
        rows,
        features.schema.names,
        tops.ts_ns,
        tops.mid_half_ticks * 0.5 * tick,
        label or LabelSettings(),
    )
