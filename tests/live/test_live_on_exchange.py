"""``run_live.py`` for real, on an exchange of our own: what the venue, the engine and the log say is one thing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, KEY, SECRET, LiveProcess, run_file

from mm_nautilus.analytics.audit import audit
from mm_nautilus.analytics.runlog import RunLog

pytestmark = pytest.mark.e2e
LOT = 0.001
EIGHT_HOURS_NS = 8 * 3_600_000_000_000


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with Exchange(seed=3) as running:
        yield running


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_quotes_fills_and_leaves_nothing_behind(
    exchange: Exchange, tmp_path: Path, output: Path, number: int
) -> None:
    process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, output=output)
    process.until(exchange, lambda truth: len(truth["executions"]) >= 4 and len(truth["open"]) == 2)
    process.ask_to_stop(number)
    code, printed = process.ended()
    assert code == 0, printed

    truth = exchange.truth()
    assert truth["open"] == []
    assert truth["connected"] == {"public": 0, "private": 0, "trade": 0}
    executions = truth["executions"]
    assert truth["position"] == sum(one["side"] * one["lots"] for one in executions)

    result = process.result()
    assert result["status"] == "completed"
    told = {"mode": "real", "ended_by": signal.Signals(number).name, "left_open": [], "left_held": {}}
    assert told.items() <= result["live"].items()
    assert audit(RunLog.open(process.folder)).traces  # quotes that are withdrawn on the way out included
    (traded,) = result["instruments"].values()
    assert float(traded["inventory"]["final"]) == pytest.approx(truth["position"] * LOT)
    assert float(traded["money"]["fees"]) == pytest.approx(float(truth["fees"]))
    fills = pq.read_table(process.folder / "log/fills.parquet").to_pylist()
    assert [one["trade_id"] for one in fills] == [one["id"] for one in executions]
    assert all(one["maker"] for one in executions)
    (funding,) = pq.read_table(process.folder / "log/funding.parquet").to_pylist()
    assert (funding["instrument_id"], funding["rate"]) == ("BTCUSDT-LINEAR.BYBIT", Decimal("0.0001"))
    assert 0 < funding["due_ns"] - funding["ts_ns"] <= EIGHT_HOURS_NS
    assert funding["due_ns"] % EIGHT_HOURS_NS == 0
    assert (process.folder / "report.html").is_file()

    everything = [printed.encode(), *(file.read_bytes() for file in output.rglob("*") if file.is_file())]
    assert not any(secret.encode() in text for secret in (KEY, SECRET) for text in everything)


def test_a_killed_node_takes_up_what_it_left(exchange: Exchange, tmp_path: Path, output: Path) -> None:
    path, again = run_file(tmp_path, exchange), tmp_path / "again"
    again.mkdir()
    first = LiveProcess(str(path), "--confirm", ACCOUNT, output=output)
    first.until(exchange, lambda truth: len(truth["executions"]) >= 2 and len(truth["open"]) == 2)
    exchange.incident("external_order", lots=5, ticks_away=3000, side="Buy")  # not ours, but on our account
    first.kill()
    left = exchange.truth()["orders"]
    second = LiveProcess(str(path), "--confirm", ACCOUNT, output=again)
    second.until(exchange, lambda truth: truth["orders"] > left + 1 and len(truth["executions"]) >= 4)
    second.ask_to_stop()
    code, printed = second.ended()
    truth = exchange.truth()
    assert code == 0, printed
    assert [one for one in truth["open"] if not one["link"].startswith("by-hand")] == []
    (traded,) = second.result()["instruments"].values()
    assert float(traded["inventory"]["final"]) == pytest.approx(truth["position"] * LOT)


@pytest.mark.parametrize("fault", ["mute_public", "refuse_public"], ids=["silent market", "dropped socket"])
def test_a_dead_feed_is_not_quoted_for_a_second(exchange: Exchange, tmp_path: Path, output: Path, fault: str) -> None:
    process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, output=output)
    process.until(exchange, lambda truth: len(truth["open"]) == 2)
    exchange.faults(**{fault: True})
    process.until(exchange, lambda truth: truth["open"] == [] and truth["blind"]["silences"] == 1)
    exchange.faults(**{fault: False})
    process.until(exchange, lambda truth: len(truth["open"]) == 2)  # nobody has to help
    process.ask_to_stop()
    code, printed = process.ended()
    assert code == 0, printed
    blind = exchange.truth()["blind"]
    assert blind["rested"] == []
    assert blind["withdrawn_s"]
    assert max(blind["withdrawn_s"]) < 1.0


def test_an_exchange_that_is_not_there_is_a_mistake_of_one_screen(tmp_path: Path, output: Path) -> None:
    with Exchange() as exchange:
        path = run_file(tmp_path, exchange)
    process = LiveProcess(str(path), "--confirm", ACCOUNT, "--set", "live.connect_within_s=2", output=output)
    code, printed = process.ended()
    assert code == 2, printed
    assert "BYBIT endpoint" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("arguments", "keys", "complaint"),
    [
        (["--confirm", ACCOUNT], False, "BYBIT_API_KEY, BYBIT_API_SECRET not set"),
        (["--confirm", "BYBIT-002"], True, "BYBIT-002: is no account of the run"),
        (["--confirm", ACCOUNT, "--paper"], True, "exclude each other"),
        (["--confirm", ACCOUNT, "--set", "live.venues.0.produkt=1"], True, "produkt"),
    ],
)
def test_a_mistake_is_said_before_the_first_order(
    exchange: Exchange, tmp_path: Path, output: Path, arguments: list[str], keys: bool, complaint: str
) -> None:
    process = LiveProcess(str(run_file(tmp_path, exchange)), *arguments, output=output, keys=keys)
    code, printed = process.ended()
    assert code == 2, printed
    assert complaint in printed
    assert "Traceback" not in printed
    assert len(printed.splitlines()) < 24
    assert list(output.iterdir()) == []
    assert exchange.truth()["orders"] == 0
