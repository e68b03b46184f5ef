"""No interleaving of quotes, hedges, answers, losses and restarts breaks what `TradingGame` promises.

The promises: the worst case never passes the limit; ledger, desk and venue agree; no hedge is made twice nor trades
with a quote of ours; nothing that must be hedged is forgotten (in quiet and liquid markets it is gone, and whatever is
late has raised an alarm by its deadline); no order is left behind.

Hypothesis plays 10,000 sequences on the machine that decides whether a change lands, a few hundred elsewhere, and as
many as the variable ``MM_NAUTILUS_SEQUENCES`` says where it is set.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest
import trading_game
from collecting import collect_when_due
from desk_game import COMMANDS
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from random_play import HALF_SPREADS, MOVES
from trading_game import TradingGame
from trading_play import LIQUIDITY, STAGES, VERDICTS, WAITS_S, deal, play

from mm_nautilus.inventory import hedge_desk as hedge_desk_module
from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_demand import Demand
from mm_nautilus.inventory.hedge_desk import HedgeDesk
from mm_nautilus.inventory.hedge_market import HedgeMarket
from mm_nautilus.inventory.ledger import Ledger
from mm_nautilus.inventory.ledger_line import Booking
from mm_nautilus.inventory.state import VenueReport
from mm_nautilus.market import Side
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.restraint import Restraint

SEQUENCES = int(os.environ.get("MM_NAUTILUS_SEQUENCES", "10000" if os.environ.get("CI") else "200"))


class TradingMachine(RuleBasedStateMachine):
    """Hypothesis decides what happens next."""

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.game = deal(lambda options: data.draw(st.sampled_from(options)))
        self.game.market(998, 1002)

    @rule(ticks=st.sampled_from(MOVES), half_spread=st.sampled_from(HALF_SPREADS))
    def drift(self, ticks: int, half_spread: int) -> None:
        self.game.drift(ticks, half_spread)

    @rule(kind=st.sampled_from(("locked", "crossed", "no bid", "no ask")))
    def unfit_market(self, kind: str) -> None:
        self.game.unfit_market(kind)

    @rule(seconds=st.sampled_from(WAITS_S))
    def wait(self, seconds: float) -> None:
        self.game.wait(seconds)

    @rule(kind=st.sampled_from(COMMANDS), verdict=st.sampled_from(VERDICTS))
    def arrive(self, kind: str, verdict: str) -> None:
        self.game.arrive(kind, verdict)

    @rule(verdict=st.sampled_from(VERDICTS), liquidity=st.sampled_from(LIQUIDITY))
    def arrive_hedge(self, verdict: str, liquidity: int) -> None:
        self.game.arrive_hedge(verdict, liquidity)

    @rule(count=st.integers(1, 4))
    def hear(self, count: int) -> None:
        for _ in range(count):
            self.game.hear()

    @rule(pick=st.integers(0, 7), lots=st.integers(1, 3))
    def rest_and_trade(self, pick: int, lots: int) -> None:
        self.game.arrive("submit")
        self.game.trade(pick, lots)

    @rule(pick=st.integers(0, 7))
    def cancel_unasked(self, pick: int) -> None:
        self.game.cancel_unasked(pick)

    @rule()
    def delay_fill(self) -> None:
        self.game.delay_fill()

    @rule(pick=st.integers(0, 20))
    def repeat_fill(self, pick: int) -> None:
        self.game.repeat_fill(pick)

    @rule()
    def disconnect(self) -> None:
        self.game.disconnect()

    @rule(lost=st.booleans())
    def reconnect(self, lost: bool) -> None:
        self.game.reconnect(lost)

    @rule()
    def restart(self) -> None:
        self.game.restart()

    @rule()
    def save(self) -> None:
        self.game.save()

    @rule(stage=st.sampled_from(STAGES))
    def restrain(self, stage: object) -> None:
        self.game.restrain(stage)  # type: ignore[arg-type]

    @invariant()
    def promises(self) -> None:
        self.game.check()

    def teardown(self) -> None:
        self.game.finish(at_once=len(self.game.orders) % 2 == 0)
        for what in {fact.event for fact in self.game.facts}:
            event(what)
        collect_when_due()


TradingMachine.TestCase.settings = settings(
    max_examples=SEQUENCES,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
TestTradingRaces = TradingMachine.TestCase


def test_every_race_is_reached() -> None:
    seen: Counter[str] = Counter()
    for seed in range(400):
        seen += play(seed)
    expected = {
        *(f"{step} {cause}" for step in ("NEEDED", "SENT", "FILLED", "REFUSED", "DONE") for cause in CAUSES),
        *(f"ALARM {cause}" for cause in ("FILL", "FLATTEN", "INVENTORY_SHARE")),
        *(f"stage {stage.name}" for stage in STAGES),
        *("hedge filled", "hedge filled in part", "hedge found nothing", "hedge rejected", "fill told twice"),
        *("disconnect", "restart", "reconnect with everything lost", "fill before cancel", "unsolicited cancel"),
        *("late closed", "late cancel_rejected", "venue amend_rejected", "venue cancel_rejected"),
    }
    rare = {what: seen[what] for what in expected if seen[what] < 5}
    assert not rare, f"hardly ever happens: {rare}"
    assert seen["fill of a hedge that was over"] + seen["fill of an order we gave up"] >= 3


CAUSES = ("FILL", "FLATTEN", "EMERGENCY", "INVENTORY_SHARE", "BAND")


# ------------------------------------------------------------------ each promise can be seen to break


def breaks(message: str, wire: Callable[[TradingGame], None] = lambda _game: None, games: int = 300) -> None:
    """Assert that some game fails with a promise that says `message`."""
    said: Counter[str] = Counter()
    for seed in range(games):
        try:
            play(seed, wire=wire)
        except AssertionError as error:
            if message in str(error):
                return
            said[str(error)[:100]] += 1
    pytest.fail(f"no game broke with {message!r}; said instead: {said.most_common(3)}")


def test_not_counting_hedges_in_flight_hedges_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HedgeDesk, "in_flight", lambda self: 0.0)
    monkeypatch.setattr(HedgeMarket, "order", property(lambda self: None, lambda self, _order: None), raising=False)
    breaks("hedges on their way included")


def test_not_counting_a_hedge_in_the_worst_case_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Restraint, "hedge_lots", (0, 0))
    breaks("the desk believes in less")


def test_not_making_way_for_a_hedge_trades_with_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "hedge_room_lots", lambda self, side: 99)
    breaks("sent into our own quotes")


def test_quoting_against_a_hedge_that_is_out_trades_with_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Restraint, "bounds", lambda self, outer, position_lots: outer)
    breaks("a hedge trades with our own quote")


def test_booking_what_is_told_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Ledger.book

    def forgetful(self: Ledger, fill: object) -> Booking:
        self.line("XYZ.SIM").ids.clear()
        return book(self, fill)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "book", forgetful)
    breaks("is known")


def test_forgetting_a_refused_hedge_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hedge that was refused stays in flight for ever, and what it was for is not hedged."""
    monkeypatch.setattr(HedgeControl, "closed", lambda self, *_: None)
    breaks("a hedge in flight that is over")


