"""Start, stop, failure, restart: what the market maker does at the edges of its life."""

from __future__ import annotations

from typing import Any

import pytest
from engine_kit import (
    MS,
    T0,
    BookFeed,
    Latency,
    Watched,
    engine_with,
    maker_fields,
    quote,
    spot,
    trade,
)
from nautilus_trader.model import AggressorSide, QuoteTick

from mm_nautilus.errors import CatalogError, ConfigError
from mm_nautilus.strategies import MarketMakerConfig


def maker(**changes: Any) -> Watched:
    return Watched(MarketMakerConfig(**maker_fields(**changes)))


def calm(count: int, step_ms: int = 100) -> list[Any]:
    """Return quotes that move by a tick and back."""
    return [quote(998 + k % 2, 1002 + k % 2, T0 + k * step_ms * MS) for k in range(count)]


def statuses(engine: Any) -> set[str]:
    return {order.status.name for order in engine.cache.orders()}


# ----------------------------------------------------------------------------------------- stop


@pytest.mark.parametrize("latency", [None, Latency(), Latency(5, 5, 5), Latency(5, 30, 30)])
def test_stop_takes_every_order_back_where_cancels_are_not_faster(latency: Latency | None) -> None:
    arrival = (latency or Latency()).fields()
    strategy = maker(arrival=arrival, ladder={"levels": 3})
    with engine_with(strategy, calm(20), latency=latency) as engine:
        engine.run()
        assert statuses(engine) == {"CANCELED"}


@pytest.mark.parametrize("latency", [Latency(40, 0, 3), Latency(40, 80, 0), Latency(3, 0, 40), Latency(0, 0, 0)])
def test_told_the_end_nothing_is_in_flight_when_it_comes(latency: Latency) -> None:
    data = calm(20)
    strategy = maker(arrival=latency.fields() | {"end_ns": data[-1].ts_init}, ladder={"levels": 3})
    with engine_with(strategy, data, latency=latency) as engine:
        engine.run()
        assert statuses(engine) == {"CANCELED"}
        ended = [fact for fact in strategy.order_facts if fact.event == "CANCELED"]
        assert len(ended) == len(engine.cache.orders()), "and every end has been heard and recorded"
        assert max(fact.ts_ns for fact in ended) < data[-1].ts_init
    assert strategy.decisions[-1].quote_state == "WITHDRAWN"
    assert strategy.decisions[-1].reasons == ("HALTED",)


def test_not_told_the_end_a_faster_cancel_is_lost() -> None:
    """The reason for `ArrivalSettings.end_ns`: the engine rejects the cancel, and then accepts the order."""
    latency = Latency(40, 40, 3)
    strategy = maker(arrival=latency.fields(), requote={"amend": False})
    with engine_with(strategy, calm(20), latency=latency) as engine:
        engine.run()
        assert "ACCEPTED" in statuses(engine)


def test_data_shorter_than_one_exchange_of_commands_is_not_quoted() -> None:
    data, latency = calm(3, step_ms=10), Latency(300, 0, 300)
    strategy = maker(arrival=latency.fields() | {"end_ns": data[-1].ts_init})
    with engine_with(strategy, data, latency=latency) as engine:
        engine.run()
        assert not engine.cache.orders()
    assert {decision.reasons for decision in strategy.decisions} == {("HALTED",)}


# -------------------------------------------------------------------------------------- failure


class Failing(Watched):
    """Fails at its tenth quote."""

    seen = 0

    def on_quote(self, quote: Any) -> None:
        self.seen += 1
        if self.seen == 10:
            raise ZeroDivisionError("the tenth quote")
        super().on_quote(quote)


def test_a_failing_handler_withdraws_keeps_the_error_and_stops_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    data = calm(50)
    strategy = Failing(MarketMakerConfig(**maker_fields()))
    with engine_with(strategy, data) as engine:
        engine.run()
        assert isinstance(strategy.fatal, ZeroDivisionError)
        assert engine.get_result().backtest_end == data[9].ts_init
        assert statuses(engine) == {"CANCELED"}
    assert strategy.seen == 10
    assert not [fact for fact in strategy.order_facts if fact.event == "SUBMIT" and fact.ts_ns >= data[9].ts_init]
    capfd.readouterr()  # the engine prints the error


