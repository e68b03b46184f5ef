"""Reference vectors of fair value, volatility, flow, impact and markouts, as the library computes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mm_nautilus.adverse_selection.markouts import markouts as mark
from mm_nautilus.estimators import (
    bulk_classification,
    fair_value,
    noise_robust,
    order_flow,
    price_impact,
    realised,
    roll_spread,
    trade_imbalance,
    units,
    volatility,
    vpin,
)
from mm_nautilus.estimators import range_based as ranges
from mm_nautilus.market import Side, TopOfBook


def weighted_mid(inputs: dict[str, Any]) -> dict[str, Any]:
    top = TopOfBook(inputs["bid"], inputs["ask"], inputs["bid_size"], inputs["ask_size"])
    shown = top.bid_size + top.ask_size > 0
    return {
        "mid": fair_value.mid(top),
        "spread": top.spread,
        "weight_I": fair_value.bid_weight(top.bid_size, top.ask_size) if shown else None,
        "queue_imbalance": fair_value.queue_imbalance(top.bid_size, top.ask_size) if shown else None,
        "weighted_mid": fair_value.weighted_mid(top) if shown else None,
    }


def ofi_cks(inputs: dict[str, Any]) -> dict[str, Any]:
    bid, bid_size, ask, ask_size = _columns(inputs["quotes"], 4)
    flow = order_flow.order_flow(bid, bid_size, ask, ask_size)
    return {"e": flow.tolist(), "ofi": math.fsum(flow)}


def trade_imbalances(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"tfi": trade_imbalance.trade_imbalance(inputs["buy_volume"], inputs["sell_volume"])}


def vpin_bvc(inputs: dict[str, Any]) -> dict[str, Any]:
    changes, volume = _columns(inputs["bars"], 2)
    fractions = bulk_classification.buy_fractions(changes)
    bought, sold = bulk_classification.bulk_volumes(fractions, volume)
    return {
        "sigma_dP": bulk_classification.sample_sigma(changes),
        "buy_fraction": [None if math.isnan(share) else share for share in fractions.tolist()],
        **_buckets(bought, sold, inputs),
    }


def vpin_aggressor(inputs: dict[str, Any]) -> dict[str, Any]:
    aggressor, size = _columns(inputs["trades"], 2)
    return _buckets(*trade_imbalance.by_aggressor(aggressor, size), inputs)


def _buckets(bought: Any, sold: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    bucket_buy, bucket_sell = vpin.buckets(bought, sold, inputs["bucket_volume"])
    return {
        "bucket_buy": bucket_buy.tolist(),
        "bucket_sell": bucket_sell.tolist(),
        "vpin": vpin.vpin(bucket_buy, bucket_sell, inputs.get("n_last")),
        "n_buckets": len(bucket_buy),
    }


def volatility_close(inputs: dict[str, Any]) -> dict[str, Any]:
    prices, interval_s, step = np.array(inputs["prices"], dtype=float), inputs["dt"], inputs["K"]
    logs = np.log(prices)
    absolute = realised.realised_variance(prices)
    rates = volatility.ewma_variances(prices, interval_s, inputs["half_life"]).tolist()
    return {
        "realised_variance_abs": absolute,
        "sigma_abs_per_sqrt_s": (
            None if absolute is None else units.sigma_per_sqrt_s(absolute, interval_s * (len(prices) - 1))
        ),
        "ewma_var_rate": rates[-1] if rates else None,
        "ewma_sigma_per_sqrt_s": units.sigma_per_sqrt_s(rates[-1], 1.0) if rates else None,
        "realised_variance_log": realised.realised_variance(logs),
        "tsrv": noise_robust.two_scale_variance(logs, step, adjusted=False),
        "tsrv_adj": noise_robust.two_scale_variance(logs, step),
        "noise_var": noise_robust.noise_variance(logs),
        "realised_kernel_parzen": noise_robust.realised_kernel(logs, inputs["H"]),
        "bipower_variation": realised.bipower_variation(logs),
        "roll_autocov_ddof1": roll_spread.roll_autocovariance(prices),
        "roll_spread": roll_spread.roll_spread(prices),
    }


def volatility_ohlc(inputs: dict[str, Any]) -> dict[str, Any]:
    bars = [np.log(column) for column in _columns(inputs["bars"], 4)]
    found = {
        "parkinson_var": ranges.parkinson_variance(*bars),
        "garman_klass_var": ranges.garman_klass_variance(*bars),
        "rogers_satchell_var": ranges.rogers_satchell_variance(*bars),
    }
    if len(bars[0]) >= 3:
        found["yang_zhang_var"] = ranges.yang_zhang_variance(*bars)
        found["yang_zhang_k"] = ranges.yang_zhang_weight(len(bars[0]) - 1)
    return found


def volatility_units(inputs: dict[str, Any]) -> dict[str, Any]:
    price, horizon_s = inputs["price"], inputs["horizon_s"]
    sigma = units.sigma_from_annual(price, inputs["annual_vol_fraction"], inputs["seconds_per_year"])
    moved = units.sigma_over(sigma, horizon_s)
    return {
        "sigma_price_per_sqrt_s": sigma,
        "sigma_price_over_horizon": moved,
        "sigma_bps_over_horizon": units.bps_of(moved, price),
        "position_sigma_quote_ccy": units.position_sigma(inputs["q"], sigma, horizon_s),
    }


def price_impact_kyle(inputs: dict[str, Any]) -> dict[str, Any]:
    line = price_impact.linear_impact(inputs["signed_volume"], inputs["dmid"])
    return {"kyle_lambda": line.slope, "intercept": line.intercept, "se": line.se, "r2": line.r2}


def markouts(inputs: dict[str, Any]) -> dict[str, Any]:
    fill, (mid_t, mid) = inputs["fill"], _columns(inputs["mids"], 2)
    table = mark(
        [_ns(fill["t"])],
        [Side[fill["our_side"]]],
        [fill["qty"]],
        [fill["price"]],
        [_ns(t) for t in mid_t],
        mid,
        inputs["horizons"],
        None if inputs.get("data_end") is None else _ns(inputs["data_end"]),
    )
    figures = {
        "mid": table.later_mid,
        "markout_per_unit": table.markout,
        "markout_value": table.value,
        "adverse_selection_per_unit": table.adverse_selection,
        "realised_spread": table.realised_spread,
        "price_impact": table.price_impact,
        "markout_bps": table.markout_bps,
    }
    return {
        "mid_at_fill": _defined(table.mid[0]),
        "edge_per_unit": _defined(table.edge[0]),
        "effective_spread": _defined(table.effective_spread[0]),
        "horizons": [
            None
            if math.isnan(table.later_mid[0, i])
            else {"horizon": horizon} | {name: _defined(column[0, i]) for name, column in figures.items()}
            for i, horizon in enumerate(inputs["horizons"])
        ],
    }


def _columns(rows: list[list[float]], width: int) -> list[Any]:
    return list(np.array(rows, dtype=float).reshape(-1, width).T)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


ADAPTERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "weighted_mid": weighted_mid,
    "ofi_cks": ofi_cks,
    "trade_imbalance": trade_imbalances,
    "vpin_bvc": vpin_bvc,
    "vpin_aggressor": vpin_aggressor,
    "volatility_close": volatility_close,
    "volatility_ohlc": volatility_ohlc,
    "volatility_units": volatility_units,
    "price_impact_kyle": price_impact_kyle,
    "markouts": markouts,
}
