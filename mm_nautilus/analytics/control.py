"""A symmetric control beside a run: the same run file, data and seed under a model that ignores inventory."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from mm_nautilus.analytics.jsonable import plain
from mm_nautilus.inventory.contract import EXACT

MODEL: Final = "symmetric"
"""Model of the control: constant half-spreads around the fair value, whatever is held."""

type Json = Mapping[str, Any]


def with_control(result: Json, control: Json, name: str) -> dict[str, Any]:
    """Return a result whose benchmark ``symmetric`` is what the control made, scope by scope.

    Parameters
    ----------
    result, control : mapping
        ``result.json`` of the run and of its control.
    name : str
        What the control is called.

    """
    told, beside = result["performance"], control["performance"]
    scopes = {
        kind: {
            key: _scope(one, beside[kind][key], name) if key in beside[kind] else one for key, one in told[kind].items()
        }
        for kind in ("instruments", "currencies")
    }
    overall = {"overall": _scope(told["overall"], beside["overall"], name)}
    return {**result, "performance": {**told, **overall, **scopes}}


def _scope(one: Json, control: Json, name: str) -> dict[str, Any]:
    made, ours = (Decimal(scope["metrics"]["total_pnl"]["value"]) for scope in (control, one))
    benchmark = {
        **one["benchmarks"][MODEL],
        "pnl": plain(made),
        "excess": plain(EXACT.subtract(ours, made)),
        "how": f"the run {name!r} beside this one: the same but for its model, {MODEL!r}, which ignores inventory",
        "why_not": "",
    }
    return {**one, "benchmarks": {**one["benchmarks"], MODEL: benchmark}}
