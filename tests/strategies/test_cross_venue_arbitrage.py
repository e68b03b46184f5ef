"""Arbitrage on the real engine: what is taken, what is left and why, and what it earned to the last digit."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from arbitrage_kit import BALANCES, A, B, C, D, arbitrage, calm, check, moved, venues_of
from engine_kit import MS, T0, BookFeed, Latency, engine_with, quote, spot
from nautilus_trader.model import (
    CryptoPerpetual,
    Currency,
    CurrencyPair,
    InstrumentId,
    InstrumentStatus,
    MarketStatusAction,
    Price,
    Quantity,
    QuoteTick,
    Symbol,
)

from mm_nautilus.errors import CatalogError, ConfigError
from mm_nautilus.messages import TOPIC_RISK, RiskState
from mm_nautilus.strategies import CrossVenueArbitrageConfig

BOTH = (A, B)
S = 1000 * MS


def crossing(at_ns: int, lots: int = 500, bid: int = 4006) -> list[Any]:
    """Return quotes of 400.0/400.2 on one venue and 400.6/400.8 on the other."""
    return [
        quote(4000, 4002, at_ns, lots=lots, instrument_id=A),
        quote(bid, bid + 2, at_ns, lots=lots, instrument_id=B),
    ]


def run(strategy: Any, data: list[Any], fee: str = "0", ids: Any = BOTH, **more: Any) -> dict[str, Decimal]:
    """Run on cash accounts, check what must always hold, and return by what the cash of all venues moved."""
    fields: dict[str, Any] = {"account": "CASH", "balances": BALANCES, "taker_fee": fee} | venues_of(ids) | more
    data = sorted(data, key=lambda one: one.ts_init)
    with engine_with(strategy, data, **fields) as engine:
        engine.run()
        check(strategy, engine)
        if fields["account"] == "CASH":
            return moved(engine, ids)
        return {}


# ------------------------------------------------------- the seed's test case


def share(venue: str, largest: int | None = None) -> CurrencyPair:
    """Return the seed's share, SPY at cents, as a pair of exact money."""
    name = f"SPYUSD.{venue}"
    return CurrencyPair(
        instrument_id=InstrumentId.from_str(name),
        raw_symbol=Symbol("SPYUSD"),
        base_currency=Currency.from_str("BTC"),
        quote_currency=Currency.from_str("USDT"),
        price_precision=2,
        size_precision=0,
        price_increment=Price.from_str("0.01"),
        size_increment=Quantity.from_str("1"),
        max_quantity=None if largest is None else Quantity.from_int(largest),
        ts_event=0,
        ts_init=0,
    )


def seed_case(fee: str, largest: int | None = None) -> tuple[Any, dict[str, Decimal]]:
    one, two = share("ONE", largest), share("TWO")

    def tick(instrument: Any, bid: str, ask: str, size: int, at_ns: int) -> QuoteTick:
        sizes = Quantity.from_int(size), Quantity.from_int(size)
        return QuoteTick(instrument.id, Price.from_str(bid), Price.from_str(ask), *sizes, at_ns, at_ns)

    data = []
    for k in range(3):
        data.append(tick(one, "400.00", "400.05", 1000, T0 + k * 100 * MS))
        data.append(tick(two, "400.06", "400.11", 500, T0 + k * 100 * MS))
    strategy = arbitrage((one.id, two.id), fee=float(fee), max_position="1000", min_profit="0.01")
    balances = ("1000000 USDT", "1000 BTC")
    with engine_with(
        strategy, data, account="CASH", balances=balances, taker_fee=fee, instrument=one, others=[two]
    ) as engine:
        engine.run()
        check(strategy, engine)
        after = moved(engine, (one.id, two.id))
    return strategy, {"USDT": after["USDT"] + 200_000 - 2_000_000, "BTC": after["BTC"] + 20 - 2000}


def test_a_cent_gross_is_refused_after_fees_with_the_arithmetic_in_the_log() -> None:
    strategy, gained = seed_case("0.0005")
    (missed,) = strategy.of("MISSED")
    assert (missed.verdict, missed.size, missed.net_profit) == ("FEES", 500, D("-195.0275"))
    assert missed.reason == (
        "buy 500 on SPYUSD.ONE for 200025.00, sell on SPYUSD.TWO for 200030.00: gross 5.00 - fees 200.027500 = net "
        "-195.027500; fees are more than the prices cross by"
    )
    assert strategy.of("TAKEN") == []
    assert strategy.order_facts == []
    assert gained == {"USDT": 0, "BTC": 0}


