"""The sweep as a user starts it: checked before anything runs, resumed, killed, and never twice the same run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sweep_kit import run_file
from typer.testing import CliRunner

from mm_nautilus.cli import app
from mm_nautilus.errors import UserError

pytest.importorskip("ray")
pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-c", "from mm_nautilus.cli import main; main()", "sweep"]


def refused(*arguments: str) -> str:
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(app, ["sweep", *arguments], catch_exceptions=False)
    return str(caught.value)


def test_mistakes_are_named_before_anything_runs(tmp_path: Path) -> None:
    path, output = str(run_file(tmp_path)), ["--output", str(tmp_path / "out")]
    said = refused(path, "--param", "strategy.gama=0.1:1:3", *output)
    assert "strategy.gama: unknown key, did you mean 'gamma'?; allowed are " in said
    assert "gamma, " in said.partition("allowed are")[2]
    assert "strategie: unknown key" in refused(path, "--param", "strategie.gamma=0.1:1:3", *output)
    said = refused(path, "--param", "strategy.gamma=-1:1:3", *output)
    assert "gamma=-1" in said
    assert "--skip-invalid" in said
    assert "order_size" in refused(path, "--param", "strategy.order_size=0.0001,1", *output)
    assert "nothing to try" in refused(path, *output)
    assert "stands twice" in refused(path, "--param", "run.seed=1,2", "--param", "run.seed=3,4", *output)
    assert "no such score" in refused(path, "--param", "run.seed=1,2", "--score", "luck", *output)
    said = refused(path, "--param", "run.seed=1,2", "--walk-forward", "1h:1h", *output)
    assert "the data have 60 s" in said
    for address in ("here", "127.0.0.1:", "127.0.0.1:99999", ":6379", "ray://127.0.0.1:1"):
        assert "expected HOST:PORT" in refused(path, "--param", "run.seed=1,2", "--address", address, *output)
    said = refused(path, "--param", "run.seed=1,2", "--address", "127.0.0.1:1", *output)
    assert "--address 127.0.0.1:1: no Ray cluster answers there" in said
    said = refused(path, "--param", "run.seed=1,2", "--calibrate", *output)
    assert "give --walk-forward too" in said
    walking = ["--walk-forward", "30s:15s", "--calibrate"]
    said = refused(path, "--param", "data.simulation.seed=1,2", *walking, *output)
    assert "data.simulation.seed changes them" in said
    assert "no sweep that can be resumed" in refused(path, "--resume", str(tmp_path))
    assert not (tmp_path / "out").exists()


def started(path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, str(path), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(path: Path, *arguments: str) -> str:
    process = started(path, *arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return " ".join(out.split())


def test_a_sweep_is_ranked_resumed_extended_and_kept(tmp_path: Path) -> None:
    path, output = run_file(tmp_path), tmp_path / "out"
    # The third point trades nothing: its quotes are a hundred dollars from the mid.
    (tmp_path / "points.csv").write_text(
        "strategy.gamma,strategy.model,strategy.half_spread\n0.1,glft,\n0.5,glft,\n,symmetric,100\n"
    )
    listed = ["--list", str(tmp_path / "points.csv"), "--set", "strategy.gamma=0.3"]
    base = path.read_text()
    path.write_text(base.replace('model = "glft"\ngamma = 0.5\n', 'model = "glft"\n'))
    # The run file's own gamma would be refused by the symmetric model, so that point is left out.
    printed = finished(path, *listed, "--skip-invalid", "--output", str(output), "--workers", "2")
    (folder,) = output.iterdir()
    found = json.loads((folder / "sweep.json").read_text())
    assert found["runs"] == found["completed"] == 2
    assert "symmetric" in found["left_out"][0]
    assert "probability of overfitting" in printed
    assert printed.index("deflated Sharpe ratio") < printed.index("plateau")
    path.write_text(base)
    seen = {row["identity"]: row["seconds"] for row in pq.read_table(folder / "results.parquet").to_pylist()}
    # More values of the same key: the two that are there are taken over.
    printed = finished(path, "--resume", str(folder), "--param", "strategy.gamma=0.1:0.9:5", "--walk-forward", "15s:5s")
    table = pq.read_table(folder / "results.parquet").to_pylist()
    assert [row["strategy.gamma"] for row in table] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert seen.items() <= {row["identity"]: row["seconds"] for row in table}.items()
    assert "5 of 5 runs completed" in printed
    assert "walk forward" in printed
    page = (folder / "sweep.html").read_text()
    for words in ("probability of overfitting", "Ranking", "Every run at once", "Walk forward"):
        assert words in page


def test_calibrated_windows_are_run_once_and_resumed(tmp_path: Path) -> None:
    path, output = run_file(tmp_path, duration_s=120), tmp_path / "out"
    walking = ["--walk-forward", "60s:40s", "--calibrate", "--step-s", "2", "--workers", "2"]
    printed = finished(path, "--param", "strategy.gamma=0.2,0.8", *walking, "--output", str(output))
    assert "in 2 windows, each traded with the calibration of the one before it" in printed
    (folder,) = output.iterdir()
    said = (folder / "sweep.json").read_bytes()
    found = json.loads(said)
    assert (found["runs"], found["window_runs"], found["completed"]) == (2, 4, 2)
    assert found["walk_forward"]["calibrated"]
    assert [fold["trade_from_s"] for fold in found["walk_forward"]["folds"]] == [60.0, 100.0]
    kept = folder / "walk_forward" / "results.parquet"
    before = pq.read_table(kept)
    assert before.num_rows == 4
    (folder / "sweep.json").unlink()
    finished(path, "--resume", str(folder))
    assert pq.read_table(kept).equals(before), "a run that was repeated would have another duration"
    assert (folder / "sweep.json").read_bytes() == said


def descendants(pid: int) -> dict[int, str]:
    """Return the processes below one, each with its command line."""
    children: dict[int, list[int]] = {}
    words: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                words[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ").strip()
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = {}, [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found[child] = words.get(child, "")
            waiting.append(child)
    return found


def until(what: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def rows_in(output: Path) -> dict[str, Path]:
    return {path.stem: path for path in output.glob("*/rows/*.parquet")}


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the worker to kill in /proc")
def test_two_hundred_runs_survive_the_death_of_a_worker_and_of_the_driver(tmp_path: Path) -> None:
    path, output = run_file(tmp_path), tmp_path / "out"
    grid = ["--param", "strategy.gamma=0.01:1:100", "--param", "strategy.ladder.levels=1:2:2"]
    driver = started(path, *grid, "--output", str(output), "--workers", "2")
    try:
        until(lambda: len(rows_in(output)) >= 20, driver)
        until(lambda: any(words.startswith("ray::execute") for words in descendants(driver.pid).values()), driver)
        worker = next(pid for pid, words in descendants(driver.pid).items() if words.startswith("ray::execute"))
        os.kill(worker, signal.SIGKILL)
        until(lambda: len(rows_in(output)) >= 80, driver)
    finally:
        driver.kill()
        driver.communicate()
    before = {identity: pq.read_table(path).to_pylist()[0] for identity, path in rows_in(output).items()}
    assert 80 <= len(before) < 200
    assert all(row["status"] == "completed" for row in before.values())
    assert [row["attempts"] for row in before.values()].count(2) == 1, "the run that was lost was started once more"
    (folder,) = output.iterdir()
    printed = finished(path, "--resume", str(folder), "--workers", "2")
    assert "200 of 200 runs completed" in printed
    after = {row["identity"]: row for row in pq.read_table(folder / "results.parquet").to_pylist()}
    assert len(after) == 200
    # A run that was repeated would have another duration.
    assert {identity: after[identity] for identity in before} == before


KILLER = """
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig
import os, signal

class KillerConfig(MarketMakerConfig):
    pass

class Killer(MarketMaker):
    def on_start(self):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_kills_its_worker_twice_or_never_trades_is_listed_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(KILLER)
    path = run_file(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [
            *COMMAND,
            str(path),
            "--param",
            "strategy.path=deadly:Killer,mm_nautilus.strategies:MarketMaker",
            "--param",
            "strategy.intensity.k_per_price=50,0.001",
            "--set",
            "strategy.config_path='mm_nautilus.strategies:MarketMakerConfig'",
            "--output",
            str(tmp_path / "out"),
        ],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "out").iterdir()
    found = json.loads((folder / "sweep.json").read_text())
    assert found["completed"] == 2
    assert found["without_fills"] == 1, "at so small a k the quotes are far away"
    assert [(one["attempts"], "died 2 times" in one["reason"]) for one in found["failed"]] == [(2, True)] * 2
    assert "1 of 4 runs had no fill" in " ".join(done.stdout.split())
    assert "2 of 4 runs failed" in " ".join(done.stdout.split())
