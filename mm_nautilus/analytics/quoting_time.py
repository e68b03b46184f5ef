"""What we wanted to rest in the market, for how long, and why not when not.

A decision holds from its own instant to the next one of the same strategy, or to the end of the run.
Time-weighted figures are about the quotes that were *wanted*; what the venue held follows one
command latency later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NOT_STARTED: Final = "NOT_STARTED"
"""State, and reason, of the time before a strategy's first decision."""

DECISION_COLUMNS: Final = (
    "ts_ns", "strategy_id", "instrument_id", "bid", "ask", "bid_prices", "bid_sizes", "ask_prices", "ask_sizes",
    "quote_state", "reasons",
)  # fmt: skip
"""Columns of the decisions table that a timeline needs."""

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QuoteTimeline:
    """Stretches of constant intention, one per decision and one before the first; prices NaN where absent.

    Parameters
    ----------
    start_ns, end_ns : int array
        Where each stretch starts and ends.
    strategy : int array
        Whose stretch it is, counted from 0.
    decided : bool array
        Whether a decision started the stretch; the first one of a strategy is the time before it.
    market_bid, market_ask : float array
        Best prices of the market at the decision.
    bid, ask : float array
        Our best prices.
    bid_size, ask_size : float array
        Size at our best prices, in base units (contracts).
    bid_depth, ask_depth : float array
        Size over all our levels.
    bid_levels, ask_levels : int array
        How many levels.
    state : int array
        Index into `states`.
    states : tuple of str
        Quote states that occur.
    reason : int array
        Index into `reasons`, for all stretches one after another.
    reason_stretch : int array
        The stretch each of `reason` belongs to.
    reasons : tuple of str
        Reasons that occur.

    """

    start_ns: Ints
    end_ns: Ints
    strategy: Ints
    decided: NDArray[np.bool_]
    market_bid: Floats
    market_ask: Floats
    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats
    bid_depth: Floats
    ask_depth: Floats
    bid_levels: Ints
    ask_levels: Ints
    state: Ints
    states: tuple[str, ...]
    reason: Ints
    reason_stretch: Ints
    reasons: tuple[str, ...]

    @property
    def seconds(self) -> Floats:
        """Length of each stretch, in seconds."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last instant of the run."""
        return int(self.start_ns.min()), int(self.end_ns.max())

    @property
    def decisions(self) -> int:
        """Number of decisions behind the stretches."""
        return int(np.count_nonzero(self.decided))

    @property
    def sides(self) -> Ints:
        """Number of sides quoted in each stretch: 0, 1 or 2."""
        return np.isfinite(self.bid).astype(np.int64) + np.isfinite(self.ask)

    def states_at(self, instants: Ints) -> tuple[Ints, tuple[str, ...]]:
        """Return the quote state in force at instants, as places among the names returned; the latest to decide counts.

        Before anybody decided, and where nobody ever quotes, it is `NOT_STARTED`.
        """
        made = np.flatnonzero(self.decided)
        made = made[np.argsort(self.start_ns[made], kind="stable")]
        place = np.searchsorted(self.start_ns[made], instants, side="right")
        before = self.states.index(NOT_STARTED)
        return np.concatenate(([before], self.state[made]))[place], self.states

    @property
    def spread(self) -> Floats:
        """Our ask minus our bid, in price units; NaN unless two-sided."""
        return self.ask - self.bid

    @property
    def mid(self) -> Floats:
        """Mid of the market, in price units."""
        return 0.5 * (self.market_bid + self.market_ask)


