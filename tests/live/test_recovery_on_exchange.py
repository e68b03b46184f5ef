"""Restarts, strangers, flattening and the account's lock, on an exchange of our own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file

pytestmark = pytest.mark.e2e
LOT = 0.001


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with Exchange(seed=3) as running:
        yield running


def start(folder: Path, exchange: Exchange, *settings: str, name: str = "runs") -> LiveProcess:
    (folder / name).mkdir()
    path = run_file(folder, exchange)
    changes = [word for one in settings for word in ("--set", one)]
    return LiveProcess(str(path), "--confirm", ACCOUNT, *changes, output=folder / name)


def quotes(truth: dict) -> bool:
    return sum(order["link"].startswith("O-") for order in truth["open"]) == 2


def test_positions_are_worked_off_on_a_stop_where_that_is_asked_for(exchange: Exchange, tmp_path: Path) -> None:
    process = start(tmp_path, exchange, "live.on_stop=flatten", "live.flatten_within_s=60")
    process.until(exchange, lambda truth: quotes(truth) and truth["position"] != 0)
    process.ask_to_stop(signal.SIGTERM)
    code, printed = process.ended()
    truth = exchange.truth()
    assert code == 0, printed
    assert truth["position"] == 0
    assert truth["open"] == []
    assert process.result()["live"]["left_held"] == {}


def test_what_could_not_be_worked_off_is_reported(exchange: Exchange, tmp_path: Path) -> None:
    process = start(tmp_path, exchange, "live.on_stop=flatten", "live.flatten_within_s=1")
    process.until(exchange, lambda truth: quotes(truth) and truth["position"] != 0)
    exchange.faults(reject=1.0)
    process.ask_to_stop()
    code, printed = process.ended()
    truth = exchange.truth()
    assert code == 0, printed
    assert truth["open"] == []
    assert truth["position"] != 0
    (left,) = process.result()["live"]["left_held"].values()
    assert float(left) == pytest.approx(truth["position"] * LOT)


def test_a_second_node_on_the_account_is_refused_with_the_first_ones_number(exchange: Exchange, tmp_path: Path) -> None:
    first = start(tmp_path, exchange)
    first.until(exchange, quotes)
    sent = exchange.truth()["orders"]
    second = start(tmp_path, exchange, name="second")
    code, printed = second.ended()
    assert code == 2, printed
    assert f"process {first.pid}" in printed
    assert "Traceback" not in printed
    assert len(printed.splitlines()) < 24
    first.ask_to_stop()
    assert first.ended()[0] == 0
    assert sent > 0


def test_the_state_of_another_run_is_refused_before_the_first_order(exchange: Exchange, tmp_path: Path) -> None:
    first = start(tmp_path, exchange)
    first.until(exchange, quotes)
    first.kill()
    (state,) = (tmp_path / "state").glob("*.state")
    state.write_bytes(state.read_bytes()[:-20])
    torn = start(tmp_path, exchange, name="torn")
    code, printed = torn.ended()
    assert code == 2, printed
    assert "torn or was edited" in printed
    state.unlink()
    other = start(tmp_path, exchange, "live.trader=MM-002", name="other")
    other.until(exchange, quotes)
    other.kill()
    (theirs,) = (tmp_path / "state").glob("MM-002*.state")
    theirs.rename(state)
    sent = exchange.truth()["orders"]
    mine = start(tmp_path, exchange, name="mine")
    code, printed = mine.ended()
    assert code == 2, printed
    assert "trader: the file says MM-002, the run file MM-001" in printed
    assert "Traceback" not in printed
    assert exchange.truth()["orders"] == sent


@pytest.mark.parametrize("policy", ["cancel", "claim"])
def test_unknown_orders_are_cancelled_or_claimed_before_the_first_quote(
    exchange: Exchange, tmp_path: Path, policy: str
) -> None:
    exchange.incident("external_order", lots=5, ticks_away=3000, side="Buy")
    exchange.incident("external_trade", lots=2, side="Buy")
    process = start(tmp_path, exchange, f"live.unknown_orders={policy}")
    process.until(exchange, lambda truth: quotes(truth) and len(truth["open"]) == 2)
    exchange.incident("external_order", lots=5, ticks_away=3000, side="Sell")  # and one while we trade
    process.until(exchange, lambda truth: quotes(truth) and len(truth["open"]) == 2)
    process.ask_to_stop()
    code, printed = process.ended()
    assert code == 0, printed
    truth, live = exchange.truth(), process.result()["live"]
    assert truth["open"] == []
    (unknown,) = live["recovery"]["unknown_orders"]
    assert unknown.startswith("by-hand-1 (BUY 0.005 BTCUSDT-LINEAR.BYBIT at ")
    (held,) = live["positions"].values()
    assert float(held["books"]) == float(held["engine"]) == pytest.approx(truth["position"] * LOT)


def test_unknown_orders_are_a_reason_not_to_start_where_the_run_file_says_so(
    exchange: Exchange, tmp_path: Path
) -> None:
    exchange.incident("external_order", lots=5, ticks_away=3000, side="Buy")
    process = start(tmp_path, exchange, "live.unknown_orders=refuse")
    code, printed = process.ended()
    assert code == 2, printed
    assert "by-hand-1 (BUY 0.005 BTCUSDT-LINEAR.BYBIT" in printed
    assert exchange.truth()["orders"] == 1


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("no redis-server here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    folder = tmp_path / "redis"
    folder.mkdir()
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(60)


def test_orders_and_positions_of_a_killed_node_are_in_redis(
    exchange: Exchange, tmp_path: Path, redis_port: int
) -> None:
    import redis

    setting = f"live.redis.port={redis_port}"
    first = start(tmp_path, exchange, setting)
    first.until(exchange, lambda truth: quotes(truth) and len(truth["executions"]) >= 2)
    before = {order["link"] for order in exchange.truth()["open"]}
    with redis.Redis(port=redis_port) as client:

        def kept(_truth: dict) -> bool:  # what changed is written in batches
            names = {key.decode().rpartition(":")[2] for key in client.scan_iter("trader-MM-001:orders:*")}
            return before <= names and any(client.scan_iter("trader-MM-001:positions:*"))

        first.until(exchange, kept)
        first.kill()
        assert kept({})
    left = exchange.truth()
    second = start(tmp_path, exchange, setting, name="second")
    second.until(exchange, lambda truth: truth["orders"] > left["orders"] and quotes(truth))
    second.ask_to_stop(signal.SIGTERM)
    code, printed = second.ended()
    assert code == 0, printed
    truth, live = exchange.truth(), second.result()["live"]
    assert live["ended_by"] == "SIGTERM"
    assert truth["open"] == []
    assert live["recovery"]["differences"] == []
    (held,) = live["positions"].values()
    assert float(held["books"]) == float(held["engine"]) == pytest.approx(truth["position"] * LOT)


def test_a_redis_that_is_not_there_is_a_mistake_of_one_screen(exchange: Exchange, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(tmp_path, exchange, f"live.redis.port={port}")
    code, printed = process.ended()
    assert code == 2, printed
    assert "redis" in printed.lower()
    assert "Traceback" not in printed
    assert len(printed.splitlines()) < 24


SWITCH = "live.venues.0.dead_man_s=3"


def test_the_exchange_cancels_the_orders_of_a_killed_node(exchange: Exchange, tmp_path: Path) -> None:
    process = start(tmp_path, exchange, SWITCH)
    process.until(exchange, quotes)
    process.kill()
    assert exchange.truth()["open"], "a lost connection alone cancels nothing"
    exchange.until(lambda truth: truth["open"] == [], 60.0)


def test_the_exchange_cancels_the_orders_of_a_node_that_hangs(exchange: Exchange, tmp_path: Path) -> None:
    process = start(tmp_path, exchange, SWITCH)
    process.until(exchange, quotes)
    process.ask_to_stop(signal.SIGSTOP)
    exchange.until(lambda truth: truth["open"] == [])
    process.ask_to_stop(signal.SIGCONT)
    process.until(exchange, quotes)  # it goes on without anybody's help
    process.ask_to_stop()
    code, printed = process.ended()
    assert code == 0, printed
    assert exchange.truth()["open"] == []


def test_a_switch_that_the_exchange_does_not_take_is_a_mistake_of_one_screen(
    exchange: Exchange, tmp_path: Path
) -> None:
    exchange.faults(no_dead_man=True)
    process = start(tmp_path, exchange, SWITCH)
    code, printed = process.ended()
    assert code == 2, printed
    assert "dead_man_s: Bybit does not take it: 10005: Permission denied" in printed
    assert "Traceback" not in printed
    assert exchange.truth()["orders"] == 0
