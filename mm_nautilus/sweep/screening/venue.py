"""The venue, compiled: the book of others, our place in its queues, and what fills us.

The rules are those of the engine's matching with ``queue_position`` and ``liquidity_consumption`` on:

- an order waits behind the size shown at its price when it arrives; a change of size never puts more before it, a
  smaller size cuts what is before it (in a book by order: what the orders before it still have);
- a trade at its price by the other side takes what is before it, then the order itself; our own orders at one price
  share one trade;
- nothing fills while something is before it; after that a trade, or an opposite price, at or through the order's price
  fills it at its own price, up to what traded or is shown;
- what we took of a level is gone until the level changes;
- an order that would take is refused (post-only).
"""

from __future__ import annotations

from typing import Any

from mm_nautilus.sweep.screening.kernels import borrowing
from mm_nautilus.sweep.screening.state import ADD, CLEAR, DELETE, NONE, UNSEEN, UPDATE


@borrowing  # type: ignore[untyped-decorator]
def is_matched(run: Any, side: int, price: int) -> bool:
    """Return whether the market stands at or through a price of ours."""
    if side > 0:
        return run.core_ask != NONE and run.core_ask <= price
    return run.core_bid != NONE and run.core_bid >= price


@borrowing  # type: ignore[untyped-decorator]
def shown(venue: Any, run: Any, across: int, price: int) -> int:
    """Return the size shown at a price, 0 for bids and 1 for asks."""
    if run.book == 1:
        if across == 0:
            return run.bid_lots if price == run.book_bid else 0
        return run.ask_lots if price == run.book_ask else 0
    place = price - run.low
    return venue.levels[across, place].size if 0 <= place < run.width else 0


@borrowing  # type: ignore[untyped-decorator]
def enter_queue(venue: Any, run: Any, order: Any, slot: int) -> None:
    """Put an order behind what is shown at its price."""
    across = 0 if order.side > 0 else 1
    order.ahead = shown(venue, run, across, order.resting)
    order.tracked = 0
    order.excess = -1
    order.sequence = run.sequence
    run.sequence += 1
    if run.book == 1 and order.ahead == 0:
        best = run.book_bid if across == 0 else run.book_ask
        if best != NONE and (best - order.resting) * order.side > 0:
            order.ahead = UNSEEN
    elif run.book == 3 and order.ahead > 0:
        other = venue.levels[across, order.resting - run.low].head
        while other >= 0:
            venue.ahead[slot, order.tracked].key = other
            venue.ahead[slot, order.tracked].lots = venue.others[other].lots
            order.tracked += 1
            other = venue.others[other].after


@borrowing  # type: ignore[untyped-decorator]
def _advance(venue: Any, run: Any, order: Any, slot: int, lots: int) -> None:
    """Take lots from what is before an order, oldest first."""
    order.ahead -= lots
    if run.book != 3:
        return
    gone = 0
    while gone < order.tracked and lots >= venue.ahead[slot, gone].lots:
        lots -= venue.ahead[slot, gone].lots
        gone += 1
    for place in range(gone, order.tracked):
        venue.ahead[slot, place - gone].key = venue.ahead[slot, place].key
        venue.ahead[slot, place - gone].lots = venue.ahead[slot, place].lots
    order.tracked -= gone
    if order.tracked > 0:
        venue.ahead[slot, 0].lots -= lots


@borrowing  # type: ignore[untyped-decorator]
def _clear_ahead(order: Any) -> None:
    order.ahead = 0
    order.tracked = 0


@borrowing  # type: ignore[untyped-decorator]
def _track(venue: Any, order: Any, slot: int, other: int, lots: int) -> None:
    """Note that another's order, if it is before ours, has so many lots now; none where it is gone."""
    for place in range(order.tracked):
        if venue.ahead[slot, place].key != other:
            continue
        order.ahead += lots - venue.ahead[slot, place].lots
        venue.ahead[slot, place].lots = lots
        if lots == 0:
            for later in range(place, order.tracked - 1):
                venue.ahead[slot, later].key = venue.ahead[slot, later + 1].key
                venue.ahead[slot, later].lots = venue.ahead[slot, later + 1].lots
            order.tracked -= 1
        return


@borrowing  # type: ignore[untyped-decorator]
def _unchain(venue: Any, run: Any, other: int) -> None:
    if venue.others[other].lots == 0:
        return
    across, place = venue.others[other].side, venue.others[other].at - run.low
    before, after = venue.others[other].before, venue.others[other].after
    if before >= 0:
        venue.others[before].after = after
    else:
        venue.levels[across, place].head = after
    if after >= 0:
        venue.others[after].before = before
    else:
        venue.levels[across, place].tail = before
    venue.levels[across, place].size -= venue.others[other].lots
    venue.others[other].lots = 0


