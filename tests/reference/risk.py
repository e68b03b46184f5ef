"""Adapters of accounting, risk arithmetic, quote finalisation and what needs two venues."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from mm_nautilus.analytics.attributed_fill import AttributedFill, FillKind
from mm_nautilus.analytics.attribution import attribute
from mm_nautilus.analytics.sharpe import sharpe_ratio
from mm_nautilus.inventory.age import LotQueue
from mm_nautilus.inventory.average_cost import Holding
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.hedging import hedge_quantity, hedging_band
from mm_nautilus.inventory.value_at_risk import inventory_risk
from mm_nautilus.market import Level, Side
from mm_nautilus.models.glft import stationary_value
from mm_nautilus.quoting.finalise import LadderShape, finalise
from mm_nautilus.venues.arbitrage import arbitrage as walk_arbitrage
from mm_nautilus.venues.xemm import HedgeTerms, hedge_bounds, maker_ticks

type Inputs = dict[str, Any]
type Answer = dict[str, Any]

SPOT = Contract("QUOTE", "BASE")


def exact(value: float | str) -> Decimal:
    """Return a number as it is written."""
    return Decimal(str(value))


def optional[T](value: T | None, convert: Any) -> Any:
    return None if value is None else convert(value)


def nanoseconds(seconds: float) -> int:
    return int(exact(seconds) * 10**9)


def exact_depth(levels: Iterable[Any]) -> list[tuple[Decimal, Decimal]]:
    return [(exact(price), exact(size)) for price, size in levels]


def xemm(x: Inputs) -> Answer:
    terms = HedgeTerms(x["maker_fee"], x["taker_fee"], x["slippage"], x["min_edge"], x["fx"])
    bounds = hedge_bounds(x["hedge_bids"], x["hedge_asks"], x["qty"], terms, x["skew"])

    def quote(side: Side, bound: float | None, opposite: float | None) -> float | None:
        return None if bound is None else maker_ticks(side, bound, opposite, x["tick"]) * x["tick"]

    return {
        "hedge_bid_vwap": bounds.bid_vwap,
        "hedge_ask_vwap": bounds.ask_vwap,
        "bid_bound": bounds.bid,
        "ask_bound": bounds.ask,
        "bid_quote": quote(Side.BUY, bounds.bid, x["maker_best_ask"]),
        "ask_quote": quote(Side.SELL, bounds.ask, x["maker_best_bid"]),
    }


def arbitrage(x: Inputs) -> Answer:
    found = walk_arbitrage(
        exact_depth(x["asks"]),
        exact_depth(x["bids"]),
        buy_fee=exact(x["buy_fee"]),
        sell_fee=exact(x["sell_fee"]),
        min_edge=exact(x["min_edge"]),
        min_profit=exact(x["min_profit"]),
        base_available=optional(x["base_available"], exact),
        quote_available=optional(x["quote_available"], exact),
    )
    return {
        "qty": float(found.size),
        "buy_notional": float(found.buy_notional),
        "sell_notional": float(found.sell_notional),
        "fees": float(found.fees),
        "net_profit": float(found.net_profit),
        "executable": found.executable,
        "buy_vwap": optional(found.buy_vwap, float),
        "sell_vwap": optional(found.sell_vwap, float),
    }


def hedging(x: Inputs) -> Answer:
    a, _ = stationary_value(
        x["gamma"], x["sigma"], x["order_size"], x["gamma"] * x["order_size"], 0.0, x["A"], x["k"], x["A"], x["k"]
    )
    skew = 2.0 * a
    band = hedging_band(skew, x["taker_cost_per_unit"])
    return {
        "skew_per_unit": skew,
        "band": band,
        "hedge_qty_if_q_is_1.5_band": hedge_quantity(1.5 * band, band),
        "hedge_qty_if_q_is_minus_2_band": hedge_quantity(-2.0 * band, band),
        "hedge_qty_if_q_is_0.9_band": hedge_quantity(0.9 * band, band),
    }


def attribution(x: Inputs) -> Answer:
    kinds = {"maker": FillKind.MAKER, "hedge": FillKind.HEDGE, "arb": FillKind.ARBITRAGE}
    fills = [
        AttributedFill(
            nanoseconds(fill["t"]),
            Side[fill["our_side"]],
            exact(fill["qty"]),
            exact(fill["price"]),
            exact(fill["fee"]),
            kinds[fill["type"]],
        )
        for fill in x["fills"]
    ]
    found = attribute(
        fills,
        [(nanoseconds(t), exact(price)) for t, price in x["marks"]],
        SPOT,
        nanoseconds(x["markout_horizon"]),
        exact(x["q0"]),
        [(nanoseconds(t), exact(amount)) for t, amount in x["funding"]],
    )
    # One market in one currency has no basis and nothing to convert.
    assert (found.basis, found.conversion) == (0, 0)
    lines = {name: float(line) for name, line in found.lines.items() if name not in {"basis", "conversion"}}
    return {
        **lines,
        "total": float(found.total),
        "final_q": float(found.position),
        "sum_check": float(found.sum_of_lines),
    }


def average_cost(x: Inputs) -> Answer:
    holding, path = Holding(), []
    for side, size, price in x["fills"]:
        holding = holding.after(exact(size) * Side[side], exact(price), SPOT)
        path.append(_holding(holding))
    return {"path": path, **_holding(holding)}


def _holding(holding: Holding) -> Answer:
    return {
        "position": float(holding.position),
        "avg_price": optional(holding.average_price(SPOT), float),
        "realised": float(holding.realised),
    }


def age(x: Inputs) -> Answer:
    lots, now = LotQueue(), nanoseconds(x["now"])
    for t, side, size in x["fills"]:
        lots.trade(nanoseconds(t), exact(size) * Side[side])
    return {
        "position": float(lots.position),
        "fifo_weighted_age": lots.weighted_age_s(now),
        "time_since_flat_or_flip": lots.since_flat_or_flip_s(now),
        "oldest_lot_age": lots.oldest_age_s(now),
    }


def var_es(x: Inputs) -> Answer:
    found = inventory_risk(x["q"], x["cov_price_per_s"], x["confidence"], x["horizon_s"])
    return {
        "z": found.z,
        "sd": found.standard_deviation,
        "var": found.value_at_risk,
        "es": found.expected_shortfall,
    }


def sharpe(x: Inputs) -> Answer:
    found = sharpe_ratio(np.array(x["pnl"], dtype=float), x["periods_per_year"], x["lags"])
    return {
        "mean": found.mean,
        "std_ddof1": found.standard_deviation,
        "sharpe_per_period": found.per_period,
        "sharpe_annual_iid": found.annual,
        "autocorr": list(found.autocorrelation),
        "sharpe_annual_lo": found.annual_lo,
        "se_sharpe_iid": found.standard_error,
    }


def quote_finalisation(x: Inputs) -> Answer:
    found = finalise(
        x["raw_bid"],
        x["raw_ask"],
        fair_value=x["fair"],
        best_bid=x["best_bid"],
        best_ask=x["best_ask"],
        position=x["q"],
        max_position=x["q_max"],
        order_size=x["base_size"],
        tick=x["tick"],
        lot=x["lot"],
        min_size=x["min_size"],
        min_half_spread=x["half_spread_floor"],
    )
    bid, ask = (_rows(levels, x) or [[None, 0.0]] for levels in (found.bids, found.asks))
    return {"bid": bid[0][0], "bid_size": bid[0][1], "ask": ask[0][0], "ask_size": ask[0][1]}


def ladder(x: Inputs) -> Answer:
    centre = x["fair"] + x["shift"]
    found = finalise(
        centre - x["half_spread"],
        centre + x["half_spread"],
        fair_value=None,
        best_bid=None,
        best_ask=None,
        position=x["q"],
        max_position=x["q_max"],
        order_size=x["base_size"],
        tick=x["tick"],
        lot=x["lot"],
        shape=LadderShape(
            levels=x["n_levels"],
            spacing=x["level_spacing"],
            size_decay=x["size_decay"],
            size_skew=0.0,
            widen_inventory_side=x["widen_inventory_side"],
        ),
    )
    return {"bids": _rows(found.bids, x), "asks": _rows(found.asks, x)}


def _rows(levels: Iterable[Level], x: Inputs) -> list[list[Any]]:
    return [[level.price_ticks * x["tick"], level.size_lots * x["lot"]] for level in levels]


ADAPTERS = {
    "xemm": xemm,
    "arbitrage": arbitrage,
    "hedging_band": hedging,
    "pnl_attribution": attribution,
    "inventory_average_cost": average_cost,
    "position_age": age,
    "var_es": var_es,
    "sharpe": sharpe,
    "quote_finalisation": quote_finalisation,
    "ladder": ladder,
}
