"""What a user gets wrong before a live run: one screen that names it, exit code 2, no order, no run folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, KEY, ROOT, SECRET, LiveProcess, run_file

from mm_nautilus.inventory.state import load_state, save_state

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with Exchange(seed=3, keys=(KEY, SECRET)) as running:
        yield running


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def refused(
    exchange: Exchange, tmp_path: Path, output: Path, *arguments: str, mode: tuple[str, ...] = ("--confirm", ACCOUNT)
) -> str:
    """Return what is printed by a run that must not begin."""
    process = LiveProcess(str(run_file(tmp_path, exchange)), *mode, *arguments, output=output)
    code, printed = process.ended()
    assert code == 2, printed
    assert "Traceback" not in printed
    assert len(printed.splitlines()) < 24
    assert KEY not in printed
    assert SECRET not in printed
    assert list(output.iterdir()) == []
    return printed


@pytest.mark.parametrize(
    ("override", "complaints"),
    [
        ("strategy.instrument_id=BTCUSD-LINEAR.BYBIT", ["not listed", "listed are BTCUSDT-LINEAR.BYBIT"]),
        ("strategy.order_size=0.0105", ["order_size: 0.0105 is not a multiple of the lot size 0.001"]),
        ("strategy.limits.max_notional=100", ["limits.max_notional: 100 is below one order"]),
        ("venues.0.default_leverage=0.001", ["100000.00 free", "for one order at 0.001x", "deposit"]),
        ("live.checks.free_disk_mb=1000000000", ["MB free", "at least 1,000,000,000 MB", "make room"]),
        ("live.venues=[]", ["BYBIT is traded on and has no section", "only --replay is possible"]),
        ("live.venues.0.endpoints.http=http://127.0.0.1:9", ["BYBIT endpoint", "refused"]),
    ],
    ids=lambda value: value.partition("=")[0] if isinstance(value, str) else "",
)
def test_what_the_venue_or_the_machine_does_not_allow(
    exchange: Exchange, tmp_path: Path, output: Path, override: str, complaints: list[str]
) -> None:
    mode = ("--paper",) if override == "live.venues=[]" else ("--confirm", ACCOUNT)
    printed = refused(exchange, tmp_path, output, "--set", override, mode=mode)
    assert all(complaint in printed for complaint in complaints), printed
    assert exchange.truth()["orders"] == 0


@pytest.mark.parametrize(
    ("keys", "complaint"), [(("another key", SECRET), "API key is invalid"), ((KEY, "another secret"), "error sign!")]
)
def test_keys_that_are_not_the_accounts(tmp_path: Path, output: Path, keys: tuple[str, str], complaint: str) -> None:
    with Exchange(seed=3, keys=keys) as other:
        printed = refused(other, tmp_path, output)
        assert f"{ACCOUNT} access" in printed
        assert complaint in printed
        assert other.truth()["orders"] == 0


@pytest.mark.parametrize("ahead_ms", [1000, -1000])
@pytest.mark.parametrize("mode", [("--confirm", ACCOUNT), ("--paper",)], ids=["real", "paper"])
def test_a_clock_that_is_a_second_off(
    exchange: Exchange, tmp_path: Path, output: Path, ahead_ms: int, mode: tuple[str, ...]
) -> None:
    exchange.faults(clock_ahead_ms=ahead_ms)
    try:
        printed = refused(exchange, tmp_path, output, mode=mode)
    finally:
        exchange.faults(clock_ahead_ms=0)
    assert "BYBIT clock" in printed
    assert "synchronise this machine's clock" in printed


@pytest.mark.parametrize("mode", [("--confirm", ACCOUNT), ("--paper",)], ids=["real", "paper"])
def test_a_port_that_is_taken(exchange: Exchange, tmp_path: Path, output: Path, mode: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        printed = refused(exchange, tmp_path, output, "--set", f"live.monitor.port={port}", mode=mode)
    assert f"live.monitor.port: 127.0.0.1:{port}" in printed
    assert "in use" in printed


def doctor(path: Path, *arguments: str, keys: tuple[str, str] | None = (KEY, SECRET)) -> tuple[int, str]:
    """Return exit code and print of ``mm-nautilus doctor``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BYBIT")}
    if keys is not None:
        environment |= dict(zip(("BYBIT_API_KEY", "BYBIT_API_SECRET"), keys, strict=True))
    command = [str(Path(sys.executable).with_name("mm-nautilus")), "doctor", str(path), *arguments]
    ended = subprocess.run(
        command,
        env=environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=ROOT,
    )
    return ended.returncode, re.sub(r"\s+", " ", ended.stdout + ended.stderr)


def test_the_doctor_finds_nothing_wrong(exchange: Exchange, tmp_path: Path) -> None:
    code, printed = doctor(run_file(tmp_path, exchange))
    assert code == 0, printed
    assert "trading can begin" in printed
    for found in ("the keys are taken", "maker 0.0002, taker 0.00055", "100000.00 free of 100000.00", "tick 0.1, lot"):
        assert found in printed
    assert KEY not in printed
    assert SECRET not in printed
    assert exchange.truth()["orders"] == 0


def test_the_doctor_lists_all_that_is_wrong_at_once(exchange: Exchange, tmp_path: Path) -> None:
    exchange.faults(clock_ahead_ms=1500)
    try:
        code, printed = doctor(run_file(tmp_path, exchange), "--set", "venues.0.fees.maker_rate=0.0001", keys=None)
    finally:
        exchange.faults(clock_ahead_ms=0)
    assert code == 2
    assert "BYBIT_API_KEY, BYBIT_API_SECRET not set" in printed
    assert "2 problems" in printed
    assert "no [risk] table" in printed


def test_the_doctor_compares_fees_with_what_the_account_is_charged(exchange: Exchange, tmp_path: Path) -> None:
    code, printed = doctor(run_file(tmp_path, exchange), "--set", "venues.0.fees.maker_rate=0.0001")
    assert code == 0
    assert "the account pays more than was tested" in printed


def test_paper_trading_needs_no_keys(exchange: Exchange, tmp_path: Path) -> None:
    code, printed = doctor(run_file(tmp_path, exchange), "--paper", keys=None)
    assert code == 0, printed
    assert "the keys are taken" not in printed


def test_two_nodes_on_one_account_and_the_state_of_another_instrument(
    exchange: Exchange, tmp_path: Path, output: Path
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, output=first)
    exchange.until(lambda truth: len(truth["open"]) == 2)
    printed = refused(exchange, tmp_path, output)
    assert f"is being traded by process {process.pid}" in printed
    code, told = doctor(tmp_path / "loopback.toml")
    assert code == 2
    assert f"is being traded by process {process.pid}" in told
    process.ask_to_stop()
    assert process.ended()[0] == 0

    (kept,) = (tmp_path / "state").glob("*.state")
    state = load_state(kept)
    assert state is not None
    save_state(kept, state | {"of": state["of"] | {"instruments": ["ETHUSDT-LINEAR.BYBIT"]}})
    printed = refused(exchange, tmp_path, output)
    assert "is the state of another run" in printed
    assert "ETHUSDT-LINEAR.BYBIT" in printed
    assert exchange.truth()["open"] == []
