"""A screened sweep as a user starts it: what is refused, what the engine confirms, and what a kill leaves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
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
GRID = ["--param", "strategy.gamma=0.05:0.5:4", "--param", "strategy.intensity.k_per_price=30:60:2"]


def refused(*arguments: str) -> str:
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(app, ["sweep", *arguments], catch_exceptions=False)
    return str(caught.value)


def finished(path: Path, *arguments: str) -> str:
    done = subprocess.run([*COMMAND, str(path), *arguments], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def table_of(folder: Path) -> list[dict]:
    return pq.read_table(folder / "results.parquet").to_pylist()


def test_mistakes_are_named_before_anything_is_screened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, output = str(run_file(tmp_path)), ["--output", str(tmp_path / "out")]
    for alone in (["--confirm", "3"], ["--sample", "3"]):
        assert "give --screen, too" in refused(path, *GRID, *alone, *output)
    said = refused(path, *GRID, "--screen", "--set", "venues.0.queue_position=false", *output)
    assert "venues.queue_position: cannot be screened at False; allowed is true" in said
    said = refused(path, "--param", "strategy.model=glft,glft_exact", "--screen", *output)
    assert "model=glft_exact: strategy.model: cannot be screened at glft_exact" in said
    assert "--skip-invalid runs the other points" in said
    said = refused(path, *GRID, "--screen", "--walk-forward", "30s:15s", "--calibrate", *output)
    assert "--screen and --calibrate exclude each other" in said
    assert "nothing to try" in refused(path, "--screen", *output)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert "pip install 'mm-nautilus[sweep]'" in refused(path, *GRID, "--screen", *output)
    assert not (tmp_path / "out").exists()


def test_a_screened_sweep_is_ranked_confirmed_resumed_and_extended(tmp_path: Path) -> None:
    path, output = run_file(tmp_path), tmp_path / "out"
    printed = finished(path, *GRID, "--screen", "--confirm", "2", "--sample", "3", "--output", str(output))
    (folder,) = output.iterdir()
    said = (folder / "sweep.json").read_bytes()
    found = json.loads(said)
    assert (found["runs"], found["completed"]) == (8, 8)
    pairs = found["screen"]["confirmed"]["pairs"]
    assert [one["sampled"] for one in pairs] == [False, False, True, True, True]
    for one in pairs:
        assert one["screen_pnl"] == one["engine_pnl"], "the same executions, so the same money"
        assert one["screen_rank"] == one["engine_rank"]
    assert found["screen"]["confirmed"]["agreement"]["correlation"] == pytest.approx(1.0)
    assert "Rank correlation with the engine, all confirmed: 1.000" in printed
    rows = table_of(folder)
    assert [row["path"] for row in rows] == ["screen"] * 8 + ["engine"] * 5
    assert "Screened and confirmed by the engine" in (folder / "sweep.html").read_text()
    seconds = {row["identity"]: row["seconds"] for row in rows}
    # Nothing is missing, so nothing runs again: not even what the engine confirmed.
    (folder / "sweep.json").unlink()
    finished(path, "--resume", str(folder))
    assert (folder / "sweep.json").read_bytes() == said
    assert {row["identity"]: row["seconds"] for row in table_of(folder)} == seconds
    # More points: those that are there are taken over.
    printed = finished(path, "--resume", str(folder), "--param", "strategy.gamma=0.05:0.5:7", *GRID[2:], "--top", "3")
    assert "14 of 14 runs completed" in printed
    after = table_of(folder)
    assert seconds.items() <= {row["identity"]: row["seconds"] for row in after}.items()
    assert sum(row["path"] == "screen" for row in after) == 14


def test_a_sample_without_the_best_is_all_that_is_confirmed(tmp_path: Path) -> None:
    path, output = run_file(tmp_path), tmp_path / "out"
    finished(path, *GRID, "--screen", "--sample", "1", "--output", str(output))
    (folder,) = output.iterdir()
    confirmed = json.loads((folder / "sweep.json").read_text())["screen"]["confirmed"]
    assert [one["sampled"] for one in confirmed["pairs"]] == [True]
    assert confirmed["agreement"] is None


@pytest.mark.slow
def test_a_screened_sweep_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    path, output = run_file(tmp_path, duration_s=900), tmp_path / "out"
    asked = ["--param", "strategy.gamma=0.01:1:300", "--param", "strategy.ladder.levels=1:2:2", "--screen"]
    process = subprocess.Popen(
        [*COMMAND, str(path), *asked, "--output", str(output)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 300
        while len(list(output.glob("*/rows/*.parquet"))) < 2:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < end, "it took too long"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    (folder,) = output.iterdir()
    files = sorted((folder / "rows").glob("*.parquet"))
    before = {row["identity"]: row for file in files for row in pq.read_table(file).to_pylist()}
    assert 100 <= len(before) < 600
    assert all(re.fullmatch("[0-9a-f]{64}", name) for name in before)
    printed = finished(path, "--resume", str(folder))
    assert "600 of 600 runs completed" in printed
    after = {row["identity"]: row for row in table_of(folder)}
    assert len(after) == 600
    # A run that was repeated would have another duration.
    assert {name: after[name] for name in before} == before
