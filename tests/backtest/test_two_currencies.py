"""One asset in dollars and in euros, whose rate an instrument tells: the report shows what the result adds up."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from money import adds_up

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.rate_path import RATES_FILE
from mm_nautilus.analytics.report.bands import cumulated
from mm_nautilus.analytics.report.reading import RESULT_FILE
from mm_nautilus.backtest.rebuild import rebuilt
from mm_nautilus.backtest.run import Outcome, run_backtest
from mm_nautilus.catalog.simulator import SimulationParams, simulate
from mm_nautilus.catalog.simulator.params import Asset, Hits, Venue

DOLLAR, EURO, RATE = "SOLUSDT.SIMA", "SOLEUR.SIMB", "EURUSDT.SIMC"
FEES = {"maker_rate": "-0.00005", "taker_rate": "0.0002"}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("two")
    wide = Hits(k_per_price=20.0)
    market = SimulationParams(
        duration_s=240,
        seed=4,
        assets=(Asset(name="SOL"), Asset(name="EUR", price=1.0, sigma_price_per_sqrt_s=0.0001)),
        venues=(
            Venue(venue="SIMA", bid=wide, ask=wide),
            Venue(venue="SIMB", quote_currency="EUR", bid=wide, ask=wide),
            Venue(venue="SIMC", asset="EUR", tick_price=Decimal("0.0001")),
        ),
    )
    simulate(market, folder / "catalog")
    quoted = {"a_per_s": 1.0, "k_per_price": 20.0}
    (folder / "two.toml").write_text(
        tomli_w.dumps(
            {
                "run": {"name": "two", "output": str(folder / "runs")},
                "data": {"catalog": "catalog"},
                "venues": [
                    {"name": name, "account": "CASH", "starting_balances": [money, "1000 SOL"], "fees": FEES}
                    for name, money in (("SIMA", "100000 USDT"), ("SIMB", "100000 EUR"), ("SIMC", "100000 USDT"))
                ],
                "strategy": {
                    "path": "mm_nautilus.strategies:CrossVenueMarketMaker",
                    "model": "glft",
                    "book": "L1",
                    "gamma": 0.5,
                    "order_size": 1.0,
                    "min_edge_bps": -50.0,
                    "venues": [{"instrument_id": DOLLAR}, {"instrument_id": EURO}],
                    "rates": {"EUR": RATE},
                    "intensity": quoted,
                    "limits": {"max_position": 20, "max_asset_position": 10},
                },
            }
        )
    )
    return run_backtest(folder / "two.toml")


def drawn(run_dir: Path, name: str) -> dict[str, float]:
    """Return where the bands of an instrument end."""
    run = rebuilt(run_dir)
    return {line: float(at[-1]) for line, at in cumulated(run.postings[name], np.array([run.span_ns[1]])).items()}


@pytest.mark.e2e
def test_the_bands_end_on_the_lines_of_the_result(outcome: Outcome, tmp_path: Path) -> None:
    result = outcome.result
    adds_up(result)
    rate = result["attribution"]["assets"]["SOL"]["rates"]["EUR"]
    assert rate["source"] == f"marks of {RATE}"
    assert rate["rate"] != rate["last"], "it moved"
    assert (outcome.run_dir / RATES_FILE).is_file()
    for name in (DOLLAR, EURO):
        assert result["instruments"][name]["fills"]["count"] > 10
        lines = {line: float(result["attribution"]["instruments"][name]["lines"][line]) for line in LINES}
        ends = dict.fromkeys(LINES, 0.0) | drawn(outcome.run_dir, name)
        assert ends == pytest.approx(lines)
    # A run that was killed wrote neither; its catalogue still tells the rate.
    killed = outcome.run_dir.with_name("killed")
    shutil.copytree(outcome.run_dir, killed)
    for file in (RESULT_FILE, RATES_FILE):
        (killed / file).unlink()
    run = rebuilt(killed)
    assert run.rate_paths["EUR"].source == RATE
    # What knows no rate over time splits another way what the position earned.
    blind = tmp_path / "blind"
    shutil.copytree(outcome.run_dir, blind)
    (blind / RATES_FILE).unlink()
    others, ends = drawn(blind, EURO), drawn(outcome.run_dir, EURO)
    assert others["inventory"] != pytest.approx(ends["inventory"])
    assert sum(others.values()) == pytest.approx(sum(ends.values()))
