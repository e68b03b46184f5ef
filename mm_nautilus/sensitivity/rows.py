"""A row of a sensitivity table: what a run made, what it would have made without its best fills, or why it failed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import numpy as np

from mm_nautilus.analytics.adverse_removal import HALF, change_of, without_the_best
from mm_nautilus.analytics.comparison import equity_at
from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in
from mm_nautilus.backtest.run import Outcome
from mm_nautilus.sensitivity.plan import REMOVED, Case
from mm_nautilus.sweep.judged import annual_sharpe
from mm_nautilus.sweep.worker import numbers_of

_KEPT: Final = ("pnl", "fees", "rebates", "fills", "max_drawdown", "inventory_max", "spread_bps", "two_sided")

type Row = dict[str, Any]


def row_of(case: Case, outcome: Outcome, quoted: str, step_s: float) -> Row:
    """Return the row of a run that completed.

    Parameters
    ----------
    case : Case
        What it was.
    outcome : Outcome
        The run, its folder still there.
    quoted : str
        Instrument that is quoted; money is in what it settles in.
    step_s : float
        Steps that the Sharpe ratio is taken of, in seconds.

    """
    numbers = numbers_of(outcome, quoted, step_s)
    sharpe, _ = annual_sharpe(np.array(numbers["increments"]), step_s)
    kept = {name: numbers[name] for name in _KEPT}
    return _row(case.name, case.label, case.words) | kept | {"currency": numbers["currency"], "sharpe": sharpe}


def failed_row(case: Case, reason: str) -> Row:
    """Return the row of a run that did not complete."""
    return _row(case.name, case.label, case.words, reason)


def row_without_the_best(outcome: Outcome, base: Row, quoted: str, step_s: float, horizon_s: float) -> Row:
    """Return the row of the account without the better half of the maker fills of every instrument.

    Parameters
    ----------
    outcome, quoted, step_s
        As for `row_of`, of the run as it is.
    base : dict
        Its row.
    horizon_s : float
        After which a fill is judged, in seconds.

    """
    log = RunLog.open(outcome.run_dir)
    logs: list[InstrumentLog] = [
        instrument_log(log, facts_in(one), one["start_ns"], one["end_ns"])
        for one in outcome.result["instruments"].values()
    ]
    after = {one.facts.instrument_id: without_the_best(one, HALF, horizon_s) for one in logs}
    currency = base["currency"]
    mine = [one for one in after.values() if one.books.contract.settlement_currency == currency]
    changes = (change_of(one, after[one.facts.instrument_id], currency) for one in logs)
    start, end = (int(outcome.result["instruments"][quoted][at]) for at in ("start_ns", "end_ns"))
    edges = np.arange(start, end + 1, round(step_s * 1e9), dtype=np.int64)
    equity = np.sum([equity_at(one.curve, edges) for one in mine], axis=0)
    makers, removed = (sum(getattr(one, field) for one in after.values()) for field in ("makers", "removed"))
    words = (
        f"{removed:,} of {makers:,} maker fills taken out, those that gained most within {horizon_s:g} s; the "
        "account made anew from the rest"
    )
    return _row(REMOVED, "half the fills removed", words) | {
        "pnl": sum(changes, base["pnl"]),
        "fees": sum((one.books.fees for one in mine), Decimal(0)),
        "rebates": sum((one.books.rebates for one in mine), Decimal(0)),
        "fills": sum(one.books.fills for one in mine),
        # Of several instruments the joint drawdown is not that of any one of them.
        "max_drawdown": mine[0].max_drawdown if len(mine) == 1 else None,
        "inventory_max": after[quoted].inventory_max,
        "sharpe": annual_sharpe(np.diff(equity), step_s)[0],
        "currency": currency,
    }


def _row(name: str, label: str, words: str, failure: str | None = None) -> Row:
    nothing = dict.fromkeys((*_KEPT, "currency", "sharpe"))
    return {"name": name, "label": label, "words": words, "failure": failure} | nothing
