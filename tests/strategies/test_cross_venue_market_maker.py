"""One asset on three venues of the real engine: bounds, hedges, venues that go, contract types, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from cross_kit import VENUES, A, B, C, WatchedCross, cross, cross_fields, others, signed, walk
from engine_kit import INSTRUMENT, LOT, MS, T0, TAKER_FEE, Latency, engine_with, quote, spot
from nautilus_trader.model import (
    CryptoPerpetual,
    Currency,
    InstrumentId,
    InstrumentStatus,
    MarketStatusAction,
    Price,
    Quantity,
    QuoteTick,
    Symbol,
    Venue,
)
from pydantic import ValidationError

from mm_nautilus.errors import ConfigError, ParameterError
from mm_nautilus.host.instrument import contract_of
from mm_nautilus.inventory.accounting import account_for
from mm_nautilus.strategies import CrossVenueMarketMakerConfig

FEE = float(TAKER_FEE)
TAKING = {venue: {"fee_rate": FEE} for venue in ("SIM", "ALT", "THIRD")}
QUIET = {"max_slippage_bps": 100.0, "urgent_slippage_bps": 200.0}


def check(strategy: WatchedCross, engine: Any) -> None:
    """Assert that nothing failed, every order is over, limits held, and books, positions and facts agree."""
    assert strategy.fatal is None, repr(strategy.fatal)
    assert all(order.is_closed for order in engine.cache.orders()), "an order rests after the end"
    for line in strategy._hedger.control.ledger.lines:
        fills = [fill for fill in strategy.fills if fill.instrument_id == line.instrument_id]
        assert line.position == sum(((1 if f.side == "BUY" else -1) * f.size for f in fills), Decimal(0))
        assert round(strategy.portfolio.net_position(InstrumentId.from_str(line.instrument_id)), 9) == line.position
    for decision in strategy.decisions:
        assert decision.worst_long <= 0.2 + 1e-9
        assert decision.worst_short >= -0.2 - 1e-9


def check_cash(strategy: WatchedCross, venue: str, balances: dict[str, Decimal]) -> Decimal:
    """Assert that an account moved by what its fills say, to the last digit; return the cash it earned."""
    fills = [fill for fill in strategy.fills if fill.instrument_id.endswith(f".{venue}")]
    sizes = [(1 if fill.side == "BUY" else -1) * fill.size for fill in fills]
    paid = sum((size * fill.price for size, fill in zip(sizes, fills, strict=True)), Decimal(0))
    fees = sum((fill.commission for fill in fills), Decimal(0))
    totals = strategy.portfolio.account(Venue(venue)).balances_total()
    assert totals[Currency.from_str("BTC")].as_decimal() == balances["BTC"] + sum(sizes, Decimal(0))
    cash = totals[Currency.from_str("USDT")].as_decimal() - balances["USDT"]
    assert cash == -paid - fees
    return cash


@pytest.mark.parametrize("latency", [None, Latency(40, 40, 40)])
def test_every_fill_is_hedged_and_the_accounts_add_up(latency: Latency | None) -> None:
    data = walk(60)
    arrival = ({} if latency is None else latency.fields()) | {"end_ns": data[-1].ts_init}
    terms = {venue: one | {"submit_ns": arrival.get("submit_ns", 0)} for venue, one in TAKING.items()}
    strategy = cross(hedge=QUIET, taking=terms, arrival=arrival, min_edge_bps=-10.0)
    balances = ("100000 USDT", "10 BTC")
    with engine_with(
        strategy, data, account="CASH", balances=balances, latency=latency, queue_position=False, others=others()
    ) as engine:
        engine.run()
        check(strategy, engine)
        held = {"BTC": Decimal(10), "USDT": Decimal(100_000)}
        earned = sum((check_cash(strategy, str(one.venue), held) for one in VENUES), Decimal(0))
    quotes = [fill for fill in strategy.fills if fill.purpose == "QUOTE"]
    hedges = [fill for fill in strategy.fills if fill.purpose == "HEDGE"]
    assert len(quotes) > 20
    assert signed(strategy) == 0
    assert {fill.instrument_id for fill in quotes} == {str(A)}
    assert {fill.instrument_id for fill in hedges} <= {str(B), str(C)}
    assert {fill.liquidity for fill in hedges} == {"TAKER"}
    value = sum((-(1 if f.side == "BUY" else -1) * f.size * f.price - f.commission for f in strategy.fills), Decimal(0))
    assert earned == value, "flat, what the accounts earned is what the fills say"


def test_a_fill_hedged_at_once_earns_the_minimum_edge_at_least() -> None:
    edge = 4.0
    fields = cross_fields(hedge=QUIET, taking=TAKING, min_edge_bps=edge)
    del fields["gamma"]
    fields |= {"model": "symmetric", "half_spread": 0.2}
    strategy = WatchedCross(CrossVenueMarketMakerConfig(**fields))
    with engine_with(strategy, walk(60), queue_position=False, others=others()) as engine:
        engine.run()
        check(strategy, engine)
    gains = []
    for made, hedge in pairwise(strategy.fills):
        if made.purpose == "QUOTE" and hedge.purpose == "HEDGE":
            sign = 1 if made.side == "BUY" else -1
            gain = sign * (hedge.price - made.price) * made.size - made.commission - hedge.commission
            bought = made if sign > 0 else hedge
            gains.append(float(gain / (bought.price * bought.size + bought.commission)))
    assert len(gains) > 20
    assert min(gains) >= edge * 1e-4 - 1e-9
    assert min(gains) < (edge + 1.2) * 1e-4, "the bound binds to a tick"
    bounds = [decision for decision in strategy.decisions if decision.bid_prices]
    assert all(decision.bid_prices[0] <= (decision.bid_bound or 1e9) + 1e-9 for decision in bounds)
    assert any("HEDGE_BOUND:BID" in decision.caps for decision in bounds)


def test_the_best_venue_by_net_price_is_hedged_on_and_the_next_when_it_refuses() -> None:
    data: list[Any] = []
    for one in walk(30):
        if isinstance(one, QuoteTick) and one.instrument_id == C:  # dearer by three ticks on either side
            shifted = QuoteTick(
                C,
                Price(one.bid_price.as_double() - 0.3, 1),
                Price(one.ask_price.as_double() + 0.3, 1),
                one.bid_size,
                one.ask_size,
                one.ts_event,
                one.ts_init,
            )
            data.append(shifted)
        else:
            data.append(one)
    best = cross(hedge=QUIET)
    with engine_with(best, data, queue_position=False, others=others()) as engine:
        engine.run()
        check(best, engine)
    sent: dict[int, list[str]] = {}
    for fact in best.hedges:
        if fact.event in {"SENT", "REFUSED"}:
            sent.setdefault(fact.decision_id, []).append(f"{fact.event} {fact.instrument_id}")
    assert all(one[0] == f"SENT {B}" for one in sent.values())
    later = [one[1:] for one in sent.values() if len(one) > 1]
    assert later, "the venue that was taken from has nothing more at that price"
    assert all(one[:2] == [f"REFUSED {B}", f"SENT {C}"] for one in later), "the next best where the best one refuses"
    reasons = [fact.reason for fact in best.hedges if fact.event == "SENT"]
    assert all(str(B) in reason and str(C) in reason for reason in reasons[:3]), reasons[:3]


def test_a_venue_that_cannot_pay_is_not_counted_on() -> None:
    """Without a coin nothing can be sold there, so that no bid rests on it; the account says so, not a reject."""
    strategy = cross(hedge=QUIET, taking={venue: {"fee_rate": 0.0} for venue in ("SIM", "ALT", "THIRD")})
    with engine_with(
        strategy, walk(20), account="CASH", balances=("100000 USDT",), queue_position=False, others=others()
    ) as engine:
        engine.run()
        check(strategy, engine)
    assert any(f"BID {B}: BALANCE" in one.hedge_refusals for one in strategy.decisions)
    assert all(not one.bid_prices for one in strategy.decisions if "NO_HEDGE:BID" in one.reasons)
    assert not any(fact.event == "REJECTED" for fact in strategy.order_facts)


# ------------------------------------------------------------------ venues that go


def status(instrument_id: InstrumentId, action: MarketStatusAction, second: float) -> InstrumentStatus:
    at = T0 + int(second * 1e9)
    return InstrumentStatus(instrument_id, action, at, at)


def between(strategy: WatchedCross, begin: float, end: float) -> list[Any]:
    return [one for one in strategy.decisions if T0 + begin * 1e9 < one.ts_ns < T0 + end * 1e9]


def test_a_halted_venue_is_neither_quoted_nor_hedged_on_at_once() -> None:
    halts = [
        status(B, MarketStatusAction.HALT, 10.02),
        status(C, MarketStatusAction.HALT, 15.02),
        status(B, MarketStatusAction.TRADING, 20.02),
        status(A, MarketStatusAction.PAUSE, 25.02),
    ]
    data = sorted([*walk(30), *halts], key=lambda one: one.ts_init)
    strategy = cross(hedge=QUIET)
    with engine_with(strategy, data, queue_position=False, others=others()) as engine:
        engine.run()
        check(strategy, engine)
    hedges = [fill for fill in strategy.fills if fill.purpose == "HEDGE"]
    assert {f.instrument_id for f in hedges if T0 + 10.02e9 < f.ts_ns < T0 + 15.02e9} == {str(C)}
    assert any(f"BID {B}: HALTED" in one.hedge_refusals for one in between(strategy, 10.02, 15.02))
    none = between(strategy, 15.019, 20.0)
    assert none[0].ts_ns == T0 + int(15.02e9), "at the instant of the halt"
    assert {"NO_HEDGE:BID", "NO_HEDGE:ASK"} <= set(none[0].reasons)
    assert not none[0].bid_prices
    assert not none[0].ask_prices
    assert not [f for f in strategy.fills if T0 + 15.1e9 < f.ts_ns < T0 + 20e9]
    assert any(one.bid_prices for one in between(strategy, 20.2, 25.0)), "quoted again"
    assert all("VENUE_HALTED" in one.reasons for one in between(strategy, 25.019, 40.0))


def test_silence_takes_a_venue_out() -> None:
    strategy = cross(hedge=QUIET | {"stale_after_s": 2.0}, venue_stale_after_s=2.0)
    with engine_with(
        strategy, walk(30, gaps={B: (10, 20), C: (12, 20)}), queue_position=False, others=others()
    ) as engine:
        engine.run()
        check(strategy, engine)
    none = next(one for one in between(strategy, 10, 30) if {"NO_HEDGE:BID", "NO_HEDGE:ASK"} & set(one.reasons))
    assert T0 + 13.902e9 < none.ts_ns <= T0 + 14e9, "with the first event after it"
    dark = between(strategy, 14.0, 20.0)
    assert all(not one.bid_prices or one.inventory < 0 for one in dark)
    assert all(not one.ask_prices or one.inventory > 0 for one in dark)
    assert any(f"BID {B}: STALE" in one.hedge_refusals for one in between(strategy, 12.5, 20.0))
    assert any(one.bid_prices for one in between(strategy, 20.3, 30.0))


def test_prices_that_are_old_are_not_free_money() -> None:
    """One venue stands still while the others fall: its bid is soon above their asks, and nobody sells into it."""
    data: list[Any] = []
    for k in range(300):
        now, mid = T0 + k * 100 * MS, 10_000 - k
        data.append(quote(mid - 2, mid + 2, now))
        data.append(quote(mid - 2, mid + 2, now + MS, instrument_id=B))
        if k < 20:
            data.append(quote(mid - 2, mid + 2, now + 2 * MS, instrument_id=C))
    strategy = cross(hedge=QUIET | {"stale_after_s": 1.0}, venue_stale_after_s=1.0)
    with engine_with(strategy, data, queue_position=False, others=others()) as engine:
        engine.run()
        check(strategy, engine)
    late = between(strategy, 3.6, 30.0)
    assert late
    assert all(one.bid_hedge_venue in {"", str(B)} for one in late)
    assert any(f"BID {C}: STALE" in one.hedge_refusals for one in late)


def test_a_venue_whose_clock_is_off_does_not_count() -> None:
    data = []
    for one in walk(20):
        if isinstance(one, QuoteTick) and one.instrument_id == B:
            early = one.ts_event - 5 * 10**9
            data.append(QuoteTick(B, one.bid_price, one.ask_price, one.bid_size, one.ask_size, early, one.ts_init))
        else:
            data.append(one)
    strategy = cross(hedge=QUIET, max_clock_offset_s=1.0)
    with engine_with(strategy, data, queue_position=False, others=others()) as engine:
        engine.run()
        check(strategy, engine)
    assert any(f"BID {B}: CLOCK_OFFSET" in one.hedge_refusals for one in between(strategy, 0.6, 20))
    hedged = {f.instrument_id for f in strategy.fills if f.purpose == "HEDGE" and f.ts_ns > T0 + 10**9}
    assert hedged == {str(C)}


# ------------------------------------------------------------------ contract types and currencies

LINEAR, INVERSE = InstrumentId.from_str("BTCUSDT-PERP.ALT"), InstrumentId.from_str("BTCUSD-PERP.THIRD")


def perpetual(instrument_id: InstrumentId, money: str, inverse: bool, multiplier: str, lot: str) -> CryptoPerpetual:
    digits = len(lot.partition(".")[2])
    return CryptoPerpetual(
        instrument_id=instrument_id,
        raw_symbol=Symbol(str(instrument_id.symbol)),
        base_currency=Currency.from_str("BTC"),
        quote_currency=Currency.from_str(money),
        settlement_currency=Currency.from_str("BTC" if inverse else money),
        is_inverse=inverse,
        price_precision=1,
        size_precision=digits,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str(lot),
        multiplier=Quantity.from_str(multiplier),
        ts_event=0,
        ts_init=0,
    )


def three_kinds(seconds: int) -> list[Any]:
    """Return the walk with a linear contract of a hundredth of a coin and an inverse one of a dollar."""
    data = []
    for one in walk(seconds):
        renamed = {B: (LINEAR, 500), C: (INVERSE, 100_000)}.get(one.instrument_id)
        if renamed is None or not isinstance(one, QuoteTick):
            data.append(one)
            continue
        name, size = renamed
        shown = Quantity.from_int(size)
        data.append(QuoteTick(name, one.bid_price, one.ask_price, shown, shown, one.ts_event, one.ts_init))
    return data


def test_spot_linear_and_inverse_net_in_units_of_the_asset() -> None:
    fields = cross_fields(
        venues=[
            {"instrument_id": str(INSTRUMENT)},
            {"instrument_id": str(LINEAR), "order_size": "1", "max_position": "50"},
            {"instrument_id": str(INVERSE), "order_size": "10", "max_position": "5000", "quote": False},
        ],
        hedge=QUIET | {"max_exposure": "0.002"},
        rates={"USD": "1.0"},
        min_edge_bps=-10.0,
    )
    strategy = WatchedCross(CrossVenueMarketMakerConfig(**fields))
    instruments = [perpetual(LINEAR, "USDT", False, "0.01", "1"), perpetual(INVERSE, "USD", True, "1", "1")]
    with engine_with(
        strategy,
        three_kinds(40),
        queue_position=False,
        others=instruments,
        balances=("1000000 USDT", "100 BTC"),
    ) as engine:
        engine.run()
        assert strategy.fatal is None, repr(strategy.fatal)
        control = strategy._hedger.control
        exposure = control.exposure
        for name, units in ((str(INSTRUMENT), 1.0), (str(LINEAR), 0.01)):
            market = control.market(name)
            assert market.exposure() == pytest.approx(float(control.ledger.line(name).position) * units)
        inverse = control.market(str(INVERSE))
        mid = inverse.top.mid
        assert inverse.exposure() == pytest.approx(float(control.ledger.line(str(INVERSE)).position) / mid)
        for one in (INSTRUMENT, LINEAR, INVERSE):
            check_margin(strategy, engine, one)
    hedged = {fill.instrument_id for fill in strategy.fills if fill.purpose == "HEDGE"}
    assert hedged & {str(LINEAR), str(INVERSE)}
    assert abs(exposure) <= 0.002 + 0.01, "what is left is within the band, and a fill at the end"
    inventories = [decision.inventory for decision in strategy.decisions if decision.inventory is not None]
    assert max(abs(held) for held in inventories) <= 0.1


def check_margin(strategy: WatchedCross, engine: Any, instrument_id: InstrumentId) -> None:
    """Assert that a margin account moved by what its fills realised less their fees, to what it can book."""
    instrument = engine.cache.instrument(instrument_id)
    contract = contract_of(instrument)
    fills = [fill for fill in strategy.fills if fill.instrument_id == str(instrument_id)]
    assert fills
    money = account_for(fills, fills[-1].price, contract)
    currency = Currency.from_str(contract.settlement_currency)
    begun = {"USDT": Decimal(1_000_000), "BTC": Decimal(100)}[contract.settlement_currency]
    total = strategy.portfolio.account(instrument_id.venue).balances_total()[currency].as_decimal()
    earned = money.account_realised - money.fees + money.rebates
    assert abs(total - begun - earned) <= len(fills) * Decimal(10) ** -currency.precision


# ------------------------------------------------------------------ bad input


def refused(**changes: Any) -> str:
    """Return what a start with these fields fails with."""
    instruments = changes.pop("others", others())
    strategy = cross(**changes)
    with engine_with(strategy, walk(1), others=instruments) as engine, pytest.raises(RuntimeError):
        engine.run()
    assert isinstance(strategy.fatal, (ConfigError, ParameterError)), repr(strategy.fatal)
    return str(strategy.fatal)


def test_venues_of_different_assets_are_refused() -> None:
    coin = spot(None, InstrumentId.from_str("ETHUSDT.ALT"), "ETH")
    venues = [{"instrument_id": str(A)}, {"instrument_id": "ETHUSDT.ALT"}]
    assert "ETHUSDT.ALT" in refused(venues=venues, others=[coin])


def test_a_missing_conversion_rate_is_named() -> None:
    dollars = spot(None, InstrumentId.from_str("BTCUSD.ALT"), "BTC", "USD")
    venues = [{"instrument_id": str(A)}, {"instrument_id": "BTCUSD.ALT"}]
    said = refused(venues=venues, others=[dollars])
    assert "BTCUSD.ALT" in said
    assert "USD" in said


def test_a_venue_without_fees_is_named() -> None:
    assert "BTCUSDT.ALT: taker_fee" in refused(taking={"SIM": {"fee_rate": 0.0}, "THIRD": {"fee_rate": 0.0}})
    assert "BTCUSDT.THIRD: maker_fee" in refused(maker_fees={"SIM": 0.0, "ALT": 0.0})


def test_a_contract_without_sizes_of_its_own_is_named() -> None:
    venues = [{"instrument_id": str(A)}, {"instrument_id": str(LINEAR)}]
    said = refused(venues=venues, others=[perpetual(LINEAR, "USDT", False, "0.01", "1")])
    assert "state its order_size and max_position in contracts" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"venues": [{"instrument_id": str(A)}]}, "at least 2"),
        ({"venues": [{"instrument_id": str(A)}, {"instrument_id": str(A)}]}, "each instrument may stand once"),
        (
            {"venues": [{"instrument_id": str(A), "quote": False}, {"instrument_id": str(B), "quote": False}]},
            "none is quoted",
        ),
        (
            {"venues": [{"instrument_id": str(A)}, {"instrument_id": str(B), "hedge": False}]},
            "is quoted and no other venue has hedge = true",
        ),
        ({"limits": {"max_position": "1"}}, "limits.max_asset_position is required"),
        ({"hedge": {"instruments": [str(B)]}}, "hedge = true in strategy.venues"),
        ({"rates": {"USD": "0"}}, "above 0"),
        ({"rates": {"USD": "much"}}, "a number or an instrument"),
        ({"weights": {"method": "fixed", "fixed": [1.0]}}, "1 numbers for 3 venues"),
        ({"alpha": 1.5}, "less than or equal to 1"),
        ({"min_edge": 1.5}, "Extra inputs"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CrossVenueMarketMakerConfig(**cross_fields(**changes))
    assert words in str(caught.value)


def test_a_config_survives_being_written_and_read() -> None:
    config = CrossVenueMarketMakerConfig(**cross_fields(rates={"USD": 0.999, "EUR": "EURUSDT.SIM"}))
    assert type(config)(**config.to_dict()) == config
    assert config.settings.instruments() == (str(A), str(B), str(C), "EURUSDT.SIM")
    assert config.settings.position_limits() == dict.fromkeys(map(str, VENUES), 200 * LOT)
