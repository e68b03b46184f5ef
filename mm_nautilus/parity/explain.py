"""What a divergence means: which input of a decision differed first, which answer came later, which fill is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from mm_nautilus.analytics.order_life import COMMANDS
from mm_nautilus.catalog.stamps import utc_text as utc
from mm_nautilus.parity.sequence import Divergence

STEPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("when it was taken", ("ts_ns", "trigger")),
    ("the strategy and instrument", ("strategy_id", "instrument_id", "decision_id")),
    ("the market it saw", ("bid", "ask", "bid_size", "ask_size")),
    ("its own position and working orders", ("position", "worst_long", "worst_short", "inventory")),
    (
        "its estimates (step 1)",
        ("fair_value", "sigma", "bid_a_per_s", "bid_k_per_price", "ask_a_per_s", "ask_k_per_price"),
    ),
    ("the price of the model (step 2)", ("reservation_price", "bid_half_spread", "ask_half_spread")),
    (
        "an adjustment (step 3)",
        (
            "bid_spread_multiplier",
            "ask_spread_multiplier",
            "bid_size_multiplier",
            "ask_size_multiplier",
            "fair_value_shift",
            "bid_bound",
            "ask_bound",
            "bid_hedge_venue",
            "ask_hedge_venue",
            "hedge_refusals",
        ),
    ),
    (
        "the ladder and its guards (steps 4 and 5)",
        ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes", "quote_state", "reasons", "caps"),
    ),
    ("what was sent (step 6)", ("submits", "amends", "cancels", "keeps", "deferred")),
)
"""The quoting pipeline in the order in which it works: what differs first is the cause of what differs after it."""


def differing_step(fields: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return the first step of the pipeline in which two decisions differ, and its fields that do.

    Parameters
    ----------
    fields : collection of str
        Fields in which they differ.

    Raises
    ------
    ValueError
        Where they are equal in all that a decision is made of.

    """
    for step, names in STEPS:
        differing = tuple(name for name in names if name in fields)
        if differing:
            return step, differing
    raise ValueError("the decisions are the same")


def explanation(found: Divergence) -> str:
    """Return in words what differs, and what that says."""
    explain = {"decisions": _decision, "orders": _order, "fills": _fill}[found.stream]
    if found.live is None or found.tested is None:
        there = found.live or found.tested
        assert there is not None
        who, other = ("the live run", "the backtest") if found.tested is None else ("the backtest", "the live run")
        first = f"{_named(found.stream, there)} at {utc(there['ts_ns'])}"
        return f"{first} is the first that only {who} has: {other} has no more {found.stream}"
    return explain(found.live, found.tested, found.fields)


def _decision(live: Mapping[str, Any], tested: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    step, names = differing_step(fields)
    where = f"decision {live['decision_id']} at {utc(live['ts_ns'])}"
    if "ts_ns" in names:
        return f"{where}: {_later(live, tested)} than in the backtest, on {live['trigger']} against {tested['trigger']}"
    return f"{where}: the first thing that differs is {step}: {_values(names, live, tested)}"


def _order(live: Mapping[str, Any], tested: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    where = f"{_named('orders', live)} at {utc(live['ts_ns'])}"
    if live["client_order_id"] == tested["client_order_id"] and live["event"] == tested["event"]:
        if "ts_ns" in fields:
            whose = "sent" if live["event"] in COMMANDS else "acknowledged: the simulated latency is another,"
            return f"{where}: {whose} {_later(live, tested)} than in the backtest"
        return f"{where}: {_values(fields, live, tested)}"
    return f"{where}: in the backtest {_named('orders', tested)} at {utc(tested['ts_ns'])} comes first"


def _fill(live: Mapping[str, Any], tested: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    where = f"{_named('fills', live)} at {utc(live['ts_ns'])}"
    same_order = live["client_order_id"] == tested["client_order_id"]
    if same_order and "ts_ns" in fields:
        return f"{where}: {_later(live, tested)} than in the backtest"
    if same_order:
        return f"{where}: {_values(fields, live, tested)}"
    if live["ts_ns"] <= tested["ts_ns"]:
        return f"{where}: the simulator did not fill it; its next fill is {_named('fills', tested)}"
    return f"{_named('fills', tested)} at {utc(tested['ts_ns'])}: the simulator filled it and the venue did not"


def _later(live: Mapping[str, Any], tested: Mapping[str, Any]) -> str:
    ms = (live["ts_ns"] - tested["ts_ns"]) / 1e6
    return f"{abs(ms):.3f} ms {'later' if ms > 0 else 'earlier'}"


def _values(names: tuple[str, ...], live: Mapping[str, Any], tested: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(live[name])} live, {_plain(tested[name])} in the backtest" for name in names)


def _plain(value: object) -> str:
    return f"{value:f}".rstrip("0").rstrip(".") if hasattr(value, "as_tuple") else str(value)


def _named(stream: str, row: Mapping[str, Any]) -> str:
    if stream == "decisions":
        return f"decision {row['decision_id']}"
    what = row["event"] if stream == "orders" else f"fill of {_plain(row['size'])}"
    return f"{what} of order {row['client_order_id']} ({row['side']} level {row['level']} at {_plain(row['price'])})"
