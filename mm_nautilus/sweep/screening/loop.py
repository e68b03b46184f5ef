"""The loop over the columns, compiled: data, timers and commands in the order in which the engine meets them.

Data of an instant come before commands that arrive and timers that fire at it; a sample comes before an arrival. An
event's executions are told to the maker one by one, each with a pass of its own, as the engine does.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from mm_nautilus.quoting.budget import refilled, spent, whole_messages
from mm_nautilus.sweep.screening.diff import (
    PENDING_AMEND,
    PENDING_CANCEL,
    PENDING_SUBMIT,
    WORKING,
    Draft,
    leaves_of,
    reconcile_arrays,
)
from mm_nautilus.sweep.screening.kernels import borrowing
from mm_nautilus.sweep.screening.maker import (
    decide,
    fair_value_of,
    funds_lots,
    is_fit,
    sample_volatility,
    sigma_of,
    top_of,
)
from mm_nautilus.sweep.screening.state import AMEND, CANCEL, NEVER, NONE, NOTHING, SLOTS, SUBMIT, TRADE
from mm_nautilus.sweep.screening.venue import enter_queue, is_matched, iterate, on_book, on_trade

OUT_OF_ROOM = 1
OUT_OF_SLOTS = 2

__all__ = ["OUT_OF_ROOM", "OUT_OF_SLOTS", "fair_value_of", "play"]


@borrowing  # type: ignore[untyped-decorator]
def _open(run: Any, side: int, lots: int) -> None:
    """Count lots that may still fill."""
    if side > 0:
        run.open_buy += lots
    else:
        run.open_sell += lots


@borrowing  # type: ignore[untyped-decorator]
def _forget(it: Any, slot: int) -> None:
    """Take an order that is over out of the books."""
    run, live, order = it.state[0], it.live, it.orders[slot]
    if order.command != NOTHING:
        it.ghosts[run.ghosts % SLOTS] = order.due_ns
        run.ghosts += 1
    _open(run, order.side, -max(leaves_of(order), 0))
    order.status = order.at_venue = order.command = 0
    place = 0
    while live[place] != slot:
        place += 1
    for later in range(place, run.live - 1):
        live[later] = live[later + 1]
    run.live -= 1


@borrowing  # type: ignore[untyped-decorator]
def _send(rules: Any, run: Any, order: Any, command: int, now_ns: int) -> None:
    latency = rules.submit_ns if command == SUBMIT else rules.amend_ns if command == AMEND else rules.cancel_ns
    order.command = command
    order.due_ns = now_ns + latency
    order.number = run.number
    run.number += 1
    run.next_due_ns = min(run.next_due_ns, order.due_ns)


@borrowing  # type: ignore[untyped-decorator]
def _carry_out(rules: Any, run: Any, orders: Any, live: Any, draft: Draft, now_ns: int) -> None:
    """Send the commands of a pass: cancels, amends, submits."""
    for index in range(draft.counts[0]):
        order = orders[draft.cancels[index]]
        order.status = PENDING_CANCEL
        _send(rules, run, order, CANCEL, now_ns)
    for index in range(draft.counts[1]):
        order = orders[draft.amends[index, 0]]
        order.status = PENDING_AMEND
        order.price = order.to_price = draft.amends[index, 1]
        order.total = order.to_total = draft.amends[index, 2]
        order.amends += 1
        _send(rules, run, order, AMEND, now_ns)
    slot = 0
    for index in range(draft.counts[2]):
        while slot < SLOTS and orders[slot].status != 0:
            slot += 1
        if slot == SLOTS:
            run.full = OUT_OF_SLOTS
            return
        order = orders[slot]
        order.side, order.level = draft.submits[index, 0], draft.submits[index, 1]
        order.price = order.resting = draft.submits[index, 2]
        order.total = order.resting_total = draft.submits[index, 3]
        order.filled = order.done = order.acknowledged = order.amends = order.at_venue = order.ahead = order.tracked = 0
        order.amendable = 1
        order.excess = -1
        order.status = PENDING_SUBMIT
        _open(run, order.side, order.total)
        live[run.live] = slot
        run.live += 1
        _send(rules, run, order, SUBMIT, now_ns)
    run.cancels += draft.counts[0]
    run.amends += draft.counts[1]
    run.submits += draft.counts[2]


@borrowing  # type: ignore[untyped-decorator]
def _dearest(rules: Any, run: Any, orders: Any, live: Any) -> float:
    """Return the price at which buys must be payable, as `Desk.dearest_price`."""
    best = 0
    for index in range(run.live):
        order = orders[live[index]]
        if order.side > 0:
            best = max(best, order.price, order.resting)
    return max(run.ask, best * rules.tick)


@borrowing  # type: ignore[untyped-decorator]
def _requote(rules: Any, it: Any, draft: Draft, now_ns: int) -> None:
    """One pass through the pipeline, as `Desk.requote`; `it` is a `Run`."""
    run, orders, live = it.state[0], it.orders, it.live
    if run.has_top == 0:
        return
    bids = asks = limit = 0
    smallest = 1
    buy_funds = sell_funds = NEVER
    if rules.cash and run.ask > 0.0:
        buy_funds, sell_funds = funds_lots(rules, run, _dearest(rules, run, orders, live))
    if run.halted == 0 and is_fit(rules, run, now_ns):
        sigma = sigma_of(rules, run)
        if not math.isnan(sigma):
            if run.started_ns < 0:
                run.started_ns = now_ns
            elapsed_s = (now_ns - run.started_ns) * 1e-9
            bids, asks, limit, smallest = decide(
                rules, top_of(run), sigma, run.position, elapsed_s, buy_funds, sell_funds, it.scratch
            )
    same = run.decided == 1 and bids == it.wanted_levels[0] and asks == it.wanted_levels[1]
    for index in range(bids if same else 0):
        same = same and it.scratch[0, index] == it.wanted[0, index] and it.scratch[1, index] == it.wanted[1, index]
    for index in range(asks if same else 0):
        same = same and it.scratch[2, index] == it.wanted[2, index] and it.scratch[3, index] == it.wanted[3, index]
    if same and run.dirty == 0:
        return
    if now_ns > run.budget_ns:
        run.tokens = refilled(run.tokens, rules.burst, now_ns - run.budget_ns, rules.messages_per_ns)
        run.budget_ns = now_ns
    reconcile_arrays(
        rules,
        draft,
        orders,
        live,
        run.live,
        it.scratch,
        bids,
        asks,
        run.position,
        min(limit - run.position, buy_funds) - run.open_buy,
        min(limit + run.position, sell_funds) - run.open_sell,
        smallest,
        whole_messages(run.tokens),
    )
    if not same:
        for index in range(max(bids, asks)):
            for row in range(4):
                it.wanted[row, index] = it.scratch[row, index]
        it.wanted_levels[0], it.wanted_levels[1] = bids, asks
        run.decided = 1
    run.dirty = 1 if draft.counts[3] > 0 else 0
    messages = draft.counts[0] + draft.counts[1] + draft.counts[2]
    if same and messages == 0:
        return
    run.tokens = spent(run.tokens, rules.burst, messages)
    _carry_out(rules, run, orders, live, draft, now_ns)
    if run.quotes == len(it.quotes):
        run.full = OUT_OF_ROOM
        return
    quote = it.quotes[run.quotes]
    quote.ts_ns = now_ns
    quote.bid = it.scratch[0, 0] * rules.tick if bids > 0 else math.nan
    quote.ask = it.scratch[2, 0] * rules.tick if asks > 0 else math.nan
    quote.market_bid, quote.market_ask = run.bid, run.ask
    run.quotes += 1


@borrowing  # type: ignore[untyped-decorator]
def _filled(rules: Any, it: Any, slot: int, lots: int, now_ns: int) -> None:
    """Book an execution, as `Desk.filled` and `CashFunds.filled`."""
    run = it.state[0]
    order = it.orders[slot]
    if run.fills == len(it.fills):
        run.full = OUT_OF_ROOM
        return
    fill = it.fills[run.fills]
    fill.ts_ns, fill.side, fill.price, fill.lots, fill.level = now_ns, order.side, order.resting, lots, order.level
    run.fills += 1
    size = lots * rules.lot
    value = size * order.resting * rules.tick
    run.base += order.side * size
    run.quote -= order.side * value + value * rules.maker_rate
    run.position += order.side * lots
    before = leaves_of(order)
    order.filled += lots
    _open(run, order.side, max(leaves_of(order), 0) - before)
    if order.filled >= order.resting_total:
        _forget(it, slot)
    run.dirty = 1


@borrowing  # type: ignore[untyped-decorator]
def _arrive(rules: Any, venue: Any, it: Any, draft: Draft, slot: int, now_ns: int) -> None:
    """Let one command reach the venue, and the maker hear of it."""
    run, order = it.state[0], it.orders[slot]
    command = order.command
    order.command = NOTHING
    if command == SUBMIT:
        if is_matched(run, order.side, order.price):
            _forget(it, slot)
            run.dirty = 1
            run.rejects += 1
            return
        order.acknowledged = 1
        order.status = WORKING
        order.at_venue = 1
        enter_queue(venue, run, order, slot)
    elif command == CANCEL:
        _forget(it, slot)
    elif is_matched(run, order.side, order.to_price) or order.to_total < order.done:
        order.amendable = 0
        order.price, order.total = order.resting, order.resting_total
        order.status = WORKING
        run.dirty = 1
        run.rejects += 1
        return
    else:
        before, moved = leaves_of(order), order.to_price != order.resting
        order.price = order.resting = order.to_price
        order.total = order.resting_total = order.to_total
        _open(run, order.side, leaves_of(order) - before)
        order.status = WORKING
        if moved:
            enter_queue(venue, run, order, slot)
    if run.dirty == 1:
        _requote(rules, it, draft, now_ns)


@borrowing  # type: ignore[untyped-decorator]
def _next_due(it: Any, now_ns: int, before: int) -> tuple[int, int]:
    """Return the order whose command is next, -1 where none is due that was sent before another; and when one is."""
    run = it.state[0]
    due, number, slot, later = NEVER, NEVER, -1, NEVER
    for index in range(run.live):
        order = it.orders[it.live[index]]
        if order.command == NOTHING:
            continue
        if order.due_ns > now_ns or order.number >= before:
            later = min(later, order.due_ns)
        elif order.due_ns < due or (order.due_ns == due and order.number < number):
            due, number, slot = order.due_ns, order.number, it.live[index]
    for index in range(min(run.ghosts, SLOTS)):
        later = min(later, it.ghosts[index])
    return slot, later


@borrowing  # type: ignore[untyped-decorator]
def _arrivals(rules: Any, venue: Any, it: Any, draft: Draft, now_ns: int) -> None:
    """Let every command that is due reach the venue, which then matches anew, until nothing is due any more."""
    run = it.state[0]
    while run.next_due_ns <= now_ns:
        before = run.number
        reached = False
        for index in range(min(run.ghosts, SLOTS)):
            if it.ghosts[index] <= now_ns:
                it.ghosts[index] = NEVER
                reached = True
        slot, later = _next_due(it, now_ns, before)
        while slot >= 0:
            reached = True
            _arrive(rules, venue, it, draft, slot, now_ns)
            slot, later = _next_due(it, now_ns, before)
        if reached:
            _executions(rules, venue, it, draft, iterate(venue, run, it.orders, it.live), now_ns)
            _, later = _next_due(it, now_ns, 0)
        run.next_due_ns = later


@borrowing  # type: ignore[untyped-decorator]
def _executions(rules: Any, venue: Any, it: Any, draft: Draft, hits: int, now_ns: int) -> None:
    for index in range(hits):
        _filled(rules, it, venue.hits[index].key, venue.hits[index].lots, now_ns)
        _requote(rules, it, draft, now_ns)


@borrowing  # type: ignore[untyped-decorator]
def _hear(rules: Any, event: Any, it: Any, draft: Draft) -> None:
    """Take the market into account, and think where its top has moved, as `QuotingLeg` does."""
    run = it.state[0]
    now_ns = event.ts_ns
    run.market_ns = now_ns
    bid, ask = event.bid, event.ask
    moved = run.has_top == 0 or bid != run.top_bid or ask != run.top_ask
    bid_size = event.bid_lots * rules.lot_units / rules.size_units
    ask_size = event.ask_lots * rules.lot_units / rules.size_units
    if not moved and rules.book == 1:
        if rules.weighted or not (bid_size > 0 and ask_size > 0 and run.bid_size > 0 and run.ask_size > 0):
            moved = bid_size != run.bid_size or ask_size != run.ask_size
    elif rules.book != 1:
        moved = moved or rules.weighted
        if not moved and run.dirty == 0:
            return
    run.bid_size, run.ask_size = bid_size, ask_size
    if run.has_top == 0 or bid != run.top_bid or ask != run.top_ask:
        run.top_bid, run.top_ask, run.has_top = bid, ask, 1
        run.bid = 0.0 if bid == NONE else bid * rules.tick_units / rules.price_units
        run.ask = 0.0 if ask == NONE else ask * rules.tick_units / rules.price_units
    if moved or run.dirty == 1:
        _requote(rules, it, draft, now_ns)


@borrowing  # type: ignore[untyped-decorator]
def _sample(rules: Any, it: Any, draft: Draft, now_ns: int) -> None:
    run = it.state[0]
    fit = sample_volatility(rules, run, now_ns)
    bid, ask = run.bid, run.ask
    _requote(rules, it, draft, now_ns)
    mark = it.marks[run.marks]
    mark.ts_ns = now_ns
    mark.bid = bid if fit else math.nan
    mark.ask = ask if fit else math.nan
    run.marks += 1


@njit(nogil=True, cache=True, _nrt=False)  # type: ignore[untyped-decorator]
def play(rules: Any, columns: Any, venue: Any, it: Any, draft: Draft) -> None:
    """Play a market to a maker, from the first event to the last.

    Parameters
    ----------
    rules : record array
        What the maker is told, from `compiled`.
    columns : Columns
        The market.
    venue, it, draft : Venue, Run, Draft
        As they are before the first event; `it` holds what came of it.

    """
    run, rule, events = it.state[0], rules[0], columns.events
    next_sample = events[0].ts_ns + rule.sample_ns
    end_alert = rule.last_quote_ns
    if end_alert <= events[0].ts_ns:
        run.halted, end_alert = 1, NEVER
    at_once = rule.submit_ns == 0 or rule.cancel_ns == 0 or rule.amend_ns == 0
    for index in range(len(events) + 1):
        # Timers at the last instant come after the last data.
        now_ns = events[index].ts_ns if index < len(events) else rule.end_ns + 1
        while True:
            due = min(next_sample, end_alert, run.next_due_ns)
            if due >= now_ns:
                break
            if next_sample == due:
                _sample(rule, it, draft, due)
                next_sample += rule.sample_ns
            elif end_alert == due:
                run.halted = run.dirty = 1
                end_alert = NEVER
                _requote(rule, it, draft, due)
            else:
                _arrivals(rule, venue, it, draft, due)
            if at_once:
                _arrivals(rule, venue, it, draft, due)
        if index == len(events) or run.full != 0:
            return
        event = events[index]
        if event.kind == TRADE:
            hits = on_trade(event, venue, run, it.orders, it.live)
            if hits > 0:
                _executions(rule, venue, it, draft, hits, now_ns)
        else:
            hits = on_book(columns.changes, event, venue, run, it.orders, it.live)
            if hits > 0:
                _executions(rule, venue, it, draft, hits, now_ns)
            _hear(rule, event, it, draft)
        if run.next_due_ns <= now_ns:
            _arrivals(rule, venue, it, draft, now_ns)
