"""Figures about risk: ratios of the equity's increments, drawdown, loss within a day, inventory and its age."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Final

import numpy as np

from mm_nautilus.analytics.drawdown import drawdown
from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.analytics.equity_steps import PER_YEAR, STEP_S, Path, Steps, worst_day_loss
from mm_nautilus.analytics.money_metrics import NO_CAPITAL, SEVERAL, figure
from mm_nautilus.analytics.performance import Group, Metric
from mm_nautilus.analytics.ratios import Ratio, calmar_ratio, sortino_ratio
from mm_nautilus.analytics.sharpe import SharpeRatio, sharpe_ratio
from mm_nautilus.analytics.trading import Part

LAGS: Final = 10
"""Most autocorrelations that the corrected Sharpe ratio takes in; one for every so many increments."""
_Z: Final = 1.959963984540054
_STEPS: Final = f"increments of {STEP_S:g} s, a year of 365 days"
_NEVER_LOST: Final = "nothing was ever lost"

_risk = partial(figure, group=Group.RISK)


def risk_metrics(
    currency: str,
    parts: Sequence[Part],
    equity: tuple[Steps, Path],
    span_ns: tuple[int, int],
    roll_over_ns: int,
    seed: int,
    capital: Decimal | None,
) -> dict[str, Metric]:
    """Return everything about risk, by key.

    Parameters
    ----------
    currency : str
        Of every amount.
    parts : sequence of Part
        The scope.
    equity : tuple of Steps and Path
        Its equity in equal steps, and at every mark.
    span_ns : tuple of int
        The run's first and last instant.
    roll_over_ns : int
        When a trading day ends, in nanoseconds after midnight UTC.
    seed : int
        Of the bootstrap.
    capital : Decimal or None
        What losses are measured against.

    """
    steps, path = equity
    increments, fall = steps.increments, drawdown(path.equity).amount
    sortino, loss = sortino_ratio(increments, PER_YEAR, seed), worst_day_loss(path, roll_over_ns)
    return {
        **_sharpe(sharpe_ratio(increments, PER_YEAR, min(LAGS, len(increments) // LAGS))),
        "sortino": _risk(
            "Sortino ratio",
            value=sortino.value,
            unit="",
            how=f"annual, against 0, {_STEPS}",
            why_not=f"nothing was lost in any step of {STEP_S:g} s",
            ratio=sortino,
            n=len(increments),
        ),
        "max_drawdown": _risk(
            "Largest drawdown", value=fall, unit=currency, how="from a high of the equity at the marks", why_not=""
        ),
        "calmar": _risk(
            "Calmar ratio",
            value=calmar_ratio(increments, PER_YEAR, fall),
            unit="",
            how="annual PnL over the largest drawdown of the run; without error, for that grows with the run's length",
            why_not=_NEVER_LOST,
        ),
        "intraday_loss": _risk(
            "Largest loss within a day",
            value=loss,
            unit=currency,
            how="below the equity at which the day began, at the marks",
            why_not="",
        ),
        "intraday_loss_share": _risk(
            "Largest loss within a day, of capital",
            value=loss / float(capital) if capital else None,
            unit="share",
            how="below the equity at which the day began, at the marks, over capital",
            why_not=NO_CAPITAL,
        ),
        **_inventory(parts, span_ns),
    }


def _sharpe(found: SharpeRatio) -> dict[str, Metric]:
    scale = PER_YEAR**0.5
    still = "the equity never moved" if found.increments > 1 else f"the run is shorter than two steps of {STEP_S:g} s"
    ratio = Ratio(None)
    if found.annual is not None and found.standard_error is not None:
        error = found.standard_error * scale
        ratio = Ratio(None, error, found.annual - _Z * error, found.annual + _Z * error)
    lags = len(found.autocorrelation)
    noisy = "the autocorrelations are too noisy: their sum leaves nothing to divide by"
    few = f"it takes at least {LAGS} steps of {STEP_S:g} s to know one autocorrelation"
    return {
        "sharpe": _risk(
            "Sharpe ratio",
            value=found.annual,
            unit="",
            how=f"annual, {_STEPS}; the error as of independent normal increments",
            why_not=still,
            ratio=ratio,
            n=found.increments,
        ),
        "sharpe_lo": _risk(
            "Sharpe ratio, corrected for autocorrelation",
            value=found.annual_lo if lags else None,
            unit="",
            how=f"by Lo (2002), {lags} lags, {_STEPS}",
            why_not=still if found.annual is None else noisy if lags else few,
            n=found.increments,
        ),
    }


def _inventory(parts: Sequence[Part], span_ns: tuple[int, int]) -> dict[str, Metric]:
    unit, std, largest, mean = "", None, None, None
    if len(parts) == 1:
        log = parts[0].trading.log
        unit, weights, held = log.facts.size_unit, _weights(log.path.ts_ns, span_ns), log.path.position
        average = float(np.average(held, weights=weights))
        std = float(np.sqrt(np.average((held - average) ** 2, weights=weights)))
        mean, largest = float(np.average(np.abs(held), weights=weights)), float(np.abs(held).max())
    kept = [_within_limit(part, span_ns) for part in parts if part.trading.log.facts.position_limit is not None]
    own = partial(_risk, unit=unit, why_not=SEVERAL)
    return {
        "inventory_std": own("Inventory volatility", value=std, how="standard deviation of the position over time"),
        "inventory_max": own("Largest inventory", value=largest, how="largest absolute position"),
        "inventory_mean": own("Mean inventory", value=mean, how="mean absolute position over time"),
        "within_limits": _risk(
            "Time within limits",
            value=sum(kept) / len(kept) if kept else None,
            unit="share",
            how="share of the time with the absolute position at or below its limit, averaged over instruments",
            why_not="no instrument has a position limit",
        ),
        "longest_held_s": _risk(
            "Longest held",
            value=max((part.trading.longest_held_s for part in parts), default=0.0),
            unit="s",
            how="longest time from buying or selling anything to closing it, each instrument by itself, first in, "
            "first out; what is open at the end until then",
            why_not="",
        ),
    }


def _weights(fill_ns: Ints, span_ns: tuple[int, int]) -> Floats:
    """Return how long each position of a path was held; in a run without length only the last one counts."""
    times = np.concatenate(([span_ns[0]], np.clip(fill_ns, *span_ns), [span_ns[1]]))
    weights = np.diff(times).astype(np.float64)
    return weights if weights.any() else np.append(np.zeros(len(weights) - 1), 1.0)


def _within_limit(part: Part, span_ns: tuple[int, int]) -> float:
    log = part.trading.log
    # Positions are whole lots in floats: a millionth of a lot is their noise, not a position.
    over = np.abs(log.path.position) > float(log.facts.position_limit or 0) + 1e-6 * float(log.facts.lot)
    weights = _weights(log.path.ts_ns, span_ns)
    return 1.0 - float(weights[over].sum() / weights.sum())
