"""The run files for real markets, from capture to result, as the README says."""

from pathlib import Path

import pytest
from money import adds_up

from mm_nautilus.backtest import run_backtest
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.spec import load_spec

ROOT = Path(__file__).resolve().parents[2]

MARKETS = {
    "binance_btcusdt_spot": ("binance_spot.toml", "binance_btc_eth_20240808", "spot_btcusdt_*.gz", []),
    "gemini_ethusd": ("gemini_ethusd.toml", "gemini_ethusd_20210701", "*.csv", ["data.end=2021-07-01T01:00:00Z"]),
    "cme_es": ("cme_es.toml", "cme_es_mbo_20231225", "esh4-*.mbo.dbn.zst", []),
}


@pytest.mark.e2e
@pytest.mark.real_data
@pytest.mark.parametrize("name", MARKETS)
def test_a_real_market_runs_to_its_end_and_its_money_adds_up(
    name: str, shared_data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec, folder, pattern, overrides = MARKETS[name]
    captures = sorted((shared_data / folder).glob(pattern))
    catalog = tmp_path / "catalog"
    ingest(load_spec(ROOT / "configs" / "ingest" / spec), captures, catalog)
    capfd.readouterr()
    changes = [f"data.catalog={catalog}", "log.level=WARNING", *overrides]
    result = run_backtest(ROOT / "configs" / f"{name}.toml", changes, output=tmp_path / "runs").result
    assert result["status"] == "completed"
    (instrument,) = result["instruments"].values()
    assert instrument["fills"]["count"] > 20
    assert instrument["fills"]["taker"] == 0
    assert instrument["inventory"]["max_share_of_limit"] <= 1
    adds_up(result)
    said = capfd.readouterr()
    ours = [line for line in (said.out + said.err).splitlines() if "WARN" in line or "ERROR" in line]
    # A quote that the market reaches first is refused by the venue: that is the post-only order doing its work.
    assert [line for line in ours if "POST_ONLY" not in line] == []
