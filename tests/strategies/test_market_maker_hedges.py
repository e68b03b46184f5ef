"""The market maker hedges on the real engine: where it quotes, on another venue, on a correlated instrument."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from engine_kit import (
    INSTRUMENT,
    LOT,
    MS,
    T0,
    TAKER_FEE,
    BookFeed,
    Latency,
    Watched,
    engine_with,
    maker_fields,
    quote,
    spot,
    trade,
)
from nautilus_trader.common import DataActor
from nautilus_trader.model import AggressorSide, Currency, InstrumentId, Venue

from mm_nautilus.errors import CatalogError, ConfigError
from mm_nautilus.messages import TOPIC_RISK, RiskState
from mm_nautilus.strategies import MarketMakerConfig

OTHER = InstrumentId.from_str("BTCUSDT.ALT")
COUSIN = InstrumentId.from_str("ETHUSDT.ALT")
LIMIT = Decimal("0.030")
TAKING = {"SIM": {"fee_rate": float(TAKER_FEE)}, "ALT": {"fee_rate": float(TAKER_FEE)}}


def maker(**changes: Any) -> Watched:
    fields = maker_fields(taking=TAKING, **changes)
    return Watched(MarketMakerConfig(**fields))


ALONE = (INSTRUMENT,)


def sold_into(seconds: int, instruments: tuple[InstrumentId, ...] = ALONE, until: int | None = None) -> list[Any]:
    """Return a quiet market in which somebody sells into our bid every 1.3 seconds, on L1.

    From a trade to the next quote an L1 venue has nothing but the price of the trade: a hedge sent then is refused,
    and one repeated a second later must not meet the next trade again.
    """
    data: list[Any] = []
    for k in range(seconds * 10):
        now = T0 + k * 100 * MS
        data += [quote(998 + k % 2, 1002 + k % 2, now, instrument_id=one) for one in instruments]
        if k % 13 == 5 and (until is None or k < until * 10):
            data.append(trade(990, 20, AggressorSide.SELL, now + 50 * MS, k))
    return data


def exposure(strategy: Watched) -> Decimal:
    """Return the sum of all fills, in base units."""
    return sum(((1 if fill.side == "BUY" else -1) * fill.size for fill in strategy.fills), Decimal(0))


def check(strategy: Watched, engine: Any) -> None:
    """Assert that nothing failed, every order is over, and books, positions and facts agree."""
    assert strategy.fatal is None, repr(strategy.fatal)
    assert all(order.is_closed for order in engine.cache.orders()), "an order rests after the end"
    for line in strategy._hedger.control.ledger.lines:
        signed = [
            (1 if fill.side == "BUY" else -1) * fill.size
            for fill in strategy.fills
            if fill.instrument_id == line.instrument_id
        ]
        assert line.position == sum(signed, Decimal(0)) == line.quoted + line.hedged
        net = strategy.portfolio.net_position(InstrumentId.from_str(line.instrument_id))
        assert round(net, 9) == line.position
    for decision in strategy.decisions:
        assert Decimal(str(round(decision.worst_long, 9))) <= LIMIT
        assert Decimal(str(round(decision.worst_short, 9))) >= -LIMIT
    begun = {fact.decision_id: fact.ts_ns for fact in strategy.hedges if fact.event == "NEEDED"}
    over = {fact.decision_id: fact.ts_ns for fact in reversed(strategy.hedges) if fact.event in {"DONE", "ALARM"}}
    assert begun.keys() <= over.keys(), "a hedge that nobody heard the end of"
    assert all(over[one] - ts_ns <= 30 * 10**9 for one, ts_ns in begun.items())
    hedged = [fill for fill in strategy.fills if fill.purpose != "QUOTE"]
    assert len(hedged) == sum(fact.event == "FILLED" for fact in strategy.hedges)
    assert {fill.decision_id for fill in hedged} <= begun.keys()


def check_account(strategy: Watched, venue: str, balances: dict[str, Decimal]) -> None:
    """Assert that the cash account moved by what the fills say, to the last digit."""
    totals = strategy.portfolio.account(Venue(venue)).balances_total()
    fills = [fill for fill in strategy.fills if fill.instrument_id.endswith(f".{venue}")]
    signed = [(1 if fill.side == "BUY" else -1) * fill.size for fill in fills]
    paid = sum((size * fill.price for size, fill in zip(signed, fills, strict=True)), Decimal(0))
    fees = sum((fill.commission for fill in fills), Decimal(0))
    assert totals[Currency.from_str("BTC")].as_decimal() == balances["BTC"] + sum(signed, Decimal(0))
    assert totals[Currency.from_str("USDT")].as_decimal() == balances["USDT"] - paid - fees


SHARE = {"trigger": "limits", "inventory_share": 0.5, "hedge_to": 0.4, "max_slippage_bps": 50}


@pytest.mark.parametrize("latency", [None, Latency(40, 40, 40), Latency(120, 0, 3)])
@pytest.mark.parametrize("account", ["MARGIN", "CASH"])
def test_hedges_where_it_quotes(account: str, latency: Latency | None) -> None:
    arrival = {} if latency is None else latency.fields()
    terms = TAKING["SIM"] | {"submit_ns": arrival.get("submit_ns", 0)}
    data = sold_into(20)
    strategy = Watched(
        MarketMakerConfig(
            **maker_fields(
                taking={"SIM": terms},
                hedge=SHARE,
                arrival=arrival | {"end_ns": data[-1].ts_init},
                maker_fee_reserve=0.0005,
            )
        )
    )
    balances = ("100 USDT", "1 BTC")
    with engine_with(
        strategy, data, account=account, latency=latency, queue_position=False, balances=balances
    ) as engine:
        engine.run()
        check(strategy, engine)
        if account == "CASH":
            check_account(strategy, "SIM", {"BTC": Decimal(1), "USDT": Decimal(100)})
    events = {fact.event for fact in strategy.hedges}
    assert {"NEEDED", "SENT", "FILLED", "DONE"} <= events
    hedged = [fill for fill in strategy.fills if fill.purpose == "HEDGE"]
    assert hedged
    assert all((fill.side, fill.liquidity) == ("SELL", "TAKER") for fill in hedged)
    assert all("HEDGING:BID" in decision.reasons for decision in strategy.decisions if decision.trigger == "hedging")
    filled = next(fact for fact in strategy.hedges if fact.event == "FILLED")
    assert filled.price is not None
    assert filled.mid is not None
    fee = float(filled.price * filled.size) * float(TAKER_FEE)
    assert filled.cost == pytest.approx((filled.mid - float(filled.price)) * float(filled.size) + fee)


def test_hedges_on_another_venue() -> None:
    strategy = maker(hedge=SHARE | {"instruments": [str(OTHER)]})
    with engine_with(
        strategy, sold_into(20, (INSTRUMENT, OTHER)), queue_position=False, others=[spot(None, OTHER)]
    ) as engine:
        engine.run()
        check(strategy, engine)
    hedged = [fill for fill in strategy.fills if fill.purpose == "HEDGE"]
    assert hedged
    assert {fill.instrument_id for fill in hedged} == {str(OTHER)}
    assert abs(exposure(strategy)) <= LIMIT * Decimal("0.5")
    assert {mark.instrument_id for mark in strategy.marks} == {str(INSTRUMENT), str(OTHER)}
    assert {fact.venue for fact in strategy.accounts} == {"SIM", "ALT"}
    held = [mark.position for mark in strategy.marks if mark.instrument_id == str(OTHER)]
    assert held[-1] == sum(((1 if f.side == "BUY" else -1) * f.size for f in hedged), Decimal(0))


def walk(seconds: int, noise: float, seed: int) -> list[Any]:
    """Return two markets that walk together, one at half the price of the other, up to noise of its own."""
    draw, mid, other, data = Random(seed), 20_000.0, 10_000.0, []
    for k in range(seconds * 10):
        now = T0 + k * 100 * MS
        step = draw.gauss(0, 4)
        mid, other = mid + step, other + 0.5 * step + draw.gauss(0, noise)
        data.append(quote(round(mid) - 2, round(mid) + 2, now))
        data.append(quote(round(other) - 2, round(other) + 2, now, instrument_id=COUSIN))
        if k % 13 == 5 and k > 300:
            data.append(trade(round(mid) - 60, 20, AggressorSide.SELL, now + 50 * MS, k))
    return data


@pytest.mark.parametrize(("noise", "hedges"), [(0.2, True), (30.0, False)])
def test_hedges_on_a_correlated_instrument_only_where_it_is(noise: float, hedges: bool) -> None:
    cousin = {"instrument_id": str(COUSIN), "correlated": {"warm_up_samples": 30, "half_life_s": 30.0}}
    strategy = maker(hedge=SHARE | {"instruments": [cousin]})
    with engine_with(strategy, walk(70, noise, 1), queue_position=False, others=[spot(None, COUSIN, "ETH")]) as engine:
        engine.run()
        check(strategy, engine)
    hedged = [fill for fill in strategy.fills if fill.purpose == "HEDGE"]
    assert bool(hedged) is hedges
    if hedges:
        beta = strategy._hedger.control.markets[1].ratio.beta
        assert beta == pytest.approx(2.0, rel=0.2)
        assert strategy._hedger.control.exposure == pytest.approx(0.0, abs=float(LIMIT) * 0.5)
    else:
        alarms = [fact for fact in strategy.hedges if fact.event == "ALARM"]
        assert "correlation" in alarms[0].reason


class Commanding(DataActor):
    """Publishes risk states at stated seconds."""

    states: dict[int, tuple[str, float]]
    instrument_id: str

    def on_start(self) -> None:
        for second in self.states:
            self.clock.set_time_alert_ns(f"30_risk_{second}", T0 + second * 1000 * MS, callback=self._say)

    def _say(self, event: Any) -> None:
        second = (event.ts_event - T0) // (1000 * MS)
        stage, multiplier = self.states[second]
        state = RiskState(event.ts_event, stage, self.instrument_id, multiplier, ("operator",), "told so")
        self.publish_message(TOPIC_RISK, state)


def commanding(states: dict[int, tuple[str, float]], instrument_id: str = "") -> Commanding:
    actor = Commanding()
    actor.states, actor.instrument_id = states, instrument_id
    return actor


def between(strategy: Watched, start: int, end: int) -> list[Any]:
    """Return the decisions from the one that a risk state of second `start` caused to second `end`."""
    first, last = T0 + start * 1000 * MS, T0 + end * 1000 * MS
    return [d for d in strategy.decisions if first < d.ts_ns < last or (d.ts_ns == first and d.trigger == "risk")]


def test_a_halt_cancels_hedges_the_emergency_share_and_a_resume_quotes_again() -> None:
    states = {6: ("HALT", 1.0), 12: ("NORMAL", 1.0)}
    strategy = maker()
    with engine_with(strategy, sold_into(20, until=5), queue_position=False, actors=[commanding(states)]) as engine:
        engine.run()
        check(strategy, engine)
    halted = between(strategy, 6, 12)
    assert {(d.quote_state, d.reasons) for d in halted} == {("WITHDRAWN", ("HALTED",))}
    assert any(d.submits for d in between(strategy, 12, 20))
    causes = {(fact.cause, fact.event) for fact in strategy.hedges}
    assert {("EMERGENCY", "NEEDED"), ("EMERGENCY", "DONE")} <= causes
    purposes = {fill.purpose for fill in strategy.fills if fill.ts_ns > T0 + 6000 * MS and fill.side == "SELL"}
    assert "LIQUIDATION" in purposes
    at_twelve = [mark for mark in strategy.marks if mark.ts_ns < T0 + 12_000 * MS][-1]
    assert abs(at_twelve.position) == LIMIT / 10
    assert at_twelve.open_buy == at_twelve.open_sell == 0


def test_flatten_takes_everything_away() -> None:
    strategy = maker()
    states = {6: ("FLATTEN", 1.0)}
    with engine_with(
        strategy, sold_into(12), queue_position=False, actors=[commanding(states, str(INSTRUMENT))]
    ) as engine:
        engine.run()
        check(strategy, engine)
    assert strategy.marks[-1].position == 0
    assert {d.reasons for d in between(strategy, 6, 12)} == {("RISK_FLATTEN",)}


def test_a_stage_of_another_instrument_is_not_ours() -> None:
    strategy = maker()
    states = {3: ("FLATTEN", 1.0)}
    with engine_with(strategy, sold_into(6), actors=[commanding(states, "ETHUSDT.SIM")]) as engine:
        engine.run()
    assert {d.quote_state for d in between(strategy, 3, 5)} != {"WITHDRAWN"}
    assert not any(fact.cause == "FLATTEN" for fact in strategy.hedges)


def test_widen_widens_and_reduce_only_only_reduces() -> None:
    strategy = maker()
    states = {4: ("NORMAL", 1.0), 8: ("WIDEN", 3.0), 12: ("REDUCE_ONLY", 1.0)}
    with engine_with(strategy, sold_into(16, until=1), queue_position=False, actors=[commanding(states)]) as engine:
        engine.run()
        check(strategy, engine)
    wide = [d for d in between(strategy, 8, 12) if d.bid_prices and d.ask_prices]
    normal = [d for d in between(strategy, 6, 8) if d.bid_prices and d.ask_prices]
    width = [min(d.ask_prices[0] - d.bid_prices[0] for d in some) for some in (normal, wide)]
    assert width[1] > 1.5 * width[0]
    assert all("RISK_WIDENED" in d.reasons for d in wide)
    position = strategy.marks[-1].position
    assert position > 0
    reducing = between(strategy, 12, 15)
    assert reducing
    assert all(not d.bid_prices and "RISK_REDUCE_ONLY:BID" in d.reasons for d in reducing)
    assert all(sum(d.ask_sizes) <= float(position) + 1e-9 for d in reducing)
    assert any(d.ask_prices for d in reducing)


@pytest.mark.parametrize(
    ("hedge", "kind", "said"),
    [
        ({"instruments": ["BTCUSDT.NOWHERE"]}, CatalogError, "hedge.instruments: BTCUSDT.NOWHERE: no such instrument"),
        ({"instruments": [str(COUSIN)]}, ConfigError, "ETHUSDT.ALT is on ETH, not on BTC"),
        (
            {"instruments": [{"instrument_id": str(INSTRUMENT), "correlated": {}}]},
            ConfigError,
            "BTCUSDT.SIM is quoted itself",
        ),
    ],
)
def test_a_hedge_instrument_that_cannot_be_is_refused(
    hedge: dict[str, Any], kind: type[Exception], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    strategy = maker(hedge=hedge)
    with engine_with(strategy, sold_into(1), others=[spot(None, COUSIN, "ETH")]) as engine:
        with pytest.raises(RuntimeError, match="on_start failed"):
            engine.run()
        assert isinstance(strategy.fatal, kind)
        assert said in str(strategy.fatal)
    capfd.readouterr()


def test_takes_from_depth_on_a_whole_book() -> None:
    """Ten lots at the best price: half of what is shown within the bound is more than that."""
    feed, data = BookFeed(by_order=False), []
    for k in range(120):
        size = 10 + k % 7  # what a trade has taken is taken until the level is heard of again
        bids, asks = {998 - d: size for d in range(4)}, {1002 + d: size for d in range(4)}
        data.append(feed.to(bids, asks, T0 + k * 100 * MS))
        if k % 10 == 5:
            data.append(trade(990, 30, AggressorSide.SELL, T0 + k * 100 * MS + 50 * MS, k))
    hedge = SHARE | {"max_slippage_bps": 100}
    strategy = maker(book="L2", hedge=hedge)
    with engine_with(strategy, [one for one in data if one is not None], book="L2", queue_position=False) as engine:
        engine.run()
        check(strategy, engine)
    sent = [fact for fact in strategy.hedges if fact.event == "SENT"]
    assert sent
    assert all(fact.size <= 20 * LOT for fact in sent)
    assert {fact.event for fact in strategy.hedges} >= {"FILLED", "DONE"}
