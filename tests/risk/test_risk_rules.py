"""Every rule fires when its quantity is there, keeps quiet when it is not, and lets go when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from risk_kit import BTC, SECOND, decision, fill, hedge, mark, monitor_of, only, order, stages

from mm_nautilus.messages import RiskFact
from mm_nautilus.risk.monitor import Monitor

type Feed = Callable[[Monitor, int], None]
"""Tells a monitor what happened in one second, given its end."""

ETH = "ETHUSDT.SIM"


def quiet(monitor: Monitor, now_ns: int) -> None:
    """A fit market at 100 that was just heard of."""
    monitor.marked(mark(now_ns))


def at(price: float) -> Feed:
    """Return a market whose mid is `price`."""
    return lambda monitor, now_ns: monitor.marked(mark(now_ns, price - 1.0, price + 1.0))


def holding(size: str, *, instrument: str = BTC) -> Feed:
    """Return a second in which so much is bought (or sold) at 100, as if from the start."""

    def feed(monitor: Monitor, now_ns: int) -> None:
        side = "SELL" if size.startswith("-") else "BUY"
        monitor.filled(fill(now_ns, side, size.strip("-"), "100", instrument=instrument, after=size), now_ns)
        monitor.marked(mark(now_ns, instrument=instrument, position=size))

    return feed


def silent(monitor: Monitor, now_ns: int) -> None:
    monitor.marked(mark(now_ns, None, None, market_ns=10 * SECOND, fault="STALE_BOOK"))


def crossed(monitor: Monitor, now_ns: int) -> None:
    monitor.marked(mark(now_ns, None, None, fault="CROSSED_BOOK"))


def wide(monitor: Monitor, now_ns: int) -> None:
    monitor.marked(mark(now_ns, None, None, fault="WIDE_BOOK"))


def moving(step: float) -> Feed:
    """Return a market that goes up and down by `step` each second."""

    def feed(monitor: Monitor, now_ns: int) -> None:
        at(100.0 + step * (now_ns // SECOND % 2))(monitor, now_ns)

    return feed


def spread(width: float) -> Feed:
    return lambda monitor, now_ns: monitor.marked(mark(now_ns, 100.0 - width / 2, 100.0 + width / 2))


def answered(milliseconds: int, *, command: str = "SUBMIT") -> Feed:
    """Return a second in which an order is sent, accepted, cancelled and gone, one of the answers this late."""

    def feed(monitor: Monitor, now_ns: int) -> None:
        name, sent_ns = f"O-{now_ns}", now_ns - 900 * 10**6
        late = {"SUBMIT": 1, "CANCEL": 1} | {command: milliseconds}
        monitor.ordered(order(sent_ns, "SUBMIT", name), sent_ns)
        monitor.ordered(order(sent_ns, "ACCEPTED", name), sent_ns + late["SUBMIT"] * 10**6)
        monitor.ordered(order(sent_ns, "CANCEL", name), now_ns)
        monitor.ordered(order(sent_ns, "CANCELED", name), now_ns + late["CANCEL"] * 10**6)

    return feed


def unanswered(monitor: Monitor, now_ns: int) -> None:
    """One order is sent and never answered, the rest as always."""
    if now_ns == 20 * SECOND:
        monitor.ordered(order(now_ns, "SUBMIT", "O-lost"), now_ns)
    answered(1)(monitor, now_ns)


def events(*names: str, reason: str = "", until: int = 10**9) -> Feed:
    """Return a second in which one order meets these events."""

    def feed(monitor: Monitor, now_ns: int) -> None:
        if now_ns <= until * SECOND:
            for name in ("SUBMIT", *names):
                monitor.ordered(order(now_ns, name, f"O-{now_ns}", reason=reason), now_ns)

    return feed


def trading(fills_per_s: float) -> Feed:
    """Return quotes that are hit once in ten seconds by their own intensity, and really so often."""

    def feed(monitor: Monitor, now_ns: int) -> None:
        monitor.decided(decision(now_ns, depths=(1.0,), a_per_s=0.05 * np.e))
        if fills_per_s and now_ns // SECOND % round(1.0 / fills_per_s) == 0:
            monitor.filled(fill(now_ns, "BUY", "0.001", "100", name=f"O-{now_ns}"), now_ns)

    return feed


def alarm(monitor: Monitor, now_ns: int) -> None:
    if now_ns == 20 * SECOND:
        monitor.hedged(hedge(now_ns, "ALARM"), now_ns)


def done(monitor: Monitor, now_ns: int) -> None:
    monitor.hedged(hedge(now_ns, "DONE"), now_ns)


def both(first: str, second: str) -> Feed:
    """Return a start that holds two assets."""

    def feed(monitor: Monitor, now_ns: int) -> None:
        holding(first)(monitor, now_ns)
        holding(second, instrument=ETH)(monitor, now_ns)

    return feed


def sell(size: str, *, instrument: str = BTC, at_s: int) -> Feed:
    """Return a market in which so much is sold at 100 once."""

    def feed(monitor: Monitor, now_ns: int) -> None:
        quiet(monitor, now_ns)
        if now_ns == at_s * SECOND:
            monitor.filled(fill(now_ns, "SELL", size, "100", name="O-9", instrument=instrument), now_ns)

    return feed


def nothing(monitor: Monitor, now_ns: int) -> None: ...


@dataclass(frozen=True)
class Case:
    """A rule with thresholds, a market in which it fires, one in which it must not, and one in which it lets go."""

    rule: str
    settings: dict[str, Any]
    bad: Feed
    good: Feed
    over: Feed
    start: Feed = quiet
    bad_s: int = 60
    name: str = ""


VAR = {"min_samples": 5, "sample_interval_s": 1.0, "horizon_s": 100.0, "half_life_s": 10.0}
REGIME = {"fast_half_life_s": 5.0, "slow_half_life_s": 500.0, "warm_up_s": 10.0}
CASES = [
    # ten bought at 100: a mid of 95 has lost 50
    Case("drawdown", {"reduce_only": 40.0}, at(95), at(97), at(99.5), holding("10")),
    Case("drawdown", {"reduce_only": 0.04}, at(95), at(97), at(99.5), holding("10"), name="of_capital"),
    Case("day_loss", {"reduce_only": 40.0}, at(95), at(97), at(99.5), holding("10")),
    Case("hour_loss", {"reduce_only": 40.0, "window_s": 60.0}, at(95), at(97), at(95), holding("10"), name="forgotten"),
    Case("value_at_risk", {"reduce_only": 50.0} | VAR, moving(1.0), moving(0.1), quiet, holding("5")),
    Case("gross_exposure", {"reduce_only": 1200.0}, at(130), at(110), at(90), holding("10")),
    Case("net_exposure", {"reduce_only": 500.0}, at(130), at(104), at(103), both("10", "-8")),
    Case("concentration", {"reduce_only": 0.8}, sell("9", instrument=ETH, at_s=30), quiet, nothing, both("10", "10")),
    Case("stale_feed", {"reduce_only": 15.0}, silent, quiet, quiet),
    Case("unfit_book", {"reduce_only": 5.0}, crossed, wide, quiet),
    Case("volatility_regime", {"reduce_only": 2.0} | REGIME, moving(10.0), moving(1.2), quiet, moving(1.0), 10),
    Case("spread_regime", {"reduce_only": 3.0} | REGIME, spread(20.0), spread(3.0), quiet, quiet, 10),
    Case("latency", {"reduce_only": 0.5}, answered(700), answered(300), answered(5), name="submit"),
    Case("latency", {"reduce_only": 0.5}, answered(700, command="CANCEL"), answered(300), answered(5), name="cancel"),
    Case("latency", {"reduce_only": 5.0}, unanswered, answered(300), events("ACCEPTED"), name="unanswered"),
    Case("rejects", {"reduce_only": 20.0}, events("REJECTED", reason="NO MARGIN"), events("ACCEPTED"), nothing),
    Case(
        "rejects", {"reduce_only": 20.0}, events("DENIED"), events("REJECTED", reason="POST_ONLY"), nothing, name="post"
    ),
    Case("cancel_rejects", {"reduce_only": 20.0}, events("CANCEL", "CANCEL_REJECTED"), events("CANCELED"), nothing),
    Case("message_rate", {"reduce_only": 2.5}, events("AMEND", "CANCEL"), events("AMEND", "UPDATED"), nothing),
    Case("fill_rate", {"reduce_only": 4.0, "hold_s": 1.0}, trading(1.0), trading(0.1), trading(0.1), name="many"),
    Case(
        "fill_rate",
        {"reduce_only": 4.0, "hold_s": 1.0},
        trading(0.0),
        trading(0.1),
        trading(0.1),
        bad_s=140,
        name="few",
    ),
    Case("hedge_alarms", {"reduce_only": 1.0, "window_s": 60.0}, alarm, done, done),
]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.name}".rstrip("-"))


class Play:
    """A monitor that lives from second to second."""

    def __init__(self, case: Case) -> None:
        settings = {"of_capital": True} if case.name == "of_capital" else {}
        self.case = case
        self.monitor = monitor_of(only(capital=1000.0, **{case.rule: case.settings | settings}))
        self.second = 10
        case.start(self.monitor, self.second * SECOND)

    def live(self, feed: Feed, seconds: int) -> list[str]:
        """Let it be told of so many seconds, and return every stage it has said since the start."""
        for _ in range(seconds):
            self.second += 1
            feed(self.monitor, self.second * SECOND)
            self.monitor.evaluate(self.second * SECOND)
        return stages(self.monitor)

    def settled(self) -> list[str]:
        """Let the case's start go on until everything has warmed up."""
        regimes = self.case.rule.endswith("_regime")
        return self.live(self.case.start, 60) if regimes else []


