"""Page, metrics and control beside a replay: it decides as it would without, and does what its operator says."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from live_kit import ROOT, LiveProcess
from simulated_kit import simulated

from mm_nautilus.live.beside.client import Client
from mm_nautilus.live.beside.token import token_file
from mm_nautilus.live.run import Replay, run_live

pytestmark = pytest.mark.e2e

SERVED = ("live.monitor.port=any", "live.monitor.control=true", "live.monitor.push_ms=100")
IDS = {"client_order_id", "venue_order_id", "trade_id"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("beside")


def written(home: Path, seconds: int) -> Path:
    return simulated(home, f"beside-{seconds}", seconds, live={"checks": {"free_disk_mb": 0}})


class Served:
    """A replay in a process of its own, with a server and control."""

    def __init__(self, home: Path, output: Path, *overrides: str, speed: str = "1") -> None:
        sets = [word for one in (*SERVED, *overrides) for word in ("--set", one)]
        self.output = output
        self.process = LiveProcess(str(written(home, 240)), "--speed", speed, *sets, output=output)
        end = time.monotonic() + 240.0
        while not self.served():
            assert time.monotonic() < end, self.process.kill()
            time.sleep(0.1)
        self.client = Client.of(self.folder)
        self.until(lambda: self.get("/snapshot")[0] == 200)

    def served(self) -> bool:
        return any(folder.joinpath("live.json").is_file() for folder in self.output.glob("*"))

    @property
    def folder(self) -> Path:
        return self.process.folder

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.client.address.url + path, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def number(self, name: str) -> float:
        """Return a metric, summed over its labels."""
        lines = [line for line in self.get("/metrics")[1].decode().splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def details(self) -> dict[str, Any]:
        answer = self.client.send("status")[1]["details"]
        return {**answer, **answer["instruments"]["SOLUSDT.SIM"]}

    def until(self, holds: Callable[[], bool], timeout_s: float = 240.0) -> None:
        end = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < end, f"not in time:\n{self.process.kill()}"
            time.sleep(0.1)

    def table(self, name: str) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / "log" / f"{name}.parquet").to_pylist()


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("MM_NAUTILUS_TOKEN", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def test_it_decides_as_it_would_without(home: Path, output: Path) -> None:
    path = written(home, 90)
    alone = run_live(path, (), Replay(speed=None), output=output)
    watched = run_live(path, SERVED, Replay(speed=None), output=output)
    for name in ("decisions", "orders", "fills", "marks", "markouts", "assessments"):
        tables = [pq.read_table(one.run_dir / "log" / f"{name}.parquet") for one in (alone, watched)]
        there, here = (table.drop_columns(list(IDS & set(table.column_names))) for table in tables)
        assert there.num_rows > 1, name
        assert here.equals(there), name
    assert watched.result["instruments"] == alone.result["instruments"]
    assert not (watched.run_dir / "live.json").exists()
    assert not token_file(watched.run_dir).exists()


def test_the_operator_is_obeyed_answered_and_written_down(home: Path, output: Path) -> None:
    run = Served(home, output)
    send = run.client.send
    run.until(lambda: run.details()["orders"] > 0)

    assert send("pause", reason="lunch")[1]["outcome"] == "DONE"
    run.until(lambda: run.details()["orders"] == 0)
    assert run.details()["paused"] is True
    assert send("resume", reason="back")[1]["answer"] == "quoting again"
    run.until(lambda: run.details()["orders"] > 0)

    assert "mm_profit{" in run.get("/metrics")[1].decode(), "the page and the metrics say the same of money"

    status, answer = send("set", reason="calm", parameter="guards.min_half_spread_bps", value="20")
    assert (status, answer["old"], answer["new"]) == (200, "0.0", "20.0")
    for parameter, value in (("limits.max_position", "11"), ("instrument_id", "X"), ("gamma", "-1")):
        status, answer = send("set", reason="greed", parameter=parameter, value=value)
        assert (status, answer["outcome"]) == (409, "REFUSED")

    first = send("reduce-only", reason="news", id="news-1")[1]
    again = send("reduce-only", reason="news", id="news-1")[1]
    assert (first["stage"], again["repeated"]) == ("REDUCE_ONLY", True)
    assert send("flatten", reason="out")[1]["stage"] == "FLATTEN"
    run.until(lambda: float(run.details()["position"]) == 0.0)
    assert send("halt", reason="enough")[1]["stage"] == "HALT"
    assert send("flatten", reason="less than a halt")[1]["outcome"] == "REFUSED"
    assert send("resume", reason="all is well")[1]["stage"] == "NORMAL"
    run.until(lambda: run.details()["orders"] > 0)

    wrong = Client(run.client.address, "not-the-token-at-all")
    assert wrong.send("halt", reason="mischief")[0] == 401
    run.until(lambda: run.number('mm_control_refused_total{why="token"}') == 1.0)
    run.process.ask_to_stop()
    code, printed = run.process.ended()
    assert code == 0, printed
    assert run.process.result()["live"]["left_open"] == []

    controls = [row for row in run.table("controls") if row["command"] != "status"]
    said = [(row["command"], row["outcome"]) for row in controls]
    assert said == [
        ("pause", "DONE"), ("resume", "DONE"), ("set", "DONE"), ("set", "REFUSED"), ("set", "REFUSED"),
        ("set", "REFUSED"), ("reduce-only", "DONE"), ("flatten", "DONE"), ("halt", "DONE"), ("flatten", "REFUSED"),
        ("resume", "DONE"),
    ]  # fmt: skip
    assert all(row["reason"] and "127.0.0.1" in row["who"] for row in controls)
    assert (controls[2]["subject"], controls[2]["old"], controls[2]["new"]) == (
        "guards.min_half_spread_bps", "0.0", "20.0",
    )  # fmt: skip
    assert any("attempts refused: 1 by token" in row["text"] for row in run.table("alerts"))
    reasons = {reason for row in run.table("decisions") for reason in row["reasons"]}
    assert {"PAUSED", "RISK_WIDENED", "RISK_FLATTEN", "HALTED"} <= reasons
    assert {"HALT", "FLATTEN"} <= {row["stage"] for row in run.table("incidents")}


def test_a_server_that_dies_or_hangs_stops_no_trading(home: Path, output: Path) -> None:
    run = Served(home, output, speed="2")
    pid = _server_of(run)
    decisions = run.number("mm_decisions_total")
    os.kill(pid, signal.SIGKILL)
    run.until(lambda: _answers(run) and run.number("mm_server_starts_total") == 2.0)
    run.until(lambda: run.number("mm_decisions_total") > decisions)
    os.kill(_server_of(run), signal.SIGSTOP)
    run.until(lambda: len(_parts_of_alerts(run)) > 0 and _answers(run))
    run.process.ask_to_stop()
    code, printed = run.process.ended()
    assert code == 0, printed
    alerts = [row["text"] for row in run.table("alerts") if row["source"] == "server"]
    assert [text.partition(" for")[0].partition(";")[0] for text in alerts] == [
        "the server process is gone",
        "the server process has said nothing",
    ]
    marks = [row["ts_ns"] for row in run.table("marks")]
    assert max(b - a for a, b in itertools.pairwise(marks)) <= 1_000_000_000, "no sample was missed"


def _answers(run: Served) -> bool:
    try:
        return run.get("/snapshot")[0] == 200
    except (TimeoutError, urllib.error.URLError):
        return False


def _server_of(run: Served) -> int:
    """Return the process that serves, a child of the node."""
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
    if not children.exists():
        pytest.skip("no /proc here")
    (pid,) = (int(one) for one in children.read_text().split() if _serves(int(one)))
    return pid


def _serves(pid: int) -> bool:
    return b"mm_nautilus.live.beside" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _parts_of_alerts(run: Served) -> list[str]:
    log = (run.folder / "logs").glob("node*")
    return [line for file in log for line in file.read_text().splitlines() if "has said nothing" in line]


def test_what_cannot_be_served_is_said_before_anything_begins(home: Path, output: Path) -> None:
    path = written(home, 90)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        complaints = {
            (f"live.monitor.port={port}",): [f"127.0.0.1:{port}", "in use"],
            ("live.monitor.port=any", "live.monitor.host=0.0.0.0"): ["MM_NAUTILUS_TOKEN"],
            ("live.monitor.control=true",): ["control: needs a port"],
            ("live.alerts.webhook_env=NOT_SET_ANYWHERE",): ["live.alerts.webhook_env", "NOT_SET_ANYWHERE"],
        }
        for overrides, words in complaints.items():
            sets = [word for one in overrides for word in ("--set", one)]
            code, printed = LiveProcess(str(path), "--speed", "max", *sets, output=output).ended()
            assert code == 2, printed
            assert all(word in printed for word in words), printed
            assert "Traceback" not in printed
            assert list(output.iterdir()) == []


def test_a_missing_extra_is_named(home: Path, output: Path) -> None:
    hidden = "import sys; sys.modules['aiohttp'] = None; from importlib import util; find = util.find_spec; "
    hidden += "util.find_spec = lambda name, *a: None if name == 'aiohttp' else find(name, *a); "
    script = f"{hidden}import runpy; runpy.run_path({str(ROOT / 'run_live.py')!r}, run_name='__main__')"
    command = [sys.executable, "-c", script, str(written(home, 90)), "--set", "live.monitor.port=any"]
    done = subprocess.run([*command, "--output", str(output)], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2, done.stderr
    assert "pip install 'mm-nautilus[live]'" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_finds_the_run(home: Path, output: Path) -> None:
    run = Served(home, output, speed="2")
    command = [sys.executable, "-c", "from mm_nautilus.cli import main; main()", "control", str(run.folder)]
    assert _run(command, "status")[0] == 0
    assert _run(command, "pause")[:2] == (2, "--reason")
    assert _run(command, "fly")[0] == 2
    assert _run(command, "set", "gamma", "-r", "why")[0] == 2
    code, _, printed = _run(command, "pause", "-r", "a word")
    assert code == 0, printed
    assert "DONE" in printed
    code, _, printed = _run(command, "set", "gamma", "0", "-r", "a word")
    assert code == 1, printed
    assert "greater than 0" in printed
    code, _, printed = _run(command, "halt", "-r", "a word", MM_NAUTILUS_TOKEN="not-the-token-at-all")
    assert code == 2, printed
    assert "401" in printed
    run.process.ask_to_stop()
    assert run.process.ended()[0] == 0
    code, _, printed = _run(command, "status")
    assert code == 2
    assert "the run has ended" in " ".join(printed.split())


def _run(command: list[str], *words: str, **environment: str) -> tuple[int, str, str]:
    """Return exit code, the field complained of, and all that was printed."""
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=240, check=False, env=os.environ | environment
    )
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    return done.returncode, "--reason" if "--reason" in printed else "", printed


def test_log_files_take_turns(home: Path, output: Path) -> None:
    sets = ["--set", "live.log.level=DEBUG", "--set", "live.log.max_mb=1", "--set", "live.log.backups=2"]
    process = LiveProcess(str(written(home, 240)), "--speed", "max", *sets, output=output)
    code, printed = process.ended()
    assert code == 0, printed
    files = sorted((process.folder / "logs").glob("node*"))
    assert len(files) == 3
    assert all(file.stat().st_size < 1_100_000 for file in files)
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert {"timestamp", "level", "component", "message"} <= lines[-1].keys()


def test_the_quickstart_without_a_word_has_a_page_and_ends_in_a_report(output: Path) -> None:
    process = LiveProcess(output=output)
    end = time.monotonic() + 240.0
    while not any(folder.joinpath("live.json").is_file() for folder in output.glob("*")):
        assert time.monotonic() < end, process.kill()
        time.sleep(0.1)
    url = json.loads((process.folder / "live.json").read_text())["url"]
    while True:
        try:
            with urllib.request.urlopen(f"{url}/snapshot", timeout=60) as response:
                if json.loads(response.read())["instruments"][0]["id"] == "SOLUSDT.SIM":
                    break
        except urllib.error.HTTPError as error:
            error.close()
        assert time.monotonic() < end, process.kill()
        time.sleep(0.2)
    with urllib.request.urlopen(f"{url}/", timeout=60) as response:
        assert b"<html" in response.read()
    process.ask_to_stop()
    code, printed = process.ended()
    assert code == 0, printed
    assert f"page at {url}" in printed
    assert (process.folder / "report.html").is_file()
