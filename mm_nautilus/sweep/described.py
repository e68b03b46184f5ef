"""``sweep.json``: what was tried, what may be said of it, and the ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.backtest.provenance import PACKAGES
from mm_nautilus.sweep.judged import Verdict, annual_sharpe
from mm_nautilus.sweep.plan import Plan
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.request import Request
from mm_nautilus.sweep.store import Row
from mm_nautilus.sweep.walk_forward import WalkForward


def described(
    name: str,
    request: Request,
    planned: Plan,
    rows: Sequence[Row],
    order: Sequence[Ranked],
    verdict: Verdict,
    walk: WalkForward | None,
    step_s: float,
    apart: Sequence[Row] = (),
) -> dict[str, Any]:
    """Return ``sweep.json``: what was tried, what may be said of it, and the ranking; no time of day.

    `apart` are the rows of windows that ran by themselves: they are in no ranking, but where they failed they are told.
    """
    completed = [row for row in rows if row.completed]
    return {
        "name": name,
        "score": request.score,
        "parameters": list(request.parameters),
        "overrides": list(request.overrides),
        "random": request.random,
        "seed": request.seed,
        "runs": len(rows),
        "window_runs": len(apart),
        "completed": len(completed),
        "failed": [
            {"point": row.point, "identity": row.identity, "attempts": row.attempts, "reason": row.reason}
            for row in (*rows, *apart)
            if not row.completed
        ],
        "without_fills": sum(not row.fills for row in completed),
        "left_out": list(planned.left_out),
        "currency": completed[0].currency if completed else None,
        "duration_s": (completed[0].end_ns - completed[0].start_ns) / 1e9 if completed else None,
        "step_s": step_s,
        "data_fingerprints": sorted({task.data_fingerprint for task in planned.tasks}),
        "packages": {package: version(package) for package in PACKAGES},
        "verdict": jsonable(verdict),
        "ranking": [_standing(place, one, rows[one.index]) for place, one in enumerate(order, start=1)],
        "walk_forward": None if walk is None else _walk_described(walk, rows),
        "screen": None,
    }


def _standing(place: int, one: Ranked, row: Row) -> dict[str, Any]:
    sharpe, error = annual_sharpe(np.array(row.increments), row.step_s)
    return {
        "place": place,
        "point": dict(row.point),
        "identity": row.identity,
        "score": one.score,
        "plateau": one.plateau,
        "neighbours": one.neighbours,
        "edges": list(one.edges),
        "sharpe": sharpe,
        "sharpe_stderr": error,
        **jsonable({key: getattr(row, key) for key in _SHOWN}),
    }


_SHOWN: Final = (
    "pnl", "fees", "rebates", "turnover", "fills", "max_drawdown", "inventory_max", "inventory_std", "spread_bps",
    "two_sided",
)  # fmt: skip


def _walk_described(walk: WalkForward, rows: Sequence[Row]) -> Mapping[str, Any]:
    points = [row.point for row in rows if row.completed]
    found: dict[str, Any] = jsonable(walk)
    for fold, one in zip(found["folds"], walk.folds, strict=True):
        fold["chosen"] = dict(points[one.chosen])
    return found
