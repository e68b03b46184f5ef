"""The shipped portfolio run file, shortened: all members quoted, the books exact, the same again."""

from decimal import Decimal
from pathlib import Path

import pytest

from mm_nautilus.backtest.run import run_backtest
from mm_nautilus.errors import ConfigError

RUN_FILE = Path(__file__).resolve().parents[2] / "configs" / "portfolio_20.toml"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("portfolio")
    overrides = (
        f"data.catalog={folder / 'catalogs'}",
        "data.simulation.duration_s=45",
    )
    return run_backtest(RUN_FILE, overrides, output=folder / "runs"), folder, overrides


def test_every_member_is_quoted_and_the_money_adds_up(ran):
    outcome, _, _ = ran
    result = outcome.result
    assert result["status"] == "completed"
    assert len(result["instruments"]) == 20
    assert all(one["decisions"] > 0 for one in result["instruments"].values())
    money = result["total"]["USDT"]
    assert money["fills"] > 20
    (balance,) = money["balances"]
    expected = Decimal(balance["starting"]) + Decimal(balance["expected_change"])
    assert abs(Decimal(balance["final"]) - expected - Decimal(balance["booking_rounding"])) == 0
    assert all(name in result["attribution"]["instruments"] for name in result["instruments"])


def test_it_is_the_same_again_to_the_byte(ran):
    outcome, folder, overrides = ran
    again = run_backtest(RUN_FILE, overrides, output=folder / "again")
    for table in ("decisions", "fills", "orders", "marks"):
        one, two = ((place / "log" / f"{table}.parquet").read_bytes() for place in (outcome.run_dir, again.run_dir))
        assert one == two, table


def test_mistakes_are_named_with_their_place_in_the_file(tmp_path):
    wrong = (
        "strategy.members.3.limits.max_position=1e-9",
        "strategy.covariance.corelation=0.5",
        "strategy.members.7.gamma=1",
    )
    with pytest.raises(ConfigError) as caught:
        run_backtest(RUN_FILE, wrong, output=tmp_path)
    text = str(caught.value)
    assert "strategy.members.3" in text
    assert "did you mean 'correlation'" in text
    assert "strategy.members.7.gamma" in text
