"""What the maker does, compiled: estimate, price, ladder, guard, in the order of `mm_nautilus.quoting.pipeline`.

The formulas are the library's; what stands here is their order, which `tests/sweep/test_screen_golden.py` holds
against the executions of the engine.
"""

from __future__ import annotations

import math
from typing import Any

from mm_nautilus.estimators.fair_value import mid, weighted_mid
from mm_nautilus.estimators.volatility import ewma_variance
from mm_nautilus.market import Side
from mm_nautilus.models.avellaneda_stoikov import half_spread, reservation_price, time_left
from mm_nautilus.models.base import fill_cost
from mm_nautilus.models.glft import stationary_quote
from mm_nautilus.models.lean import leaning_centre
from mm_nautilus.quoting.adjust import band_factors
from mm_nautilus.quoting.guards import book_fault, floor_half_spread, post_only, uncross
from mm_nautilus.quoting.ladder import (
    fitted,
    held_back_lots,
    inventory_share,
    ladder_lots,
    ladder_ticks,
    skewed,
    smallest_lots,
    stretched,
    towards_limit,
)
from mm_nautilus.quoting.lattice import ticks_away, whole_lots
from mm_nautilus.quoting.pipeline import notional_lots
from mm_nautilus.sweep.screening.kernels import SILENT, Top, owning
from mm_nautilus.sweep.screening.rules import AVELLANEDA_STOIKOV, GLFT

_LARGEST_TICKS = 2.0**53
"""No price of the engine reaches it, and compiled integers hold it with every ladder around it."""


@owning  # type: ignore[untyped-decorator]
def fair_value_of(rules: Any, top: Any) -> float:
    """Return the price to quote around."""
    return weighted_mid(top) if rules.weighted else mid(top)


@owning  # type: ignore[untyped-decorator]
def top_of(run: Any) -> Any:
    """Return the market as it was last heard."""
    return Top(run.bid, run.ask, run.bid_size, run.ask_size, 0.5 * (run.bid + run.ask))


@owning  # type: ignore[untyped-decorator]
def is_fit(rules: Any, run: Any, now_ns: int) -> bool:
    """Return whether the market may be quoted on now."""
    if run.has_top == 0 or now_ns - run.market_ns > rules.stale_after_ns:
        return False
    return book_fault(top_of(run), rules.max_book_spread_bps) is None


@owning  # type: ignore[untyped-decorator]
def sample_volatility(rules: Any, run: Any, now_ns: int) -> bool:
    """Take one sample, as `EwmaVolatility.sample` does; return whether the market was fit for it."""
    fit = is_fit(rules, run, now_ns)
    if not fit:
        run.last_fair = math.nan
        return False
    fair = fair_value_of(rules, top_of(run))
    if not math.isnan(run.last_fair):
        change = fair - run.last_fair
        if run.samples == 0:
            run.variance = change * change / rules.sample_s
        else:
            run.variance = ewma_variance(run.variance, change, rules.sample_s, rules.decay)
        run.samples += 1
    run.last_fair = fair
    return True


@owning  # type: ignore[untyped-decorator]
def sigma_of(rules: Any, run: Any) -> float:
    """Return the volatility, NaN while warming up."""
    if not math.isnan(rules.sigma_fixed):
        return rules.sigma_fixed
    if run.samples < rules.warm_up:
        return math.nan
    return max(math.sqrt(run.variance), rules.sigma_floor)


@owning  # type: ignore[untyped-decorator]
def model_quote(
    rules: Any, fair: float, sigma: float, inventory: float, elapsed_s: float
) -> tuple[float, float, float]:
    """Return centre, bid half-spread and ask half-spread of the model, before its bound."""
    cost = fill_cost(fair, rules.fee_rate, rules.half_impact)
    beyond = inventory - rules.target
    if rules.model == GLFT:
        return stationary_quote(
            fair, sigma, beyond, rules.gamma, rules.order_size, cost,
            rules.bid_k, rules.bid_eta, rules.bid_premium, rules.ask_k, rules.ask_eta, rules.ask_premium,
        )  # fmt: skip
    if rules.model == AVELLANEDA_STOIKOV:
        variance = sigma * sigma * time_left(elapsed_s, rules.horizon_s)
        return (
            reservation_price(fair, beyond, rules.gamma, variance),
            cost + half_spread(rules.gamma, variance, rules.bid_k, rules.order_size),
            cost + half_spread(rules.gamma, variance, rules.ask_k, rules.order_size),
        )
    half = rules.half_spread + cost
    return leaning_centre(fair, 0.0, rules.skew, beyond), half, half