def quote_timeline(decisions: pa.Table, start_ns: int, end_ns: int) -> QuoteTimeline:
    """Return the timeline of one instrument.

    Parameters
    ----------
    decisions : pyarrow.Table
        Decisions on one instrument with `DECISION_COLUMNS`, in order of time; of several strategies,
        every one has its own stretches, so that shares of time are averages over the strategies.
    start_ns, end_ns : int
        The run's first and last instant.

    """
    order, strategy, starts, ends = _stretches(decisions, start_ns, end_ns)
    # Every strategy's first stretch, before it decided anything, is a row of its own: index -1.
    table = _rows(decisions, np.maximum(order, 0)) if len(decisions) else decisions
    decided = order >= 0
    n = len(order)

    def column(name: str) -> Floats:
        values = np.full(n, np.nan)
        if len(table):
            values[decided] = table[name].to_numpy()[decided]
        return values

    def levels(name: str) -> tuple[Floats, Floats, Ints]:
        """First entry, sum and length of a list column."""
        first, total, length = np.full(n, np.nan), np.zeros(n), np.zeros(n, dtype=np.int64)
        if len(table):
            offsets, items = _lists(table[name])
            sums = np.concatenate(([0.0], np.cumsum(items)))
            total[:] = np.where(decided, sums[offsets[1:]] - sums[offsets[:-1]], 0.0)
            some = decided & (np.diff(offsets) > 0)
            first[some] = items[offsets[:-1][some]]
            length[decided] = np.diff(offsets)[decided]
        return first, total, length

    bid, _, bids = levels("bid_prices")
    ask, _, asks = levels("ask_prices")
    bid_size, bid_depth, _ = levels("bid_sizes")
    ask_size, ask_depth, _ = levels("ask_sizes")
    state, states = _states(table, decided)
    reason, stretch, reasons = _reasons(table, decided)
    return QuoteTimeline(
        starts, ends, strategy, decided, column("bid"), column("ask"), bid, ask, bid_size, ask_size,
        bid_depth, ask_depth, bids, asks, state, states, reason, stretch, reasons,
    )  # fmt: skip


def _rows(table: pa.Table, order: Ints) -> pa.Table:
    """Return rows in the order given; of one strategy they are all rows behind a copy of the first, which is quick."""
    if len(order) == len(table) + 1:
        return pa.concat_tables([table.slice(0, 1), table])
    return table.take(pa.array(order))


def _stretches(decisions: pa.Table, start_ns: int, end_ns: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return, strategy by strategy, the row of each stretch (-1 before the first), whose it is, and its bounds."""
    if not len(decisions):
        return np.array([-1]), np.array([0]), np.array([start_ns]), np.array([end_ns])
    ts = decisions["ts_ns"].to_numpy()
    strategy = np.asarray(_codes(decisions["strategy_id"])[0])
    rows, owners, starts, ends = [], [], [], []
    for one in np.unique(strategy):
        mine = np.flatnonzero(strategy == one)
        begin = np.concatenate(([start_ns], np.clip(ts[mine], start_ns, end_ns)))
        rows.append(np.concatenate(([-1], mine)))
        owners.append(np.full(len(begin), one))
        starts.append(begin)
        ends.append(np.append(begin[1:], end_ns))
    return np.concatenate(rows), np.concatenate(owners), np.concatenate(starts), np.concatenate(ends)


def _codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    array = column.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    return array.indices.to_numpy().astype(np.int64), array.dictionary.to_pylist()


def _lists(column: pa.ChunkedArray) -> tuple[Ints, Floats]:
    array = column.combine_chunks()
    offsets = array.offsets.to_numpy().astype(np.int64)
    return offsets - offsets[0], array.flatten().to_numpy(zero_copy_only=False)


def _states(table: pa.Table, decided: NDArray[np.bool_]) -> tuple[Ints, tuple[str, ...]]:
    if not len(table):
        return np.zeros(len(decided), dtype=np.int64), (NOT_STARTED,)
    codes, names = _codes(table["quote_state"])
    return np.where(decided, codes, len(names)), (*names, NOT_STARTED)


def _reasons(table: pa.Table, decided: NDArray[np.bool_]) -> tuple[Ints, Ints, tuple[str, ...]]:
    before = np.flatnonzero(~decided)
    if not len(table):
        return np.zeros(len(before), dtype=np.int64), before, (NOT_STARTED,)
    array = table["reasons"].combine_chunks()
    stretch = pc.list_parent_indices(array).to_numpy().astype(np.int64)
    codes, names = _codes(pa.chunked_array([array.flatten()]))
    kept = decided[stretch]
    reason = np.concatenate((codes[kept], np.full(len(before), len(names))))
    return reason, np.concatenate((stretch[kept], before)), (*names, NOT_STARTED)
