"""The run files for several venues, to their end: money by venue and asset, what crossed, who led."""

from decimal import Decimal
from pathlib import Path

import pytest
from money import adds_up

from mm_nautilus.backtest import run_backtest
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import load_spec

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
BINANCE = {"spot": ("spot", "BINANCE"), "usdm": ("usdm", "BINANCE_USDM"), "coinm": ("cm", "BINANCE_COINM")}
pytestmark = pytest.mark.e2e


def run(name, catalog, tmp_path, *overrides):
    changes = [f"data.catalog={catalog}", *overrides]
    outcome = run_backtest(CONFIGS / f"{name}.toml", changes, output=tmp_path / "runs")
    assert outcome.result["status"] == "completed"
    adds_up(outcome.result)
    return outcome


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return tmp_path_factory.mktemp("simulated")


def test_three_venues_recover_what_was_put_in_and_show_it(simulated, tmp_path):
    outcome = run("three_venues", simulated, tmp_path)
    result = outcome.result
    found = result["relations"]["assets"]["SOL"]
    for pair in found["pairs"]:
        assert pair["clear"]
        assert pair["lead_s"] == pytest.approx(pair["put_in_lead_s"], abs=0.1)
        assert pair["basis"] == pytest.approx(pair["put_in_basis"], abs=0.03)
    assert found["weights"]["SOLUSDT.SIMA"] == max(found["weights"].values())
    attribution = result["attribution"]["assets"]["SOL"]
    assert set(attribution["venues"]) == {"SIMA", "SIMB", "SIMC"}
    total = {line: Decimal(value) for line, value in attribution["total"].items()}
    assert total["spread_capture"] > 0 > total["hedging"]
    assert abs(total["position"]) <= 5, "netted over the venues"
    assert total["total"] + Decimal(result["total"]["USDT"]["booking_rounding"]) == Decimal(
        result["total"]["USDT"]["total"]
    )
    page = outcome.report.read_text(encoding="utf-8")
    for words in ("Where the PnL came from", "How the markets move together", "Lead put in", "Basis put in"):
        assert words in page


def test_arbitrage_takes_what_pays_and_says_why_not_the_rest(simulated, tmp_path):
    outcome = run("arbitrage", simulated, tmp_path, "data.simulation.duration_s=600")
    crossed = outcome.result["opportunities"]
    assert crossed["seen"] > crossed["episodes_taken"] > 0
    assert crossed["taken"] == crossed["done"]
    assert crossed["missed"]["FEES"] > 0
    assert Decimal(crossed["net_profit"]["USDT"]) > 0
    lines = outcome.result["attribution"]["assets"]["SOL"]["total"]
    assert Decimal(lines["arbitrage"]) + Decimal(lines["fees"]) > 0
    assert Decimal(lines["spread_capture"]) == 0, "nothing was quoted"
    page = outcome.report.read_text(encoding="utf-8")
    assert "Arbitrage in numbers" in page
    assert "Every crossing: how wide, and for how long" in page


@pytest.fixture(scope="module")
def markets(shared_data, tmp_path_factory):
    catalog = tmp_path_factory.mktemp("binance") / "catalog"
    for spec, (prefix, venue) in BINANCE.items():
        captures = sorted((shared_data / "binance_btc_eth_20240808").glob(f"{prefix}_*_20240808.gz"))
        ingest(load_spec(CONFIGS / "ingest" / f"binance_{spec}.toml", venue), captures, catalog)
    return catalog


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "asset", "limit"), [("cross_btc", "BTC", "0.05"), ("cross_eth", "ETH", "1")])
def test_spot_linear_and_inverse_run_together_and_net(markets, tmp_path, name, asset, limit):
    result = run(name, markets, tmp_path, "data.end=2024-08-08T23:57:00.033Z").result
    attribution = result["attribution"]["assets"][asset]
    assert set(attribution["venues"]) == {venue for _, venue in BINANCE.values()}
    assert attribution["currency"] == "USDT"
    assert attribution["rates"]["USD"] == {"rate": "1", "source": "stated", "last": "1"}
    assert all(one["fills"]["count"] > 0 for one in result["instruments"].values())
    # What one venue is long the others are short of, to a contract and what is not hedged yet.
    positions = {venue: Decimal(one["position"]) for venue, one in attribution["venues"].items()}
    assert abs(Decimal(attribution["total"]["position"])) <= Decimal(limit)
    assert max(map(abs, positions.values())) > abs(sum(positions.values()))
    pairs = {
        (pair["first"].split(".")[1], pair["second"].split(".")[1]): pair
        for pair in result["relations"]["assets"][asset]["pairs"]
    }
    assert pairs["BINANCE", "BINANCE_USDM"]["basis_bps"] == pytest.approx(-3.7, abs=1.0)


@pytest.mark.real_data
def test_two_brokers_share_a_clock_and_cross_for_nothing(shared_data, tmp_path):
    catalog = tmp_path / "catalog"
    for broker in ("fxcm", "oanda"):
        captures = [shared_data / "fx_eurusd_two_brokers_201405" / broker / "20140501_quote.zip"]
        ingest(load_spec(CONFIGS / "ingest" / f"fx_{broker}.toml"), captures, catalog)
    at_once = [f"venues.{place}.latency.base_ms=0" for place in (0, 1)]
    result = run("fx_two_brokers", catalog, tmp_path, "data.end=2014-05-01T12:00:00Z", *at_once).result
    (pair,) = result["relations"]["assets"]["EUR"]["pairs"]
    assert abs(pair["lead_s"]) < 1.0, "hours apart would be a time zone"
    assert pair["correlation"] > 0.7
    assert abs(pair["basis_bps"]) < 0.1
    assert result["instruments"]["EUR/USD.OANDA"]["fills"]["count"] <= 2, "no latency, and nothing to be picked off"
    edge = next(one for one in result["relations"]["assets"]["EUR"]["hedged"] if one["maker"] == "EUR/USD.OANDA")
    kept = [at["when_gone_kept"] for at in edge["edges"]]
    assert [at["latency_ms"] for at in edge["edges"]] == [0, 50, 500]
    assert kept[0] == 1.0
    assert 0.8 < kept[1] < 1.0
    assert 0.6 < kept[2] < kept[1]
