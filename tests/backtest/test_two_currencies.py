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
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.schema import TABLES
from mm_nautilus.backtest.rebuild import rebuilt
from mm_nautilus.backtest.run import Outcome, run_backtest
from mm_nautilus.catalog.simulator import SimulationParams, simulate
from mm_nautilus.catalog.simulator.params import Asset, Hits, Venue
from mm_nautilus.errors import ConfigError
from mm_nautilus.live.run import Replay, run_live

DOLLAR, EURO, RATE = "SOLUSDT.SIMA", "SOLEUR.SIMB", "EURUSDT.SIMC"
FEES = {"maker_rate": "-0.00005", "taker_rate": "0.0002"}


# The engine makes ids from the wall's clock and at random.
IDS = {"client_order_id", "venue_order_id", "trade_id"}


def written(folder: Path, book: str) -> Path:
    """Write a market and a run file on it, and return the run file."""
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
    shutil.rmtree(folder / "catalog" / "data" / "order_book_deltas" / RATE)
    quoted = {"a_per_s": 1.0, "k_per_price": 20.0}
    path = folder / "two.toml"
    path.write_text(
        tomli_w.dumps(
            {
                "run": {"name": "two", "output": str(folder / "runs")},
                "data": {"catalog": "catalog"},
                "venues": [
                    {
                        "name": name,
                        "account": "CASH",
                        "starting_balances": [money, "1000 SOL"],
                        "fees": FEES,
                        "latency": {"base_ms": 5, "cancel_ms": cancel_ms},
                    }
                    for name, money, cancel_ms in (
                        ("SIMA", "100000 USDT", 0),
                        ("SIMB", "100000 EUR", 7),
                        ("SIMC", "1 USDT", 0),
                    )
                ],
                "strategy": {
                    "path": "mm_nautilus.strategies:CrossVenueMarketMaker",
                    "model": "glft",
                    "book": book,
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
    return path


@pytest.fixture(scope="module", params=["L1", "L2"])
def run_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("two"), request.param)


@pytest.fixture(scope="module")
def outcome(run_file: Path) -> Outcome:
    return run_backtest(run_file)


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


@pytest.mark.e2e
def test_a_venue_in_another_currency_is_quoted_whatever_book_is_traded_on(outcome: Outcome) -> None:
    decisions = RunLog.open(outcome.run_dir).table("decisions", ["instrument_id", "reasons"]).to_pylist()
    euro = [one["reasons"] or "" for one in decisions if one["instrument_id"] == EURO]
    assert len(euro) > 50
    assert sum("NO_CONVERSION_RATE" in reasons for reasons in euro) < 0.2 * len(euro)
    assert RATE not in {caveat["subject"] for caveat in outcome.result["realism"]["caveats"]}


@pytest.mark.e2e
def test_a_replay_hears_the_rate_as_the_backtest_does(outcome: Outcome, run_file: Path) -> None:
    replayed = run_live(run_file, (), Replay(speed=None), output=run_file.parent / "replays")
    for name in TABLES:
        there, here = (RunLog.open(run_dir).table(name) for run_dir in (outcome.run_dir, replayed.run_dir))
        left_out = list(IDS & set(there.column_names))
        assert here.drop_columns(left_out).equals(there.drop_columns(left_out)), name
    assert replayed.result["attribution"] == outcome.result["attribution"]


@pytest.mark.e2e
def test_a_rate_without_quotes_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "L2")
    data = tmp_path / "catalog" / "data"
    shutil.copytree(data / "order_book_deltas" / EURO, data / "order_book_deltas" / RATE)
    shutil.rmtree(data / "quotes" / RATE)
    with pytest.raises(
        ConfigError, match=r"strategy\.rates: an instrument that tells a rate needs quotes; .* has deltas"
    ):
        run_backtest(path)