def test_without_fees_the_same_is_taken_and_earns_five() -> None:
    strategy, gained = seed_case("0")
    (taken,), (done,) = strategy.of("TAKEN"), strategy.of("DONE")
    assert (taken.buy_instrument_id, taken.sell_instrument_id) == ("SPYUSD.ONE", "SPYUSD.TWO")
    assert taken.gross_edge_bps == pytest.approx(0.25, abs=1e-3)
    assert taken.net_profit == done.net_profit == 5 == gained["USDT"]
    assert (done.verdict, done.size, done.residual) == ("FILLED", 500, 0)
    assert gained["BTC"] == 0


def test_no_more_is_taken_than_the_venue_accepts_in_an_order() -> None:
    strategy, gained = seed_case("0", largest=120)
    sizes = [one.size for one in strategy.of("DONE")]
    assert sizes[0] == 120
    assert gained["USDT"] == sum(sizes) / 100
    assert all(fact.event != "DENIED" for fact in strategy.order_facts)


# ------------------------------------------------------------ exact, both ways


@pytest.mark.parametrize("latency_ms", [0, 40])
@pytest.mark.parametrize("fee", ["0", "0.0002", "-0.0001"])
@pytest.mark.parametrize("flipped", [False, True])
def test_profit_is_the_difference_in_cash_to_the_last_decimal(latency_ms: int, fee: str, flipped: bool) -> None:
    """Both directions, with fees, rebates and latency: plan, outcome and accounts agree."""
    ids = (B, A) if flipped else (A, B)
    data = calm(2)
    for k in range(4):
        at_ns = T0 + (2 + 2 * k) * S
        data += [one for j in range(3) for one in crossing(at_ns + j * 100 * MS, lots=137 + k)]
        data += calm(1, from_s=3 + 2 * k)
    strategy = arbitrage(ids, fee=float(fee), submit_ns=latency_ms * MS, max_position="5")
    latency = Latency(latency_ms, 0, 0) if latency_ms else None
    gained = run(strategy, data, fee, ids, latency=latency)
    taken, done = strategy.of("TAKEN"), strategy.of("DONE")
    assert len(taken) == len(done) == 4
    assert {one.verdict for one in done} == {"FILLED"}
    assert {(one.buy_instrument_id, one.sell_instrument_id) for one in taken} == {(str(A), str(B))}
    assert sum(one.net_profit for one in done) == gained["USDT"] != 0
    assert [one.net_profit for one in taken] == [one.net_profit for one in done], "planned as it came"
    assert gained["BTC"] == 0
    fills = {fill.client_order_id: fill for fill in strategy.fills}
    assert {fill.purpose for fill in fills.values()} == {"ARBITRAGE"}
    for one in done:
        buy, sell = fills[one.buy_order_id], fills[one.sell_order_id]
        assert (buy.decision_id, sell.decision_id) == (one.opportunity_id, one.opportunity_id)
        paid = sell.price * sell.size - buy.price * buy.size - buy.commission - sell.commission
        assert paid == one.net_profit
        assert one.elapsed_s == pytest.approx(latency_ms / 1e3)


def test_depth_is_walked_as_far_as_it_pays() -> None:
    feeds = {one: BookFeed(False, one) for one in BOTH}
    data: list[Any] = []
    for k in range(30):
        now = T0 + k * 100 * MS
        data.append(feeds[A].to({3999 - k % 2: 90}, {4001: 10, 4002: 20, 4005: 500}, now))
        bids = {4007: 5, 4004: 15, 4003: 30, 4000: 500} if k == 10 else {3998 - k % 2: 80}
        data.append(feeds[B].to(bids, {4010: 50}, now))
    strategy = arbitrage(book="L2", min_edge_bps="1", max_position="5")
    gained = run(strategy, [one for one in data if one is not None], book="L2")
    (done,) = strategy.of("DONE")
    assert done.size == D("0.030"), "400.3 against 400.2 leaves 2.5 bps; what is beyond crosses no more"
    assert done.buy_notional == D("4.001") + D("8.004")
    assert done.sell_notional == 5 * D("0.4007") + 15 * D("0.4004") + 10 * D("0.4003")
    assert done.net_profit == gained["USDT"] == D("12.0125") - D("12.005")