@borrowing  # type: ignore[untyped-decorator]
def _chain(venue: Any, run: Any, other: int, across: int, price: int, lots: int) -> None:
    place = price - run.low
    last = venue.levels[across, place].tail
    venue.others[other].before, venue.others[other].after = last, -1
    if last >= 0:
        venue.others[last].after = other
    else:
        venue.levels[across, place].head = other
    venue.levels[across, place].tail = other
    venue.others[other].at, venue.others[other].side, venue.others[other].lots = price, across, lots
    venue.levels[across, place].size += lots


@borrowing  # type: ignore[untyped-decorator]
def _clear(venue: Any, run: Any) -> None:
    for across in range(2):
        low, high = (run.low_bid, run.high_bid) if across == 0 else (run.low_ask, run.high_ask)
        for place in range(low, high + 1):
            level = venue.levels[across, place]
            if run.book == 3:
                other = level.head
                while other >= 0:
                    venue.others[other].lots = 0
                    other = venue.others[other].after
                level.head = level.tail = -1
            level.size = 0
    run.low_bid = run.low_ask = run.width
    run.high_bid = run.high_ask = -1


@borrowing  # type: ignore[untyped-decorator]
def _apply(venue: Any, run: Any, change: Any) -> None:
    action = change.action
    if action == CLEAR:
        _clear(venue, run)
        return
    across, price, lots = change.side, change.at, change.size
    if action != DELETE:
        place = price - run.low
        if across == 0:
            run.low_bid, run.high_bid = min(run.low_bid, place), max(run.high_bid, place)
        else:
            run.low_ask, run.high_ask = min(run.low_ask, place), max(run.high_ask, place)
    if run.book == 2:
        venue.levels[across, price - run.low].size = 0 if action == DELETE else lots
        return
    other = change.order
    if action == DELETE or lots == 0:
        _unchain(venue, run, other)
    elif action == UPDATE and venue.others[other].lots > 0 and venue.others[other].at == price:
        venue.levels[across, price - run.low].size += lots - venue.others[other].lots
        venue.others[other].lots = lots
    else:
        _unchain(venue, run, other)
        _chain(venue, run, other, across, price, lots)


@borrowing  # type: ignore[untyped-decorator]
def _requeue_by_price(change: Any, orders: Any, live: Any, count: int) -> None:
    """Let a change of a level's size cut what is before our orders there."""
    action, price = change.action, change.at
    if action == ADD:
        return
    side = 1 if change.side == 0 else -1
    for place in range(count):
        order = orders[live[place]]
        if order.resting == price and order.at_venue == 1 and order.side == side:
            order.ahead = 0 if action == DELETE else min(order.ahead, change.size)


@borrowing  # type: ignore[untyped-decorator]
def _requeue_by_order(venue: Any, change: Any, orders: Any, live: Any, count: int) -> None:
    """Let a change of another's order move ours forward."""
    other, price = change.order, change.at
    gone = change.action == DELETE
    for place in range(count):
        slot = live[place]
        order = orders[slot]
        if order.at_venue == 1 and order.tracked > 0:
            lots = change.size if not gone and price == order.resting else 0
            _track(venue, order, slot, other, lots)


@borrowing  # type: ignore[untyped-decorator]
def _requeue_anew(venue: Any, run: Any, orders: Any, live: Any, count: int) -> None:
    """Keep our orders' places where the whole book has been stated anew."""
    for index in range(count):
        slot = live[index]
        order = orders[slot]
        if order.at_venue == 0:
            continue
        across = 0 if order.side > 0 else 1
        if run.book == 2:
            order.ahead = min(order.ahead, shown(venue, run, across, order.resting))
            continue
        place = 0
        while place < order.tracked:
            other = venue.ahead[slot, place].key
            there = venue.others[other].lots > 0 and venue.others[other].at == order.resting
            before = order.tracked
            _track(venue, order, slot, other, venue.others[other].lots if there else 0)
            if order.tracked == before:
                place += 1


@borrowing  # type: ignore[untyped-decorator]
def on_book(changes: Any, event: Any, venue: Any, run: Any, orders: Any, live: Any) -> int:
    """Take a book event; return how many executions of ours came of it."""
    if run.book == 1:
        return _on_quote(event, venue, run, orders, live)
    anew = event.snapshot == 1
    for index in range(event.first, event.last):
        change = changes[index]
        if not anew and run.live > 0:
            if run.book == 3:
                _requeue_by_order(venue, change, orders, live, run.live)
            else:
                _requeue_by_price(change, orders, live, run.live)
        _apply(venue, run, change)
    if anew:
        _requeue_anew(venue, run, orders, live, run.live)
    run.book_bid, run.book_ask = event.bid, event.ask
    run.book_ns = event.event_ns
    return iterate(venue, run, orders, live)


