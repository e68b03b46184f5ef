"""The sensitivity table as a user asks for it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mm_nautilus.analytics.report.section import Section
from mm_nautilus.analytics.report.sensitivity_section import read_sensitivity, sensitivity_section, verdict
from mm_nautilus.backtest import run_backtest
from mm_nautilus.cli import app
from mm_nautilus.errors import DataError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sensitivity")
    text = (ROOT / "configs" / "quickstart.toml").read_text()
    path = folder / "mine.toml"
    path.write_text(
        text.replace("../catalogs/simulated", str(folder / "catalogs")).replace("duration_s = 1800", "duration_s = 120")
    )
    return path


def asked(run_file: Path, output: Path, *more: str) -> tuple[int, str, dict[str, Any], Path]:
    done = CliRunner().invoke(
        app, ["sensitivity", str(run_file), "--output", str(output), *more], catch_exceptions=False
    )
    (folder,) = output.iterdir()
    return done.exit_code, " ".join(done.output.split()), json.loads((folder / "sensitivity.json").read_text()), folder


@pytest.mark.e2e
def test_every_assumption_is_run_and_told(tmp_path: Path, run_file: Path) -> None:
    code, printed, found, folder = asked(run_file, tmp_path / "one", "--seeds", "1", "--jobs", "2")
    assert code == 0, printed
    rows = {one["name"]: one for one in found["cases"]}
    assert list(rows) == [
        "base", "half-the-fills-removed", "latency-x0", "latency-x3", "latency-x10", "queue-off", "rebates-zero",
        "fees-worse", "seed-1",
    ]  # fmt: skip
    alone = run_backtest(run_file, output=tmp_path / "alone").result
    assert rows["base"]["pnl"] == alone["total"]["USDT"]["total"]
    # Quotes do not depend on the fee, so that case costs exactly the rebate.
    assert Decimal(rows["rebates-zero"]["change"]) == -Decimal(rows["base"]["rebates"])
    assert rows["queue-off"]["fills"] > rows["base"]["fills"]
    assert rows["half-the-fills-removed"]["fills"] == -(-rows["base"]["fills"] // 2)
    assert Decimal(rows["half-the-fills-removed"]["pnl"]) < Decimal(rows["base"]["pnl"])
    assert verdict(found) in printed
    assert "maker -0.5 bps to 0 bps, taker 5 bps to 5.5 bps" in printed
    page = (folder / "sensitivity.html").read_text()
    assert "half the fills removed" in page
    # The run as it is carries the table, for its report.
    assert read_sensitivity(folder / "base") == found
    report = (folder / "base" / "report.html").read_text()
    for one in found["cases"]:
        assert one["label"] in report
    section = sensitivity_section(found)
    assert isinstance(section, Section)
    assert len(section.charts) == 1
    again = asked(run_file, tmp_path / "two", "--seeds", "1", "--jobs", "1")[3]
    assert (again / "sensitivity.json").read_bytes() == (folder / "sensitivity.json").read_bytes()


@pytest.mark.e2e
def test_without_a_fill_the_table_says_so(tmp_path: Path, run_file: Path) -> None:
    never = ["--set", "strategy.intensity.k_per_price=0.001", "--seeds", "0"]
    code, printed, found, _ = asked(run_file, tmp_path / "one", *never)
    assert code == 0, printed
    assert found["cases"][0]["fills"] == 0
    assert found["cases"][0]["pnl_per_fill"] is None
    assert "had no fill" in printed


def case(label: str, pnl: str | None, fills: int = 5) -> dict[str, Any]:
    return {"label": label, "pnl": pnl, "fills": fills}


def test_the_sentence_names_what_the_pnl_does_not_survive() -> None:
    def said(*cases: dict[str, Any]) -> str:
        return verdict({"cases": cases})

    assert said(case("as it is", "1"), case("a", "-1"), case("b", "0"), case("c", "2"), case("d", None)) == (
        "It made money as it is, and would have lost with: a, b."
    )
    assert said(case("as it is", "1"), case("a", "2")) == "It made money as it is and under every other assumption."
    assert said(case("as it is", "-1"), case("a", "2"), case("b", "-2")) == (
        "It lost money as it is; it would have made money with: a."
    )
    assert (
        said(case("as it is", "-1"), case("a", "-2")) == "It lost money as it is and under every other assumption too."
    )
    assert said(case("as it is", None), case("a", "1")).startswith("The run as it is failed")
    assert said(case("as it is", "0", 0), case("a", "1")).startswith("The run as it is had no fill")


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert read_sensitivity(tmp_path) is None
    (tmp_path / "sensitivity.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read as a sensitivity table"):
        read_sensitivity(tmp_path)
