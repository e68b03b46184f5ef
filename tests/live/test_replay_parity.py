"""A catalogue through the backtest and through a live node: the same decisions, orders and fills."""

from __future__ import annotations

import os
import signal
import threading
import tomllib
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from simulated_kit import TWO_LEVELS, simulated

from mm_nautilus.backtest import run_backtest
from mm_nautilus.errors import DataError
from mm_nautilus.live.run import Replay, run_live
from mm_nautilus.parity.run import check_parity
from mm_nautilus.strategies.leg import QuotingLeg

# The engine makes ids from the wall's clock and at random; all else has to be the same.
IDS = {"client_order_id", "venue_order_id", "trade_id"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parity")


def written(home: Path, book: str, latency_ms: float, amend_ms: float) -> Path:
    latency = {"base_ms": latency_ms, "amend_ms": amend_ms}
    name = f"{book}-{latency_ms:g}-{amend_ms:g}"
    return simulated(home, name, 90, latency=latency, strategy={"book": book, "ladder": TWO_LEVELS})


def log(folder: Path) -> dict[str, pa.Table]:
    tables = {file.stem: pq.read_table(file) for file in sorted((folder / "log").glob("*.parquet"))}
    return {name: table.drop_columns(list(IDS & set(table.column_names))) for name, table in tables.items()}


@pytest.mark.parametrize(
    ("book", "latency_ms", "amend_ms", "speed"),
    [("L2", 5.0, 0.0, None), ("L2", 0.0, 0.0, None), ("L2", 40.0, 25.0, 60.0), ("L1", 5.0, 0.0, None)],
)
def test_a_replay_decides_and_trades_as_the_backtest(
    home: Path, book: str, latency_ms: float, amend_ms: float, speed: float | None
) -> None:
    path = written(home, book, latency_ms, amend_ms)
    tested = run_backtest(path, output=home / "backtests")
    replayed = run_live(path, (), Replay(speed=speed), output=home / "replays")
    there, here = log(tested.run_dir), log(replayed.run_dir)
    assert here.keys() == there.keys()
    assert there["decisions"].num_rows > 20
    assert there["orders"].num_rows > 20
    for name, table in there.items():
        assert here[name].equals(table), name
    assert replayed.result["instruments"] == tested.result["instruments"]
    assert replayed.result["live"]["left_open"] == []


def test_the_pace_changes_nothing_but_the_time_it_takes(home: Path) -> None:
    path = written(home, "L2", 5.0, 0.0)
    logs = [log(run_live(path, (), Replay(speed=speed), output=home / "paces").run_dir) for speed in (None, 30.0)]
    assert all(logs[0][name].equals(logs[1][name]) for name in logs[0])


def test_parity_of_a_replay_is_written_down_and_an_edited_decision_found(home: Path) -> None:
    run_dir = run_live(written(home, "L2", 5.0, 2.0), (), Replay(speed=None), output=home / "checked").run_dir
    found = check_parity(run_dir)
    assert found.same
    assert found.page.is_file()
    assert orjson.loads((run_dir / "parity.json").read_bytes())["divergences"] == []
    latency = {"base_ms": 0.0, "submit_ms": 5.0, "amend_ms": 7.0, "cancel_ms": 5.0}
    assert tomllib.loads(found.latency.read_text())["venues"] == [{"name": "SIM", "latency": latency}]
    assert check_parity(run_dir, measured_latency=True).same

    path = run_dir / "log/decisions.parquet"
    table = pq.read_table(path)
    column = table["fair_value"].to_pylist()
    column[11] += 0.01
    place = table.column_names.index("fair_value")
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(column, pa.float64())), path)
    (edited,) = check_parity(run_dir).result["divergences"]
    assert (edited["stream"], edited["row"], edited["fields"]) == ("decisions", 11, ["fair_value"])
    assert "its estimates (step 1): fair_value" in edited["explanation"]
    assert edited["live_record"] == edited["backtest_record"]
    assert " before" in edited["live_record"]


def test_parity_is_asked_of_live_runs_only(home: Path) -> None:
    tested = run_backtest(written(home, "L1", 5.0, 2.0), output=home / "backtests")
    with pytest.raises(DataError, match="folder of a backtest"):
        check_parity(tested.run_dir)
    with pytest.raises(DataError, match=r"no run\.toml"):
        check_parity(home)


def test_a_replay_that_was_stopped_is_compared_up_to_there(home: Path) -> None:
    def stop(what: str) -> None:
        if what.startswith("replaying"):
            threading.Timer(2.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    path = written(home, "L2", 5.0, 1.0)
    stopped = run_live(path, (), Replay(speed=20.0), output=home / "stopped", say=stop)
    assert stopped.result["live"]["ended_by"] == "SIGINT"
    found = check_parity(stopped.run_dir)
    assert found.same, found.result["divergences"]
    assert found.result["streams"]["orders"]["same"] > 20
    assert "not compared" in found.result["notes"][0]


def test_commands_on_their_way_when_it_is_stopped_arrive_and_are_taken_back(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fills: list[object] = []
    booked = QuotingLeg.filled

    def stop_at_the_first(leg: QuotingLeg, event: Any, *args: Any) -> None:
        booked(leg, event, *args)
        if not fills:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        fills.append(event)

    monkeypatch.setattr(QuotingLeg, "filled", stop_at_the_first)
    path = written(home, "L2", 1500.0, 1.0)  # new orders are always on their way
    replay = Replay(speed=20.0)
    stopped = run_live(path, ("strategy.requote.amend=false",), replay, output=home / "travelling")
    assert stopped.result["live"]["ended_by"] == "SIGINT"
    assert stopped.result["live"]["left_open"] == []
    assert stopped.result["total"]["USDT"]["fills"] > 0
