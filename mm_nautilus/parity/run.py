"""A live run against the backtest of its own window: run it, compare, write it down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.parity.agreement import agreements
from mm_nautilus.parity.explain import explanation
from mm_nautilus.parity.feed import feed_latency
from mm_nautilus.parity.fills import fill_rates
from mm_nautilus.parity.latency import Latency, fragment, overrides, round_trips, settings
from mm_nautilus.parity.page import write_page
from mm_nautilus.parity.records import last_record
from mm_nautilus.parity.sequence import INSTANTS, STREAMS, comparable, divergences, lag_ms
from mm_nautilus.parity.window import backtest_of, window_of

RESULT: Final = "parity.json"
LATENCY: Final = "latency.toml"


@dataclass(frozen=True, slots=True)
class Parity:
    """What a comparison came to."""

    result: dict[str, Any]
    """``parity.json``."""
    page: Path
    latency: Path
    """The venues' measured latency, as a run file takes it."""

    @property
    def same(self) -> bool:
        """Whether decisions, orders and fills are the same."""
        return not self.result["divergences"]


def check_parity(
    run_dir: Path, *, measured_latency: bool = False, say: Callable[[str], None] = lambda _text: None
) -> Parity:
    """Backtest the window of a live run and compare; writes ``parity.json``, ``parity.html`` and ``latency.toml``.

    Parameters
    ----------
    run_dir : Path
        Folder of the live run.
    measured_latency : bool
        Whether the simulated venues answer as late as the live ones did at the median, instead of as the run file says.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        Where the folder is not that of a live run, or kept no data.
    RunFailedError
        Where the backtest broke off.

    """
    run_dir = run_dir.resolve()
    say("reading the tape")
    window = window_of(run_dir)
    live = RunLog.open(run_dir)
    rows = settings(measured(live))
    changes = overrides(rows, list(window.venues))
    outcome = backtest_of(window, changes if measured_latency else (), say)
    say("comparing")
    catalog = Path(outcome.result["data"]["catalog"])
    result: dict[str, Any] = {
        "live": {"folder": str(run_dir), "mode": window.mode},
        "backtest": {"folder": str(outcome.run_dir), "catalog": str(catalog)},
        "notes": list(window.notes),
        **compared(
            live,
            RunLog.open(outcome.run_dir),
            INSTANTS if window.mode == "live" else frozenset(),
            window.until_ns,
        ),
        "latency": {"measured": jsonable(measured(live)), "settings": rows, "set": changes, "used": measured_latency},
        "feed": jsonable(feed_latency(catalog)),
    }
    for one in result["divergences"]:
        for who in ("live", "backtest"):
            row = one[who]
            if one["stream"] == "decisions" and row is not None:
                one[f"{who}_record"] = last_record(catalog, row["instrument_id"], int(row["ts_ns"]))
    (run_dir / LATENCY).write_text(fragment(rows), encoding="utf-8")
    (run_dir / RESULT).write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    return Parity(result, write_page(run_dir, result), run_dir / LATENCY)


def compared(
    live_log: RunLog, tested_log: RunLog, apart_from: frozenset[str] = frozenset(), until_ns: int | None = None
) -> dict[str, Any]:
    """Return what two run logs have in common, and where they part.

    Parameters
    ----------
    live_log, tested_log : RunLog
        Of the live run and of the backtest.
    apart_from : frozenset of str
        Columns that are not compared.
    until_ns : int or None
        Rows from this instant on are not compared.

    """
    live, other = comparable(live_log, until_ns), comparable(tested_log, until_ns)
    found = divergences(live, other, apart_from)
    same = {name: live[name].num_rows for name in STREAMS} | {one.stream: one.row for one in found}
    return {
        "streams": {
            name: {
                "live": live[name].num_rows,
                "backtest": other[name].num_rows,
                "same": same[name],
                "live_later_ms": lag_ms(live[name], other[name], same[name]),
            }
            for name in STREAMS
        },
        "divergences": [
            {
                "stream": one.stream,
                "row": one.row,
                "ts_ns": one.ts_ns,
                "fields": list(one.fields),
                "explanation": explanation(one),
                "live": jsonable(one.live),
                "backtest": jsonable(one.tested),
            }
            for one in found
        ],
        "quotes": jsonable(agreements(live["decisions"], other["decisions"])),
        "fill_rates": [
            jsonable(rate) | {"error": rate.error, "interval": rate.interval} for rate in fill_rates(live, other)
        ],
    }


def measured(log: RunLog) -> dict[str, dict[str, Latency]]:
    """Return what each venue took to answer, by kind of command."""
    return {
        venue: {kind: latency for kind, delays in kinds.items() if (latency := Latency.of(delays)) is not None}
        for venue, kinds in round_trips(log.table("orders")).items()
    }
