"""How long quotes rested at one price, how much was placed, and when, from the order events of a run log.

A quote begins when the venue accepts it at a price (ACCEPTED, UPDATED) and ends when it gets another price, is filled,
cancelled or expires. Hedges and arbitrage are not quotes. What still rests at the end has no length yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.analytics.resting_orders import CLOSING, RESTING
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.market import Purpose
from mm_nautilus.messages import FillFact

COLUMNS: Final = ("ts_ns", "instrument_id", "client_order_id", "event", "size", "filled", "purpose")
_PLACING: Final = ("SUBMIT", "AMEND")


@dataclass(frozen=True, slots=True)
class QuoteLife:
    """The quotes of one instrument.

    Parameters
    ----------
    placed_ns : int array, shape (p,)
        When a quote was placed: every submit and every amend.
    placed_size : float array, shape (p,)
        What was open of the order then, in base units (contracts).
    seconds : float array, shape (l,)
        How long each quote that ended had rested at its price.
    open : int
        Quotes that rested when the log ended.

    """

    placed_ns: Ints
    placed_size: Floats
    seconds: Floats
    open: int


def quote_lives(log: RunLog, fills: Mapping[str, Sequence[FillFact]]) -> dict[str, QuoteLife]:
    """Return the quotes of each instrument.

    Parameters
    ----------
    log : RunLog
        With the table ``orders``.
    fills : mapping of instrument to sequence of FillFact
        The instruments wanted, and their fills.

    """
    orders = log.table("orders", list(COLUMNS))
    orders = orders.filter(pc.equal(orders["purpose"].cast(pa.string()), Purpose.QUOTE)).drop_columns("purpose")
    return {
        name: _life(orders.filter(pc.equal(orders["instrument_id"].cast(pa.string()), name)), theirs)
        for name, theirs in fills.items()
    }


def _life(orders: pa.Table, fills: Sequence[FillFact]) -> QuoteLife:
    events = orders["event"].cast(pa.string())
    placing = orders.filter(pc.is_in(events, pa.array(_PLACING)))
    size, filled = (placing[name].cast(pa.float64()).to_numpy() for name in ("size", "filled"))
    told = orders.filter(pc.is_in(events, pa.array(sorted(RESTING | CLOSING)))).select(
        ["ts_ns", "client_order_id", "event"]
    )
    ids = told["client_order_id"].combine_chunks()
    ids = ids if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
    begins = pc.is_in(told["event"].cast(pa.string()), pa.array(sorted(RESTING))).to_numpy()
    seconds, still = _ended(
        ids.indices.to_numpy().astype(np.int64),
        told["ts_ns"].to_numpy(),
        begins,
        {name: code for code, name in enumerate(ids.dictionary.to_pylist())} if fills else {},
        fills,
    )
    return QuoteLife(placing["ts_ns"].to_numpy(), size - filled, seconds, still)


def _ended(
    order: Ints, ts_ns: Ints, begins: np.ndarray[tuple[int], np.dtype[np.bool_]], code: Mapping[str, int],
    fills: Sequence[FillFact],
) -> tuple[Floats, int]:  # fmt: skip
    """Return the length of every quote that ended, in seconds, and how many did not."""
    last_fill: dict[int, int] = {}
    for fill in fills:
        if fill.purpose == Purpose.QUOTE and fill.client_order_id in code:
            last_fill[code[fill.client_order_id]] = fill.ts_ns
    sequence = np.lexsort((np.arange(len(order)), ts_ns, order))
    order, ts_ns, begins = order[sequence], ts_ns[sequence], begins[sequence]
    follows = np.append(order[1:] == order[:-1], False) if len(order) else np.empty(0, dtype=bool)
    until = np.append(ts_ns[1:], 0) if len(order) else ts_ns
    done = begins & follows
    seconds = [(until[done] - ts_ns[done]) / 1e9]
    # The last thing heard of these is that they rest: they ended with a fill, or not at all.
    last = np.flatnonzero(begins & ~follows)
    by_fill = [
        (last_fill[owner] - since) / 1e9
        for owner, since in zip(order[last].tolist(), ts_ns[last].tolist(), strict=True)
        if last_fill.get(owner, -1) >= since
    ]
    seconds.append(np.array(by_fill, dtype=np.float64))
    return np.concatenate(seconds), len(last) - len(by_fill)
