"""What the operator's commands do to strategies of one market and of several, and to the risk monitor's books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from arbitrage_kit import BALANCES, arbitrage, venues_of
from arbitrage_kit import A as ONE
from arbitrage_kit import B as TWO
from arbitrage_kit import calm as arbitrage_calm
from cross_kit import A, B, C, cross, others
from cross_kit import walk as cross_walk
from engine_kit import MS, T0, Latency, Watched, engine_with, maker_fields, quote
from nautilus_trader.common import DataActor
from test_portfolio_market_maker import NAMES, pairs, still
from test_portfolio_market_maker import Watched as Portfolio
from test_portfolio_market_maker import told as portfolio

from mm_nautilus.actors import RiskMonitor, RiskMonitorConfig
from mm_nautilus.errors import UserError
from mm_nautilus.live.beside.beside import _ORDERS_ALONE
from mm_nautilus.live.beside.surface import NodeSurface
from mm_nautilus.live.keeping import held_over
from mm_nautilus.live.recovering import recovering
from mm_nautilus.live.recovery import RecoverySettings
from mm_nautilus.live.state_file import Identity
from mm_nautilus.messages import AlertFact
from mm_nautilus.strategies import MarketMakerConfig

S = 1_000 * MS
BOTH = (ONE, TWO)
TWO_QUOTED: dict[str, Any] = {
    "venues": [
        {"instrument_id": str(A), "hedge": False},
        {"instrument_id": str(B), "hedge": False},
        {"instrument_id": str(C), "quote": False},
    ]
}


class Alerted(Watched):
    """A maker that keeps its alerts, too."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.alerts: list[AlertFact] = []

    def publish_message(self, topic: str, message: Any) -> None:
        if isinstance(message, AlertFact):
            self.alerts.append(message)
        super().publish_message(topic, message)


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


def test_a_strategy_on_several_venues_is_paused_and_told_which_one_quotes_otherwise() -> None:
    strategy = cross(**TWO_QUOTED)
    steps = {
        5.05: lambda on: on.pause(paused=True),
        6.05: lambda on: on.change("order_size", "0.020", ""),
        7.05: lambda on: on.change("order_size", "0.020", str(A)),
        7.15: lambda on: on.change("limits.max_position", "0.100", str(A)),
        7.25: lambda on: on.status(),
        10.05: lambda on: on.resume("back"),
    }
    said = played(strategy, cross_walk(15), steps, others=others())
    assert isinstance(said[1], UserError)
    assert f"one of {A}, {B}" in str(said[1])
    assert said[2] == ("0.010", "0.020")
    assert said[4]["paused"] is True
    assert said[4]["values"] == {str(A): {"order_size": ("0.020", "0.010"), "limits.max_position": ("0.100", "0.200")}}
    quoting = [one for one in strategy.decisions if one.bid_prices or one.ask_prices]
    assert not [one for one in quoting if T0 + 5.1 * S < one.ts_ns < T0 + 10 * S]
    sizes = {
        name: {
            size for one in quoting if one.instrument_id == name and one.ts_ns > T0 + 10 * S for size in one.bid_sizes
        }
        for name in (str(A), str(B))
    }
    assert max(sizes[str(A)]) == 0.02, "it quotes again, and more on the one"
    assert max(sizes[str(B)]) == 0.01
    place = strategy._cross.places[0]
    assert (place.size_lots, place.market.limit_lots) == (20, 100), "and hedges elsewhere are counted for as much"


