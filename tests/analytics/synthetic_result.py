"""A whole run folder around a synthetic run: log, result.json and run.toml."""

from __future__ import annotations

from decimal import Decimal

import orjson

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.realism import BookData, DataShape, VenueSettings, caveats
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import summarise

RUN_TOML = """# resolved run file
[run]
name = "calm <quickstart>"
seed = 7

[strategy]
model = "glft"
gamma = 0.1
"""


def result_of(log, facts):
    """Return what a backtest puts into result.json."""
    summary = summarise(log, facts)
    fees = {"fee_model": "maker and taker rate", "maker_fee": Decimal("-0.00005"), "taker_fee": Decimal("0.0004")}
    venues = [
        VenueSettings(venue, True, True, 2.0, 2.0, 1.0, fill_model="default", **fees)
        for venue in dict.fromkeys(one.venue for one in facts.instruments)
    ]
    shapes = [
        DataShape(one.instrument_id, one.venue, BookData.L2, True, update_interval_ms=100.0, visible_levels=20)
        for one in facts.instruments
    ]
    return jsonable(
        {
            "run": {"name": "calm <quickstart>", "seed": 7, "started": "2024-08-08T00:00:00Z", "folder": "runs/x"},
            "provenance": {
                "packages": {"nautilus_trader": "2.0.0rc7", "numpy": "2.5.5"},
                "data_fingerprint": "ab" * 32,
            },
            "realism": {"venues": venues, "caveats": caveats(shapes, venues)},
            "data": {"catalog": "catalogs/calm", "types": ["TradeTick", "OrderBookDelta"]},
            "instruments": summary.instruments,
            "total": summary.total,
            "attribution": summary.attribution,
            "hedges": summary.hedges,
            "risk": summary.risk,
            "obligations": summary.obligations,
            "end_of_day": summary.end_of_day,
            "statement": summary.statement,
            "performance": summary.performance,
            "scorecard": summary.scorecard,
            "status": "ok",
        }
    )


def write_run_folder(run, run_dir):
    """Write the folder and return it."""
    run.write(run_dir)
    (run_dir / "result.json").write_bytes(orjson.dumps(result_of(RunLog.open(run_dir), run.facts)))
    (run_dir / "run.toml").write_text(RUN_TOML, encoding="utf-8")
    return run_dir