def test_giving_up_after_one_order_leaves_something_unhedged(monkeypatch: pytest.MonkeyPatch) -> None:
    step = HedgeDesk.step

    def once(self: HedgeDesk, now_ns: int, demand: Demand | None, *more: float) -> object:
        return step(self, now_ns, None if len(self._ended) else demand, *more)

    monkeypatch.setattr(HedgeDesk, "step", once)
    breaks("is left")


def test_a_silent_deadline_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    said = HedgeDesk._said

    def quiet(self: HedgeDesk, now_ns: int, what: str, *others: object) -> None:
        if what != "ALARM":
            said(self, now_ns, what, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(HedgeDesk, "_said", quiet)
    breaks("a hedge is late and nobody says so")


def test_hedging_beyond_the_target_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    quantity = Demand.quantity.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(Demand, "quantity", property(lambda self: 2.5 * quantity(self)))
    breaks("turns")


def test_not_adopting_what_an_earlier_life_left_is_an_orphan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "adopt", lambda self, order: None)
    breaks("the desk believes in less")


def test_a_restart_that_asks_for_no_executions_loses_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trading_game, "VenueReport", lambda _executions, *others: VenueReport([], *others))
    breaks("a position nobody can explain")


def test_the_wrong_side_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        hedge_desk_module, "side_of", lambda _market, remaining: Side.SELL if remaining > 0 else Side.BUY
    )
    breaks("makes")
