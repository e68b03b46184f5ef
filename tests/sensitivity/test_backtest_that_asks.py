"""A run file that asks for its sensitivity table gets it with its backtest."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mm_nautilus.analytics.report.sensitivity_section import verdict
from mm_nautilus.backtest import run_backtest
from mm_nautilus.cli import app
from mm_nautilus.sensitivity import sensitivity

ROOT = Path(__file__).resolve().parents[2]
FEW = """
[report.sensitivity]
assumptions = ["rebates-zero", "queue-off", "half-the-fills-removed"]
seeds = 1
"""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("catalogs")
    text = (ROOT / "configs" / "quickstart.toml").read_text()
    return text.replace("../catalogs/simulated", str(folder)).replace("duration_s = 1800", "duration_s = 60")


def backtest(folder: Path, text: str, *more: str) -> tuple[int, str, Path]:
    folder.mkdir()
    path = folder / "mine.toml"
    path.write_text(text)
    done = CliRunner().invoke(app, ["backtest", str(path), "--output", str(folder / "out"), *more])
    (run_dir,) = (folder / "out").iterdir()
    return done.exit_code, " ".join(done.output.split()), run_dir


def told(run_dir: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run_dir / "result.json").read_text())
    for key in ("started", "finished", "folder"):
        del result["run"][key]
    return result


def test_the_table_is_in_the_report_and_in_print_and_the_run_is_the_same_without(tmp_path: Path, plain: str) -> None:
    code, printed, run_dir = backtest(tmp_path / "asks", plain + FEW)
    assert code == 0, printed
    found = json.loads((run_dir / "sensitivity.json").read_text())
    assert [one["name"] for one in found["cases"]] == [
        "base", "half-the-fills-removed", "queue-off", "rebates-zero", "seed-1",
    ]  # fmt: skip
    assert verdict(found) in printed
    report = (run_dir / "report.html").read_text()
    for one in found["cases"]:
        assert one["label"] in printed
        assert f'<th scope="row">{one["label"]}</th>' in report
    assert sorted(one.name for one in (run_dir / "sensitivity").iterdir()) == ["queue-off", "rebates-zero", "seed-1"]
    assert found["cases"][0]["pnl"] == told(run_dir)["total"]["USDT"]["total"]

    alone = run_backtest(tmp_path / "asks" / "mine.toml", output=tmp_path / "alone").run_dir
    assert not (alone / "sensitivity.json").exists(), "asked for, not yet done"
    _, _, without = backtest(tmp_path / "plain", plain)
    for other in (alone, without):
        assert told(other) == told(run_dir)
        for table in sorted((run_dir / "log").iterdir()):
            assert (other / "log" / table.name).read_bytes() == table.read_bytes(), table.name
    assert "sensitivity" not in tomllib.loads((without / "run.toml").read_text())["report"]

    command = sensitivity(tmp_path / "asks" / "mine.toml", output=tmp_path / "command")
    assert (command.folder / "sensitivity.json").read_bytes() == (run_dir / "sensitivity.json").read_bytes()


def test_the_command_line_asks_and_declines(tmp_path: Path, plain: str) -> None:
    none = ["--set", "report.sensitivity.seeds=0"]
    code, printed, run_dir = backtest(tmp_path / "declines", plain + FEW, "--no-sensitivity")
    assert code == 0, printed
    assert not (run_dir / "sensitivity.json").exists()
    one = ["--set", 'report.sensitivity.assumptions=["rebates-zero"]', *none]
    code, printed, run_dir = backtest(tmp_path / "asks", plain, "--sensitivity", *one)
    assert code == 0, printed
    assert [one["name"] for one in json.loads((run_dir / "sensitivity.json").read_text())["cases"]] == [
        "base", "rebates-zero",
    ]  # fmt: skip


def test_a_run_that_fails_is_a_row_and_an_exit_code(
    tmp_path: Path, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "from mm_nautilus.strategies import MarketMaker, MarketMakerConfig\n"
        "class Mine(MarketMaker):\n"
        "    def on_start(self):\n"
        "        if self.config.settings.arrival.submit_ns == 0:\n"
        "            raise RuntimeError('too fast')\n"
        "        super().on_start()\n"
        "MineConfig = MarketMakerConfig\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    text = plain.replace("mm_nautilus.strategies:MarketMaker", "mine:Mine")
    asked = '\n[report.sensitivity]\nassumptions = ["latency-x0", "latency-x3"]\nseeds = 0\n'
    code, printed, run_dir = backtest(tmp_path / "fails", text + asked)
    assert code == 1
    rows = {one["name"]: one for one in json.loads((run_dir / "sensitivity.json").read_text())["cases"]}
    assert "too fast" in rows["latency-x0"]["failure"]
    assert "too fast" in printed
    assert rows["latency-x3"]["failure"] is None
    assert told(run_dir)["status"] == "completed"
    assert (run_dir / "report.html").is_file()
