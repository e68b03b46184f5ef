"""Figures about money: what was made, on how much, and by how many trades."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Final

import numpy as np

from mm_nautilus.analytics.equity import Floats
from mm_nautilus.analytics.performance import Group, Metric
from mm_nautilus.analytics.ratios import NONE, Ratio, mean_of, profit_factor, share
from mm_nautilus.analytics.trading import Part
from mm_nautilus.inventory.contract import EXACT

SEVERAL: Final = "the instruments are counted in different units; see each of them"
NO_CAPITAL: Final = "no capital is known: state [report] capital"
_NO_FILL: Final = "nothing was filled"


def figure(
    label: str,
    group: Group,
    value: Decimal | float | None,
    unit: str,
    how: str,
    why_not: str,
    ratio: Ratio = NONE,
    n: int | None = None,
) -> Metric:
    """Return a metric; `why_not` counts where there is no value."""
    reason = "" if value is not None else why_not
    return Metric(label, group, value, unit, ratio.stderr, ratio.low, ratio.high, n, how, reason)


def money_metrics(
    currency: str, parts: Sequence[Part], total: Decimal, seed: int, capital: Decimal | None
) -> dict[str, Metric]:
    """Return everything about money, by key.

    Parameters
    ----------
    currency : str
        Of every amount.
    parts : sequence of Part
        The scope.
    total : Decimal
        Its PnL.
    seed : int
        Of the bootstrap.
    capital : Decimal or None
        What returns are measured against.

    """
    pieces = _pieces(parts)
    n = len(pieces)
    log = parts[0].trading.log if len(parts) == 1 else None
    volume = None if log is None else log.books.volume
    traded = (EXACT.multiply(part.trading.log.books.turnover, part.conversion.last) for part in parts)
    turnover = sum(traded, Decimal(0))
    mean = mean_of(pieces, seed)
    bps = 1e4 / float(turnover) if turnover else None
    in_bps = Ratio(None, *(_scaled(one, bps and n * bps) for one in (mean.stderr, mean.low, mean.high)))
    factor, won = profit_factor(pieces, seed), share(int((pieces > 0.0).sum()), n)
    money = partial(figure, group=Group.MONEY, n=n)
    return {
        "total_pnl": money(
            "Total PnL",
            value=total,
            unit=currency,
            how="after fees and rebates, what is open at the last mark",
            why_not="",
        ),
        "pnl_per_trade": money(
            "PnL per trade",
            value=float(total) / n if n else None,
            unit=currency,
            how="total over fills; error and interval from blocks of the PnL between one fill and the next",
            why_not=_NO_FILL,
            ratio=mean,
        ),
        "pnl_per_unit": money(
            "PnL per unit traded",
            value=float(total) / float(volume) if volume else None,
            unit=currency,
            how="total over volume",
            why_not=SEVERAL if log is None else _NO_FILL,
        ),
        "pnl_bps": money(
            "PnL over turnover",
            value=_scaled(float(total), bps),
            unit="bps",
            how="total over turnover",
            why_not=_NO_FILL,
            ratio=in_bps,
        ),
        "volume": money(
            "Volume",
            value=volume,
            unit="" if log is None else log.facts.size_unit,
            how="sum of the sizes filled",
            why_not=SEVERAL,
        ),
        "turnover": money(
            "Turnover", value=turnover, unit=currency, how="sum of the absolute values traded", why_not=""
        ),
        "trades": money("Trades", value=float(n), unit="", how="fills", why_not=""),
        "profit_factor": money(
            "Profit factor",
            value=factor.value,
            unit="",
            how="gains over losses of the PnL between one fill and the next",
            why_not="nothing was lost between one fill and the next" if n else _NO_FILL,
            ratio=factor,
        ),
        "win_rate": money(
            "Win rate",
            value=won.value,
            unit="share",
            how="share of the same that is above 0; error and interval as of independent ones",
            why_not=_NO_FILL,
            ratio=won,
        ),
        "return_on_capital": money(
            "Return on capital",
            value=float(total) / float(capital) if capital else None,
            unit="share",
            how="total over capital, of the run",
            why_not=NO_CAPITAL,
        ),
        "turnover_of_capital": money(
            "Capital turned over",
            value=float(turnover) / float(capital) if capital else None,
            unit="",
            how="turnover over capital, of the run",
            why_not=NO_CAPITAL,
        ),
    }


def _scaled(value: float | None, by: float | None) -> float | None:
    return None if value is None or by is None else value * by


def _pieces(parts: Sequence[Part]) -> Floats:
    """Return the PnL between fills of all instruments, in order of the fills."""
    if not parts:
        return np.empty(0)
    instants = np.concatenate([part.trading.fill_ns for part in parts])
    pieces = np.concatenate([part.trading.pieces * float(part.conversion.last) for part in parts])
    return np.asarray(pieces[np.argsort(instants, kind="stable")], dtype=np.float64)