def test_balances_on_both_sides_bound_it() -> None:
    strategy = arbitrage(max_position="5")
    gained = run(strategy, calm(1) + crossing(T0 + S), balances=("100000 USDT", "0.123 BTC"))
    assert strategy.of("DONE")[0].size == D("0.123")
    assert gained["USDT"] == D("0.123") * D("0.4") + 0
    poor = arbitrage(max_position="5")
    data, cash = calm(1) + crossing(T0 + S), {"account": "CASH", "taker_fee": "0"}
    with engine_with(poor, data, balances=("50 USDT", "1 BTC"), **cash, **venues_of(BOTH)) as engine:
        engine.run()
        check(poor, engine)
    assert poor.of("DONE")[0].size == D("0.124"), "50 pay for 0.1249 at 400.2"
    nothing = arbitrage(max_position="5")
    with engine_with(nothing, data, balances=("100000 USDT",), **cash, **venues_of(BOTH)) as engine:
        engine.run()
        check(nothing, engine)
    (missed,) = nothing.of("MISSED")
    assert missed.verdict == "NO_BALANCE"
    assert "base at the seller 0" in missed.reason


def test_position_limits_bound_it_on_margin() -> None:
    data = calm(1)
    for k in range(4):  # the engine knows a level that was taken by its price and size
        data += crossing(T0 + (1 + 2 * k) * S, 500 + k) + calm(1, from_s=2 + 2 * k)
    strategy = arbitrage(max_position="0.7")
    run(strategy, data, account="MARGIN")
    assert [one.size for one in strategy.of("DONE")] == [D("0.5"), D("0.2")]
    assert [one.verdict for one in strategy.of("MISSED")][-1] == "NO_BALANCE"
    assert {mark.position for mark in strategy.marks if mark.instrument_id == str(A)} == {D("0.5"), D("0.7")}


def test_three_venues_the_best_pair_first() -> None:
    ids = (A, B, C)
    data = calm(1, ids)
    data += [
        quote(4004, 4006, T0 + S, lots=100, instrument_id=C),
        quote(4007, 4009, T0 + S, lots=100, instrument_id=B),
        *calm(1, ids, from_s=2),
    ]
    strategy = arbitrage(ids)
    gained = run(strategy, data, ids=ids)
    first = strategy.of("TAKEN")[0]
    assert (first.buy_instrument_id, first.sell_instrument_id) == (str(A), str(C))
    assert gained["USDT"] == sum(one.net_profit for one in strategy.of("DONE"))
    assert gained["USDT"] > 0


# ------------------------------------------------------------------- leg risk


def test_a_leg_that_finds_nothing_leaves_a_residual_that_is_hedged_at_once() -> None:
    """The bid is gone when the sale arrives: what was bought is sold again, and the log says what all of it cost."""
    data = calm(2) + crossing(T0 + 2 * S)
    data += [quote(3999, 4001, T0 + 2 * S + 10 * MS, instrument_id=B)]
    data += calm(3, from_s=3)
    strategy = arbitrage(submit_ns=40 * MS)
    gained = run(strategy, data, latency=Latency(40, 0, 0))
    (done,) = strategy.of("DONE")
    assert (done.verdict, done.residual, done.size, done.leg_gap_s) == ("LEGGED", D("0.5"), 0, None)
    assert (done.imbalance, done.imbalance_notional) == (D("0.5"), D("200.1"))
    assert "the residual 0.500 is left to the hedger" in done.reason
    hedged = [fill for fill in strategy.fills if fill.purpose == "HEDGE"]
    assert sum(fill.size for fill in hedged) == D("0.5")
    assert {fact.event for fact in strategy.hedges} >= {"NEEDED", "SENT", "FILLED", "DONE"}
    assert {fact.cause for fact in strategy.hedges} == {"FILL"}
    assert gained["BTC"] == 0, "nothing is left open"
    brought = sum(fill.size * fill.price - fill.commission for fill in hedged)
    assert gained["USDT"] == done.net_profit + brought
    needed = next(fact for fact in strategy.hedges if fact.event == "NEEDED")
    assert needed.ts_ns == done.ts_ns, "at once"


