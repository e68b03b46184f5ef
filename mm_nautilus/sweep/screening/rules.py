"""What a screened run is told, as compiled code reads it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

GLFT, SYMMETRIC, AVELLANEDA_STOIKOV = 0, 1, 2
MODELS: Final = {"glft": GLFT, "symmetric": SYMMETRIC, "avellaneda_stoikov": AVELLANEDA_STOIKOV}
"""Quoting models that can be screened, by name."""


class Rules(NamedTuple):
    """The settings of a run as numbers; NaN stands for a bound that is not there, infinity for one never reached."""

    model: int
    gamma: float
    horizon_s: float
    half_spread: float
    skew: float
    fee_rate: float
    half_impact: float
    target: float
    """Of the model, in base units."""
    banded_target: float
    """Of the bands: the same within the limit."""
    bid_k: float
    bid_eta: float
    bid_premium: float
    ask_k: float
    ask_eta: float
    ask_premium: float

    tick: float
    lot: float
    tick_units: int
    price_units: float
    """A price is so many ticks times `tick_units` over this: the very float that the engine reads."""
    lot_units: int
    size_units: float
    base_per_lot: float
    order_size: float
    bound: float
    order_lots: int
    limit_lots: int
    min_lots: int
    min_notional: float
    max_notional: float
    max_order_notional: float
    min_price: float
    max_price: float

    levels: int
    spacing: float
    size_decay: float
    size_skew: float
    widen: float
    skew_above: float
    skew_size: float
    skew_spread: float
    aggressive_above: float
    aggressive_spread: float
    min_half_spread_bps: float
    max_half_spread_bps: float
    max_book_spread_bps: float
    stale_after_ns: int
    weighted: bool

    sample_ns: int
    sample_s: float
    decay: float
    warm_up: int
    sigma_floor: float
    sigma_fixed: float

    tolerance_ticks: int
    size_tolerance: float
    max_amends: int
    messages_per_ns: float
    burst: float

    submit_ns: int
    amend_ns: int
    cancel_ns: int
    last_quote_ns: int
    end_ns: int

    cash: bool
    paid_lot: float
    """Base units that one lot bought is paid for, the fee included."""
    maker_rate: float
    book: int


_DTYPES: Final = {int: np.int64, float: np.float64, bool: np.bool_}
RULES: Final = np.dtype([(name, _DTYPES[kind]) for name, kind in get_type_hints(Rules).items()])


def compiled(rules: Rules) -> NDArray[Any]:
    """Return rules as the row of a record array, which compiled code passes on as one pointer."""
    return np.array([tuple(rules)], RULES)
