"""What cannot be screened is refused by the name of its field, and what is left out is said."""

from pathlib import Path

import pytest
from sweep_kit import run_file

from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.host.loading import load_run
from mm_nautilus.sweep.plan import plan
from mm_nautilus.sweep.screening.setup import caveats_of, check, problems_of


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = run_file(tmp_path_factory.mktemp("setup"))
    text.write_text(text.read_text().replace("gamma = 0.5\n", ""))
    return text


GAMMA = "strategy.gamma=0.5"
REFUSED = {
    "strategy.model": (["strategy.model=glft_exact", GAMMA], "one of glft, symmetric, avellaneda_stoikov"),
    "strategy.volatility.estimator": ([GAMMA, "strategy.volatility.estimator=bipower"], "ewma"),
    "strategy.intensity.rolling_window_s": ([GAMMA, "strategy.intensity.rolling_window_s=60"], "left out"),
    "venues.queue_position": ([GAMMA, "venues.0.queue_position=false"], "true"),
    "venues.liquidity_consumption": ([GAMMA, "venues.0.liquidity_consumption=false"], "true"),
    "venues.fill.prob_fill_on_limit": ([GAMMA, "venues.0.fill={ prob_fill_on_limit = 0.5 }"], "1"),
    "venues.fill.prob_slippage": ([GAMMA, "venues.0.fill={ prob_slippage = 0.5 }"], "0"),
    "strategy.limits.max_daily_volume": ([GAMMA, "strategy.limits.max_daily_volume=1000000"], "left out"),
    "strategy.limits.max_asset_position": ([GAMMA, "strategy.limits.max_asset_position=20"], "left out"),
    "strategy.limits.max_venue_gross_notional": ([GAMMA, "strategy.limits.max_venue_gross_notional=9e6"], "left out"),
    "operator": (
        [GAMMA, "risk={ interval_s = 2.0 }", 'operator=[{ after_s = 1, action = "halt", reason = "a drill" }]'],
        "left out",
    ),
}


@pytest.mark.parametrize("field", REFUSED)
def test_what_cannot_be_screened_is_refused_by_its_field(field: str, path: Path) -> None:
    changes, allowed = REFUSED[field]
    loaded = load_run(path, changes)
    (problem,) = problems_of(loaded)
    assert problem.startswith(f"{field}: cannot be screened at ")
    assert problem.endswith(f"; allowed is {allowed}")
    with pytest.raises(UserError, match=field):
        check(loaded)


def test_every_mistake_is_named_at_once(path: Path) -> None:
    loaded = load_run(path, [GAMMA, "venues.0.queue_position=false", "venues.0.liquidity_consumption=false"])
    with pytest.raises(UserError, match=r"venues\.queue_position.*venues\.liquidity_consumption"):
        check(loaded)


def test_another_strategy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "from mm_nautilus.strategies import MarketMaker, MarketMakerConfig\n"
        "class MineConfig(MarketMakerConfig):\n    pass\n"
        "class Mine(MarketMaker):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    loaded = load_run(
        run_file(tmp_path),
        ["strategy.path=mine:Mine", "strategy.config_path='mm_nautilus.strategies:MarketMakerConfig'"],
    )
    (problem,) = problems_of(loaded)
    assert "strategy.path: screening plays mm_nautilus.strategies:MarketMaker, found " in problem
    assert "Mine" in problem


def test_a_point_that_cannot_be_screened_is_named_with_its_values(path: Path) -> None:
    points = [{"strategy.model": "glft"}, {"strategy.model": "glft_exact"}]
    with pytest.raises(ConfigError, match=r"model=glft_exact: strategy\.model: cannot be screened"):
        plan(path, points, [GAMMA], check=check)
    assert len(plan(path, points, [GAMMA], skip_invalid=True, check=check).tasks) == 1


def test_what_a_screened_run_leaves_out_is_said(path: Path) -> None:
    assert caveats_of(load_run(path, [GAMMA, "strategy.age.liquidate=false"])) == []
    (old,) = caveats_of(load_run(path, [GAMMA, "strategy.age.liquidate_after_s=7200"]))
    assert "older than 2 h are liquidated by the engine" in old
    risky = caveats_of(load_run(path, [GAMMA, "strategy.age.liquidate=false", "risk={ interval_s = 2.0 }"]))
    assert len(risky) == 1
    assert "[risk] is not in the screened runs" in risky[0]
