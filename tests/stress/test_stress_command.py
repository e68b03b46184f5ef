"""The stress run as a user starts it: scorecard, page, exit code, and the same bytes whatever runs side by side."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest import run_backtest
from mm_nautilus.cli import app
from mm_nautilus.market import RiskStage
from mm_nautilus.stress.exposure import logged_path

ROOT = Path(__file__).resolve().parents[2]
SHORT = ["--seeds", "1", "--duration-s", "400"]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stress")
    text = (ROOT / "configs" / "stress.toml").read_text()
    path = folder / "mine.toml"
    path.write_text(text.replace("../catalogs/simulated", str(folder / "catalogs")))
    return path


def stressed(run_file: Path, output: Path, *more: str) -> tuple[int, str, dict[str, Any], Path]:
    """Run the command; return its exit code, what it printed, ``stress.json`` and the folder."""
    done = CliRunner().invoke(app, ["stress", str(run_file), "--output", str(output), *more], catch_exceptions=False)
    (folder,) = output.iterdir()
    return done.exit_code, done.output, json.loads((folder / "stress.json").read_text()), folder


def test_a_crash_and_a_window_are_survived_judged_and_written_down(tmp_path: Path, run_file: Path) -> None:
    window = "2024-01-01T00:00:00..2024-01-01T00:04:00"
    code, printed, found, folder = stressed(
        run_file, tmp_path / "one", *SHORT, "--scenario", "flash_crash", "--window", window
    )
    assert code == 0, printed
    assert found["passed"] is True
    assert [run["folder"] for run in found["runs"]] == ["flash_crash-seed-1", "window-20240101T000000-20240101T000400"]
    crash = found["runs"][0]["score"]
    assert 0.3 < crash["inventory_share"] <= 1.0
    assert crash["loss_from_start"] > crash["max_loss"] == 10.0, "the crash is one that has to be flattened in"
    assert [one["reaction_s"] <= 1.0 for one in crash["crossings"]] == [True] * len(crash["crossings"])
    assert RiskStage[crash["stage"]] >= RiskStage.FLATTEN
    assert crash["hedges"]["needed"] > 0
    assert crash["hedges"]["late"] == []
    assert crash["exposures"][0]["marks_differing"] == 0
    # Every instant was looked at: as many as the log holds.
    path = logged_path(RunLog.open(folder / "flash_crash-seed-1"), "SOLUSDT.SIM")
    assert crash["exposures"][0]["instants"] == len(path.ts_ns) > 100
    assert crash["exposures"][0]["largest"] == str(max(path.largest).normalize())
    page = (folder / "stress.html").read_text()
    for words in ("flash crash", "All 2 runs passed", "What the scenarios are made of"):
        assert words in page
    for words in ("flash crash", "inventory of limit", "stress.html"):
        assert words in " ".join(printed.split())
    assert not (folder / "flash_crash-seed-1" / "report.html").exists(), "fifty reports are 300 MB; one can be drawn"
    # The run file of a run gives the same run alone.
    alone = run_backtest(folder / "flash_crash-seed-1" / "run.toml", output=tmp_path / "alone").result
    assert alone["total"] == json.loads((folder / "flash_crash-seed-1" / "result.json").read_text())["total"]


def test_a_broken_bound_is_exit_code_1_and_jobs_change_nothing(tmp_path: Path, run_file: Path) -> None:
    strict = ["--set", "stress.max_loss=0.5", "--scenario", "flash_crash", "--scenario", "news_event"]
    code, printed, one, _ = stressed(run_file, tmp_path / "one", *SHORT, *strict, "--jobs", "1")
    assert code == 1
    assert one["passed"] is False
    (reason,) = one["runs"][0]["reasons"]
    assert "passed the bound of 0.50" in reason
    assert "not being flattened within 1 s" in " ".join(printed.split())
    _, _, two, folder = stressed(run_file, tmp_path / "two", *SHORT, *strict, "--jobs", "2")
    assert one == two
    assert "passed the bound of 0.50" in (folder / "stress.html").read_text()


def test_a_run_that_fails_is_listed_and_the_others_go_on(tmp_path: Path, run_file: Path) -> None:
    # There are no data on the next day: that run cannot even be prepared.
    windows = ["2024-01-02T00:00:00..2024-01-02T00:01:00", "2024-01-01T00:00:00..2024-01-01T00:01:00"]
    asked = [argument for window in windows for argument in ("--window", window)]
    code, printed, found, folder = stressed(run_file, tmp_path / "one", "--seeds", "0", *asked)
    assert code == 1
    assert [run["passed"] for run in found["runs"]] == [False, True]
    assert "CatalogError" in found["runs"][0]["reasons"][0]
    assert "no book or quotes of SOLUSDT.SIM in the range" in " ".join(printed.split())
    assert found["market"] is None
    assert "1 of 2 runs failed" in (folder / "stress.html").read_text()
