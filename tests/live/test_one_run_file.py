"""One run file for a backtest and for a live node."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from mm_nautilus.backtest.run import write_run_file
from mm_nautilus.cli import main
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import load_run
from mm_nautilus.live.settings import load_live

QUICKSTART = Path(__file__).resolve().parents[2] / "configs" / "quickstart.toml"
LIVE = """
[live]
flush_every_s = 2.0

[[live.venues]]
name = "SIM"
adapter = "bybit"
product = "spot"
account = "SIM-001"
"""


def run_file(folder: Path, live: str = LIVE) -> Path:
    path = folder / "both.toml"
    path.write_text(QUICKSTART.read_text() + live)
    return path


def test_a_backtest_takes_a_run_file_with_a_live_table(tmp_path: Path) -> None:
    loaded = load_run(run_file(tmp_path))
    assert loaded.run_file.live is not None
    assert loaded.run_file.live.flush_every_s == 2.0
    write_run_file(loaded, tmp_path)
    assert load_live(tmp_path / "run.toml").live == loaded.run_file.live


def test_a_run_file_without_the_table_is_written_without_it(tmp_path: Path) -> None:
    write_run_file(load_run(QUICKSTART), tmp_path)
    assert "live" not in tomllib.loads((tmp_path / "run.toml").read_text())


def test_what_a_live_run_wrote_can_be_run_again_with_every_default_in_it(tmp_path: Path) -> None:
    run = load_live(run_file(tmp_path))
    assert run.live.flush_every_s == 2.0
    again = tmp_path / "again"
    again.mkdir()
    write_run_file(run.loaded, again)
    assert load_live(again / "run.toml").live == run.live
    assert tomllib.loads((again / "run.toml").read_text())["live"]["venues"][0]["environment"] == "testnet"


@pytest.mark.parametrize(
    ("live", "complaint"),
    [
        ("[live]\nflush_evry_s = 1", "live.flush_evry_s: unknown key, did you mean 'flush_every_s'?"),
        ("[[live]]\nflush_every_s = 1", "live: should be a valid dictionary"),
    ],
)
def test_a_mistake_in_the_table_is_named(tmp_path: Path, live: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_live(run_file(tmp_path, live))
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        "backtest",
        "compare --models glft",
        "sensitivity",
        "stress",
        "sweep --param strategy.order_size=1,2",
        "train",
        "calibrate",
        "experiment adverse-selection",
        "live",
        "doctor",
    ],
)
def test_a_mistake_in_the_table_stops_what_does_not_use_it_too(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run_file(tmp_path, "[live]\nflush_evry_s = 1\n")
    wrong = ["--set", "strategy.gamma=-1"]
    if command != "doctor":
        wrong += ["--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["mm-nautilus", *command.split(), str(path), *wrong])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "live.flush_evry_s: unknown key, did you mean 'flush_every_s'?" in said
    assert "strategy.gamma" in said, "every mistake at once"
    assert not (tmp_path / "out").exists()