def test_a_member_of_a_portfolio_is_told_and_the_gamma_of_all_is_not() -> None:
    strategy = Portfolio(portfolio())
    steps = {
        5.05: lambda on: on.change("order_size", "0.020", NAMES[1]),
        5.15: lambda on: on.change("requote.tolerance_ticks", "3", NAMES[1]),
        5.25: lambda on: on.change("gamma", "5", NAMES[1]),
        5.35: lambda on: on.change("limits.max_position", "0.060", NAMES[1]),
        5.45: lambda on: on.pause(paused=True),
        7.05: lambda on: on.resume("back"),
    }
    first, *more = pairs()
    said = played(strategy, still(2), steps, instrument=first, others=more)
    assert said[:2] == [("0.010", "0.020"), ("0", "3")]
    assert "order_size" in str(said[2])
    assert "at most 0.050, as in the run file" in str(said[3])
    for name, size in ((NAMES[0], 0.01), (NAMES[1], 0.02)):
        quoted = [one for one in strategy.decisions(name) if one.bid_sizes]
        assert {one.bid_sizes for one in quoted if one.ts_ns < T0 + 5 * S} == {(0.01,)}
        assert {one.bid_sizes for one in quoted if one.ts_ns > T0 + 7 * S} == {(size,)}
        assert not [one for one in quoted if T0 + 5.5 * S < one.ts_ns < T0 + 7 * S]
    assert list(strategy._tolerances) == pytest.approx([0.05, 0.3])
    assert [strategy._terms(leg).order_size for leg in strategy._members] == pytest.approx([0.01, 0.02])


def crossing(seconds: int) -> list[Any]:
    """Return two venues of which every half second the other one is the dearer."""
    return [
        quote(price, price + 2, T0 + k * 500 * MS, lots=100, instrument_id=one)
        for k in range(2 * seconds)
        for one, price in zip(BOTH, (4000, 4006) if k % 2 else (4006, 4000), strict=True)
    ]


def test_an_arbitrage_takes_nothing_while_it_is_paused() -> None:
    strategy = arbitrage(cooldown_s=0.0)
    steps = {
        3.05: lambda on: on.pause(paused=True),
        3.15: lambda on: on.change("order_size", "1", ""),
        3.25: lambda on: on.status(),
        3.35: lambda on: on.order("widen", "", "NOT.THERE"),
        6.05: lambda on: on.resume("back"),
    }
    engine: dict[str, Any] = {"account": "CASH", "balances": BALANCES, "taker_fee": "0"} | venues_of(BOTH)
    said = played(strategy, crossing(9), steps, **engine)
    assert said[0] == "nothing more is taken; what is under way is finished, hedges go on"
    assert "quotes nothing" in str(said[1])
    assert said[2]["paused"] is True
    assert set(said[2]["instruments"]) == {str(one) for one in BOTH}
    assert f"one of {BOTH[0]}, {BOTH[1]}" in str(said[3])
    assert said[4] == (True, "taking again")
    taken = [one.ts_ns for one in strategy.of("TAKEN")]
    assert min(taken) < T0 + 3 * S
    assert max(taken) > T0 + 6 * S
    assert not [at_ns for at_ns in taken if T0 + 3.05 * S <= at_ns < T0 + 6.05 * S]
    assert any(one.reason.endswith("; paused by the operator") for one in strategy.of("MISSED"))


def test_what_is_under_way_is_finished_and_its_residual_hedged_in_a_pause() -> None:
    """Both legs are out when the pause comes, one of them finds nothing, and what the other bought is sold again."""
    data = arbitrage_calm(2)
    data += [quote(4000, 4002, T0 + 2 * S, instrument_id=BOTH[0]), quote(4006, 4008, T0 + 2 * S, instrument_id=BOTH[1])]
    data += [quote(3999, 4001, T0 + 2 * S + 10 * MS, instrument_id=BOTH[1])]
    data += arbitrage_calm(3, from_s=3)
    strategy = arbitrage(submit_ns=40 * MS)
    engine: dict[str, Any] = {"account": "CASH", "balances": BALANCES, "taker_fee": "0"} | venues_of(BOTH)
    played(strategy, data, {2.02: lambda on: on.pause(paused=True)}, latency=Latency(40, 0, 0), **engine)
    (done,) = strategy.of("DONE")
    assert done.verdict == "LEGGED"
    assert done.ts_ns > T0 + 2.02 * S
    assert sum(fill.size for fill in strategy.fills if fill.purpose == "HEDGE") == done.residual > 0


