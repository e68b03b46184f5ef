"""Reports drawn again, runs side by side and a moment explained, as a user asks for them; and a run that was killed."""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mm_nautilus.backtest import run_backtest
from mm_nautilus.backtest.rebuild import rebuilt
from mm_nautilus.calibration import CalibrationFile
from mm_nautilus.cli import app
from mm_nautilus.errors import DataError, ParameterError, UserError

ROOT = Path(__file__).resolve().parents[2]
DURATION = ["data.simulation.duration_s=180"]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    text = (ROOT / "configs" / "quickstart.toml").read_text()
    path = folder / "mine.toml"
    path.write_text(text.replace("../catalogs/simulated", str(folder / "catalogs")))
    return path


@pytest.fixture(scope="module")
def folder(run_file: Path) -> Path:
    return run_backtest(run_file, DURATION, output=run_file.parent / "one").run_dir


@pytest.fixture(scope="module")
def other(run_file: Path) -> Path:
    changes = ["data.simulation.duration_s=240", "strategy.gamma=2.0"]
    return run_backtest(run_file, changes, output=run_file.parent / "two").run_dir


def said(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def killed(folder: Path, target: Path) -> Path:
    """Copy a run folder as a kill would have left it: tables in parts, no result."""
    shutil.copytree(folder, target)
    for name in ("result.json", "report.html"):
        (target / name).unlink()
    for table in list((target / "log").glob("*.parquet")):
        parts = target / "log" / table.stem
        parts.mkdir()
        table.rename(parts / "part-000000.parquet")
    return target


def test_a_report_is_drawn_again_byte_for_byte(folder: Path) -> None:
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert "report.html" in said("report", folder)
    assert (folder / "report.html").read_bytes() == before


def test_runs_side_by_side_say_what_differs(folder: Path, other: Path, tmp_path: Path) -> None:
    page = tmp_path / "both.html"
    printed = said("report", folder, other, "--page", page)
    assert "strategy.gamma │ 0.5 │ 2.0" in printed
    assert "They are of different length" in printed
    html = page.read_text(encoding="utf-8")
    assert "strategy.gamma" in html
    assert 'id="equity-USDT"' in html


def test_a_killed_run_is_added_up_as_far_as_its_log_goes(folder: Path, tmp_path: Path) -> None:
    whole = json.loads((folder / "result.json").read_text())["instruments"]["SOLUSDT.SIM"]
    run = rebuilt(killed(folder, tmp_path / "killed"))
    found = run.result["instruments"]["SOLUSDT.SIM"]
    assert run.result["status"] == "cut short"
    assert 0 < found["fills"]["count"] <= whole["fills"]["count"]
    assert found["end_ns"] <= whole["end_ns"]
    lines = run.result["statement"]["USDT"]["account"]["lines"]
    assert sum(map(Decimal, lines.values())) == Decimal(found["money"]["total"])
    printed = said("report", run.run_dir)
    assert "The run never ended" in printed
    assert "The run never ended" in (run.run_dir / "report.html").read_text(encoding="utf-8")
    assert not (run.run_dir / "result.json").exists()


def test_a_file_that_was_torn_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    torn = killed(folder, tmp_path / "torn")
    part = torn / "log" / "orders" / "part-000000.parquet"
    part.write_bytes(part.read_bytes()[:100])
    assert "log/orders/part-000000.parquet is not whole and was left out." in rebuilt(torn).notices


def test_what_has_no_report_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        rebuilt(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is it the folder of a run"):
        rebuilt(tmp_path)
    bare = tmp_path / "bare"
    (bare / "log" / "fills").mkdir(parents=True)
    shutil.copy(folder / "run.toml", bare)
    with pytest.raises(DataError, match="ended before its first flush"):
        rebuilt(bare)
    with pytest.raises(UserError, match="named twice"):
        said("report", folder, folder)


def test_a_moment_is_explained(folder: Path) -> None:
    printed = said("show", folder, "--at", "+100", "--around", "5")
    for words in (
        "1 min 40 s after the start", "book seen", "quote state", "half-spread of the model",
        "moved by ladder, tick and caps", "Our orders", "resting", "What happened next", "What those fills were worth",
    ):  # fmt: skip
        assert words in printed, words
    assert said("show", folder, "--at", "00:01:40", "--around", "5") == printed
    assert said("show", folder, "--at", "2024-01-01T00:01:40", "--around", "5") == printed
    assert "WITHDRAWN" in said("show", folder, "--at", "+0", "--around", "0.1")
    with pytest.raises(ParameterError, match="which the log covers"):
        said("show", folder, "--at", "+9999")


def test_a_calibration_is_kept_with_the_run_and_shown(run_file: Path, tmp_path: Path) -> None:
    calibration = tmp_path / "made.toml"
    done = CliRunner().invoke(
        app,
        ["calibrate", str(run_file), "--set", DURATION[0], "--output", str(calibration)],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    file = CalibrationFile.load(calibration)
    assert file.bid.a_per_s is not None
    mine = tmp_path / "calibrated.toml"
    mine.write_text(run_file.read_text().replace('model = "glft"', f'model = "glft"\ncalibration = "{calibration}"'))
    run_dir = run_backtest(mine, DURATION, output=tmp_path / "runs").run_dir
    assert (run_dir / "calibration.toml").read_bytes() == calibration.read_bytes()
    html = (run_dir / "report.html").read_text(encoding="utf-8")
    assert "in sample" in html
    assert 'id="intensity-bid"' in html
