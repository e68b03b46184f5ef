"""What a run has to have for itself: lock, state, token, somebody to tell."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mm_nautilus.inventory.state import save_state
from mm_nautilus.live.account_lock import locked
from mm_nautilus.live.doctor.belongings import account_findings, operator_findings
from mm_nautilus.live.doctor.findings import Level
from mm_nautilus.live.keeping import Keeping, lock_of
from mm_nautilus.live.settings import LiveRun, load_live

QUICKSTART = Path(__file__).resolve().parents[2] / "configs" / "quickstart.toml"
LIVE = """
[live]
state_dir = "{folder}"

[[live.venues]]
name = "SIM"
adapter = "bybit"
product = "spot"
account = "SIM-001"
"""
OK, WARNING, PROBLEM = Level


@pytest.fixture
def run(tmp_path: Path) -> LiveRun:
    return loaded(tmp_path)


def loaded(folder: Path, *overrides: str) -> LiveRun:
    path = folder / "run.toml"
    path.write_text(QUICKSTART.read_text() + LIVE.format(folder=folder / "state"))
    return load_live(path, overrides)


def levels(run: LiveRun) -> list[Level]:
    return [one.level for one in account_findings(run)]


def test_a_machine_that_never_traded_has_neither_lock_nor_state(run: LiveRun, tmp_path: Path) -> None:
    assert levels(run) == [OK, OK]
    assert not (tmp_path / "state").exists()  # looking leaves nothing behind


def test_an_account_that_another_node_trades_is_a_problem(run: LiveRun) -> None:
    with locked(*lock_of(run)):
        held, _ = account_findings(run)
        assert held.level is PROBLEM
        assert "is being traded by process" in held.found
    assert levels(run) == [OK, OK]


def test_the_state_of_another_instrument_is_a_problem(run: LiveRun) -> None:
    keeping = Keeping.of(run)
    keeping.check()
    told = {"of": keeping.identity.saved() | {"instruments": ["ETHUSDT.SIM"]}}
    save_state(keeping.state_file, told)
    _, state = account_findings(run)
    assert state.level is PROBLEM
    assert "ETHUSDT.SIM" in state.found
    save_state(keeping.state_file, {"of": keeping.identity.saved()})
    assert levels(run) == [OK, OK]


def test_a_redis_that_does_not_answer_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert account_findings(loaded(tmp_path, "live.redis.port=9"))[0].level is PROBLEM
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert account_findings(loaded(tmp_path, f"live.redis.port={port}"))[0].level is OK
        named = loaded(tmp_path, "live.redis.url_env=REDIS_URL")
        monkeypatch.delenv("REDIS_URL", raising=False)
        assert "REDIS_URL is not set" in account_findings(named)[0].found
        monkeypatch.setenv("REDIS_URL", f"redis://me:open-sesame@127.0.0.1:{port}")
        found = account_findings(named)[0]
        assert found.level is OK
        assert "sesame" not in found.line


def test_somebody_should_be_told(run: LiveRun, tmp_path: Path) -> None:
    assert [one.level for one in operator_findings(run, {})] == [WARNING]
    named = loaded(tmp_path, "live.alerts.webhook_env=HOOK")
    assert [one.level for one in operator_findings(named, {})] == [PROBLEM]
    assert operator_findings(named, {"HOOK": "https://somewhere"}) == []


def test_a_monitor_that_others_reach_needs_a_token(tmp_path: Path) -> None:
    far = loaded(tmp_path, "live.monitor.port=9100", "live.monitor.host=0.0.0.0")
    token, _ = operator_findings(far, {})
    assert token.level is PROBLEM
    assert "MM_NAUTILUS_TOKEN" in token.found
    token, _ = operator_findings(far, {"MM_NAUTILUS_TOKEN": "x" * 32})
    assert token.level is OK
    assert "xxx" not in token.found
    near = loaded(tmp_path, "live.monitor.port=9100")
    assert operator_findings(near, {})[0].level is OK
