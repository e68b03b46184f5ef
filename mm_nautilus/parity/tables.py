"""What a comparison says, as rows of text: printed on the screen and drawn on the page alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

type Json = Mapping[str, Any]

_QUANTILES: Final = ("", "count", "median", "90 %", "99 %", "longest")


@dataclass(frozen=True, slots=True)
class Rows:
    """One table."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def verdict(result: Json) -> str:
    """Return the outcome in one sentence."""
    streams = result["streams"]
    counted = ", ".join(f"{one['live']:,} {name}" for name, one in streams.items())
    if not result["divergences"]:
        return f"The live run and the backtest of its data are the same: {counted}."
    first = result["divergences"][0]
    same = streams[first["stream"]]["same"]
    last = first.get("live_record")
    seen = "" if last is None else f" The last record that the live run had seen: {last}."
    return f"They part after {same:,} equal {first['stream']}. {first['explanation']}.{seen}"


def rows_of(result: Json) -> list[Rows]:
    """Return every table that has something in it."""
    found = [_streams(result), _quotes(result), _fills(result), _latencies(result), _feed(result)]
    return [one for one in found if one.rows]


def _streams(result: Json) -> Rows:
    rows = tuple(
        (name, f"{one['live']:,}", f"{one['backtest']:,}", f"{one['same']:,}", _ms(one["live_later_ms"]))
        for name, one in result["streams"].items()
    )
    return Rows("Sequences", ("", "live", "backtest", "the same from the first on", "live later, median ms"), rows)


def _quotes(result: Json) -> Rows:
    rows = tuple(
        (
            f"{one['instrument_id']} {one['side']}",
            f"{one['samples']:,}",
            _share(one["both"]),
            _share(one["same"]),
            "" if one["mean_difference"] is None else f"{one['mean_difference']:.6g}",
        )
        for one in result["quotes"]
    )
    return Rows("Wanted prices, second by second", ("", "seconds", "both quoted", "the same price", "mean apart"), rows)


def _fills(result: Json) -> Rows:
    rows = tuple(
        (
            str(one["level"]),
            f"{one['live_filled']:,} of {one['live_orders']:,}",
            f"{one['tested_filled']:,} of {one['tested_orders']:,}",
            "" if one["error"] is None else f"{100 * one['error']:+.2f} %",
            "" if one["interval"] is None else "{:+.2f} to {:+.2f} %".format(*(100 * x for x in one["interval"])),
        )
        for one in result["fill_rates"]
    )
    return Rows("Orders filled, by level", ("level", "live", "backtest", "backtest less live", "95 % interval"), rows)


def _latencies(result: Json) -> Rows:
    rows = tuple(
        (f"{venue} {kind}", *_distribution(one))
        for venue, kinds in result["latency"]["measured"].items()
        for kind, one in kinds.items()
    )
    return Rows("Command to answer, milliseconds", _QUANTILES, rows)


def _feed(result: Json) -> Rows:
    rows = tuple(
        (f"{name} {kind}", *_distribution(one)) for name, kinds in result["feed"].items() for kind, one in kinds.items()
    )
    return Rows("Market data: arrival less venue time, milliseconds", _QUANTILES, rows)


def _distribution(one: Json) -> tuple[str, ...]:
    quantiles = one["quantiles_ms"]
    return f"{one['count']:,}", *(f"{quantiles[share]:.3f}" for share in ("50", "90", "99", "100"))


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f} %"
