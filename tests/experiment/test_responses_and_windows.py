"""Three run files that differ in their response alone, and data that are traded or learnt from, never both."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from mm_nautilus.analytics.quoting_time import quote_timeline
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError
from mm_nautilus.experiment.measure import away_seconds
from mm_nautilus.experiment.responses import OFF, RESPONSES, RULES, TRAINED, checked, responding
from mm_nautilus.experiment.windows import simulated, split
from mm_nautilus.host.loading import load_run, load_tables

ROOT = Path(__file__).resolve().parents[2]
RUN_FILE = ROOT / "configs" / "informed_flow.toml"


@pytest.fixture
def raw() -> dict:
    return read_run_file(RUN_FILE)[0]


def test_only_the_response_differs(raw) -> None:
    raw["strategy"]["adverse_selection"] = {"act": True, "model": "of_the_user.model", "allow_in_sample": True}
    made = {name: responding(raw, name, Path("/a/b.model"), 0.4) for name in RESPONSES}
    told = {name: tables["strategy"].pop("adverse_selection") for name, tables in made.items()}
    assert made[OFF] == made[RULES] == made[TRAINED]
    assert told[OFF] == {"act": False, "record_features": False}
    assert told[RULES] == {"act": True, "record_features": False}
    assert told[TRAINED]["model"] == "/a/b.model"
    assert told[TRAINED]["act"] is False
    assert told[TRAINED]["fill_risk"] == {"high_risk": 0.4, "low_risk": 0.0}
    assert raw["strategy"]["adverse_selection"]["model"] == "of_the_user.model", "the run file itself is left alone"


def test_the_users_own_multipliers_are_kept(raw) -> None:
    raw["strategy"]["adverse_selection"] = {"fill_risk": {"high_risk_spread_multiplier": 2.0, "high_risk": 0.9}}
    found = responding(raw, TRAINED, Path("m"), 0.4)["strategy"]["adverse_selection"]["fill_risk"]
    assert found == {"high_risk_spread_multiplier": 2.0, "high_risk": 0.4, "low_risk": 0.0}


def test_a_run_file_without_a_monitor_gets_one(raw) -> None:
    del raw["adverse_selection"]
    for name in (OFF, RULES):
        assert load_tables(RUN_FILE, responding(raw, name)).run_file.adverse_selection is not None


def test_never_high_is_a_valid_threshold(raw) -> None:
    load_tables(RUN_FILE, responding(raw, TRAINED, Path("m"), 1.0))


def test_responses_are_checked_and_ordered() -> None:
    assert checked(["trained", "rules"]) == (OFF, RULES, TRAINED)
    assert checked(["rules"]) == (OFF, RULES)
    with pytest.raises(ConfigError, match="'ruels' is no response; allowed are off, rules, trained"):
        checked(["ruels"])
    with pytest.raises(ConfigError, match="nothing to compare off to"):
        checked(["off"])


def test_simulated_markets_are_learnt_from_or_traded(raw) -> None:
    loaded = load_run(RUN_FILE)
    found = simulated(raw, loaded, 3, None, learns=True)
    seeds = [tables["data"]["simulation"]["seed"] for tables in found.trading.values()]
    assert seeds == [1, 2, 3]
    assert found.training["data"]["simulation"]["seed"] == 1001
    assert found.training["data"]["simulation"]["duration_s"] == 3600, "longer than the markets that are traded"
    shorter = simulated(raw, loaded, 3, None, 600.0, learns=True).training
    assert shorter["data"]["simulation"]["duration_s"] == 600.0
    assert "trained on: the market of seed 1001" in found.told
    with pytest.raises(ConfigError, match="--training-seed: 2 is traded; allowed is a seed below 1 or from 4 on"):
        simulated(raw, loaded, 3, 2, learns=True)
    assert "trained" not in simulated(raw, loaded, 3, None, learns=False).told


def test_recorded_data_are_cut_in_two(raw) -> None:
    first, last = 1_600_000_000_000_000_123, 1_600_000_100_000_000_123
    found = split(raw, (first, last), 0.3, learns=True)
    (trading,) = found.trading.values()
    begin, end = trading["data"]["start"], found.training["data"]["end"]
    assert begin == datetime.fromtimestamp(1_600_000_030, UTC)
    assert 0.0 < (begin - end).total_seconds() < 1e-3
    assert "end" not in trading["data"]
    assert "start" not in found.training["data"]
    (whole,) = split(raw, (first, last), 0.3, learns=False).trading.values()
    assert whole["data"] == raw["data"]


def test_time_withdrawn_is_counted_by_side() -> None:
    bid, ask = "ADVERSE_SELECTION:BID", "ADVERSE_SELECTION:ASK"
    table = decisions({0: [], 10: [bid], 40: [bid, ask], 45: ["WIDENED"]})
    assert away_seconds(quote_timeline(table, 0, 100 * 10**9)) == (35.0, 5.0)
    assert away_seconds(quote_timeline(table.slice(0, 1), 0, 100 * 10**9)) == (0.0, 0.0)


def decisions(reasons_at_s: dict[int, list[str]]) -> pa.Table:
    n = len(reasons_at_s)
    columns = {name: [[1.0]] * n for name in ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")}
    columns |= {"bid": [1.0] * n, "ask": [2.0] * n, "quote_state": ["ACTIVE"] * n}
    columns |= {"strategy_id": ["S"] * n, "instrument_id": ["I"] * n}
    columns |= {"ts_ns": [second * 10**9 for second in reasons_at_s]}
    return pa.table(columns | {"reasons": pa.array(list(reasons_at_s.values()), pa.list_(pa.string()))})
