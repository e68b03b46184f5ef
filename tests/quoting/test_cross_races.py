"""No interleaving of quotes and hedges on two venues, of their losses and of restarts breaks what `CrossGame` promises.

The promises: per venue and for the asset the worst case never passes its limit; ledger, desks and venues agree; no
hedge is made twice, trades with a quote of ours, or goes to a venue that is out; a quote that adds to the exposure
stands within what its fill can be hedged at; whatever fill beat whatever cancel, in quiet and liquid markets it is
hedged; no order is left behind.

How many sequences hypothesis plays is said as in `test_trading_races`; on the machine that decides, a fifth as many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from collecting import collect_when_due
from cross_game import CrossGame, Seat
from cross_play import LIQUIDITY, SEATS, VERDICTS, WAITS_S, deal, play
from desk_game import COMMANDS
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from random_play import HALF_SPREADS, MOVES
from test_trading_races import SEQUENCES

from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_desk import HedgeDesk
from mm_nautilus.inventory.limits import Holding
from mm_nautilus.inventory.venue_market import VenueMarket
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.restraint import Restraint
from mm_nautilus.venues.anchor import VenueAnchor
from mm_nautilus.venues.cross_quoting import CrossQuoting


class CrossMachine(RuleBasedStateMachine):
    """Hypothesis decides what happens next."""

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.game = deal(lambda options: data.draw(st.sampled_from(options)))
        self.game.market(0, 2)

    @rule(ticks=st.sampled_from(MOVES), half=st.sampled_from(HALF_SPREADS), index=st.sampled_from((None, 0, 1)))
    def drift(self, ticks: int, half: int, index: int | None) -> None:
        self.game.market(ticks, half, index)

    @rule(index=st.sampled_from(SEATS), kind=st.sampled_from(("locked", "crossed", "no bid", "no ask")))
    def unfit_market(self, index: int, kind: str) -> None:
        self.game.unfit(index, kind)

    @rule(seconds=st.sampled_from(WAITS_S))
    def wait(self, seconds: float) -> None:
        self.game.wait(seconds)

    @rule(index=st.sampled_from(SEATS), kind=st.sampled_from(COMMANDS), verdict=st.sampled_from(VERDICTS))
    def arrive(self, index: int, kind: str, verdict: str) -> None:
        if self.game.seats[index].connected:
            self.game.seats[index].arrive(kind, verdict)

    @rule(index=st.sampled_from(SEATS), verdict=st.sampled_from(VERDICTS), liquidity=st.sampled_from(LIQUIDITY))
    def arrive_hedge(self, index: int, verdict: str, liquidity: int) -> None:
        if self.game.seats[index].connected:
            self.game.arrive_hedge(index, verdict, liquidity)

    @rule(index=st.sampled_from(SEATS), count=st.integers(1, 4))
    def hear(self, index: int, count: int) -> None:
        for _ in range(count):
            self.game.seats[index].hear()

    @rule(index=st.sampled_from(SEATS), pick=st.integers(0, 7), lots=st.integers(1, 3))
    def rest_and_trade(self, index: int, pick: int, lots: int) -> None:
        if self.game.seats[index].connected:
            self.game.seats[index].arrive("submit")
        self.game.seats[index].trade(pick, lots)

    @rule(index=st.sampled_from(SEATS), pick=st.integers(0, 7))
    def cancel_unasked(self, index: int, pick: int) -> None:
        self.game.seats[index].cancel_unasked(pick)

    @rule(index=st.sampled_from(SEATS), told=st.booleans())
    def disconnect(self, index: int, told: bool) -> None:
        self.game.disconnect(index, told)

    @rule(index=st.sampled_from(SEATS))
    def reconnect(self, index: int) -> None:
        self.game.reconnect(index)

    @rule()
    def restart(self) -> None:
        self.game.restart()

    @invariant()
    def promises(self) -> None:
        self.game.check()

    def teardown(self) -> None:
        self.game.finish()
        collect_when_due()


CrossMachine.TestCase.settings = settings(
    max_examples=SEQUENCES if SEQUENCES < 1000 else SEQUENCES // 5,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
TestCrossRaces = CrossMachine.TestCase


def test_every_race_is_reached() -> None:
    seen: Counter[str] = Counter()
    for seed in range(150):
        seen += play(seed)
    expected = {
        *(f"{step} FILL" for step in ("NEEDED", "SENT", "FILLED", "REFUSED", "DONE")),
        *("hedge filled", "hedge filled in part", "hedge found nothing", "hedge rejected"),
        *("disconnect", "disconnect that is said", "restart", "fill before cancel", "fill before amend"),
        *("cancel meets closed order", "late cancel_rejected", "unsolicited cancel", "state INVENTORY_LIMIT"),
    }
    rare = {what: seen[what] for what in expected if seen[what] < 3}
    assert not rare, f"hardly ever happens: {rare}"


# ------------------------------------------------------------------ each promise can be seen to break


def breaks(message: str, wire: Callable[[CrossGame], None] = lambda _game: None, games: int = 200) -> None:
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
    monkeypatch.setattr(VenueMarket, "order", property(lambda self: None, lambda self, _order: None), raising=False)
    breaks("hedges on their way included")


def test_not_netting_what_the_other_venue_holds_passes_the_assets_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Holding("XYZ", "", 0.0, 0.0, 0.0, 1.0)
    monkeypatch.setattr(CrossGame, "holding", lambda self, seat: nothing)
    breaks("beyond the asset's limit")


def test_counting_on_a_hedge_that_is_yet_to_come_twice_passes_the_assets_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Holding("XYZ", "", 0.0, 0.0, 0.0, 1.0)
    monkeypatch.setattr(HedgeControl, "pending", lambda self, exposure: nothing)
    breaks("beyond the asset's limit")


def test_not_making_way_for_a_hedge_trades_with_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "hedge_room_lots", lambda self, side: 99)
    breaks("sent into our own quotes")


def test_quoting_against_a_hedge_that_is_out_trades_with_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Restraint, "bounds", lambda self, outer, position_lots: outer)
    breaks("a hedge trades with our own quote")


def test_keeping_the_hedge_capacity_of_a_venue_that_is_gone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = VenueMarket.__mro__[1].fault  # type: ignore[attr-defined]
    monkeypatch.setattr(VenueMarket, "fault", fault)
    breaks("a hedge sent to a venue that is out")


def test_quoting_on_a_venue_that_is_gone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CrossQuoting, "bar", _barred_for_hedges_alone)
    breaks("quoting on a venue that is")


def _barred_for_hedges_alone(self: CrossQuoting, index: int, reason: object, barred: bool, _now_ns: int) -> bool:
    self.places[index].market.barred = str(reason) if barred else None
    return True


def test_a_quote_that_nothing_holds_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VenueAnchor, "applied", lambda self, quote, top, trace: quote)
    breaks("a quote beyond its bound")


def test_forgetting_a_refused_hedge_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HedgeControl, "closed", lambda self, *_: None)
    breaks("a hedge in flight that is over")


def test_forgetting_the_fill_of_an_order_that_was_given_up_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The naive maker: what fills after its cancel was sent is nobody's."""
    hear_fill = CrossGame.hear_fill

    def forgetful(self: CrossGame, seat: Seat, fill: object) -> None:
        order = seat.desk.orders.get(fill.client_order_id)  # type: ignore[attr-defined]
        if order is None or order.status.name != "PENDING_CANCEL":
            hear_fill(self, seat, fill)  # type: ignore[arg-type]

    monkeypatch.setattr(CrossGame, "hear_fill", forgetful)
    breaks("is left in liquid markets")


def test_giving_up_after_one_order_leaves_something_unhedged(monkeypatch: pytest.MonkeyPatch) -> None:
    step = HedgeDesk.step

    def once(self: HedgeDesk, now_ns: int, demand: object, *others: object) -> object:
        return step(self, now_ns, None if len(self._ended) else demand, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(HedgeDesk, "step", once)
    breaks("is left")


def test_a_restart_that_forgets_what_rested_is_an_orphan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "adopt", lambda self, order: None)
    breaks("the desk believes in less")
