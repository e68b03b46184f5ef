"""What the operator's commands do to strategies of one market and of several, and to the risk monitor's books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cross_kit import cross, others
from cross_kit import walk as cross_walk
from engine_kit import MS, T0, Watched, engine_with, maker_fields, quote
from nautilus_trader.common import DataActor

from mm_nautilus.actors import RiskMonitor, RiskMonitorConfig
from mm_nautilus.errors import UserError
from mm_nautilus.live.beside.beside import _ORDERS_ALONE
from mm_nautilus.live.beside.surface import NodeSurface
from mm_nautilus.strategies import MarketMakerConfig

S = 1_000 * MS


@dataclass(frozen=True)
class Plan:
    """What is done when, in seconds after the start."""

    steps: dict[float, Callable[[], Any]]
    actor_id: str = "Hand-001"


class Hand(DataActor):
    """Does things to a run from a timer of its own, as the operator does."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._plan = plan
        self.came_of_it: list[Any] = []

    def on_start(self) -> None:
        for number, (after_s, step) in enumerate(self._plan.steps.items()):
            self.clock.set_time_alert_ns(
                f"95_hand_{number}", T0 + round(after_s * S), callback=lambda _event, step=step: self._do(step)
            )

    def _do(self, step: Callable[[], Any]) -> None:
        try:
            self.came_of_it.append(step())
        except UserError as error:
            self.came_of_it.append(error)


def monitor() -> RiskMonitor:
    return RiskMonitor(RiskMonitorConfig(actor_id="RiskMonitor-001", **_ORDERS_ALONE.model_dump(mode="json")))


def maker(**changes: Any) -> Watched:
    return Watched(MarketMakerConfig(**maker_fields(**changes)))


def played(
    strategy: Any, data: list[Any], steps: dict[float, Callable[[NodeSurface], Any]], **engine: Any
) -> list[Any]:
    """Run a strategy with a hand upon it; return what came of each step."""
    risk = monitor()
    surface = NodeSurface(strategy, risk)
    hand = Hand(Plan({after_s: lambda step=step: step(surface) for after_s, step in steps.items()}))
    with engine_with(strategy, data, actors=[risk, hand], **engine) as held:
        held.run()
    assert strategy.fatal is None
    assert risk.fatal is None
    return hand.came_of_it


def calm(seconds: int) -> list[Any]:
    return [quote(998 + k % 2, 1002 + k % 2, T0 + k * 100 * MS) for k in range(seconds * 10)]


def working(strategy: Any, at_s: float) -> int:
    """Return how many orders were out at an instant."""
    out = 0
    for fact in strategy.order_facts:
        if fact.ts_ns <= T0 + at_s * S:
            out += (fact.event == "SUBMIT") - (fact.event in {"CANCELED", "FILLED", "REJECTED", "EXPIRED", "DENIED"})
    return out


def test_a_pause_holds_until_it_is_ended_and_losses_are_not_counted_anew() -> None:
    strategy = maker()
    steps = {
        5.05: lambda on: on.pause(paused=True),
        10.05: lambda on: on.resume("back"),
    }
    assert played(strategy, calm(15), steps) == ["the quotes are taken back; hedges go on", (True, "quoting again")]
    assert [working(strategy, at) for at in (4.9, 6.0, 9.9, 11.0)] == [2, 0, 0, 2]
    assert {"PAUSED"} in [set(one.reasons) for one in strategy.decisions]


def test_a_strategy_on_several_venues_is_paused_and_not_retuned() -> None:
    strategy = cross()
    steps = {
        5.05: lambda on: on.pause(paused=True),
        6.05: lambda on: on.change("order_size", "0.02", ""),
        7.05: lambda on: on.status(),
        10.05: lambda on: on.resume("back"),
    }
    said = played(strategy, cross_walk(15), steps, others=others())
    assert isinstance(said[1], UserError)
    assert "run file only" in str(said[1])
    assert said[2]["paused"] is True
    quoting = [one for one in strategy.decisions if one.bid_prices or one.ask_prices]
    assert quoting
    assert not [one for one in quoting if T0 + 5.1 * S < one.ts_ns < T0 + 10 * S]
    assert [one for one in quoting if one.ts_ns > T0 + 10 * S], "and it quotes again"


def test_orders_need_a_known_instrument_and_a_halt_is_for_everything() -> None:
    strategy = maker()
    name = maker_fields()["instrument_id"]
    steps = {
        5.05: lambda on: on.order("reduce_only", "why", "NOT.THERE"),
        5.15: lambda on: on.order("halt", "why", name),
        5.25: lambda on: on.order("widen", "", name),
        6.05: lambda on: on.order("flatten", "why", name),
        8.05: lambda on: on.resume("done"),
        9.05: lambda on: on.order("halt", "why", ""),
        10.05: lambda on: on.order("flatten", "why", ""),
        11.05: lambda on: on.resume("done"),
        12.05: lambda on: on.resume("once more"),
    }
    said = played(strategy, calm(15), steps)
    assert [isinstance(one, UserError) for one in said] == [True] * 3 + [False] * 3 + [True, False, False]
    assert said[3].startswith("flatten")
    assert said[4] == (True, "every halt and order is ended")
    assert said[8] == (True, "nothing was held back")
    assert [working(strategy, at) for at in (5.9, 7.0, 8.9, 10.9, 12.9)] == [2, 0, 2, 0, 2]


@pytest.mark.parametrize(
    ("parameter", "value", "sizes"),
    [
        ("limits.max_position", "0.010", {(0.01,)}),
        ("order_size", "0.020", {(0.02, 0.01)}),
        ("ladder.levels", "2", {(0.01, 0.01)}),
    ],
)
def test_a_change_holds_at_once(parameter: str, value: str, sizes: set[tuple[float, ...]]) -> None:
    strategy = maker(ladder={"levels": 3})
    (said,) = played(strategy, calm(10), {5.05: lambda on: on.change(parameter, value, "")})
    assert said[1] == value
    quoted = [(one.ts_ns, tuple(size for size in one.bid_sizes if size)) for one in strategy.decisions if one.bid_sizes]
    assert {found for at_ns, found in quoted if at_ns < T0 + 5 * S} == {(0.01, 0.01, 0.01)}
    assert {found for at_ns, found in quoted if at_ns > T0 + 6 * S} == sizes


def test_a_size_that_is_no_whole_lot_is_refused_and_nothing_breaks() -> None:
    strategy = maker()
    (said,) = played(strategy, calm(10), {5.05: lambda on: on.change("order_size", "0.0105", "")})
    assert "not a multiple of the lot size" in str(said)
    assert working(strategy, 9.5) == 2