@each
def test_it_fires(case: Case) -> None:
    play = Play(case)
    assert play.settled() == []
    assert play.live(case.bad, case.bad_s) == ["REDUCE_ONLY"]
    facts = [fact for fact in play.monitor.outbox if isinstance(fact, RiskFact) and fact.rule == case.rule]
    fired = next(fact for fact in facts if fact.stage == "REDUCE_ONLY")
    assert fired.value is not None
    assert fired.value >= case.settings["reduce_only"]
    assert fired.reason


@each
def test_it_must_not_fire(case: Case) -> None:
    play = Play(case)
    play.settled()
    assert play.live(case.good, 200) == []


@each
def test_it_recovers(case: Case) -> None:
    play = Play(case)
    play.settled()
    play.live(case.bad, case.bad_s)
    if case.name == "unanswered":
        play.monitor.ordered(order(play.second * SECOND, "ACCEPTED", "O-lost"), play.second * SECOND)
    if case.rule == "concentration":
        holding("9", instrument=ETH)(play.monitor, play.second * SECOND)
    assert stages(play.monitor) == ["REDUCE_ONLY"]
    assert play.live(case.over, 700)[-1] == "NORMAL"


def test_the_scope_of_a_rule_is_what_it_measures() -> None:
    for case, scope in ((CASES[0], ""), (CASES[8], BTC)):
        play = Play(case)
        play.live(case.bad, 60)
        (state,) = [message for message in play.monitor.outbox if type(message).__name__ == "RiskState"]
        assert state.instrument_id == scope
        assert state.rules == (case.rule,)
        assert state.reason.startswith(case.rule)
