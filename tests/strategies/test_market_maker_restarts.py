"""What a market maker leaves behind and takes up: a stop, a resume, orders and hedges of an earlier life, old lots."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from engine_kit import INSTRUMENT, MS, T0, Latency, Watched, engine_with, maker_fields, price, quote, size, trade
from nautilus_trader.model import AggressorSide, OrderSide, TimeInForce

from mm_nautilus.inventory.state import load_state
from mm_nautilus.strategies import MarketMakerConfig

SHARE = {"trigger": "limits", "inventory_share": 0.3, "hedge_to": 0.0, "max_slippage_bps": 50}


def maker(kind: type[Watched] = Watched, **changes: Any) -> Any:
    return kind(MarketMakerConfig(**maker_fields(**changes)))


def market(seconds: int, sells_until: int = 0) -> list[Any]:
    """Return a calm market, with somebody who sells into our bid every 1.3 s at first."""
    data: list[Any] = []
    for k in range(seconds * 10):
        now = T0 + k * 100 * MS
        data.append(quote(998 + k % 2, 1002 + k % 2, now))
        if k % 13 == 5 and k < sells_until * 10:
            data.append(trade(990, 20, AggressorSide.SELL, now + 50 * MS, k))
    return data


def at_second(event: Any) -> float:
    return (event.ts_ns - T0) / 1e9


# ------------------------------------------------------------------------------ stop and resume


class Paused(Watched):
    """Stops and resumes itself as an operator would, without an engine that offers it in a backtest."""

    def on_start(self) -> None:
        super().on_start()
        self.clock.set_time_alert_ns("05_stop", T0 + 4000 * MS, callback=self.guard(lambda _event: self.on_stop()))
        self.clock.set_time_alert_ns("05_resume", T0 + 8000 * MS, callback=self.guard(lambda _event: self.on_resume()))


def test_resumes_where_it_stopped() -> None:
    strategy = maker(Paused)
    with engine_with(strategy, market(12)) as engine:
        engine.run()
        assert strategy.fatal is None
    quiet = [d for d in strategy.decisions if 4.2 < at_second(d) < 8]
    assert not any(d.submits for d in quiet)
    assert any(d.submits for d in strategy.decisions if 8 <= at_second(d) < 8.2)
    assert {at_second(m) for m in strategy.marks if 4 < at_second(m) < 8} == set()
    assert len([m for m in strategy.marks if at_second(m) > 8]) > 5


class Deaf(Paused):
    """Is told nothing while it is stopped, as the engine has it."""

    deaf = False

    def on_stop(self) -> None:
        self.deaf = True
        super().on_stop()

    def on_resume(self) -> None:
        self.deaf = False
        super().on_resume()

    def on_order_canceled(self, event: Any) -> None:
        if not self.deaf:
            super().on_order_canceled(event)

    def on_order_filled(self, event: Any) -> None:
        if not self.deaf:
            super().on_order_filled(event)


def test_what_happened_while_it_was_stopped_is_read_from_the_engine() -> None:
    """A cancel takes 500 ms; the trade in between fills the order, and a cancelled order is not told of."""
    latency = Latency(0, 0, 500)
    data = [*market(12), trade(990, 4, AggressorSide.SELL, T0 + 4250 * MS, 7)]
    data.sort(key=lambda event: event.ts_init)
    strategy = maker(Deaf, arrival=latency.fields(), hedge=SHARE)
    with engine_with(strategy, data, latency=latency, queue_position=False) as engine:
        engine.run()
        assert strategy.fatal is None
        held = round(strategy.portfolio.net_position(INSTRUMENT), 9)
    line = strategy._hedger.control.ledger.line(str(INSTRUMENT))
    missed = [fill for fill in strategy.fills if 4 < (fill.ts_ns - T0) / 1e9 < 8]
    assert missed, "one was told only then"
    assert line.fills == len(strategy.fills)
    assert held == line.position == strategy._desk.position_lots * Decimal("0.001")
    resumed = [d for d in strategy.decisions if at_second(d) >= 8]
    assert any(d.submits for d in resumed)
    last = max(at_second(fact) for fact in strategy.order_facts if fact.event == "SUBMIT")
    assert last > 8


def test_a_failure_is_not_resumed() -> None:
    class Broken(Paused):
        def on_resume(self) -> None:
            self.fatal = RuntimeError("before")
            super().on_resume()

    strategy = maker(Broken)
    with engine_with(strategy, market(12)) as engine:
        engine.run()
    assert not any(d.submits for d in strategy.decisions if at_second(d) > 8)


# ---------------------------------------------------------------- what an earlier life left behind


class Orphaned(Watched):
    """Finds a quote of an earlier life at the venue when it starts quoting."""

    def on_quote(self, event: Any) -> None:
        if not hasattr(self, "orphan"):
            order = self.order_factory.limit(INSTRUMENT, OrderSide.BUY, size(10), price(900), post_only=True)
            self.orphan = str(order.client_order_id)
            self.submit_order(order)
        elif not hasattr(self, "adopted"):
            self._adopt_orders()
            self.adopted = [order.client_order_id for order in self._desk.orders]
        super().on_quote(event)


def test_an_order_of_an_earlier_life_is_taken_over_and_moved_or_cancelled() -> None:
    strategy = maker(Orphaned)
    with engine_with(strategy, market(5)) as engine:
        engine.run()
        assert strategy.fatal is None
        assert all(order.is_closed for order in engine.cache.orders())
    assert strategy.orphan in strategy.adopted
    events = [fact.event for fact in strategy.order_facts if fact.client_order_id == strategy.orphan]
    assert events[0] in {"AMEND", "CANCEL"}
    for decision in strategy.decisions:
        assert round(decision.worst_long, 9) <= 0.030, "its size counts"


def test_the_books_are_saved_and_taken_up() -> None:
    first = maker(hedge=SHARE)
    with engine_with(first, market(12, sells_until=9), queue_position=False) as engine:
        engine.run()
        state = first.save()
    books = orjson.loads(state["market_maker"])["books"]
    line = books["ledger"]["lines"][str(INSTRUMENT)]
    assert Decimal(line["hedged"]) < 0 < Decimal(line["quoted"])
    decisions = books["hedge"]["decisions"]
    assert decisions

    second = maker(hedge=SHARE)
    with engine_with(second, market(4)) as engine:  # an engine that is new gives its executions the same ids again
        second.load(state)
        engine.run()
        assert second.fatal is None
    taken = second._hedger.control.ledger.line(str(INSTRUMENT))
    assert (taken.quoted, taken.hedged) == (Decimal(line["quoted"]), Decimal(line["hedged"]))
    assert taken.adopted == -(Decimal(line["quoted"]) + Decimal(line["hedged"])), "and the difference stands by itself"
    assert taken.position == second._desk.position_lots * Decimal("0.001"), "the engine, which is new, had none"
    assert second._hedger.control.desk.decisions == decisions, "ids go on"


def test_a_hedge_is_on_the_disk_before_it_leaves(tmp_path: Path) -> None:
    """Killed while it sends, a strategy that starts again knows of the order, and does not send another."""
    file = tmp_path / "state"
    seen: list[Any] = []

    class Looking(Watched):
        def submit_order(self, order: Any, *others: Any, **more: Any) -> None:
            if order.time_in_force == TimeInForce.IOC:
                saved = load_state(file)
                assert saved is not None
                seen.append((str(order.client_order_id), [one[0] for one in saved["books"]["ledger"]["in_flight"]]))
            super().submit_order(order, *others, **more)

    strategy = maker(Looking, hedge=SHARE, state_file=str(file))
    with engine_with(strategy, market(8, sells_until=6), queue_position=False) as engine:
        engine.run()
        assert strategy.fatal is None
    assert seen
    assert all(name in in_flight for name, in_flight in seen)
    saved = load_state(file)
    assert saved is not None
    line = saved["books"]["ledger"]["lines"][str(INSTRUMENT)]
    assert Decimal(line["quoted"]) + Decimal(line["hedged"]) == sum(
        (1 if fill.side == "BUY" else -1) * fill.size for fill in strategy.fills
    ), "and every fill, once it has stopped"

    again = maker(hedge=SHARE, state_file=str(file))
    with engine_with(again, market(2)) as engine:
        engine.run()
        assert again.fatal is None
    assert again._hedger.control.desk.decisions >= strategy._hedger.control.desk.decisions


# ------------------------------------------------------------------------------------- old lots


def test_lots_too_old_are_worked_off_in_slices() -> None:
    age = {"warn_after_s": 5, "liquidate_after_s": 8, "liquidate_within_s": 10, "slices": 5}
    fields = maker_fields(age=age, model="symmetric", half_spread=0.2)
    del fields["gamma"]
    strategy = Watched(MarketMakerConfig(**fields))
    with engine_with(strategy, market(40, sells_until=5), queue_position=False) as engine:
        engine.run()
        assert strategy.fatal is None
    sold = [fill for fill in strategy.fills if fill.purpose == "LIQUIDATION"]
    assert len(sold) >= 3, "in slices"
    assert {fact.cause for fact in strategy.hedges} == {"AGE"}
    assert (sold[0].ts_ns - strategy.fills[0].ts_ns) / 1e9 >= 8
    assert strategy.marks[-1].position == 0
