"""The risk monitor in the engine: what it says is obeyed and recorded, and nobody is waited for."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from engine_kit import INSTRUMENT, MS, T0, Latency, Watched, engine_with, maker_fields, quote
from nautilus_trader.model import QuoteTick

from mm_nautilus.actors import Recorder, RecorderConfig, RiskMonitor, RiskMonitorConfig
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.errors import ParameterError
from mm_nautilus.host.collector import rare_collections
from mm_nautilus.market import RiskStage
from mm_nautilus.messages import IncidentFact, OrderFact, QuoteDecision, RiskFact, RiskState
from mm_nautilus.strategies import MarketMakerConfig

SECOND = 1_000 * MS
DRILL = [
    {"after_s": 10.0, "action": "halt", "reason": "drill"},
    {"after_s": 20.0, "action": "resume", "reason": "drill over"},
]


def still(seconds: int) -> list[QuoteTick]:
    """Return a market that stands at 50,000 and is heard of ten times a second."""
    return [quote(499_990, 500_010, T0 + k * 100 * MS) for k in range(10 * seconds + 1)]


def falling(seconds: int) -> list[QuoteTick]:
    """Return a market that falls a tenth of a per mille each second from the fifth on."""
    ticks = [500_000 - 50 * max(0, k // 10 - 5) for k in range(10 * seconds + 1)]
    return [quote(mid - 10, mid + 10, T0 + k * 100 * MS) for k, mid in enumerate(ticks)]


class Run:
    """One run of a maker with a risk monitor and a recorder, and what it left behind."""

    def __init__(self, folder: Path, market: Sequence[Any], saved: dict[str, bytes] | None = None, **risk: Any) -> None:
        folder.mkdir(exist_ok=True)
        latency = Latency(5, 5, 5)
        self.folder = folder
        self.maker = Watched(MarketMakerConfig(**maker_fields(arrival=latency.fields())))
        self.monitor = RiskMonitor(RiskMonitorConfig(actor_id="RiskMonitor-001", **risk))
        if saved is not None:
            self.monitor.on_load(saved)
        self.recorder = Recorder(RecorderConfig(actor_id="Recorder-001", run_dir=folder))
        with ExitStack() as stack:
            engine = stack.enter_context(engine_with(self.maker, market, latency=latency))
            engine.add_actor(self.recorder)
            engine.add_actor(self.monitor)
            # The webhook's thread must not collect what earlier engines left: engine objects belong to this one.
            with rare_collections():
                engine.run()
                self.recorder.close()
            self.saved = self.monitor.on_save()
        self.log = RunLog.open(folder)

    def orders(self, event: str, after_s: float = 0.0, before_s: float = 1e9) -> list[OrderFact]:
        """Return what happened to quotes from one second of the run to another."""
        first, last = T0 + round(after_s * SECOND), T0 + round(before_s * SECOND)
        return [fact for fact in self.maker.order_facts if fact.event == event and first <= fact.ts_ns < last]

    def stages(self) -> list[tuple[float, str]]:
        """Return the seconds and the stages of the recorded states."""
        return [((fact.ts_ns - T0) / SECOND, fact.stage) for fact in self.log.messages(RiskState)]

    def entries(self) -> list[str]:
        return [fact.event for fact in self.log.messages(IncidentFact)]


def test_a_scheduled_halt_takes_every_quote_back_until_the_resume(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", still(30), operator=DRILL)
    assert run.monitor.fatal is None
    assert run.maker.fatal is None
    assert run.orders("SUBMIT", 0, 10)
    assert run.orders("CANCELED", 10, 10.1), "the cancels go out in the very instant, and take their latency"
    assert run.orders("SUBMIT", 10, 20) == []
    assert run.orders("SUBMIT", 20, 21), "and the quotes are back within a second of the resume"
    assert run.stages() == [(10.0, "HALT"), (20.0, "NORMAL")]
    assert run.entries() == ["RAISED", "FLAT", "QUOTES_GONE", "RESUMED"]
    record = json.loads((run.folder / "incident-1.json").read_bytes())
    assert record["reason"] == "halt: drill"
    assert record["entries"][0]["details"]["open_orders"] == 2
    assert record["resumed"] is not None
    assert len(record["entries"]) == 4


def test_an_incident_is_on_disk_while_it_happens(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    class Nosy(RiskMonitor):
        def resume_trading(self, reason: str) -> bool:
            record = json.loads((tmp_path / "run" / "incident-1.json").read_bytes())
            seen.append([entry["event"] for entry in record["entries"]])
            return super().resume_trading(reason)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "RiskMonitor", Nosy)
        Run(tmp_path / "run", still(30), operator=DRILL)
    assert seen == [["RAISED", "FLAT", "QUOTES_GONE"]]


def test_a_halt_rule_stops_a_maker_that_loses(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", falling(60), drawdown={"widen": 0.5, "halt": 3.0}, report_interval_s=5)
    stages = [stage for _, stage in run.stages()]
    assert stages[:2] == ["WIDEN", "HALT"]
    assert stages[-1] == "HALT", "nobody has resumed"
    (halted_s, _) = run.stages()[1]
    assert run.orders("SUBMIT", 0, halted_s)
    quotes = [fact for fact in run.orders("SUBMIT", halted_s) if fact.purpose == "QUOTE"]
    assert quotes == []
    widened = [d for d in run.log.messages(QuoteDecision) if d.bid_spread_multiplier == 2.0]
    assert widened, "the first stage let quotes stand wider"
    drawdowns = [fact for fact in run.log.messages(RiskFact) if fact.rule == "drawdown" and fact.stage == "HALT"]
    assert drawdowns[0].value is not None
    assert drawdowns[0].value >= 3.0


def test_what_is_said_does_not_depend_on_the_run(tmp_path: Path) -> None:
    first, second = (
        Run(tmp_path / name, falling(40), drawdown={"widen": 0.5, "halt": 30.0}, operator=DRILL) for name in ("a", "b")
    )
    for kind in (RiskState, RiskFact, IncidentFact):
        assert first.log.messages(kind) == second.log.messages(kind)
    name = "incident-1.json"
    assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_a_halt_outlives_a_restart(tmp_path: Path) -> None:
    halted = Run(tmp_path / "before", still(15), operator=DRILL[:1])
    assert halted.monitor.stage is RiskStage.HALT
    assert halted.orders("SUBMIT")
    again = Run(tmp_path / "after", still(15), halted.saved)
    assert again.orders("SUBMIT") == [], "not even before the first evaluation"
    assert again.stages()[0] == (0.0, "HALT")


def test_a_webhook_that_is_down_is_reported_and_never_waited_for(tmp_path: Path) -> None:
    webhook = {"url": "http://127.0.0.1:9/", "attempts": 2, "backoff_s": 0.01, "timeout_s": 0.5}
    run = Run(tmp_path / "run", still(30), operator=DRILL, webhook=webhook, report_notifications="at_stop")
    failed = [fact for fact in run.log.messages(IncidentFact) if fact.event == "NOTIFICATION_FAILED"]
    assert [fact.reason.partition(":")[0] for fact in failed] == ["told of RAISED", "told of RESUMED"]
    assert run.stages() == [(10.0, "HALT"), (20.0, "NORMAL")]


def test_a_webhook_that_hangs_delays_the_end_by_no_more_than_stated(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        started = time.monotonic()
        Run(tmp_path / "quick", still(30), operator=DRILL)
        plain_s = time.monotonic() - started
        started = time.monotonic()
        webhook = {"url": url, "timeout_s": 30.0, "close_timeout_s": 0.5}
        run = Run(tmp_path / "slow", still(30), operator=DRILL, webhook=webhook, report_notifications="at_stop")
        assert time.monotonic() - started < plain_s + 3.0
    assert run.entries().count("NOTIFICATION_FAILED") == 2


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        ({"operator": [{"at": "2020-01-01T00:00:00", "action": "halt", "reason": "x"}]}, "operator.0.at"),
        ({"webhook": {"url_env": "MM_NOT_THERE"}}, "risk.webhook.url_env"),
    ],
)
def test_what_cannot_be_carried_out_is_an_error_at_the_start(tmp_path: Path, risk: dict[str, Any], words: str) -> None:
    with pytest.raises(RuntimeError, match=words.replace(".", r"\.")):
        Run(tmp_path / "run", still(5), **risk)


def test_money_without_a_rate_stops_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", still(5), currency="EUR", drawdown={"halt": 1.0})
    assert isinstance(run.monitor.fatal, ParameterError)
    assert "risk.rates.USDT" in str(run.monitor.fatal)


def test_an_operator_s_methods(tmp_path: Path) -> None:
    class Handled(RiskMonitor):
        def on_start(self) -> None:
            super().on_start()
            steps = [
                lambda: self.widen("a bit", str(INSTRUMENT)),
                lambda: self.reduce_only("more"),
                lambda: self.flatten("all of it"),
                lambda: self.halt("enough"),
                lambda: self.resume_trading("fine"),
            ]
            for second, step in enumerate(steps, 1):
                callback = self.guard(lambda _event, step=step: step())
                self.clock.set_time_alert_ns(f"test_{second}", T0 + second * SECOND, callback=callback)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "RiskMonitor", Handled)
        run = Run(tmp_path / "run", still(10))
    assert run.monitor.fatal is None
    assert run.stages() == [
        (1.0, "WIDEN"),
        (2.0, "REDUCE_ONLY"),
        (3.0, "FLATTEN"),
        (4.0, "HALT"),
        (5.0, "NORMAL"),
        (5.0, "NORMAL"),
    ]
    operator = [fact.reason for fact in run.log.messages(RiskFact) if fact.rule == "operator"]
    assert operator[0] == f"widen {INSTRUMENT}: a bit"
    assert operator[-1] == "resume: fine"


def test_nobody_is_told_of_a_second_state_while_obeying_the_first(tmp_path: Path) -> None:
    class Single(Watched):
        """A maker that must not be told of a second state while it obeys the first."""

        obeying = False

        def _on_risk(self, state: Any) -> None:
            assert not self.obeying
            self.obeying = True
            super()._on_risk(state)
            self.obeying = False

    market = [tick for tick in still(30) if not T0 + 5 * SECOND < tick.ts_event < T0 + 20 * SECOND]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "Watched", Single)
        run = Run(tmp_path / "run", market, stale_feed={"widen": 2.0, "halt": 5.0})
    assert run.maker.fatal is None
    assert [stage for _, stage in run.stages()] == ["WIDEN", "HALT", "NORMAL"]
    assert run.orders("CANCEL", run.stages()[1][0], run.stages()[1][0] + 0.001), "the cancels answer the halt at once"
