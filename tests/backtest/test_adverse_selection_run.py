"""A whole run that watches its fills, and one that acts on what it sees."""

from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from money import adds_up

from mm_nautilus.adverse_selection.markouts import markouts
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.run import Outcome, run_backtest
from mm_nautilus.market import Side
from mm_nautilus.messages import AdverseSelectionAssessment, FillFact, MarkoutFact

ROOT = Path(__file__).resolve().parents[2]
EAGER = {"level": 0.49, "onset_level": 0.45, "full_level": 0.2, "away_level": 0.1, "min_fills": 3, "away_fills": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


def play(folder: Path, name: str, watch: dict[str, float] | None, *overrides: str) -> Outcome:
    """Run five minutes of the quickstart's market, with one in three takers informed."""
    text = (ROOT / "configs" / "quickstart.toml").read_text().replace("../catalogs/simulated", str(folder / "catalogs"))
    text = text.partition("[adverse_selection]")[0]
    if watch is not None:
        text += "\n[adverse_selection]\n" + "".join(f"{key} = {value}\n" for key, value in watch.items())
    path = folder / f"{name}.toml"
    path.write_text(text)
    market = ["data.simulation.duration_s=300", 'data.simulation.set=["venues.*.informed.share=0.3"]']
    return run_backtest(path, [*market, f"run.name={name}", *overrides], output=folder / "runs")


@pytest.fixture(scope="module")
def watched(folder: Path) -> Outcome:
    return play(folder, "watched", {})


def test_watching_changes_nothing_but_what_is_known(folder: Path, watched: Outcome) -> None:
    alone = play(folder, "alone", None)
    for table in ("fills", "decisions", "orders", "marks"):
        name = f"log/{table}.parquet"
        assert (watched.run_dir / name).read_bytes() == (alone.run_dir / name).read_bytes(), table
    assert alone.result["instruments"]["SOLUSDT.SIM"]["markouts"] is None


def test_markouts_in_the_log_are_those_of_the_quotes_in_the_catalogue(folder: Path, watched: Outcome) -> None:
    log = RunLog.open(watched.run_dir)
    fills, marked = log.messages(FillFact), log.messages(MarkoutFact)
    ts, mid = quoted_mids(folder / "catalogs")
    table = markouts(
        [fill.ts_ns for fill in fills],
        [int(Side[fill.side]) for fill in fills],
        [float(fill.size) for fill in fills],
        [float(fill.price) for fill in fills],
        ts,
        mid,
    )
    expected = {
        (fill.client_order_id, fill.trade_id, horizon): table.adverse_selection[row, column]
        for row, fill in enumerate(fills)
        for column, horizon in enumerate(table.horizons_s)
        if not np.isnan(table.adverse_selection[row, column])
    }
    found = {(one.client_order_id, one.trade_id, one.horizon_s): one.adverse_selection for one in marked}
    assert len(fills) > 50
    assert found.keys() == expected.keys()
    assert [found[key] for key in found] == pytest.approx([expected[key] for key in found], abs=1e-9)


def quoted_mids(catalog: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the path of the mid from the simulator's quotes."""
    files = sorted(str(path) for path in catalog.rglob("quote*/**/*.parquet"))
    table = ds.dataset(files).to_table().sort_by("ts_init")
    bid, ask = (np.array([float(price) for price in table[name].to_pylist()]) for name in ("bid_price", "ask_price"))
    return table["ts_init"].cast("int64").to_numpy(), 0.5 * (bid + ask)


def test_the_result_and_the_report_say_what_fills_were_worth(watched: Outcome) -> None:
    report = watched.result["instruments"]["SOLUSDT.SIM"]["markouts"]
    assert report["horizons_s"] == [1.0, 5.0, 30.0, 300.0][: len(report["horizons_s"])]
    assert set(report["groups"]) == {"side", "level", "venue", "size", "hour"}
    assert sum(one[0]["fills"] for one in report["groups"]["side"].values()) == report["all"][0]["fills"]
    page = watched.report.read_text()
    for said in ("What fills were worth later", "Are we being picked off?", "By size", "By hour (UTC)"):
        assert said in page


def test_acting_shows_in_every_decision_and_the_money_still_adds_up(folder: Path) -> None:
    outcome = play(folder, "acting", EAGER, "strategy.adverse_selection.act=true")
    adds_up(outcome.result)
    log = RunLog.open(outcome.run_dir)
    decisions = log.table("decisions").to_pydict()
    multipliers = np.array([decisions["bid_spread_multiplier"], decisions["ask_spread_multiplier"]])
    assert multipliers.max() == 1.5
    assert (multipliers.max(axis=0) > multipliers.min(axis=0)).any(), "one side alone is widened"
    assert min(decisions["bid_size_multiplier"]) == pytest.approx(0.7)
    assert "assessment" in decisions["trigger"]
    reasons = {reason for some in decisions["reasons"] for reason in some}
    assert "WIDENED" in reasons
    assert {"ADVERSE_SELECTION:BID", "ADVERSE_SELECTION:ASK"} & reasons
    assessed = log.messages(AdverseSelectionAssessment)
    until = [(one.ts_ns, end) for one in assessed for end in (one.bid_away_until_ns, one.ask_away_until_ns) if end]
    assert until
    assert all(0 < end - ts_ns <= 30 * 10**9 for ts_ns, end in until)


def test_acting_is_reproducible(folder: Path) -> None:
    one, two = (play(folder, name, EAGER, "strategy.adverse_selection.act=true") for name in ("one", "two"))
    for table in ("fills", "decisions", "orders", "markouts", "assessments"):
        name = f"log/{table}.parquet"
        assert (one.run_dir / name).read_bytes() == (two.run_dir / name).read_bytes(), table
