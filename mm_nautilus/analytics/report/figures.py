"""Figures of `performance` and `scorecard` as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mm_nautilus.analytics.numbers import NOTHING, compact, duration, share

type Json = Mapping[str, Any]

TONES: Final = {"met": "good", "missed": "severe", "uncertain": "warning", "not measured": "note"}
"""Badge of each verdict."""
MARKS: Final = {
    "met": "\N{CHECK MARK}",
    "missed": "\N{MULTIPLICATION X}",
    "uncertain": "?",
    "not measured": "\N{EN DASH}",
}
"""Sign of each verdict, for whoever does not see colours."""

_SIGNED: Final = frozenset({"total_pnl", "pnl_per_trade", "pnl_per_unit", "pnl_bps", "return_on_capital"})


def figure(value: Any, unit: str, *, signed: bool = False) -> str:
    """Return a value with its unit: shares as percentages, times in their largest units."""
    if value is None:
        return NOTHING
    number = float(value)
    if unit == "share":
        return ("+" if signed and number > 0 else "") + share(number)
    if unit == "s":
        return duration(number)
    if unit == "h":
        return duration(number * 3600.0)
    text = compact(number, signed=signed)
    return f"{text} {unit}" if unit else text


def metric_value(key: str, metric: Json) -> str:
    """Return the value of a `Metric`, or why there is none."""
    if metric["value"] is None:
        return str(metric["why_not"]) or NOTHING
    if not metric["unit"] and float(metric["value"]).is_integer() and metric["group"] == "money":
        return f"{float(metric['value']):,.0f}"
    return figure(metric["value"], metric["unit"], signed=key in _SIGNED)


def interval(one: Json) -> str:
    """Return the ends of a 95 % interval; nothing where there is none."""
    if one["low"] is None or one["high"] is None:
        return ""
    return f"{figure(one['low'], one['unit'])} to {figure(one['high'], one['unit'])}"


def target(score: Json) -> str:
    """Return what a `Score` demands."""
    low, high, unit = score["at_least"], score["at_most"], score["unit"]
    if low is not None and high is not None:
        return f"{figure(low, unit)} to {figure(high, unit)}"
    if low is not None:
        return f"at least {figure(low, unit)}"
    return f"at most {figure(high, unit)}"
