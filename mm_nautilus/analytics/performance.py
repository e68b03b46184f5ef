"""What a run is judged by: the frozen values that ``performance`` in `result.json` holds.

A *scope* is one instrument, all instruments that settle in one currency, or the whole run in one currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Group(StrEnum):
    """What a metric is about, in the order in which they are read."""

    MONEY = "money"
    RISK = "risk"
    QUOTING = "quoting"
    FILLS = "fills"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure.

    Parameters
    ----------
    label : str
        What it is called.
    group : Group
        What it is about.
    value : Decimal, float or None
        Exact where it was booked; ``None`` where `why_not` says so.
    unit : str
        A currency or base currency, ``bps``, ``share`` (a fraction), ``s``, or empty for a plain number.
    stderr : float or None
        Standard error, where the figure is an estimate that has one.
    low, high : float or None
        Ends of a 95 % interval, where there are enough data for one: Wilson's for shares, normal for the Sharpe ratio,
        from a block bootstrap for the others.
    n : int or None
        How many observations it rests on.
    how : str
        How it is computed, in a sentence.
    why_not : str
        Why there is no value; empty where there is one.

    """

    label: str
    group: Group
    value: Decimal | float | None
    unit: str
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    how: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """One day, week or month of a scope, as far as the run covers it; the PnL of all periods is that of the run.

    Parameters
    ----------
    start : str
        Date (UTC) of its first trading day; weeks begin on Monday.
    start_ns, end_ns : int
        What the run covers of it.
    complete : bool
        Whether the run covers all of it.
    pnl : Decimal
        Exact, after fees and rebates, in the currency of the scope.
    trades : int
        Fills.
    turnover : Decimal
        In the currency of the scope.
    volume : Decimal or None
        In base units (contracts); ``None`` where the scope has several instruments.
    pnl_per_trade, pnl_per_unit : float or None
        ``None`` without a fill, the latter also without `volume`.
    spread_bps : float or None
        Time-weighted spread quoted.
    fill_rate : float or None
        Volume of quotes filled over volume placed.
    adverse_selection_rate : float or None
        Share of the maker fills that were worth less than nothing after the horizon.
    sharpe, sharpe_stderr : float or None
        Annual, of the increments within the period, and its standard error.
    max_inventory : float or None
        Largest absolute position, in base units (contracts); ``None`` where the scope has several instruments.
    max_drawdown : float
        Within the period.

    """

    start: str
    start_ns: int
    end_ns: int
    complete: bool
    pnl: Decimal
    trades: int
    turnover: Decimal
    volume: Decimal | None
    pnl_per_trade: float | None
    pnl_per_unit: float | None
    spread_bps: float | None
    fill_rate: float | None
    adverse_selection_rate: float | None
    sharpe: float | None
    sharpe_stderr: float | None
    max_inventory: float | None
    max_drawdown: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What doing something simpler would have made.

    Parameters
    ----------
    label : str
        What is done instead.
    pnl, excess : Decimal or None
        In the currency of the scope: its PnL, and the run's above it; ``None`` where `why_not` says so.
    how : str
        How it is computed.
    why_not : str
        Why there is none, and where to get it.

    """

    label: str
    pnl: Decimal | None
    excess: Decimal | None
    how: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class LevelTime:
    """How long one level of the ladder was wanted: shares of the run, by side and on both."""

    level: int
    bid: float
    ask: float
    both: float


@dataclass(frozen=True, slots=True)
class Scope:
    """One instrument, all that settle in one currency, or the run.

    Parameters
    ----------
    currency : str
        Of every amount.
    instruments : tuple of str
        Which.
    metrics : mapping of key to Metric
        By a name that stays, in the order in which they are read.
    daily, weekly, monthly : tuple of Period
        In order of time.
    benchmarks : mapping of key to Benchmark
        ``hold_opening``, ``hold_average`` and ``symmetric``.
    levels : tuple of LevelTime
        Level 0 first; empty where the scope has several instruments.

    """

    currency: str
    instruments: tuple[str, ...]
    metrics: dict[str, Metric]
    daily: tuple[Period, ...]
    weekly: tuple[Period, ...]
    monthly: tuple[Period, ...]
    benchmarks: dict[str, Benchmark]
    levels: tuple[LevelTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Performance:
    """A run in figures.

    Parameters
    ----------
    currency : str
        Reference currency of `overall`: the quote currency of the instrument that is quoted first.
    overall : Scope
        Everything that can be converted to it.
    instruments, currencies : mapping of name to Scope
        Each in its settlement currency.
    capital : Decimal or None
        Money at the start in the reference currency: as stated, else the starting balances valued at the first mids.
    notes : tuple of str
        What could not be computed or was left out, and why.

    """

    currency: str
    overall: Scope
    instruments: dict[str, Scope]
    currencies: dict[str, Scope]
    capital: Decimal | None
    notes: tuple[str, ...] = field(default=())
