"""Which runs a stress run is made of, and what is refused before anything runs."""

from pathlib import Path
from typing import Any

import pytest

from mm_nautilus.backtest.data import simulation_of
from mm_nautilus.catalog.simulator import PRESETS, STRESS_SCENARIOS
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.stress import parse_window, stress
from mm_nautilus.stress.plan import Case, check_scenarios, scenario_cases, window_cases
from mm_nautilus.stress.scenarios import scenario_market

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "configs" / "quickstart.toml"


@pytest.fixture
def raw() -> dict[str, Any]:
    tables, problems = read_run_file(QUICKSTART)
    assert not problems
    return tables


def loaded(case: Case) -> LoadedRun:
    return load_tables(QUICKSTART, dict(case.tables))


def test_every_scenario_runs_under_every_seed_in_a_folder_of_its_own(raw) -> None:
    cases = scenario_cases(raw, PRESETS["calm"], STRESS_SCENARIOS, range(1, 4))
    assert [(case.scenario, case.seed) for case in cases] == [
        (name, seed) for name in STRESS_SCENARIOS for seed in (1, 2, 3)
    ]
    assert len({case.folder for case in cases}) == 15
    run = loaded(cases[4])
    assert run.run_file.data.simulation.seed == 2
    assert run.run_file.strategy == load_tables(QUICKSTART, raw).run_file.strategy


def test_a_case_is_a_run_file_that_makes_exactly_the_scenario_s_market(raw) -> None:
    market = PRESETS["calm"].model_copy(deep=True)
    asset = market.assets[0].model_copy(update={"price": 60.0, "sigma_price_per_sqrt_s": 0.03})
    venue = market.venues[0].model_copy(update={"step_ticks": 3, "half_spread_ticks": 4})
    market = market.model_copy(update={"assets": (asset,), "venues": (venue,)})
    (case,) = scenario_cases(raw, market, ["news_event"], [5], 900.0)
    run = loaded(case)
    made = simulation_of(run)
    assert made == scenario_market(market, "news_event", 900.0).model_copy(update={"seed": 5})
    # A market that is the preset's own needs no changes: the catalogue is shared with whoever asked for the preset.
    (plain,) = scenario_cases(raw, PRESETS["calm"], ["news_event"], [5])
    assert plain.tables["data"]["simulation"]["set"] == []


def test_what_belongs_to_the_run_s_own_data_is_left_out(raw) -> None:
    raw["data"] = {"catalog": "../catalogs/mine", "start": "2024-01-01", "chunk_size": 7}
    raw["strategy"]["book"] = "L3"
    raw["risk"] = {"interval_s": 2.0, "webhook": {"url": "https://example.org/page-me"}}
    raw["operator"] = [{"after_s": 1, "action": "halt", "reason": "a drill"}]
    (case,) = scenario_cases(raw, PRESETS["calm"], ["flash_crash"], [1])
    run = loaded(case)
    assert run.catalog == (ROOT / "catalogs" / "simulated").resolve()
    assert (run.run_file.data.start, run.run_file.data.chunk_size) == (None, 7)
    assert run.run_file.strategy["book"] == "L2"
    assert run.run_file.operator == []
    assert run.run_file.risk.webhook is None, "nobody is woken by a simulated incident"
    assert run.run_file.risk.interval_s == 2.0
    assert raw["operator"], "the tables given are not changed"
    assert raw["strategy"]["book"] == "L3"


def test_a_window_is_the_run_itself_over_a_stretch_of_its_data(raw) -> None:
    window = parse_window("2024-01-01T00:05:00..2024-01-01 00:10:00+01:00".replace("00:10:00+01:00", "00:10:00+00:00"))
    (case,) = window_cases(raw, [window])
    assert case.folder == "window-20240101T000500-20240101T001000"
    run = loaded(case)
    assert (run.run_file.data.start, run.run_file.data.end) == (window.start, window.end)
    assert run.run_file.data.simulation is not None


@pytest.mark.parametrize(
    "text", ["2024-01-01", "..", "2024-01-01..then", "2024-01-02..2024-01-01", "2024-01-01..2024-01-01"]
)
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--window"):
        parse_window(text)


def test_unknown_scenarios_and_nothing_to_run_are_refused(tmp_path: Path) -> None:
    assert check_scenarios(["news_event", "flash_crash"]) == ("flash_crash", "news_event")
    with pytest.raises(UserError, match="no such scenario; there are high_volatility"):
        check_scenarios(["meteor"])
    with pytest.raises(UserError, match="nothing to run"):
        stress(QUICKSTART, seeds=0, output=tmp_path)
    with pytest.raises(ConfigError, match=r"no preset 'calmer'; allowed are calm, "):
        stress(QUICKSTART, ["data.simulation.preset=calmer"], output=tmp_path)
    with pytest.raises(ConfigError, match=r"stress\.max_loss"):
        stress(QUICKSTART, ["stress.max_loss=-1"], output=tmp_path)
    with pytest.raises(UserError, match="--duration-s 360: flash_crash needs more than 360 s"):
        stress(QUICKSTART, duration_s=360.0, output=tmp_path)
    with pytest.raises(ConfigError, match="reach zero"):
        stress(QUICKSTART, ['data.simulation.set=["assets.SOL.price=0.1", "venues.SIM.levels=9"]'], output=tmp_path)
    assert not any(tmp_path.iterdir())
