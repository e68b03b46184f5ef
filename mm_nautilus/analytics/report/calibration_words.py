"""A calibration in words: the same on screen and on the page."""

from __future__ import annotations

import math
from typing import Final

from mm_nautilus.analytics.numbers import NOTHING, compact, share
from mm_nautilus.calibration import Estimate, SideCalibration

_MOST_APART: Final = 2.0
"""Ratio of the two measures of a fill rate from which on their difference is pointed out."""


def interval(one: Estimate) -> str:
    """Return the 95 % interval of a number."""
    if one.low is None:
        return "no interval: too few blocks or events"
    return f"95 %: {compact(one.low)} to {'any' if one.high is None else compact(one.high)}"


def with_interval(one: Estimate | None) -> str:
    """Return a number and its interval."""
    return NOTHING if one is None else f"{compact(one.value)} ({interval(one)})"


def side_rows(side: SideCalibration) -> list[tuple[str, str]]:
    """Return everything there is to say about a side, as names and values."""
    rows = [
        ("verdict", side.verdict + (f": {side.reason}" if side.reason else "")),
        ("numbers from", side.form.replace("_", " ")),
        ("market orders", f"{side.events:,}" + (f", {side.unfit:,} left out (book unfit)" if side.unfit else "")),
        ("A, 1/s", with_interval(side.a_per_s)),
        ("k, 1/price", with_interval(side.k_per_price)),
        ("Fisher errors of ln A and k", f"{compact(side.se_ln_a)}, {compact(side.se_k)}"),
        ("correlation of ln A and k", compact(side.correlation)),
        ("depths fitted, price", f"{compact(side.depth_first_price)} to {compact(side.depth_last_price)}"),
        ("share at the first depth", share(side.share_at_first)),
        ("distance of fit and data", compact(side.distance)),
    ]
    power, resting = side.power_law, side.resting
    if power is not None:
        rows.append(
            ("power law", f"A {compact(power.a_per_s)}, exponent {compact(power.decay)}, d0 {compact(power.d0_price)}")
        )
        if side.aic is not None:
            better = "power law" if power.aic < side.aic else "exponential"
            rows.append(("AIC, exponential and power law", f"{side.aic:,.1f} and {power.aic:,.1f}: {better}"))
    if resting is not None:
        hits = f"{resting.events:,} hits"
        rows.append(
            ("resting orders, not requoted", f"A {compact(resting.a_per_s)}, k {compact(resting.decay)} ({hits})")
        )
    return rows


def disagreement(name: str, side: SideCalibration, window_s: float) -> str | None:
    """Say so where resting orders are hit far less often, or more, than the fit for quotes that follow the mid says."""
    pegged, resting = side.intensity(), side.resting
    if pegged is None or resting is None:
        return None
    depth = side.depth_first_price
    ratio = pegged.a_per_s / resting.a_per_s * math.exp((resting.decay - pegged.k_per_price) * depth)
    if 1.0 / _MOST_APART <= ratio <= _MOST_APART:
        return None
    less = f"{ratio:.1f} times less" if ratio > 1.0 else f"{1.0 / ratio:.1f} times more"
    return (
        f"{name}: an order that rests for {window_s:g} s at {depth:g} is hit {less} often than A and k say of one "
        "that follows the mid at once: the mid runs away from trades, or the book lags behind them"
    )