@borrowing  # type: ignore[untyped-decorator]
def _on_quote(event: Any, venue: Any, run: Any, orders: Any, live: Any) -> int:
    if event.event_ns < run.book_ns:
        return iterate(venue, run, orders, live)
    bid, ask = event.bid, event.ask
    run.book_bid, run.book_ask = bid, ask
    run.bid_lots, run.ask_lots = event.bid_lots, event.ask_lots
    run.book_ns = event.event_ns
    for place in range(run.live):
        order = orders[live[place]]
        if order.at_venue == 0:
            continue
        best, lots, last = (bid, run.bid_lots, run.quote_bid) if order.side > 0 else (ask, run.ask_lots, run.quote_ask)
        if last != NONE and (last - best) * order.side > 0:  # the best price has moved away
            if (order.resting - best) * order.side > 0:
                order.ahead = 0
            elif order.resting == best:
                order.ahead = lots if order.ahead == UNSEEN else min(order.ahead, lots)
        if order.resting == best:
            order.ahead = lots if order.ahead == UNSEEN else min(order.ahead, lots)
    run.quote_bid, run.quote_ask = bid, ask
    return iterate(venue, run, orders, live)


@borrowing  # type: ignore[untyped-decorator]
def on_trade(event: Any, venue: Any, run: Any, orders: Any, live: Any) -> int:
    """Take a trade; return how many executions of ours came of it."""
    price, lots, aggressor = event.price, event.lots, event.aggressor
    if run.book == 1:
        if event.event_ns < run.book_ns:
            return iterate(venue, run, orders, live)
        run.book_bid = run.book_ask = price
        run.bid_lots = run.ask_lots = lots
        if 0 <= price - run.low < run.width:  # a trade of the same size as the one before is another trade
            venue.levels[0, price - run.low].known = venue.levels[1, price - run.low].known = 0
        run.book_ns = event.event_ns
    run.core_last = price
    if aggressor == 1:
        if run.core_ask == NONE or price > run.core_ask:
            run.core_ask = price
        if run.core_bid == NONE:
            run.core_bid = price
    elif aggressor == -1:
        if run.core_bid == NONE or price < run.core_bid:
            run.core_bid = price
        if run.core_ask == NONE:
            run.core_ask = price
    bid, ask = run.core_bid, run.core_ask
    if aggressor == 0:
        run.core_bid = run.core_ask = price
    elif aggressor == -1 and price < ask:
        run.core_ask = price
    elif aggressor == 1 and price > bid:
        run.core_bid = price
    run.trade_lots, run.trade_used = lots, 0
    if run.book != 1 and run.book_ns <= event.event_ns:
        _seed_taken(venue, run, price, lots, aggressor)
    if run.live > 0:
        _queue_on_trade(venue, run, orders, live, price, lots, aggressor)
    hits = iterate(venue, run, orders, live)
    run.trade_lots, run.trade_used = -1, 0
    if run.book == 1:
        if aggressor == -1 and run.quote_ask != NONE:
            run.core_ask = run.quote_ask
        elif aggressor == 1 and run.quote_bid != NONE:
            run.core_bid = run.quote_bid
    elif aggressor == -1 and price < ask:
        run.core_ask = ask
    elif aggressor == 1 and price > bid:
        run.core_bid = bid
    return hits


@borrowing  # type: ignore[untyped-decorator]
def _seed_taken(venue: Any, run: Any, price: int, lots: int, aggressor: int) -> None:
    """Count a trade's volume as gone from the levels it went through, until their sizes change."""
    if aggressor == 0:
        return
    across = 1 if aggressor == 1 else 0
    best = run.book_ask if aggressor == 1 else run.book_bid
    if best == NONE:
        return
    at = best
    while (price - at) * aggressor >= 0 and lots > 0:
        place = at - run.low
        size = shown(venue, run, across, at)
        if size > 0:
            if venue.levels[across, place].known != size:
                venue.levels[across, place].known, venue.levels[across, place].taken = size, 0
            used = min(lots, max(size - venue.levels[across, place].taken, 0))
            venue.levels[across, place].taken += used
            lots -= used
        at += aggressor


