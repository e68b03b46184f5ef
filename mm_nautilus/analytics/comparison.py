"""Runs on the same data beside each other: who made how much, and whether the difference can be told from chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np

from mm_nautilus.analytics.block_bootstrap import Interval, automatic_block_length, total_interval
from mm_nautilus.analytics.equity import EquityCurve, Floats, Ints
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.sharpe import sharpe_ratio

SHARPE_STEP_S: Final = 60.0
"""Length of the increments a Sharpe ratio is taken of: long enough for a bouncing mid to cancel."""
YEAR_S: Final = 365.0 * 86_400.0
"""Sharpe ratios are annualised by calendar time."""

BETTER: Final = "better"
WORSE: Final = "worse"
NOT_DISTINGUISHABLE: Final = "not distinguishable"


@dataclass(frozen=True, slots=True)
class Difference:
    """How the PnL differs from that of the first run.

    Parameters
    ----------
    pnl : Decimal
        Exact, in settlement currency.
    low, high : float | None
        Ends of the block-bootstrap interval; ``None`` where there are too few blocks for one.
    level : float
        Of the interval.
    block_s : float
        Length of a block, in seconds.
    blocks : int
        How many the run has.
    verdict : str
        ``better`` or ``worse`` where the interval excludes zero, else ``not distinguishable``.

    """

    pnl: Decimal
    low: float | None
    high: float | None
    level: float
    block_s: float
    blocks: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One run of a comparison in numbers.

    Parameters
    ----------
    name, model : str
        What it is called, and what it quotes by.
    currency : str
        Settlement currency.
    pnl : Decimal
        After fees and rebates.
    sharpe, sharpe_stderr : float | None
        Annual, of increments of `SHARPE_STEP_S`, and its standard error.
    max_drawdown : float
        In settlement currency.
    fills : int
        Fills.
    turnover : Decimal
        In settlement currency.
    inventory_std, inventory_max : float
        Standard deviation over time and largest absolute position, in base units (contracts).
    spread_bps : float | None
        Time-weighted spread quoted.
    two_sided : float
        Share of the time with both sides quoted.
    difference : Difference | None
        To the first run; ``None`` for that one.

    """

    name: str
    model: str
    currency: str
    pnl: Decimal
    sharpe: float | None
    sharpe_stderr: float | None
    max_drawdown: float
    fills: int
    turnover: Decimal
    inventory_std: float
    inventory_max: float
    spread_bps: float | None
    two_sided: float
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a comparison as it was recorded.

    Parameters
    ----------
    name, model : str
        What it is called, and what it quotes by.
    summary : mapping
        The instrument's part of its ``result.json``.
    log : InstrumentLog
        The instrument's log.

    """

    name: str
    model: str
    summary: Mapping[str, Any]
    log: InstrumentLog


def standings(runs: Sequence[Run], seed: int, block_s: float | None = None) -> list[Standing]:
    """Return the runs in numbers, each with its difference to the first.

    The differences are paired: the increments of both runs between the same two instants are subtracted before
    blocks of them are drawn, so that what the market did to both cancels.

    Parameters
    ----------
    runs : sequence of Run
        On one instrument and the same data.
    seed : int
        Of the bootstrap.
    block_s : float or None
        Length of a block in seconds; by default chosen from the differences' autocorrelations.

    """
    edges = common_edges(runs[0].log.curve, _span_ns(runs[0]))
    first = np.diff(equity_at(runs[0].log.curve, edges))
    return [
        _standing(run, None if run is runs[0] else _difference(run, runs[0], first, edges, seed, block_s))
        for run in runs
    ]


def _span_ns(run: Run) -> tuple[int, int]:
    return int(run.summary["start_ns"]), int(run.summary["end_ns"])


def common_edges(curve: EquityCurve, span_ns: tuple[int, int]) -> Ints:
    """Return the instants between which increments are taken: the span in steps of the marks' interval."""
    start, end = span_ns
    step = int(np.median(np.diff(curve.ts_ns))) if len(curve.ts_ns) > 2 else 0
    if step <= 0 or step >= end - start:
        return np.array([start, end], dtype=np.int64)
    edges = np.arange(start, end, step, dtype=np.int64)
    return np.append(edges, end)


def equity_at(curve: EquityCurve, edges: Ints) -> Floats:
    """Return the equity at instants, the last mark before each, and zero before the first one."""
    index = np.searchsorted(curve.ts_ns, edges, side="right")
    return np.concatenate(([0.0], curve.equity))[index]


def _difference(
    run: Run, first: Run, first_increments: Floats, edges: Ints, seed: int, block_s: float | None
) -> Difference:
    increments = np.diff(equity_at(run.log.curve, edges)) - first_increments
    step_s = float(edges[1] - edges[0]) / 1e9
    length = automatic_block_length(increments) if block_s is None else max(1, round(block_s / step_s))
    interval = total_interval(increments, seed, block_length=length)
    return Difference(
        pnl=run.log.books.total - first.log.books.total,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        block_s=length * step_s,
        blocks=interval.blocks,
        verdict=verdict(interval),
    )


def verdict(interval: Interval) -> str:
    """Return what may be said of a difference: nothing, unless its interval excludes zero."""
    if not interval.excludes_zero:
        return NOT_DISTINGUISHABLE
    return BETTER if interval.total > 0.0 else WORSE


def _standing(run: Run, difference: Difference | None) -> Standing:
    summary, books = run.summary, run.log.books
    sharpe, error = _sharpe(run)
    return Standing(
        name=run.name,
        model=run.model,
        currency=summary["money"]["currency"],
        pnl=books.total,
        sharpe=sharpe,
        sharpe_stderr=error,
        max_drawdown=summary["money"]["max_drawdown"],
        fills=summary["fills"]["count"],
        turnover=Decimal(summary["fills"]["turnover"]),
        inventory_std=summary["inventory"]["std"],
        inventory_max=summary["inventory"]["max_abs"],
        spread_bps=summary["quoting"]["spread_bps"],
        two_sided=summary["quoting"]["two_sided"]["share"],
        difference=difference,
    )


def _sharpe(run: Run) -> tuple[float | None, float | None]:
    """Return the annual Sharpe ratio and its standard error; a part of a step at the end is left out."""
    start, end = _span_ns(run)
    edges = np.arange(start, end + 1, int(SHARPE_STEP_S * 1e9), dtype=np.int64)
    if len(edges) < 3:
        return None, None
    per_year = YEAR_S / SHARPE_STEP_S
    ratio = sharpe_ratio(np.diff(equity_at(run.log.curve, edges)), per_year)
    error = None if ratio.standard_error is None else ratio.standard_error * per_year**0.5
    return ratio.annual, error
