"""What the page says about obligations and about the end of each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from mm_nautilus.analytics.numbers import amount, compact, duration, share
from mm_nautilus.analytics.report.rows import Badge, Cell, rows_table
from mm_nautilus.analytics.report.words import clock, in_words

type Json = Mapping[str, Any]


def obligation_table(obligations: Sequence[Json]) -> str:
    """Return how each rule of each venue was kept."""
    rows: list[Sequence[Cell]] = [
        (
            one["instrument_id"],
            f"{one['rule']['name']}: {_demand(one['rule'])}",
            share(one["record"]["uptime"]),
            share(one["rule"]["uptime"]),
            _met(one["record"]),
            _causes(one["record"]["shortfalls"]) or "always kept",
            _causes(one["record"]["excused"]) or "nothing",
        )
        for one in obligations
    ]
    heads = ("Instrument", "Rule", "Kept", "Demanded", "", "Not kept", "Excused")
    return rows_table("From what rested at the venue, not from what was wanted", heads, rows, numbers=(2, 3))


def _demand(rule: Json) -> str:
    words = ["two-sided" if rule["two_sided"] else "either side"]
    for name, text in (
        ("max_spread_bps", "within {} bps"),
        ("max_distance_bps", "at most {} bps from the mid"),
        ("min_size", "size {}"),
        ("min_notional", "value {}"),
        ("max_size_difference", "sizes at most {} apart"),
    ):
        if rule.get(name) is not None:
            value = share(float(rule[name])) if name == "max_size_difference" else amount(Decimal(rule[name]))
            words.append(text.format(value))
    if rule["hours_utc"]:
        words.append(f"{', '.join(rule['hours_utc'])} UTC")
    return ", ".join(words)


def _met(record: Json) -> Badge:
    if record["met"] is None:
        return Badge("not demanded", "note")
    return Badge("met", "good") if record["met"] else Badge("missed", "severe")


def _causes(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{in_words(cause).lower()} {duration(time)}" for cause, time in seconds.items())


def day_tables(days: Sequence[Json]) -> list[str]:
    """Return the positions and what they earned, day by day, the balances, and what does not agree."""
    positions: list[Sequence[Cell]] = [
        (
            day["day"],
            held["instrument_id"],
            amount(Decimal(held["position"])),
            compact(_decimal(held["average_price"]), 8),
            compact(_decimal(held["mark"]), 8),
            compact(Decimal(held["unrealised"]), signed=True),
            compact(Decimal(held["realised"]), signed=True),
            compact(Decimal(held["rebates"]) - Decimal(held["fees"]), signed=True),
            amount(Decimal(held["volume"])),
            f"{held['fills']:,}",
        )
        for day in days
        for held in day["positions"]
    ]
    heads = (
        "Day", "Instrument", "Position", "Average price", "Mark", "Unrealised", "Realised", "Commissions", "Volume",
        "Fills",
    )  # fmt: skip
    tables = [rows_table("Positions; money and volume are the day's own", heads, positions, numbers=range(2, 10))]
    balances: list[Sequence[Cell]] = [
        (
            day["day"],
            f"{held['venue']} {held['currency']}",
            *(amount(Decimal(held[name])) for name in ("starting", "actual", "expected_change", "booking_rounding")),
        )
        for day in days
        for held in day["balances"]
    ]
    if balances:
        columns = ("Day", "Balance", "At the start", "At the day's end", "Moved by the fills", "Rounding")
        tables.append(rows_table("Balances", columns, balances, numbers=range(2, 6)))
    tables.append(_differences(days))
    return tables


def _differences(days: Sequence[Json]) -> str:
    found: list[Sequence[Cell]] = [
        (
            clock(day["end_ns"]),
            one["subject"],
            in_words(one["books"]),
            amount(Decimal(one["ledger"])),
            amount(Decimal(one["theirs"])),
        )
        for day in days
        for one in day["differences"]
    ]
    if not found:
        return '<p><span class="badge good">reconciled</span> Ledger, strategies, engine and accounts agree.</p>'
    heads = ("Time (UTC)", "Of what", "Whose", "Ledger", "Theirs")
    return rows_table("What does not agree with the ledger", heads, found, numbers=(3, 4))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