def test_a_failing_sample_is_no_different(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = maker()
    monkeypatch.setattr(strategy, "_check_position", lambda: 1 / 0)
    with engine_with(strategy, calm(50)) as engine:
        engine.run()
        assert isinstance(strategy.fatal, ZeroDivisionError)
        assert engine.get_result().backtest_end == T0 + 500 * MS
        assert statuses(engine) == {"CANCELED"}
    capfd.readouterr()


def test_a_position_the_engine_does_not_have_is_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    class Dreaming(Watched):
        def on_quote(self, quote: Any) -> None:
            self._desk.position_lots = 3
            super().on_quote(quote)

    strategy = Dreaming(MarketMakerConfig(**maker_fields()))
    with engine_with(strategy, calm(50)) as engine:
        engine.run()
    assert "position counted from fills is 0.003, the engine's is 0" in str(strategy.fatal)
    unchecked = Dreaming(MarketMakerConfig(**maker_fields(limits={"max_position": "0.030", "check_position": False})))
    with engine_with(unchecked, calm(50)) as engine:
        engine.run()
    assert unchecked.fatal is None
    capfd.readouterr()


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"instrument_id": "ETHUSDT.SIM"}, CatalogError, "ETHUSDT.SIM: no such instrument"),
        ({"order_size": "0.0015"}, ConfigError, "order_size: 0.0015 is not a multiple of the lot size 0.001"),
        ({"order_size": "0.003"}, ConfigError, "below the venue's smallest order 0.005"),
    ],
)
def test_a_start_that_fails_says_why(
    changes: dict[str, Any], kind: type[Exception], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    strategy = maker(**changes)
    with engine_with(strategy, calm(5), instrument=spot(min_quantity="0.005")) as engine:
        with pytest.raises(RuntimeError, match="on_start failed"):
            engine.run()
        assert isinstance(strategy.fatal, kind), "the engine keeps the text only"
        assert said in str(strategy.fatal)
        assert strategy.save() == {}
    capfd.readouterr()


# ----------------------------------------------------------------------------------- save, load


def hit(data: list[Any]) -> list[Any]:
    """Return the data with trades that sell into our bid."""
    trades = [trade(990, 4, AggressorSide.SELL, T0 + k * 1000 * MS + 50 * MS, k) for k in range(1, 4)]
    return sorted([*data, *trades], key=lambda event: event.ts_init)


def test_saves_position_and_volatility_and_takes_them_up() -> None:
    measured = {"half_life_s": 5.0, "sample_interval_s": 0.5, "warm_up_samples": 4}
    first = maker(volatility=measured)
    with engine_with(first, hit(calm(60)), queue_position=False) as engine:
        engine.run()
        state = first.save()
    assert set(state) == {"market_maker"}
    assert first.fills
    sigma = first._desk.volatility.value
    assert sigma is not None
    assert sigma > 0

    second = maker(volatility=measured)
    with engine_with(second, calm(4)) as engine:
        second.load(state)
        engine.run()
    assert second.decisions[0].sigma == sigma, "it does not warm up again"
    assert second.decisions[0].position == 0.0, "the position is the engine's, which is new here"

    fresh = maker(volatility=measured)
    with engine_with(fresh, calm(4)) as engine:
        fresh.load({})
        engine.run()
    assert fresh.decisions[0].reasons == ("WARMING_UP",)


def test_runs_again_after_a_reset_as_if_it_were_the_first_time() -> None:
    strategy = maker()
    with engine_with(strategy, hit(calm(60)), queue_position=False) as engine:
        engine.run()
        first, fills = list(strategy.decisions), list(strategy.fills)
        strategy.decisions.clear()
        strategy.fills.clear()
        engine.reset()
        engine.run()
        assert fills
        assert strategy.decisions == first
        assert [(f.ts_ns, f.side, f.price, f.size) for f in strategy.fills] == [
            (f.ts_ns, f.side, f.price, f.size) for f in fills
        ]


# ---------------------------------------------------------------------------------------- books


def test_an_empty_book_withdraws_and_breaks_nothing() -> None:
    feed = BookFeed(by_order=False)
    shown = ({998: 50}, {1002: 50})
    books = [feed.to(*(shown if k % 2 == 0 else ({}, {})), T0 + k * 100 * MS) for k in range(10)]
    strategy = maker(book="L2")
    with engine_with(strategy, books, book="L2") as engine:
        engine.run()
        assert statuses(engine) == {"CANCELED"}
    assert strategy.fatal is None
    reasons = {decision.reasons for decision in strategy.decisions if decision.quote_state == "WITHDRAWN"}
    assert reasons == {("ONE_SIDED_BOOK",)}
    assert sum(decision.submits for decision in strategy.decisions) == 10


def test_a_buy_with_the_last_money_leaves_some_for_its_fee() -> None:
    """Without the reserve the engine ends the run: the balance would become negative."""
    data = [quote(599_999, 600_001, T0 + k * 100 * MS) for k in range(20)]
    data += [trade(599_990, 80, AggressorSide.SELL, T0 + k * 100 * MS + 50 * MS, k) for k in range(20)]
    data.sort(key=lambda event: event.ts_init)
    fields = maker_fields(model="symmetric", half_spread=0.1, order_size="0.001", maker_fee_reserve=0.001)
    fields.pop("gamma")
    bought = []
    for money in ("60.001 USDT", "60.070 USDT"):
        strategy = Watched(MarketMakerConfig(**fields))
        venue = {"account": "CASH", "balances": (money, "0 BTC"), "maker_fee": "0.001", "queue_position": False}
        with engine_with(strategy, data, **venue) as engine:
            engine.run()
            assert strategy.fatal is None
            assert engine.get_result().backtest_end == data[-1].ts_init
        bought.append(sum(1 for fill in strategy.fills if fill.side == "BUY") > 0)
    assert bought == [False, True]


def test_a_command_is_never_dated_before_the_one_that_went_before_it() -> None:
    class HeardLate(Watched):
        """Hears every other quote after something that reached the process up to 40 ms later, by another connection."""

        def on_quote(self, quote: QuoteTick) -> None:
            (leg,) = self._legs.values()
            leg.requote("order", quote.ts_init + 40 * MS)
            super().on_quote(quote)

    strategy = HeardLate(MarketMakerConfig(**maker_fields()))
    with engine_with(strategy, [quote(998 + k % 3, 1002 + k % 3, T0 + k * 20 * MS) for k in range(50)]) as engine:
        engine.run()
    assert strategy.fatal is None
    commands = [fact.ts_ns for fact in strategy.order_facts if fact.event in {"SUBMIT", "AMEND", "CANCEL"}]
    assert len(commands) > 20
    assert commands == sorted(commands)