def test_legs_of_different_latency_are_apart_for_as_long_and_no_hedge_meddles() -> None:
    taking = {"ONE": {"submit_ns": 20 * MS}, "TWO": {"submit_ns": 20 * MS}}
    strategy = arbitrage(taking=taking)
    run(strategy, calm(2) + crossing(T0 + 2 * S) + calm(2, from_s=3), latency=Latency(20, 0, 0))
    (done,) = strategy.of("DONE")
    assert (done.verdict, done.leg_gap_s) == ("FILLED", 0.0)
    assert done.imbalance == D("0.5"), "one leg is heard of before the other"
    assert strategy.hedges == []


def test_nothing_is_taken_while_a_residual_is_being_hedged() -> None:
    data = calm(2) + crossing(T0 + 2 * S, lots=50)
    data += [quote(3999, 4001, T0 + 2 * S + 10 * MS, instrument_id=B)]
    # Both venues are locked for a while, so that the residual cannot be hedged; then the prices cross again.
    data += [quote(4002, 4002, T0 + 2 * S + 20 * MS, instrument_id=one) for one in BOTH]
    for k in range(1, 8):
        data.append(quote(4002, 4002, T0 + 2 * S + 100 * k * MS, instrument_id=A))
        data.append(quote(4006, 4008, T0 + 2 * S + 100 * k * MS, lots=50, instrument_id=B))
    strategy = arbitrage(submit_ns=40 * MS, cooldown_s=0.0)
    run(strategy, data + calm(3, from_s=3), latency=Latency(40, 0, 0))
    barred = [one for one in strategy.of("MISSED") if one.verdict == "NOT_PERMITTED"]
    assert barred
    assert all("answered" in one.reason or "residual" in one.reason for one in barred)


# -------------------------------------------------------------- what is left


def test_a_stale_quote_that_crosses_is_no_money() -> None:
    """One venue falls silent and the other moves on: refused, once, and said why."""
    data = calm(2)
    for k in range(20, 60):
        at_ns = T0 + k * 100 * MS
        if k >= 35:
            data.append(quote(4010, 4012, at_ns, instrument_id=B))
        else:
            data.append(quote(3999, 4001, at_ns, instrument_id=B))
    strategy = arbitrage(max_quote_age_s=1.0)
    gained = run(strategy, data)
    (missed,) = strategy.of("MISSED")
    assert missed.verdict == "OLD_QUOTE"
    assert "the quote of BTCUSDT.ONE is 1.600 s old, 1 s allowed" in missed.reason
    assert strategy.of("TAKEN") == []
    assert gained == {"USDT": 0, "BTC": 0}
    (ended,) = strategy.of("ENDED")
    assert (ended.verdict, ended.elapsed_s) == ("OLD_QUOTE", pytest.approx(2.4))


def test_a_venue_that_crosses_itself_or_does_not_trade_is_left() -> None:
    own = [*calm(1), quote(4008, 4006, T0 + S, instrument_id=B), *calm(1, from_s=2)]
    strategy = arbitrage()
    run(strategy, own)
    assert strategy.of("MISSED")[0].verdict == "NOT_LIVE"
    assert "CROSSED_BOOK" in strategy.of("MISSED")[0].reason
    halted = arbitrage()
    halt = InstrumentStatus(B, MarketStatusAction.HALT, T0 + S - 1, T0 + S - 1)
    run(halted, [*calm(1), halt, *crossing(T0 + S), *calm(1, from_s=2)])
    assert [one.reason for one in halted.of("MISSED")] == [f"{B} is HALTED"]


def test_a_clock_that_is_off_takes_its_venue_out() -> None:
    data: list[Any] = []
    for k in range(30):
        now = T0 + k * 100 * MS
        data.append(quote(3999, 4001, now, instrument_id=A))
        late = quote(3999, 4001, now, instrument_id=B)
        if k > 20:
            late = quote(4006, 4008, now, instrument_id=B)
        data.append(QuoteTick(B, late.bid_price, late.ask_price, late.bid_size, late.ask_size, now - 3 * S, now))
    strategy = arbitrage(max_clock_offset_s=1.0)
    run(strategy, data)
    assert strategy.of("TAKEN") == []
    assert {one.reason for one in strategy.of("MISSED")} == {f"{B} is CLOCK_OFFSET"}


