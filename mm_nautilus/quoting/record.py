"""The trace one pass through the pipeline leaves behind."""

from __future__ import annotations

from mm_nautilus.market import Level, MarketState, TopOfBook
from mm_nautilus.messages import QuoteDecision
from mm_nautilus.quoting.anchor import ALONE, AnchorRecord
from mm_nautilus.quoting.pipeline import Wanted
from mm_nautilus.quoting.reconcile import Exposure, Plan


def quote_decision(
    ts_ns: int,
    strategy_id: str,
    instrument_id: str,
    decision_id: int,
    trigger: str,
    top: TopOfBook | None,
    state: MarketState | None,
    exposure: Exposure,
    wanted: Wanted,
    plan: Plan,
    tick: float,
    lot: float,
    anchor: AnchorRecord = ALONE,
) -> QuoteDecision:
    """Return the record of one decision, from everything that went into it and came out of it.

    Parameters
    ----------
    ts_ns, strategy_id, instrument_id, decision_id, trigger
        When, who, on what, which one and what made it necessary.
    top, state : TopOfBook or None, MarketState or None
        What was seen and estimated; ``None`` where it was not reached.
    exposure : Exposure
        Before the commands of `plan`.
    wanted, plan : Wanted, Plan
        What we want to rest, and the commands that lead there.
    tick, lot : float
        To turn ticks and lots into price and size.
    anchor : AnchorRecord
        What other markets of the asset had to say.

    """
    quote, adjustment, position_lots = wanted.quote, wanted.adjustment, exposure.position_lots
    bid_prices, bid_sizes = _columns(wanted.ladder.bids, tick, lot)
    ask_prices, ask_sizes = _columns(wanted.ladder.asks, tick, lot)
    return QuoteDecision(
        ts_ns,
        strategy_id,
        instrument_id,
        decision_id,
        trigger,
        top.bid if top else None,
        top.ask if top else None,
        top.bid_size if top else None,
        top.ask_size if top else None,
        position_lots * lot,
        (position_lots + exposure.open_buy_lots) * lot,
        (position_lots - exposure.open_sell_lots) * lot,
        state.fair_value if state else None,
        state.sigma if state else None,
        state.bid_intensity.a_per_s if state else None,
        state.bid_intensity.k_per_price if state else None,
        state.ask_intensity.a_per_s if state else None,
        state.ask_intensity.k_per_price if state else None,
        quote.reservation_price if quote else None,
        quote.bid_half_spread if quote else None,
        quote.ask_half_spread if quote else None,
        adjustment.bid_spread,
        adjustment.ask_spread,
        adjustment.bid_size,
        adjustment.ask_size,
        adjustment.shift,
        bid_prices,
        bid_sizes,
        ask_prices,
        ask_sizes,
        wanted.quote_state._value_,  # `value` is a property written in Python
        wanted.reasons,
        wanted.caps,
        len(plan.submits),
        len(plan.amends),
        len(plan.cancels),
        plan.keeps,
        plan.deferred,
        anchor.inventory,
        anchor.bid_bound,
        anchor.ask_bound,
        anchor.bid_hedge_venue,
        anchor.ask_hedge_venue,
        anchor.hedge_refusals,
    )


def _columns(levels: tuple[Level, ...], tick: float, lot: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return prices and sizes."""
    if len(levels) == 1:
        level = levels[0]
        return (level.price_ticks * tick,), (level.size_lots * lot,)
    return tuple([level.price_ticks * tick for level in levels]), tuple([level.size_lots * lot for level in levels])
