"""A run held against targets: what was demanded, what came of it, and whether that can be said."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """What may be said of a figure and its target."""

    MET = "met"
    MISSED = "missed"
    UNCERTAIN = "uncertain"
    """The figure is an estimate whose 95 % interval reaches across a bound of the target."""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Score:
    """One line of the scorecard.

    Parameters
    ----------
    label : str
        What is judged.
    value : float or None
        The figure; ``None`` where `why_not` says so.
    unit : str
        ``bps``, ``share`` (a fraction), ``s``, ``h``, or empty for a plain number.
    low, high : float or None
        Ends of the figure's 95 % interval, where it is an estimate.
    at_least, at_most : float or None
        Bounds of the target, both included.
    verdict : Verdict
        See there.
    how : str
        How the figure is computed.
    why_not : str
        Why there is none.

    """

    label: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    at_least: float | None
    at_most: float | None
    verdict: Verdict
    how: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Revenue:
    """One source of revenue beside the share expected of it.

    Parameters
    ----------
    amount : Decimal
        In the scorecard's currency, signed.
    score : Score
        Its share of all revenue, judged.

    """

    amount: Decimal
    score: Score


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A run held against ``[report.targets]``.

    Parameters
    ----------
    currency : str
        Of the amounts.
    scores : mapping of key to Score
        ``average_spread``, ``fill_rate``, ``adverse_selection_rate``, ``sharpe``, ``within_limits``,
        ``intraday_loss``, ``hedge_time`` and ``position_age``, in this order.
    revenue : mapping of key to Revenue
        ``spread_capture``, ``rebates`` and ``arbitrage``.

    """

    currency: str
    scores: dict[str, Score]
    revenue: dict[str, Revenue]