def test_edge_profit_and_latency_allowance_are_asked_for() -> None:
    data = calm(1) + crossing(T0 + S) + calm(1, from_s=2)
    for changes, verdict in (
        ({"min_edge_bps": "13"}, "MIN_EDGE"),
        ({"min_profit": "0.21"}, "MIN_PROFIT"),
        ({"volatility": {"fixed_price_per_sqrt_s": 3.0}, "submit_ns": 40 * MS}, "MIN_EDGE"),
        ({"volatility": {"warm_up_samples": 30}}, "NOT_PERMITTED"),
    ):
        strategy = arbitrage(**changes)
        run(strategy, data)
        assert strategy.of("TAKEN") == []
        assert verdict in {one.verdict for one in strategy.of("MISSED")}, changes


def test_what_was_taken_is_not_there_again_until_the_venue_shows_something_else() -> None:
    """The same two quotes, ten times a second for ten seconds, with a cooldown shorter than that."""
    data = calm(2)
    for k in range(100):
        data += crossing(T0 + 2 * S + k * 100 * MS, lots=50)
    strategy = arbitrage(cooldown_s=0.3, expiry_s=100.0, max_position="5")
    gained = run(strategy, data + calm(1, from_s=12))
    assert [one.size for one in strategy.of("DONE")] == [D("0.05")]
    assert gained["USDT"] == D("0.02")
    renewed = calm(2)
    for k in range(100):
        renewed += crossing(T0 + 2 * S + k * 100 * MS, lots=50 + k // 20)
    strategy = arbitrage(cooldown_s=0.3, expiry_s=100.0, max_position="5")
    gained = run(strategy, renewed + calm(1, from_s=12))
    assert len(strategy.of("DONE")) == 5
    assert gained["USDT"] == sum(one.net_profit for one in strategy.of("DONE"))


def test_cooldown_and_expiry() -> None:
    data = calm(2)
    for k in range(100):
        data += crossing(T0 + 2 * S + k * 100 * MS, lots=50 + k)
    strategy = arbitrage(cooldown_s=1.5, expiry_s=6.0, max_position="50")
    run(strategy, data + calm(1, from_s=12))
    taken = [one.ts_ns for one in strategy.of("TAKEN")]
    assert len(taken) == 5
    assert all(b - a >= 1.5e9 for a, b in pairwise(taken))
    assert {one.verdict for one in strategy.of("MISSED")} == {"COOLDOWN", "EXPIRED"}
    assert len({(one.episode_id, one.verdict) for one in strategy.of("MISSED")}) == len(strategy.of("MISSED"))
    assert [one.reason for one in strategy.of("ENDED")] == ["taken 1 times", "taken 4 times"], "the first took it all"


# ----------------------------------------------------------- risk and the end


@pytest.mark.parametrize("stage", ["NORMAL", "WIDEN", "REDUCE_ONLY", "FLATTEN", "HALT"])
def test_obeys_the_risk_monitor(stage: str) -> None:
    from nautilus_trader.common import DataActor

    class Commanding(DataActor):
        def on_start(self) -> None:
            self.clock.set_time_alert_ns("30_risk", T0 + S, callback=self.say)

        def say(self, event: Any) -> None:
            self.publish_message(TOPIC_RISK, RiskState(event.ts_event, stage, "", 1.0, ("operator",), "drill"))

    strategy = arbitrage()
    run(strategy, calm(2) + crossing(T0 + 2 * S) + calm(1, from_s=3), actors=[Commanding()])
    assert bool(strategy.of("TAKEN")) is (stage in {"NORMAL", "WIDEN"})
    if not strategy.of("TAKEN"):
        (missed,) = strategy.of("MISSED")
        assert (missed.verdict, missed.reason.split("; ")[-1]) == ("NOT_PERMITTED", f"risk stage {stage}")


@pytest.mark.parametrize("before_ms", [0, 30, 60, 79, 200])
def test_no_leg_is_left_behind_at_the_end_of_the_data(before_ms: int) -> None:
    data = calm(3)
    end_ns = max(one.ts_init for one in data)
    data += crossing(end_ns - before_ms * MS, lots=70)
    strategy = arbitrage(submit_ns=40 * MS, arrival={"end_ns": end_ns})
    run(strategy, data, latency=Latency(40, 0, 0))
    assert bool(strategy.of("TAKEN")) is (before_ms > 80)
    assert all(one.verdict != "NOTHING" for one in strategy.of("DONE"))
    if before_ms <= 80:
        assert any("the data end" in one.reason for one in strategy.of("MISSED"))


# ------------------------------------------------------------------ bad input


def perpetual(venue: str, inverse: bool = False) -> CryptoPerpetual:
    money = Currency.from_str("BTC" if inverse else "USDT")
    return CryptoPerpetual(
        instrument_id=InstrumentId.from_str(f"BTCUSDT.{venue}"),
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=Currency.from_str("BTC"),
        quote_currency=Currency.from_str("USDT"),
        settlement_currency=money,
        is_inverse=inverse,
        price_precision=1,
        size_precision=3,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.001"),
        ts_event=0,
        ts_init=0,
    )


@pytest.mark.parametrize(
    ("second", "changes", "error", "words"),
    [
        (spot(None, InstrumentId.from_str("ETHUSDT.TWO"), "ETH"), {}, ConfigError, "is on ETH, not on BTC"),
        (spot(None, B, money="USDC"), {}, ConfigError, "is priced in USDC, not in USDT"),
        (perpetual("TWO"), {}, ConfigError, "differ by a basis"),
        (perpetual("TWO", inverse=True), {}, ConfigError, "inverse contract"),
        (spot(None, B), {"taking": {"ONE": {}}}, ConfigError, "taker fee is not known"),
        (spot(None, B), {"taking": {"ONE": {}, "TWO": {"fee_per_contract": 1}}}, ConfigError, "fee per contract"),
        (spot(None, C), {}, CatalogError, "no such instrument"),
        (spot(None, B), {"max_position": "0.0001"}, ConfigError, "below a lot"),
    ],
)
def test_venues_that_cannot_be_held_against_each_other_are_refused_by_name(
    second: Any, changes: dict[str, Any], error: type, words: str
) -> None:
    other = InstrumentId.from_str("ETHUSDT.TWO") if "ETH" in str(second.id) else B
    strategy = arbitrage((A, other), **changes)
    with (
        engine_with(
            strategy, [quote(3999, 4001, T0, instrument_id=A)], instrument=spot(None, A), others=[second]
        ) as engine,
        pytest.raises(RuntimeError),
    ):
        engine.run()
    assert isinstance(strategy.fatal, error)
    assert words in str(strategy.fatal)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"venues": [{"instrument_id": str(A), "max_position": 1}]}, "at least 2"),
        ({"venues": [{"instrument_id": str(A), "max_position": 1}] * 2}, "each instrument may stand once"),
        ({"hedge": {"trigger": "none"}}, "hedge.trigger"),
        ({"min_edge": 1}, "Extra inputs"),
        ({"min_edge_bps": -1}, "greater than or equal to 0"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any], words: str) -> None:
    fields = {"venues": [{"instrument_id": str(one), "max_position": 1} for one in BOTH]}
    with pytest.raises(ValueError, match=words):
        CrossVenueArbitrageConfig(**fields | changes)


def test_the_instruments_and_limits_are_told() -> None:
    hedge = {"trigger": "fills", "instruments": [str(C)]}
    settings = arbitrage(hedge=hedge)._settings
    assert settings.instruments() == (str(A), str(B), str(C))
    assert settings.position_limits() == {str(A): 1, str(B): 1, str(C): None}


# ------------------------------------------------------------------- restarts


def test_goes_on_after_a_stop_with_its_books() -> None:
    strategy = arbitrage()
    data = calm(1) + crossing(T0 + S) + calm(2, from_s=2)
    with engine_with(strategy, data, account="CASH", balances=BALANCES, taker_fee="0", **venues_of(BOTH)) as engine:
        engine.run()
        saved = strategy.on_save()
    again = arbitrage()
    again.on_load(saved)
    data = calm(1) + crossing(T0 + S, lots=300)
    with engine_with(again, data, account="CASH", balances=BALANCES, taker_fee="0", **venues_of(BOTH)) as engine:
        engine.run()
        assert again.fatal is None
    assert [one.opportunity_id for one in again.of("TAKEN")] == [2]
