"""Whatever the markets do: one leg open at most, cooldown kept, nothing shown taken twice, every cent accounted for."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from arbitrage_kit import BALANCES, A, B, C, D, WatchedArbitrage, arbitrage, check, moved, venues_of
from engine_kit import MS, T0, Latency, engine_with, quote
from hypothesis import given, settings
from hypothesis import strategies as st

IDS = (A, B, C)
STEP_NS = 50 * MS


def market(draw: Random, ticks: int) -> list[Any]:
    """Return three venues that walk about one price, each for itself: they cross often, by little, and repeat."""
    level, shift, data = 4000, [0, 0, 0], []
    sizes = [40, 40, 40]
    for k in range(ticks):
        level += draw.choice((-1, 0, 0, 1))
        for place, one in enumerate(IDS):
            if draw.random() < 0.6:
                continue  # silent
            shift[place] = max(min(shift[place] + draw.choice((-2, -1, 0, 1, 2)), 6), -6)
            sizes[place] = draw.choice((sizes[place], 5, 40, 90))
            middle = level + shift[place]
            at_ns = T0 + k * STEP_NS + place * MS
            data.append(quote(middle - 1, middle + 1, at_ns, lots=sizes[place], instrument_id=one))
    return data


def shown_runs(data: list[Any]) -> dict[tuple[str, str], list[tuple[int, Decimal, Decimal]]]:
    """Return by venue and side of our order when a best price of a size was first shown, without a break."""
    runs: dict[tuple[str, str], list[tuple[int, Decimal, Decimal]]] = defaultdict(list)
    for tick in data:
        for side, price, size in (
            ("BUY", tick.ask_price.as_decimal(), tick.ask_size.as_decimal()),
            ("SELL", tick.bid_price.as_decimal(), tick.bid_size.as_decimal()),
        ):
            known = runs[str(tick.instrument_id), side]
            if not known or known[-1][1:] != (price, size):
                known.append((tick.ts_init, price, size))
    return runs


def check_nothing_twice(strategy: WatchedArbitrage, data: list[Any]) -> None:
    """Assert that of no level was more taken than it showed, however often the venue repeated it."""
    runs, taken = shown_runs(data), defaultdict(Decimal)
    for fact in strategy.order_facts:
        if fact.event == "SUBMIT" and fact.purpose == "ARBITRAGE":
            known = [run for run in runs[fact.instrument_id, fact.side] if run[0] <= fact.ts_ns]
            begun, _, shown = next(run for run in reversed(known) if run[1] == fact.price)
            taken[fact.instrument_id, fact.side, begun] += fact.size
            assert taken[fact.instrument_id, fact.side, begun] <= shown, f"{fact} takes what was taken"


def check_balance(strategy: WatchedArbitrage, limit: Decimal) -> None:
    """Assert that what is open is never more than one leg, by the fills as they were heard."""
    position = D(0)
    for fill in strategy.fills:
        position += fill.size if fill.side == "BUY" else -fill.size
        assert abs(position) <= limit, f"{position} open at {fill.ts_ns}"
    for one in strategy.of("DONE"):
        assert one.imbalance <= limit


def check_cooldown(strategy: WatchedArbitrage, cooldown_s: float) -> None:
    for side in ("buy", "sell"):
        times = defaultdict(list)
        for one in strategy.of("TAKEN"):
            times[getattr(one, f"{side}_instrument_id")].append(one.ts_ns)
        assert all(b - a >= cooldown_s * 1e9 for ts in times.values() for a, b in pairwise(ts))


def check_money(strategy: WatchedArbitrage, gained: dict[str, Decimal]) -> None:
    hedged = [fill for fill in strategy.fills if fill.purpose != "ARBITRAGE"]
    flows = [(fill.price * fill.size) * (1 if fill.side == "SELL" else -1) - fill.commission for fill in hedged]
    assert gained["USDT"] == sum(one.net_profit for one in strategy.of("DONE")) + sum(flows)
    signed = [fill.size if fill.side == "BUY" else -fill.size for fill in strategy.fills]
    assert gained["BTC"] == sum(signed, D(0))


def play(seed: int) -> WatchedArbitrage:
    draw = Random(seed)
    data = market(draw, 160)
    fee, latency_ms = draw.choice(("0", "0.0001", "-0.0001")), draw.choice((0, 30, 130))
    cooldown_s, limit = draw.choice((0.0, 0.2, 1.0)), draw.choice((D("0.030"), D("0.100")))
    venues = [
        {"instrument_id": str(one), "max_position": "1", "max_order_size": str(size)}
        for one, size in zip(IDS, (limit, limit * 2, limit), strict=True)
    ]
    strategy = arbitrage(
        IDS,
        fee=float(fee),
        submit_ns=latency_ms * MS,
        cooldown_s=cooldown_s,
        expiry_s=60.0,
        venues=venues,
        arrival={"end_ns": data[-1].ts_init},
        hedge={"trigger": "fills", "max_share_of_depth": 1.0, "min_interval_s": 0.0, "max_slippage_bps": 100.0},
    )
    latency = Latency(latency_ms, 0, 0) if latency_ms else None
    with engine_with(
        strategy, data, account="CASH", balances=BALANCES, taker_fee=fee, latency=latency, **venues_of(IDS)
    ) as engine:
        engine.run()
        check(strategy, engine)
        gained = moved(engine, IDS)
    check_money(strategy, gained)
    check_balance(strategy, limit)
    check_cooldown(strategy, cooldown_s)
    check_nothing_twice(strategy, data)
    told = [(one.episode_id, one.verdict) for one in strategy.of("MISSED")]
    assert len(told) == len(set(told)), "a reason is told once an episode"
    return strategy


@settings(max_examples=25)
@given(st.integers(0, 10**9))
def test_any_market(seed: int) -> None:
    play(seed)


def test_the_markets_are_not_dull() -> None:
    """What the properties are about happens in them."""
    taken, results, hedged = 0, set(), 0
    for seed in range(12):
        strategy = play(seed)
        taken += len(strategy.of("TAKEN"))
        results |= {one.verdict for one in strategy.of("DONE")}
        hedged += sum(fact.event == "FILLED" for fact in strategy.hedges)
    assert taken > 30
    assert results >= {"FILLED", "LEGGED"}
    assert hedged > 3


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("mm_nautilus.venues.consumed.Consumed.take", "takes what was taken"),
        ("mm_nautilus.strategies.cross_venue_arbitrage.CrossVenueArbitrage._busy", "open at|without an end"),
    ],
)
def test_a_break_is_seen(monkeypatch: pytest.MonkeyPatch, broken: str, words: str) -> None:
    def many() -> None:
        for seed in range(40):
            play(seed)

    monkeypatch.setattr(broken, lambda *_: "" if broken.endswith("_busy") else None)
    with pytest.raises(AssertionError, match=words):
        many()
