r"""What a fill at one market's best price leaves once it is hedged on another, some time later: from quotes alone.

Bought at the bid :math:`b_m` of the market quoted on and sold at the bid :math:`b_h` of the one hedged on, with maker
fee :math:`\varphi_m` and taker fee :math:`\varphi_t`, a latency :math:`L` later (and likewise on the other side):

.. math:: e(L) = \frac{b_h(t + L)\,(1 - \varphi_t)}{b_m(t)\,(1 + \varphi_m)} - 1

averaged over both sides, so that a lasting difference between the two cancels. Two samples of :math:`t` bracket the
truth where the data have no trades: *any time*, each second alike, as if fills told nothing; and *when it went*, at the
instants at which the best price moved away from whoever joined it, as if every such price had been taken and nothing
else. Sizes are not looked at: what is hedged is assumed to fit the best level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mm_nautilus.analytics.equity import Floats, Ints

LATENCIES_MS: Final = (0.0, 50.0, 500.0)
_GRID_NS: Final = 1_000_000_000
_MOST_STEPS: Final = 500_000
_FRESH_NS: Final = 30_000_000_000
"""Age of a quote from which on its market is taken for closed."""
_STRETCHES: Final = 10


@dataclass(frozen=True, slots=True)
class Ticks:
    """Best prices of one instrument at the instants at which one of them changed, both known, in quote currency."""

    ts_ns: Ints
    bid: Floats
    ask: Floats

    @classmethod
    def of(cls, ts_ns: Ints, bid: Floats, ask: Floats) -> Ticks:
        """Return the changes; books with one side are left out."""
        both = np.isfinite(bid) & np.isfinite(ask)
        ts_ns, bid, ask = ts_ns[both], bid[both], ask[both]
        kept = np.append(True, (np.diff(bid) != 0.0) | (np.diff(ask) != 0.0)) if len(bid) else both[:0]
        return cls(ts_ns[kept], bid[kept], ask[kept])

    def mids(self) -> tuple[Ints, Floats]:
        """Return the instants at which the mid changed, and the mids."""
        mid = 0.5 * (self.bid + self.ask)
        kept = np.append(True, np.diff(mid) != 0.0) if len(mid) else np.empty(0, dtype=np.bool_)
        return self.ts_ns[kept], mid[kept]


@dataclass(frozen=True, slots=True)
class Fees:
    """Fees of a venue as fractions of notional; negative is a rebate."""

    maker: float = 0.0
    taker: float = 0.0


@dataclass(frozen=True, slots=True)
class EdgeAt:
    """Mean edge at one latency, in bps, with standard errors from ten stretches of time.

    ``kept`` is the share of the edge without latency that is left; ``None`` where there is none to keep.
    """

    latency_ms: float
    any_time_bps: float
    any_time_error_bps: float
    any_time_kept: float | None
    when_gone_bps: float | None
    when_gone_error_bps: float | None
    when_gone_kept: float | None


@dataclass(frozen=True, slots=True)
class HedgedEdge:
    """What fills at the best price of one instrument leave after a hedge on another."""

    maker: str
    hedge: str
    samples: int
    """Sides sampled at any time."""
    gone: int
    """Best prices that went."""
    edges: tuple[EdgeAt, ...]


def hedged_edge(
    maker: str,
    hedge: str,
    ticks: dict[str, Ticks],
    fees: dict[str, Fees],
    latencies_ms: tuple[float, ...] = LATENCIES_MS,
) -> HedgedEdge | None:
    """Return the edge by latency; ``None`` where the two were never open together.

    Parameters
    ----------
    maker, hedge : str
        Instruments: quoted on, and hedged on.
    ticks : mapping of instrument to Ticks
        Their best prices.
    fees : mapping of instrument to Fees
        Maker fee of the one, taker fee of the other.
    latencies_ms : tuple of float
        From fill to hedge, in milliseconds, ascending; the first one is what the others are compared to.

    """
    ours, theirs = ticks[maker], ticks[hedge]
    begin, end = max(ours.ts_ns[0], theirs.ts_ns[0]), min(ours.ts_ns[-1], theirs.ts_ns[-1])
    step = max(_GRID_NS, -(-int(end - begin) // _MOST_STEPS))
    seconds = np.arange(begin, end + 1, step)
    known = np.searchsorted(ours.ts_ns, seconds, side="right") - 1
    fresh = (seconds - ours.ts_ns[known] <= _FRESH_NS) & _fresh(theirs, seconds)
    seconds, known = seconds[fresh], known[fresh]
    if not len(seconds):
        return None
    bids, asks = (np.flatnonzero(gone) for gone in (np.diff(ours.bid) < 0.0, np.diff(ours.ask) > 0.0))
    bids, asks = (at[_fresh(theirs, ours.ts_ns[at + 1]) & (ours.ts_ns[at + 1] <= end)] for at in (bids, asks))
    net = (1.0 - fees[hedge].taker, 1.0 + fees[hedge].taker, 1.0 + fees[maker].maker, 1.0 - fees[maker].maker)

    def edge(buys: tuple[Ints, Ints], sells: tuple[Ints, Ints], latency_ms: float) -> tuple[Floats, Ints]:
        """Return edges in bps and their instants; each argument holds places in `ours` and the instants of fills."""
        late = round(latency_ms * 1e6)
        bought = theirs.bid[_last(theirs, buys[1] + late)] * net[0] / (ours.bid[buys[0]] * net[2])
        sold = ours.ask[sells[0]] * net[3] / (theirs.ask[_last(theirs, sells[1] + late)] * net[1])
        return 1e4 * (np.concatenate((bought, sold)) - 1.0), np.concatenate((buys[1], sells[1]))

    found: list[EdgeAt] = []
    for latency_ms in latencies_ms:
        always, _ = edge((known, seconds), (known, seconds), latency_ms)
        any_time = _mean(always, np.concatenate((seconds, seconds)))
        gone = edge((bids, ours.ts_ns[bids + 1]), (asks, ours.ts_ns[asks + 1]), latency_ms)
        when_gone = _mean(*gone)
        first = found[0] if found else None
        found.append(
            EdgeAt(
                latency_ms,
                any_time[0] or 0.0,
                any_time[1] or 0.0,
                _kept(any_time[0], any_time[0] if first is None else first.any_time_bps),
                *when_gone,
                _kept(when_gone[0], when_gone[0] if first is None else first.when_gone_bps),
            )
        )
    return HedgedEdge(maker, hedge, 2 * len(seconds), len(bids) + len(asks), tuple(found))


def _last(ticks: Ticks, instants: Ints) -> Ints:
    return np.maximum(np.searchsorted(ticks.ts_ns, instants, side="right") - 1, 0)


def _fresh(ticks: Ticks, instants: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    at = np.searchsorted(ticks.ts_ns, instants, side="right") - 1
    fresh: np.ndarray[tuple[int], np.dtype[np.bool_]] = (at >= 0) & (
        instants - ticks.ts_ns[np.maximum(at, 0)] <= _FRESH_NS
    )
    return fresh


def _mean(values: Floats, instants: Ints) -> tuple[float | None, float | None]:
    """Return the mean and its standard error over equal stretches of time."""
    if not len(values):
        return None, None
    begin, end = int(instants.min()), int(instants.max()) + 1
    place = np.minimum((instants - begin) * _STRETCHES // (end - begin), _STRETCHES - 1)
    counts = np.bincount(place, minlength=_STRETCHES)
    sums = np.bincount(place, weights=values, minlength=_STRETCHES)
    held = counts > 0
    mean, n = float(values.mean()), int(held.sum())
    if n < 2:
        return mean, None
    # Of a ratio of sums: how far each stretch's sum is from its share of the mean.
    apart = sums[held] - mean * counts[held]
    return mean, float(np.sqrt(n / (n - 1) * (apart @ apart)) / counts.sum())


def _kept(now: float | None, at_once: float | None) -> float | None:
    return None if now is None or at_once is None or at_once <= 0.0 else now / at_once
