"""The quoting models behind the reference vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mm_nautilus.market import Intensity, Side
from mm_nautilus.models import avellaneda_stoikov as finite
from mm_nautilus.models import avellaneda_stoikov_infinite as infinite
from mm_nautilus.models import carry, cost_components, dynamic_volatility, ho_stoll
from mm_nautilus.models.checks import check_finite, check_not_negative, check_positive
from mm_nautilus.models.fills import optimal_fill_rate, risk_premium
from mm_nautilus.models.glft import stationary_value
from mm_nautilus.models.glosten_milgrom import Belief
from mm_nautilus.models.intensities import Exponential, FillIntensity, Linear, ShiftedPower, optimal_distance
from mm_nautilus.models.lattice import LatticeProblem, solve_stationary
from mm_nautilus.models.lattice_evolution import solve_finite
from mm_nautilus.models.multi_asset import multi_asset_quoter
from mm_nautilus.models.skew_target import gamma_from_skew_target
from mm_nautilus.models.stationary_law import stationary_law
from mm_nautilus.models.symmetric import symmetric_moments

type Row = dict[str, Any]


def _as_finite(given: Row) -> Row:
    mid, q, gamma, size = given["mid"], given["q"], given["gamma"], given["order_size"]
    check_finite(mid=mid, q=q)
    check_not_negative(gamma=gamma, sigma=given["sigma"], tau=given["tau"])
    check_positive(k=given["k"], order_size=size)
    variance = given["sigma"] ** 2 * given["tau"]
    reservation = finite.reservation_price(mid, q, gamma, variance)
    indifferent_bid, indifferent_ask = finite.indifference_prices(mid, q, gamma, variance, size)
    half = finite.half_spread(gamma, variance, given["k"], size)
    return {
        "reservation": reservation,
        "indiff_bid": indifferent_bid,
        "indiff_ask": indifferent_ask,
        "spread": 2.0 * half,
        "half_spread": half,
        "bid": reservation - half,
        "ask": reservation + half,
        # Not ``mid - bid``: a distance of 1e-6 of the price would lose six digits in the difference.
        "delta_bid": half - (finite.reservation_price(0.0, q, gamma, variance)),
        "delta_ask": half + (finite.reservation_price(0.0, q, gamma, variance)),
    }


def _as_infinite(given: Row) -> Row:
    mid, q, gamma, bound = given["mid"], given["q"], given["gamma"], given["q_max"]
    size = given.get("order_size", 1.0)
    check_positive(k=given["k"])
    bid, ask = infinite.indifference_prices(mid, q, gamma, given["sigma"], bound, size)
    premium = risk_premium(gamma * size, given["k"])
    return {
        "omega": infinite.discount_rate(gamma, given["sigma"], bound, size),
        "indiff_bid": bid,
        "indiff_ask": ask,
        "indiff_ask_as_printed": infinite.printed_indifference_ask(mid, q, gamma, bound),
        "reservation": None if bid is None or ask is None else 0.5 * (bid + ask),
        "bid": None if bid is None else bid - premium,
        "ask": None if ask is None else ask + premium,
    }


def _glft_closed_form(given: Row) -> Row:
    gamma, sigma, size, q, mu = given["gamma"], given["sigma"], given["order_size"], given["q"], given["mu"]
    check_finite(mid=given["mid"], q=q, mu=mu)
    check_not_negative(gamma=gamma, sigma=sigma, xi=given["xi"])
    check_positive(A=given["A"], k=given["k"], order_size=size)
    cost = given["fee_per_unit"] + 0.5 * given["impact"]
    side, x = (given["A"], given["k"]), given["xi"] * size
    slope = 2.0 * stationary_value(gamma, 1.0, size, x, 0.0, *side, *side)[0]
    effective = 2.0 * stationary_value(gamma, 1.0, size, x, cost, *side, *side)[0]
    a, _ = stationary_value(gamma, sigma, size, x, cost, *side, *side)
    target = carry.target_inventory(mu, gamma, sigma) if mu else 0.0
    premium = risk_premium(x, given["k"])
    half = premium + cost + a * size
    shift = 2.0 * a * (q - target)
    return {
        "c1": premium,
        "c2": slope,
        "c2_effective": effective,
        "half_spread": half,
        "skew_per_unit": 2.0 * a,
        "q_target": target,
        "delta_bid": half + shift,
        "delta_ask": half - shift,
        "bid": given["mid"] - half - shift,
        "ask": given["mid"] + half - shift,
        "spread": 2.0 * half,
    }


def _glft_exact(given: Row) -> Row:
    gamma, sigma, a, k, size = (given[key] for key in ("gamma", "sigma", "A", "k", "order_size"))
    check_positive(gamma=gamma, A=a, k=k, order_size=size)
    check_not_negative(sigma=sigma, xi=given["xi"], impact=given["impact"])
    cost = given["fee_per_unit"] + 0.5 * given["impact"]
    x = given["xi"] * size
    eta = optimal_fill_rate(a, k, x, cost)
    problem = LatticeProblem(
        lots=given["Q_lots"],
        order_size=size,
        penalty=0.5 * gamma * sigma**2,
        drift=given["mu"],
        bid_eta=eta,
        bid_k=k,
        ask_eta=eta,
        ask_k=k,
        terminal=0.5 * given["impact"] / size,
    )
    stationary = solve_stationary(problem)
    tau = given["tau"]
    marginals = stationary.marginals if tau is None else solve_finite(problem, tau).marginals[-1]
    level = risk_premium(x, k) + cost
    bids, asks = np.append(level + marginals, np.nan), np.append(np.nan, level - marginals)
    answer = {
        "alpha": problem.penalty * k / size,
        "eta": eta,
        "lambda0": -stationary.growth * k / size,
        "q_grid": problem.inventories.tolist(),
        "delta_bid": _quoted(bids),
        "delta_ask": _quoted(asks),
    }
    if tau is None:
        both = Intensity(a, k)
        law = stationary_law(problem.inventories, bids, asks, both, both, size, sigma)
        answer |= {
            "stationary_q_var": law.inventory_variance,
            "fill_rate_total": law.fill_rate,
            "edge_rate": law.edge_rate,
            "pnl_var_rate_inventory": law.inventory_pnl_variance_rate,
        }
    return answer


def _quoted(distances: Any) -> list[float | None]:
    return [None if math.isnan(one) else one for one in np.asarray(distances).tolist()]


def _cjp_running_penalty(given: Row) -> Row:
    k = given["kappa"]
    check_positive(kappa=k, lambda_buy_mo=given["lambda_buy_mo"], lambda_sell_mo=given["lambda_sell_mo"])
    problem = LatticeProblem(
        lots=given["Q"],
        order_size=1.0,
        penalty=given["phi"],
        drift=0.0,
        bid_eta=optimal_fill_rate(given["lambda_sell_mo"], k, 0.0, 0.0),
        bid_k=k,
        ask_eta=optimal_fill_rate(given["lambda_buy_mo"], k, 0.0, 0.0),
        ask_k=k,
        terminal=given["alpha"],
    )
    solution = solve_finite(problem, given["tau"])
    marginals, premium = solution.marginals[-1], risk_premium(0.0, k)
    return {
        "h": solution.values[-1].tolist(),
        "delta_ask": [None, *(premium - marginals).tolist()],
        "delta_bid": [*(premium + marginals).tolist(), None],
    }


def _ho_stoll(given: Row) -> Row:
    mid, q, size = given["mid"], given["inventory"], given["order_size"]
    gamma, sigma, tau = given["gamma"], given["sigma"], given["tau"]
    alpha, beta = given["alpha"], given["beta"]
    check_finite(mid=mid, inventory=q)
    check_not_negative(gamma=gamma, sigma=sigma, tau=tau)
    check_positive(alpha=alpha, beta=beta, order_size=size)
    a = ho_stoll.first_order_value(gamma, sigma, tau)
    fees = a * (2.0 * q + size), -a * (2.0 * q - size)
    bid, ask = (ho_stoll.distance(alpha, beta, fee) for fee in fees)
    exact, tilt = ho_stoll.exact_value(gamma, sigma, tau, size, alpha, beta, alpha, beta, 0.0)
    exact_bid = ho_stoll.distance(alpha, beta, exact * (2.0 * q + size) + tilt)
    exact_ask = ho_stoll.distance(alpha, beta, -exact * (2.0 * q - size) - tilt)
    return {
        "reservation_fee_bid": fees[0],
        "reservation_fee_ask": fees[1],
        "delta_bid": bid,
        "delta_ask": ask,
        "spread": bid + ask,
        "bid": mid - bid,
        "ask": mid + ask,
        "exact_delta_bid": exact_bid,
        "exact_delta_ask": exact_ask,
        "exact_spread": exact_bid + exact_ask,
    }


def _optimal_distance(given: Row) -> Row:
    shapes: dict[str, Callable[..., FillIntensity]] = {
        "exponential": Exponential,
        "linear": Linear,
        "shifted_power": ShiftedPower,
    }
    check_not_negative(gamma=given["gamma"])
    check_positive(order_size=given["order_size"])
    intensity = shapes[given["kind"]](*given["params"])
    distance = optimal_distance(intensity, given["p"], given["gamma"] * given["order_size"])
    return {"delta": distance, "lam": intensity.rate(distance)}


def _dynamic_vol_spread(given: Row) -> Row:
    mid, sigma = given["mid"], given["sigma_price_per_sqrt_s"]
    check_positive(mid=mid, Q=given["Q"])
    check_not_negative(sigma=sigma, quote_lifetime_s=given["quote_lifetime_s"])
    base = dynamic_volatility.base_spread(sigma, given["quote_lifetime_s"], given["c_vol"])
    activity = dynamic_volatility.activity_factor(
        given["volume_rate_short"], given["volume_rate_long"], given["b_act"], given["act_min"], given["act_max"]
    )
    raw = dynamic_volatility.spread_before_bounds(
        base, given["adverse_ratio"], given["a_adv"], activity, given["fee_per_unit"]
    )
    spread = dynamic_volatility.bounded_spread(raw, mid, given["min_spread_bps"], given["max_spread_bps"])
    shift = dynamic_volatility.inventory_shift(given["q"], given["Q"], given["k_inv"], spread)
    return {
        "base": base,
        "activity": activity,
        "raw_spread": raw,
        "spread": spread,
        "spread_bps": 1e4 * spread / mid,
        "shift": shift,
        "bid": mid + shift - 0.5 * spread,
        "ask": mid + shift + 0.5 * spread,
    }


def _multi_asset(given: Row) -> Row:
    quoter = multi_asset_quoter(
        given["Sigma"],
        given["A"],
        given["k"],
        given["order_size"],
        given["gamma"],
        xi=given["xi"],
        tau_s=given["tau"],
        drift=given["mu"],
        cost=given.get("kappa"),
    )
    bids, asks = quoter.distances(given["q"])
    return {
        "delta_bid": bids.tolist(),
        "delta_ask": asks.tolist(),
        "A_matrix": quoter.matrix.tolist(),
        "B": quoter.tilt.tolist(),
    }


def _target_inventory(given: Row) -> Row:
    gamma, sigma = given["gamma"], given["sigma"]
    if "mu" in given:
        target = carry.target_inventory(given["mu"], gamma, sigma)
        clipped = carry.clipped_target(given["mu"], gamma * sigma**2, given["Q"])
        return {"q_target": target, "q_target_clipped": clipped}
    price, mean, speed, tau = given["S"], given["long_run_mean"], given["theta"], given["tau"]
    drift = speed * (mean - price)
    return {
        "mu_inst": drift,
        "q_target_instant": carry.reversion_target(price, mean, speed, gamma, sigma),
        "expected_return": carry.expected_move(drift, speed, tau),
        "variance": carry.reversion_variance(sigma, speed, tau),
        "q_target_horizon": carry.reversion_target(price, mean, speed, gamma, sigma, tau),
    }


def _glosten_milgrom(given: Row) -> Row:
    belief = Belief(given["v_low"], given["v_high"], given["prob_high"], given["informed_fraction"])
    return {
        "ask": belief.ask,
        "bid": belief.bid,
        "spread": belief.ask - belief.bid,
        "post_buy": belief.after(Side.BUY).probability_high,
        "post_sell": belief.after(Side.SELL).probability_high,
    }


def _symmetric(given: Row) -> Row:
    moments = symmetric_moments(
        Intensity(given["A"], given["k"]), given["half_spread"], given["sigma"], given["T"], given["order_size"]
    )
    return {
        "fill_rate_per_side": moments.fill_rate_per_side,
        "mean_fills": moments.mean_fills,
        "mean_pnl": moments.mean_pnl,
        "var_q": moments.var_inventory,
        "std_q": math.sqrt(moments.var_inventory),
        "var_pnl": moments.var_pnl,
        "std_pnl": math.sqrt(moments.var_pnl),
    }


def _gamma_from_skew_target(given: Row) -> Row:
    side, size = Intensity(given["A"], given["k"]), given["order_size"]
    gamma = gamma_from_skew_target(given["sigma"], side, side, size, given["Q"], given["chi"])
    x = gamma * size
    a, _ = stationary_value(gamma, given["sigma"], size, x, 0.0, given["A"], given["k"], given["A"], given["k"])
    return {"gamma": gamma, "c1": risk_premium(x, given["k"]), "skew_at_Q": 2.0 * a * given["Q"]}


def _cost_component_spread(given: Row) -> Row:
    mid, adverse = given["mid"], given["adverse_selection_bps"]
    check_positive(mid=mid)
    fee = 1e-4 * given["maker_fee_bps"] * mid
    half = cost_components.half_spread(mid, given["processing_bps"], given["inventory_bps"], adverse, fee)
    return {
        "half_spread": half,
        "spread": 2.0 * half,
        "bid": mid - half,
        "ask": mid + half,
        "adverse_share": cost_components.adverse_share(mid, adverse, half),
    }


ADAPTERS: dict[str, Callable[[Row], Row]] = {
    "as_finite": _as_finite,
    "as_infinite": _as_infinite,
    "glft_closed_form": _glft_closed_form,
    "glft_exact": _glft_exact,
    "cjp_running_penalty": _cjp_running_penalty,
    "ho_stoll": _ho_stoll,
    "optimal_distance_generic_intensity": _optimal_distance,
    "dynamic_vol_spread": _dynamic_vol_spread,
    "multi_asset_closed_form": _multi_asset,
    "target_inventory": _target_inventory,
    "glosten_milgrom": _glosten_milgrom,
    "symmetric_constant_quotes": _symmetric,
    "gamma_from_skew_target": _gamma_from_skew_target,
    "cost_component_spread": _cost_component_spread,
}
