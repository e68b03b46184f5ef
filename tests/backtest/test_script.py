"""The script as a user runs it: the quickstart, twice; mistakes; a strategy that fails."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.cli import main

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = (ROOT / "configs" / "quickstart.toml").read_text()
SHORT = ["--set", "data.simulation.duration_s=120"]

pytestmark = pytest.mark.e2e


def script(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script with this interpreter."""
    command = [sys.executable, str(ROOT / "run_backtest.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def run_folder(output: Path) -> Path:
    """Return the only run folder in `output`."""
    (folder,) = output.iterdir()
    return folder


def result_of(folder: Path) -> dict[str, Any]:
    """Return the result without what may differ between two runs: time stamps and paths."""
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    for key in ("started", "finished", "folder"):
        del result["run"][key]
    del result["data"]["catalog"]
    return result


def run_file(folder: Path, text: str = QUICKSTART) -> Path:
    """Write a run file whose catalogues are kept in `folder`."""
    path = folder / "mine.toml"
    path.write_text(text.replace("../catalogs/simulated", str(folder / "catalogs")))
    return path


def adds_up(result: dict[str, Any]) -> None:
    """Assert that money lines and balances sum to the last decimal."""
    assert result["total"]
    for total in result["total"].values():
        lines = {key: Decimal(total[key]) for key in ("realised", "unrealised", "fees", "rebates", "booking_rounding")}
        made = lines["realised"] + lines["unrealised"] - lines["fees"] + lines["rebates"] + lines["booking_rounding"]
        assert made == Decimal(total["total"])
        for balance in total["balances"]:
            moved = Decimal(balance["expected_change"]) + Decimal(balance["booking_rounding"])
            assert Decimal(balance["starting"]) + moved == Decimal(balance["final"])


def test_quickstart_ends_with_a_table_and_a_report_and_is_reproducible(tmp_path: Path) -> None:
    path = run_file(tmp_path)
    first = script(path, "--output", tmp_path / "one")
    second = script(path, "--output", tmp_path / "two")
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    one, two = run_folder(tmp_path / "one"), run_folder(tmp_path / "two")
    assert "report.html" in first.stdout
    assert "queue position" in first.stdout, "realism settings are printed with the result"
    assert "simulated" in first.stdout, "caveats are printed with the result"
    assert (one / "report.html").stat().st_size > 100_000
    assert result_of(one) == result_of(two)
    for table in ("fills", "decisions", "orders", "marks", "accounts"):
        name = f"log/{table}.parquet"
        assert (one / name).read_bytes() == (two / name).read_bytes(), table
    result = result_of(one)
    assert result["status"] == "completed"
    assert result["instruments"]["SOLUSDT.SIM"]["fills"]["count"] > 100
    adds_up(result)


def test_overrides_and_seed_reach_the_run_and_its_record(tmp_path: Path) -> None:
    path = run_file(tmp_path)
    done = script(path, *SHORT, "--set", "strategy.gamma=0.2", "--seed", "11", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    written = (run_folder(tmp_path / "out") / "run.toml").read_text()
    assert "gamma = 0.2" in written
    assert "seed = 11" in written
    again = script(run_folder(tmp_path / "out") / "run.toml", "--output", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert result_of(run_folder(tmp_path / "again")) == result_of(run_folder(tmp_path / "out"))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (["strategy.gama=0.2"], ["strategy.gama", "did you mean 'gamma'"]),
        (["strategy.gamma=true"], ["strategy.gamma"]),
        (["strategy.gamma=-1"], ["strategy.gamma", "greater than 0", "-1"]),
        (["strategy.limits.max_position=0.5"], ["max_position", "order_size"]),
        (["strategy.order_size=0.0001"], ["order_size", "0.001"]),
        (["strategy.instrument_id=NOPEUSDT.SIM"], ["NOPEUSDT.SIM", "SOLUSDT.SIM"]),
        (["data.start=2024-01-01T00:02:00Z", "data.end=2024-01-01T00:01:00Z"], ["data", "start", "end"]),
        (["data.start=2025-01-01T00:00:00Z", "data.end=2025-01-02T00:00:00Z"], ["2024-01-01"]),
        (["strategy.book=L3"], ["strategy.book", "L3", "order ids"]),
        (["strategy.model=nope"], ["strategy.model", "glft"]),
        (["data.simulation.preset=nope"], ["data.simulation.preset", "calm"]),
        (
            ["strategy.gamma=x", "run.seed=-1", "venues.0.account=BARTER"],
            ["3 problems", "run.seed", "venues.0.account"],
        ),
        (["nonsense"], ["--set nonsense"]),
    ],
)
def test_a_mistake_is_one_screen_that_names_it(
    tmp_path: Path,
    changes: Sequence[str],
    names: Sequence[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = run_file(tmp_path)
    overrides = [word for change in changes for word in ("--set", change)]
    words = ["mm-nautilus", "backtest", str(path), *SHORT, *overrides, "--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) < 25
    for name in names:
        assert name in said, said
    assert not (tmp_path / "out").exists(), "nothing is written for a run that never started"


def test_a_missing_run_file_or_catalogue_is_named(tmp_path: Path) -> None:
    missing = script(tmp_path / "nothing.toml")
    assert missing.returncode == 2
    assert "nothing.toml" in missing.stderr
    text = QUICKSTART.replace("[data.simulation]", "[unused]").split("[unused]", maxsplit=1)
    without = text[0] + "[[venues]]" + text[1].split("[[venues]]", maxsplit=1)[1]
    no_data = script(run_file(tmp_path, without))
    assert no_data.returncode == 2
    assert "catalogs" in no_data.stderr


FAILING = '''
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig


class Failing(MarketMaker):
    """Raises on the thirtieth fill."""

    fills = 0

    def on_order_filled(self, event):
        self.fills += 1
        if self.fills == 30:
            raise ValueError("thirty is enough")
        super().on_order_filled(event)


FailingConfig = MarketMakerConfig
'''


def test_a_failing_handler_stops_the_run_with_its_traceback_and_keeps_the_log(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FAILING)
    path = run_file(tmp_path, QUICKSTART.replace("mm_nautilus.strategies:MarketMaker", "mine:Failing"))
    done = script(path, "--output", tmp_path / "out", env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert "thirty is enough" in done.stderr
    folder = run_folder(tmp_path / "out")
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "failed"
    assert "thirty is enough" in result["error"]
    assert RunLog.open(folder).table("fills").num_rows == 29
