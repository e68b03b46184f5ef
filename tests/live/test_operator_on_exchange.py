"""An operator pauses an arbitrage, the node is killed, and the next one does not begin until it is told to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess
from test_several_instruments_on_exchange import ARBITRAGE, TWIN, run_file

from mm_nautilus.live.beside.client import Client

pytestmark = pytest.mark.e2e
CROSSES_EVERY_S = 4.0
"""The second contract is away from the first one's walk for a second of every four."""
SETTLED_S = 2.0
"""What was under way when the pause came, and its hedges, are over by then."""


def taken(truth: dict[str, Any]) -> int:
    return sum(len(one["executions"]) for one in (truth, *truth["contracts"].values()))


def still_paused(exchange: Exchange) -> None:
    """See the prices cross, and nothing taken."""
    time.sleep(SETTLED_S)
    before = taken(exchange.truth())
    time.sleep(1.5 * CROSSES_EVERY_S)
    assert taken(exchange.truth()) == before


def test_a_pause_of_an_arbitrage_outlives_its_node(tmp_path: Path) -> None:
    with Exchange(seed=3, also=[(TWIN, "BTC", 3000)]) as exchange:
        path = run_file(tmp_path, exchange, ARBITRAGE)

        def start(name: str) -> LiveProcess:
            (tmp_path / name).mkdir()
            channel = ("--set", "live.monitor.port=any", "--set", "live.monitor.control=true")
            return LiveProcess(str(path), "--confirm", ACCOUNT, *channel, output=tmp_path / name)

        first = start("first")
        try:
            first.until(exchange, lambda truth: taken(truth) > 0)
            status, answer = Client.of(first.folder).send("pause", reason="drill")
            assert (status, answer["outcome"]) == (200, "DONE"), answer
            assert answer["answer"] == "nothing more is taken; what is under way is finished, hedges go on"
            assert Client.of(first.folder).send("set", parameter="gamma", value="1", reason="drill")[0] == 409
            still_paused(exchange)
        finally:
            first.kill()
        before = taken(exchange.truth())
        second = start("second")
        try:
            second.until(exchange, lambda _truth: bool(list((tmp_path / "second").glob("*/live.json"))))
            client = Client.of(second.folder)
            second.until(exchange, lambda _truth: _paused(client))
            still_paused(exchange)
            assert taken(exchange.truth()) == before
            assert client.send("resume", reason="drill over")[1]["answer"] == "taking again"
            second.until(exchange, lambda truth: taken(truth) > before)
            second.ask_to_stop()
            code, printed = second.ended()
        finally:
            second.kill()
    assert code == 0, printed
    assert "paused by the operator until a resume" in printed.splitlines()
    assert second.result()["live"]["recovery"]["operator"] == ["paused by the operator until a resume"]
    alerts = pq.read_table(second.folder / "log/alerts.parquet").to_pylist()
    assert ("operator", "paused by the operator until a resume") in {(one["source"], one["text"]) for one in alerts}


def _paused(client: Client) -> bool:
    try:
        return bool(client.send("status")[1]["details"]["paused"])
    except (OSError, KeyError):  # not there yet
        return False