@owning  # type: ignore[untyped-decorator]
def _side(
    rules: Any, side: Any, price: float, best_lots: float, fair: float, opposite: float, share: float, room: int
) -> Any:
    """Return prices and sizes of one side, best first, as `Quoter` does."""
    price = floor_half_spread(side, price, fair, rules.min_half_spread_bps * 1e-4 * fair, SILENT)
    towards = towards_limit(side, share)
    size = skewed(best_lots, rules.size_skew, towards)
    if not math.isnan(rules.max_order_notional):
        size = min(size, rules.max_order_notional / (fair * rules.base_per_lot))
    spacing = 0.0 if rules.levels == 1 else stretched(rules.spacing, rules.widen, towards)
    ticks = ladder_ticks(side, price, rules.tick, spacing, rules.levels)
    post_only(side, ticks, ticks_away(side, opposite, rules.tick), SILENT)
    lots = ladder_lots(size, rules.size_decay, rules.levels)
    smallest = smallest_lots(ticks, rules.min_lots, rules.min_notional, rules.tick * rules.base_per_lot)
    return ticks, fitted(lots, room if room >= smallest else 0)


@owning  # type: ignore[untyped-decorator]
def _keep(rules: Any, ticks: Any, lots: Any, smallest: int, fair: float, prices: Any, sizes: Any) -> int:
    """Write the levels that may be sent, and return how many they are."""
    count = 0
    for index in range(len(ticks)):
        if lots[index] < smallest or ticks[index] <= 0:
            continue
        price = ticks[index] * rules.tick
        if price < rules.min_price or price > rules.max_price:
            continue
        if abs(price - fair) > rules.max_half_spread_bps * 1e-4 * fair:
            continue
        prices[count], sizes[count] = ticks[index], lots[index]
        count += 1
    return count


@owning  # type: ignore[untyped-decorator]
def decide(
    rules: Any,
    top: Any,
    sigma: float,
    position: int,
    elapsed_s: float,
    buy_funds: int,
    sell_funds: int,
    wanted: Any,
) -> tuple[int, int, int, int]:
    """Write the ladder that is wanted; return the levels of each side, the position limit and the smallest order."""
    fair = fair_value_of(rules, top)
    inventory = position * rules.base_per_lot
    share = inventory_share(float(position), rules.banded_target / rules.base_per_lot, float(rules.limit_lots))
    centre, bid_half, ask_half = model_quote(rules, fair, sigma, inventory, elapsed_s)
    largest = _LARGEST_TICKS * rules.tick
    if not (abs(centre) < largest and abs(bid_half) < largest and abs(ask_half) < largest):
        return 0, 0, 0, 1
    add_size, add_spread, reduce_spread = band_factors(
        share, rules.skew_above, rules.skew_size, rules.skew_spread, rules.aggressive_above, rules.aggressive_spread
    )
    long = share > 0
    bid_spread, ask_spread = (add_spread, reduce_spread) if long else (reduce_spread, add_spread)
    bid_size, ask_size = (add_size, 1.0) if long else (1.0, add_size)
    limit = rules.limit_lots
    if not math.isnan(rules.max_notional):
        limit = min(limit, notional_lots(rules.max_notional, fair, rules.base_per_lot))
    lot_value = fair * rules.base_per_lot
    ticks, lots = [0][:0], [0][:0]
    ask_ticks, ask_lots = [0][:0], [0][:0]
    if inventory < rules.bound:
        best = held_back_lots(rules.order_lots, 1.0, bid_size, rules.min_lots, rules.min_notional, lot_value)
        room = min(limit - position, buy_funds)
        ticks, lots = _side(rules, Side.BUY, centre - bid_half * bid_spread, best, fair, top.ask, share, room)
    if inventory > -rules.bound:
        best = held_back_lots(rules.order_lots, 1.0, ask_size, rules.min_lots, rules.min_notional, lot_value)
        room = min(limit + position, sell_funds)
        ask_ticks, ask_lots = _side(rules, Side.SELL, centre + ask_half * ask_spread, best, fair, top.bid, share, room)
    some_bid = some_ask = False
    for size in lots:
        some_bid = some_bid or size > 0
    for size in ask_lots:
        some_ask = some_ask or size > 0
    if some_bid and some_ask:
        uncross(ticks, ask_ticks, SILENT)
    quoted = ticks if len(ticks) > 0 else ask_ticks
    smallest = smallest_lots(quoted, rules.min_lots, rules.min_notional, rules.tick * rules.base_per_lot)
    bids = _keep(rules, ticks, lots, smallest, fair, wanted[0], wanted[1])
    asks = _keep(rules, ask_ticks, ask_lots, smallest, fair, wanted[2], wanted[3])
    return bids, asks, limit, smallest


@owning  # type: ignore[untyped-decorator]
def funds_lots(rules: Any, run: Any, dearest: float) -> tuple[int, int]:
    """Return what a cash account can still buy and sell, in lots."""
    return whole_lots(run.quote / (dearest * rules.paid_lot)), whole_lots(run.base / rules.lot)
