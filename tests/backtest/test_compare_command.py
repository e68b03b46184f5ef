"""The comparison as a user runs it: a folder with a run for each model, a table, a page; and mistakes."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mm_nautilus.backtest import run_backtest
from mm_nautilus.cli import app
from mm_nautilus.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
MODELS = "glft,dynamic_volatility,symmetric"
DURATION = ["--set", "data.simulation.duration_s=180"]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    text = (ROOT / "configs" / "quickstart.toml").read_text()
    path = folder / "mine.toml"
    path.write_text(text.replace("../catalogs/simulated", str(folder / "catalogs")))
    return path


def compared(run_file: Path, output: Path, *more: str) -> tuple[str, Path]:
    """Run the command; return what it printed and the folder it wrote."""
    arguments = ["compare", str(run_file), "--models", MODELS, *DURATION, "--output", str(output), *more]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (folder,) = output.iterdir()
    return done.output, folder


def comparison_of(folder: Path) -> dict[str, Any]:
    comparison: dict[str, Any] = json.loads((folder / "comparison.json").read_text())
    del comparison["data"]["catalog"]
    return comparison


def test_every_model_runs_on_the_same_data_as_it_would_alone(tmp_path: Path, run_file: Path) -> None:
    printed, folder = compared(run_file, tmp_path / "compared")
    comparison = comparison_of(folder)
    names = [one["name"] for one in comparison["contenders"]]
    assert names == MODELS.split(",")
    results = {name: json.loads((folder / name / "result.json").read_text()) for name in names}
    assert len({json.dumps(result["data"]["instruments"]) for result in results.values()}) == 1
    assert len({result["provenance"]["data_fingerprint"] for result in results.values()}) == 1
    for (found,) in zip(*comparison["instruments"].values(), strict=True):
        assert found["pnl"] == results[found["name"]]["instruments"]["SOLUSDT.SIM"]["money"]["total"]
    # The resolved run file of a model is a run file of its own, and gives the same result.
    alone = run_backtest(folder / "symmetric" / "run.toml", output=tmp_path / "alone").result
    assert alone["instruments"] == results["symmetric"]["instruments"]
    totals = {
        name: Decimal(result["performance"]["overall"]["metrics"]["total_pnl"]["value"])
        for name, result in results.items()
    }
    for name in names[:2]:
        control = results[name]["performance"]["overall"]["benchmarks"]["symmetric"]
        assert Decimal(control["pnl"]) == totals["symmetric"], "the symmetric run is the others' control"
        assert Decimal(control["excess"]) == totals[name] - totals["symmetric"]
    assert results["symmetric"]["performance"]["overall"]["benchmarks"]["symmetric"]["pnl"] is None
    for word in ("less first", "95 % from", "the first", "comparison.html", "half_spread = 0.02, 1/k"):
        assert word in printed
    for name in names:
        assert name in (folder / "comparison.html").read_text()
        assert (folder / name / "report.html").is_file()


def test_the_same_seed_gives_the_same_comparison(tmp_path: Path, run_file: Path) -> None:
    _, one = compared(run_file, tmp_path / "one")
    _, two = compared(run_file, tmp_path / "two")
    assert comparison_of(one) == comparison_of(two)
    _, other = compared(run_file, tmp_path / "other", "--block-s", "5", "--set", "compare.symmetric.half_spread=0.03")
    changed = comparison_of(other)
    symmetric = changed["instruments"]["SOLUSDT.SIM"][2]
    assert symmetric["difference"]["block_s"] == 5.0
    assert changed["contenders"][2]["parameters"]["half_spread"] == 0.03
    assert changed["contenders"][2]["derived"] == {}


def test_a_mistake_is_found_before_anything_is_run(tmp_path: Path, run_file: Path) -> None:
    arguments = ["compare", str(run_file), "--models", "glft,glfd", "--output", str(tmp_path / "none")]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, ConfigError)
    assert "unknown model 'glfd'" in str(done.exception)
    assert not (tmp_path / "none").exists()
