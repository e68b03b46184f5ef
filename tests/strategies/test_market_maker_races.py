"""The desk's promises again, kept by the real engine: any short market, latency, book depth and account.

What the little venue of ``tests/quoting`` may play freely, the engine plays as it really does: commands
that arrive between two market events, fills before the cancel, rejects of orders that would take.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from engine_kit import (
    INSTRUMENT,
    LOT,
    MS,
    T0,
    VENUE,
    BookFeed,
    Latency,
    Watched,
    engine_with,
    maker_fields,
    quote,
    trade,
)
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from nautilus_trader.model import AggressorSide, Currency

from mm_nautilus.strategies import MarketMakerConfig

LIMIT = Decimal("0.030")
BTC, USDT = Currency.from_str("BTC"), Currency.from_str("USDT")

MOVES = st.tuples(
    st.sampled_from((1, 5, 50, 200)),  # milliseconds since the last event
    st.sampled_from(("book", "book", "trade", "locked", "one-sided")),
    st.integers(-4, 4),  # ticks the mid moves, or how far from it the trade prints
    st.sampled_from((1, 1, 2, 3)),  # half the market's spread, in ticks
    st.sampled_from((3, 10, 80)),  # lots shown or traded
)
MARKETS = st.lists(MOVES, min_size=15, max_size=60)
LATENCIES = st.builds(Latency, *(st.sampled_from((0, 3, 40, 300)) for _ in range(3)))


def market(moves: list[tuple[int, str, int, int, int]], book: str) -> list[Any]:
    """Return the data of a market; L1 quotes or whole book events, and trades."""
    feed, mid, ts_ns, data = BookFeed(book == "L3"), 1000, T0, []
    for number, (ms, kind, ticks, half, lots) in enumerate(moves):
        ts_ns += ms * MS
        if kind == "trade":
            aggressor = AggressorSide.BUY if ticks > 0 else AggressorSide.SELL
            data.append(trade(mid + ticks, lots, aggressor, ts_ns, number))
            continue
        mid += ticks if kind == "book" else 0
        if book == "L1":
            away = 0 if kind == "locked" else half
            data.append(quote(mid - away, mid + away, ts_ns, lots))
        else:
            bids = {mid - half - depth: lots + depth for depth in range(3)}
            asks = {mid + half + depth: lots + depth for depth in range(3)}
            shown = feed.to({} if kind == "one-sided" else bids, asks, ts_ns)
            data += [] if shown is None else [shown]
    return data


def play(
    moves: list[tuple[int, str, int, int, int]],
    book: str,
    account: str,
    latency: Latency,
    maker_fee: str,
    balances: tuple[str, str],
    **changes: Any,
) -> Counter[str]:
    """Run one market, assert every promise, and return what happened."""
    data = market(moves, book)
    reserve = max(float(maker_fee), 0.0)
    arrival = latency.fields() | {"end_ns": data[-1].ts_init}
    fields = maker_fields(book=book, arrival=arrival, maker_fee_reserve=reserve, **changes)
    maker = Watched(MarketMakerConfig(**fields))
    venue = {"book": book, "account": account, "latency": latency, "maker_fee": maker_fee, "balances": balances}
    with engine_with(maker, data, **venue) as engine:
        engine.run()
        assert maker.fatal is None, repr(maker.fatal)
        assert engine.get_result().backtest_end >= data[-1].ts_init, "an ERROR stopped the engine before the data's end"
        position = check_fills(maker, engine, account, balances)
        assert maker._desk.position_lots * LOT == position
        for decision in maker.decisions:
            assert Decimal(str(round(decision.worst_long, 9))) <= LIMIT
            assert Decimal(str(round(decision.worst_short, 9))) >= -LIMIT
        assert all(order.is_closed for order in engine.cache.orders()), "an order rests after the end"
    seen = Counter(f"{fact.event}{' post-only' if 'POST_ONLY' in fact.reason else ''}" for fact in maker.order_facts)
    refused = [fact for fact in maker.order_facts if fact.event in {"DENIED", "CANCEL_REJECTED"}]
    assert not refused, f"commands we should not have sent: {refused}"
    return seen + Counter(FILL=len(maker.fills))


def check_fills(maker: Watched, engine: Any, account: str, balances: tuple[str, str]) -> Decimal:
    """Assert that fills, position and account agree to the last digit; return the position."""
    signed = [(1 if fill.side == "BUY" else -1) * fill.size for fill in maker.fills]
    position = sum(signed, Decimal(0))
    paid = sum((size * fill.price for size, fill in zip(signed, maker.fills, strict=True)), Decimal(0))
    fees = sum((fill.commission for fill in maker.fills), Decimal(0))
    assert round(maker.portfolio.net_position(INSTRUMENT), 12) == position  # the engine adds up in floats
    assert all(fill.liquidity == "MAKER" for fill in maker.fills), "a post-only order took liquidity"
    if account == "CASH":
        totals = engine.cache.account_for_venue(VENUE).balances_total()
        start = {balance.split()[1]: Decimal(balance.split()[0]) for balance in balances}
        assert totals[BTC].as_decimal() == start["BTC"] + position
        assert totals[USDT].as_decimal() == start["USDT"] - paid - fees
    return position


@pytest.mark.parametrize("book", ["L1", "L2", "L3"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    moves=MARKETS,
    account=st.sampled_from((("MARGIN", ("1000 USDT", "1 BTC")), ("CASH", ("1000 USDT", "1 BTC")))),
    tight=st.booleans(),
    latency=LATENCIES,
    maker_fee=st.sampled_from(("0", "0.001", "-0.0001")),
    levels=st.integers(1, 4),
    amend=st.booleans(),
    tolerance_ticks=st.integers(0, 2),
)
def test_any_market_keeps_every_promise(
    book: str,
    moves: list[tuple[int, str, int, int, int]],
    account: tuple[str, tuple[str, str]],
    tight: bool,
    latency: Latency,
    maker_fee: str,
    levels: int,
    amend: bool,
    tolerance_ticks: int,
) -> None:
    kind, balances = account
    if kind == "CASH" and tight:
        balances = ("2.5 USDT", "0.013 BTC")
    seen = play(
        moves,
        book,
        kind,
        latency,
        maker_fee,
        balances,
        ladder={"levels": levels},
        requote={"amend": amend, "tolerance_ticks": tolerance_ticks},
    )
    for what in seen:
        event(what)


def test_the_engine_reaches_the_races() -> None:
    seen: Counter[str] = Counter()
    for seed in range(60):
        draw = Random(seed)
        moves = [
            (
                draw.choice((1, 5, 50, 200)),
                draw.choice(("book", "book", "book", "trade", "trade")),
                draw.randint(-4, 4),
                draw.choice((1, 1, 2, 3)),
                draw.choice((3, 10, 80)),
            )
            for _ in range(60)
        ]
        latency = Latency(*(draw.choice((0, 3, 40)) for _ in range(3)))
        requote = {"amend": draw.random() < 0.7, "size_tolerance": draw.choice((0.0, 0.5))}
        book, ladder = draw.choice(("L1", "L2", "L3")), {"levels": draw.randint(1, 4)}
        seen += play(moves, book, "MARGIN", latency, "0", ("1000 USDT", "1 BTC"), ladder=ladder, requote=requote)
    expected = ("FILL", "SUBMIT", "ACCEPTED", "AMEND", "UPDATED", "CANCEL", "CANCELED")
    rare = {what: seen[what] for what in expected if seen[what] < 300}
    assert not rare, f"hardly ever happens: {rare}"
    refused = ("REJECTED post-only", "MODIFY_REJECTED post-only")
    assert all(seen[what] >= 5 for what in refused), seen