@borrowing  # type: ignore[untyped-decorator]
def _queue_on_trade(venue: Any, run: Any, orders: Any, live: Any, price: int, lots: int, aggressor: int) -> None:
    """Let a trade take what is before our orders at its price, then let them share what is left."""
    matched = venue.matched
    count = 0
    for place in range(run.live):
        slot = live[place]
        order = orders[slot]
        if order.at_venue == 0:
            continue
        order.excess = -1
        if order.ahead == UNSEEN and (order.resting - price) * order.side > 0:
            order.ahead = 0
        if order.resting != price or order.ahead <= 0 or order.side == aggressor:
            continue
        at = count
        while at > 0 and _behind(orders[matched[at - 1]], order):
            matched[at] = matched[at - 1]
            at -= 1
        matched[at] = slot
        count += 1
    left, reached = lots, 0
    for place in range(count):
        slot = matched[place]
        order = orders[slot]
        ahead = order.ahead
        if left == 0:
            _advance(venue, run, order, slot, min(lots, ahead))
            if order.ahead == 0:
                order.excess = 0
            continue
        gap = max(ahead - reached, 0)
        used = min(left, gap)
        left -= used
        if left == 0 and used < gap:
            _advance(venue, run, order, slot, min(lots, ahead))
            continue
        _clear_ahead(order)
        order.excess = min(left, order.resting_total - order.done)
        left -= order.excess
        reached = ahead + order.excess


@borrowing  # type: ignore[untyped-decorator]
def _behind(one: Any, other: Any) -> bool:
    """Return whether the first of two orders is further back in the queue."""
    if one.ahead != other.ahead:
        return one.ahead > other.ahead
    return one.sequence > other.sequence


@borrowing  # type: ignore[untyped-decorator]
def iterate(venue: Any, run: Any, orders: Any, live: Any) -> int:
    """Fill what the market stands at or through; return how many executions are in `Venue.hits`."""
    if run.trade_lots < 0:
        if run.book_bid != NONE:
            run.core_bid = run.book_bid
        if run.book_ask != NONE:
            run.core_ask = run.book_ask
    hits = 0
    for side in (1, -1):
        count = 0
        for index in range(run.live):
            slot = live[index]
            order = orders[slot]
            if order.at_venue == 1 and order.side == side and is_matched(run, side, order.resting):
                at = count
                while at > 0 and _after(orders[venue.matched[at - 1]], order):
                    venue.matched[at] = venue.matched[at - 1]
                    at -= 1
                venue.matched[at] = slot
                count += 1
        for index in range(count):
            slot = venue.matched[index]
            hits = _fill(venue, run, orders[slot], slot, hits)
    run.core_bid, run.core_ask = run.book_bid, run.book_ask
    return hits


@borrowing  # type: ignore[untyped-decorator]
def _after(one: Any, other: Any) -> bool:
    """Return whether the first of two orders of a side is matched after the second."""
    if one.resting != other.resting:
        return (other.resting - one.resting) * one.side > 0
    return one.sequence > other.sequence


@borrowing  # type: ignore[untyped-decorator]
def _fill(venue: Any, run: Any, order: Any, slot: int, hits: int) -> int:
    """Fill an order as far as its queue and what traded or is shown allow."""
    leaves = order.resting_total - order.done
    if order.ahead != 0 or leaves <= 0:
        return hits
    allowed = leaves
    trading = run.trade_lots >= 0
    if trading:
        allowed = min(allowed, run.trade_lots - run.trade_used)
        if order.excess >= 0:
            allowed = min(allowed, order.excess)
    if allowed <= 0:
        return hits
    across = 1 if order.side > 0 else 0
    best = run.book_ask if order.side > 0 else run.book_bid
    crossed = best != NONE and (order.resting - best) * order.side >= 0
    at_trade_price = (
        trading
        and crossed
        and (order.resting - run.core_last) * order.side >= 0
        and shown(venue, run, across, run.core_last) > 0
    )
    if trading and not at_trade_price:
        lots = min(allowed, run.trade_lots - run.trade_used)
        return _hit(venue, run, order, slot, lots, hits)
    if not crossed:
        return hits
    at = best
    while (order.resting - at) * order.side >= 0 and allowed > 0:
        size = shown(venue, run, across, at)
        if size > 0:
            place = at - run.low
            if venue.levels[across, place].known != size:
                venue.levels[across, place].known, venue.levels[across, place].taken = size, 0
            lots = min(size, size - venue.levels[across, place].taken, leaves)
            if lots > 0:
                # The level gives what the order asks for, of which the queue may let through less.
                venue.levels[across, place].taken += lots
                leaves -= lots
                lots = min(lots, allowed)
                allowed -= lots
                hits = _hit(venue, run, order, slot, lots, hits)
        at += order.side
    return hits


@borrowing  # type: ignore[untyped-decorator]
def _hit(venue: Any, run: Any, order: Any, slot: int, lots: int, hits: int) -> int:
    order.done += lots
    if order.excess >= 0:
        order.excess -= lots
    run.trade_used += lots
    venue.hits[hits].key, venue.hits[hits].lots = slot, lots
    return hits + 1