IDENTITY = Identity("MM-001", ("SIM-001-live",), "MarketMaker", (maker_fields()["instrument_id"],))


class Dying(Alerted):
    """A maker that writes its state while it starts, and gets no further."""

    def _adopt_orders(self) -> None:
        self._persist()
        raise RuntimeError("the power is gone")


def life(
    folder: Path,
    data: list[Any],
    steps: dict[float, Callable[[NodeSurface], Any]],
    kind: type[Alerted] = Alerted,
    **changes: Any,
) -> Any:
    """Run a maker as on a real account with its state in a folder; return it and what came of each step."""
    file = folder / "one.state"
    settings = RecoverySettings(IDENTITY, file, "cancel", 1.0, changes.pop("keep_operator", True))
    told = maker_fields(state_file=str(file), **changes)
    strategy = recovering(kind, settings)(MarketMakerConfig(**told))
    return strategy, played(strategy, data, steps)


def test_a_pause_and_values_hold_over_a_restart_until_the_operator_says_otherwise(tmp_path: Path) -> None:
    first, _ = life(
        tmp_path,
        calm(10),
        {5.05: lambda on: on.change("limits.max_position", "0.020", ""), 6.05: lambda on: on.pause(paused=True)},
    )
    assert first.alerts == []
    second, said = life(tmp_path, calm(15), {1.05: lambda on: on.status(), 10.05: lambda on: on.resume("back")})
    name = maker_fields()["instrument_id"]
    told = [
        "paused by the operator until a resume",
        f"{name}: limits.max_position is 0.020 by the operator, 0.030 in the run file",
    ]
    assert [(one.source, one.text) for one in second.alerts] == [("operator", words) for words in told]
    assert held_over(second) == told
    assert said[0]["paused"] is True
    assert said[0]["values"] == {name: {"limits.max_position": ("0.020", "0.030")}}
    assert [working(second, at) for at in (9.9, 11.0)] == [0, 2]
    third, said = life(tmp_path, calm(8), {5.05: lambda on: on.change("limits.max_position", "0.030", "")})
    assert held_over(third) == told[1:], "the pause was ended, the value was not"
    assert said == [("0.020", "0.030")]
    fourth, _ = life(tmp_path, calm(5), {})
    assert held_over(fourth) == [], "the run file's own value is no order"
    assert working(fourth, 4.9) == 2


def test_who_dies_while_starting_has_forgotten_nothing(tmp_path: Path) -> None:
    life(tmp_path, calm(8), {5.05: lambda on: on.pause(paused=True)})
    with pytest.raises(Exception, match="the power is gone"):
        life(tmp_path, calm(5), {}, Dying)
    third, _ = life(tmp_path, calm(5), {})
    assert held_over(third) == ["paused by the operator until a resume"]
    assert working(third, 4.9) == 0


def test_what_no_longer_fits_the_run_file_is_said_and_what_is_to_be_forgotten_is(tmp_path: Path) -> None:
    life(tmp_path, calm(8), {5.05: lambda on: on.change("limits.max_position", "0.020", "")})
    lower, _ = life(tmp_path, calm(5), {}, limits={"max_position": "0.010"})
    (words,) = held_over(lower)
    assert "limits.max_position = 0.020 of the operator does not hold any more" in words
    assert "at most 0.010, as in the run file" in words
    assert [one.text for one in lower.alerts] == [words]
    life(tmp_path, calm(8), {5.05: lambda on: on.pause(paused=True)})
    forgotten, _ = life(tmp_path, calm(5), {}, keep_operator=False)
    assert held_over(forgotten) == []
    assert working(forgotten, 4.9) == 2
    again, _ = life(tmp_path, calm(5), {})
    assert held_over(again) == [], "and it stays forgotten"


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
