"""``[risk]`` and ``[[operator]]`` in a run file: mistakes are named, and the rest is carried out."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.run import run_backtest
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import load_run
from mm_nautilus.inventory.accounting import account_for
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import FillFact, IncidentFact, MarkFact, RiskFact, RiskState

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = tomllib.loads((ROOT / "configs" / "quickstart.toml").read_text())


def run_file(folder: Path, **sections: Any) -> Path:
    """Write the quickstart, short and with these sections."""
    tables = QUICKSTART | sections
    tables["data"] = {"catalog": str(folder / "catalogs"), "simulation": {"duration_s": 60, "seed": 1}}
    path = folder / "run.toml"
    path.write_text(tomli_w.dumps(tables))
    return path


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"operator": [{"after_s": 1, "action": "halt", "reason": "x"}]}, "operator: needs the table [risk]"),
        ({"risk": {"drawdwn": {"halt": 1}}}, "risk.drawdwn: unknown key, did you mean 'drawdown'?"),
        ({"risk": {"drawdown": {"hold": 1}}}, "risk.drawdown.hold: unknown key"),
        ({"risk": {"drawdown": {"widen": 9, "halt": 3}}}, "risk.drawdown: thresholds must rise with the stage"),
        ({"risk": {"drawdown": {"halt": 0.1, "of_capital": True}}}, "drawdown.of_capital needs capital"),
        ({"risk": {"rates": {"BTC": 60000}}}, "rates need currency"),
        ({"risk": {"currency": "USDT", "rates": {"BTC": "much"}}}, "rates.BTC: should be a number above 0 or an instr"),
        ({"risk": {"volatility_regime": {"slow_half_life_s": 5}}}, "slow_half_life_s (5) is not above"),
        ({"risk": {"webhook": {}}}, "risk.webhook: state either url or url_env"),
        ({"risk": {"rollover_utc": "noon"}}, "risk.rollover_utc"),
        ({"risk": {}, "operator": [{"action": "halt", "reason": "x"}]}, "operator.0: state either at or after_s"),
        ({"risk": {}, "operator": [{"after_s": 1, "action": "stop", "reason": "x"}]}, "operator.0.action: should be"),
        ({"risk": {}, "operator": [{"after_s": 1, "action": "halt", "reason": ""}]}, "operator.0.reason"),
        (
            {"risk": {}, "operator": [{"after_s": 1, "action": "halt", "reason": "x", "instrument_id": "A.B"}]},
            "operator.0: halt is for everything",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, sections: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_run(run_file(tmp_path, **sections))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"after_s": 61.0, "action": "halt"}, "operator.0.after_s: 2024-01-01T00:01:01"),
        ({"at": "2023-12-31T23:00:00", "action": "halt"}, "operator.0.at: 2023-12-31T23:00:00"),
        ({"after_s": 1, "action": "widen", "instrument_id": "BTCUSDT.SIM"}, "'BTCUSDT.SIM' is not traded in this run"),
    ],
)
def test_actions_that_would_never_happen(tmp_path: Path, action: dict[str, Any], words: str) -> None:
    path = run_file(tmp_path, risk={}, operator=[action | {"reason": "x"}])
    with pytest.raises(ConfigError) as caught:
        run_backtest(path, output=tmp_path / "runs")
    assert words in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_drill_from_the_run_file(tmp_path: Path) -> None:
    operator = [
        {"at": "2024-01-01T00:00:20", "action": "halt", "reason": "drill"},
        {"after_s": 40, "action": "resume", "reason": "over"},
    ]
    path = run_file(tmp_path, risk={"drawdown": {"halt": 1000}}, operator=operator)
    outcome = run_backtest(path, output=tmp_path / "runs")
    log = RunLog.open(outcome.run_dir)
    assert [state.stage for state in log.messages(RiskState)] == ["HALT", "NORMAL"]
    events = [fact.event for fact in log.messages(IncidentFact)]
    assert events[0] == "RAISED"
    assert events[-1] == "RESUMED"
    assert {"equity", "drawdown", "stale_feed", "latency", "rejects"} <= {f.rule for f in log.messages(RiskFact)}
    assert json.loads((outcome.run_dir / "incident-1.json").read_bytes())["resumed"].startswith("2024-01-01T00:00:4")
    again = load_run(outcome.run_dir / "run.toml")
    assert again.run_file.risk == load_run(path).run_file.risk
    assert again.run_file.operator == load_run(path).run_file.operator


def test_without_the_table_nothing_watches(tmp_path: Path) -> None:
    outcome = run_backtest(run_file(tmp_path), output=tmp_path / "runs")
    log = RunLog.open(outcome.run_dir)
    assert log.messages(RiskFact) == []
    resolved = (outcome.run_dir / "run.toml").read_text()
    assert "[risk" not in resolved
    assert "operator" not in resolved


def test_equity_is_that_of_the_accounting_at_the_same_instant(tmp_path: Path) -> None:
    path = run_file(tmp_path, risk={"report_interval_s": 7, "drawdown": {}})
    log = RunLog.open(run_backtest(path, output=tmp_path / "runs").run_dir)
    fills, marks = log.messages(FillFact), log.messages(MarkFact)
    equities = [fact for fact in log.messages(RiskFact) if fact.rule == "equity"]
    assert len(equities) >= 8
    assert any(fact.ts_ns < equities[-1].ts_ns for fact in fills)
    for equity in equities:
        mark = [mark for mark in marks if mark.ts_ns <= equity.ts_ns and mark.bid is not None][-1]
        mid = (Decimal(repr(mark.bid)) + Decimal(repr(mark.ask))) / 2
        booked = account_for((f for f in fills if f.ts_ns <= equity.ts_ns), mid, Contract("USDT", "SOL"))
        assert equity.value == float(booked.total)
